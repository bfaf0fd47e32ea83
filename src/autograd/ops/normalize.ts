// Layer norm and dropout.
import { ShapeError } from '../../errors.js'
import { kernelsFor } from '../../tensor/backend.js'
import { type Kinds, numberArg, optionsArg } from '../../tensor/check.js'
import type { Key } from '../../tensor/rng.js'
import { formatShape, numel, type Shape, sameShape } from '../../tensor/shape.js'
import { empty, flat, type Tensor } from '../../tensor/tensor.js'
import { constant } from '../create.js'
import { dense } from '../graph.js'
import { defineOp, type Op } from '../op.js'
import { nextKey } from '../random.js'
import { type Domain, type Spec, unarySpecs } from '../samples.js'
import { add, div, mul, sub } from './elementwise/arithmetic.js'
import { where } from './elementwise/compare.js'
import { sqrt } from './elementwise/pointwise.js'
import { mean } from './reduce.js'

interface Eps {
  eps: number
}

/** (x - mean) / sqrt(var + eps) over the last dim, and 1 / sqrt(var + eps). */
function standardized(x: Tensor, eps: number): [xhat: Tensor, rstd: Tensor] {
  const rough = sub(x, mean(x, -1, { keepdim: true }))
  // Once more: the rounding of the mean of equal numbers is all that their row would hold.
  const centered = sub(rough, mean(rough, -1, { keepdim: true }))
  const rstd = div(1, sqrt(add(mean(mul(centered, centered), -1, { keepdim: true }), eps)))
  return [mul(centered, rstd), rstd]
}

const layerNormOp: Op<Eps> = defineOp<Eps>({
  name: 'layerNorm',
  doc: 'Each row brought to mean 0 and variance 1, then scaled and shifted. Ba et al. 2016.',
  math: 'y = \\hat x w + b,\\ \\hat x = \\tfrac{x - \\mu}{\\sqrt{\\sigma^2 + \\epsilon}};\\quad \\bar x = \\tfrac{1}{\\sqrt{\\sigma^2 + \\epsilon}} (g - \\overline{g} - \\hat x\\, \\overline{g \\hat x}),\\ g = \\bar y w',
  takes: ['float'],
  shape: ([x, w, b]) => {
    const n = x[x.length - 1]
    for (const [what, s] of [
      ['weight', w],
      ['bias', b],
    ] as const) {
      if (x.length === 0 || s.length !== 1 || s[0] !== n) {
        throw new ShapeError(
          'layerNorm',
          `the ${what} ${formatShape(s)} does not fit the last dim of ${formatShape(x)}`,
        )
      }
    }
    return x
  },
  kernel: (k, out, [x, w, b], { eps }) =>
    k.layerNorm(flat(out), flat(x), flat(w), flat(b), rowsOf(x.shape), w.numel, eps),
  plain: ([x, w, b], { eps }) => add(mul(standardized(x, eps)[0], w), b),
  save: ([x, w]) => [x, w],
  backward: ({ dy, saved: [x, w], attrs }) => {
    const [xhat, rstd] = standardized(x, attrs.eps)
    const g = mul(dy, w)
    const spread = mul(xhat, mean(mul(g, xhat), -1, { keepdim: true }))
    const dx = mul(rstd, sub(sub(g, mean(g, -1, { keepdim: true })), spread))
    // Of x's shape: the engine sums over the rows.
    return [dx, mul(dy, xhat), dy]
  },
  fastBackward: ({ dy, saved: [x, w], attrs }) => {
    const [dx, dw, db] = [empty(x.shape, x.dtype), empty(w.shape, x.dtype), empty(w.shape, x.dtype)]
    const rows = rowsOf(x.shape)
    kernelsFor(x.dtype).layerNormGrad(
      flat(dx),
      flat(dw),
      flat(db),
      flat(dense(x)),
      flat(dense(w)),
      flat(dense(dy)),
      rows,
      w.numel,
      attrs.eps,
    )
    return [dx, dw, db]
  },
  twice: true,
  samples: () => {
    const of = (x: Spec, eps = 1e-5) => {
      const n = x.shape[x.shape.length - 1]
      return { inputs: [x, { shape: [n], domain: { lo: 0.5, hi: 1.5 } }, { shape: [n] }], attrs: { eps } }
    }
    const wide: Domain = { lo: -2, hi: 2 }
    return [
      of({ shape: [2, 5], domain: wide }),
      of({ shape: [2, 2, 4], domain: wide }, 1e-12),
      of({ shape: [4], domain: wide }),
      of({ shape: [0, 3], domain: wide }),
      of({ shape: [4, 5], domain: wide, view: 'transposed' }),
      of({ shape: [2, 6], domain: wide, view: 'sliced' }, 1e-2),
      of({ shape: [2, 5], domain: { lo: -100, hi: 100 } }),
      // Rows of tiny spread: here eps shows.
      of({ shape: [2, 5], domain: { lo: -0.05, hi: 0.05 } }, 0.01),
    ]
  },
  errors: () => [
    {
      inputs: [{ shape: [2, 3] }, { shape: [4] }, { shape: [3] }],
      attrs: { eps: 1e-5 },
      error: ShapeError,
      text: 'layerNorm: the weight [4] does not fit the last dim of [2, 3]',
    },
  ],
  edge: () => [
    {
      inputs: [
        { shape: [1, 2], values: [3, 3] },
        { shape: [2], values: [1, 1] },
        { shape: [2], values: [0, 5] },
      ],
      attrs: { eps: 1e-5 },
      out: [[0, 5]],
    },
  ],
  k: 64,
})

