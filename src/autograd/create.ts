// New tensors: from numbers, constant, counting, and of random numbers.
import { ArgumentError, DTypeError, got } from '../errors.js'
import { kernelsFor } from '../tensor/backend.js'
import {
  dtypeArg,
  finiteArg,
  fitsMemory,
  type Kinds,
  optionsArg,
  type SizesAnd,
  shapeArg,
  sizesAndOptions,
  tensorArg,
  wholeArg,
} from '../tensor/check.js'
import { type Key, normalAt, uniformAt } from '../tensor/rng.js'
import { inferShape, numel, type Shape } from '../tensor/shape.js'
import type { DType, TypedArray } from '../tensor/storage.js'
import { empty, Tensor } from '../tensor/tensor.js'
import { int32Arg, readValues, type TensorData, writeValues } from '../tensor/values.js'
import { nextKey } from './random.js'
import { activeTracer } from './trace.js'

export interface CreateOptions {
  /** Default: float32; tensor() takes it from what it is given. */
  dtype?: DType
  requiresGrad?: boolean
}

export const createOptions: Kinds<CreateOptions> = { dtype: 'dtype', requiresGrad: 'boolean' }

/** A new tensor once its sizes fit the memory; `write` sets all elements. Checked options, and sizes from 0. */
export function make(
  op: string,
  shape: Shape,
  { dtype = 'float32', requiresGrad = false }: CreateOptions,
  write: (out: TypedArray) => void,
): Tensor {
  dtypeArg(op, dtype)
  fitsMemory(op, shape, dtype)
  const t = empty(shape, dtype)
  write(t.raw)
  if (requiresGrad) t.requiresGrad = true
  activeTracer()?.made(t)
  return t
}

const tensorOptions: Kinds<CreateOptions & { shape?: Shape }> = { ...createOptions, shape: 'shape' }

/**
 * A tensor of the numbers in nested arrays, in what can be iterated, or of a copy of a typed array; with `shape` of those
 * sizes, of which one may be -1. Numbers are float32 unless dtype says otherwise, true and false int32 1 and 0; a
 * Float64Array stays float64, an Int32Array and bigints int32. Throws ShapeError when rows differ in length or the shape
 * does not fit, DTypeError on what is no number, RangeError on a number that the dtype cannot hold.
 */
export function tensor(data: TensorData, options: CreateOptions & { shape?: Shape } = {}): Tensor {
  const { shape: wanted, ...rest } = optionsArg('tensor', options, tensorOptions)
  const values = readValues(data)
  const shape = wanted === undefined ? values.shape : inferShape('tensor', values.shape, wanted)
  return make('tensor', shape, { dtype: values.dtype, ...rest }, (out) =>
    writeValues('tensor', values.data, out, rest.dtype === undefined && ArrayBuffer.isView(data)),
  )
}

function filled(op: string, shape: Shape, value: number, options: CreateOptions = {}): Tensor {
  const { dtype = 'float32', ...rest } = optionsArg(op, options, createOptions)
  if (dtype === 'int32') int32Arg(op, value, '')
  return make(op, shape, { dtype, ...rest }, (out) => kernelsFor(dtype).fill(out, value))
}

/** NaN and the infinities are values like others here. */
function valueArg(op: string, value: unknown): number {
  if (typeof value === 'number') return value
  throw new ArgumentError(op, `the value must be a number, got ${got(value)}`, `Write ${op}([2, 3], 1)`)
}

/** A tensor of one value: full([2, 3], 7). Throws ShapeError, RangeError where int32 cannot hold the value. */
export function full(shape: Shape, value: number, options: CreateOptions = {}): Tensor {
  return filled('full', shapeArg('full', shape), valueArg('full', value), options)
}

/** zeros(2, 3) or zeros([2, 3]); options last. Throws ShapeError. */
export function zeros(...args: SizesAnd<CreateOptions>): Tensor {
  const [shape, options] = sizesAndOptions<CreateOptions>('zeros', args)
  return filled('zeros', shape, 0, options)
}

/** ones(2, 3) or ones([2, 3]); options last. Throws ShapeError. */
export function ones(...args: SizesAnd<CreateOptions>): Tensor {
  const [shape, options] = sizesAndOptions<CreateOptions>('ones', args)
  return filled('ones', shape, 1, options)
}

/** x's shape, and its dtype unless the options name another: for zerosLike and its like. */
export function like<O extends CreateOptions>(op: string, x: Tensor, options: O | undefined): [Shape, O] {
  const { shape, dtype } = tensorArg(op, 'the input', x)
  if (options !== undefined && (typeof options !== 'object' || options === null))
    throw new ArgumentError(op, `options must be an object, got ${got(options)}`)
  return [shape, options?.dtype === undefined ? ({ ...options, dtype } as O) : options]
}

/** Zeros of x's shape and dtype. */
export function zerosLike(x: Tensor, options?: CreateOptions): Tensor {
  const [shape, own] = like('zerosLike', x, options)
  return filled('zerosLike', shape, 0, own)
}

/** Ones of x's shape and dtype. */
export function onesLike(x: Tensor, options?: CreateOptions): Tensor {
  const [shape, own] = like('onesLike', x, options)
  return filled('onesLike', shape, 1, own)
}

/** One value in x's shape and dtype. */
export function fullLike(x: Tensor, value: number, options?: CreateOptions): Tensor {
  const [shape, own] = like('fullLike', x, options)
  return filled('fullLike', shape, valueArg('fullLike', value), own)
}

