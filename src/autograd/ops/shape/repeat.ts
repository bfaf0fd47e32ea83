// Elements in another order or more than once, and tensors in parts.
import { got, ShapeError } from '../../../errors.js'
import { fitsMemory, optionsArg, shapeArg, tensorsArg, wholeArg, wholesArg } from '../../../tensor/check.js'
import { formatShape, normalizeDim, normalizeDims, type Shape } from '../../../tensor/shape.js'
import { ints, Tensor } from '../../../tensor/tensor.js'
import { tensor } from '../../create.js'
import { indexSelect } from '../indexing/rows.js'
import { arrangement, cut, large, turned, two } from './dims.js'
import { cat } from './join.js'
import { narrow, select } from './parts.js'
import { slice } from './slice.js'
import { expand, reshape } from './views.js'

const places = (n: number, at: (i: number) => number) =>
  tensor(Int32Array.from({ length: n }, (_, i) => at(i)))

const flipOp = arrangement<{ dims: readonly number[] }>({
  name: 'flip',
  doc: 'Dims in reverse order. A copy.',
  math: 'y_i = x_{n - 1 - i};\\quad \\bar x_i = \\bar y_{n - 1 - i}',
  shape: (x, { dims }) => {
    normalizeDims('flip', dims, x.length)
    return x
  },
  composite: (x, { dims }) =>
    normalizeDims('flip', dims, x.rank).reduce((y, d) => {
      const n = y.shape[d]
      return n < 2
        ? y
        : indexSelect(
            y,
            d,
            places(n, (i) => n - 1 - i),
          )
    }, x),
  samples: [
    [{ shape: [2, 3] }, { dims: [0] }],
    [{ shape: [2, 3, 2] }, { dims: [-1, 0] }],
    [turned, { dims: [0, 1] }],
    [cut, { dims: [1, 2] }],
    [{ shape: [0, 3] }, { dims: [1] }],
    [{ shape: [3], ...large }, { dims: [0] }],
  ],
  refused: [[[2, 2], { dims: [0, -2] }, 'dim 0 is named twice']],
  edge: { inputs: [two], attrs: { dims: [0] }, out: [-0, NaN], grads: [[1, 1]] },
})

/** x with the order of `dims` reversed. Throws ShapeError. */
export function flip(x: Tensor, dims: number | readonly number[]): Tensor {
  return flipOp([x], { dims: wholesArg('flip', 'dims', dims) })
}

interface Roll {
  shifts: readonly number[]
  dims: readonly number[]
}

const rollOp = arrangement<Roll>({
  name: 'roll',
  doc: 'Dims turned: what leaves at the end comes back at the start.',
  math: 'y_{(i + s) \\bmod n} = x_i',
  shape: (x, { shifts, dims }) => {
    if (shifts.length !== dims.length)
      throw new ShapeError('roll', `${shifts.length} shifts for ${dims.length} dims`)
    for (const d of dims) normalizeDim('roll', d, x.length)
    if (!shifts.every(Number.isInteger))
      throw new ShapeError('roll', `shifts must be whole numbers, got ${formatShape(shifts)}`)
    return x
  },
  composite: (x, { shifts, dims }) =>
    dims.reduce((y, dim, k) => {
      const n = y.shape[normalizeDim('roll', dim, y.rank)]
      const by = n === 0 ? 0 : ((shifts[k] % n) + n) % n
      return by === 0 ? y : cat([slice(y, dim, n - by), slice(y, dim, 0, n - by)], dim)
    }, x),
  samples: [
    [{ shape: [2, 3] }, { shifts: [1], dims: [1] }],
    [{ shape: [4, 3] }, { shifts: [-1, 5], dims: [0, -1] }],
    [turned, { shifts: [2], dims: [0] }],
    [cut, { shifts: [1], dims: [2] }],
    [{ shape: [0, 3] }, { shifts: [1], dims: [0] }],
    [
      { shape: [3], ...large },
      { shifts: [3], dims: [0] },
    ],
  ],
  refused: [[[2], { shifts: [1, 2], dims: [0] }, '2 shifts for 1 dims']],
  edge: { inputs: [two], attrs: { shifts: [1], dims: [0] }, out: [-0, NaN], grads: [[1, 1]] },
})

/** x turned by `shifts` along `dims`; without dims the flattened tensor is turned. Throws ShapeError. */
export function roll(
  x: Tensor,
  shifts: number | readonly number[],
  dims?: number | readonly number[],
): Tensor {
  const by = wholesArg('roll', 'shifts', shifts)
  if (dims === undefined) return reshape(rollOp([reshape(x, [x.numel])], { shifts: by, dims: [0] }), x.shape)
  return rollOp([x], { shifts: by, dims: wholesArg('roll', 'dims', dims) })
}

