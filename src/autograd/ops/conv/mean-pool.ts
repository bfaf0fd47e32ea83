// Mean pooling, with windows of one size or as many as are asked for: one op that is linear, and its transpose.
import { ShapeError } from '../../../errors.js'
import { fitsMemory, type Kinds, optionsArg, tensorArg } from '../../../tensor/check.js'
import { formatShape, type Shape } from '../../../tensor/shape.js'
import { flat, type Tensor } from '../../../tensor/tensor.js'
import { defineOp, type Op } from '../../op.js'
import type { Sample, Spec } from '../../samples.js'
import { acrossOf, batched, flatAxis, type Pair, pairOf, places, requireImages, type Two } from './window.js'

/** Window i of an axis covers the places from starts[i] up to ends[i]. */
export interface Axis {
  starts: readonly number[]
  ends: readonly number[]
}

interface Windows {
  /** [H, W] */
  size: Two
  rows: Axis
  cols: Axis
  /** What the sum of each window is divided by, [oH, oW]. */
  divisors: readonly number[]
}

const shapeIn = (y: Shape, { size }: Windows): Shape => [y[0], y[1], ...size]
const shapeOut = (x: Shape, { rows, cols }: Windows): Shape => [
  ...[x[0], x[1]],
  ...[rows.starts.length, cols.starts.length],
]

/** Windows of an even grid. */
function grid(size: Two, kernel: Two, stride: Two): Windows {
  const axis = (d: 0 | 1): Axis => {
    const n = Math.floor((size[d] - kernel[d]) / stride[d]) + 1
    const starts = Array.from({ length: n }, (_, i) => i * stride[d])
    return { starts, ends: starts.map((s) => s + kernel[d]) }
  }
  const [rows, cols] = [axis(0), axis(1)]
  const count = rows.starts.length * cols.starts.length
  return { size, rows, cols, divisors: new Array<number>(count).fill(kernel[0] * kernel[1]) }
}

function samples(input: (image: Shape, a: Windows) => Shape): Sample<Windows>[] {
  const s = (n: number, c: number, a: Windows, spec: Partial<Spec> = {}): Sample<Windows> => ({
    inputs: [{ shape: input([n, c, ...a.size], a), ...spec }],
    attrs: a,
  })
  const uneven: Windows = {
    ...{ size: [4, 3], rows: { starts: [0, 1], ends: [2, 4] }, cols: { starts: [0, 1, 2], ends: [1, 3, 3] } },
    divisors: [1, 2, 3, 4, 5, 6],
  }
  return [
    s(2, 2, grid([4, 4], [2, 2], [2, 2])),
    s(1, 2, grid([5, 4], [3, 2], [1, 2])),
    s(1, 1, uneven),
    s(1, 1, grid([1, 1], [1, 1], [1, 1])),
    s(0, 2, grid([4, 4], [2, 2], [2, 2])),
    s(1, 2, grid([3, 4], [2, 2], [1, 1]), { view: 'transposed' }),
    s(2, 1, uneven, { view: 'sliced' }),
    s(1, 1, grid([4, 4], [2, 2], [2, 2]), { domain: { lo: -1e3, hi: 1e3 } }),
  ]
}

const meanOp: Op<Windows> = defineOp<Windows>({
  name: 'windowMean',
  doc: 'The sum under each window of an image, divided by a number of its own.',
  math: 'y_{i j} = \\tfrac{1}{d_{i j}} \\sum_{(u, v) \\in \\text{window } (i, j)} x_{u v};\\quad \\bar x_{u v} = \\textstyle\\sum_{i j} \\bar y_{i j} / d_{i j}',
  takes: ['float'],
  shape: ([x], a) => {
    requireImages('windowMean', x)
    return shapeOut(x, a)
  },
  kernel: (k, out, [x], a) => k.windowMean(flat(out), flat(x), x.shape[0] * x.shape[1], ...a.size, a),
  save: () => [],
  backward: ({ dy, attrs }) => [spreadOp([dy], attrs)],
  twice: true,
  samples: () => samples((x) => x),
  errors: () => [
    {
      inputs: [{ shape: [2, 2] }],
      attrs: grid([2, 2], [1, 1], [1, 1]),
      error: ShapeError,
      text: 'windowMean: the input must be [N, C, H, W] or [C, H, W], got [2, 2]',
    },
  ],
  edge: () => [
    {
      inputs: [{ shape: [1, 1, 1, 4], values: [1, NaN, Infinity, 2] }],
      attrs: grid([1, 4], [1, 2], [1, 2]),
      out: [[[[NaN, Infinity]]]],
      grads: [[[[[0.5, 0.5, 0.5, 0.5]]]]],
    },
  ],
})

