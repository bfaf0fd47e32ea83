// Order: argsort and what is read through it, and counting. NaN is the largest, as in PyTorch; equal ones stay in order.
import { DTypeError, ShapeError } from '../../../errors.js'
import { fitsMemory, type Kinds, optionsArg, tensorArg, wholeArg } from '../../../tensor/check.js'
import { formatShape, normalizeDim, numel, type Shape } from '../../../tensor/shape.js'
import { ints, type Tensor } from '../../../tensor/tensor.js'
import { tensor } from '../../create.js'
import { defineOp } from '../../op.js'
import type { Sample, Spec } from '../../samples.js'
import { slice } from '../shape/slice.js'
import { reshape } from '../shape/views.js'
import { gather } from './gather.js'
import { around } from './rows.js'

export interface SortOptions {
  /** The largest first. Default: false. */
  descending?: boolean
}

const sortOptions: Kinds<SortOptions> = { descending: 'boolean' }

/** Values in order, and the place along the dim where each stood (int32). */
export interface Sorted {
  values: Tensor
  indices: Tensor
}

interface Order {
  dim: number
  descending: boolean
}

/** An op has one result: the indices leave it by this door. */
interface Told {
  told?: (indices: Tensor) => void
}

const distinct = { lo: -1, hi: 1, distinct: true }

function orderSamples(): Sample<Order>[] {
  const specs: [Spec, number][] = [
    [{ shape: [2, 4] }, 1],
    [{ shape: [3, 2, 2] }, 0],
    [{ shape: [1] }, 0],
    [{ shape: [0, 3] }, 1],
    [{ shape: [3, 4], view: 'transposed' }, -1],
    [{ shape: [3, 4], view: 'sliced' }, 0],
    [{ shape: [6], domain: { lo: -1e4, hi: 1e4, distinct: true } }, 0],
  ]
  return specs.flatMap(([spec, dim]) =>
    [false, true].map((descending) => ({
      inputs: [{ domain: distinct, ...spec }],
      attrs: { dim, descending },
    })),
  )
}

const scalarRefused = (name: string) => ({
  inputs: [{ shape: [2] }],
  attrs: { dim: 1, descending: false },
  error: ShapeError,
  text: `${name}: dim 1 is out of range for rank 1 (expected -1 to 0)`,
})

const argsortOp = defineOp<Order>({
  name: 'argsort',
  doc: 'The places along a dim in the order of their values; stable, NaN last. No gradient.',
  math: 'x_{i_0} \\le x_{i_1} \\le \\dots',
  takes: ['any'],
  shape: ([x], { dim }) => {
    normalizeDim('argsort', dim, x.length)
    return x
  },
  dtype: () => 'int32',
  kernel: (k, out, [x], { dim, descending }) =>
    k.argsort(ints(out), x.elements, ...around(x.shape, normalizeDim('argsort', dim, x.rank)), descending),
  save: () => [],
  backward: null,
  twice: true,
  samples: () => [
    ...orderSamples(),
    { inputs: [{ shape: [2, 5], below: 3 }], attrs: { dim: 1, descending: true } },
  ],
  errors: () => [scalarRefused('argsort')],
  edge: () => [
    {
      inputs: [{ shape: [5], values: [2, NaN, -0, 0, -Infinity] }],
      attrs: { dim: 0, descending: false },
      out: [4, 2, 3, 0, 1],
    },
    {
      inputs: [{ shape: [5], values: [2, NaN, -0, 0, -Infinity] }],
      attrs: { dim: 0, descending: true },
      out: [1, 0, 2, 3, 4],
    },
  ],
})

const sortOp = defineOp<Order & Told>({
  name: 'sort',
  doc: 'The values along a dim in order; NaN last.',
  math: 'y_j = x_{i_j};\\quad \\bar x_{i_j} = \\bar y_j',
  takes: ['any'],
  shape: ([x], { dim }) => {
    normalizeDim('sort', dim, x.length)
    return x
  },
  composite: ([x], { dim, descending, told }) => {
    const indices = argsortOp([x], { dim, descending })
    told?.(indices)
    return gather(x, dim, indices)
  },
  twice: true,
  samples: orderSamples,
  errors: () => [scalarRefused('sort')],
  edge: () => [
    {
      inputs: [{ shape: [3], values: [NaN, 2, -Infinity] }],
      attrs: { dim: 0, descending: true },
      out: [NaN, 2, -Infinity],
      grads: [[1, 1, 1]],
    },
  ],
})

