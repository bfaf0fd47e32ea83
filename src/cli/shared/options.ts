// Options that several commands take, and what follows from them.
import { totalmem } from 'node:os'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { raceBackends, setBackend, setThreads } from '../../tensor/backend.js'
import { gpuModes } from '../../tensor/backends/gpu/index.js'
import { limitMemory, memory, onMemoryFull } from '../../tensor/storage.js'
import type { QuestionRules } from '../../text/questions/question.js'
import type { DataOptions } from '../../text/rows/columns.js'
import type { SaveEvery } from '../../train/run-state.js'
import { isOfTexts, type TaskType } from '../../train/tagging/tasks.js'
import type { CommonOptions, Environment } from './command.js'
import type { Output } from './output.js'

/** Parses a whole number in [from, to]. */
export function whole(from: number, to = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const n = Number(text)
    if (!/^\d+$/.test(text) || n < from || n > to) {
      const range = to === Number.MAX_SAFE_INTEGER ? `${from} or more` : `${from} to ${to}`
      throw new InvalidArgumentError(`It must be a whole number, ${range}.`)
    }
    return n
  }
}

/** '20MB', '500kB', '1.5 GB', '12000000'. */
export function byteCount(text: string): number {
  const [, n, unit = ''] = /^(\d+(?:\.\d+)?)\s*([kmg]?b?)$/i.exec(text) ?? []
  const factor = { '': 1, k: 1e3, m: 1e6, g: 1e9 }[unit.toLowerCase().replace('b', '')]
  if (n === undefined || factor === undefined || Number(n) * factor < 1)
    throw new InvalidArgumentError('It must be a size: 20MB, 500kB.')
  return Number(n) * factor
}

/** Parses a number in [from, to]. */
export function numberIn(from: number, to: number): (text: string) => number {
  return (text) => {
    const n = Number(text)
    if (text.trim() === '' || !(n >= from && n <= to))
      throw new InvalidArgumentError(`It must be a number from ${from} to ${to}.`)
    return n
  }
}

/** 'batchSize' as it is typed: '--batch-size'. */
export const flagOf = (name: string): string =>
  name.length === 1 ? `--${name}` : `--${name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`

/**
 * Throws RangeError for the first of these options that is given although what it goes with is not: it would say nothing.
 * needed: for people, '--dev' or '--method lottery'.
 */
export function goesWith<O extends object>(
  options: O,
  names: readonly (keyof O & string)[],
  needed: string,
  there: boolean,
): void {
  if (there) return
  const name = names.find((own) => options[own] !== undefined && options[own] !== false)
  if (name !== undefined) throw new RangeError(`${flagOf(name)} goes with ${needed}`)
}

/** Of commands that read labelled texts where a file of them is named. */
export const readingNames = [
  'labels',
  'maxLength',
  'textColumn',
  'textPairColumn',
  'labelColumn',
  'delimiter',
] as const

