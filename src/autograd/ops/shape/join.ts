// Tensors put side by side: cat, stack, pad.
import { ShapeError } from '../../../errors.js'
import { numberArg, optionsArg, tensorsArg } from '../../../tensor/check.js'
import { formatShape, normalizeDim, type Shape } from '../../../tensor/shape.js'
import type { Tensor } from '../../../tensor/tensor.js'
import { full } from '../../create.js'
import { defineOp, type Op } from '../../op.js'
import { type Sample, unarySpecs } from '../../samples.js'
import { slice } from './slice.js'
import { reshape } from './views.js'

interface Dim {
  dim: number
}

function catShape(shapes: readonly Shape[], { dim }: Dim): Shape {
  if (shapes.length === 0) throw new ShapeError('cat', 'needs at least one tensor')
  const [first] = shapes
  const d = normalizeDim('cat', dim, first.length)
  let size = 0
  shapes.forEach((s, i) => {
    if (s.length !== first.length || s.some((n, j) => j !== d && n !== first[j])) {
      throw new ShapeError(
        'cat',
        `tensor ${i} is ${formatShape(s)}, tensor 0 is ${formatShape(first)}: they may differ only at dim ${d}`,
      )
    }
    size += s[d]
  })
  return first.map((n, i) => (i === d ? size : n))
}

const catOp: Op<Dim> = defineOp<Dim>({
  name: 'cat',
  doc: 'Tensors joined along a dim.',
  math: 'y = [x_1, x_2, \\dots];\\quad \\bar x_i = \\bar y[\\text{its part}]',
  takes: ['number'],
  strided: true,
  shape: catShape,
  kernel: (k, out, inputs, { dim }) => {
    const d = normalizeDim('cat', dim, out.rank)
    let at = 0
    for (const x of inputs) {
      if (x.numel > 0) k.copy(x.shape, out.raw.subarray(at * out.strides[d]), out.strides, x.raw, x.strides)
      at += x.shape[d]
    }
  },
  save: () => [],
  backward: ({ dy, attrs: { dim }, needs, shapes }) => {
    const d = normalizeDim('cat', dim, dy.rank)
    let at = 0
    return shapes.map((s, i) => {
      const start = at
      at += s[d]
      return needs[i] ? slice(dy, d, start, at) : null
    })
  },
  twice: true,
  samples: () => {
    const s = (shapes: Shape[], dim: number, more = {}): Sample<Dim> => ({
      inputs: shapes.map((shape) => ({ shape, ...more })),
      attrs: { dim },
    })
    return [
      s(
        [
          [2, 3],
          [1, 3],
        ],
        0,
      ),
      s(
        [
          [2, 3],
          [2, 1],
          [2, 2],
        ],
        -1,
      ),
      s([[1], [1]], 0),
      s([[2, 3]], 1),
      s(
        [
          [0, 3],
          [2, 3],
        ],
        0,
      ),
      s(
        [
          [3, 4],
          [3, 4],
        ],
        1,
        { view: 'transposed' },
      ),
      s(
        [
          [2, 2, 2],
          [2, 2, 2],
        ],
        1,
        { view: 'sliced' },
      ),
      s([[2], [2]], 0, { domain: { lo: -1e4, hi: 1e4 } }),
    ]
  },
  errors: () => [
    {
      inputs: [{ shape: [2, 3] }, { shape: [2, 4] }],
      attrs: { dim: 0 },
      error: ShapeError,
      text: 'cat: tensor 1 is [2, 4], tensor 0 is [2, 3]: they may differ only at dim 0',
    },
    { inputs: [], attrs: { dim: 0 }, error: ShapeError, text: 'cat: needs at least one tensor' },
  ],
  edge: () => [
    {
      inputs: [
        { shape: [1], values: [NaN] },
        { shape: [1], values: [-0] },
      ],
      attrs: { dim: 0 },
      out: [NaN, -0],
      grads: [[1], [1]],
    },
  ],
})

/** Tensors joined along `dim`; their other sizes agree. Throws ShapeError. */
export function cat(tensors: readonly Tensor[], dim = 0): Tensor {
  return catOp(tensorsArg('cat', 'tensors', tensors), { dim })
}

