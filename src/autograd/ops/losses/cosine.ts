// The cosine of the angle between vectors.
import { ShapeError } from '../../../errors.js'
import { optionsArg } from '../../../tensor/check.js'
import { formatShape, normalizeDim, reducedShape, sameShape } from '../../../tensor/shape.js'
import type { Tensor } from '../../../tensor/tensor.js'
import { defineOp } from '../../op.js'
import { div, mul } from '../elementwise/arithmetic.js'
import { lt, where } from '../elementwise/compare.js'
import { sum } from '../reduce.js'
import { norm } from '../reductions/norm.js'

interface CosineAttrs {
  dim: number
  eps: number
}

/** x / max(|x|, eps). The square of eps may be 0 in float32, and the root of 0 must not be differentiated. */
function direction(x: Tensor, dim: number, eps: number): Tensor {
  const length = norm(x, 2, dim, { keepdim: true })
  return div(x, where(lt(length, eps), eps, length))
}

const cosineOp = defineOp<CosineAttrs>({
  name: 'cosineSimilarity',
  doc: 'The cosine of the angle between vectors along a dim; norms below eps count as eps.',
  math: 'y = \\frac{a \\cdot b}{\\max(|a|, \\epsilon) \\max(|b|, \\epsilon)}',
  takes: ['float'],
  shape: ([a, b], { dim }) => {
    if (!sameShape(a, b))
      throw new ShapeError('cosineSimilarity', `shapes differ, ${formatShape(a)} and ${formatShape(b)}`)
    return reducedShape(a, [normalizeDim('cosineSimilarity', dim, a.length)], false)
  },
  composite: ([a, b], { dim, eps }) => sum(mul(direction(a, dim, eps), direction(b, dim, eps)), dim),
  twice: true,
  samples: () =>
    [[2, 3], [3], [1, 1], [0, 3], [3, 4]].flatMap((shape, i) => {
      const [a, b] = [
        { shape, domain: { lo: 0.2, hi: 2 } },
        { shape, domain: { lo: 0.2, hi: 1 } },
      ]
      const views = [
        { ...a, view: 'transposed' as const },
        { ...b, view: 'sliced' as const },
      ]
      return [
        { inputs: i === 4 ? views : [a, b], attrs: { dim: -1, eps: 1e-8 } },
        ...(i === 0 ? [{ inputs: [a, b], attrs: { dim: 0, eps: 1e-30 } }] : []),
      ]
    }),
  errors: () => [
    {
      inputs: [{ shape: [2, 3] }, { shape: [3, 2] }],
      attrs: { dim: -1, eps: 1e-8 },
      error: ShapeError,
      text: 'cosineSimilarity: shapes differ, [2, 3] and [3, 2]',
    },
  ],
  edge: () => [
    {
      inputs: [
        { shape: [2], values: [0, 0] },
        { shape: [2], values: [1, 0] },
      ],
      attrs: { dim: 0, eps: 1e-8 },
      out: 0,
    },
    {
      inputs: [
        { shape: [2], values: [0, 0] },
        { shape: [2], values: [0, 0] },
      ],
      attrs: { dim: 0, eps: 1e-30 },
      out: 0,
    },
  ],
})

/** a . b / (|a| |b|) along `dim`. Throws ShapeError when shapes differ. */
export function cosineSimilarity(a: Tensor, b: Tensor, options: Partial<CosineAttrs> = {}): Tensor {
  const { dim = -1, eps = 1e-8 } = optionsArg('cosineSimilarity', options, { dim: 'whole', eps: 'finite' })
  if (eps < 0) throw new RangeError(`cosineSimilarity: eps must be 0 or more, got ${eps}`)
  return cosineOp([a, b], { dim, eps })
}