/** The places along `dim` (the last unless given) in the order of their values, int32. Stable; NaN is the largest. */
export function argsort(x: Tensor, dim = -1, options: SortOptions = {}): Tensor {
  const { descending = false } = optionsArg('argsort', options, sortOptions)
  return argsortOp([x], { dim, descending })
}

function both(run: (told: (indices: Tensor) => void) => Tensor): Sorted {
  let indices: Tensor | undefined
  const values = run((i) => {
    indices = i
  })
  return { values, indices: indices as Tensor }
}

/** Values along `dim` in order, and where they stood. Stable; NaN is the largest. Gradients go back to their places. */
export function sort(x: Tensor, dim = -1, options: SortOptions = {}): Sorted {
  const { descending = false } = optionsArg('sort', options, sortOptions)
  return both((told) => sortOp([x], { dim, descending, told }))
}

interface Top extends Order, Told {
  count: number
}

function topShape(x: Shape, { dim, count }: Top): number[] {
  const d = normalizeDim('topk', dim, x.length)
  if (!Number.isInteger(count) || count < 0 || count > x[d])
    throw new RangeError(`topk: ${count} of dim ${d} of size ${x[d]}`)
  return x.map((n, i) => (i === d ? count : n))
}

const topkOp = defineOp<Top>({
  name: 'topk',
  doc: 'The k largest (or smallest) values along a dim, in order.',
  math: 'y_j = x_{i_j};\\quad \\bar x_{i_j} = \\bar y_j',
  takes: ['any'],
  shape: ([x], attrs) => topShape(x, attrs),
  composite: ([x], { dim, descending, count, told }) => {
    const indices = slice(argsortOp([x], { dim, descending }), dim, 0, count)
    told?.(indices)
    return gather(x, dim, indices)
  },
  twice: true,
  samples: () =>
    orderSamples().map(({ inputs, attrs }) => ({
      inputs,
      attrs: { ...attrs, count: Math.min(2, inputs[0].shape.at(attrs.dim)!) },
    })),
  errors: () => [
    {
      inputs: [{ shape: [2] }],
      attrs: { dim: 0, descending: true, count: 3 },
      error: RangeError,
      text: 'topk: 3 of dim 0 of size 2',
    },
  ],
  edge: () => [
    {
      inputs: [{ shape: [4], values: [1, NaN, 5, 3] }],
      attrs: { dim: 0, descending: true, count: 2 },
      out: [NaN, 5],
      grads: [[0, 1, 1, 0]],
    },
  ],
})

/** The k largest along `dim` (smallest with largest: false), in order, and where they stood. Throws RangeError. */
export function topk(x: Tensor, k: number, dim = -1, options: { largest?: boolean } = {}): Sorted {
  const { largest = true } = optionsArg('topk', options, { largest: 'boolean' })
  wholeArg('topk', 'k', k, 0)
  return both((told) => topkOp([x], { dim, descending: largest, count: k, told }))
}

/**
 * The different values of x in ascending order; inverse (int32, x's shape) leads from each element to its value, counts
 * (int32) says how often each occurs. Every NaN is a value of its own, as in PyTorch. No gradient.
 */
export function unique(x: Tensor): { values: Tensor; inverse: Tensor; counts: Tensor } {
  const data = x.elements
  const order = ints(argsort(reshape(x.viewAs(x.shape, x.strides), [x.numel]), 0))
  const inverse = new Int32Array(data.length)
  const counts: number[] = []
  const first: number[] = []
  order.forEach((place, i) => {
    if (i === 0 || data[place] !== data[order[i - 1]]) {
      first.push(place)
      counts.push(0)
    }
    counts[counts.length - 1]++
    inverse[place] = first.length - 1
  })
  return {
    values: tensor(
      first.map((place) => data[place]),
      { dtype: x.dtype },
    ),
    inverse: tensor(inverse, { shape: x.shape }),
    counts: tensor(Int32Array.from(counts)),
  }
}

