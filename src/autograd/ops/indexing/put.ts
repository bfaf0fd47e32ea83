// Elements by their place in the flattened tensor: take reads them, put gives a copy in which they are replaced, and what
// PyTorch spells over dims or masks is made of these two. Nothing is written in place: every result has its gradient.
import { ShapeError } from '../../../errors.js'
import { optionsArg, scalarArg, tensorArg } from '../../../tensor/check.js'
import {
  broadcastShapes,
  formatShape,
  normalizeDim,
  numel,
  type Shape,
  sameShape,
} from '../../../tensor/shape.js'
import { ints, type Tensor } from '../../../tensor/tensor.js'
import { constant, tensor } from '../../create.js'
import { defineOp } from '../../op.js'
import type { Sample, Spec } from '../../samples.js'
import { add } from '../elementwise/arithmetic.js'
import { where } from '../elementwise/compare.js'
import { type None, none } from '../elementwise/records.js'
import { cat } from '../shape/join.js'
import { expand, reshape } from '../shape/views.js'
import { type Dim, indexAdd, indexSelect } from './rows.js'

/** Places counted from the front. Throws RangeError on one outside [-n, n). */
export function fromFront(op: string, index: Tensor, n: number, what = 'the tensor'): Int32Array {
  return ints(index).map((i, place) => {
    if (i < -n || i >= n)
      throw new RangeError(`${op}: index ${i} at place ${place} is outside ${what} of size ${n}`)
    return i < 0 ? i + n : i
  })
}

const takeOp = defineOp<None>({
  name: 'take',
  doc: 'Elements by their place in the flattened tensor; negative places count from the end.',
  math: 'y_j = x_{i_j};\\quad \\bar x_i = \\textstyle\\sum_{j: i_j = i} \\bar y_j',
  takes: ['any', 'int'],
  shape: ([, index]) => index,
  composite: ([x, index]) => {
    const at = tensor(fromFront('take', index, x.numel))
    return reshape(indexSelect(reshape(x, [x.numel]), 0, at), index.shape)
  },
  twice: true,
  samples: () =>
    (
      [
        [{ shape: [2, 3] }, [4]],
        [{ shape: [3, 4], view: 'transposed' }, [2, 2]],
        [{ shape: [2, 3], view: 'sliced' }, []],
        [{ shape: [2] }, [0]],
        [{ shape: [5], domain: { lo: -1e4, hi: 1e4 } }, [1]],
      ] as [Spec, Shape][]
    ).map(([x, shape]) => ({ inputs: [x, { shape, below: numel(x.shape) }], attrs: none })),
  errors: () => [
    {
      inputs: [{ shape: [2, 2] }, { shape: [2], below: 9, values: [0, 4] }],
      attrs: none,
      error: RangeError,
      text: 'take: index 4 at place 1 is outside the tensor of size 4',
    },
  ],
  edge: () => [
    {
      inputs: [
        { shape: [2], values: [NaN, -0] },
        { shape: [3], below: 2, values: [-1, 1, -2] },
      ],
      attrs: none,
      out: [-0, -0, NaN],
      grads: [[1, 2], null],
    },
  ],
})

/** x's elements at places of the flattened tensor, in index's shape; -1 is the last. Throws RangeError. */
export function take(x: Tensor, index: Tensor): Tensor {
  return takeOp([x, index], none)
}

/** src laid out as `shape`, repeated where it must be. */
function fitting(op: string, src: Tensor, shape: Shape): Tensor {
  const whole = broadcastShapes(op, src.shape, shape)
  if (!sameShape(whole, shape))
    throw new ShapeError(
      op,
      `${formatShape(src.shape)} does not fit the ${formatShape(shape)} that it is put into`,
    )
  return expand(src, shape)
}

/**
 * x with element places[j] of the flattened tensor replaced by src[j], or with it added. Of several at one place the last
 * stays, and it alone gets a gradient: the result is read from x and src side by side.
 */
