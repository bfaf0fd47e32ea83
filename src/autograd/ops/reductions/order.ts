// Places and values by order: argmin, median, and the largest, smallest or middle one together with its place.
import { ShapeError } from '../../../errors.js'
import { optionsArg } from '../../../tensor/check.js'
import type { Kernels } from '../../../tensor/kernels.js'
import { normalizeDim, reducedShape } from '../../../tensor/shape.js'
import { flat, floats, ints, type Tensor } from '../../../tensor/tensor.js'
import { defineOp, type Op } from '../../op.js'
import type { Domain } from '../../samples.js'
import { type None, none } from '../elementwise/records.js'
import { gather } from '../indexing/gather.js'
import { argmax, type Keep, keeps, lanes, shareOfTies } from '../reduce.js'
import { reshape } from '../shape/views.js'

interface PlaceAttrs {
  dim: number
  keepdim: boolean
}

const distinct: Domain = { lo: -1, hi: 1, distinct: true }

/** The place, along one dim, of what a kernel looks for. No gradient. */
function placeOp(
  name: 'argmin' | 'argmedian',
  what: string,
  words: { doc: string; math: string; out: number[] },
): Op<PlaceAttrs> {
  return defineOp<PlaceAttrs>({
    name,
    doc: words.doc,
    math: words.math,
    takes: ['float'],
    shape: ([x], { dim, keepdim }) => {
      const d = normalizeDim(name, dim, x.length)
      if (x[d] === 0) throw new ShapeError(name, `dim ${d} has no elements`, `Nothing has no ${what}`)
      return reducedShape(x, [d], keepdim)
    },
    dtype: () => 'int32',
    kernel: (k: Kernels, out, [x], { dim }) =>
      k[name](ints(out), flat(x), ...lanes(x.shape, [normalizeDim(name, dim, x.rank)])!),
    save: () => [],
    backward: null,
    twice: true,
    samples: () =>
      [
        { shape: [2, 3], dim: 1 },
        { shape: [2, 3, 4], dim: 1 },
        { shape: [3, 4], dim: -1, view: 'transposed' as const },
        { shape: [4, 3], dim: 0, view: 'sliced' as const },
        { shape: [1], dim: 0 },
        { shape: [0, 3], dim: 1 },
      ].map(({ dim, ...spec }) => ({
        inputs: [{ ...spec, domain: distinct }],
        attrs: { dim, keepdim: dim === 1 },
      })),
    errors: () => [
      {
        inputs: [{ shape: [2, 0] }],
        attrs: { dim: 1, keepdim: false },
        error: ShapeError,
        text: `${name}: dim 1 has no elements. Nothing has no ${what}`,
      },
    ],
    edge: () => [
      {
        inputs: [{ shape: [3, 4], values: [5, 1, 1, 2, 2, NaN, 7, NaN, -0, 0, Infinity, -Infinity] }],
        attrs: { dim: 1, keepdim: false },
        out: words.out,
      },
    ],
  })
}

const argminOp = placeOp('argmin', 'smallest', {
  doc: 'The place of the first smallest along a dim; NaN counts as smallest.',
  math: 'y = \\arg\\min_i x_i',
  out: [1, 1, 3],
})

const argmedianOp = placeOp('argmedian', 'median', {
  doc: 'The place of the first that is the lower median along a dim, or of the first NaN.',
  math: 'y = \\arg\\operatorname{med}_i x_i',
  out: [1, 1, 0],
})

/** Place of the first smallest along `dim`, int32. Without a dim: in the flattened tensor. Throws ShapeError. */
export function argmin(x: Tensor, dim?: number, keep: Keep = {}): Tensor {
  const { keepdim = false } = optionsArg('argmin', keep, keeps)
  if (dim === undefined) return argminOp([reshape(x, [x.numel])], { dim: 0, keepdim: false })
  return argminOp([x], { dim, keepdim })
}

/** What max, min and median of PyTorch give for a dim. */
export interface Found {
  values: Tensor
  /** int32. */
  indices: Tensor
}

