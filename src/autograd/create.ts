// New tensors: from numbers, constant, counting and random.
import { DTypeError, ShapeError } from '../errors.js'
import { kernelsFor } from '../tensor/backend.js'
import { type Key, normalAt, uniformAt } from '../tensor/rng.js'
import { formatShape, inferShape, numel, type Shape } from '../tensor/shape.js'
import type { DType, TypedArray } from '../tensor/storage.js'
import { empty, type NestedArray, type Tensor } from '../tensor/tensor.js'
import { nextKey } from './random.js'
import { activeTracer } from './trace.js'

export interface CreateOptions {
  /** Default: float32, or that of the typed array given. */
  dtype?: DType
  requiresGrad?: boolean
}

const dtypes: readonly DType[] = ['float32', 'float64', 'int32']

function make(
  shape: Shape,
  { dtype = 'float32', requiresGrad = false }: CreateOptions,
  write: (out: TypedArray) => void,
): Tensor {
  if (!dtypes.includes(dtype))
    throw new DTypeError('tensor', `unknown dtype ${dtype}`, `Use one of ${dtypes.join(', ')}`)
  if (shape.some((d) => !Number.isInteger(d) || d < 0)) {
    throw new ShapeError('tensor', `sizes must be whole numbers, got ${formatShape(shape)}`)
  }
  const t = empty(shape, dtype)
  write(t.raw)
  if (requiresGrad) t.requiresGrad = true
  activeTracer()?.made(t)
  return t
}

/** The shape of nested arrays. Throws ShapeError when they are ragged. */
function shapeOf(data: NestedArray): number[] {
  const shape: number[] = []
  for (let x = data; typeof x !== 'number'; x = x[0]) {
    shape.push(x.length)
    if (x.length === 0) break
  }
  return shape
}

function flatten(data: NestedArray, shape: Shape, dim: number, out: TypedArray, at: number): number {
  if (typeof data === 'number') {
    if (dim !== shape.length)
      throw new ShapeError('tensor', `a number stands where a row of ${shape[dim]} was expected`)
    out[at] = data
    return at + 1
  }
  if (!Array.isArray(data))
    throw new DTypeError('tensor', `expected numbers and arrays of numbers, found ${typeof data}`)
  if (dim >= shape.length) throw new ShapeError('tensor', 'a row stands where a number was expected')
  if (data.length !== shape[dim]) {
    throw new ShapeError('tensor', `rows differ in length at dim ${dim}: ${shape[dim]} and ${data.length}`)
  }
  for (const x of data) at = flatten(x, shape, dim + 1, out, at)
  return at
}

/**
 * A tensor of the numbers in nested arrays, or of a copy of a typed array (with `shape`, else flat).
 * Throws ShapeError when rows differ in length or the shape does not fit.
 */
export function tensor(
  data: NestedArray | TypedArray,
  options: CreateOptions & { shape?: Shape } = {},
): Tensor {
  if (ArrayBuffer.isView(data)) {
    const dtype = data instanceof Int32Array ? 'int32' : data instanceof Float64Array ? 'float64' : 'float32'
    const shape = inferShape('tensor', [data.length], options.shape ?? [data.length])
    return make(shape, { dtype, ...options }, (out) => out.set(data))
  }
  const shape = shapeOf(data)
  const wanted = options.shape ? inferShape('tensor', shape, options.shape) : shape
  return make(wanted, options, (out) => void flatten(data, shape, 0, out, 0))
}

export function full(shape: Shape, value: number, options: CreateOptions = {}): Tensor {
  return make(shape, options, (out) => kernelsFor(options.dtype ?? 'float32').fill(out, value))
}

export function zeros(shape: Shape, options: CreateOptions = {}): Tensor {
  return full(shape, 0, options)
}

export function ones(shape: Shape, options: CreateOptions = {}): Tensor {
  return full(shape, 1, options)
}

/** start, start + step, ... below end. arange(n) counts from 0. */
export function arange(start: number, end?: number, step = 1, options: CreateOptions = {}): Tensor {
  const [from, to] = end === undefined ? [0, start] : [start, end]
  if (!(step !== 0 && Number.isFinite(step)))
    throw new RangeError(`arange: step must be a number other than 0, got ${step}`)
  const n = Math.max(0, Math.ceil((to - from) / step))
  return make([n], options, (out) => {
    for (let i = 0; i < n; i++) out[i] = from + i * step
  })
}

function random(
  shape: Shape,
  options: CreateOptions & { key?: Key },
  draw: (key: Key, i: number) => number,
): Tensor {
  const { key = nextKey(), ...rest } = options
  if (rest.dtype === 'int32')
    throw new DTypeError('random', 'random numbers are floats', "Leave dtype out or use 'float64'")
  return make(shape, rest, (out) => {
    for (let i = 0, n = numel(shape); i < n; i++) out[i] = draw(key, i)
  })
}

/** Standard normal. Element i is a function of the key and i; the key is the next of the current random scope. */
export function randn(shape: Shape, options: CreateOptions & { key?: Key } = {}): Tensor {
  return random(shape, options, normalAt)
}

/** Uniform on [0, 1). Keys as for randn. */
export function rand(shape: Shape, options: CreateOptions & { key?: Key } = {}): Tensor {
  // 24 bits: what a float32 below 1 holds.
  return random(shape, options, (key, i) => Math.floor(uniformAt(key, i) * 16777216) / 16777216)
}

/** A number as a tensor that fits `like` in an op. Throws DTypeError where that is int32 and the number is not. */
export function constant(x: Tensor | number, like: Tensor): Tensor {
  if (typeof x !== 'number') return x
  if (like.dtype === 'int32' && x !== (x | 0))
    throw new DTypeError(
      'int32 operand',
      `${x} is no whole number that int32 holds`,
      "Convert the tensor with .to('float32')",
    )
  const t = empty([], like.dtype)
  t.raw[0] = x
  return t
}
