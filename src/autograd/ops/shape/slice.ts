// slice, a view, and its gradient: a tensor laid into zeros.
import { ShapeError } from '../../../errors.js'
import { wholeArg } from '../../../tensor/check.js'
import { formatShape, normalizeDim, type Shape, sameShape } from '../../../tensor/shape.js'
import type { Tensor } from '../../../tensor/tensor.js'
import { defineOp, type Op } from '../../op.js'

const noSave = () => []

interface SliceAttrs {
  dim: number
  start: number
  end: number
  step: number
}

const sliceOp: Op<SliceAttrs> = defineOp<SliceAttrs>({
  name: 'slice',
  doc: 'Every step-th element of one dim from start up to end, without copying.',
  math: 'y_j = x_{s + j t};\\quad \\bar x_{s + j t} = \\bar y_j,\\ 0\\text{ elsewhere}',
  takes: ['any'],
  shape: ([x], attrs) => {
    const { dim, start, end, step } = range(x, attrs)
    return x.map((n, d) => (d === dim ? Math.max(0, Math.ceil((end - start) / step)) : n))
  },
  view: (x, attrs, shape) => {
    const { dim, start, step } = range(x.shape, attrs)
    const strides = x.strides.map((s, d) => (d === dim ? s * step : s))
    return x.viewAs(shape, strides, x.offset + start * x.strides[dim])
  },
  save: noSave,
  backward: ({ dy, attrs, shapes: [x] }) => [unsliceOp([dy], { ...range(x, attrs), size: x })],
  twice: true,
  samples: () => [
    { inputs: [{ shape: [4, 3] }], attrs: { dim: 0, start: 1, end: 3, step: 1 } },
    { inputs: [{ shape: [4, 3] }], attrs: { dim: -1, start: -2, end: Infinity, step: 1 } },
    { inputs: [{ shape: [5, 2] }], attrs: { dim: 0, start: 0, end: 5, step: 2 } },
    { inputs: [{ shape: [3, 4], view: 'transposed' }], attrs: { dim: 1, start: 1, end: -1, step: 1 } },
    { inputs: [{ shape: [2, 3, 2], view: 'sliced' }], attrs: { dim: 1, start: 1, end: 2, step: 1 } },
    { inputs: [{ shape: [4] }], attrs: { dim: 0, start: 2, end: 2, step: 1 }, why: 'empty' },
    { inputs: [{ shape: [0, 3] }], attrs: { dim: 1, start: 0, end: 2, step: 1 } },
    { inputs: [{ shape: [1] }], attrs: { dim: 0, start: 0, end: 1, step: 1 } },
    {
      inputs: [{ shape: [3, 2], domain: { lo: -1e4, hi: 1e4 } }],
      attrs: { dim: 0, start: 0, end: 2, step: 1 },
    },
  ],
  errors: () => [
    {
      inputs: [{ shape: [] }],
      attrs: { dim: 0, start: 0, end: 1, step: 1 },
      error: ShapeError,
      text: 'slice: dim 0 is out of range for rank 0 (a scalar has no dims)',
    },
    {
      inputs: [{ shape: [3] }],
      attrs: { dim: 0, start: 0, end: 1, step: 0 },
      error: ShapeError,
      text: 'slice: step must be a whole number from 1, got 0',
    },
  ],
  edge: () => [
    {
      inputs: [{ shape: [3], values: [NaN, -0, 1] }],
      attrs: { dim: 0, start: 0, end: 2, step: 1 },
      out: [NaN, -0],
      grads: [[1, 1, 0]],
    },
  ],
})

/** start and end counted from the front and cut to the dim, as Array.prototype.slice does. */
function range(shape: Shape, { dim, start, end, step }: SliceAttrs): SliceAttrs {
  const d = normalizeDim('slice', dim, shape.length)
  if (!Number.isInteger(step) || step < 1)
    throw new ShapeError('slice', `step must be a whole number from 1, got ${step}`)
  const n = shape[d]
  const place = (i: number) => Math.min(n, Math.max(0, i < 0 ? i + n : i))
  return { dim: d, start: place(start), end: place(end), step }
}

/**
 * x[start:end:step] along `dim`. Negative places count from the end, and are cut to the dim; no end, or Infinity, is the
 * dim's. Throws RangeError for places that are no whole numbers, ShapeError for a step below 1.
 */
export function slice(x: Tensor, dim: number, start: number, end = Infinity, step = 1): Tensor {
  wholeArg('slice', 'start', start)
  if (end !== Infinity) wholeArg('slice', 'end', end)
  return sliceOp([x], { dim, start, end, step })
}

type UnsliceAttrs = SliceAttrs & { size: Shape }

/** The gradient of slice: its input laid into zeros of shape `size`. */
const unsliceOp: Op<UnsliceAttrs> = defineOp<UnsliceAttrs>({
  name: 'unslice',
  doc: 'A tensor laid into zeros at a slice of one dim.',
  math: 'y_{s + j t} = x_j,\\ 0\\text{ elsewhere};\\quad \\bar x_j = \\bar y_{s + j t}',
  takes: ['float'],
  shape: ([x], { size, ...attrs }) => {
    const { dim, start, end, step } = range(size, attrs)
    const fits = size.map((n, d) => (d === dim ? Math.max(0, Math.ceil((end - start) / step)) : n))
    if (!sameShape(fits, x))
      throw new ShapeError(
        'unslice',
        `the slice of ${formatShape(size)} is ${formatShape(fits)}, the input ${formatShape(x)}`,
      )
    return size
  },
  strided: true,
  kernel: (k, out, [x], { size, ...attrs }) => {
    const { dim, start, step } = range(size, attrs)
    k.fill(out.raw, 0)
    const strides = out.strides.map((s, d) => (d === dim ? s * step : s))
    k.copy(x.shape, out.raw.subarray(start * out.strides[dim]), strides, x.raw, x.strides)
  },
  save: noSave,
  backward: ({ dy, attrs: { size: _, ...attrs } }) => [sliceOp([dy], attrs)],
  twice: true,
  samples: () => [
    { inputs: [{ shape: [2, 3] }], attrs: { size: [4, 3], dim: 0, start: 1, end: 3, step: 1 } },
    {
      inputs: [{ shape: [3, 2], view: 'transposed' }],
      attrs: { size: [3, 5], dim: 1, start: 0, end: 4, step: 2 },
    },
    { inputs: [{ shape: [1] }], attrs: { size: [1], dim: 0, start: 0, end: 1, step: 1 } },
    { inputs: [{ shape: [0, 2] }], attrs: { size: [3, 2], dim: 0, start: 3, end: 3, step: 1 } },
    {
      inputs: [{ shape: [2, 2], view: 'sliced', domain: { lo: -1e4, hi: 1e4 } }],
      attrs: { size: [2, 3], dim: 1, start: 1, end: 3, step: 1 },
    },
  ],
  errors: () => [
    {
      inputs: [{ shape: [2] }],
      attrs: { size: [3], dim: 0, start: 0, end: 3, step: 1 },
      error: ShapeError,
      text: 'unslice: the slice of [3] is [3], the input [2]',
    },
  ],
  edge: () => [
    {
      inputs: [{ shape: [1], values: [NaN] }],
      attrs: { size: [2], dim: 0, start: 1, end: 2, step: 1 },
      out: [0, NaN],
    },
  ],
})