export function replaced(x: Tensor, places: Int32Array, src: Tensor, accumulate = false): Tensor {
  const [flat, values] = [reshape(x, [x.numel]), reshape(src, [src.numel])]
  if (accumulate) return reshape(add(flat, indexAdd(values, 0, tensor(places), [x.numel])), x.shape)
  const from = Int32Array.from({ length: x.numel }, (_, i) => i)
  places.forEach((place, j) => {
    from[place] = x.numel + j
  })
  return reshape(indexSelect(cat([flat, values]), 0, tensor(from)), x.shape)
}

const putOp = defineOp<{ accumulate: boolean }>({
  name: 'put',
  doc: 'A copy with elements of the flattened tensor replaced, or added to; negative places count from the end.',
  math: 'y_{i_j} = s_j,\\ y = x\\text{ elsewhere};\\quad \\bar s_j = \\bar y_{i_j},\\ \\bar x = \\bar y\\text{ elsewhere}',
  takes: ['number', 'int', 'number'],
  shape: ([x, index, src]) => {
    if (!sameShape(broadcastShapes('put', src, index), index))
      throw new ShapeError(
        'put',
        `${formatShape(src)} does not fit the ${formatShape(index)} that it is put into`,
      )
    return x
  },
  composite: ([x, index, src], { accumulate }) =>
    replaced(x, fromFront('put', index, x.numel), fitting('put', src, index.shape), accumulate),
  twice: true,
  samples: () =>
    (
      [
        [{ shape: [2, 3] }, [4], [4]],
        [{ shape: [3, 4], view: 'transposed' }, [2, 2], [2]],
        [{ shape: [2, 3], view: 'sliced' }, [], []],
        [{ shape: [2] }, [0], [0]],
        [{ shape: [5], domain: { lo: -1e4, hi: 1e4 } }, [7], [1]],
      ] as [Spec, Shape, Shape][]
    ).flatMap(([x, shape, src]) =>
      [false, true].map((accumulate) => ({
        inputs: [x, { shape, below: numel(x.shape) }, { shape: src }],
        attrs: { accumulate },
      })),
    ),
  errors: () => [
    {
      inputs: [{ shape: [2] }, { shape: [1], below: 9, values: [-3] }, { shape: [1] }],
      attrs: { accumulate: false },
      error: RangeError,
      text: 'put: index -3 at place 0 is outside the tensor of size 2',
    },
    {
      inputs: [{ shape: [2] }, { shape: [1], below: 1 }, { shape: [2] }],
      attrs: { accumulate: false },
      error: ShapeError,
      text: 'put: [2] does not fit the [1] that it is put into',
    },
  ],
  edge: () => [
    {
      inputs: [
        { shape: [3], values: [1, 2, 3] },
        { shape: [3], below: 3, values: [-1, 0, 0] },
        { shape: [3], values: [NaN, 5, 7] },
      ],
      attrs: { accumulate: false },
      out: [7, 2, NaN],
      grads: [[0, 1, 0], null, [1, 0, 1]],
    },
  ],
})

/** x with src (broadcast to index) at places of the flattened tensor, or added there. Throws RangeError, ShapeError. */
export function put(
  x: Tensor,
  index: Tensor,
  src: Tensor | number,
  options: { accumulate?: boolean } = {},
): Tensor {
  const { accumulate = false } = optionsArg('put', options, { accumulate: 'boolean' })
  if (typeof src !== 'number') tensorArg('put', 'the source', src)
  return putOp([x, index, constant(src, x)], { accumulate })
}

/** The flat place of every element of an index along a dim. */
function placesAlong(op: string, x: Shape, index: Tensor, dim: number): Int32Array {
  const d = normalizeDim(op, dim, x.length)
  if (index.rank !== x.length || index.shape.some((n, i) => i !== d && n > x[i]))
    throw new ShapeError(
      op,
      `the index ${formatShape(index.shape)} is larger than ${formatShape(x)} beside dim ${d}`,
    )
  const along = fromFront(op, index, x[d], `dim ${d}`)
  const strides = x.map((_, i) => numel(x.slice(i + 1)))
  const inner = index.shape.map((_, i) => numel(index.shape.slice(i + 1)))
  return along.map((to, at) =>
    strides.reduce((sum, s, i) => sum + s * (i === d ? to : Math.floor(at / inner[i]) % index.shape[i]), 0),
  )
}

