// Feature maps layer by layer: states come close as a layer norm leaves them, and by their mean and variance. Sun et al. 2020
// (MobileBERT, arXiv 2004.02984), section 3.4; the terms of mean and variance are its code's.
import { zeros } from '../../autograd/create.js'
import { add, mul, sub } from '../../autograd/ops/elementwise/arithmetic.js'
import { detached } from '../../autograd/ops/elementwise/compare.js'
import { abs } from '../../autograd/ops/elementwise/pointwise.js'
import { mse } from '../../autograd/ops/losses/losses.js'
import { layerNorm } from '../../autograd/ops/normalize.js'
import { mean as meanOf } from '../../autograd/ops/reduce.js'
import type { Tensor } from '../../tensor/tensor.js'
import type { LayerPair } from '../layer-map.js'
import { fitting, type Layers, paired, realRows } from './real.js'
import type { LossInputs, LossRecord } from './record.js'

/** Of featureMapLoss(). */
export interface FeatureMapOptions {
  /** Places in the lists, as layerMap().hidden. Default: each with each. */
  pairs?: readonly LayerPair[] | undefined
  /** int32 [B, T], the attention mask: means are over real positions. Default: over all. */
  mask?: Tensor | undefined
  /** What the squared difference of a word's means over its width counts. Default 0. */
  mean?: number
  /** What the size of the difference of its variances counts. Default 0. */
  variance?: number
}

/** As tf.contrib.layers.layer_norm, which its code takes. */
const EPS = 1e-12

/** Rows [N, C] -> [N, 1] each. */
function moments(x: Tensor): { m: Tensor; v: Tensor } {
  const m = meanOf(x, -1, { keepdim: true })
  const off = sub(x, m)
  return { m, v: meanOf(mul(off, off), -1, { keepdim: true }) }
}

function normed(x: Tensor): Tensor {
  const [C] = x.shape.slice(-1)
  const { dtype } = x
  return layerNorm(x, add(zeros([C], { dtype }), 1), zeros([C], { dtype }), { eps: EPS })
}

/**
 * Mean over pairs of MSE(LN s, LN t) + mean (m_s - m_t)^2 + variance |v_s - v_t|, LN a layer norm without weights, m and v the
 * mean and variance of a word's state, each averaged over words; states [B, T, C], one or a list. Gradients reach the student
 * alone. Sun et al. 2020, section 3.4. Throws ShapeError where shapes differ: there is no projection.
 */
export function featureMapLoss(student: Layers, teacher: Layers, options: FeatureMapOptions = {}): Tensor {
  const { pairs, mask, mean = 0, variance = 0 } = options
  const layers = paired('featureMapLoss', student, teacher, pairs)
  const total = layers
    .map(({ s, t }) => {
      fitting('featureMapLoss', s, t, 'The widths of student and teacher must be equal')
      const [x, wanted] = [s, detached(t)].map((h) => realRows('featureMapLoss', h, mask))
      const near = mse(normed(x), normed(wanted))
      if (mean === 0 && variance === 0) return near
      const [own, theirs] = [x, wanted].map(moments)
      const apart = mul(mse(own.m, theirs.m), mean)
      return add(add(near, apart), mul(meanOf(abs(sub(own.v, theirs.v))), variance))
    })
    .reduce(add)
  return mul(total, 1 / layers.length)
}

const both = (t: LossInputs, options: FeatureMapOptions) =>
  featureMapLoss([t.student0, t.student1], [t.teacher0, t.teacher1, t.teacher2], {
    pairs: [
      [0, 2],
      [1, 1],
    ],
    ...options,
  })

export const featureMaps: LossRecord = {
  name: 'featureMaps',
  doc: 'Squared error between states as a layer norm leaves them, and differences of their means and variances.',
  math: '\\tfrac{1}{L} \\sum_l \\left( \\tfrac{1}{n} \\| \\hat s^l - \\hat t^l \\|^2 + a (m_s - m_t)^2 + b |v_s - v_t| \\right),\\ \\hat x = \\tfrac{x - m}{\\sqrt v};\\quad \\bar{\\hat s} = \\tfrac{2}{n L} (\\hat s - \\hat t)',
  source: 'Sun et al. 2020 (arXiv 2004.02984), section 3.4; means and variances: its code',
  needs: ['hiddenStates', 'attentionMask'],
  golden: {
    'features.plain': (t) => both(t, {}),
    'features.masked': (t) => both(t, { mask: t.mask, mean: 50, variance: 0.05 }),
  },
}