const stackOp: Op<Dim> = defineOp<Dim>({
  name: 'stack',
  doc: 'Tensors of one shape joined along a new dim.',
  math: 'y_{i} = x_i;\\quad \\bar x_i = \\bar y_{i}',
  takes: ['number'],
  shape: (shapes, { dim }) => {
    if (shapes.length === 0) throw new ShapeError('stack', 'needs at least one tensor')
    const other = shapes.findIndex((s) => formatShape(s) !== formatShape(shapes[0]))
    if (other > 0)
      throw new ShapeError(
        'stack',
        `tensor ${other} is ${formatShape(shapes[other])}, tensor 0 is ${formatShape(shapes[0])}`,
      )
    return withDim(shapes[0], dim, shapes.length)
  },
  composite: (tensors, { dim }) =>
    cat(
      tensors.map((t) => reshape(t, withDim(t.shape, dim, 1))),
      normalizeDim('stack', dim, tensors[0].rank + 1),
    ),
  twice: true,
  samples: () => [
    { inputs: [{ shape: [2, 3] }, { shape: [2, 3] }], attrs: { dim: 0 } },
    { inputs: [{ shape: [2, 3] }, { shape: [2, 3], view: 'transposed' }], attrs: { dim: -1 } },
    { inputs: [{ shape: [] }, { shape: [] }, { shape: [] }], attrs: { dim: 0 } },
    { inputs: [{ shape: [2, 3], view: 'sliced' }], attrs: { dim: 1 } },
    { inputs: [{ shape: [0, 3] }, { shape: [0, 3] }], attrs: { dim: 1 } },
    { inputs: [{ shape: [1], domain: { lo: -1e4, hi: 1e4 } }, { shape: [1] }], attrs: { dim: 1 } },
  ],
  errors: () => [
    {
      inputs: [{ shape: [2] }, { shape: [3] }],
      attrs: { dim: 0 },
      error: ShapeError,
      text: 'stack: tensor 1 is [3], tensor 0 is [2]',
    },
  ],
  edge: () => [
    {
      inputs: [
        { shape: [], values: [NaN] },
        { shape: [], values: [-0] },
      ],
      attrs: { dim: 0 },
      out: [NaN, -0],
      grads: [1, 1],
    },
  ],
})

function withDim(shape: Shape, dim: number, size: number): number[] {
  const out = [...shape]
  out.splice(normalizeDim('stack', dim, shape.length + 1), 0, size)
  return out
}

/** Tensors of one shape joined along a new dim. Throws ShapeError. */
export function stack(tensors: readonly Tensor[], dim = 0): Tensor {
  return stackOp(tensorsArg('stack', 'tensors', tensors), { dim })
}

interface PadAttrs extends Dim {
  before: number
  after: number
  value: number
}

const padOp: Op<PadAttrs> = defineOp<PadAttrs>({
  name: 'pad',
  doc: 'A constant put before and after a dim.',
  math: 'y = [c, x, c];\\quad \\bar x = \\bar y[\\text{inside}]',
  takes: ['number'],
  shape: ([x], { dim, before, after }) => {
    const d = normalizeDim('pad', dim, x.length)
    if (![before, after].every((n) => Number.isInteger(n) && n >= 0)) {
      throw new ShapeError(
        'pad',
        `sizes must be whole numbers from 0, got ${before} and ${after}`,
        'Use slice() to cut',
      )
    }
    return x.map((n, i) => (i === d ? n + before + after : n))
  },
  composite: ([x], { dim, before, after, value }) => {
    const block = (n: number) =>
      full(
        x.shape.map((size, i) => (i === normalizeDim('pad', dim, x.rank) ? n : size)),
        value,
        { dtype: x.dtype },
      )
    return cat([block(before), x, block(after)], dim)
  },
  twice: true,
  samples: () =>
    unarySpecs()
      .filter((s) => s.shape.length > 0)
      .map((s, i) => ({
        inputs: [s],
        attrs: { dim: i % 2 ? 0 : -1, before: i % 3, after: 1, value: i % 2 },
      })),
  errors: () => [
    {
      inputs: [{ shape: [2] }],
      attrs: { dim: 0, before: -1, after: 0, value: 0 },
      error: ShapeError,
      text: 'pad: sizes must be whole numbers from 0, got -1 and 0. Use slice() to cut',
    },
  ],
  edge: () => [
    {
      inputs: [{ shape: [1], values: [NaN] }],
      attrs: { dim: 0, before: 1, after: 1, value: -Infinity },
      out: [-Infinity, NaN, -Infinity],
      grads: [[1]],
    },
  ],
})

/** `before` and `after` elements of `value` put around dim `dim`. Throws ShapeError. */
export function pad(
  x: Tensor,
  dim: number,
  before: number,
  after: number,
  options: { value?: number } = {},
): Tensor {
  const { value = 0 } = optionsArg('pad', options, { value: 'any' })
  // NaN is a value like others.
  if (typeof value !== 'number') numberArg('pad', 'value', value)
  return padOp([x], { dim, before, after, value })
}