/** A word as shells read it back. */
export const quoted = (word: string): string =>
  /^[\w./:,@+=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`

export function addCommonOptions(command: Command): Command {
  return command
    .option('--seed <n>', 'everything random follows from it', whole(0), 1)
    .option('--threads <n>', 'worker threads', whole(1, 64))
    .addOption(new Option('--backend <name>', 'where kernels run').choices(['auto', 'wasm', 'js', 'gpu']))
    .addOption(new Option('--gpu-mode <name>', 'what gpu.js computes on').choices(gpuModes))
    .option('--json', 'one JSON document on standard output', false)
    .option('--quiet', 'no progress', false)
    .option('--debug', 'show the stack of an error', false)
}

/** Bytes of memory that this process may use: the machine's, or a container's share of it. */
function machineMemory(): number {
  const constrained = process.constrainedMemory() ?? 0
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem()
}

/** What was said of the machine, for commands that others are told to type. */
export function machineWords({ threads, backend, gpuMode }: Omit<CommonOptions, 'seed' | 'json'>): string[] {
  const said = { '--threads': threads, '--backend': backend, '--gpu-mode': gpuMode }
  return Object.entries(said).flatMap(([flag, value]) => (value === undefined ? [] : [flag, String(value)]))
}

export function applyCommonOptions({ threads, backend, gpuMode }: CommonOptions): void {
  limitMemory(machineMemory())
  if (backend !== undefined || gpuMode !== undefined)
    setBackend(backend ?? 'gpu', gpuMode === undefined ? {} : { mode: gpuMode })
  if (threads !== undefined) setThreads(threads)
}

/** Of commands that train. */
export interface RunCommandOptions {
  resume: boolean
  checkpointEvery: SaveEvery
  keepCheckpoints: boolean
  tensorboard: boolean
  takeOver: boolean
  /** Of commands with teachers. */
  answers?: string
}

/** What of them the run's folder takes. */
export const stateOf = ({
  resume,
  checkpointEvery,
  keepCheckpoints,
  tensorboard,
  takeOver,
  answers,
}: RunCommandOptions): RunCommandOptions => ({
  ...{ resume, checkpointEvery, keepCheckpoints, tensorboard, takeOver },
  ...(answers !== undefined && { answers }),
})

/** '200': steps; '90s', '5m', '1h': time; 'never'. */
function saveEvery(text: string): SaveEvery {
  const [, n, unit] = /^(\d+)([smh]?)$/.exec(text) ?? []
  const number = Number(n)
  if (text === 'never') return 'never'
  if (n === undefined || number < 1 || number > 1e9)
    throw new InvalidArgumentError('It must be a number of batches, a time (90s, 5m, 1h), or never.')
  const seconds = { s: 1, m: 60, h: 3600 }[unit]
  return seconds === undefined ? { steps: number } : { ms: 1000 * seconds * number }
}

export function addRunOptions(command: Command): Command {
  return command
    .option('--resume', 'go on with the run in --out where it was ended, with the same result', false)
    .option(
      '--take-over',
      'with --resume: takes the folder from a process of another machine, which ends before it saves again',
      false,
    )
    .addOption(
      new Option('--checkpoint-every <n>', 'saves the state after so many batches, or a time: 90s, 5m; never')
        .argParser(saveEvery)
        .default({ ms: 300_000 }, '5m'),
    )
    .option('--keep-checkpoints', 'leaves the last states, with the moments of AdamW, in the folder', false)
    .option(
      '--tensorboard',
      "writes TensorBoard's event files too, as it goes: tensorboard in the folder",
      false,
    )
}

/** How long and how fast a command trains; what is not given is for the command to say. */
export interface PaceOptions {
  epochs?: number
  steps?: number
  lr?: number
  batchSize?: number
  warmup?: number
}

/** `usual`: what holds without them, for people. */
export function addPaceOptions(
  command: Command,
  usual: Record<'epochs' | 'lr' | 'batchSize' | 'warmup', string>,
  defaults: { batchSize?: number; warmup?: number; leastEpochs?: 0 } = {},
): Command {
  return command
    .option('--epochs <n>', `passes over the data; ${usual.epochs}`, whole(defaults.leastEpochs ?? 1, 10_000))
    .addOption(
      new Option('--steps <n>', 'optimizer steps in all, whatever the rows, instead of epochs')
        .argParser(whole(1, 1e9))
        .conflicts('epochs'),
    )
    .option('--lr <x>', `learning rate; ${usual.lr}`, numberIn(0, 10))
    .option('--batch-size <n>', `rows of a batch${usual.batchSize}`, whole(1, 65_536), defaults.batchSize)
    .option('--warmup <x>', `steps, or below 1 their share${usual.warmup}`, numberIn(0, 1e9), defaults.warmup)
}

/** Of commands that read data files. */
export interface DataFileOptions {
  textColumn?: string
  textPairColumn?: string
  labelColumn?: string
  delimiter?: string
  docStride?: number
  maxAnswerLength?: number
  nBest?: number
  nullThreshold?: number
}

export const questionNames = ['maxAnswerLength', 'nBest', 'nullThreshold'] as const

/** Throws RangeError for options of questions, or of windows, beside a model that has none. */
export function windowOptions(options: DataFileOptions, type: TaskType): void {
  goesWith(options, questionNames, 'a model that finds answers', type === 'spans')
  goesWith(options, ['docStride'], 'a model of words, or one that finds answers', !isOfTexts(type))
}

/** Of commands that read long texts in windows. */
export const docStrideOption = (): Option =>
  new Option(
    '--doc-stride <n>',
    'of questions and of words with tags: tokens of a text that two windows of it share; default 128, a third of short windows',
  ).argParser(whole(0, 2 ** 16))

/** Of commands that read or answer questions about texts. */
export function addQuestionOptions(command: Command): Command {
  return command
    .addOption(docStrideOption())
    .option('--max-answer-length <n>', 'tokens of an answer; default 30', whole(1, 2 ** 16))
    .option(
      '--n-best <n>',
      'beginnings and ends of answers that are tried in a window; default 20',
      whole(1, 2 ** 16),
    )
    .option(
      '--null-threshold <x>',
      'how much better than any answer none must be; default 0 where questions without answer are among the data',
      numberIn(-1e6, 1e6),
    )
}

/** One character, or the name of one that shells do not pass on. */
function delimiterOf(text: string): string {
  const named: Record<string, string> = {
    tab: '\t',
    '\\t': '\t',
    comma: ',',
    semicolon: ';',
    bar: '|',
    space: ' ',
  }
  const found = Object.hasOwn(named, text) ? named[text] : text
  if (found.length !== 1 || /["\\\r\n]/.test(found))
    throw new InvalidArgumentError('It must be one character, or tab, comma, semicolon, bar, space.')
  return found
}

/** --max-length of commands that a folder's model answers in. */
export const answerLengthOption = () =>
  new Option(
    '--max-length <n>',
    "tokens of a text; default: the folder's model_max_length, or all that the model takes",
  ).argParser(whole(2))

export function addDataOptions(command: Command, { labels = true }: { labels?: boolean } = {}): Command {
  command
    .option(
      '--text-column <name>',
      'of data files: which column is the text; without a header its place, from 1',
    )
    .option('--text-pair-column <name>', 'which column is the second text')
  if (labels) command.option('--label-column <name>', 'which column is the label')
  return command.addOption(
    new Option('--delimiter <c>', 'between the fields of .tsv and .csv: one character, or tab').argParser(
      delimiterOf,
    ),
  )
}

/** As readers of data files take them; what they have to say is said once each. */
export function dataOptions(
  { textColumn, textPairColumn, labelColumn, delimiter, ...questions }: DataFileOptions,
  output: Pick<Output, 'info'>,
): DataOptions {
  const told = new Set<string>()
  const note = (line: string) => {
    if (!told.has(line)) output.info(`note: ${line}`)
    told.add(line)
  }
  return { textColumn, textPairColumn, labelColumn, delimiter, note, questions: rulesOf(questions) }
}

/** What is asked for of questions: with a threshold there may be no answer. */
function rulesOf({ docStride, maxAnswerLength, nBest, nullThreshold }: DataFileOptions): QuestionRules {
  return {
    ...(docStride !== undefined && { docStride }),
    ...(maxAnswerLength !== undefined && { longest: maxAnswerLength }),
    ...(nBest !== undefined && { best: nBest }),
    ...(nullThreshold !== undefined && { threshold: nullThreshold, none: true }),
  }
}

/** What --on-nonfinite may say. */
export type OnNonfinite = 'stop' | 'skip'

/** Of all commands that train. */
export function nonfiniteOption(): Option {
  return new Option(
    '--on-nonfinite <what>',
    'a loss or gradient that is NaN or infinite ends the run with where it arose, or only its step is left out',
  )
    .choices(['stop', 'skip'])
    .default('stop')
}

export function answersOption(): Option {
  return new Option(
    '--answers <folder>',
    "keeps what the teacher says of the texts there, for other runs with the same teacher and texts; default: in the run's folder until it is done",
  )
}

/** Options that change nothing of what a run computes. */
export const noSettings = [
  'json',
  'quiet',
  'debug',
  'args',
  'resume',
  'checkpointEvery',
  'keepCheckpoints',
  'tensorboard',
  'takeOver',
  'answers',
]

/** What is there, by name. */
export function given(record: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const there = Object.entries(record).filter((pair): pair is [string, string] => pair[1] !== undefined)
  return Object.fromEntries(there)
}

/** Remembers how the user asked to stop; `signal` is null until then. */
export function listen(signals: Environment['signals']): { readonly signal: string | null; end(): void } {
  let signal: string | null = null
  const end = signals?.((name) => (signal = name)) ?? (() => {})
  return {
    get signal() {
      return signal
    },
    end,
  }
}

/** At the start of a long run: where a gpu is installed, whether it is taken is measured, and said. */
export function settleBackend(output: Output): void {
  const { gpu } = raceBackends()
  if (gpu !== null) output.info(`gpu: ${gpu.driver} (${gpu.mode}): ${gpu.why}`)
  onMemoryFull(() => {
    const gb = memory().reserved / 2 ** 30
    output.info(
      `warning: the ${gb.toFixed(1)} GB that threads and kernels share are full; what finds no room is computed many times slower. Take a smaller --batch-size or --max-length`,
    )
  })
}
