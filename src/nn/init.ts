// Initial values. Each draws from the current random scope, so a model is a function of the seed it was made under.
import { full, rand, randn } from '../autograd/create.js'
import { dense, noGrad } from '../autograd/graph.js'
import { add, mul } from '../autograd/ops/elementwise/arithmetic.js'
import { tidy } from '../autograd/tidy.js'
import { ShapeError } from '../errors.js'
import { finiteArg, functionArg, shapeArg, tensorArg } from '../tensor/check.js'
import { formatShape, type Shape } from '../tensor/shape.js'
import type { Tensor } from '../tensor/tensor.js'

/** A leaf that the optimizer may change, from computed values. */
export function parameter(values: Tensor): Tensor {
  const leaf = dense(tensorArg('parameter', 'values', values))
  leaf.node = null
  leaf.requiresGrad = true
  return leaf
}

let drawing = true

/** Runs `fn` while what would be drawn is 0 instead: for models whose values are loaded next. */
export function undrawn<T>(fn: () => T): T {
  functionArg('undrawn', 'the argument', fn)
  const before = drawing
  drawing = false
  try {
    return fn()
  } finally {
    drawing = before
  }
}

/** N(0, std^2). BERT: std 0.02. */
export function normal(shape: Shape, std = 1): Tensor {
  if (!drawing) return constant(shape, 0)
  finiteArg('normal', 'std', std)
  return parameter(tidy(() => noGrad(() => mul(randn(shape), std))))
}

/** Uniform on [-bound, bound). PyTorch's Linear: bound 1 / sqrt(in), for weight and bias. */
export function uniform(shape: Shape, bound: number): Tensor {
  if (!drawing) return constant(shape, 0)
  finiteArg('uniform', 'bound', bound)
  return parameter(tidy(() => noGrad(() => add(mul(rand(shape), 2 * bound), -bound))))
}

/** Uniform with variance 2 / (in + out), for weights [out, in]. Glorot and Bengio 2010, eq. 16. */
export function xavierUniform(shape: readonly [number, number]): Tensor {
  if (shapeArg('xavierUniform', shape).length !== 2)
    throw new ShapeError('xavierUniform', `the shape must be [out, in], got ${formatShape(shape)}`)
  return uniform(shape, Math.sqrt(6 / (shape[0] + shape[1])))
}

export function constant(shape: Shape, value: number): Tensor {
  return full(shape, value, { requiresGrad: true })
}
