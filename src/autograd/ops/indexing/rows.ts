// Whole slices by index: indexSelect, embedding, and one-hot rows.
import { ShapeError } from '../../../errors.js'
import { kernelsFor } from '../../../tensor/backend.js'
import { optionsArg, tensorArg, wholeArg } from '../../../tensor/check.js'
import { formatShape, normalizeDim, numel, type Shape } from '../../../tensor/shape.js'
import type { DType } from '../../../tensor/storage.js'
import { empty, flat, ints, type Tensor } from '../../../tensor/tensor.js'
import { dense } from '../../graph.js'
import { defineOp, type Op } from '../../op.js'
import type { Sample, Spec } from '../../samples.js'
import { to } from '../elementwise/cast.js'
import { eq, where } from '../elementwise/compare.js'
import { reshape } from '../shape/views.js'

export interface Dim {
  dim: number
}

const NO_SKIP = -1

/** Refuses an index outside [0, n): a kernel would read or write another tensor's memory. */
export function checkIndex(op: string, index: Int32Array, n: number): void {
  for (let i = 0; i < index.length; i++) {
    if (index[i] < 0 || index[i] >= n)
      throw new RangeError(`${op}: index ${index[i]} at place ${i} is outside [0, ${n})`)
  }
}

/** x seen as [outer, n, inner] around a dim. */
export function around(x: Shape, dim: number): [outer: number, n: number, inner: number] {
  return [numel(x.slice(0, dim)), x[dim], numel(x.slice(dim + 1))]
}

const selectOp: Op<Dim> = defineOp<Dim>({
  name: 'indexSelect',
  doc: 'The slices of a dim named by a list of indices.',
  math: 'y_j = x_{i_j};\\quad \\bar x_{i} = \\textstyle\\sum_{j: i_j = i} \\bar y_j',
  takes: ['any', 'int'],
  shape: ([x, index], { dim }) => {
    const d = normalizeDim('indexSelect', dim, x.length)
    if (index.length !== 1)
      throw new ShapeError('indexSelect', `the index must be [m], got ${formatShape(index)}`)
    return x.map((n, i) => (i === d ? index[0] : n))
  },
  kernel: (k, out, [x, index], { dim }) => {
    const shape = around(x.shape, normalizeDim('indexSelect', dim, x.rank))
    checkIndex('indexSelect', ints(index), shape[1])
    k.indexSelect(flat(out), flat(x), ints(index), ...shape)
  },
  save: ([, index]) => [index],
  backward: ({ dy, saved: [index], attrs, shapes: [x] }) => [
    indexAddOp([dy, index], {
      dim: normalizeDim('indexSelect', attrs.dim, x.length),
      size: x,
      skip: NO_SKIP,
    }),
    null,
  ],
  twice: true,
  samples: () => {
    const s = (shape: Shape, dim: number, m: number, more: Partial<Spec> = {}): Sample<Dim> => ({
      inputs: [
        { shape, ...more },
        { shape: [m], below: shape[dim < 0 ? dim + shape.length : dim] },
      ],
      attrs: { dim },
    })
    return [
      s([4, 3], 0, 6),
      s([2, 3, 4], 1, 2),
      s([2, 3], -1, 5),
      s([1], 0, 1),
      s([3, 2], 0, 0),
      s([3, 4], 0, 4, { view: 'transposed' }),
      s([2, 3, 2], 2, 3, { view: 'sliced' }),
      s([3, 2], 0, 4, { domain: { lo: -1e4, hi: 1e4 } }),
    ]
  },
  errors: () => [
    {
      inputs: [{ shape: [2, 3] }, { shape: [1, 1], below: 1 }],
      attrs: { dim: 0 },
      error: ShapeError,
      text: 'indexSelect: the index must be [m], got [1, 1]',
    },
    {
      inputs: [{ shape: [2] }, { shape: [1], below: 9, values: [2] }],
      attrs: { dim: 0 },
      error: RangeError,
      text: 'indexSelect: index 2 at place 0 is outside [0, 2)',
    },
    {
      inputs: [{ shape: [2] }, { shape: [1], below: 9, values: [-1] }],
      attrs: { dim: 0 },
      error: RangeError,
      text: 'indexSelect: index -1 at place 0 is outside [0, 2)',
    },
  ],
  edge: () => [
    {
      inputs: [
        { shape: [2], values: [NaN, -0] },
        { shape: [3], below: 2, values: [1, 0, 1] },
      ],
      attrs: { dim: 0 },
      out: [-0, NaN, -0],
      grads: [[1, 2], null],
    },
  ],
})