const scatterOp = defineOp<Dim>({
  name: 'scatter',
  doc: 'A copy with elements along a dim replaced, each at its own index; of several the last stays.',
  math: 'y_{i_j} = s_j,\\ y = x\\text{ elsewhere};\\quad \\bar s_j = \\bar y_{i_j},\\ \\bar x = \\bar y\\text{ elsewhere}',
  takes: ['number', 'int', 'number'],
  shape: ([x, index, src]) => {
    if (!sameShape(index, src))
      throw new ShapeError('scatter', `the index is ${formatShape(index)}, the source ${formatShape(src)}`)
    return x
  },
  composite: ([x, index, src], { dim }) => replaced(x, placesAlong('scatter', x.shape, index, dim), src),
  twice: true,
  samples: () => {
    const s = (x: Spec, index: Shape, dim: number): Sample<Dim> => ({
      inputs: [x, { shape: index, below: x.shape.at(dim)! }, { shape: index }],
      attrs: { dim },
    })
    return [
      s({ shape: [2, 3] }, [2, 2], 1),
      s({ shape: [3, 2, 2] }, [1, 2, 1], 0),
      s({ shape: [3, 4], view: 'transposed' }, [3, 5], -1),
      s({ shape: [3, 4], view: 'sliced' }, [2, 4], 0),
      s({ shape: [1] }, [0], 0),
      s({ shape: [4], domain: { lo: -1e4, hi: 1e4 } }, [2], 0),
    ]
  },
  errors: () => [
    {
      inputs: [{ shape: [2, 2] }, { shape: [3, 1], below: 1 }, { shape: [3, 1] }],
      attrs: { dim: 1 },
      error: ShapeError,
      text: 'scatter: the index [3, 1] is larger than [2, 2] beside dim 1',
    },
    {
      inputs: [{ shape: [2] }, { shape: [1], below: 9, values: [2] }, { shape: [1] }],
      attrs: { dim: 0 },
      error: RangeError,
      text: 'scatter: index 2 at place 0 is outside dim 0 of size 2',
    },
  ],
  edge: () => [
    {
      inputs: [
        { shape: [3], values: [1, 2, 3] },
        { shape: [2], below: 3, values: [1, 1] },
        { shape: [2], values: [NaN, -0] },
      ],
      attrs: { dim: 0 },
      out: [1, -0, 3],
      grads: [[1, 0, 1], null, [0, 1]],
    },
  ],
})

/**
 * x with src[..., j, ...] at index[..., j, ...] along `dim`; of several at one place the last stays (PyTorch leaves it
 * open). src: a tensor of index's shape, or a number. Throws ShapeError, RangeError.
 */
export function scatter(x: Tensor, dim: number, index: Tensor, src: Tensor | number): Tensor {
  tensorArg('scatter', 'the index', index)
  const values = typeof src === 'number' ? expand(constant(src, x), index.shape) : src
  return scatterOp([x, index, values], { dim })
}

const indexFillOp = defineOp<Dim & { value: number }>({
  name: 'indexFill',
  doc: 'A copy with whole slices of a dim set to one number.',
  math: 'y_{i} = c\\text{ for the named}\\ i;\\quad \\bar x = \\bar y\\text{ elsewhere}',
  takes: ['number', 'int'],
  shape: ([x, index], { dim }) => {
    normalizeDim('indexFill', dim, x.length)
    if (index.length !== 1)
      throw new ShapeError('indexFill', `the index must be [m], got ${formatShape(index)}`)
    return x
  },
  composite: ([x, index], { dim, value }) => {
    const d = normalizeDim('indexFill', dim, x.rank)
    const named = new Int32Array(x.shape[d])
    for (const i of fromFront('indexFill', index, x.shape[d], `dim ${d}`)) named[i] = 1
    const mask = tensor(named, { shape: x.shape.map((n, i) => (i === d ? n : 1)) })
    return where(mask, constant(value, x), x)
  },
  twice: true,
  samples: () =>
    (
      [
        [{ shape: [4, 3] }, 2, 0],
        [{ shape: [2, 3] }, 1, -1],
        [{ shape: [3, 4], view: 'transposed' }, 2, 1],
        [{ shape: [2, 3], view: 'sliced' }, 0, 1],
        [{ shape: [3], domain: { lo: -1e4, hi: 1e4 } }, 1, 0],
      ] as [Spec, number, number][]
    ).map(([x, m, dim]) => ({
      inputs: [x, { shape: [m], below: x.shape.at(dim)! }],
      attrs: { dim, value: 0.5 },
    })),
  errors: () => [
    {
      inputs: [{ shape: [2] }, { shape: [1], below: 9, values: [2] }],
      attrs: { dim: 0, value: 0 },
      error: RangeError,
      text: 'indexFill: index 2 at place 0 is outside dim 0 of size 2',
    },
  ],
  edge: () => [
    {
      inputs: [
        { shape: [3], values: [NaN, 1, 2] },
        { shape: [2], below: 3, values: [0, -1] },
      ],
      attrs: { dim: 0, value: Infinity },
      out: [Infinity, 1, Infinity],
      grads: [[0, 1, 0], null],
    },
  ],
})

