// Matrix products: matmul with batches, broadcasting and transposed views in place, and linear.
import { ShapeError } from '../../../errors.js'
import { tensorArg } from '../../../tensor/check.js'
import type { MatrixBatch, UnaryName } from '../../../tensor/kernel-args.js'
import type { Kernels } from '../../../tensor/kernels.js'
import { broadcastShapes, broadcastStrides, formatShape, numel, type Shape } from '../../../tensor/shape.js'
import { flat, floats, type Tensor } from '../../../tensor/tensor.js'
import { defineOp, type Op } from '../../op.js'
import type { Domain, Sample, Spec } from '../../samples.js'
import { add } from '../elementwise/arithmetic.js'
import { type None, none } from '../elementwise/records.js'
import { sum } from '../reduce.js'
import { reshape, transpose } from '../shape/views.js'

const large: Domain = { lo: -100, hi: 100 }

function matmulShape([a, b]: readonly Shape[]): Shape {
  if (a.length < 2 || b.length < 2) {
    throw new ShapeError(
      'matmul',
      `needs at least 2 dims each, ${formatShape(a)} x ${formatShape(b)}`,
      'Add one with reshape()',
    )
  }
  const [k, l] = [a[a.length - 1], b[b.length - 2]]
  if (k !== l) {
    const hint =
      k === b[b.length - 1]
        ? 'Did you mean b.t()?'
        : l === a[a.length - 2]
          ? 'Did you mean a.t()?'
          : undefined
    throw new ShapeError(
      'matmul',
      `inner sizes differ, ${formatShape(a)} x ${formatShape(b)}: ${k} != ${l}`,
      hint,
    )
  }
  const batch = broadcastShapes('matmul', a.slice(0, -2), b.slice(0, -2))
  return [...batch, a[a.length - 2], b[b.length - 1]]
}

/** The matrices of `t`, repeated to `batch`: offsets and strides only, nothing is copied. */
function matrices(t: Tensor, batch: Shape): MatrixBatch {
  const strides = broadcastStrides(t.shape.slice(0, -2), t.strides.slice(0, -2), batch)
  const offsets = new Int32Array(numel(batch))
  for (let i = 0; i < offsets.length; i++) {
    let at = 0
    for (let d = batch.length - 1, left = i; d >= 0; d--) {
      at += (left % batch[d]) * strides[d]
      left = Math.floor(left / batch[d])
    }
    offsets[i] = at
  }
  return {
    ...{ data: floats(t), offsets, rowStride: t.strides[t.rank - 2], colStride: t.strides[t.rank - 1] },
    ...{ storage: t.storage, base: t.offset },
  }
}

function pair(a: Shape, b: Shape, more: [Partial<Spec>?, Partial<Spec>?] = []): Sample<None> {
  return {
    inputs: [
      { shape: a, ...more[0] },
      { shape: b, ...more[1] },
    ],
    attrs: none,
  }
}

