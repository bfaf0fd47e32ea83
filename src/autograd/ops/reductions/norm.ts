// Lengths of vectors: the p-norms, and the standard deviation.
import { ShapeError } from '../../../errors.js'
import { numberArg, optionsArg } from '../../../tensor/check.js'
import { reducedShape } from '../../../tensor/shape.js'
import { flat, type Tensor } from '../../../tensor/tensor.js'
import { zeros } from '../../create.js'
import { defineOp } from '../../op.js'
import type { Domain, EdgeCase } from '../../samples.js'
import { div, mul } from '../elementwise/arithmetic.js'
import { eq, where } from '../elementwise/compare.js'
import { abs, pow, sign, sqrt } from '../elementwise/pointwise.js'
import {
  type Dims,
  type Keep,
  keeps,
  lanes,
  type ReduceAttrs,
  reduceBy,
  reduceSamples,
  shareOfTies,
  variance,
  vectorEdge,
  withDims,
} from '../reduce.js'

type NormAttrs = ReduceAttrs & { p: number }

const apart: Domain = { lo: 0.3, hi: 2, distinct: true }
const both: Domain = { lo: -2, hi: 2, avoid: [0], gap: 0.3 }

const normEdge = (p: number, values: number[], out: number, dx?: number[]): EdgeCase<NormAttrs> => {
  const { attrs, ...rest } = vectorEdge(values, out, dx)
  return { ...rest, attrs: { ...attrs, p } }
}

const normOp = defineOp<NormAttrs>({
  name: 'norm',
  doc: 'The p-norm over dims; its gradient where x is 0 is 0.',
  math: 'y = (\\textstyle\\sum_i |x_i|^p)^{1/p};\\quad \\bar x_i = \\bar y\\, \\mathrm{sign}(x_i) (|x_i| / y)^{p-1}',
  takes: ['float'],
  shape: ([x], { dims, keepdim, p }) => {
    if (Number.isNaN(p)) throw new RangeError('norm: p must be a number, got NaN')
    const none = dims.find((d) => x[d] === 0)
    if (none !== undefined && (p < 0 || p === Infinity)) {
      throw new ShapeError('norm', `dim ${none} has no elements`, 'Nothing has no largest or smallest')
    }
    return reducedShape(x, dims, keepdim)
  },
  kernel: (k, out, [x], { dims, p }) => k.norm(flat(out), flat(x), ...lanes(x.shape, dims)!, p),
  save: ([x], y) => [x, y],
  backward: ({ dy, saved: [x, y], attrs, shapes }) => {
    const { p } = attrs
    const kept = (t: Tensor) => withDims(t, shapes[0], attrs)
    const g = kept(dy)
    if (p === 0) return [zeros(x.shape, { dtype: x.dtype })]
    if (p === 1) return [mul(g, sign(x))]
    if (Math.abs(p) === Infinity) {
      return [mul(shareOfTies(g, { saved: [abs(x), y], attrs }, kept), sign(x))]
    }
    const length = where(eq(kept(y), 0), 1, kept(y))
    if (p === 2) return [mul(g, div(x, length))]
    // Below p = 1 the slope at 0 is infinite, below 2 that of the slope: both count as 0.
    const still = eq(x, 0)
    const steep = pow(div(where(still, 1, abs(x)), length), p - 1)
    return [where(still, 0, mul(g, mul(sign(x), steep)))]
  },
  twice: true,
  samples: () => [
    ...reduceSamples(both, { lo: -100, hi: 100, avoid: [0], gap: 20 })
      .filter(({ inputs: [x], attrs }) => lanes(x.shape, attrs.dims) !== null)
      .map(({ inputs, attrs }) => ({ inputs, attrs: { ...attrs, p: 2 } })),
    ...[1, 3, 1.5, 0.5, -1, 0, Infinity, -Infinity].flatMap((p) => {
      const domain = Math.abs(p) === Infinity ? apart : both
      return [
        { inputs: [{ shape: [2, 3], domain }], attrs: { dims: [1], keepdim: false, p } },
        {
          inputs: [{ shape: [3, 2], domain, view: 'transposed' as const }],
          attrs: { dims: [0], keepdim: true, p },
        },
      ]
    }),
  ],
  errors: () => [
    {
      inputs: [{ shape: [0, 2] }],
      attrs: { dims: [0], keepdim: false, p: Infinity },
      error: ShapeError,
      text: 'norm: dim 0 has no elements. Nothing has no largest or smallest',
    },
    {
      inputs: [{ shape: [2] }],
      attrs: { dims: [0], keepdim: false, p: NaN },
      error: RangeError,
      text: 'norm: p must be a number, got NaN',
    },
  ],
  edge: () => [
    normEdge(2, [3, -4], 5, [0.6, -0.8]),
    normEdge(2, [0, 0], 0, [0, 0]),
    normEdge(1, [0, -2], 2, [0, -1]),
    normEdge(3, [0, 0], 0, [0, 0]),
    normEdge(0.5, [0, 4], 4, [0, 1]),
    normEdge(Infinity, [0, 0], 0, [0, 0]),
    normEdge(Infinity, [-3, 3, 1], 3, [-0.5, 0.5, 0]),
    normEdge(-Infinity, [-3, 2, 2], 2, [0, 0.5, 0.5]),
    normEdge(0, [0, -3, NaN], 2, [0, 0, 0]),
    normEdge(2, [], 0),
    // Neither the squares nor their sum overflow.
    normEdge(2, [3 * 2 ** 100, -4 * 2 ** 100], 5 * 2 ** 100, [0.6, -0.8]),
    normEdge(2, [NaN, 1], NaN),
    normEdge(2, [-Infinity, 1], Infinity, [NaN, 0]),
  ],
  k: 32,
})