function at(x: Tensor, dim: number, place: Tensor, keepdim: boolean): Found {
  const d = normalizeDim('gather', dim, x.rank)
  const values = gather(x, d, place)
  if (keepdim) return { values, indices: place }
  const shape = reducedShape(x.shape, [d], false)
  return { values: reshape(values, shape), indices: reshape(place, shape) }
}

/**
 * The largest along `dim` and its place, as PyTorch's max(dim): the first of equals has the gradient, where `max` shares
 * it among them. Throws ShapeError.
 */
export function maxWithIndices(x: Tensor, dim: number, keep: Keep = {}): Found {
  const { keepdim = false } = optionsArg('maxWithIndices', keep, keeps)
  return at(x, dim, argmax(x, dim, { keepdim: true }), keepdim)
}

/** The smallest along `dim` and its place, as PyTorch's min(dim). The first of equals has the gradient. Throws ShapeError. */
export function minWithIndices(x: Tensor, dim: number, keep: Keep = {}): Found {
  const { keepdim = false } = optionsArg('minWithIndices', keep, keeps)
  return at(x, dim, argminOp([x], { dim, keepdim: true }), keepdim)
}

/** The lower median along `dim` and its place, as PyTorch's median(dim). NaN where there is one. Throws ShapeError. */
export function medianWithIndices(x: Tensor, dim: number, keep: Keep = {}): Found {
  const { keepdim = false } = optionsArg('medianWithIndices', keep, keeps)
  return at(x, dim, argmedianOp([x], { dim, keepdim: true }), keepdim)
}

const medianOp: Op<None> = defineOp<None>({
  name: 'median',
  doc: 'The lower median of a vector, NaN if one is; equals share the gradient evenly.',
  math: 'y = \\operatorname{med}_i x_i;\\quad \\bar x_i = \\bar y [x_i = y] / \\#\\{x_j = y\\}',
  takes: ['float'],
  shape: ([x]) => {
    if (x.length !== 1) throw new ShapeError('median', `expected a vector, got ${x.length} dims`)
    if (x[0] === 0) throw new ShapeError('median', 'the tensor has no elements', 'Nothing has no median')
    return []
  },
  kernel: (k, out, [x]) => {
    const place = new Int32Array(1)
    k.argmedian(place, flat(x), 1, x.numel, 1)
    floats(out)[0] = flat(x)[place[0]]
  },
  save: ([x], y) => [x, y],
  backward: ({ dy, saved }) => [
    shareOfTies(dy, { saved, attrs: { dims: [0], keepdim: true } }, (y) => reshape(y, [1])),
  ],
  twice: true,
  samples: () => [
    { inputs: [{ shape: [5], domain: distinct }], attrs: none },
    { inputs: [{ shape: [6], domain: distinct, view: 'sliced' }], attrs: none },
    { inputs: [{ shape: [1] }], attrs: none },
    { inputs: [{ shape: [7], domain: { lo: -1e3, hi: 1e3, distinct: true } }], attrs: none },
  ],
  errors: () => [
    {
      inputs: [{ shape: [0] }],
      attrs: none,
      error: ShapeError,
      text: 'median: the tensor has no elements. Nothing has no median',
    },
  ],
  edge: () => [
    { inputs: [{ shape: [4], values: [4, 1, 3, 2] }], attrs: none, out: 2, grads: [[0, 0, 0, 1]] },
    {
      inputs: [{ shape: [4], values: [4, 1, 1, 1] }],
      attrs: none,
      out: 1,
      grads: [[0, 1 / 3, 1 / 3, 1 / 3]],
    },
    { inputs: [{ shape: [3], values: [1, NaN, 3] }], attrs: none, out: NaN },
  ],
})

/**
 * The lower median (of an even number the smaller of the middle two) along `dim`, or of all elements. Along a dim the
 * first of equals has the gradient, over all they share it: as in PyTorch. NaN where there is one. Throws ShapeError.
 */
export function median(x: Tensor, dim?: number, keep: Keep = {}): Tensor {
  optionsArg('median', keep, keeps)
  return dim === undefined ? medianOp([reshape(x, [x.numel])], none) : medianWithIndices(x, dim, keep).values
}