/** [n, m] with ones on the diagonal; m is n unless given. */
export function eye(n: number, m?: number | CreateOptions, options?: CreateOptions): Tensor {
  const [columns, own] = typeof m === 'object' && m !== null ? [undefined, m] : [m, options]
  const shape = [wholeArg('eye', 'n', n, 0), wholeArg('eye', 'm', columns ?? n, 0)]
  return make('eye', shape, optionsArg('eye', own, createOptions), (out) => {
    out.fill(0)
    for (let i = 0; i < Math.min(...shape); i++) out[i * shape[1] + i] = 1
  })
}

type Counted = number | undefined | CreateOptions

/**
 * start, start + step, ... below end; arange(n) counts from 0. ceil((end - start) / step) elements, so that with a step
 * such as 0.1 rounding may let `end` itself in: use linspace() there. Throws RangeError where the step leads away from the
 * end, as PyTorch does.
 */
export function arange(end: number, options?: CreateOptions): Tensor
export function arange(start: number, end: number | undefined, options?: CreateOptions): Tensor
export function arange(start: number, end: number | undefined, step: number, options?: CreateOptions): Tensor
export function arange(first: number, ...args: Counted[]): Tensor {
  const last = args[args.length - 1]
  const isOptions = typeof last === 'object' && last !== null
  const options = optionsArg('arange', isOptions ? (last as CreateOptions) : undefined, createOptions)
  const [second, third = 1, more] = isOptions ? args.slice(0, -1) : args
  if (more !== undefined) throw new ArgumentError('arange', `options must be an object, got ${got(more)}`)
  const [start, end] = second === undefined ? [0, first] : [first, second]
  const from = finiteArg('arange', 'start', start)
  const to = finiteArg('arange', 'end', end)
  const step = finiteArg('arange', 'step', third)
  if (step === 0) throw new RangeError('arange: step must not be 0')
  if ((to - from) / step < 0)
    throw new RangeError(`arange: a step of ${step} leads from ${from} away from ${to}. Turn its sign`)
  const n = Math.ceil((to - from) / step)
  return make('arange', [n], options, (out) => {
    const whole = options.dtype === 'int32'
    for (let i = 0; i < n; i++) {
      const x = from + i * step
      out[i] = whole ? int32Arg('arange', x, ` at place ${i}`) : x
    }
  })
}

/** `steps` numbers from start to end, both included, at equal distances. */
export function linspace(start: number, end: number, steps: number, options?: CreateOptions): Tensor {
  const from = finiteArg('linspace', 'start', start)
  const to = finiteArg('linspace', 'end', end)
  const n = wholeArg('linspace', 'steps', steps, 0)
  const own = optionsArg('linspace', options, createOptions)
  const step = n > 1 ? (to - from) / (n - 1) : 0
  return make('linspace', [n], own, (out) => {
    const whole = own.dtype === 'int32'
    for (let i = 0; i < n; i++) {
      // From the nearer end, so that both ends are exact and the middle is symmetric.
      const x = i < n / 2 ? from + step * i : to - step * (n - 1 - i)
      out[i] = whole ? int32Arg('linspace', x, ` at place ${i}`) : x
    }
  })
}

export interface RandomOptions extends CreateOptions {
  key?: Key
}

export const randomOptions: Kinds<RandomOptions> = { ...createOptions, key: 'key' }

function random(
  op: string,
  shape: Shape,
  options: RandomOptions | undefined,
  draw: (key: Key, i: number) => number,
): Tensor {
  const { key, ...rest } = optionsArg(op, options, randomOptions)
  if (rest.dtype === 'int32')
    throw new DTypeError(op, 'these random numbers are floats', 'Leave dtype out, or use randint() for int32')
  return make(op, shape, rest, (out) => {
    const own = key ?? nextKey()
    for (let i = 0, n = numel(shape); i < n; i++) out[i] = draw(own, i)
  })
}

// 24 bits: what a float32 below 1 holds.
const uniform = (key: Key, i: number) => Math.floor(uniformAt(key, i) * 16777216) / 16777216

/** Standard normal; element i is a function of the key and i, the key the next of the current random scope: randn(2, 3) or randn([2, 3]); options last. */
export function randn(...args: SizesAnd<RandomOptions>): Tensor {
  return random('randn', ...sizesAndOptions<RandomOptions>('randn', args), normalAt)
}

/** Uniform on [0, 1): rand(2, 3) or rand([2, 3]); options last. */
export function rand(...args: SizesAnd<RandomOptions>): Tensor {
  return random('rand', ...sizesAndOptions<RandomOptions>('rand', args), uniform)
}

/** Standard normal, of x's shape and dtype. */
export function randnLike(x: Tensor, options?: RandomOptions): Tensor {
  return random('randnLike', ...like('randnLike', x, options), normalAt)
}

/** Uniform on [0, 1), of x's shape and dtype. */
export function randLike(x: Tensor, options?: RandomOptions): Tensor {
  return random('randLike', ...like('randLike', x, options), uniform)
}

/**
 * A number as a tensor that fits `like` in an op. Throws DTypeError where that is int32 and the number is not. What is neither
 * number nor tensor is left for the op to refuse.
 */
export function constant(x: Tensor | number, like: Tensor): Tensor {
  if (typeof x !== 'number' || !(like instanceof Tensor)) return x as Tensor
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
