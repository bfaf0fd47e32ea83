// Dims dropped, added, moved and divided, parts of a dim, and repetition: all in reshape, permute, slice, expand and
// indexSelect, so that most are views.
import { ShapeError } from '../../../errors.js'
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
import { slice } from './slice.js'
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
  return unflattenOp([x], { dim, sizes })
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
  const list = (d: number | readonly number[]) => (typeof d === 'number' ? [d] : d)
  return movedimOp([x], { source: list(source), destination: list(destination) })
}

interface Part {
  dim: number
  start: number
  length: number
}

const narrowOp = arrangement<Part>({
  name: 'narrow',
  doc: 'A stretch of one dim: where it starts, and how long it is.',
  math: 'y_j = x_{s + j}',
  shape: (x, { dim, start, length }) => {
    const d = normalizeDim('narrow', dim, x.length)
    const from = start < 0 ? start + x[d] : start
    if (![start, length].every(Number.isInteger) || from < 0 || length < 0 || from + length > x[d])
      throw new ShapeError('narrow', `start ${start} and length ${length} leave dim ${d} of size ${x[d]}`)
    return x.map((n, i) => (i === d ? length : n))
  },
  composite: (x, { dim, start, length }) => {
    const from = start < 0 ? start + x.shape[normalizeDim('narrow', dim, x.rank)] : start
    return slice(x, dim, from, from + length)
  },
  samples: [
    [{ shape: [4, 3] }, { dim: 0, start: 1, length: 2 }],
    [{ shape: [2, 5] }, { dim: -1, start: -3, length: 2 }],
    [turned, { dim: 1, start: 0, length: 3 }],
    [cut, { dim: 2, start: 1, length: 2 }],
    [{ shape: [0, 3] }, { dim: 1, start: 3, length: 0 }],
    [
      { shape: [4], ...large },
      { dim: 0, start: 1, length: 2 },
    ],
  ],
  refused: [
    [[3], { dim: 0, start: 2, length: 2 }, 'start 2 and length 2 leave dim 0 of size 3'],
    [[3], { dim: 0, start: 0.5, length: 1 }, 'start 0.5 and length 1 leave dim 0 of size 3'],
  ],
  edge: { inputs: [two], attrs: { dim: 0, start: 1, length: 1 }, out: [-0], grads: [[0, 1]] },
})

/** `length` elements of `dim` from `start` on, which may count from the end. A view. Throws ShapeError. */
export function narrow(x: Tensor, dim: number, start: number, length: number): Tensor {
  return narrowOp([x], { dim, start, length })
}

const selectOp = arrangement<{ dim: number; index: number }>({
  name: 'select',
  doc: 'One place of one dim, which goes.',
  math: 'y = x_{i}',
  error: RangeError,
  shape: (x, { dim, index }) => {
    const d = normalizeDim('select', dim, x.length)
    if (!Number.isInteger(index) || index < -x[d] || index >= x[d])
      throw new RangeError(`select: index ${index} is outside dim ${d} of size ${x[d]}`)
    return x.filter((_, i) => i !== d)
  },
  composite: (x, { dim, index }) => {
    const d = normalizeDim('select', dim, x.rank)
    const at = index < 0 ? index + x.shape[d] : index
    return reshape(
      slice(x, d, at, at + 1),
      x.shape.filter((_, i) => i !== d),
    )
  },
  samples: [
    [{ shape: [4, 3] }, { dim: 0, index: 1 }],
    [{ shape: [2, 3, 2] }, { dim: 1, index: -1 }],
    [{ shape: [3] }, { dim: 0, index: 2 }],
    [turned, { dim: 1, index: 0 }],
    [cut, { dim: 2, index: 1 }],
    [{ shape: [0, 2] }, { dim: 1, index: 0 }],
    [
      { shape: [4], ...large },
      { dim: 0, index: -4 },
    ],
  ],
  refused: [
    [[3], { dim: 0, index: 3 }, 'index 3 is outside dim 0 of size 3'],
    [[3], { dim: 0, index: 1.5 }, 'index 1.5 is outside dim 0 of size 3'],
  ],
  edge: { inputs: [two], attrs: { dim: 0, index: -1 }, out: -0, grads: [[0, 1]] },
})

/** x[..., index, ...] at `dim`, which goes; -1 is the last. A view. Throws RangeError, ShapeError. */
export function select(x: Tensor, dim: number, index: number): Tensor {
  return selectOp([x], { dim, index })
}

interface Diagonal {
  offset: number
  dim1: number
  dim2: number
}

function diagonalOf(x: Shape, { offset, dim1, dim2 }: Diagonal): [a: number, b: number, length: number] {
  const a = normalizeDim('diagonal', dim1, x.length)
  const b = normalizeDim('diagonal', dim2, x.length)
  if (a === b) throw new ShapeError('diagonal', `dim1 and dim2 are both ${a}`)
  if (!Number.isInteger(offset))
    throw new ShapeError('diagonal', `offset must be a whole number, got ${offset}`)
  return [a, b, Math.max(0, Math.min(x[a] + Math.min(offset, 0), x[b] - Math.max(offset, 0)))]
}

const diagonalOp = arrangement<Diagonal>({
  name: 'diagonal',
  doc: 'The diagonal of two dims, which becomes the last dim.',
  math: 'y_i = x_{i, i + o}',
  shape: (x, attrs) => {
    const [a, b, length] = diagonalOf(x, attrs)
    return [...x.filter((_, d) => d !== a && d !== b), length]
  },
  composite: (x, attrs) => {
    const [a, b, length] = diagonalOf(x.shape, attrs)
    const rest = x.shape.map((_, d) => d).filter((d) => d !== a && d !== b)
    const last = permute(x, [...rest, a, b])
    const lead = rest.map((d) => x.shape[d])
    const width = x.shape[b]
    const first = attrs.offset >= 0 ? attrs.offset : -attrs.offset * width
    // In a flattened matrix the next of a diagonal is one row and one place further on.
    return slice(
      reshape(last, [...lead, x.shape[a] * width]),
      -1,
      first,
      length === 0 ? first : first + (length - 1) * (width + 1) + 1,
      width + 1,
    )
  },
  samples: [
    [{ shape: [3, 3] }, { offset: 0, dim1: 0, dim2: 1 }],
    [{ shape: [3, 4] }, { offset: 1, dim1: 0, dim2: 1 }],
    [{ shape: [4, 2, 3] }, { offset: -1, dim1: 0, dim2: 2 }],
    [turned, { offset: -1, dim1: 1, dim2: 0 }],
    [cut, { offset: 0, dim1: -2, dim2: -1 }],
    [{ shape: [0, 2] }, { offset: 0, dim1: 0, dim2: 1 }],
    [{ shape: [2, 2] }, { offset: 2, dim1: 0, dim2: 1 }],
    [
      { shape: [2, 2], ...large },
      { offset: 0, dim1: 0, dim2: 1 },
    ],
  ],
  refused: [[[2, 2], { offset: 0, dim1: 1, dim2: -1 }, 'dim1 and dim2 are both 1']],
  edge: {
    inputs: [{ shape: [2, 2], values: [NaN, 1, 2, -0] }],
    attrs: { offset: 0, dim1: 0, dim2: 1 },
    out: [NaN, -0],
  },
})

/** The diagonal of dim1 and dim2, `offset` above the main one, as the last dim. Throws ShapeError. */
export function diagonal(x: Tensor, { offset = 0, dim1 = 0, dim2 = 1 }: Partial<Diagonal> = {}): Tensor {
  return diagonalOp([x], { offset, dim1, dim2 })
}
