// Hinton's distillation loss: the student matches the teacher's softened probabilities, and the labels.

import { noGrad } from '../autograd/graph.js'
import { add, mul } from '../autograd/ops/arithmetic.js'
import { crossEntropy, klDiv } from '../autograd/ops/losses.js'
import { logSoftmax, softmax } from '../autograd/ops/softmax.js'
import { ShapeError } from '../errors.js'
import { formatShape, sameShape } from '../tensor/shape.js'
import type { Tensor } from '../tensor/tensor.js'

export interface SoftTargetOptions {
  /** Temperature. Default 2. */
  T?: number
  /** Multiply by T^2, which keeps the gradient's size when T changes. Default true. */
  tSquared?: boolean
  /** 'batchmean': sum over classes, mean over rows. 'mean': over all elements. 'sum': over everything. */
  reduction?: 'batchmean' | 'mean' | 'sum'
}

/**
 * T^2 KL(softmax(teacher / T) || softmax(student / T)), logits [..., C] each. No gradient reaches the teacher.
 * Hinton et al. 2015, section 2. Throws ShapeError when shapes differ, RangeError on T <= 0.
 */
export function softTargetLoss(student: Tensor, teacher: Tensor, options: SoftTargetOptions = {}): Tensor {
  const { T = 2, tSquared = true, reduction = 'batchmean' } = options
  if (!sameShape(student.shape, teacher.shape)) {
    throw new ShapeError(
      'softTargetLoss',
      `student logits are ${formatShape(student.shape)}, teacher logits ${formatShape(teacher.shape)}`,
      'Both need the same rows and classes',
    )
  }
  const target = noGrad(() => softmax(teacher, -1, { T }))
  const loss = klDiv(logSoftmax(student, -1, { T }), target, { reduction })
  return tSquared ? mul(loss, T * T) : loss
}

export interface KdOptions extends SoftTargetOptions {
  /** Weight of the soft targets; 1 - alpha is that of the labels. Default 0.5. */
  alpha?: number
}

/** alpha * softTargetLoss + (1 - alpha) * crossEntropy(student, labels). labels int32, or null with alpha 1. */
export function kdLoss(
  student: Tensor,
  teacher: Tensor,
  labels: Tensor | null,
  options: KdOptions = {},
): Tensor {
  return kdTerms(student, teacher, labels, options).total
}

/** kdLoss with its parts: `soft`, and with alpha below 1 `hard`, before they are weighted. */
export function kdTerms(
  student: Tensor,
  teacher: Tensor,
  labels: Tensor | null,
  options: KdOptions = {},
): { total: Tensor; terms: Record<string, Tensor> } {
  const { alpha = 0.5, ...rules } = options
  if (!(alpha >= 0 && alpha <= 1)) throw new RangeError(`kdLoss: alpha must lie in [0, 1], got ${alpha}`)
  const soft = softTargetLoss(student, teacher, rules)
  if (alpha === 1) return { total: soft, terms: { soft } }
  if (labels === null)
    throw new RangeError(`kdLoss: alpha ${alpha} needs labels. Pass them, or alpha 1 for soft targets only`)
  const hard = crossEntropy(student, labels)
  return { total: add(mul(soft, alpha), mul(hard, 1 - alpha)), terms: { soft, hard } }
}
