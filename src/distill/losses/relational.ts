// Relational knowledge distillation: distances and angles between the examples of a batch. Park et al. 2019 (RKD, arXiv
// 1904.05068), section 3.2. Widths of student and teacher may differ.
import { noGrad } from '../../autograd/graph.js'
import { div, mul, sub } from '../../autograd/ops/elementwise/arithmetic.js'
import { gt, lt, where } from '../../autograd/ops/elementwise/compare.js'
import { abs, sqrt } from '../../autograd/ops/elementwise/pointwise.js'
import { matmul } from '../../autograd/ops/products/matmul.js'
import { mean, sum } from '../../autograd/ops/reduce.js'
import { reshape, transpose } from '../../autograd/ops/shape/views.js'
import { ShapeError } from '../../errors.js'
import { unitLength } from '../../nn/models/unit-length.js'
import { formatShape } from '../../tensor/shape.js'
import type { Tensor } from '../../tensor/tensor.js'
import type { LossRecord } from './record.js'

function sameBatch(name: string, s: Tensor, t: Tensor): void {
  if (s.rank !== 2 || t.rank !== 2 || s.shape[0] !== t.shape[0]) {
    throw new ShapeError(
      name,
      `expected twice [batch, width], got ${formatShape(s.shape)} of the student and ${formatShape(t.shape)} of the teacher`,
    )
  }
  if (s.shape[0] < 2)
    throw new RangeError(`${name}: one example has no relation. It takes a batch of 2 or more`)
}

/** d^2 / 2 where |d| < 1, |d| - 1/2 beyond; mean. Huber's loss, PyTorch's smooth L1. */
function smoothL1(a: Tensor, b: Tensor): Tensor {
  const d = sub(a, b)
  const far = abs(d)
  return mean(where(lt(far, 1), mul(mul(d, d), 0.5), sub(far, 0.5)))
}

/** [B, B, C]: x_j - x_i at [i, j]. */
function differences(x: Tensor): Tensor {
  const [B, C] = x.shape
  return sub(reshape(x, [1, B, C]), reshape(x, [B, 1, C]))
}

/** [B, B]: distances divided by the mean of those that are not 0. */
function distances(x: Tensor): Tensor {
  const d = differences(x)
  const square = sum(mul(d, d), -1)
  const apart = gt(square, 0)
  // The root of 0 has no derivative: equal examples are 0 apart whatever moves.
  const distance = where(apart, sqrt(where(apart, square, 1)), 0)
  const count = Math.max(1, noGrad(() => sum(apart)).item())
  const scale = div(sum(distance), count)
  return div(distance, where(gt(scale, 0), scale, 1))
}

/** [B, B, B]: the cosine of the angle at i between the directions to j and to k. */
function angles(x: Tensor): Tensor {
  const e = unitLength(differences(x))
  return matmul(e, transpose(e, -2, -1))
}

/**
 * Mean over pairs of Huber(d_s - d_t), d the distance between two examples divided by the mean distance of the batch;
 * states [B, C_s] and [B, C_t], such as the pooled ones. The mean is over all B^2 pairs, as the code's; its gradient goes
 * through the mean distance too, none reaches the teacher. Park et al. 2019, section 3.2. Throws ShapeError, RangeError
 * for fewer than 2 examples.
 */
export function relationalDistanceLoss(student: Tensor, teacher: Tensor): Tensor {
  sameBatch('relationalDistanceLoss', student, teacher)
  const wanted = noGrad(() => distances(teacher))
  return smoothL1(distances(student), wanted)
}

/**
 * Mean over triplets of Huber(cos_s - cos_t), the cosine of the angle that two examples make at a third; states [B, C_s] and
 * [B, C_t]. The mean is over all B^3, as the code's; no gradient reaches the teacher. Takes B^2 C memory. Park et al. 2019,
 * section 3.2. Throws ShapeError, RangeError for fewer than 2 examples.
 */
export function relationalAngleLoss(student: Tensor, teacher: Tensor): Tensor {
  sameBatch('relationalAngleLoss', student, teacher)
  const wanted = noGrad(() => angles(teacher))
  return smoothL1(angles(student), wanted)
}

export const relationalDistance: LossRecord = {
  name: 'relationalDistance',
  doc: 'The difference between relative distances of examples in the student and in the teacher.',
  math: '\\tfrac{1}{B^2} \\sum_{i, j} \\ell_\\delta(\\psi_s - \\psi_t),\\ \\psi = \\tfrac{|x_i - x_j|}{\\mu};\\quad \\bar\\psi_s = \\tfrac{1}{B^2} \\mathrm{clip}(\\psi_s - \\psi_t, -1, 1)',
  source: 'Park et al. 2019 (arXiv 1904.05068), section 3.2; mean over all pairs: its code',
  needs: ['lastHiddenState'],
  golden: { 'relational.distance': (t) => relationalDistanceLoss(t.student, t.teacher) },
}

export const relationalAngle: LossRecord = {
  name: 'relationalAngle',
  doc: 'The difference between angles that examples make in the student and in the teacher.',
  math: '\\tfrac{1}{B^3} \\sum_{i, j, k} \\ell_\\delta(\\cos_s - \\cos_t);\\quad \\overline{\\cos}_s = \\tfrac{1}{B^3} \\mathrm{clip}(\\cos_s - \\cos_t, -1, 1)',
  source: 'Park et al. 2019 (arXiv 1904.05068), section 3.2; mean over all triplets: its code',
  needs: ['lastHiddenState'],
  golden: { 'relational.angle': (t) => relationalAngleLoss(t.student, t.teacher) },
}
