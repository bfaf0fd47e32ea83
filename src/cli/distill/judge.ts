// Figures of the models of a distillation, one for each name and seed. Their speed is measured in the end: speeds.ts.

import { savedSize } from '../../distill/on-grid.js'
import type { KeptLogits } from '../../files/kept-logits.js'
import { answersIn, type DataSet } from '../../nn/data.js'
import type { TextInput } from '../../nn/models/input.js'
import { type Metrics, rightRows } from '../../train/metrics.js'
import type { MultiLabelMetrics } from '../../train/outputs/multi-label.js'
import { type Classifier, predict, predictInTurns } from '../../train/predict.js'
import type { RegressionMetrics } from '../../train/regression.js'
import { everyTask, type TaskType } from '../../train/tagging/tasks.js'
import type { Wanted } from '../../train/tasks.js'
import type { Progress } from '../shared/progress.js'
import type { Speed } from '../shared/speed.js'
import type { Reader, SetName } from './data.js'
import { packRows, packShares, type RightRows } from './right-rows.js'
import { type CachedTeacher, factsOf, inOrderOf, keptAnswers, type Teacher } from './teachers.js'

/** What its models give: the first teacher's. */
export type Gives = Pick<Teacher, 'classes' | 'problemType'>

/** Those of its task. Of a teacher whose outputs were read from a cache there are neither size nor speed. */
export interface ModelFigures
  extends Partial<Metrics>,
    Partial<MultiLabelMetrics>,
    Partial<RegressionMetrics>,
    Partial<Record<'entityF1' | 'precision' | 'recall' | 'exactMatch', number>>,
    Partial<Record<'found' | 'foundBack' | 'recall@1' | 'recall@10', number>>,
    Partial<Speed> {
  params?: number
  bytes?: number
  /** Of training; 0 for what was not trained here. */
  seconds: number
  /** Optimizer steps of training, of models that take some. */
  steps?: number
  /** Where it is the best of several schedules by dev: all of them. */
  tried?: readonly Tried[]
  /** Draws nothing: with each seed it would be the same. */
  fixed?: true
  /** Rows of the judged set, where there is one. */
  right?: RightRows
}

/** What a model was trained with. */
export interface Spent {
  seconds: number
  steps: number
}

/** A schedule of which the model may be the one that counts. */
export interface Tried extends Spent {
  /** The stage's name. */
  schedule: string
  epochs: number
  /** The task's first figure on the dev set. */
  dev: number
  counts: boolean
}

/** What a table's models are judged as: at a task, or as encoders of sentences. */
export type TableTask = TaskType | 'scored pairs' | 'partners' | 'neighbours'

/** By name of the model, one entry a seed; the task says by which figures. */
export class ModelTable extends Map<string, ModelFigures[]> {
  constructor(
    readonly task: TableTask,
    models: Iterable<readonly [name: string, figures: ModelFigures[]]> = [],
  ) {
    super(models)
  }
}

/** The set that models are judged on. */
export const heldName = (reader: Reader) =>
  (['test', 'dev'] as const).find((use) => reader.held(use) !== null)

export function heldSet(reader: Reader): DataSet<TextInput> | null {
  const name = heldName(reader)
  return name === undefined ? null : reader.held(name)
}

/** A cached teacher, where all rows of the set that models are judged on are in its cache; else null. */
export function judgeCached(
  teacher: CachedTeacher,
  reader: Reader,
  { classes, problemType }: Gives,
): ModelFigures | null {
  const name = heldName(reader)
  if (name === undefined) return null
  const { logits, missing, ...set } = keptAnswers(teacher, reader, name)
  if (missing > 0) return null
  return { ...judgedRows(inOrderOf(classes, logits, teacher), set, { classes, problemType }), seconds: 0 }
}

/** Logits of the held set, as long as their models live: of teachers from the doctor, and what judge() computed, for the report. */
const judged = new WeakMap<Classifier<TextInput>, Float32Array>()

/** Keeps a teacher's logits of a set, where that is the one that models are judged on: it is not asked again. */
export function rememberHeld(
  model: Classifier<TextInput>,
  reader: Reader,
  set: SetName,
  logits: Float32Array,
): void {
  if (heldName(reader) === set) judged.set(model, logits)
}

/** A model's logits of the set that models are judged on. Throws RangeError where there is none. */
export function heldLogits(model: Classifier<TextInput>, reader: Reader): Float32Array {
  const set = heldSet(reader)
  if (set === null) throw new RangeError('heldLogits: there is no set to judge on')
  return judged.get(model) ?? predict(model, set)
}

/** The task's figures of a set's logits; of classes also which rows are right, of words what each sentence adds. */
export function judgedRows(logits: Float32Array, set: Wanted, { classes, problemType }: Gives) {
  const task = everyTask[problemType]
  const { figures } = task.judge(logits, set, classes)
  if (task.shares) return { ...figures, right: packShares(task.shares(logits, set, classes)) }
  return {
    ...figures,
    ...(set.labels && { right: packRows(rightRows(logits, set.labels, classes.length)) }),
  }
}

export interface Judging {
  progress: Progress
  /** Where the logits are kept for a run that goes on; null where the figures are. */
  kept: KeptLogits | null
  /** Into the order of the classes. Default: they are in it. */
  ordered?: (logits: Float32Array) => Float32Array
}

/** The task's figures on the test set, or else the dev set, where there is one; size always. */
export async function judge(
  model: Classifier<TextInput>,
  reader: Reader,
  { classes, problemType }: Gives,
  spent: Spent | null,
  { progress, kept, ordered = (logits) => logits }: Judging,
): Promise<ModelFigures> {
  const size = { ...savedSize(model), ...(spent ?? { seconds: 0 }) }
  const [name, set] = [heldName(reader), heldSet(reader)]
  if (name === undefined || set === null) return size
  const compute = async () =>
    judged.get(model) ??
    (await predictInTurns(model, set, {
      onBatch: (done) => progress.aside(`judging ${name}`, done, set.size),
    }))
  const logits = await (kept?.take(factsOf(model, reader, name), [answersIn(set), classes.length], compute) ??
    compute())
  progress.finish('')
  judged.set(model, logits)
  return { ...judgedRows(ordered(logits), set, { classes, problemType }), ...size }
}

/** Always the commonest class of the set that models are judged on. null where there is none, or no single class a row. */
export function judgeMajority(reader: Reader, gives: Gives): ModelFigures | null {
  const set = heldSet(reader)
  if (!set?.labels) return null
  const { length: classes } = gives.classes
  const counts = new Float64Array(classes)
  for (const label of set.labels) counts[label]++
  const commonest = counts.indexOf(Math.max(...counts))
  const logits = Float32Array.from({ length: set.labels.length * classes }, (_, i) =>
    i % classes === commonest ? 1 : 0,
  )
  // Of answers that are always the same nobody asks how sure they are.
  const { ece: _, loss: __, matthews: ___, ...figures } = judgedRows(logits, set, gives) as ModelFigures
  return { ...figures, seconds: 0 }
}