/**
 * The p-norm over `dim` (one, several, or all): (sum |x|^p)^(1/p). p Infinity is the largest |x|, -Infinity the smallest,
 * 0 the number of elements that are not 0. PyTorch's subgradients: 0 where x is 0, shared evenly among largest ones.
 * Throws ShapeError where p < 0 or Infinity meets a dim without elements.
 */
export function norm(x: Tensor, p = 2, dim?: Dims, keep: Keep = {}): Tensor {
  numberArg('norm', 'p', p)
  return reduceBy('norm', (t, attrs) => normOp([t], { ...attrs, p }), x, dim, keep)
}

type StdAttrs = ReduceAttrs & { correction: number }

const stdOp = defineOp<StdAttrs>({
  name: 'std',
  doc: 'The standard deviation over dims, by n - correction; its gradient at 0 is 0.',
  math: 'y = \\sqrt{\\mathrm{var}(x)};\\quad \\bar x_i = \\bar y\\, (x_i - \\mu) / ((n - c)\\, y)',
  takes: ['float'],
  shape: ([x], { dims, keepdim }) => reducedShape(x, dims, keepdim),
  composite: ([x], { dims, ...options }) => {
    const squared = variance(x, dims, options)
    const flatLane = eq(squared, 0)
    return where(flatLane, 0, sqrt(where(flatLane, 1, squared)))
  },
  twice: true,
  samples: () =>
    reduceSamples(apart, { lo: -100, hi: 100, distinct: true }, false).flatMap(({ inputs, attrs }) => {
      const n = attrs.dims.reduce((count, d) => count * inputs[0].shape[d], 1)
      return [0, 1]
        .filter((c) => n > c + 1)
        .map((correction) => ({ inputs, attrs: { ...attrs, correction } }))
    }),
  errors: () => [],
  edge: () => [
    { inputs: [{ shape: [1], values: [3] }], attrs: { dims: [0], keepdim: false, correction: 1 }, out: NaN },
    {
      inputs: [{ shape: [3], values: [0.7, 0.7, 0.7] }],
      attrs: { dims: [0], keepdim: false, correction: 1 },
      out: 0,
      grads: [[0, 0, 0]],
    },
    {
      inputs: [{ shape: [2], values: [1, 3] }],
      attrs: { dims: [0], keepdim: false, correction: 0 },
      out: 1,
      grads: [[-0.5, 0.5]],
    },
  ],
})

/**
 * Standard deviation over `dim` (one, several, or all); correction 1 (default) divides by n - 1, 0 by n. Equal numbers
 * give 0 and the gradient 0; fewer numbers than the correction NaN.
 */
export function std(x: Tensor, dim?: Dims, options: Keep & { correction?: number } = {}): Tensor {
  const { keepdim = false, correction = 1 } = optionsArg('std', options, { ...keeps, correction: 'finite' })
  return reduceBy('std', (t, attrs) => stdOp([t], { ...attrs, correction }), x, dim, { keepdim })
}
