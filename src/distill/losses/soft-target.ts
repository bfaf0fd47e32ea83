// The student matches the teacher's softened probabilities. Hinton, Vinyals and Dean 2015 (arXiv 1503.02531), section 2.
import { noGrad } from '../../autograd/graph.js'
import { add, div, mul, neg, sub } from '../../autograd/ops/elementwise/arithmetic.js'
import { eq, where } from '../../autograd/ops/elementwise/compare.js'
import { sqrt } from '../../autograd/ops/elementwise/pointwise.js'
import { klDiv } from '../../autograd/ops/losses/losses.js'
import { mean, sum, variance } from '../../autograd/ops/reduce.js'
import { logSoftmax, softmax } from '../../autograd/ops/softmax.js'
import { ShapeError } from '../../errors.js'
import { formatShape, sameShape } from '../../tensor/shape.js'
import type { Tensor } from '../../tensor/tensor.js'
import { realRows } from './real.js'
import type { LossRecord } from './record.js'

/**
 * 'batchmean': sum over classes, mean over rows. 'mean-elements': mean over rows and classes, smaller by the number of
 * classes, as TinyBERT's code. 'sum-rows': sum over classes and rows.
 */
export type RowReduction = 'batchmean' | 'mean-elements' | 'sum-rows'

export const rowReductions: readonly RowReduction[] = ['batchmean', 'mean-elements', 'sum-rows']

/** A sum over rows [N, C], divided as `reduction` says. Throws RangeError for one that there is not. */
export function reduced(
  name: string,
  total: Tensor,
  [N, C]: readonly number[],
  reduction: RowReduction,
): Tensor {
  if (!rowReductions.includes(reduction))
    throw new RangeError(`${name}: reduction must be one of ${rowReductions.join(', ')}, got ${reduction}`)
  const divisor = { batchmean: N, 'mean-elements': N * C, 'sum-rows': 1 }[reduction]
  return div(total, Math.max(1, divisor))
}

/** Of softTargetLoss(). */
export interface SoftTargetOptions {
  /** Temperature. Default 2. */
  T?: number
  /** Multiply by T^2, which keeps the gradient's size when T changes. Default true. */
  tSquared?: boolean
  /** Default 'batchmean'. */
  reduction?: RowReduction
  /**
   * 'kl', or 'ce': larger by the teacher's entropy, which the student cannot change; 'ce-twice': a mistake, kept to be compared
   * with: softmax-twice.ts tells what it costs. Default 'kl'.
   */
  form?: 'kl' | 'ce' | 'ce-twice'
  /** Both logits are z-scored first, see standardizedLogits. Default 'none'. */
  standardize?: Standardization | 'none'
  /** int32 [...], for logits [..., C]: rows that count are not 0. For words: the attention mask, or the masked words'. */
  mask?: Tensor | undefined
}

/** What the variance is divided by: the classes C as in the paper, or C - 1 as in its code. */
export type Standardization = 'population' | 'sample'

/**
 * (z - mean z) / (1e-7 + sd z) over the classes, logits [..., C]; a row of equal logits gives zeros. Gradient:
 * (g - mean g - y mean(g y)) / sd, up to the 1e-7. Sun et al. 2024 (arXiv 2403.01427), algorithm 1; the code takes the
 * sample's sd.
 */
export function standardizedLogits(logits: Tensor, by: Standardization = 'population'): Tensor {
  const spread = variance(logits, -1, { keepdim: true, correction: by === 'sample' ? 1 : 0 })
  const still = eq(spread, 0)
  // The root of 0 has no derivative: such a row is divided by 1.
  const sd = where(still, 1, add(sqrt(where(still, 1, spread)), 1e-7))
  return div(sub(logits, mean(logits, -1, { keepdim: true })), sd)
}