/** How often each of 0, 1, 2, ... occurs in an int32 tensor, int32; at least minlength counts. Throws RangeError below 0. */
export function bincount(x: Tensor, options: { minlength?: number } = {}): Tensor {
  const { minlength = 0 } = optionsArg('bincount', options, { minlength: 'whole' })
  if (x.dtype !== 'int32')
    throw new DTypeError(
      'bincount',
      `the input must be int32, got ${x.dtype}`,
      "Convert it with .to('int32')",
    )
  const values = ints(reshape(x, [x.numel]))
  const below = values.findIndex((v) => v < 0)
  if (below >= 0) throw new RangeError(`bincount: ${values[below]} at place ${below} is below 0`)
  const n = values.reduce((most, v) => Math.max(most, v + 1), wholeArg('bincount', 'minlength', minlength, 0))
  fitsMemory('bincount', [n], 'int32')
  const counts = new Int32Array(n)
  for (const v of values) counts[v]++
  return tensor(counts)
}

const histcOptions: Kinds<{ bins?: number; min?: number; max?: number }> = {
  bins: 'whole',
  min: 'finite',
  max: 'finite',
}

/**
 * How many elements fall in each of `bins` equal parts of [min, max], in x's dtype; both 0: from the smallest to the
 * largest. Elements outside, and NaN, are not counted. No gradient. Throws RangeError.
 */
export function histc(x: Tensor, options: { bins?: number; min?: number; max?: number } = {}): Tensor {
  const { bins = 100, min = 0, max = 0 } = optionsArg('histc', options, histcOptions)
  wholeArg('histc', 'bins', bins, 1)
  fitsMemory('histc', [bins], 'float64')
  const data = x.elements
  let [lo, hi] = [min, max]
  if (lo === hi && data.length > 0) {
    lo = Infinity
    hi = -Infinity
    for (const v of data) {
      lo = Math.min(lo, v)
      hi = Math.max(hi, v)
    }
  }
  if (lo === hi) [lo, hi] = [lo - 1, hi + 1]
  if (!(lo < hi) || !Number.isFinite(hi - lo))
    throw new RangeError(`histc: the range from ${lo} to ${hi} is none`)
  const counts = new Float64Array(bins)
  for (const v of data)
    if (v >= lo && v <= hi) counts[Math.min(bins - 1, Math.floor(((v - lo) / (hi - lo)) * bins))]++
  return tensor(Array.from(counts), { dtype: x.dtype })
}

/**
 * Where values would have to be put into a sorted vector to keep its order, int32 of values' shape: before equal ones, or
 * behind them with right. sorted: [n], or with the leading dims of values. Throws ShapeError.
 */
export function searchsorted(sorted: Tensor, values: Tensor, options: { right?: boolean } = {}): Tensor {
  const { right = false } = optionsArg('searchsorted', options, { right: 'boolean' })
  tensorArg('searchsorted', 'sorted', sorted)
  tensorArg('searchsorted', 'values', values)
  const [lead, of] = [sorted.shape.slice(0, -1), values.shape.slice(0, -1)]
  if (sorted.rank === 0 || (sorted.rank > 1 && formatShape(lead) !== formatShape(of)))
    throw new ShapeError(
      'searchsorted',
      `sorted ${formatShape(sorted.shape)} and values ${formatShape(values.shape)} differ in their leading dims`,
    )
  const n = sorted.shape[sorted.rank - 1]
  const [data, wanted] = [sorted.elements, values.elements]
  const each = sorted.rank === 1 ? numel(values.shape) : values.shape[values.rank - 1]
  const places = Int32Array.from(wanted, (v, i) => {
    const start = sorted.rank === 1 ? 0 : Math.floor(i / each) * n
    let [lo, hi] = [0, n]
    while (lo < hi) {
      const mid = (lo + hi) >>> 1
      const s = data[start + mid]
      // NaN is the largest.
      const before = right ? s <= v || Number.isNaN(v) : s < v || (Number.isNaN(v) && !Number.isNaN(s))
      if (before) lo = mid + 1
      else hi = mid
    }
    return lo
  })
  return tensor(places, { shape: values.shape })
}
