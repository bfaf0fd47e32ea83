// The student matches the teacher's softened yes or no to each class: texts may be of several.
import { noGrad } from '../../autograd/graph.js'
import { mul, sub } from '../../autograd/ops/elementwise/arithmetic.js'
import { sigmoid } from '../../autograd/ops/elementwise/pointwise.js'
import { bceWithLogits } from '../../autograd/ops/losses/binary.js'
import { ShapeError } from '../../errors.js'
import { formatShape, numel, sameShape } from '../../tensor/shape.js'
import type { Tensor } from '../../tensor/tensor.js'
import type { LossRecord } from './record.js'
import { reduced, type SoftTargetOptions } from './soft-target.js'

/** Of softSetLoss(). */
export type SoftSetOptions = Pick<SoftTargetOptions, 'T' | 'tSquared' | 'reduction' | 'form'>

/**
 * T^2 KL(sigmoid(teacher / T) || sigmoid(student / T)), each class a distribution of two: logits [B, C] are softTargetLoss
 * of [z, 0] in B C rows, and so 'batchmean' is the mean over texts and classes, as BCEWithLogitsLoss takes it for labels.
 * 'ce' is the binary cross entropy itself. Gradient: T (sigmoid(student / T) - sigmoid(teacher / T)) / (B C). Hinton et
 * al. 2015, section 2, for two classes. Throws ShapeError when shapes differ, RangeError on T <= 0.
 */
export function softSetLoss(student: Tensor, teacher: Tensor, options: SoftSetOptions = {}): Tensor {
  const { T = 2, tSquared = true, reduction = 'batchmean', form = 'kl' } = options
  if (!sameShape(student.shape, teacher.shape))
    throw new ShapeError(
      'softSetLoss',
      `student logits are ${formatShape(student.shape)}, teacher logits ${formatShape(teacher.shape)}`,
      'Both need the same rows and classes',
    )
  if (!(T > 0)) throw new RangeError(`softSetLoss: T must be above 0, got ${T}`)
  const entropyOf = (z: Tensor) => bceWithLogits(z, sigmoid(z), { reduction: 'sum' })
  const [target, entropy] = noGrad(() => {
    const z = mul(teacher, 1 / T)
    return [sigmoid(z), form === 'kl' ? entropyOf(z) : null]
  })
  const total = bceWithLogits(mul(student, 1 / T), target, { reduction: 'sum' })
  const kl = entropy === null ? total : sub(total, entropy)
  const loss = reduced('softSetLoss', kl, [numel(student.shape), 2], reduction)
  return tSquared ? mul(loss, T * T) : loss
}

export const softSets: LossRecord = {
  name: 'softSets',
  doc: "The divergence of the student's softened yes or no to each class from the teacher's.",
  math: '\\frac{T^2}{N C} \\sum_{n,c} \\mathrm{KL}(q_{nc} \\| p_{nc}),\\ p = \\sigma(z / T);\\quad \\bar z = \\frac{T}{N C} (p - q)',
  source: 'Hinton, Vinyals and Dean 2015 (arXiv 1503.02531), section 2, for each class by itself',
  needs: ['logits'],
  golden: {
    'soft-sets.kl': (t) => softSetLoss(t.student, t.teacher, { T: 3 }),
    'soft-sets.ce': (t) => softSetLoss(t.student, t.teacher, { T: 2, form: 'ce' }),
    'soft-sets.plain-T': (t) => softSetLoss(t.student, t.teacher, { T: 2, tSquared: false, form: 'ce' }),
    'soft-sets.sum': (t) => softSetLoss(t.student, t.teacher, { T: 1.5, reduction: 'sum-rows' }),
  },
}