/**
 * T^2 KL(softmax(teacher / T) || softmax(student / T)), logits [..., C] each, or the cross entropy of the two. No gradient
 * reaches the teacher; the student's is T (softmax(student / T) - softmax(teacher / T)) / rows. Hinton et al. 2015,
 * section 2. Throws ShapeError when shapes differ, RangeError on T <= 0 and a mask that leaves no row.
 */
export function softTargetLoss(student: Tensor, teacher: Tensor, options: SoftTargetOptions = {}): Tensor {
  const { T = 2, tSquared = true, reduction = 'batchmean', form = 'kl', standardize = 'none', mask } = options
  if (!sameShape(student.shape, teacher.shape)) {
    throw new ShapeError(
      'softTargetLoss',
      `student logits are ${formatShape(student.shape)}, teacher logits ${formatShape(teacher.shape)}`,
      'Both need the same rows and classes',
    )
  }
  const rows = (logits: Tensor) => {
    const real = realRows('softTargetLoss', logits, mask) // [N, C]
    return standardize === 'none' ? real : standardizedLogits(real, standardize)
  }
  const target = noGrad(() => softmax(rows(teacher), -1, { T }))
  const own = rows(student)
  const logp = form === 'ce-twice' ? logSoftmax(softmax(own, -1, { T }), -1) : logSoftmax(own, -1, { T })
  const total = form === 'kl' ? klDiv(logp, target, { reduction: 'sum' }) : neg(sum(mul(target, logp)))
  const loss = reduced('softTargetLoss', total, logp.shape, reduction)
  return tSquared ? mul(loss, T * T) : loss
}

export const softTarget: LossRecord = {
  name: 'softTarget',
  doc: "The divergence of the student's softened distribution from the teacher's.",
  math: '\\frac{T^2}{N} \\sum_{n,c} q_{nc} \\ln \\frac{q_{nc}}{p_{nc}},\\ p = \\mathrm{softmax}(z / T);\\quad \\bar z = \\frac{T}{N} (p - q)',
  source:
    "Hinton, Vinyals and Dean 2015 (arXiv 1503.02531), section 2; 'ce', 'mean-elements', T 1: TinyBERT's code",
  needs: ['logits'],
  golden: {
    'soft-target.kl': (t) => softTargetLoss(t.student, t.teacher, { T: 3 }),
    'soft-target.kl.plain-T': (t) => softTargetLoss(t.student, t.teacher, { T: 3, tSquared: false }),
    'soft-target.ce': (t) => softTargetLoss(t.student, t.teacher, { T: 2, form: 'ce' }),
    'soft-target.tinybert-code': (t) =>
      softTargetLoss(t.student, t.teacher, {
        ...{ T: 1, form: 'ce', tSquared: false, reduction: 'mean-elements' },
      }),
    'soft-target.sum-rows': (t) => softTargetLoss(t.student, t.teacher, { T: 1.5, reduction: 'sum-rows' }),
    'soft-target.masked': (t) => softTargetLoss(t.student, t.teacher, { T: 2, mask: t.mask }),
  },
}

export const logitStandardization: LossRecord = {
  name: 'logitStandardization',
  doc: "Soft targets of z-scored logits, so that the student need not reach the size of the teacher's.",
  math: 'T^2 \\mathrm{KL}(\\mathrm{softmax}(y_t / T) \\| \\mathrm{softmax}(y_s / T)),\\ y = \\frac{z - \\mu}{\\epsilon + \\sigma};\\quad \\bar z = \\frac{1}{\\sigma} (\\bar y - \\mathrm{mean}(\\bar y) - y\\, \\mathrm{mean}(\\bar y y))',
  source: "Sun et al. 2024 (arXiv 2403.01427), algorithm 1; 'sample': its code",
  needs: ['logits'],
  golden: {
    'standardized.paper': (t) => softTargetLoss(t.student, t.teacher, { T: 2, standardize: 'population' }),
    'standardized.code': (t) => softTargetLoss(t.student, t.teacher, { T: 2, standardize: 'sample' }),
  },
}
