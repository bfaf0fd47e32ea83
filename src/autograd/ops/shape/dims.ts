// Dims dropped, added, moved and divided: all in reshape and permute, so that most are views.
import { ShapeError } from '../../../errors.js'
import { shapeArg, wholeArg, wholesArg } from '../../../tensor/check.js'
import {
  formatShape,
  inferShape,
  normalizeDim,
  normalizeDims,
  numel,
  type Shape,
} from '../../../tensor/shape.js'
import type { Tensor } from '../../../tensor/tensor.js'
import { defineOp, type Op } from '../../op.js'
import type { EdgeCase, ErrorCase, Sample, Spec } from '../../samples.js'
import { permute, reshape } from './views.js'

export interface Fields<A> {
  name: string
  doc: string
  math: string
  shape: (x: Shape, attrs: A) => Shape
  /** `shape` is the result's. */
  composite: (x: Tensor, attrs: A, shape: Shape) => Tensor
  samples: readonly (readonly [Spec, A])[]
  refused: readonly (readonly [Shape, A, string])[]
  edge: EdgeCase<A>
  error?: ErrorCase<A>['error']
}

/** An op that arranges the elements of one tensor of any dtype. */
export function arrangement<A>(f: Fields<A>): Op<A> {
  return defineOp<A>({
    name: f.name,
    doc: f.doc,
    math: f.math,
    takes: ['any'],
    shape: ([x], attrs) => f.shape(x, attrs),
    composite: ([x], attrs) => f.composite(x, attrs, f.shape(x.shape, attrs)),
    twice: true,
    samples: () => f.samples.map(([x, attrs]): Sample<A> => ({ inputs: [x], attrs })),
    errors: () =>
      f.refused.map(([shape, attrs, text]) => ({
        inputs: [{ shape }],
        attrs,
        error: f.error ?? ShapeError,
        text: `${f.name}: ${text}`,
      })),
    edge: () => [f.edge],
  })
}

export const two: Spec = { shape: [2], values: [NaN, -0] }
export const turned: Spec = { shape: [3, 4], view: 'transposed' }
export const cut: Spec = { shape: [2, 1, 3], view: 'sliced' }
export const large = { domain: { lo: -1e4, hi: 1e4 } }

type Dims = readonly number[] | undefined

const squeezeOp = arrangement<{ dims: Dims }>({
  name: 'squeeze',
  doc: 'Without dims of size 1: all of them, or those named.',
  math: 'y = \\mathrm{reshape}(x)',
  shape: (x, { dims }) => {
    const gone = normalizeDims('squeeze', dims, x.length)
    return x.filter((n, d) => n !== 1 || !gone.includes(d))
  },
  composite: (x, _, shape) => reshape(x, shape),
  samples: [
    [{ shape: [2, 1, 3, 1] }, { dims: undefined }],
    [{ shape: [1, 3, 1] }, { dims: [-1] }],
    [{ shape: [2, 3] }, { dims: [0] }],
    [{ shape: [] }, { dims: undefined }],
    [{ shape: [0, 1] }, { dims: [1] }],
    [cut, { dims: [1] }],
    [{ shape: [3, 1], view: 'transposed' }, { dims: undefined }],
    [{ shape: [1], ...large }, { dims: [0] }],
  ],
  refused: [[[2], { dims: [1] }, 'dim 1 is out of range for rank 1 (expected -1 to 0)']],
  edge: {
    inputs: [{ shape: [1, 2], values: [NaN, -0] }],
    attrs: { dims: undefined },
    out: [NaN, -0],
    grads: [[[1, 1]]],
  },
})

/** x without its dims of size 1, or without those of `dim` that have size 1. Throws ShapeError. */
export function squeeze(x: Tensor, dim?: number | readonly number[]): Tensor {
  return squeezeOp([x], { dims: typeof dim === 'number' ? [dim] : dim })
}

const unsqueezeOp = arrangement<{ dim: number }>({
  name: 'unsqueeze',
  doc: 'With a new dim of size 1.',
  math: 'y = \\mathrm{reshape}(x)',
  shape: (x, { dim }) => {
    const out = [...x]
    out.splice(normalizeDim('unsqueeze', dim, x.length + 1), 0, 1)
    return out
  },
  composite: (x, _, shape) => reshape(x, shape),
  samples: [
    [{ shape: [2, 3] }, { dim: 0 }],
    [{ shape: [2, 3] }, { dim: -1 }],
    [{ shape: [] }, { dim: 0 }],
    [{ shape: [0] }, { dim: 1 }],
    [turned, { dim: 1 }],
    [cut, { dim: 2 }],
    [{ shape: [2], ...large }, { dim: 0 }],
  ],
  refused: [[[2], { dim: 2 }, 'dim 2 is out of range for rank 2 (expected -2 to 1)']],
  edge: { inputs: [two], attrs: { dim: 0 }, out: [[NaN, -0]], grads: [[1, 1]] },
})

/** x with a new dim of size 1 at `dim`. Throws ShapeError. */
export function unsqueeze(x: Tensor, dim: number): Tensor {
  return unsqueezeOp([x], { dim })
}

