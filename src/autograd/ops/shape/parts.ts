// Parts of a dim: a stretch, one place, and the diagonal of two. Views wherever the layout allows one.
import { ShapeError } from '../../../errors.js'
import { type Kinds, optionsArg, wholeArg } from '../../../tensor/check.js'
import { normalizeDim, type Shape } from '../../../tensor/shape.js'
import type { Tensor } from '../../../tensor/tensor.js'
import { arrangement, cut, large, turned, two } from './dims.js'
import { slice } from './slice.js'
import { permute, reshape } from './views.js'

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
  wholeArg('narrow', 'start', start)
  wholeArg('narrow', 'length', length)
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
  wholeArg('select', 'index', index)
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

const diagonalOptions: Kinds<Partial<Diagonal>> = { offset: 'whole', dim1: 'whole', dim2: 'whole' }

/** The diagonal of dim1 and dim2, `offset` above the main one, as the last dim. Throws ShapeError. */
export function diagonal(x: Tensor, options: Partial<Diagonal> = {}): Tensor {
  const { offset = 0, dim1 = 0, dim2 = 1 } = optionsArg('diagonal', options, diagonalOptions)
  return diagonalOp([x], { offset, dim1, dim2 })
}
