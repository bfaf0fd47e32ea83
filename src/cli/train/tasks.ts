// What the tasks of tinystill train differ in: their data, the head they need, the loss, and how results are judged.

import { DataError } from '../../errors.js'
import type { TextSet } from '../../files/data/texts.js'
import type { Started, StartOptions } from '../../files/models/start.js'
import { type DataSet, selectRows } from '../../nn/data.js'
import type { TextInput } from '../../nn/models/input.js'
import { trainingLength } from '../../text/encoding.js'
import { labelFinder } from '../../text/labels.js'
import { usualOf } from '../../text/questions/windows.js'
import type { DataOptions } from '../../text/rows/columns.js'
import { schemeOf, taskOfTags } from '../../text/tagged/entities.js'
import { learnable, setData } from '../../text/tagged/set-data.js'
import { startsOf } from '../../text/tagged/words.js'
import { balancedWeights } from '../../train/labels.js'
import { calibration, confusion } from '../../train/metrics.js'
import { labelFacts } from '../../train/outputs/label-facts.js'
import { type Classifier, predictInTurns } from '../../train/predict.js'
import type { Figures, FitResult } from '../../train/reports.js'
import { isAnswered } from '../../train/tagging/figures.js'
import { everyTask, isOfTexts, isOfWords, type TaskType } from '../../train/tagging/tasks.js'
import { type FitOptions, fit } from '../../train/trainer.js'
import { cutLines, leftLine, lengthsLine, rowsLine } from '../shared/data-report.js'
import { readLabelled } from '../shared/labels-option.js'
import { goesWith, questionNames } from '../shared/options.js'
import type { Progress } from '../shared/progress.js'
import type { RunResult } from '../shared/run-folder.js'
import { count } from '../shared/table.js'
import { textsOf } from '../shared/tokens.js'
import { classesFor, knownNames } from './classes.js'
import { type TrainOptions, taskTypeOf } from './options.js'

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
export function metricOf(
  { task, metric }: Pick<TrainOptions, 'task' | 'metric'>,
  type: TaskType | null = taskTypeOf[task],
): string {
  const names = type === null ? WORD_METRICS : everyTask[type].metrics
  if (metric === undefined) return names[0]
  // Python's spelling too: exact_match.
  const own = metric.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
  if (names.includes(own)) return own
  throw new RangeError(`--metric ${metric}: figures of ${task} are ${names.join(', ')}`)
}

export const lengthFor = ({ maxLength, task }: TrainOptions, { model, tokenizer }: Started) => {
  const most = model.config.maxLength
  if (maxLength !== undefined && maxLength > most)
    throw new RangeError(`--max-length ${maxLength}: the model takes at most ${most}`)
  return maxLength ?? trainingLength([tokenizer], most, usualOf(taskTypeOf[task]))
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

/** Classes or numbers of texts, or classes of words. */
export function classifyTask(options: TrainOptions, reading: DataOptions): TaskPlan {
  const task = taskTypeOf[options.task] ?? 'single_label_classification'
  if (task === 'spans')
    goesWith(options, ['labels', 'classWeights'], 'classes, and --task qa has none', false)
  else goesWith(options, questionNames, '--task qa', false)
  goesWith(options, ['docStride'], '--task ner, pos or qa', !isOfTexts(task))
  const { labels } = everyTask[task]
  const read = readLabelled(options.train, task, reading, knownNames(options, task))
  if (labels === 'classes' && read.labelNames.length < 2)
    throw new DataError(
      options.train,
      `has one class only, ${read.labelNames[0]}`,
      'A classifier needs two or more',
    )
  const classes = classesFor(options, task, read.labelNames)
  const labelNames = classes.names
  const type = isOfWords(task) ? taskOfTags(labelNames) : task
  const set = inOrder(read, labelNames)
  const more = (file: string | undefined) =>
    file === undefined ? null : readLabelled(file, task, reading, labelNames)
  const sets = { train: set, dev: more(options.dev), test: more(options.test) }
  return {
    start: {
      ...{
        labels: labelNames,
        newHead: classes.newHead,
        texts: set.questions ? textsOf(set.texts, set.pairs) : set.texts,
      },
      as: everyTask[type].kind,
      ...(isOfTexts(type) && { problemType: type }),
    },
    notes: [...classes.notes, ...schemeNote(options.train, set)],
    prepare: (started, progress) => prepareClassifier(options, type, sets, started, progress),
  }
}

/** How the tags of words are written. */
function schemeNote(file: string, { words, labels, labelNames }: TextSet): string[] {
  if (words === undefined || labels === null) return []
  const starts = startsOf(words)
  const sentences = words.map((own, row) => own.map((_, i) => labelNames[labels[starts[row] + i]]))
  return [
    `${file}: ${schemeOf(labelNames, sentences)}; it gives ${everyTask[taskOfTags(labelNames)].gives(labelNames)}`,
  ]
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
  type: TaskType,
  given: Sets,
  started: Started,
  progress: Progress,
): PreparedTask {
  const task = everyTask[type]
  const { tokenizer } = started
  const model = started.model as unknown as Classifier<TextInput>
  const maxLength = lengthFor(options, started)
  const learnt = learnable(given.train, [{ tokenizer, maxLength }])
  const sets = { ...given, train: learnt.set }
  const { labelNames: names } = sets.train
  const data = (set: TextSet) => setData(set, tokenizer, maxLength)
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
  const metric = metricOf(options, type)
  const weights = weightsOf(options, sets.train)
  const judged = new Map<Held, Judged>()
  return {
    notes: [
      ...labelFacts(task.labels, dataOf.train, names),
      ...leftLine(options.train, learnt.left, given.train),
    ],
    maxLength,
    data: [
      rowsLine(options.train, sets.train),
      lengthsLine(sets.train, dataOf.train, tokenizer, maxLength),
      ...held,
    ],
    fit: (own) =>
      fit(
        model,
        dataOf.train,
        task.loss(dataOf.train, {
          ...weights,
          ...(options.labelSmoothing > 0 && { labelSmoothing: options.labelSmoothing }),
        }),
        {
          ...own,
          ...(dataOf.dev && { metric, evaluate: async () => (await judge('dev')).figures }),
        },
      ),
    figures: async () => {
      for (const name of ['dev', 'test'] as const) if (dataOf[name]) judged.set(name, await judge(name))
      return Object.fromEntries(Array.from(judged, ([name, { figures }]) => [name, figures]))
    },
    report: () => {
      const rows = count(dataOf.train.size)
      const intro = `${options.model}, trained on ${rows} rows of ${options.train} to give ${task.gives(names)} for each text.`
      const name = judged.has('test') ? 'test' : 'dev'
      const [set, result] = [dataOf[name], judged.get(name)]
      if (!set?.labels || result === undefined) return { title: options.out, intro }
      const { logits, labels } = answered(result.logits, set.labels, names.length)
      return {
        ...{ title: options.out, intro, calibration: calibration(logits, labels, names.length) },
        confusion: { classes: names, table: confusion(logits, labels, names.length) },
      }
    },
  }
}

/** Of words those that have a token; of texts all. */
function answered(logits: Float32Array, labels: Int32Array, n: number) {
  const there = [...labels.keys()].filter((i) => isAnswered(logits, i, n))
  return { logits: selectRows(logits, n, there), labels: Int32Array.from(there, (i) => labels[i]) }
}