function repeated(name: string, x: Shape, times: Shape): number[] {
  if (!times.every((n) => Number.isInteger(n) && n >= 0))
    throw new ShapeError(name, `times must be whole numbers from 0, got ${formatShape(times)}`)
  if (times.length < x.length)
    throw new ShapeError(
      name,
      `${times.length} times for the ${x.length} dims of ${formatShape(x)}`,
      'Give one for each dim',
    )
  const lead = times.length - x.length
  return times.map((n, d) => (d < lead ? n : n * x[d - lead]))
}

const repeatOp = arrangement<{ times: Shape }>({
  name: 'repeat',
  doc: 'The whole tensor laid side by side, so many times along each dim.',
  math: 'y_i = x_{i \\bmod n};\\quad \\bar x_j = \\textstyle\\sum_{i \\bmod n = j} \\bar y_i',
  shape: (x, { times }) => repeated('repeat', x, times),
  composite: (x, { times }) => {
    const lead = times.length - x.rank
    const size = (d: number) => (d < lead ? 1 : x.shape[d - lead])
    const spread = expand(
      reshape(
        x,
        times.flatMap((_, d) => [1, size(d)]),
      ),
      times.flatMap((n, d) => [n, size(d)]),
    )
    return reshape(spread, repeated('repeat', x.shape, times))
  },
  samples: [
    [{ shape: [2, 3] }, { times: [2, 1] }],
    [{ shape: [2] }, { times: [2, 3] }],
    [{ shape: [] }, { times: [3] }],
    [turned, { times: [1, 2] }],
    [cut, { times: [2, 2, 1] }],
    [{ shape: [2] }, { times: [0] }],
    [{ shape: [0, 2] }, { times: [2, 2] }],
    [{ shape: [2], ...large }, { times: [2] }],
  ],
  refused: [
    [[2, 3], { times: [2] }, '1 times for the 2 dims of [2, 3]. Give one for each dim'],
    [[2], { times: [-1] }, 'times must be whole numbers from 0, got [-1]'],
  ],
  edge: { inputs: [two], attrs: { times: [2] }, out: [NaN, -0, NaN, -0], grads: [[2, 2]] },
})

/** x laid side by side, times[d] times along dim d; more times than dims add dims in front. Throws ShapeError. */
export function repeat(x: Tensor, times: Shape): Tensor {
  return repeatOp([x], { times: shapeArg('repeat', times) })
}

/** As repeat, where `times` may be shorter than the dims: the first dims are then taken once. Throws ShapeError. */
export function tile(x: Tensor, times: Shape): Tensor {
  const given = shapeArg('tile', times)
  return repeat(x, [...new Array<number>(Math.max(0, x.rank - given.length)).fill(1), ...given])
}

interface Interleave {
  repeats: readonly number[]
  dim: number
}

const interleaveOp = arrangement<Interleave>({
  name: 'repeatInterleave',
  doc: 'Each element of a dim several times in a row.',
  math: 'y = [x_0, x_0, \\dots, x_1, x_1, \\dots]',
  shape: (x, { repeats, dim }) => {
    const d = normalizeDim('repeatInterleave', dim, x.length)
    if (!repeats.every((n) => Number.isInteger(n) && n >= 0))
      throw new ShapeError(
        'repeatInterleave',
        `repeats must be whole numbers from 0, got ${formatShape(repeats)}`,
      )
    if (repeats.length !== x[d])
      throw new ShapeError('repeatInterleave', `${repeats.length} repeats for dim ${d} of size ${x[d]}`)
    return x.map((n, i) => (i === d ? repeats.reduce((a, b) => a + b, 0) : n))
  },
  composite: (x, { repeats, dim }, shape) => {
    const length = shape[normalizeDim('repeatInterleave', dim, x.rank)]
    fitsMemory('repeatInterleave', [length], 'int32')
    const index = new Int32Array(length)
    let at = 0
    repeats.forEach((n, i) => {
      index.fill(i, at, at + n)
      at += n
    })
    return indexSelect(x, dim, tensor(index))
  },
  samples: [
    [{ shape: [2, 3] }, { repeats: [2, 2, 2], dim: 1 }],
    [{ shape: [3] }, { repeats: [1, 0, 3], dim: 0 }],
    [turned, { repeats: [2, 1, 1], dim: 0 }],
    [cut, { repeats: [2], dim: 1 }],
    [{ shape: [0, 2] }, { repeats: [2, 1], dim: 1 }],
    [
      { shape: [2], ...large },
      { repeats: [2, 1], dim: 0 },
    ],
  ],
  refused: [
    [[3], { repeats: [1, 2], dim: 0 }, '2 repeats for dim 0 of size 3'],
    [[1], { repeats: [0.5], dim: 0 }, 'repeats must be whole numbers from 0, got [0.5]'],
  ],
  edge: { inputs: [two], attrs: { repeats: [2, 1], dim: 0 }, out: [NaN, NaN, -0], grads: [[2, 1]] },
})

