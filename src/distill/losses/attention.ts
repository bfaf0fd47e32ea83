// What the heads look at: scores before softmax as TinyBERT compares them, probabilities as MiniLM does.
import { tensor } from '../../autograd/create.js'
import { add, div, mul, sub } from '../../autograd/ops/elementwise/arithmetic.js'
import { clamp, detached, le, where } from '../../autograd/ops/elementwise/compare.js'
import { log } from '../../autograd/ops/elementwise/pointwise.js'
import { mse } from '../../autograd/ops/losses/losses.js'
import { sum } from '../../autograd/ops/reduce.js'
import { softmax } from '../../autograd/ops/softmax.js'
import { ShapeError } from '../../errors.js'
import { formatShape, type Shape } from '../../tensor/shape.js'
import { ints, type Tensor } from '../../tensor/tensor.js'
import type { LayerPair } from '../layer-map.js'
import { fitting, type Layers, lengthsOf, paired } from './real.js'
import type { LossInputs, LossRecord } from './record.js'

/** TinyBERT's code takes a score at most this for a masked one. */
const MASKED = -100

/** Of attentionLoss(). */
export interface AttentionLossOptions {
  /** Places in the lists, as layerMap().attention. Default: each with each. */
  pairs?: readonly LayerPair[] | undefined
  /** int32 [B, T], the attention mask: padded queries and keys are removed. Default: as TinyBERT's code. */
  mask?: Tensor | undefined
}

function square(name: string, { shape }: Tensor): void {
  if (shape.length === 4 && shape[2] === shape[3]) return
  throw new ShapeError(name, `expected [batch, heads, T, T], got ${formatShape(shape)}`)
}

/** float [B, 1, T, T] in the dtype of `like`: `value(b)` where query and key of text b are real, else 0. */
export function realSquares(mask: Tensor, like: Tensor, value: (text: number) => number): Tensor {
  const [B, T] = mask.shape
  const on = ints(mask)
  const squares = new Float64Array(B * T * T)
  for (let b = 0; b < B; b++)
    for (let q = 0; q < T; q++)
      for (let k = 0; k < T; k++)
        if (on[b * T + q] !== 0 && on[b * T + k] !== 0) squares[(b * T + q) * T + k] = value(b)
  return tensor(squares, { shape: [B, 1, T, T], dtype: like.dtype })
}

/** Mean squared error of scores whose query and key are real. What is elsewhere, be it NaN, has no part in it. */
function realError(s: Tensor, t: Tensor, mask: Tensor): Tensor {
  const [B, H, T] = s.shape
  const pairs = lengthsOf('attentionLoss', mask, B, T).reduce((n, length) => n + length * length, 0)
  const real = realSquares(mask, s, () => 1)
  const difference = sub(where(real, s, 0), where(real, t, 0))
  return div(sum(mul(difference, difference)), H * pairs)
}

/**
 * Sum over pairs of the mean of (student - teacher)^2 over attention scores [B, H, T, T] before softmax, one or a list.
 * Without a mask as TinyBERT's code: scores at most -100, those of padded keys, are 0 on both sides, the mean is over all
 * B H T T. With a mask padded queries and keys are really removed: the mean is over H sum_b length_b^2. Gradient:
 * 2 (student - teacher) / elements; none reaches the teacher. Jiao et al. 2020 (TinyBERT), equation 7. Throws ShapeError
 * where shapes differ, as with another number of heads.
 */
export function attentionLoss(student: Layers, teacher: Layers, options: AttentionLossOptions = {}): Tensor {
  const { pairs, mask } = options
  const visible = (scores: Tensor) => where(le(scores, MASKED), 0, scores)
  return paired('attentionLoss', student, teacher, pairs)
    .map(({ s, t }) => {
      square('attentionLoss', s)
      fitting('attentionLoss', s, t, 'Both need the same number of heads')
      const wanted = detached(t)
      return mask === undefined ? mse(visible(s), visible(wanted)) : realError(s, wanted, mask)
    })
    .reduce(add)
}

/** What a mean over texts of uneven length is over. */
export type Average = 'positions' | 'examples'

