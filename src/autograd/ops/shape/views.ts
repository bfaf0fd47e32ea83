// Ops that look at the same memory in another way: reshape (which copies where it must), transpose, permute, expand.
import { ShapeError } from '../../../errors.js'
import {
  broadcastShapes,
  formatShape,
  inferShape,
  normalizeDim,
  type Shape,
  sameShape,
  viewStrides,
} from '../../../tensor/shape.js'
import type { Tensor } from '../../../tensor/tensor.js'
import { dense } from '../../graph.js'
import { defineOp } from '../../op.js'

const noSave = () => []

const reshapeOp = defineOp<{ to: Shape }>({
  name: 'reshape',
  doc: 'The same elements in row-major order under another shape; a view where strides allow it, else a copy.',
  math: 'y = \\mathrm{reshape}(x);\\quad \\bar x = \\mathrm{reshape}(\\bar y)',
  takes: ['any'],
  shape: ([x], { to }) => inferShape('reshape', x, to),
  view: (x, _, shape) => {
    const strides = viewStrides(x.shape, x.strides, shape)
    if (strides !== null) return x.viewAs(shape, strides)
    const copy = dense(x)
    return copy.viewAs(shape, viewStrides(copy.shape, copy.strides, shape)!)
  },
  save: noSave,
  backward: ({ dy, shapes: [x] }) => [reshape(dy, x)],
  twice: true,
  samples: () => [
    { inputs: [{ shape: [2, 3] }], attrs: { to: [3, 2] } },
    { inputs: [{ shape: [2, 3, 2] }], attrs: { to: [-1, 2] } },
    {
      inputs: [{ shape: [4, 6], view: 'transposed' }],
      attrs: { to: [2, 2, 6] },
      why: 'a view of a transposed tensor',
    },
    { inputs: [{ shape: [3, 4], view: 'transposed' }], attrs: { to: [12] }, why: 'needs a copy' },
    { inputs: [{ shape: [2, 3], view: 'sliced' }], attrs: { to: [6] }, why: 'needs a copy' },
    { inputs: [{ shape: [1] }], attrs: { to: [] } },
    { inputs: [{ shape: [] }], attrs: { to: [1, 1] } },
    { inputs: [{ shape: [0, 3] }], attrs: { to: [3, 0] } },
    { inputs: [{ shape: [2, 2], domain: { lo: -1e4, hi: 1e4 } }], attrs: { to: [4] } },
  ],
  errors: () => [
    {
      inputs: [{ shape: [2, 3] }],
      attrs: { to: [4] },
      error: ShapeError,
      text: 'reshape: [2, 3] has 6 elements, [4] has 4',
    },
    {
      inputs: [{ shape: [2, 3] }],
      attrs: { to: [-1, -1] },
      error: ShapeError,
      text: 'reshape: only one size may be -1, got [-1, -1]',
    },
    {
      inputs: [{ shape: [2, 3] }],
      attrs: { to: [4, -1] },
      error: ShapeError,
      text: 'reshape: [2, 3] has 6 elements, [4, -1] needs a multiple of 4',
    },
  ],
  edge: () => [
    {
      inputs: [{ shape: [2], values: [NaN, -0] }],
      attrs: { to: [2, 1] },
      out: [[NaN], [-0]],
      grads: [[1, 1]],
    },
  ],
})