const spreadOp: Op<Windows> = defineOp<Windows>({
  name: 'windowSpread',
  doc: 'Each number, divided by a number of its own, added to all places under its window.',
  math: 'x_{u v} = \\textstyle\\sum_{i j: (u, v) \\in \\text{window } (i, j)} y_{i j} / d_{i j};\\quad \\bar y_{i j} = \\tfrac{1}{d_{i j}} \\sum \\bar x_{u v}',
  takes: ['float'],
  shape: ([y], a) => {
    requireImages('windowSpread', y)
    return shapeIn(y, a)
  },
  kernel: (k, out, [y], a) => k.windowSpread(flat(out), flat(y), y.shape[0] * y.shape[1], ...a.size, a),
  save: () => [],
  backward: ({ dy, attrs }) => [meanOp([dy], attrs)],
  twice: true,
  samples: () => samples(shapeOut),
  errors: () => [
    {
      inputs: [{ shape: [2, 2] }],
      attrs: grid([2, 2], [1, 1], [1, 1]),
      error: ShapeError,
      text: 'windowSpread: the input must be [N, C, H, W] or [C, H, W], got [2, 2]',
    },
  ],
  edge: () => [
    {
      inputs: [{ shape: [1, 1, 1, 2], values: [1, NaN] }],
      attrs: grid([1, 5], [1, 2], [1, 2]),
      out: [[[[0.5, 0.5, NaN, NaN, 0]]]],
      grads: [[[[[1, 1]]]]],
    },
  ],
})

export interface AvgPoolOptions {
  /** Default: the window's size. */
  stride?: Pair
  /** Zeros on both sides, at most half of the window. Default 0. */
  padding?: Pair
  /** Whether a last window may stick out of the image. */
  ceilMode?: boolean
  /** Whether a mean counts the padding's zeros. Default true. */
  countIncludePad?: boolean
  /** Divides every sum instead of the window's size. */
  divisorOverride?: number
}

const lineOptions: Kinds<Omit<AvgPoolOptions, 'divisorOverride'>> = {
  // A pair is checked where it is read.
  stride: 'any',
  padding: 'any',
  ceilMode: 'boolean',
  countIncludePad: 'boolean',
}

const poolOptions: Kinds<AvgPoolOptions> = { ...lineOptions, divisorOverride: 'number' }

function pool(
  op: string,
  x: Tensor,
  kernel: Two,
  stride: Two,
  padding: Two,
  { ceilMode = false, countIncludePad = true, divisorOverride }: AvgPoolOptions,
): Tensor {
  requireImages(op, x.shape)
  if (divisorOverride !== undefined && !(Number.isFinite(divisorOverride) && divisorOverride !== 0))
    throw new RangeError(`${op}: divisorOverride must be a number other than 0, got ${divisorOverride}`)
  const size = [x.shape[2], x.shape[3]] as const
  if ([0, 1].some((d) => 2 * padding[d] > kernel[d])) {
    throw new ShapeError(
      op,
      `padding ${formatShape(padding)} is more than half of the window ${formatShape(kernel)}`,
    )
  }
  const axes = ([0, 1] as const).map((d) => {
    const n = places(size[d], kernel[d], stride[d], 1, 2 * padding[d], ceilMode)
    if (n < 1 || size[d] === 0) {
      throw new ShapeError(
        op,
        `a window ${formatShape(kernel)} does not fit into the image ${formatShape(size)} padded by ${formatShape(padding)}`,
      )
    }
    const from = Array.from({ length: n }, (_, i) => i * stride[d] - padding[d])
    const starts = from.map((s) => Math.max(0, s))
    const ends = from.map((s) => Math.min(size[d], s + kernel[d]))
    // What sticks out of the padding, in ceilMode, never counts.
    const counts = from.map((s, i) =>
      countIncludePad ? Math.min(size[d] + padding[d], s + kernel[d]) - s : ends[i] - starts[i],
    )
    return { starts, ends, counts }
  })
  const [rows, cols] = axes
  const divisors = rows.counts.flatMap((h) => cols.counts.map((w) => divisorOverride ?? h * w))
  return meanOp([x], { size, rows, cols, divisors })
}