type AddAttrs = Dim & { size: Shape; skip: number }

const indexAddOp: Op<AddAttrs> = defineOp<AddAttrs>({
  name: 'indexAdd',
  doc: 'Slices added into zeros at the places named by a list of indices.',
  math: 'y_i = \\textstyle\\sum_{j: i_j = i} x_j;\\quad \\bar x_j = \\bar y_{i_j}',
  takes: ['float', 'int'],
  shape: ([x, index], { dim, size }) => {
    if (index.length !== 1 || x[dim] !== index[0])
      throw new ShapeError('indexAdd', `${formatShape(x)} needs ${x[dim]} indices, got ${formatShape(index)}`)
    return size
  },
  kernel: (k, out, [x, index], { dim, size, skip }) => {
    k.fill(out.raw, 0)
    checkIndex('indexAdd', ints(index), size[dim])
    k.indexAdd(flat(out), flat(x), ints(index), ...around(size, dim), skip)
  },
  save: ([, index]) => [index],
  backward: ({ dy, saved: [index], attrs: { dim, skip } }) => {
    const dx = selectOp([dy, index], { dim })
    if (skip === NO_SKIP) return [dx, null]
    // A slice that was left out has no gradient.
    const shape = dx.shape.map((n, i) => (i === dim ? n : 1))
    return [where(reshape(eq(to(index, dx.dtype), skip), shape), 0, dx), null]
  },
  twice: true,
  samples: () => [
    { inputs: [{ shape: [4, 2] }, { shape: [4], below: 3 }], attrs: { dim: 0, size: [3, 2], skip: 1 } },
    {
      inputs: [{ shape: [2, 4] }, { shape: [4], below: 3, values: [2, 0, 2, 1] }],
      attrs: { dim: 1, size: [2, 3], skip: 2 },
    },
    { inputs: [{ shape: [4, 2] }, { shape: [4], below: 3 }], attrs: { dim: 0, size: [3, 2], skip: NO_SKIP } },
    { inputs: [{ shape: [2, 3] }, { shape: [3], below: 5 }], attrs: { dim: 1, size: [2, 5], skip: NO_SKIP } },
    { inputs: [{ shape: [1] }, { shape: [1], below: 1 }], attrs: { dim: 0, size: [1], skip: NO_SKIP } },
    { inputs: [{ shape: [0, 2] }, { shape: [0], below: 3 }], attrs: { dim: 0, size: [3, 2], skip: NO_SKIP } },
    {
      inputs: [
        { shape: [3, 4], view: 'transposed' },
        { shape: [3], below: 2 },
      ],
      attrs: { dim: 0, size: [2, 4], skip: NO_SKIP },
    },
  ],
  errors: () => [
    {
      inputs: [{ shape: [2, 3] }, { shape: [3], below: 1 }],
      attrs: { dim: 0, size: [4, 3], skip: NO_SKIP },
      error: ShapeError,
      text: 'indexAdd: [2, 3] needs 2 indices, got [3]',
    },
  ],
  edge: () => [
    {
      inputs: [
        { shape: [2], values: [NaN, 1] },
        { shape: [2], below: 3, values: [2, 0] },
      ],
      attrs: { dim: 0, size: [3], skip: NO_SKIP },
      out: [1, 0, NaN],
    },
  ],
})

/** The slices of `dim` named by `index` (int32 [m]). Throws RangeError on an index outside the dim. */
export function indexSelect(x: Tensor, dim: number, index: Tensor): Tensor {
  return selectOp([x, index], { dim })
}

/**
 * The slices of x along `dim`, added into zeros of shape `size` at the places named by `index` (int32, one for each).
 * Throws RangeError on an index outside size[dim].
 */
export function indexAdd(x: Tensor, dim: number, index: Tensor, size: Shape): Tensor {
  return indexAddOp([x, index], { dim, size, skip: NO_SKIP })
}