function rowsOf(shape: Shape): number {
  return numel(shape.slice(0, -1))
}

/** Layer norm over the last dim: x [..., n], weight [n], bias [n] -> [..., n]. Ba et al. 2016. Throws ShapeError. */
export function layerNorm(x: Tensor, weight: Tensor, bias: Tensor, options: Partial<Eps> = {}): Tensor {
  const { eps = 1e-5 } = optionsArg('layerNorm', options, { eps: 'finite' })
  return layerNormOp([x, weight, bias], { eps })
}

interface DropoutAttrs {
  p: number
  key: Key
}

const dropoutOp: Op<DropoutAttrs> = defineOp<DropoutAttrs>({
  name: 'dropout',
  doc: 'Elements set to 0 with probability p, others divided by 1 - p; plus a residual, if any. Srivastava et al. 2014.',
  math: 'y = x m / (1 - p) + r;\\quad \\bar x = \\bar y m / (1 - p),\\ \\bar r = \\bar y',
  takes: ['float'],
  shape: ([x, residual], { p }) => {
    if (!(p >= 0 && p <= 1)) throw new RangeError(`dropout: p must lie in [0, 1], got ${p}`)
    if (residual !== undefined && !sameShape(x, residual))
      throw new ShapeError(
        'dropout',
        `the residual must be ${formatShape(x)} as the input, got ${formatShape(residual)}`,
      )
    return x
  },
  kernel: (k, out, [x, residual], { p, key }) => {
    // 1 / (1 - p) is no number there.
    if (p < 1) k.dropout(flat(out), flat(x), p, key, residual ? flat(residual) : null)
    else if (residual) k.copy(out.shape, out.raw, out.strides, residual.raw, residual.strides)
    else k.fill(out.raw, 0)
  },
  plain: ([x, residual], attrs) => {
    const y = dropoutOp([x], attrs)
    return residual ? add(y, residual) : y
  },
  save: () => [],
  // The same key draws the same mask.
  backward: ({ dy, attrs, needs }) => {
    const dx = needs[0] ? dropoutOp([dy], attrs) : null
    return needs.length > 1 ? [dx, dy] : [dx]
  },
  twice: true,
  samples: () =>
    unarySpecs().flatMap((s, i) => {
      const attrs = { p: i % 2 ? 0.5 : 0.1, key: [7, i] as const }
      return [
        { inputs: [s], attrs },
        { inputs: [s, { shape: s.shape }], attrs },
      ]
    }),
  errors: () => [
    {
      inputs: [{ shape: [2] }],
      attrs: { p: 1.5, key: [0, 0] },
      error: RangeError,
      text: 'dropout: p must lie in [0, 1], got 1.5',
    },
    {
      inputs: [{ shape: [2] }, { shape: [1] }],
      attrs: { p: 0.1, key: [0, 0] },
      error: ShapeError,
      text: 'dropout: the residual must be [2] as the input, got [1]',
    },
  ],
  edge: () => [
    {
      inputs: [{ shape: [2], values: [Infinity, -0] }],
      attrs: { p: 0, key: [0, 0] },
      out: [Infinity, -0],
      grads: [[1, 1]],
    },
    {
      inputs: [{ shape: [3], values: [Infinity, NaN, 2] }],
      attrs: { p: 1, key: [0, 0] },
      out: [0, 0, 0],
      grads: [[0, 0, 0]],
    },
    {
      inputs: [
        { shape: [2], values: [Infinity, NaN] },
        { shape: [2], values: [3, -4] },
      ],
      attrs: { p: 1, key: [0, 0] },
      out: [3, -4],
      grads: [
        [0, 0],
        [1, 1],
      ],
    },
  ],
})

export interface DropoutOptions {
  key?: Key
  /** Of x's shape: added to the result, in the same pass. */
  residual?: Tensor
}

const dropoutOptions: Kinds<DropoutOptions> = { key: 'key', residual: 'tensor' }

/**
 * Zeroes elements with probability p and divides the rest by 1 - p; plus `residual`. Element i depends on the key and i
 * alone. With p = 1 nothing is left, NaN and infinities neither. Throws RangeError for a p outside [0, 1].
 */
export function dropout(x: Tensor, p: number, options: DropoutOptions = {}): Tensor {
  const { key, residual } = optionsArg('dropout', options, dropoutOptions)
  numberArg('dropout', 'p', p)
  if (p === 0) return residual ? add(x, residual) : x
  if (p === 1) {
    // Not x times 0: a NaN is dropped as well.
    const nothing = where(constant(0, x), x, 0)
    return residual ? add(nothing, residual) : nothing
  }
  return dropoutOp(residual ? [x, residual] : [x], { p, key: key ?? nextKey() })
}
