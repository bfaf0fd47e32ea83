// Derivatives of functions rather than of tensors: products with the Jacobian from both sides, Jacobians, Hessians.
// torch.autograd.functional.
import { DTypeError, GradError, ShapeError } from '../../errors.js'
import { kernelsFor } from '../../tensor/backend.js'
import { functionArg, type Kinds, optionsArg, tensorArg, tensorsArg } from '../../tensor/check.js'
import { formatShape, type Shape, sameShape } from '../../tensor/shape.js'
import { empty, Tensor } from '../../tensor/tensor.js'
import { grad } from '../backward.js'
import { zeros } from '../create.js'
import { synchronous, withRecording } from '../graph.js'
import { add, mul } from '../ops/elementwise/arithmetic.js'
import { detached } from '../ops/elementwise/compare.js'
import { sum } from '../ops/reduce.js'
import { stack } from '../ops/shape/join.js'
import { reshape } from '../ops/shape/views.js'
import { tidy } from '../tidy.js'

/** Of jacobian(), hessian(), jvp() and vjp(). */
export interface FunctionalOptions {
  /** Keep the result's own graph, so that it can be differentiated further. Default false. */
  createGraph?: boolean
}

type Fn = (...inputs: Tensor[]) => Tensor
type One = Tensor | readonly Tensor[]

const kinds: Kinds<FunctionalOptions> = { createGraph: 'boolean' }

const listOf = (who: string, what: string, inputs: One): readonly Tensor[] =>
  inputs instanceof Tensor ? [inputs] : tensorsArg(who, what, inputs)

/** Leaves with the inputs' values; with createGraph where an input has a graph, a result that leads back to it. */
function fresh(who: string, inputs: readonly Tensor[], createGraph: boolean): Tensor[] {
  return inputs.map((x, i) => {
    if (x.dtype === 'int32')
      throw new DTypeError(who, `input ${i} is int32`, 'Close over whole numbers: they have no derivative')
    if (createGraph && x.requiresGrad) return reshape(x, x.shape)
    const t = detached(x)
    t.requiresGrad = true
    return t
  })
}

function call(who: string, fn: Fn, inputs: Tensor[]): Tensor {
  const y: unknown = synchronous(who, fn(...inputs))
  if (y instanceof Tensor) return y
  throw new GradError(
    `${who}: the function must return one tensor, got ${Array.isArray(y) ? 'an array' : typeof y}`,
  )
}

/** Gradients with zeros where the result does not depend on an input. */
function gradients(y: Tensor, inputs: Tensor[], seed: Tensor, createGraph: boolean): Tensor[] {
  const like = (t: Tensor) => zeros(t.shape, { dtype: t.dtype })
  if (!y.requiresGrad) return inputs.map(like)
  const options = { gradient: seed, createGraph, retainGraph: true, allowUnused: true }
  return grad(y, inputs, options).map((g, i) => g ?? like(inputs[i]))
}

function mustFit(who: string, what: string, t: Tensor, like: Tensor): void {
  if (!sameShape(t.shape, like.shape))
    throw new ShapeError(who, `${what} is ${formatShape(t.shape)}, must be ${formatShape(like.shape)}`)
  if (t.dtype !== like.dtype)
    throw new DTypeError(
      who,
      `${what} is ${t.dtype}, must be ${like.dtype}`,
      `Convert it with .to('${like.dtype}')`,
    )
}

/** A tensor of zeros with a one at element i. */
function unit(like: Tensor, i: number): Tensor {
  const t = empty(like.shape, like.dtype)
  kernelsFor(t.dtype).fill(t.raw, 0)
  t.raw[i] = 1
  return t
}

/** Temporaries go back, unless the graph is to be kept. What comes out of it has no graph then. */
function within<T>(createGraph: boolean, fn: () => T): T {
  return withRecording(true, () => (createGraph ? fn() : tidy(fn)))
}

/** Without its graph, which goes back, where that is not kept. */
const result = (t: Tensor, createGraph: boolean) => (createGraph ? t : detached(t))

const shapeOf = (y: Tensor, x: Tensor): Shape => [...y.shape, ...x.shape]

/**
 * The Jacobian of fn(...inputs), one backward pass for each element of the result: [...result, ...input] for each input;
 * for a single tensor as `inputs` one tensor. Zeros where the result does not depend on an input.
 * Throws DTypeError for int32 inputs, GradError where `fn` gives anything but one tensor.
 */
export function jacobian(fn: Fn, inputs: Tensor, options?: FunctionalOptions): Tensor
export function jacobian(fn: Fn, inputs: readonly Tensor[], options?: FunctionalOptions): Tensor[]
export function jacobian(fn: Fn, inputs: One, options: FunctionalOptions = {}): One {
  functionArg('jacobian', 'the function', fn)
  const given = listOf('jacobian', 'inputs', inputs)
  const { createGraph = false } = optionsArg('jacobian', options, kinds)
  const rows = within(createGraph, () => {
    const xs = fresh('jacobian', given, createGraph)
    const y = call('jacobian', fn, xs)
    return jacobianOf(y, xs, createGraph)
  })
  return inputs instanceof Tensor ? rows[0] : rows
}

