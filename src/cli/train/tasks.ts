// What the tasks of tinystill train differ in: their data, the head they need, the loss, and how results are judged.

import { DataError } from '../../errors.js'
import { readTexts, streamTexts, type TextSet } from '../../files/data/texts.js'
import type { Started, StartOptions } from '../../files/models/start.js'
import type { DataSet } from '../../nn/data.js'
import type { TextInput } from '../../nn/models/input.js'
import { corpusData } from '../../text/corpus.js'
import { textData } from '../../text/dataset.js'
import { maskingOf } from '../../text/masking.js'
import type { DataOptions } from '../../text/rows/columns.js'
import { balancedWeights, train } from '../../train/labels.js'
import { maskedFigures, trainMasked, type WordGuesser } from '../../train/masked.js'
import { calibration, classification, confusion } from '../../train/metrics.js'
import { type Classifier, predict } from '../../train/predict.js'
import { regression } from '../../train/regression.js'
import type { Figures, FitResult } from '../../train/reports.js'
import type { FitOptions } from '../../train/trainer.js'
import { lengthsLine, rowsLine } from '../shared/data-report.js'
import type { RunResult } from '../shared/run-folder.js'
import { count } from '../shared/table.js'
import type { TrainOptions } from './options.js'

export interface TaskPlan {
  start: StartOptions
  prepare(started: Started): PreparedTask
}

export interface PreparedTask {
  /** Tokens of a text. */
  maxLength: number
  /** What is learnt from, for people. */
  data: readonly string[]
  fit(options: FitOptions): Promise<FitResult>
  /** By the set they were measured on. */
  figures(): Record<string, Figures>
  report(): RunResult['report']
}

const DEFAULT_LENGTH = 128

/** What --metric may name, the default first. */
const metrics = {
  classify: ['accuracy', 'f1', 'matthews', 'ece', 'loss'],
  regress: ['spearman', 'pearson', 'mse'],
  mlm: ['loss', 'perplexity', 'accuracy'],
} as const

/** Before hours of training, not after. */
function metricOf({ task, metric = metrics[task][0] }: TrainOptions): string {
  const names: readonly string[] = metrics[task]
  if (names.includes(metric)) return metric
  throw new RangeError(`--metric ${metric}: figures of ${task} are ${names.join(', ')}`)
}

const lengthFor = ({ maxLength }: TrainOptions, { model }: Started) => {
  const most = model.config.maxLength
  if (maxLength !== undefined && maxLength > most)
    throw new RangeError(`--max-length ${maxLength}: the model takes at most ${most}`)
  return maxLength ?? Math.min(DEFAULT_LENGTH, most)
}

function weightsOf({ classWeights }: TrainOptions, names: readonly string[], labels: Int32Array) {
  if (classWeights === undefined) return {}
  if (classWeights === 'balanced') return { classWeights: balancedWeights(labels, names.length) }
  const weights = classWeights.split(',').map(Number)
  if (weights.length !== names.length || !weights.every((w) => w >= 0))
    throw new RangeError(`--class-weights: needs a number from 0 on for each of ${names.join(', ')}`)
  return { classWeights: weights }
}

/** Classes or numbers of texts. */
export function classifyTask(options: TrainOptions, reading: DataOptions): TaskPlan {
  const numbers = options.task === 'regress'
  const kind = numbers ? 'numbers' : 'classes'
  const set = readTexts(options.train, { ...reading, labels: kind })
  const { labelNames } = set
  if (!numbers && labelNames.length < 2)
    throw new DataError(
      options.train,
      `has one class only, ${labelNames[0]}`,
      'A classifier needs two or more',
    )
  const more = (file: string | undefined) =>
    file === undefined ? null : readTexts(file, { ...reading, labels: kind, ...(!numbers && { labelNames }) })
  const sets = { train: set, dev: more(options.dev), test: more(options.test) }
  return {
    start: {
      as: 'sequence-classification',
      labels: numbers ? ['value'] : labelNames,
      problemType: numbers ? 'regression' : 'single_label_classification',
      texts: set.texts,
    },
    prepare: (started) => prepareClassifier(options, sets, started),
  }
}