/**
 * Each element along `dim` so many times in a row: one number for all, or one each (an array or int32 [n]). Without a
 * dim of the flattened tensor. Throws ShapeError.
 */
export function repeatInterleave(
  x: Tensor,
  repeats: number | readonly number[] | Tensor,
  dim?: number,
): Tensor {
  const of = dim === undefined ? reshape(x, [x.numel]) : x
  const d = normalizeDim('repeatInterleave', dim ?? 0, of.rank)
  const list =
    typeof repeats === 'number'
      ? new Array<number>(of.shape[d]).fill(wholeArg('repeatInterleave', 'repeats', repeats, 0))
      : repeats instanceof Tensor
        ? Array.from(ints(repeats))
        : wholesArg('repeatInterleave', 'repeats', repeats)
  return interleaveOp([of], { repeats: list, dim: d })
}

/** Expand, by its other name. */
export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  return expand(x, shapeArg('broadcastTo', shape, -1))
}

/** Parts of `dim` of one size, the last what is left, or of the sizes given. Views. Throws ShapeError. */
export function split(x: Tensor, size: number | readonly number[], dim = 0): Tensor[] {
  const d = normalizeDim('split', dim, x.rank)
  const n = x.shape[d]
  let sizes: readonly number[]
  if (typeof size === 'number') {
    if (!Number.isInteger(size) || size < 1)
      throw new ShapeError('split', `the size of a part must be a whole number from 1, got ${got(size)}`)
    sizes = Array.from({ length: Math.max(1, Math.ceil(n / size)) }, (_, i) => Math.min(size, n - i * size))
  } else {
    sizes = wholesArg('split', 'sizes', size)
    if (!sizes.every((s) => Number.isInteger(s) && s >= 0) || sizes.reduce((a, b) => a + b, 0) !== n)
      throw new ShapeError('split', `sizes ${formatShape(sizes)} do not add up to dim ${d} of size ${n}`)
  }
  let at = 0
  return sizes.map((s) => {
    at += s
    return narrow(x, d, at - s, s)
  })
}

/** At most `chunks` parts of `dim`, all of one size but the last. Views. Throws ShapeError. */
export function chunk(x: Tensor, chunks: number, dim = 0): Tensor[] {
  if (!Number.isInteger(chunks) || chunks < 1)
    throw new ShapeError('chunk', `the number of parts must be a whole number from 1, got ${got(chunks)}`)
  const n = x.shape[normalizeDim('chunk', dim, x.rank)]
  // Of nothing there are as many parts as one likes.
  if (n === 0) wholeArg('chunk', 'chunks', chunks, 1, 2 ** 20)
  if (n === 0) return Array.from({ length: chunks }, () => narrow(x, dim, 0, 0))
  return split(x, Math.ceil(n / chunks), dim)
}

/** The slices of `dim`, without it. Views. Throws ShapeError. */
export function unbind(x: Tensor, dim = 0): Tensor[] {
  const n = x.shape[normalizeDim('unbind', dim, x.rank)]
  return Array.from({ length: n }, (_, i) => select(x, dim, i))
}

/**
 * Vectors spread over a grid, one dim for each: result k changes along dim k alone. indexing 'xy' exchanges the first
 * two dims, as for images. Views. Throws ShapeError.
 */
export function meshgrid(vectors: readonly Tensor[], options: { indexing?: 'ij' | 'xy' } = {}): Tensor[] {
  const { indexing = 'ij' } = optionsArg('meshgrid', options, { indexing: ['ij', 'xy'] })
  tensorsArg('meshgrid', 'vectors', vectors).forEach((v, i) => {
    if (v.rank > 1) throw new ShapeError('meshgrid', `tensor ${i} is ${formatShape(v.shape)}, no vector`)
  })
  const place = (k: number) => (indexing === 'xy' && k < 2 && vectors.length > 1 ? 1 - k : k)
  const shape = new Array<number>(vectors.length)
  vectors.forEach((v, k) => {
    shape[place(k)] = v.numel
  })
  return vectors.map((v, k) =>
    expand(
      reshape(
        v,
        shape.map((_, d) => (d === place(k) ? v.numel : 1)),
      ),
      shape,
    ),
  )
}
