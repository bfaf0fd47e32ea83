// Hinton's distillation loss: soft targets and labels together. Hinton, Vinyals and Dean 2015 (arXiv 1503.02531), section 2.
import { add, mul } from '../../autograd/ops/elementwise/arithmetic.js'
import { crossEntropy } from '../../autograd/ops/losses/losses.js'
import type { Tensor } from '../../tensor/tensor.js'
import type { LossRecord } from './record.js'
import { type SoftTargetOptions, softTargetLoss } from './soft-target.js'

/** Of kdLoss(): the temperature, and what the soft targets count. */
export interface KdOptions extends SoftTargetOptions {
  /** Weight of the soft targets; 1 - alpha is that of the labels. Default 0.5. */
  alpha?: number
}

/**
 * alpha * softTargetLoss + (1 - alpha) * crossEntropy(student, labels). labels int32, or null with alpha 1. Errors as of
 * both, and RangeError for alpha outside [0, 1].
 */
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

export const kd: LossRecord = {
  name: 'kd',
  doc: 'Soft targets and labels, weighted.',
  math: '\\alpha T^2 \\mathrm{KL}(q \\| p) + (1 - \\alpha) \\mathrm{CE}(z, y);\\quad \\bar z = \\tfrac{1}{N} (\\alpha T (p_T - q_T) + (1 - \\alpha) (p_1 - e_y))',
  source: 'Hinton, Vinyals and Dean 2015 (arXiv 1503.02531), section 2',
  needs: ['logits', 'labels'],
  golden: {
    kd: (t) => kdLoss(t.student, t.teacher, t.labels, { T: 4, alpha: 0.7 }),
    'kd.annealed': (t) =>
      kdLoss(t.student, t.teacher, t.labels, { T: 1, alpha: 0.25, form: 'ce', tSquared: false }),
  },
}
