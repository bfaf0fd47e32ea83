// tinystill run: an experiment, which is commands one after the other, from one file. Every command goes on with what it left:
// a step that is done is passed over, one that was cut off goes on, one whose settings or data have changed is refused.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { mean } from '../../distill/verdict.js'
import { TinystillError } from '../../errors.js'
import { makeFolder, writeAtomic } from '../../files/disk.js'
import { hashFile } from '../../files/hash.js'
import { readFields } from '../../files/json-file.js'
import { collect } from '../../train/pace.js'
import type { Figures } from '../../train/reports.js'
import { augmentCommand } from '../augment/augment.js'
import { writtenAs } from '../augment/file.js'
import { distillCommand } from '../distill/distill.js'
import { evalCommand } from '../eval.js'
import { labelCommand } from '../label/label.js'
import { pruneCommand } from '../prune/prune.js'
import type { CommandSpec, CommonOptions, Context } from '../shared/command.js'
import { shownFigure } from '../shared/figures.js'
import { quoted } from '../shared/options.js'
import { identityOf } from '../shared/run-identity.js'
import { renderTable } from '../shared/table.js'
import { trainCommand } from '../train/train.js'
import { type Experiment, readExperiment, type Step } from './experiment.js'
import { parsed, wordsOf } from './words.js'

interface RunOptions extends CommonOptions {
  args: string[]
  dryRun: boolean
  resume: boolean
}

/** What can be a step, and what its result is: a folder, a file like its data, or figures in a file. */
const steps: Readonly<Record<string, { spec: CommandSpec<never>; gives: 'folder' | 'texts' | 'figures' }>> = {
  train: { spec: trainCommand, gives: 'folder' },
  label: { spec: labelCommand, gives: 'folder' },
  augment: { spec: augmentCommand, gives: 'texts' },
  distill: { spec: distillCommand, gives: 'folder' },
  prune: { spec: pruneCommand, gives: 'folder' },
  eval: { spec: evalCommand, gives: 'figures' },
}

interface Planned {
  step: Step
  seed: number
  /** Where its result is. */
  out: string
  /** As it would be typed. */
  words: string[]
  options: CommonOptions
}

/** Every step for every seed, its options checked. Throws DataError. */
function planOf(experiment: Experiment): Planned[] {
  const { seeds, out } = experiment
  return seeds.flatMap((seed) => {
    const results = new Map<string, string>()
    const folder = seeds.length === 1 ? out : join(out, `seed-${seed}`)
    return experiment.steps.map((step): Planned => {
      const { spec, gives } = steps[step.command]
      const place = { experiment, step, results }
      const own = wordsOf(spec, place)
      const path = join(folder, step.name + endingOf(gives, own))
      const more = gives === 'figures' ? [] : ['--out', path]
      const words = [...own, ...more, '--seed', String(seed)]
      const again = gives === 'figures' ? [] : ['--resume']
      const options = parsed(spec, [...words, ...again], place)
      if (gives !== 'figures') results.set(step.name, path)
      return { step, seed, out: path, words: [step.command, ...words], options }
    })
  })
}

/** Of the file that a step makes: texts are written as the data that they come from. */
function endingOf(gives: 'folder' | 'texts' | 'figures', words: readonly string[]): string {
  if (gives === 'folder') return ''
  if (gives === 'figures') return '.json'
  const data = words[words.indexOf('--data') + 1] ?? ''
  return `.${data === '' ? 'tsv' : writtenAs(data)}`
}

async function run(options: RunOptions, context: Context): Promise<void> {
  const [file] = options.args
  const { output } = context
  const experiment = readExperiment(file, Object.keys(steps), options.seed)
  const plan = planOf(experiment)
  if (options.dryRun) {
    for (const { words } of plan) output.print(['tinystill', ...words].map(quoted).join(' '))
    output.json({ commands: plan.map(({ words }) => words) })
    return
  }
  const n = experiment.steps.length
  for (const [i, planned] of plan.entries()) {
    const { step, seed } = planned
    const of = experiment.seeds.length === 1 ? '' : `seed ${seed}, `
    output.info(`${of}step ${(i % n) + 1} of ${n}: ${step.command} ${step.name}`)
    try {
      await runStep(planned, options, context)
    } catch (error) {
      if (!(error instanceof TinystillError || error instanceof RangeError)) throw error
      const named = new TinystillError(`${file}: step ${step.name}: ${error.message}`)
      // For --debug: where it arose, not where it got its name.
      throw Object.assign(named, { stack: `${named.message}\n${error.stack}` })
    }
    // What the step held is dead by now, and the next one needs the room.
    await collect()
  }
  present(experiment, plan, context)
}

