// Learning from a data set's own labels or numbers: class weights, label smoothing, squared error.
import { tensor } from '../autograd/create.js'
import { crossEntropy, mse } from '../autograd/ops/losses/losses.js'
import { reshape } from '../autograd/ops/shape/views.js'
import { DataError } from '../errors.js'
import type { DataSet } from '../nn/data.js'
import type { Tensor } from '../tensor/tensor.js'
import type { Classifier } from './predict.js'
import type { FitResult } from './reports.js'
import type { LossTerms } from './step.js'
import { type FitOptions, fit } from './trainer.js'

/** Labels of these rows, int32 [B], or null where there are none. */
export function labelsOf<Input>(data: DataSet<Input>, rows: Int32Array): Tensor | null {
  const { labels } = data
  return labels && tensor(rows.map((row) => labels[row]))
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

export interface LabelOptions {
  /** How much each class counts, or 'balanced': as much as the others, however rare it is. Default: all rows alike. */
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
  if (!(labelSmoothing >= 0 && labelSmoothing < 1))
    throw new RangeError(`labelLoss: labelSmoothing must lie in [0, 1), got ${labelSmoothing}`)
  let weights: Float64Array | null = null
  if (classWeights !== undefined && classWeights !== 'balanced') {
    weights = Float64Array.from(classWeights)
    if (!weights.every((w) => w >= 0 && w < Infinity))
      throw new RangeError(`labelLoss: class weights must be 0 or more, got ${weights.join(', ')}`)
  }
  return ({ logits }, rows) => {
    const y = labelsOf(data, rows) as Tensor
    if (classWeights === 'balanced') weights ??= Float64Array.from(balancedWeights(labels, logits.shape[1]))
    if (weights === null) return { total: crossEntropy(logits, y, { labelSmoothing }) }
    const own = weights
    return {
      total: crossEntropy(logits, y, { labelSmoothing, weight: tensor(own, { dtype: logits.dtype }) }),
      weight: rows.reduce((sum, row) => sum + (labels[row] < 0 ? 0 : own[labels[row]]), 0),
    }
  }
}

/** Mean squared error of `logits` [B, 1] with the numbers of the batch's rows, for fit(). Throws DataError without them. */
export function targetLoss<Input>(
  data: DataSet<Input>,
): (output: { logits: Tensor }, rows: Int32Array) => LossTerms {
  const { targets } = data
  if (targets === undefined) throw new DataError('training data', 'has no numbers to predict')
  return ({ logits }, rows) => {
    const wanted = tensor(
      Float64Array.from(rows, (row) => targets[row]),
      { dtype: logits.dtype },
    )
    return { total: mse(reshape(logits, [-1]), wanted) }
  }
}

/**
 * Learns from hard labels, or from numbers where the data has targets. Throws DataError where it has neither, RangeError
 * for class weights or smoothing of numbers.
 */
export function train<Input>(
  model: Classifier<Input>,
  data: DataSet<Input>,
  { classWeights, labelSmoothing, ...options }: FitOptions & LabelOptions,
): Promise<FitResult> {
  if (data.targets && (classWeights || labelSmoothing))
    throw new RangeError('train: class weights and label smoothing are for labels, the data has numbers')
  const rules = { ...(classWeights && { classWeights }), ...(labelSmoothing && { labelSmoothing }) }
  return fit(model, data, data.targets ? targetLoss(data) : labelLoss(data, rules), options)
}