const embeddingOp: Op<{ paddingIdx: number }> = defineOp<{ paddingIdx: number }>({
  name: 'embedding',
  doc: 'One row of a table for each id; the padding row gets no gradient.',
  math: 'y_j = W_{i_j};\\quad \\bar W_i = \\textstyle\\sum_{j: i_j = i} \\bar y_j',
  takes: ['float', 'int'],
  shape: ([w, ids]) => {
    if (w.length !== 2)
      throw new ShapeError('embedding', `the table must be [rows, width], got ${formatShape(w)}`)
    return [...ids, w[1]]
  },
  kernel: (k, out, [w, ids]) => {
    checkIndex('embedding', ints(ids), w.shape[0])
    k.indexSelect(flat(out), flat(w), ints(ids), 1, w.shape[0], w.shape[1])
  },
  save: ([, ids]) => [ids],
  backward: ({ dy, saved: [ids], attrs, shapes: [w] }) => [
    indexAddOp([reshape(dy, [ids.numel, w[1]]), reshape(ids, [ids.numel])], {
      dim: 0,
      size: w,
      skip: attrs.paddingIdx,
    }),
    null,
  ],
  accumulate: ({ dy, saved: [ids], attrs }, into) => {
    const index = ints(ids)
    const [n, width] = into.shape
    kernelsFor(dy.dtype).indexAdd(flat(into), flat(dense(dy)), index, 1, n, width, attrs.paddingIdx)
    return index.slice()
  },
  twice: true,
  samples: () => {
    const s = (rows: number, width: number, ids: Shape, more: Partial<Spec> = {}) => ({
      inputs: [
        { shape: [rows, width], ...more },
        { shape: ids, below: rows },
      ],
      attrs: { paddingIdx: NO_SKIP },
    })
    return [
      s(5, 3, [2, 4]),
      s(4, 2, []),
      s(1, 1, [1]),
      s(3, 2, [0, 2]),
      s(4, 3, [3], { view: 'transposed' }),
      s(4, 3, [2, 2], { view: 'sliced' }),
      s(3, 2, [4], { domain: { lo: -1e4, hi: 1e4 } }),
    ]
  },
  errors: () => [
    {
      inputs: [{ shape: [2, 3] }, { shape: [1], below: 9, values: [7] }],
      attrs: { paddingIdx: NO_SKIP },
      error: RangeError,
      text: 'embedding: index 7 at place 0 is outside [0, 2)',
    },
    {
      inputs: [{ shape: [3] }, { shape: [1], below: 2 }],
      attrs: { paddingIdx: NO_SKIP },
      error: ShapeError,
      text: 'embedding: the table must be [rows, width], got [3]',
    },
  ],
  edge: () => [
    {
      inputs: [
        { shape: [2, 1], values: [1, NaN] },
        { shape: [3], below: 2, values: [1, 0, 0] },
      ],
      attrs: { paddingIdx: 0 },
      out: [[NaN], [1], [1]],
      grads: [[[0], [1]], null],
    },
  ],
})

/** A row of a table of `rows`, counted from the end where it is negative. Throws RangeError where there is none. */
export function paddingRow(op: string, paddingIdx: number, rows: number): number {
  const row = wholeArg(op, 'paddingIdx', paddingIdx, -rows, rows - 1)
  return row < 0 ? row + rows : row
}

/**
 * Row ids[...] of weight [rows, width] -> [..., width]. The row `paddingIdx` gets no gradient; -1 is the last, as in
 * PyTorch. Throws RangeError on an id or paddingIdx that is no row.
 */
export function embedding(weight: Tensor, ids: Tensor, options: { paddingIdx?: number } = {}): Tensor {
  const { paddingIdx } = optionsArg('embedding', options, { paddingIdx: 'whole' })
  tensorArg('embedding', 'the table', weight)
  return embeddingOp([weight, ids], {
    paddingIdx:
      paddingIdx === undefined ? NO_SKIP : paddingRow('embedding', paddingIdx, weight.shape[0] ?? 0),
  })
}

/** Rows with a 1 at each label, zeros where the label is outside [0, n). Int32 [rows] -> [rows, n]. No gradient. */
export function oneHot(labels: Tensor, n: number, dtype: DType): Tensor {
  const y = ints(labels)
  const out = empty([y.length, n], dtype)
  const data = out.raw
  data.fill(0)
  y.forEach((label, r) => {
    if (label >= 0 && label < n) data[r * n + label] = 1
  })
  return out
}
