// The task of a model, one record each: how labels are read, what is learnt, how logits become answers, how they are judged.
// Whatever trains, judges or answers goes by these, so that no command has rules of its own.
import type { DataSet } from '../nn/data.js'
import type { ProblemType } from '../nn/models/config.js'
import type { Tensor } from '../tensor/tensor.js'
import type { LabelKind } from '../text/labels.js'
import { type LabelOptions, labelLoss, setLoss, targetLoss } from './labels.js'
import { classification } from './metrics.js'
import { type Answer, answers } from './outputs/answers.js'
import { multiLabel, shares } from './outputs/multi-label.js'
import type { Classifier } from './predict.js'
import { type RegressionMetrics, regressions } from './regression.js'
import type { Figures, FitResult } from './reports.js'
import type { LossTerms } from './step.js'
import { type FitOptions, fit } from './trainer.js'

/** What a data set says its logits should be. */
export type Wanted = Pick<DataSet<unknown>, 'labels' | 'targets' | 'answers' | 'spans'>

/** Figures of a model on texts. */
export interface Judgement {
  figures: Figures
  /** Of each class or number by its name, where they are judged one by one. */
  each: Readonly<Record<string, Figures>> | null
}

/** What a model learns: its labels, its loss and its figures. */
export interface Task {
  /** As --task has it. */
  readonly name: 'classes' | 'multi-label' | 'regression' | 'entities' | 'tags' | 'question-answering'
  /** How labels in data are meant. */
  readonly labels: LabelKind
  /** The figures that judge() gives, the one that decides first. */
  readonly metrics: readonly string[]
  /** What the logits of a row say. */
  readonly answer: Answer
  /** 'one of 3 classes': what a model gives for a text. */
  gives(names: readonly string[]): string
  /** What is learnt from, for fit(). Throws DataError where the data has no such labels, RangeError for settings that mean nothing. */
  loss<Input>(
    data: DataSet<Input>,
    rules: LabelOptions,
  ): (output: { logits: Tensor }, rows: Int32Array) => LossTerms
  /** logits [rows, names] of all rows of a set. Throws RangeError where they do not fit. */
  judge(logits: ArrayLike<number>, set: Wanted, names: readonly string[]): Judgement
}

/** Two classes of one name keep both their rows. */
function byName(names: readonly string[], each: readonly Figures[]): Record<string, Figures> {
  const own = names.map((name, i) => (names.indexOf(name) === i ? name : `${name} (${i})`))
  return Object.fromEntries(own.map((name, i) => [name, each[i]]))
}

const figuresOf = <F extends { [K in keyof F]: number }>(figures: F): Figures => ({ ...figures })

const targetsOf = ({ targets }: Wanted): Float32Array => targets ?? new Float32Array(0)

export const tasks: Readonly<Record<ProblemType, Task>> = {
  single_label_classification: {
    ...{ name: 'classes', labels: 'classes', answer: answers.single_label_classification },
    metrics: ['accuracy', 'f1', 'matthews', 'ece', 'loss'],
    gives: (names) => `one of ${names.length} classes`,
    loss: labelLoss,
    judge: (logits, { labels }, names) => ({
      figures: { ...classification(logits, labels ?? [], names.length) },
      each: null,
    }),
  },
  multi_label_classification: {
    ...{ name: 'multi-label', labels: 'sets', answer: answers.multi_label_classification },
    metrics: ['macroF1', 'microF1', 'subsetAccuracy', 'loss'],
    gives: (names) => (names.length === 1 ? 'a yes or no' : `any of ${names.length} classes`),
    loss: setLoss,
    judge: (logits, set, names) => {
      const targets = targetsOf(set)
      const { figures, each } = multiLabel(logits, targets, names.length)
      // Of one class there may be shares, as cross-encoders learn them: how near the probabilities come is told as well.
      const near = targets.some((y) => y !== 0 && y !== 1) ? shares(logits, targets) : {}
      return {
        figures: { ...figures, ...near },
        each: names.length > 1 ? byName(names, each.map(figuresOf)) : null,
      }
    },
  },
  regression: {
    ...{ name: 'regression', labels: 'numbers', answer: answers.regression },
    metrics: ['spearman', 'pearson', 'mse'],
    gives: (names) => (names.length === 1 ? 'a number' : `${names.length} numbers`),
    loss: (data, { classWeights, labelSmoothing }) => {
      if (classWeights || labelSmoothing)
        throw new RangeError('train: class weights and label smoothing are for labels, the data has numbers')
      return targetLoss(data)
    },
    judge: (logits, set, names) => {
      const each = regressions(logits, targetsOf(set), names.length)
      const mean = (figure: keyof RegressionMetrics) =>
        each.reduce((sum, own) => sum + own[figure], 0) / each.length
      return {
        figures: { pearson: mean('pearson'), spearman: mean('spearman'), mse: mean('mse') },
        each: names.length > 1 ? byName(names, each.map(figuresOf)) : null,
      }
    },
  },
}

/**
 * Learns from labels, or from numbers where the data has targets; with `task` 'multi_label_classification' targets are the
 * classes that rows are of. Throws DataError where the data has nothing of it, RangeError for class weights or smoothing
 * of numbers.
 */
export function train<Input>(
  model: Classifier<Input>,
  data: DataSet<Input>,
  { classWeights, labelSmoothing, task, ...options }: FitOptions & LabelOptions & { task?: ProblemType },
): Promise<FitResult> {
  const rules = { ...(classWeights && { classWeights }), ...(labelSmoothing && { labelSmoothing }) }
  const type = task ?? (data.targets ? 'regression' : 'single_label_classification')
  return fit(model, data, tasks[type].loss(data, rules), options)
}