async function runStep(planned: Planned, { json, quiet }: RunOptions, context: Context): Promise<void> {
  const { step, out, options } = planned
  const { spec, gives } = steps[step.command]
  const output = { ...context.output, json: () => {} }
  const start = (own: Context) => spec.run({ ...options, json, quiet, args: [] } as never, own)
  if (gives !== 'figures') return start({ ...context, output })
  const { data, model } = options as CommonOptions & { data: string; model: string }
  const identity = identityOf({
    ...{ command: step.command, seed: planned.seed, options: { ...options } },
    ...{ data: { data: hashFile(data) }, models: { model } },
  })
  const before = existsSync(out) ? readFields(out).get('identity') : null
  // Through JSON both: what is undefined is left out, and maps and fields are plain.
  if (before !== null && JSON.stringify(plainOf(before)) === JSON.stringify(plainOf(identity))) {
    output.print(`${out}: these figures are there`)
    return
  }
  let figures: unknown = null
  await start({ ...context, output: { ...output, json: (doc) => (figures = doc) } })
  makeFolder(join(out, '..'))
  writeAtomic(out, `${JSON.stringify({ identity, figures }, null, 2)}\n`)
}

const plainOf = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

/** The figures that a step left, of the set that says most; null where it has none. */
function figuresOf({ step, out }: Planned): { set: string; figures: Figures } | null {
  const { gives } = steps[step.command]
  if (gives === 'texts' || step.command === 'label') return null
  const file = gives === 'figures' ? out : join(out, 'run.json')
  const figures = plainOf(readFields(file).get('figures')) as Record<string, Figures>
  if (gives === 'figures') return { set: '', figures: figures as unknown as Figures }
  const set = ['test', 'dev'].find((name) => figures[name] !== undefined)
  return set === undefined ? null : { set: `${set} `, figures: figures[set] }
}

/** A line for each step: where its result is, and its first figure for each seed. */
function present(experiment: Experiment, plan: readonly Planned[], { output }: Context): void {
  const { seeds, out } = experiment
  const told = experiment.steps.map((step) => ({
    step,
    runs: plan.filter((own) => own.step === step).map((own) => ({ ...own, found: figuresOf(own) })),
  }))
  const rows = told.map(({ step, runs }) => {
    const [first] = runs
    const name = Object.keys(first.found?.figures ?? {})[0]
    const values = runs.map(({ found }) => found?.figures[name] ?? Number.NaN)
    const each = values.map((x) => shownFigure(name, x)).join(', ')
    const figure = first.found === null ? '' : `${first.found.set}${name} ${each}`
    const where =
      seeds.length === 1
        ? first.out
        : join(out, 'seed-*', first.out.slice(join(out, `seed-${seeds[0]}`).length + 1))
    return [
      step.name,
      step.command,
      where,
      figure + (seeds.length > 1 && figure ? `, mean ${shownFigure(name, mean(values))}` : ''),
    ]
  })
  output.print(
    renderTable(
      ['step', 'command', 'result', 'figure'].map((title) => ({ title })),
      rows,
    ),
  )
  output.json({
    ...{ experiment: experiment.file, out, seeds },
    steps: told.map(({ step: { name, command }, runs }) => ({
      ...{ name, command },
      runs: runs.map(({ seed, out: own, found }) => ({
        seed,
        out: own,
        ...(found && { figures: found.figures }),
      })),
    })),
  })
}

export const runCommand: CommandSpec<RunOptions> = {
  name: 'run',
  describe: 'Run a whole experiment from a file: models, data, and commands one after the other',
  options: (command: Command) =>
    command
      .argument('<file>', 'YAML or JSON: { data, models, seeds, out, steps: [{ name, command, ... }] }')
      .option('--dry-run', 'checks the file and prints the commands as they would be typed', false)
      .option('--resume', 'as it does without: what is done is passed over, what was cut off goes on', false),
  run,
}