const matmulOp: Op<None> = defineOp<None>({
  name: 'matmul',
  doc: 'The matrix product of the last two dims; the dims before them broadcast.',
  math: 'Y = A B;\\quad \\bar A = \\bar Y B^\\top,\\ \\bar B = A^\\top \\bar Y',
  takes: ['float'],
  strided: true,
  shape: matmulShape,
  kernel: (k, out, [a, b]) => {
    const batch = out.shape.slice(0, -2)
    const [m, n] = out.shape.slice(-2)
    k.matmul(
      floats(out),
      matrices(a, batch),
      matrices(b, batch),
      numel(batch),
      m,
      n,
      a.shape[a.rank - 1],
      null,
      null,
      out.storage,
    )
  },
  save: ([a, b]) => [a, b],
  backward: ({ dy, saved: [a, b], needs }) => [
    needs[0] ? matmul(dy, transpose(b, -2, -1)) : null,
    needs[1] ? matmul(transpose(a, -2, -1), dy) : null,
  ],
  twice: true,
  samples: () => [
    pair([2, 3], [3, 4]),
    pair([1, 1], [1, 1]),
    pair([2, 2, 3], [2, 3, 2]),
    pair([2, 1, 2, 3], [3, 3, 2]),
    pair([2, 3], [2, 3, 2]),
    pair([5, 3], [3, 9]),
    pair([0, 3], [3, 2]),
    pair([2, 0], [0, 3]),
    pair([0, 2, 3], [3, 2]),
    pair([4, 3], [3, 5], [{ view: 'transposed' }, { view: 'transposed' }]),
    pair([2, 2, 3], [2, 3, 2], [{ view: 'sliced' }, { view: 'transposed' }]),
    pair([3, 2, 2], [3, 2, 2], [{ view: 'expanded' }]),
    pair([2, 3], [3, 2], [{ domain: large }, { domain: large }]),
  ],
  errors: () => [
    {
      ...pair([8, 312], [1200, 312]),
      error: ShapeError,
      text: 'matmul: inner sizes differ, [8, 312] x [1200, 312]: 312 != 1200. Did you mean b.t()?',
    },
    {
      ...pair([3, 2], [3, 4]),
      error: ShapeError,
      text: 'matmul: inner sizes differ, [3, 2] x [3, 4]: 2 != 3. Did you mean a.t()?',
    },
    {
      ...pair([3], [3, 4]),
      error: ShapeError,
      text: 'matmul: needs at least 2 dims each, [3] x [3, 4]. Add one with reshape()',
    },
    {
      ...pair([2, 2, 3], [3, 3, 2]),
      error: ShapeError,
      text: 'matmul: cannot broadcast [2] with [3]: 2 != 3 at dim -1. Sizes must be equal or 1, aligned at the right',
    },
  ],
  edge: () => [
    { inputs: [{ shape: [1, 0] }, { shape: [0, 2] }], attrs: none, out: [[0, 0]] },
    {
      inputs: [
        { shape: [1, 2], values: [Infinity, 1] },
        { shape: [2, 1], values: [0, 1] },
      ],
      attrs: none,
      out: [[NaN]],
    },
  ],
})

/**
 * The matrix product of the last two dims: [..., m, k] x [..., k, n] -> [..., m, n]. A vector as the first is a row, as
 * the second a column, and its dim is gone afterwards: [k] x [k] is a number. Throws ShapeError when k differs.
 */
export function matmul(a: Tensor, b: Tensor): Tensor {
  tensorArg('matmul', 'input 0', a)
  tensorArg('matmul', 'input 1', b)
  return a.rank > 1 && b.rank > 1 ? matmulOp([a, b], none) : vectorProduct(a, b)
}

function vectorProduct(a: Tensor, b: Tensor): Tensor {
  const product = `${formatShape(a.shape)} x ${formatShape(b.shape)}`
  if (a.rank === 0 || b.rank === 0)
    throw new ShapeError('matmul', `a number is no matrix, ${product}`, 'Use mul()')
  const [k, l] = [a.shape[a.rank - 1], b.shape[Math.max(0, b.rank - 2)]]
  if (k !== l) throw new ShapeError('matmul', `inner sizes differ, ${product}: ${k} != ${l}`)
  const y = matmulOp([a.rank === 1 ? reshape(a, [1, k]) : a, b.rank === 1 ? reshape(b, [k, 1]) : b], none)
  const kept = [...(a.rank === 1 ? [] : a.shape.slice(0, -1)), ...(b.rank === 1 ? [] : b.shape.slice(-1))]
  return reshape(y, a.rank === 1 && b.rank > 2 ? [...b.shape.slice(0, -2), b.shape[b.rank - 1]] : kept)
}

export function linearShape([x, w, b]: readonly Shape[]): Shape {
  const [out, size] = w
  if (w.length !== 2) throw new ShapeError('linear', `the weight must be [out, in], got ${formatShape(w)}`)
  if (x.length === 0 || x[x.length - 1] !== size) {
    throw new ShapeError(
      'linear',
      `the input ${formatShape(x)} does not end in the weight's ${size} inputs, weight ${formatShape(w)}`,
    )
  }
  if (b !== undefined && (b.length !== 1 || b[0] !== out)) {
    throw new ShapeError('linear', `the bias must be [${out}], got ${formatShape(b)}`)
  }
  return [...x.slice(0, -1), out]
}

