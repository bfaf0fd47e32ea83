// The ops as methods of Tensor: a.mul(b).sum().backward(). The one place that joins floor 1's class to floor 2's functions.

import { DTypeError, ShapeError } from '../errors.js'
import { dimsArg, type Kinds, optionsArg, type Sizes, sizesArg, tensorArg } from '../tensor/check.js'
import { formatShape } from '../tensor/shape.js'
import { Tensor } from '../tensor/tensor.js'
import { type BackwardOptions, backward } from './backward.js'
import { registerHook, retainGrad } from './hooks.js'
import * as activations from './ops/elementwise/activations.js'
import * as arithmetic from './ops/elementwise/arithmetic.js'
import { clone, to } from './ops/elementwise/cast.js'
import * as compare from './ops/elementwise/compare.js'
import * as gated from './ops/elementwise/gated.js'
import * as logic from './ops/elementwise/logic.js'
import * as pointwise from './ops/elementwise/pointwise.js'
import * as powers from './ops/elementwise/powers.js'
import * as rounding from './ops/elementwise/rounding.js'
import * as trigonometric from './ops/elementwise/trigonometric.js'
import { at, indexPut } from './ops/indexing/at.js'
import { gather, scatterAdd } from './ops/indexing/gather.js'
import * as put from './ops/indexing/put.js'
import * as indexing from './ops/indexing/rows.js'
import * as order from './ops/indexing/sort.js'
import * as normalize from './ops/normalize.js'
import * as matmul from './ops/products/matmul.js'
import * as reduce from './ops/reduce.js'
import * as truth from './ops/reductions/logic.js'
import { norm, std } from './ops/reductions/norm.js'
import * as places from './ops/reductions/order.js'
import * as products from './ops/reductions/products.js'
import * as dims from './ops/shape/dims.js'
import * as parts from './ops/shape/parts.js'
import * as repeat from './ops/shape/repeat.js'
import { slice } from './ops/shape/slice.js'
import { diag, tril, triu } from './ops/shape/triangles.js'
import * as views from './ops/shape/views.js'
import * as softmax from './ops/softmax.js'
import { rowsOf, set } from './write.js'

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
  sign: pointwise.sign,
  floor: rounding.floor,
  ceil: rounding.ceil,
  round: rounding.round,
  trunc: rounding.trunc,
  frac: rounding.frac,
  square: powers.square,
  reciprocal: powers.reciprocal,
  rsqrt: powers.rsqrt,
  exp2: powers.exp2,
  expm1: powers.expm1,
  log1p: powers.log1p,
  log2: powers.log2,
  log10: powers.log10,
  sin: trigonometric.sin,
  cos: trigonometric.cos,
  tan: trigonometric.tan,
  asin: trigonometric.asin,
  acos: trigonometric.acos,
  atan: trigonometric.atan,
  sinh: trigonometric.sinh,
  cosh: trigonometric.cosh,
  asinh: trigonometric.asinh,
  acosh: trigonometric.acosh,
  atanh: trigonometric.atanh,
  silu: activations.silu,
  elu: activations.elu,
  celu: activations.celu,
  selu: activations.selu,
  leakyRelu: activations.leakyRelu,
  softplus: activations.softplus,
  logSigmoid: activations.logSigmoid,
  mish: activations.mish,
  hardtanh: activations.hardtanh,
  relu6: activations.relu6,
  hardsigmoid: activations.hardsigmoid,
  hardswish: activations.hardswish,
  softsign: activations.softsign,
  prelu: gated.prelu,
  glu: gated.glu,
  logicalNot: logic.logicalNot,
  isnan: logic.isnan,
  isfinite: logic.isfinite,
  isinf: logic.isinf,
  floorDivide: (a: Tensor, b: Operand) => rounding.floorDivide(a, b),
  remainder: (a: Tensor, b: Operand) => rounding.remainder(a, b),
  fmod: (a: Tensor, b: Operand) => rounding.fmod(a, b),
  atan2: (a: Tensor, b: Operand) => trigonometric.atan2(a, b),
  hypot: (a: Tensor, b: Operand) => powers.hypot(a, b),
  lerp: powers.lerp,
  logicalAnd: (a: Tensor, b: Operand) => logic.logicalAnd(a, b),
  logicalOr: (a: Tensor, b: Operand) => logic.logicalOr(a, b),
  logicalXor: (a: Tensor, b: Operand) => logic.logicalXor(a, b),
  clamp: compare.clamp,
  detach: compare.detached,
  sum: reduce.sum,
  mean: reduce.mean,
  max: reduce.max,
  min: reduce.min,
  logsumexp: reduce.logsumexp,
  var: reduce.variance,
  argmax: reduce.argmax,
  amax: reduce.max,
  amin: reduce.min,
  std,
  norm,
  prod: products.prod,
  cumsum: products.cumsum,
  cumprod: products.cumprod,
  argmin: places.argmin,
  median: places.median,
  maxWithIndices: places.maxWithIndices,
  minWithIndices: places.minWithIndices,
  medianWithIndices: places.medianWithIndices,
  any: truth.any,
  all: truth.all,
  countNonzero: truth.countNonzero,
  matmul: matmul.matmul,
  linear: matmul.linear,
  layerNorm: normalize.layerNorm,
  dropout: normalize.dropout,
  softmax: softmax.softmax,
  logSoftmax: softmax.logSoftmax,
  indexSelect: indexing.indexSelect,
  gather,
  scatterAdd,
  /** gather, by its other name. */
  takeAlongDim: (x: Tensor, index: Tensor, dim: number) => gather(x, dim, index),
  take: put.take,
  put: put.put,
  scatter: put.scatter,
  indexFill: put.indexFill,
  maskedFill: put.maskedFill,
  maskedSelect: put.maskedSelect,
  at,
  indexPut,
  argsort: order.argsort,
  sort: order.sort,
  topk: order.topk,
  unique: order.unique,
  bincount: order.bincount,
  histc: order.histc,
  to,
  clone,
  /** reshape(2, 3) or reshape([2, 3]); one size may be -1. */
  reshape: (x: Tensor, ...shape: Sizes) => views.reshape(x, sizesArg('reshape', shape)),
  /** permute(2, 0, 1) or permute([2, 0, 1]). */
  permute: (x: Tensor, ...dims: [dims: readonly number[]] | number[]) =>
    views.permute(x, dimsArg('permute', dims)),
  transpose: (x: Tensor, dim0: number, dim1: number) => views.transpose(x, dim0, dim1),
  slice,
  squeeze: dims.squeeze,
  unsqueeze: dims.unsqueeze,
  flatten: dims.flatten,
  unflatten: dims.unflatten,
  movedim: dims.movedim,
  narrow: parts.narrow,
  select: parts.select,
  diagonal: parts.diagonal,
  flip: repeat.flip,
  roll: repeat.roll,
  repeat: repeat.repeat,
  tile: repeat.tile,
  repeatInterleave: repeat.repeatInterleave,
  broadcastTo: repeat.broadcastTo,
  split: repeat.split,
  chunk: repeat.chunk,
  unbind: repeat.unbind,
  /** expand(2, 3) or expand([2, 3]); -1 keeps a size. */
  expand: (x: Tensor, ...shape: Sizes) => views.expand(x, sizesArg('expand', shape)),
  /** The last two dims exchanged. */
  t: (x: Tensor) => {
    if (x.rank < 2) throw new ShapeError('t', `needs at least 2 dims, got ${formatShape(x.shape)}`)
    return views.transpose(x, -2, -1)
  },
  set,
  /** Adds d this / d leaf to the grad of every leaf that this was computed from. */
  backward: (y: Tensor, gradient?: Tensor | null, options?: BackwardOptions) => {
    const own = optionsArg('backward', options, backwardOptions)
    if (gradient === undefined || gradient === null) return backward(y, undefined, own)
    if (tensorArg('backward', 'gradient', gradient).dtype !== y.dtype)
      throw new DTypeError('backward', `the gradient is ${gradient.dtype}, the tensor ${y.dtype}`)
    return backward(y, gradient, own)
  },
  /** Calls a function with this tensor's gradient, which may give another in its place. Returns what removes it. */
  registerHook,
  /** Makes a result keep its gradient in `grad`, as leaves do. */
  retainGrad,
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
  interface Tensor extends Methods {
    /** Along dim 0: one view a row, with its gradient. A scalar is not iterable: TypeError. */
    [Symbol.iterator](): Generator<Tensor, void, undefined>
  }
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

// A scalar is not iterable, which JavaScript and test runners ask by looking whether the method is there.
Object.defineProperty(Tensor.prototype, Symbol.iterator, {
  get(this: Tensor) {
    return this.rank === 0 ? undefined : () => rowsOf(this)
  },
  configurable: true,
})
