// The ops as methods of Tensor: a.mul(b).sum().backward(). The one place that joins floor 1's class to floor 2's functions.

import { DTypeError, ShapeError } from '../errors.js'
import { dimsArg, type Kinds, optionsArg, type Sizes, sizesArg, tensorArg } from '../tensor/check.js'
import { formatShape } from '../tensor/shape.js'
import { Tensor } from '../tensor/tensor.js'
import { type BackwardOptions, backward } from './backward.js'
import * as arithmetic from './ops/elementwise/arithmetic.js'
import { clone, to } from './ops/elementwise/cast.js'
import * as compare from './ops/elementwise/compare.js'
import * as pointwise from './ops/elementwise/pointwise.js'
import { gather, scatterAdd } from './ops/indexing/gather.js'
import * as indexing from './ops/indexing/rows.js'
import * as normalize from './ops/normalize.js'
import * as matmul from './ops/products/matmul.js'
import * as reduce from './ops/reduce.js'
import { slice } from './ops/shape/slice.js'
import { diag, tril, triu } from './ops/shape/triangles.js'
import * as views from './ops/shape/views.js'
import * as softmax from './ops/softmax.js'

type Operand = Tensor | number

const backwardOptions: Kinds<BackwardOptions> = { createGraph: 'boolean', retainGraph: 'boolean' }

const methods = {
  add: (a: Tensor, b: Operand) => arithmetic.add(a, b),
  sub: (a: Tensor, b: Operand) => arithmetic.sub(a, b),
  mul: (a: Tensor, b: Operand) => arithmetic.mul(a, b),
  div: (a: Tensor, b: Operand) => arithmetic.div(a, b),
  pow: (a: Tensor, b: Operand) => pointwise.pow(a, b),
  neg: arithmetic.neg,
  abs: pointwise.abs,
  sqrt: pointwise.sqrt,
  exp: pointwise.exp,
  log: pointwise.log,
  tanh: pointwise.tanh,
  sigmoid: pointwise.sigmoid,
  erf: pointwise.erf,
  relu: pointwise.relu,
  gelu: pointwise.gelu,
  eq: (a: Tensor, b: Operand) => compare.eq(a, b),
  ne: (a: Tensor, b: Operand) => compare.ne(a, b),
  gt: (a: Tensor, b: Operand) => compare.gt(a, b),
  ge: (a: Tensor, b: Operand) => compare.ge(a, b),
  lt: (a: Tensor, b: Operand) => compare.lt(a, b),
  le: (a: Tensor, b: Operand) => compare.le(a, b),
  maximum: (a: Tensor, b: Operand) => compare.maximum(a, b),
  minimum: (a: Tensor, b: Operand) => compare.minimum(a, b),
  clamp: compare.clamp,
  detach: compare.detached,
  sum: reduce.sum,
  mean: reduce.mean,
  max: reduce.max,
  min: reduce.min,
  logsumexp: reduce.logsumexp,
  var: reduce.variance,
  argmax: reduce.argmax,
  matmul: matmul.matmul,
  linear: matmul.linear,
  layerNorm: normalize.layerNorm,
  dropout: normalize.dropout,
  softmax: softmax.softmax,
  logSoftmax: softmax.logSoftmax,
  indexSelect: indexing.indexSelect,
  gather,
  scatterAdd,
  to,
  clone,
  /** reshape(2, 3) or reshape([2, 3]); one size may be -1. */
  reshape: (x: Tensor, ...shape: Sizes) => views.reshape(x, sizesArg('reshape', shape)),
  /** permute(2, 0, 1) or permute([2, 0, 1]). */
  permute: (x: Tensor, ...dims: [dims: readonly number[]] | number[]) =>
    views.permute(x, dimsArg('permute', dims)),
  transpose: (x: Tensor, dim0: number, dim1: number) => views.transpose(x, dim0, dim1),
  slice,
  /** expand(2, 3) or expand([2, 3]); -1 keeps a size. */
  expand: (x: Tensor, ...shape: Sizes) => views.expand(x, sizesArg('expand', shape)),
  /** The last two dims exchanged. */
  t: (x: Tensor) => {
    if (x.rank < 2) throw new ShapeError('t', `needs at least 2 dims, got ${formatShape(x.shape)}`)
    return views.transpose(x, -2, -1)
  },
  /** Adds d this / d leaf to the grad of every leaf that this was computed from. */
  backward: (y: Tensor, gradient?: Tensor | null, options?: BackwardOptions) => {
    const own = optionsArg('backward', options, backwardOptions)
    if (gradient === undefined || gradient === null) return backward(y, undefined, own)
    if (tensorArg('backward', 'gradient', gradient).dtype !== y.dtype)
      throw new DTypeError('backward', `the gradient is ${gradient.dtype}, the tensor ${y.dtype}`)
    return backward(y, gradient, own)
  },
  tril,
  triu,
  diag,
}

type Methods = {
  [K in keyof typeof methods]: (typeof methods)[K] extends (x: Tensor, ...rest: infer R) => infer T
    ? (...rest: R) => T
    : never
}

declare module '../tensor/tensor.js' {
  interface Tensor extends Methods {}
}

for (const [name, method] of Object.entries(methods)) {
  Object.defineProperty(Tensor.prototype, name, {
    value(this: Tensor, ...rest: unknown[]) {
      return (method as (x: Tensor, ...rest: unknown[]) => unknown)(this, ...rest)
    },
    writable: true,
    configurable: true,
  })
}