/** x with the slices of `dim` named by index (int32 [m], -1 is the last) set to value. Throws RangeError, ShapeError. */
export function indexFill(x: Tensor, dim: number, index: Tensor, value: number): Tensor {
  scalarArg('indexFill', 'value', value)
  return indexFillOp([x, index], { dim, value })
}

const maskedFillOp = defineOp<{ value: number }>({
  name: 'maskedFill',
  doc: 'A number where a mask is not 0, else x; the mask broadcasts to x.',
  math: 'y = m\\,?\\,c : x;\\quad \\bar x = [\\neg m] \\bar y',
  takes: ['number', 'any'],
  shape: ([x, mask]) => {
    if (!sameShape(broadcastShapes('maskedFill', mask, x), x))
      throw new ShapeError(
        'maskedFill',
        `the mask ${formatShape(mask)} does not broadcast to ${formatShape(x)}`,
      )
    return x
  },
  composite: ([x, mask], { value }) => where(mask, constant(value, x), x),
  twice: true,
  samples: () =>
    (
      [
        [{ shape: [2, 3] }, [2, 3]],
        [{ shape: [2, 3] }, [3]],
        [{ shape: [3, 4], view: 'transposed' }, [3, 1]],
        [{ shape: [2, 3], view: 'sliced' }, []],
        [{ shape: [0, 2] }, [2]],
        [{ shape: [3], domain: { lo: -1e4, hi: 1e4 } }, [3]],
      ] as [Spec, Shape][]
    ).map(([x, shape]) => ({ inputs: [x, { shape, below: 2 }], attrs: { value: 0.5 } })),
  errors: () => [
    {
      inputs: [{ shape: [2] }, { shape: [2, 2], below: 2 }],
      attrs: { value: 0 },
      error: ShapeError,
      text: 'maskedFill: the mask [2, 2] does not broadcast to [2]',
    },
  ],
  edge: () => [
    {
      inputs: [
        { shape: [3], values: [NaN, NaN, -0] },
        { shape: [3], below: 2, values: [1, 0, 0] },
      ],
      attrs: { value: -Infinity },
      out: [-Infinity, NaN, -0],
      grads: [[0, 1, 1], null],
    },
  ],
})

/** value where mask is not 0, else x. The mask (of any dtype) broadcasts to x. Throws ShapeError. */
export function maskedFill(x: Tensor, mask: Tensor, value: number): Tensor {
  scalarArg('maskedFill', 'value', value)
  return maskedFillOp([x, mask], { value })
}

/** The elements where mask is not 0, in order: a vector. Both broadcast. Its length depends on the mask's numbers. */
export function maskedSelect(x: Tensor, mask: Tensor): Tensor {
  tensorArg('maskedSelect', 'the mask', mask)
  const shape = broadcastShapes('maskedSelect', x.shape, mask.shape)
  const chosen: number[] = []
  expand(mask, shape).elements.forEach((m, i) => {
    if (m !== 0) chosen.push(i)
  })
  return indexSelect(reshape(expand(x, shape), [numel(shape)]), 0, tensor(Int32Array.from(chosen)))
}