/** All dims before the last become rows of one product. */
export function linearKernel(
  k: Kernels,
  out: Tensor,
  [x, w, b]: readonly Tensor[],
  activation: UnaryName | null,
): void {
  const [n, size] = w.shape
  const rows = reshape(x, [numel(x.shape.slice(0, -1)), size])
  k.matmul(
    flat(out),
    matrices(rows, []),
    matrices(transpose(w, 0, 1), []),
    1,
    rows.shape[0],
    n,
    size,
    b ? flat(b) : null,
    activation,
    out.storage,
  )
}

const linearOp: Op<None> = defineOp<None>({
  name: 'linear',
  doc: 'x times the transposed weight, plus bias where there is one: a dense layer.',
  math: 'y = x W^\\top + b;\\quad \\bar x = \\bar y W,\\ \\bar W = \\bar y^\\top x,\\ \\bar b = \\textstyle\\sum \\bar y',
  takes: ['float'],
  shape: linearShape,
  strided: true,
  kernel: (k, out, inputs) => linearKernel(k, out, inputs, null),
  plain: ([x, w, b]) => {
    const y = matmul(reshape(x, [1, numel(x.shape.slice(0, -1)), w.shape[1]]), transpose(w, 0, 1))
    return reshape(b ? add(y, b) : y, [...x.shape.slice(0, -1), w.shape[0]])
  },
  save: ([x, w]) => [x, w],
  backward: ({ dy, saved: [x, w], needs }) => {
    const rows = numel(x.shape.slice(0, -1))
    const g = reshape(dy, [rows, w.shape[0]])
    const dx = needs[0] ? reshape(matmul(g, w), x.shape) : null
    const dw = needs[1] ? matmul(transpose(g, 0, 1), reshape(x, [rows, w.shape[1]])) : null
    return [dx, dw, ...(needs.length > 2 ? [needs[2] ? sum(g, 0) : null] : [])]
  },
  twice: true,
  samples: () => {
    const s = (x: Shape, w: Shape, bias = true, more: Partial<Spec> = {}): Sample<None> => ({
      inputs: [{ shape: x, ...more }, { shape: w, ...more }, ...(bias ? [{ shape: [w[0]] }] : [])],
      attrs: none,
    })
    return [
      s([2, 3], [4, 3]),
      s([2, 3], [4, 3], false),
      s([2, 2, 3], [2, 3]),
      s([3], [2, 3]),
      s([1, 1], [1, 1]),
      s([0, 3], [2, 3]),
      s([3, 4], [5, 4], true, { view: 'transposed' }),
      s([2, 3, 4], [2, 4], true, { view: 'sliced' }),
      s([2, 3], [2, 3], true, { domain: large }),
    ]
  },
  errors: () => [
    {
      ...pair([2, 3], [4, 2]),
      error: ShapeError,
      text: "linear: the input [2, 3] does not end in the weight's 2 inputs, weight [4, 2]",
    },
    { ...pair([2, 3], [3]), error: ShapeError, text: 'linear: the weight must be [out, in], got [3]' },
    {
      inputs: [{ shape: [2, 3] }, { shape: [4, 3] }, { shape: [3] }],
      attrs: none,
      error: ShapeError,
      text: 'linear: the bias must be [4], got [3]',
    },
  ],
  edge: () => [
    {
      inputs: [{ shape: [1, 0] }, { shape: [2, 0] }, { shape: [2], values: [1, -1] }],
      attrs: none,
      out: [[1, -1]],
    },
  ],
})

/** x [..., in] times weight [out, in] transposed, plus bias [out] -> [..., out]. Throws ShapeError. */
export function linear(x: Tensor, weight: Tensor, bias: Tensor | null = null): Tensor {
  return linearOp(bias === null ? [x, weight] : [x, weight, bias], none)
}
