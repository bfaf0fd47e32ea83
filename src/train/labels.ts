// Losses on a data set's own labels or numbers: class weights, label smoothing, squared error.
import { tensor } from '../autograd/create.js'
import { add, mul } from '../autograd/ops/elementwise/arithmetic.js'
import { bceWithLogits } from '../autograd/ops/losses/binary.js'
import { crossEntropy, mse } from '../autograd/ops/losses/losses.js'
import { DataError } from '../errors.js'
import { askedOf, type DataSet, selectRows } from '../nn/data.js'
import { ints, type Tensor } from '../tensor/tensor.js'
import type { LossTerms } from './step.js'

/** Labels of these rows, int32 [B], of several answers a row [M]; null where there are none. */
export function labelsOf<Input>(data: DataSet<Input>, rows: Int32Array): Tensor | null {
  const { labels } = data
  return labels && tensor(askedOf(data, rows).map((answer) => labels[answer]))
}

/**
 * n / (k n_c) for class c: rare classes count more, the n rows 1 on average. k: the classes that occur; one that does not has
 * weight 0. scikit-learn's 'balanced' (King and Zeng 2001). Throws DataError for a label that is no class; negative
 * ones are rows without a label.
 */
export function balancedWeights(labels: ArrayLike<number>, classes: number): Float32Array {
  const counts = new Float64Array(classes)
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] < 0) continue
    if (!(labels[i] < classes)) throw new DataError('labels', `${labels[i]} is not below ${classes} classes`)
    counts[labels[i]]++
  }
  const rows = counts.reduce((a, b) => a + b, 0)
  const occurring = counts.filter((n) => n > 0).length
  return Float32Array.from(counts, (n) => (n > 0 ? rows / (occurring * n) : 0))
}

/** Of labelLoss(). */
export interface LabelOptions {
  /**
   * How much each class counts, or 'balanced': as much as the others, however rare it is. Default: all rows alike. Of rows
   * with several classes: how much a yes counts.
   */
  classWeights?: ArrayLike<number> | 'balanced'
  /** Share of the target that is spread over all classes. Szegedy et al. 2016, section 7. Default 0. */
  labelSmoothing?: number
}

/**
 * Cross entropy of `logits` [B, C] with the labels of the batch's rows, for fit(). The mean is PyTorch's: over the weights of
 * the labels, which a batch then counts by. Throws DataError without labels, RangeError for settings that mean nothing.
 */
export function labelLoss<Input>(
  data: DataSet<Input>,
  { classWeights, labelSmoothing = 0 }: LabelOptions = {},
): (output: { logits: Tensor }, rows: Int32Array) => LossTerms {
  const { labels } = data
  if (labels === null) throw new DataError('training data', 'has no labels')
  checkSmoothing('labelLoss', labelSmoothing)
  let weights: Float64Array | null = null
  if (classWeights !== undefined && classWeights !== 'balanced')
    weights = checkedWeights('labelLoss', classWeights)
  return ({ logits }, rows) => {
    const y = labelsOf(data, rows) as Tensor
    if (classWeights === 'balanced') weights ??= Float64Array.from(balancedWeights(labels, logits.shape[1]))
    if (weights === null) {
      const total = crossEntropy(logits, y, { labelSmoothing })
      return data.answers ? { total, weight: y.numel } : { total }
    }
    const own = weights
    return {
      total: crossEntropy(logits, y, { labelSmoothing, weight: tensor(own, { dtype: logits.dtype }) }),
      weight: ints(y).reduce((sum, label) => sum + (label < 0 ? 0 : own[label]), 0),
    }
  }
}

/** What each logit of these rows is to be, [B, logits]. Throws DataError where the data does not say. */
function targetsOf<Input>({ targets, size }: DataSet<Input>, rows: Int32Array, like: Tensor): Tensor {
  if (targets === undefined) throw new DataError('training data', 'has no numbers to predict')
  const width = targets.length / size
  const own = selectRows(targets, width, rows)
  return tensor(Float64Array.from(own), { shape: [rows.length, width], dtype: like.dtype })
}

/** Mean squared error of `logits` [B, n] with the numbers of the batch's rows, for fit(). Throws DataError without them. */
export function targetLoss<Input>(
  data: DataSet<Input>,
): (output: { logits: Tensor }, rows: Int32Array) => LossTerms {
  if (data.targets === undefined) throw new DataError('training data', 'has no numbers to predict')
  return ({ logits }, rows) => ({ total: mse(logits, targetsOf(data, rows, logits)) })
}

/**
 * no / yes of each class in targets [rows, classes]: what its rows count by in setLoss, so that they count as much as the
 * others. 1 for a class without rows.
 */
export function positiveWeights(targets: ArrayLike<number>, classes: number): Float32Array {
  const yes = new Float64Array(classes)
  for (let i = 0; i < targets.length; i++) yes[i % classes] += targets[i]
  const rows = targets.length / classes
  return yes.reduce((out, n, c) => {
    out[c] = n > 0 ? (rows - n) / n : 1
    return out
  }, new Float32Array(classes))
}

/**
 * Binary cross entropy of `logits` [B, C] with the classes that the batch's rows are of, for fit(), its mean over both:
 * PyTorch's BCEWithLogitsLoss, as transformers trains multi_label_classification. classWeights are its pos_weight, and
 * labelSmoothing draws 1 and 0 towards a half. Throws DataError without targets, RangeError for settings that mean nothing.
 */
export function setLoss<Input>(
  data: DataSet<Input>,
  { classWeights, labelSmoothing = 0 }: LabelOptions = {},
): (output: { logits: Tensor }, rows: Int32Array) => LossTerms {
  const { targets } = data
  if (targets === undefined) throw new DataError('training data', 'has no classes to learn')
  checkSmoothing('setLoss', labelSmoothing)
  const weights =
    classWeights === 'balanced'
      ? positiveWeights(targets, targets.length / data.size)
      : classWeights === undefined
        ? null
        : checkedWeights('setLoss', classWeights)
  return ({ logits }, rows) => {
    const sharp = targetsOf(data, rows, logits)
    const target = labelSmoothing === 0 ? sharp : add(mul(sharp, 1 - labelSmoothing), labelSmoothing / 2)
    const posWeight = weights && tensor(Float64Array.from(weights), { dtype: logits.dtype })
    return { total: bceWithLogits(logits, target, posWeight ? { posWeight } : {}) }
  }
}

function checkSmoothing(name: string, labelSmoothing: number): void {
  if (!(labelSmoothing >= 0 && labelSmoothing < 1))
    throw new RangeError(`${name}: labelSmoothing must lie in [0, 1), got ${labelSmoothing}`)
}

function checkedWeights(name: string, given: ArrayLike<number>): Float64Array {
  const weights = Float64Array.from(given)
  if (weights.every((w) => w >= 0 && w < Infinity)) return weights
  throw new RangeError(`${name}: class weights must be 0 or more, got ${weights.join(', ')}`)
}