/** The same elements under another shape; one size may be -1. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  return sameShape(x.shape, shape) ? x : reshapeOp([x], { to: shape })
}

const permuteOp = defineOp<{ dims: readonly number[] }>({
  name: 'permute',
  doc: 'The dims in another order, without copying.',
  math: 'y = x^{\\pi};\\quad \\bar x = \\bar y^{\\pi^{-1}}',
  takes: ['any'],
  shape: ([x], { dims }) => order(x, dims).map((d) => x[d]),
  view: (x, { dims }, shape) =>
    x.viewAs(
      shape,
      order(x.shape, dims).map((d) => x.strides[d]),
    ),
  save: noSave,
  backward: ({ dy, attrs, shapes: [x] }) => {
    const inverse = new Array<number>(x.length)
    order(x, attrs.dims).forEach((d, i) => {
      inverse[d] = i
    })
    return [permute(dy, inverse)]
  },
  twice: true,
  samples: () => [
    { inputs: [{ shape: [2, 3] }], attrs: { dims: [1, 0] } },
    { inputs: [{ shape: [2, 3, 4] }], attrs: { dims: [2, 0, 1] } },
    { inputs: [{ shape: [2, 3, 2], view: 'sliced' }], attrs: { dims: [-1, -3, -2] } },
    { inputs: [{ shape: [3, 4], view: 'transposed' }], attrs: { dims: [0, 1] } },
    { inputs: [{ shape: [] }], attrs: { dims: [] } },
    { inputs: [{ shape: [1] }], attrs: { dims: [0] } },
    { inputs: [{ shape: [0, 3] }], attrs: { dims: [1, 0] } },
    { inputs: [{ shape: [2, 2], domain: { lo: -1e4, hi: 1e4 } }], attrs: { dims: [1, 0] } },
  ],
  errors: () => [
    {
      inputs: [{ shape: [2, 3] }],
      attrs: { dims: [0] },
      error: ShapeError,
      text: 'permute: [2, 3] has 2 dims, got the order [0]',
    },
    {
      inputs: [{ shape: [2, 3] }],
      attrs: { dims: [0, 0] },
      error: ShapeError,
      text: 'permute: dim 0 is named twice',
    },
    {
      inputs: [{ shape: [2, 3] }],
      attrs: { dims: [0, 2] },
      error: ShapeError,
      text: 'permute: dim 2 is out of range for rank 2 (expected -2 to 1)',
    },
  ],
  edge: () => [
    { inputs: [{ shape: [1, 2], values: [NaN, -0] }], attrs: { dims: [1, 0] }, out: [[NaN], [-0]] },
  ],
})

function order(shape: Shape, dims: readonly number[]): number[] {
  if (dims.length !== shape.length) {
    throw new ShapeError(
      'permute',
      `${formatShape(shape)} has ${shape.length} dims, got the order ${formatShape(dims)}`,
    )
  }
  const seen = new Set<number>()
  return dims.map((dim) => {
    const d = normalizeDim('permute', dim, shape.length)
    if (seen.has(d)) throw new ShapeError('permute', `dim ${d} is named twice`)
    seen.add(d)
    return d
  })
}

/** The dims in the order given: permute([2, 0, 1]) of [a, b, c] is [c, a, b]. */
export function permute(x: Tensor, dims: readonly number[]): Tensor {
  return permuteOp([x], { dims })
}

const transposeOp = defineOp<{ dim0: number; dim1: number }>({
  name: 'transpose',
  doc: 'Two dims exchanged, without copying.',
  math: 'y = x^\\top;\\quad \\bar x = \\bar y^\\top',
  takes: ['any'],
  shape: ([x], attrs) => exchange(x, x.length, attrs),
  view: (x, attrs, shape) => x.viewAs(shape, exchange(x.strides, x.rank, attrs)),
  save: noSave,
  backward: ({ dy, attrs }) => [transpose(dy, attrs.dim0, attrs.dim1)],
  twice: true,
  samples: () => [
    { inputs: [{ shape: [2, 3] }], attrs: { dim0: 0, dim1: 1 } },
    { inputs: [{ shape: [2, 3, 4] }], attrs: { dim0: -1, dim1: 0 } },
    { inputs: [{ shape: [2, 3, 2], view: 'sliced' }], attrs: { dim0: 1, dim1: 2 } },
    { inputs: [{ shape: [3, 4], view: 'transposed' }], attrs: { dim0: 0, dim1: 1 } },
    { inputs: [{ shape: [1] }], attrs: { dim0: 0, dim1: 0 } },
    { inputs: [{ shape: [0, 3] }], attrs: { dim0: 0, dim1: 1 } },
    { inputs: [{ shape: [2, 2], domain: { lo: -1e4, hi: 1e4 } }], attrs: { dim0: 0, dim1: 1 } },
  ],
  errors: () => [
    {
      inputs: [{ shape: [2] }],
      attrs: { dim0: 0, dim1: 1 },
      error: ShapeError,
      text: 'transpose: dim 1 is out of range for rank 1 (expected -1 to 0)',
    },
    {
      inputs: [{ shape: [] }],
      attrs: { dim0: 0, dim1: 0 },
      error: ShapeError,
      text: 'transpose: dim 0 is out of range for rank 0 (a scalar has no dims)',
    },
  ],
  edge: () => [
    { inputs: [{ shape: [1, 2], values: [NaN, -0] }], attrs: { dim0: 0, dim1: 1 }, out: [[NaN], [-0]] },
  ],
})