function jacobianOf(y: Tensor, xs: Tensor[], createGraph: boolean): Tensor[] {
  const rows = Array.from({ length: y.numel }, (_, i) => gradients(y, xs, unit(y, i), createGraph))
  return xs.map((x, j) =>
    rows.length === 0
      ? zeros(shapeOf(y, x), { dtype: x.dtype })
      : reshape(stack(rows.map((row) => row[j])), shapeOf(y, x)),
  )
}

/**
 * The Hessian of a function that gives one number: [...input, ...input]; for several inputs entry [i][j] is
 * [...input i, ...input j]. Throws as jacobian, and GradError for a result of more elements or an op without second
 * derivative.
 */
export function hessian(fn: Fn, inputs: Tensor, options?: FunctionalOptions): Tensor
export function hessian(fn: Fn, inputs: readonly Tensor[], options?: FunctionalOptions): Tensor[][]
export function hessian(fn: Fn, inputs: One, options: FunctionalOptions = {}): Tensor | Tensor[][] {
  functionArg('hessian', 'the function', fn)
  const given = listOf('hessian', 'inputs', inputs)
  const { createGraph = false } = optionsArg('hessian', options, kinds)
  const table = within(createGraph, () => {
    const xs = fresh('hessian', given, createGraph)
    const y = call('hessian', fn, xs)
    if (y.numel !== 1) {
      throw new GradError(
        `hessian: the function must give one number, got ${formatShape(y.shape)}`,
        'Reduce it with sum() or mean(), or take jacobian() twice',
      )
    }
    return gradients(y, xs, unit(y, 0), true).map((g) => jacobianOf(g, xs, createGraph))
  })
  return inputs instanceof Tensor ? table[0][0] : table
}

/**
 * [fn(...inputs), J^T v]: the gradients of <v, fn(...inputs)> for each input, by one backward pass. `v` has the result's
 * shape and dtype; without it the result must be a single number. Throws ShapeError and DTypeError for another v.
 */
export function vjp(fn: Fn, inputs: Tensor, v?: Tensor, options?: FunctionalOptions): [Tensor, Tensor]
export function vjp(
  fn: Fn,
  inputs: readonly Tensor[],
  v?: Tensor,
  options?: FunctionalOptions,
): [Tensor, Tensor[]]
export function vjp(fn: Fn, inputs: One, v?: Tensor, options: FunctionalOptions = {}): [Tensor, One] {
  functionArg('vjp', 'the function', fn)
  const given = listOf('vjp', 'inputs', inputs)
  if (v !== undefined) tensorArg('vjp', 'v', v)
  const { createGraph = false } = optionsArg('vjp', options, kinds)
  const [y, gs] = within(createGraph, () => {
    const xs = fresh('vjp', given, createGraph)
    const y = call('vjp', fn, xs)
    if (v === undefined && y.numel !== 1) {
      throw new GradError(`vjp: the function gives ${formatShape(y.shape)}`, 'Pass v, a tensor of that shape')
    }
    if (v !== undefined) mustFit('vjp', 'v', v, y)
    const seed = v ?? unit(y, 0)
    return [result(y, createGraph), gradients(y, xs, seed, createGraph)] as const
  })
  return [y, inputs instanceof Tensor ? gs[0] : gs]
}

/**
 * [fn(...inputs), J v]: the derivative of the result when inputs move along `tangents`, one for each input and of its shape
 * and dtype. By differentiating the gradient, so every op on the way needs a second derivative (GradError names one that
 * has none). Throws ShapeError and DTypeError for tangents that do not fit.
 */
export function jvp(fn: Fn, inputs: One, tangents: One, options: FunctionalOptions = {}): [Tensor, Tensor] {
  functionArg('jvp', 'the function', fn)
  const given = listOf('jvp', 'inputs', inputs)
  const along = listOf('jvp', 'tangents', tangents)
  const { createGraph = false } = optionsArg('jvp', options, kinds)
  if (given.length === 0) throw new ShapeError('jvp', 'needs at least one input')
  if (along.length !== given.length)
    throw new ShapeError('jvp', `got ${given.length} inputs and ${along.length} tangents`)
  return within(createGraph, () => {
    const xs = fresh('jvp', given, createGraph)
    for (const [i, t] of along.entries()) mustFit('jvp', `tangent ${i}`, t, xs[i])
    const y = call('jvp', fn, xs)
    // J^T u is linear in u: the derivative of <J^T u, v> for u is J v, whatever u is.
    const u = zeros(y.shape, { dtype: y.dtype, requiresGrad: true })
    const pulled = gradients(y, xs, u, true)
    const total = pulled.map((g, i) => sum(mul(g, along[i]))).reduce(add)
    const seed = unit(total, 0)
    const [tangent] = gradients(total, [u], seed, createGraph)
    return [result(y, createGraph), tangent] as [Tensor, Tensor]
  })
}
