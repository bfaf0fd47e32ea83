// What the tasks of tinystill train differ in: their data, the head they need, the loss, and how results are judged.

import { DataError } from '../../errors.js'
import { readTexts, type TextSet } from '../../files/data/texts.js'
import type { Started, StartOptions } from '../../files/models/start.js'
import type { DataSet } from '../../nn/data.js'
import type { ProblemType } from '../../nn/models/config.js'
import type { TextInput } from '../../nn/models/input.js'
import { textData } from '../../text/dataset.js'
import { trainingLength } from '../../text/encoding.js'
import { labelFinder } from '../../text/labels.js'
import type { DataOptions } from '../../text/rows/columns.js'
import { balancedWeights } from '../../train/labels.js'
import { calibration, confusion } from '../../train/metrics.js'
import { labelFacts } from '../../train/outputs/label-facts.js'
import { type Classifier, predictInTurns } from '../../train/predict.js'
import type { Figures, FitResult } from '../../train/reports.js'
import { tasks, train } from '../../train/tasks.js'
import type { FitOptions } from '../../train/trainer.js'
import { cutLines, lengthsLine, rowsLine } from '../shared/data-report.js'
import type { Progress } from '../shared/progress.js'
import type { RunResult } from '../shared/run-folder.js'
import { count } from '../shared/table.js'
import { classesFor, knownNames } from './classes.js'
import { problemTypeOf, type TrainOptions } from './options.js'

export interface TaskPlan {
  start: StartOptions
  /** What people should know before the start. */
  notes?: readonly string[]
  /** How far judging is goes to `progress`. */
  prepare(started: Started, progress: Progress): PreparedTask
}

export interface PreparedTask {
  /** What people should know before it starts. */
  notes: readonly string[]
  /** Tokens of a text. */
  maxLength: number
  /** What is learnt from, for people. */
  data: readonly string[]
  fit(options: FitOptions): Promise<FitResult>
  /** By the set they were measured on. */
  figures(): Promise<Record<string, Figures>>
  report(): RunResult['report']
}

const WORD_METRICS = ['loss', 'perplexity', 'accuracy']

/** What --metric may name, the default first. Before hours of training, not after. */
export function metricOf({ task, metric }: TrainOptions): string {
  const type = problemTypeOf[task]
  const names = type === null ? WORD_METRICS : tasks[type].metrics
  if (metric === undefined) return names[0]
  if (names.includes(metric)) return metric
  throw new RangeError(`--metric ${metric}: figures of ${task} are ${names.join(', ')}`)
}

export const lengthFor = ({ maxLength }: TrainOptions, { model, tokenizer }: Started) => {
  const most = model.config.maxLength
  if (maxLength !== undefined && maxLength > most)
    throw new RangeError(`--max-length ${maxLength}: the model takes at most ${most}`)
  return maxLength ?? trainingLength([tokenizer], most)
}

function weightsOf({ classWeights }: TrainOptions, { labelNames: names, labels }: TextSet) {
  if (classWeights === undefined) return {}
  if (classWeights === 'balanced')
    return { classWeights: labels ? balancedWeights(labels, names.length) : ('balanced' as const) }
  const weights = classWeights.split(',').map(Number)
  if (weights.length !== names.length || !weights.every((w) => w >= 0))
    throw new RangeError(`--class-weights: needs a number from 0 on for each of ${names.join(', ')}`)
  return { classWeights: weights }
}

/** Classes or numbers of texts. */
export function classifyTask(options: TrainOptions, reading: DataOptions): TaskPlan {
  const type = problemTypeOf[options.task] ?? 'single_label_classification'
  const { labels } = tasks[type]
  const known = knownNames(options, type)
  const read = readTexts(options.train, { ...reading, labels, ...(known && { labelNames: known }) })
  if (labels === 'classes' && read.labelNames.length < 2)
    throw new DataError(
      options.train,
      `has one class only, ${read.labelNames[0]}`,
      'A classifier needs two or more',
    )
  const classes = classesFor(options, type, read.labelNames)
  const labelNames = classes.names
  const set = inOrder(read, labelNames)
  const more = (file: string | undefined) =>
    file === undefined ? null : readTexts(file, { ...reading, labels, labelNames })
  const sets = { train: set, dev: more(options.dev), test: more(options.test) }
  return {
    start: {
      as: 'sequence-classification',
      labels: labelNames,
      newHead: classes.newHead,
      problemType: type,
      texts: set.texts,
    },
    notes: classes.notes,
    prepare: (started, progress) => prepareClassifier(options, type, sets, started, progress),
  }
}

