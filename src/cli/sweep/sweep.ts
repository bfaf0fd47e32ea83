// tinystill sweep: the same distillation with other settings and seeds, and what of the differences is more than chance.
import { availableParallelism } from 'node:os'
import { basename, join } from 'node:path'
import { type Command, Option } from 'commander'
import { TinystillError } from '../../errors.js'
import { makeFolder, writeAtomic } from '../../files/disk.js'
import { type AddingOptions, addAddingOptions, QUEUE, queueName, URL_NAME } from '../queue/place.js'
import type { CommandSpec, CommonOptions } from '../shared/command.js'
import { quoted, whole } from '../shared/options.js'
import { renderTable } from '../shared/table.js'
import { readGrid } from './grid.js'
import { throughQueue } from './queued.js'
import { sweepPage } from './report.js'
import { columnsOf, failedIn, linesOf, resultsOf, rowsOf } from './results.js'
import { checkDone, runsOf } from './runs.js'
import { workThrough } from './work.js'

interface SweepOptions extends CommonOptions, Pick<AddingOptions, 'root' | 'unsafeStore'> {
  config: string
  seeds?: number
  out: string
  jobs: number
  queue?: string
  retry: boolean
  dryRun: boolean
}

/** Of each run. None changes its result. */
function moreOf({ jobs, threads, backend, gpuMode }: SweepOptions): string[] {
  const share = threads ?? Math.max(1, Math.floor(availableParallelism() / jobs))
  return [
    ...['--threads', String(share)],
    ...(backend === undefined ? [] : ['--backend', backend]),
    ...(gpuMode === undefined ? [] : ['--gpu-mode', gpuMode]),
  ]
}

/** Whoever works through the queue says how much it takes at once. */
function checkQueued(options: SweepOptions): void {
  const { jobs, threads, backend, gpuMode } = options
  const given = { '--threads': threads, '--backend': backend, '--gpu-mode': gpuMode }
  const [mine] = Object.entries(given).flatMap(([flag, value]) => (value === undefined ? [] : [flag]))
  const flag = jobs > 1 ? '--jobs' : mine
  if (flag !== undefined)
    throw new RangeError(`${flag} does not go with --queue: it is for tinystill work to say`)
}

export const sweepCommand: CommandSpec<SweepOptions> = {
  name: 'sweep',
  describe: 'Distil with many settings and seeds, on one machine or several, and compare them',
  options: (command: Command) =>
    addAddingOptions(command, 'with --queue, --config and --out')
      .requiredOption(
        '--config <file>',
        'YAML or JSON: { data, models, seeds, baseline, distill: { ... }, grid: { option: [values] }, settings: [{ name, ... }] }',
      )
      .option(
        '--seeds <n>',
        'of each setting, from --seed on; default: those of the file, else 1',
        whole(1, 100),
      )
      .requiredOption(
        '--out <dir>',
        'folder for results.json, report.html and the runs; several processes may share it',
      )
      .option(
        '--jobs <n>',
        'runs at once in this process, which share the cores unless --threads says how many each has',
        whole(1, 64),
        1,
      )
      .addOption(
        new Option(
          '--queue [name]',
          `puts the runs into a job queue for tinystill work, and waits; its address is ${URL_NAME} of the environment, its name by default ${QUEUE}`,
        )
          .preset(QUEUE)
          .argParser(queueName),
      )
      .option('--retry', 'once more what failed before', false)
      .option('--dry-run', 'checks the file and prints the commands as they would be typed', false)
      .option('--resume', 'as it does without: what is done stays, what was cut off goes on', false),
  run: async (options, context) => {
    const { config, out, seed, seeds, jobs, queue, retry, dryRun } = options
    const { output } = context
    if (queue !== undefined) checkQueued(options)
    const grid = readGrid(config, { seed, seeds })
    const runs = runsOf(grid, out)
    if (dryRun) {
      for (const { words } of runs) output.print(['tinystill', ...words].map(quoted).join(' '))
      output.json({ commands: runs.map(({ words }) => words) })
      return
    }
    makeFolder(out)
    checkDone(runs)
    if (queue === undefined) await workThrough(runs, { jobs, retry, more: moreOf(options) }, context)
    else await throughQueue(runs, { ...options, queue }, context)
    const results = resultsOf(grid, runs)
    writeAtomic(join(out, 'results.json'), `${JSON.stringify(results, null, 2)}\n`)
    writeAtomic(join(out, 'report.html'), sweepPage(results, `Sweep of ${basename(config)}`))
    output.print(
      renderTable(
        columnsOf(results).map((title, i) => ({ title, align: i === 0 || i > 6 ? 'left' : 'right' })),
        rowsOf(results),
      ),
    )
    for (const line of linesOf(results)) output.print(line)
    output.print(`${out}: results.json, report.html, and each run in runs`)
    output.json(results)
    const failed = failedIn(results)
    if (failed.length > 0)
      throw new TinystillError(
        `sweep: ${failed.length} of ${runs.length} runs failed: ${failed
          .slice(0, 3)
          .map(({ name, reason }) => `${name}: ${reason}`)
          .join('; ')}${failed.length > 3 ? '; ...' : ''}`,
        'Mend that, and run the same command with --retry: what is done stays',
      )
  },
}
