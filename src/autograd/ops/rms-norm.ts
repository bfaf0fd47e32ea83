// Root mean square norm: rows brought to a mean square of 1, without a mean taken off.
import { ShapeError } from '../../errors.js'
import { optionsArg, tensorArg } from '../../tensor/check.js'
import { formatShape, type Shape, sameShape } from '../../tensor/shape.js'
import type { Tensor } from '../../tensor/tensor.js'
import { defineOp, type Op } from '../op.js'
import type { Sample, Spec } from '../samples.js'
import { add, div, mul } from './elementwise/arithmetic.js'
import { sqrt } from './elementwise/pointwise.js'
import { mean } from './reduce.js'

interface Eps {
  eps: number
}

const rmsNormOp: Op<Eps> = defineOp<Eps>({
  name: 'rmsNorm',
  doc: 'Each row divided by the root of its mean square, then scaled.',
  math: 'y = \\tfrac{x}{r} w,\\ r = \\sqrt{\\tfrac1n \\sum_i x_i^2 + \\epsilon};\\quad \\bar x = \\tfrac{1}{r} (g - \\tfrac{x}{r^2}\\, \\overline{g x}),\\ g = \\bar y w',
  takes: ['float'],
  shape: ([x, w]) => {
    if (x.length === 0 || (w !== undefined && !sameShape(w, x.slice(-1)))) {
      throw new ShapeError(
        'rmsNorm',
        x.length === 0
          ? 'needs at least one dim'
          : `the weight ${formatShape(w)} does not fit the last dim of ${formatShape(x)}`,
      )
    }
    return x
  },
  composite: ([x, w], { eps }) => {
    const y = div(x, sqrt(add(mean(mul(x, x), -1, { keepdim: true }), eps)))
    return w ? mul(y, w) : y
  },
  twice: true,
  samples: () => {
    const s = (shape: Shape, weight: boolean, spec: Partial<Spec> = {}, eps = 1e-6): Sample<Eps> => ({
      inputs: [
        { shape, domain: { lo: 0.2, hi: 2 }, ...spec },
        ...(weight ? [{ shape: shape.slice(-1), domain: { lo: 0.5, hi: 1.5 } }] : []),
      ],
      attrs: { eps },
    })
    return [
      s([2, 3], true),
      s([2, 2, 3], false),
      s([4], true, {}, 1e-2),
      s([1], true, {}, 0.5),
      s([0, 3], true),
      s([3, 4], true, { view: 'transposed' }),
      s([2, 3], true, { view: 'sliced' }),
      s([2, 3], true, { domain: { lo: -100, hi: 100 } }),
    ]
  },
  errors: () => [
    {
      inputs: [{ shape: [2, 3] }, { shape: [2] }],
      attrs: { eps: 1e-6 },
      error: ShapeError,
      text: 'rmsNorm: the weight [2] does not fit the last dim of [2, 3]',
    },
    {
      inputs: [{ shape: [] }],
      attrs: { eps: 1e-6 },
      error: ShapeError,
      text: 'rmsNorm: needs at least one dim',
    },
  ],
  edge: () => [
    { inputs: [{ shape: [2], values: [0, 0] }], attrs: { eps: 1e-6 }, out: [0, 0], grads: [[1e3, 1e3]] },
    { inputs: [{ shape: [2], values: [NaN, 1] }], attrs: { eps: 1e-6 }, out: [NaN, NaN] },
  ],
  k: 32,
})

/** The step from 1 to the next number: what PyTorch takes where no eps is given. */
const EPSILON = { float32: 2 ** -23, float64: 2 ** -52, int32: 0 } as const

/**
 * x / sqrt(mean(x^2) + eps) * weight over the last dim: x [..., n], weight [n] or null -> [..., n]. eps: by default the
 * dtype's own, as in PyTorch. Zhang and Sennrich 2019. Throws ShapeError.
 */
export function rmsNorm(x: Tensor, weight: Tensor | null = null, options: Partial<Eps> = {}): Tensor {
  tensorArg('rmsNorm', 'the input', x)
  if (weight !== null) tensorArg('rmsNorm', 'the weight', weight)
  const { eps = EPSILON[x.dtype] } = optionsArg('rmsNorm', options, { eps: 'finite' })
  return rmsNormOp(weight === null ? [x] : [x, weight], { eps })
}
