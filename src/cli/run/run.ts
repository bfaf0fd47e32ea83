// tinystill run: an experiment, which is commands one after the other, from one file. Every command goes on with what it left:
// a step that is done is passed over, one that was cut off goes on, one whose settings or data have changed is refused.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { mean } from '../../distill/verdict.js'
import { TinystillError } from '../../errors.js'
import { makeFolder, writeAtomic } from '../../files/disk.js'
import { hashFiles } from '../../files/hash.js'
import { readFields } from '../../files/json-file.js'
import { collect } from '../../train/pace.js'
import type { Figures } from '../../train/reports.js'
import { augmentCommand } from '../augment/augment.js'
import { writtenAs } from '../augment/file.js'
import { distillCommand } from '../distill/distill.js'
import { evalCommand } from '../eval.js'
import { labelCommand } from '../label/label.js'
import { exportCommand } from '../onnx/export.js'
import { pruneCommand } from '../prune/prune.js'
import { quantizeCommand } from '../quantize/quantize.js'
import type { CommandSpec, CommonOptions, Context } from '../shared/command.js'
import { shownFigure } from '../shared/figures.js'
import { machineWords, quoted } from '../shared/options.js'
import { identityOf } from '../shared/run-identity.js'
import { renderTable } from '../shared/table.js'
import { shrinkCommand } from '../shrink/shrink.js'
import { trainCommand } from '../train/train.js'
import { type Experiment, readExperiment, type Step } from './experiment.js'
import { parsed, wordsOf } from './words.js'

interface RunOptions extends CommonOptions {
  args: string[]
  dryRun: boolean
  resume: boolean
}

interface StepKind {
  spec: CommandSpec<never>
  /** A folder, a file like its data, or figures in a file. */
  gives: 'folder' | 'texts' | 'figures'
  /** Does its work at once, so that nothing of it can be gone on with: that it is done stands beside its folder. */
  atOnce?: true
}

/** What can be a step. */
const steps: Readonly<Record<string, StepKind>> = {
  train: { spec: trainCommand, gives: 'folder' },
  label: { spec: labelCommand, gives: 'folder' },
  augment: { spec: augmentCommand, gives: 'texts' },
  distill: { spec: distillCommand, gives: 'folder' },
  prune: { spec: pruneCommand, gives: 'folder' },
  shrink: { spec: shrinkCommand, gives: 'folder', atOnce: true },
  quantize: { spec: quantizeCommand, gives: 'folder', atOnce: true },
  export: { spec: exportCommand, gives: 'folder', atOnce: true },
  eval: { spec: evalCommand, gives: 'figures' },
}

export interface Planned {
  step: Step
  seed: number
  /** Where its result is. */
  out: string
  /** As it would be typed. */
  words: string[]
  options: CommonOptions
}