type Sets = Record<'train', TextSet> & Record<'dev' | 'test', TextSet | null>

function prepareClassifier(options: TrainOptions, sets: Sets, started: Started): PreparedTask {
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
  const judge = (set: DataSet<TextInput>): { logits: Float32Array; figures: Figures } => {
    const logits = predict(model, set, { batchSize: 64 })
    const figures = set.targets
      ? regression(logits, set.targets)
      : classification(logits, set.labels as Int32Array, names.length)
    return { logits, figures: { ...figures } }
  }
  const held = (['dev', 'test'] as const).flatMap((name) => {
    const set = sets[name]
    return set === null ? [] : [rowsLine(options[name] as string, set)]
  })
  const metric = metricOf(options)
  const judged = new Map<'dev' | 'test', ReturnType<typeof judge>>()
  return {
    maxLength,
    data: [
      rowsLine(options.train, sets.train),
      lengthsLine(sets.train, dataOf.train, tokenizer, maxLength),
      ...held,
    ],
    fit: (fit) =>
      train(model, dataOf.train, {
        ...fit,
        ...(sets.train.labels && weightsOf(options, names, sets.train.labels)),
        ...(options.labelSmoothing > 0 && { labelSmoothing: options.labelSmoothing }),
        ...(dataOf.dev && { metric, evaluate: () => judge(dataOf.dev as DataSet<TextInput>).figures }),
      }),
    figures: () => {
      for (const name of ['dev', 'test'] as const) {
        const set = dataOf[name]
        if (set) judged.set(name, judge(set))
      }
      return Object.fromEntries(Array.from(judged, ([name, { figures }]) => [name, figures]))
    },
    report: () => {
      const rows = count(dataOf.train.size)
      const what = dataOf.train.targets ? 'a number for each text' : `one of ${names.length} classes`
      const intro = `${options.model}, trained on ${rows} rows of ${options.train} to give ${what}.`
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

/** Masked words of plain text. */
export function maskedTask(options: TrainOptions, reading: DataOptions): TaskPlan {
  const read = (file: string) =>
    Array.from(streamTexts(file, { ...reading, labelUse: 'unused' }), ({ text }) => text)
  const texts = read(options.train)
  if (texts.length === 0) throw new DataError(options.train, 'has no rows')
  return {
    start: { as: 'masked-lm', labels: ['LABEL_0', 'LABEL_1'], texts },
    prepare: (started) => {
      const { tokenizer } = started
      const model = started.model as unknown as WordGuesser
      const maxLength = lengthFor(options, started)
      const metric = metricOf(options)
      const corpus = (rows: readonly string[]) => corpusData(rows, tokenizer, { maxLength })
      const data = corpus(texts)
      const masking = maskingOf(tokenizer, {
        counts: data.counts,
        power: options.maskPower,
        ratio: options.maskRatio,
      })
      const held = (['dev', 'test'] as const).flatMap((name) => {
        const file = options[name]
        return file === undefined ? [] : [[name, corpus(read(file))] as const]
      })
      const dev = held.find(([name]) => name === 'dev')?.[1]
      return {
        maxLength,
        data: [
          `${options.train}: ${count(texts.length)} texts make ${count(data.size)} rows; ${count(data.dropped)} too short or unknown`,
        ],
        fit: (fit) =>
          trainMasked(model, data, masking, {
            ...fit,
            metric,
            ...(dev && { dev }),
          }),
        figures: () =>
          Object.fromEntries(held.map(([name, set]) => [name, maskedFigures(model, set, masking)])),
        report: () => ({
          title: options.out,
          intro: `${options.model}, trained to guess masked words on ${count(data.size)} rows of ${options.train}; ${count(data.dropped)} were too short or unknown.`,
        }),
      }
    },
  }
}
