// Single elements by index: gather and scatterAdd, each other's gradient.
import { ShapeError } from '../../../errors.js'
import { tensorArg } from '../../../tensor/check.js'
import { formatShape, normalizeDim, type Shape } from '../../../tensor/shape.js'
import { flat, ints, type Tensor } from '../../../tensor/tensor.js'
import { defineOp, type Op } from '../../op.js'
import type { Sample, Spec } from '../../samples.js'
import { add } from '../elementwise/arithmetic.js'
import { around, checkIndex, type Dim } from './rows.js'

function sameButDim(op: string, x: Shape, index: Shape, dim: number): number {
  const d = normalizeDim(op, dim, x.length)
  if (index.length !== x.length || index.some((n, i) => i !== d && n !== x[i])) {
    throw new ShapeError(
      op,
      `the index ${formatShape(index)} may differ from ${formatShape(x)} only at dim ${d}`,
    )
  }
  return d
}

const gatherOp: Op<Dim> = defineOp<Dim>({
  name: 'gather',
  doc: 'Elements picked along a dim, each by its own index.',
  math: 'y_{j} = x_{i_j};\\quad \\bar x_{i} = \\textstyle\\sum_{j: i_j = i} \\bar y_j',
  takes: ['any', 'int'],
  shape: ([x, index], { dim }) => {
    sameButDim('gather', x, index, dim)
    return index
  },
  kernel: (k, out, [x, index], { dim }) => {
    const shape = around(x.shape, normalizeDim('gather', dim, x.rank))
    checkIndex('gather', ints(index), shape[1])
    k.gather(flat(out), flat(x), ints(index), ...shape)
  },
  save: ([, index]) => [index],
  backward: ({ dy, saved: [index], attrs: { dim }, shapes: [x] }) => [
    scatterOp([dy, index], {
      dim: normalizeDim('gather', dim, x.length),
      n: x[normalizeDim('gather', dim, x.length)],
    }),
    null,
  ],
  twice: true,
  samples: () => {
    const s = (x: Shape, index: Shape, dim: number, more: Partial<Spec> = {}): Sample<Dim> => ({
      inputs: [
        { shape: x, ...more },
        { shape: index, below: x.at(dim)! },
      ],
      attrs: { dim },
    })
    return [
      s([2, 3], [2, 5], 1),
      s([3, 2, 2], [1, 2, 2], 0),
      s([1], [1], 0),
      s([0, 3], [0, 1], 1),
      s([3, 4], [3, 2], -1, { view: 'transposed' }),
      s([3, 4], [2, 4], 0, { view: 'sliced' }),
      s([2, 3], [2, 2], 1, { domain: { lo: -1e4, hi: 1e4 } }),
    ]
  },
  errors: () => [
    {
      inputs: [{ shape: [2, 3] }, { shape: [3, 3], below: 2 }],
      attrs: { dim: 1 },
      error: ShapeError,
      text: 'gather: the index [3, 3] may differ from [2, 3] only at dim 1',
    },
    {
      inputs: [{ shape: [1] }, { shape: [1], below: 2, values: [1] }],
      attrs: { dim: 0 },
      error: RangeError,
      text: 'gather: index 1 at place 0 is outside [0, 1)',
    },
  ],
  edge: () => [
    {
      inputs: [
        { shape: [2], values: [NaN, -0] },
        { shape: [2], below: 2, values: [1, 1] },
      ],
      attrs: { dim: 0 },
      out: [-0, -0],
      grads: [[0, 2], null],
    },
  ],
})

/** out[..., j, ...] = x[..., index[..., j, ...], ...] along `dim`. Throws ShapeError, RangeError. */
export function gather(x: Tensor, dim: number, index: Tensor): Tensor {
  return gatherOp([x, index], { dim })
}

const scatterOp: Op<Dim & { n: number }> = defineOp<Dim & { n: number }>({
  name: 'scatterAdd',
  doc: 'Elements added into zeros along a dim, each at its own index.',
  math: 'y_{i} = \\textstyle\\sum_{j: i_j = i} x_j;\\quad \\bar x_j = \\bar y_{i_j}',
  takes: ['float', 'int'],
  shape: ([x, index], { dim, n }) => {
    const d = normalizeDim('scatterAdd', dim, x.length)
    if (formatShape(x) !== formatShape(index))
      throw new ShapeError('scatterAdd', `the index is ${formatShape(index)}, the source ${formatShape(x)}`)
    return x.map((size, i) => (i === d ? n : size))
  },
  kernel: (k, out, [x, index], { dim }) => {
    const shape = around(out.shape, normalizeDim('scatterAdd', dim, x.rank))
    k.fill(out.raw, 0)
    checkIndex('scatterAdd', ints(index), shape[1])
    k.scatterAdd(flat(out), flat(x), ints(index), ...shape)
  },
  save: ([, index]) => [index],
  backward: ({ dy, saved: [index], attrs: { dim } }) => [gatherOp([dy, index], { dim }), null],
  twice: true,
  samples: () => {
    const s = (x: Shape, dim: number, n: number, more: Partial<Spec> = {}) => ({
      inputs: [
        { shape: x, ...more },
        { shape: x, below: n },
      ],
      attrs: { dim, n },
    })
    return [
      s([2, 3], 1, 2),
      s([3, 2, 2], 0, 4),
      s([1], 0, 1),
      s([0, 2], 1, 3),
      s([3, 4], -1, 2, { view: 'transposed' }),
      s([3, 4], 0, 2, { view: 'sliced' }),
      s([2, 2], 1, 3, { domain: { lo: -1e4, hi: 1e4 } }),
    ]
  },
  errors: () => [
    {
      inputs: [{ shape: [2] }, { shape: [3], below: 1 }],
      attrs: { dim: 0, n: 2 },
      error: ShapeError,
      text: 'scatterAdd: the index is [3], the source [2]',
    },
    {
      inputs: [{ shape: [1] }, { shape: [1], below: 9, values: [2] }],
      attrs: { dim: 0, n: 2 },
      error: RangeError,
      text: 'scatterAdd: index 2 at place 0 is outside [0, 2)',
    },
  ],
  edge: () => [
    {
      inputs: [
        { shape: [2], values: [1, 2] },
        { shape: [2], below: 2, values: [1, 1] },
      ],
      attrs: { dim: 0, n: 2 },
      out: [0, 3],
      grads: [[1, 1], null],
    },
  ],
})

/** x with src[..., j, ...] added at index[..., j, ...] along `dim`. src and index have one shape. */
export function scatterAdd(x: Tensor, dim: number, index: Tensor, src: Tensor): Tensor {
  const d = normalizeDim('scatterAdd', dim, x.rank)
  tensorArg('scatterAdd', 'index', index)
  sameButDim('scatterAdd', x.shape, index.shape, d)
  return add(x, scatterOp([src, index], { dim: d, n: x.shape[d] }))
}