/** Every step for every seed, its options checked. Throws DataError. */
export function planOf(experiment: Experiment): Planned[] {
  const { seeds, out } = experiment
  return seeds.flatMap((seed) => {
    const results = new Map<string, string>()
    const folder = seeds.length === 1 ? out : join(out, `seed-${seed}`)
    return experiment.steps.map((step): Planned => {
      const { spec, gives, atOnce } = steps[step.command]
      const place = { experiment, step, results, where: `steps.${step.name}` }
      const own = wordsOf(spec, place)
      const path = join(folder, step.name + endingOf(gives, own))
      const more = gives === 'figures' ? [] : ['--out', path]
      const words = [...own, ...more, '--seed', String(seed)]
      const again = gives === 'figures' || atOnce ? [] : ['--resume']
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

/** All steps as they would be typed, on a machine that is used as here. */
export const typed = (plan: readonly Planned[], options: CommonOptions): string[][] =>
  plan.map(({ words }) => [...words, ...machineWords(options)])

async function run(options: RunOptions, context: Context): Promise<void> {
  const [file] = options.args
  const { output } = context
  const experiment = readExperiment(file, Object.keys(steps), options.seed)
  const plan = planOf(experiment)
  if (options.dryRun) {
    const commands = typed(plan, options)
    for (const words of commands) output.print(['tinystill', ...words].map(quoted).join(' '))
    output.json({ commands })
    return
  }
  await runPlanned(experiment, plan, options, context)
  present(experiment, plan, context)
}

/** All steps in their order. What is done is passed over, so that whoever was cut off calls again. */
export async function runPlanned(
  experiment: Experiment,
  plan: readonly Planned[],
  options: Pick<CommonOptions, 'json' | 'quiet'>,
  context: Context,
): Promise<void> {
  const { output } = context
  const n = experiment.steps.length
  for (const [i, planned] of plan.entries()) {
    const { step, seed } = planned
    const of = experiment.seeds.length === 1 ? '' : `seed ${seed}, `
    output.info(`${of}step ${(i % n) + 1} of ${n}: ${step.command} ${step.name}`)
    try {
      await runStep(planned, options, context)
    } catch (error) {
      if (!(error instanceof TinystillError || error instanceof RangeError)) throw error
      const named = new TinystillError(`${experiment.file}: step ${step.name}: ${error.message}`)
      // For --debug: where it arose, not where it got its name.
      throw Object.assign(named, { stack: `${named.message}\n${error.stack}` })
    }
    // What the step held is dead by now, and the next one needs the room.
    await collect()
  }
}

/** Options that name what a step reads, where it does its work at once. */
const DATA = ['data', 'train', 'dev', 'test', 'calibration', 'vocabulary']
const MODELS = ['model', 'teacher']

/** What the result of a step that does its work at once follows from. */
function identityOfStep({ step, seed, options }: Planned) {
  const named = (names: readonly string[]): [string, string[]][] =>
    Object.entries(options).flatMap(([name, value]) =>
      names.includes(name) && value !== undefined ? [[name, [value].flat().map(String)]] : [],
    )
  return identityOf({
    ...{ command: step.command, seed, options: { ...options } },
    data: Object.fromEntries(named(DATA).map(([name, files]) => [name, hashFiles(files)])),
    models: Object.fromEntries(named(MODELS).map(([name, [folder]]) => [name, folder])),
  })
}

/** Where it stands that such a step is done, with what and with which figures. */
const recordOf = ({ step, out }: Planned): string => (steps[step.command].atOnce ? `${out}.json` : out)

async function runStep(
  planned: Planned,
  { json, quiet }: Pick<CommonOptions, 'json' | 'quiet'>,
  context: Context,
): Promise<void> {
  const { step, out, options } = planned
  const { spec, gives, atOnce } = steps[step.command]
  const output = { ...context.output, json: () => {} }
  const start = (own: Context) => spec.run({ ...options, json, quiet, args: [] } as never, own)
  if (gives !== 'figures' && !atOnce) return start({ ...context, output })
  const identity = identityOfStep(planned)
  const record = recordOf(planned)
  const before = existsSync(record) && existsSync(out) ? readFields(record).get('identity') : null
  // Through JSON both: what is undefined is left out, and maps and fields are plain.
  if (before !== null && JSON.stringify(plainOf(before)) === JSON.stringify(plainOf(identity))) {
    output.print(atOnce ? `${out}: is done` : `${out}: these figures are there`)
    return
  }
  let said: unknown = null
  makeFolder(join(out, '..'))
  await start({ ...context, output: { ...output, json: (doc) => (said = doc) } })
  const figures = atOnce ? ((said as { figures?: { after?: unknown } } | null)?.figures?.after ?? null) : said
  writeAtomic(record, `${JSON.stringify({ identity, figures }, null, 2)}\n`)
}

const plainOf = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

/** The figures that a step left, of the set that says most; null where it has none. */
function figuresOf(planned: Planned): { set: string; figures: Figures } | null {
  const { step, out } = planned
  const { gives, atOnce = false } = steps[step.command]
  if (gives === 'texts' || step.command === 'label') return null
  const told = gives === 'figures' || atOnce
  const figures = plainOf(
    readFields(told ? recordOf(planned) : join(out, 'run.json')).get('figures'),
  ) as Record<string, Figures> | null
  if (figures === null) return null
  if (told) return { set: '', figures: figures as unknown as Figures }
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