const flattenOp = arrangement<{ startDim: number; endDim: number }>({
  name: 'flatten',
  doc: 'The dims from one to another made one.',
  math: 'y = \\mathrm{reshape}(x)',
  shape: (x, { startDim, endDim }) => {
    if (x.length === 0) return [1]
    const from = normalizeDim('flatten', startDim, x.length)
    const to = normalizeDim('flatten', endDim, x.length)
    if (from > to) throw new ShapeError('flatten', `startDim ${startDim} lies behind endDim ${endDim}`)
    return [...x.slice(0, from), numel(x.slice(from, to + 1)), ...x.slice(to + 1)]
  },
  composite: (x, _, shape) => reshape(x, shape),
  samples: [
    [{ shape: [2, 3, 2] }, { startDim: 0, endDim: -1 }],
    [{ shape: [2, 3, 2] }, { startDim: 1, endDim: 2 }],
    [{ shape: [] }, { startDim: 0, endDim: -1 }],
    [{ shape: [2, 0, 3] }, { startDim: 0, endDim: 1 }],
    [turned, { startDim: 0, endDim: 1 }],
    [cut, { startDim: -2, endDim: -1 }],
    [
      { shape: [2, 2], ...large },
      { startDim: 0, endDim: 1 },
    ],
  ],
  refused: [[[2, 2], { startDim: 1, endDim: 0 }, 'startDim 1 lies behind endDim 0']],
  edge: { inputs: [two], attrs: { startDim: 0, endDim: 0 }, out: [NaN, -0], grads: [[1, 1]] },
})

/** The dims from startDim to endDim made one; a scalar gives [1]. Throws ShapeError. */
export function flatten(x: Tensor, startDim = 0, endDim = -1): Tensor {
  wholeArg('flatten', 'startDim', startDim)
  wholeArg('flatten', 'endDim', endDim)
  return flattenOp([x], { startDim, endDim })
}

const unflattenOp = arrangement<{ dim: number; sizes: Shape }>({
  name: 'unflatten',
  doc: 'One dim divided into several; one size may be -1.',
  math: 'y = \\mathrm{reshape}(x)',
  shape: (x, { dim, sizes }) => {
    const d = normalizeDim('unflatten', dim, x.length)
    return [...x.slice(0, d), ...inferShape('unflatten', [x[d]], sizes), ...x.slice(d + 1)]
  },
  composite: (x, _, shape) => reshape(x, shape),
  samples: [
    [{ shape: [2, 6] }, { dim: 1, sizes: [2, 3] }],
    [{ shape: [4] }, { dim: 0, sizes: [-1, 2] }],
    [turned, { dim: -1, sizes: [2, 2] }],
    [cut, { dim: 2, sizes: [3, 1] }],
    [{ shape: [0, 2] }, { dim: 1, sizes: [1, 2] }],
    [
      { shape: [4], ...large },
      { dim: 0, sizes: [2, 2] },
    ],
  ],
  refused: [[[5], { dim: 0, sizes: [2, 2] }, '[5] has 5 elements, [2, 2] has 4']],
  edge: { inputs: [two], attrs: { dim: 0, sizes: [2, 1] }, out: [[NaN], [-0]], grads: [[1, 1]] },
})

/** Dim `dim` divided into `sizes`, of which one may be -1. Throws ShapeError. */
export function unflatten(x: Tensor, dim: number, sizes: Shape): Tensor {
  return unflattenOp([x], { dim, sizes: shapeArg('unflatten', sizes, -1) })
}

interface Move {
  source: readonly number[]
  destination: readonly number[]
}

/** Which dim of x stands at each place. */
function moved(rank: number, { source, destination }: Move): number[] {
  if (source.length !== destination.length)
    throw new ShapeError('movedim', `${source.length} dims for ${destination.length} places`)
  const from = source.map((d) => normalizeDim('movedim', d, rank))
  const to = destination.map((d) => normalizeDim('movedim', d, rank))
  for (const dims of [from, to])
    if (new Set(dims).size < dims.length)
      throw new ShapeError('movedim', `dims ${formatShape(dims)} name one twice`)
  const rest = Array.from({ length: rank }, (_, d) => d).filter((d) => !from.includes(d))
  return Array.from({ length: rank }, (_, place) => {
    const i = to.indexOf(place)
    return i < 0 ? (rest.shift() as number) : from[i]
  })
}

const movedimOp = arrangement<Move>({
  name: 'movedim',
  doc: 'Dims moved to other places; the rest keep their order.',
  math: 'y = x^{\\pi}',
  shape: (x, attrs) => moved(x.length, attrs).map((d) => x[d]),
  composite: (x, attrs) => permute(x, moved(x.rank, attrs)),
  samples: [
    [{ shape: [2, 3, 4] }, { source: [0], destination: [2] }],
    [{ shape: [2, 3, 4] }, { source: [-1, 0], destination: [0, 1] }],
    [turned, { source: [0], destination: [0] }],
    [cut, { source: [2], destination: [0] }],
    [{ shape: [0, 2] }, { source: [1], destination: [0] }],
    [
      { shape: [2, 2], ...large },
      { source: [0], destination: [1] },
    ],
  ],
  refused: [
    [[2, 2], { source: [0], destination: [] }, '1 dims for 0 places'],
    [[2, 2], { source: [0, 0], destination: [0, 1] }, 'dims [0, 0] name one twice'],
  ],
  edge: {
    inputs: [{ shape: [1, 2], values: [NaN, -0] }],
    attrs: { source: [0], destination: [1] },
    out: [[NaN], [-0]],
  },
})

/** Dims `source` moved to the places `destination`; the rest keep their order. Throws ShapeError. */
export function movedim(
  x: Tensor,
  source: number | readonly number[],
  destination: number | readonly number[],
): Tensor {
  const from = wholesArg('movedim', 'source', source)
  return movedimOp([x], { source: from, destination: wholesArg('movedim', 'destination', destination) })
}