/** The same rows with their labels counted as `names` has them. */
function inOrder(set: TextSet, names: readonly string[]): TextSet {
  if (set.labels === null) return set
  const places = set.labelNames.map(labelFinder(names)) as number[]
  return { ...set, labelNames: names, labels: set.labels.map((label) => places[label]) }
}

interface Judged {
  logits: Float32Array
  figures: Figures
}

export type Held = 'dev' | 'test'

/** Tells how far the judging of a set is. */
export const judging = (progress: Progress, name: Held, rows: number) => (done: number) =>
  progress.aside(`judging ${name}`, done, rows)

type Sets = Record<'train', TextSet> & Record<'dev' | 'test', TextSet | null>

function prepareClassifier(
  options: TrainOptions,
  type: ProblemType,
  sets: Sets,
  started: Started,
  progress: Progress,
): PreparedTask {
  const task = tasks[type]
  const { tokenizer } = started
  const model = started.model as unknown as Classifier<TextInput>
  const maxLength = lengthFor(options, started)
  const { labelNames: names } = sets.train
  const data = ({ texts, pairs, labels, targets }: TextSet) =>
    textData(texts, labels, tokenizer, maxLength, { pairs, targets })
  const dataOf = {
    train: data(sets.train),
    dev: sets.dev && data(sets.dev),
    test: sets.test && data(sets.test),
  }
  const judge = async (name: Held): Promise<Judged> => {
    const set = dataOf[name] as DataSet<TextInput>
    const logits = await predictInTurns(model, set, {
      batchSize: 64,
      onBatch: judging(progress, name, set.size),
    })
    return { logits, figures: task.judge(logits, set, names).figures }
  }
  const held = (['dev', 'test'] as const).flatMap((name) => {
    const [set, own] = [sets[name], dataOf[name]]
    if (set === null || own === null) return []
    const file = options[name] as string
    return [rowsLine(file, set), ...cutLines({ ...set, file }, own, tokenizer, maxLength)]
  })
  const metric = metricOf(options)
  const weights = weightsOf(options, sets.train)
  const judged = new Map<Held, Judged>()
  return {
    notes: labelFacts(task.labels, dataOf.train, names),
    maxLength,
    data: [
      rowsLine(options.train, sets.train),
      lengthsLine(sets.train, dataOf.train, tokenizer, maxLength),
      ...held,
    ],
    fit: (fit) =>
      train(model, dataOf.train, {
        ...fit,
        task: type,
        ...weights,
        ...(options.labelSmoothing > 0 && { labelSmoothing: options.labelSmoothing }),
        ...(dataOf.dev && { metric, evaluate: async () => (await judge('dev')).figures }),
      }),
    figures: async () => {
      for (const name of ['dev', 'test'] as const) if (dataOf[name]) judged.set(name, await judge(name))
      return Object.fromEntries(Array.from(judged, ([name, { figures }]) => [name, figures]))
    },
    report: () => {
      const rows = count(dataOf.train.size)
      const intro = `${options.model}, trained on ${rows} rows of ${options.train} to give ${task.gives(names)} for each text.`
      const name = judged.has('test') ? 'test' : 'dev'
      const [set, result] = [dataOf[name], judged.get(name)]
      const labels = set?.labels
      if (!labels || result === undefined) return { title: options.out, intro }
      return {
        ...{ title: options.out, intro, calibration: calibration(result.logits, labels, names.length) },
        confusion: { classes: names, table: confusion(result.logits, labels, names.length) },
      }
    },
  }
}