function exchange(sizes: Shape, rank: number, { dim0, dim1 }: { dim0: number; dim1: number }): number[] {
  const a = normalizeDim('transpose', dim0, rank)
  const b = normalizeDim('transpose', dim1, rank)
  const out = [...sizes]
  out[a] = sizes[b]
  out[b] = sizes[a]
  return out
}

/** Two dims exchanged. */
export function transpose(x: Tensor, dim0: number, dim1: number): Tensor {
  return transposeOp([x], { dim0, dim1 })
}

const expandOp = defineOp<{ to: Shape }>({
  name: 'expand',
  doc: 'Dims of size 1 repeated, and new dims in front, without copying.',
  math: 'y = x \\otimes 1;\\quad \\bar x = \\textstyle\\sum \\bar y',
  takes: ['any'],
  shape: ([x], { to }) => {
    // -1 keeps the size.
    const lead = to.length - x.length
    const sizes = to.map((n, d) => (n === -1 && d >= lead ? x[d - lead] : n))
    if (sizes.some((n) => n < 0))
      throw new ShapeError(
        'expand',
        `-1 in ${formatShape(to)} stands for a dim that ${formatShape(x)} does not have`,
      )
    const out = broadcastShapes('expand', x, sizes)
    if (!sameShape(out, sizes))
      throw new ShapeError(
        'expand',
        `${formatShape(x)} does not expand to ${formatShape(to)}`,
        'Only sizes of 1 can be repeated',
      )
    return out
  },
  view: (x, _, shape) => x.viewAs(shape, x.stridesFor(shape)),
  save: noSave,
  // The engine sums over what was repeated.
  backward: ({ dy }) => [dy],
  twice: true,
  samples: () => [
    { inputs: [{ shape: [2, 1] }], attrs: { to: [2, 3] } },
    { inputs: [{ shape: [3] }], attrs: { to: [2, -1] } },
    { inputs: [{ shape: [] }], attrs: { to: [2, 2] } },
    { inputs: [{ shape: [1] }], attrs: { to: [1] } },
    { inputs: [{ shape: [1, 3] }], attrs: { to: [0, 3] }, why: 'repeated no times' },
    { inputs: [{ shape: [3, 1], view: 'transposed' }], attrs: { to: [2, 3, 2] } },
    { inputs: [{ shape: [1, 2], view: 'sliced', domain: { lo: -1e4, hi: 1e4 } }], attrs: { to: [2, 2] } },
  ],
  errors: () => [
    {
      inputs: [{ shape: [2] }],
      attrs: { to: [3] },
      error: ShapeError,
      text: 'expand: cannot broadcast [2] with [3]: 2 != 3 at dim -1. Sizes must be equal or 1, aligned at the right',
    },
    {
      inputs: [{ shape: [2, 3] }],
      attrs: { to: [3] },
      error: ShapeError,
      text: 'expand: [2, 3] does not expand to [3]. Only sizes of 1 can be repeated',
    },
    {
      inputs: [{ shape: [2] }],
      attrs: { to: [-1, 2] },
      error: ShapeError,
      text: 'expand: -1 in [-1, 2] stands for a dim that [2] does not have',
    },
  ],
  edge: () => [
    { inputs: [{ shape: [1], values: [NaN] }], attrs: { to: [2] }, out: [NaN, NaN], grads: [[2]] },
  ],
})

/** Dims of size 1 repeated to `shape`; -1 keeps a size. */
export function expand(x: Tensor, shape: Shape): Tensor {
  return expandOp([x], { to: shape })
}