/** The mean under each window: x [N, C, H, W] or [C, H, W] -> [N, C, oH, oW], as in PyTorch. Throws ShapeError. */
export function avgPool2d(x: Tensor, kernelSize: Pair, options: AvgPoolOptions = {}): Tensor {
  tensorArg('avgPool2d', 'the input', x)
  const read = (what: string, value: Pair, least: number) => pairOf('avgPool2d', what, value, least)
  const { stride = kernelSize, padding = 0 } = optionsArg('avgPool2d', options, poolOptions)
  const [k, s, p] = [
    ...[read('kernelSize', kernelSize, 1), read('stride', stride, 1), read('padding', padding, 0)],
  ]
  return batched(x, 4, (images) => pool('avgPool2d', images, k, s, p, options))
}

/** The same along one axis: x [N, C, L] or [C, L] -> [N, C, oL]. Throws ShapeError. */
export function avgPool1d(
  x: Tensor,
  kernelSize: Pair,
  options: Omit<AvgPoolOptions, 'divisorOverride'> = {},
): Tensor {
  tensorArg('avgPool1d', 'the input', x)
  const read = (what: string, value: Pair, least: number) =>
    acrossOf('avgPool1d', what, value, least, what === 'padding' ? 0 : 1)
  const { stride = kernelSize, padding = 0 } = optionsArg('avgPool1d', options, lineOptions)
  const [k, s, p] = [
    ...[read('kernelSize', kernelSize, 1), read('stride', stride, 1), read('padding', padding, 0)],
  ]
  if (x.rank !== 2 && x.rank !== 3)
    throw new ShapeError('avgPool1d', `the input must be [N, C, L] or [C, L], got ${formatShape(x.shape)}`)
  return batched(x, 3, (rows) => flatAxis(rows, (t) => pool('avgPool1d', t, k, s, p, options)))
}

/**
 * The means of as many windows as asked for, which cover the image and differ in size by one at most: x [N, C, H, W] or
 * [C, H, W] -> [N, C, ...outputSize]. null: the size that the image has. Throws ShapeError.
 */
export function adaptiveAvgPool2d(
  x: Tensor,
  outputSize: number | readonly [number | null, number | null],
): Tensor {
  tensorArg('adaptiveAvgPool2d', 'the input', x)
  return batched(x, 4, (images) => {
    requireImages('adaptiveAvgPool2d', images.shape)
    const size = [images.shape[2], images.shape[3]] as const
    const asked = Array.isArray(outputSize)
      ? outputSize.map((n, d) => (n === null ? size[d] : n))
      : outputSize
    const [oh, ow] = pairOf('adaptiveAvgPool2d', 'outputSize', asked as Pair, 1)
    fitsMemory('adaptiveAvgPool2d', [oh, ow], 'float64')
    if (size[0] === 0 || size[1] === 0)
      throw new ShapeError('adaptiveAvgPool2d', `the image ${formatShape(size)} has no places`)
    const axis = (n: number, out: number): Axis => ({
      starts: Array.from({ length: out }, (_, i) => Math.floor((i * n) / out)),
      ends: Array.from({ length: out }, (_, i) => Math.ceil(((i + 1) * n) / out)),
    })
    const [rows, cols] = [axis(size[0], oh), axis(size[1], ow)]
    const divisors = rows.starts.flatMap((top, i) =>
      cols.starts.map((left, j) => (rows.ends[i] - top) * (cols.ends[j] - left)),
    )
    return meanOp([images], { size, rows, cols, divisors })
  })
}