/** What row q of text b counts: all alike, or all texts alike. Sums to 1 over the real rows of all texts and heads. */
export function rowWeights(
  lengths: readonly number[],
  heads: number,
  average: Average,
): (text: number) => number {
  const all = lengths.reduce((a, b) => a + b, 0)
  return (b) => 1 / (heads * (average === 'positions' ? all : lengths.length * lengths[b]))
}

/** Of attentionProbsLoss(). */
export interface AttentionProbsOptions extends AttentionLossOptions {
  /**
   * 'examples': the mean over the texts' means, each over heads and real queries, so that short ones count as much as long
   * ones. 'positions': over the heads and real queries of all texts. Default 'examples', the paper's.
   */
  average?: Average
}

/** In float32 a probability may underflow to 0: its logarithm, and 1 / it in the gradient, stay finite. */
const LEAST = 1e-30

function probsDivergence(
  s: Tensor,
  t: Tensor,
  { mask, average = 'examples' }: AttentionProbsOptions,
): Tensor {
  const [B, H, T] = s.shape as Shape
  const weight = rowWeights(lengthsOf('attentionProbsLoss', mask, B, T), H, average)
  const all = mask ?? tensor(new Int32Array(B * T).fill(1), { shape: [B, T] })
  const logOf = (probs: Tensor) => log(clamp(probs, LEAST))
  return sum(mul(mul(realSquares(all, s, weight), t), sub(logOf(t), logOf(s))))
}

/**
 * KL(teacher || student) of attention probabilities [B, H, T, T], one or a list: of each text the mean over heads and real
 * queries, then the mean over texts; summed over pairs. With a mask [B, T] padded queries and keys are removed. Gradient:
 * -teacher / student / (B H length), 0 for a student's probability below 1e-30; none reaches the teacher. Wang et al. 2020
 * (MiniLM, arXiv 2002.10957), section 3.1. Throws ShapeError where shapes differ, RangeError for a text without a real
 * position.
 */
export function attentionProbsLoss(
  student: Layers,
  teacher: Layers,
  options: AttentionProbsOptions = {},
): Tensor {
  return paired('attentionProbsLoss', student, teacher, options.pairs)
    .map(({ s, t }) => {
      square('attentionProbsLoss', s)
      fitting('attentionProbsLoss', s, t, 'Both need the same number of heads')
      return probsDivergence(s, detached(t), options)
    })
    .reduce(add)
}

const layers = (t: LossInputs, options: AttentionLossOptions = {}) =>
  attentionLoss([t.student0, t.student1], [t.teacher0, t.teacher1, t.teacher2], {
    pairs: [
      [0, 1],
      [1, 2],
    ],
    ...options,
  })

export const attentionScores: LossRecord = {
  name: 'attentionScores',
  doc: 'Squared error between attention scores, those of masked keys being 0 on both sides or removed.',
  math: '\\sum_l \\tfrac{1}{n} \\| A_s^l - A_t^{g(l)} \\|^2;\\quad \\bar A_s = \\tfrac{2}{n} (A_s - A_t)',
  source: 'Jiao et al. 2020 (arXiv 1909.10351), equation 7; its code keeps padded queries',
  needs: ['attentionScores', 'attentionMask'],
  golden: {
    'attention.tinybert-code': (t) => layers(t),
    'attention.masked': (t) => layers(t, { mask: t.mask }),
  },
}

const fromScores = ({ student, teacher }: LossInputs, options: AttentionProbsOptions) =>
  attentionProbsLoss(softmax(student, -1), softmax(teacher, -1), options)

export const attentionProbs: LossRecord = {
  name: 'attentionProbs',
  doc: "The divergence of the student's attention probabilities from the teacher's.",
  math: '\\tfrac{1}{B} \\sum_b \\tfrac{1}{H T_b} \\sum_{h, n, k} q_{bhnk} \\ln \\tfrac{q_{bhnk}}{p_{bhnk}};\\quad \\bar p = -\\tfrac{1}{B H T_b} \\tfrac{q}{p}',
  source: 'Wang et al. 2020 (arXiv 2002.10957), section 3.1',
  needs: ['attentionProbs', 'attentionMask'],
  golden: {
    'attention-probs.positions': (t) => fromScores(t, { mask: t.mask, average: 'positions' }),
    'attention-probs.examples': (t) => fromScores(t, { mask: t.mask }),
    'attention-probs.unpadded': (t) => fromScores(t, {}),
  },
}
