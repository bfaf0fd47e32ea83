// Arguments, checked in one place: what every public function asks before it computes. A wrong one is named with its
// function, what it was, and what to do; nothing is read or made before.
import { ArgumentError, BackendError, DTypeError, got, ShapeError } from '../errors.js'
import { formatShape, numel, type Shape } from './shape.js'
import { bytesPerElement, type DType, largestTensor } from './storage.js'
import { Tensor } from './tensor.js'

export const dtypes: readonly DType[] = ['float32', 'float64', 'int32']

/** The dims of the deepest tensor; a list in a list in a list ... that contains itself never ends. */
export const MAX_RANK = 32

/** What an option may be: a kind, or the list of its values. */
export type Kind =
  | 'any'
  | 'boolean'
  | 'dtype'
  | 'finite'
  | 'function'
  | 'key'
  | 'number'
  | 'shape'
  | 'tensor'
  | 'whole'
  | readonly string[]

/** Every option that a function takes, with its kind. */
export type Kinds<T> = { readonly [K in keyof T]-?: Kind }

function refuse(op: string, name: string, wanted: string, value: unknown, hint?: string): never {
  throw new ArgumentError(op, `${name} must be ${wanted}, got ${got(value)}`, hint)
}

/** Throws DTypeError. */
export function dtypeArg(op: string, value: unknown): DType {
  if (!dtypes.includes(value as DType)) {
    const what = typeof value === 'string' ? value : got(value)
    throw new DTypeError(op, `unknown dtype ${what}`, `Use one of ${dtypes.join(', ')}`)
  }
  return value as DType
}

export function tensorArg(op: string, name: string, value: unknown): Tensor {
  if (value instanceof Tensor) return value
  const hint =
    typeof value === 'object' && value !== null && 'storage' in value
      ? 'It comes from another copy of tinystill: load the package once'
      : 'Make one with tensor()'
  return refuse(op, name, 'a tensor', value, hint)
}

export function tensorsArg(op: string, name: string, value: unknown): readonly Tensor[] {
  if (!Array.isArray(value)) return refuse(op, name, 'a list of tensors', value, 'Write [a, b]')
  // Not forEach: it passes over holes.
  for (let i = 0; i < value.length; i++) tensorArg(op, `${name}[${i}]`, value[i])
  return value as Tensor[]
}

/** Tensors out of anything that gives them one by one. Each is looked at as it comes: not all that gives ends. */
export function tensorsFrom(op: string, name: string, value: unknown): Tensor[] {
  if (typeof value !== 'object' || value === null || !(Symbol.iterator in value))
    return refuse(op, name, 'a list of tensors', value)
  const tensors: Tensor[] = []
  for (const t of value as Iterable<unknown>) tensors.push(tensorArg(op, `${name}[${tensors.length}]`, t))
  return tensors
}

/** A number that is not NaN. */
export function numberArg(op: string, name: string, value: unknown): number {
  if (typeof value !== 'number') return refuse(op, name, 'a number', value)
  if (Number.isNaN(value)) throw new RangeError(`${op}: ${name} must be a number, got NaN`)
  return value
}

export function finiteArg(op: string, name: string, value: unknown): number {
  const x = numberArg(op, name, value)
  if (!Number.isFinite(x)) throw new RangeError(`${op}: ${name} must be finite, got ${x}`)
  return x
}

/** A whole number in [lo, hi]. */
export function wholeArg(
  op: string,
  name: string,
  value: unknown,
  lo = Number.MIN_SAFE_INTEGER,
  hi = Number.MAX_SAFE_INTEGER,
): number {
  if (typeof value !== 'number') return refuse(op, name, 'a whole number', value)
  if (!Number.isInteger(value) || value < lo || value > hi) {
    const above = lo === Number.MIN_SAFE_INTEGER ? '' : ` from ${lo}`
    const below = hi === Number.MAX_SAFE_INTEGER ? '' : ` to ${hi}`
    throw new RangeError(`${op}: ${name} must be a whole number${above}${below}, got ${value}`)
  }
  return value
}

/** A number as a value: NaN is one too. */
export function scalarArg(op: string, name: string, value: unknown): number {
  return typeof value === 'number' ? value : refuse(op, name, 'a number', value)
}

/** One whole number, or several in a list. Their range is for the op to check. */
export function wholesArg(op: string, name: string, value: unknown): readonly number[] {
  if (typeof value === 'number') return [wholeArg(op, name, value)]
  if (!Array.isArray(value)) return refuse(op, name, 'a whole number or a list of them', value)
  for (const n of value) wholeArg(op, name, n)
  return value as number[]
}

export function functionArg<T>(op: string, name: string, value: T): T {
  return typeof value === 'function' ? value : refuse(op, name, 'a function', value)
}

/** The sizes in a list. Throws ShapeError unless they are whole numbers from `least`. */
export function shapeArg(op: string, value: unknown, least: 0 | -1 = 0): Shape {
  const list = Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView))
  if (!list)
    throw new ArgumentError(op, `the shape must be a list of sizes, got ${got(value)}`, 'Write [2, 3]')
  const shape = Array.from(value as ArrayLike<unknown>)
  const odd = shape.findIndex((n) => typeof n !== 'number')
  if (odd >= 0) throw new ArgumentError(op, `sizes must be whole numbers, got ${got(shape[odd])}`)
  for (const n of shape as number[]) {
    if (!Number.isInteger(n) || n < least)
      throw new ShapeError(op, `sizes must be whole numbers, got ${formatShape(shape as number[])}`)
  }
  if (shape.length > MAX_RANK)
    throw new ShapeError(op, `a tensor has at most ${MAX_RANK} dims, got ${shape.length}`)
  return shape as number[]
}

/** Sizes as PyTorch takes them: (2, 3) or ([2, 3]). */
export type Sizes = [shape: Shape] | number[]

/** What is meant by Sizes. -1 and such are left to the op. */
export function sizesArg(op: string, args: readonly unknown[], least: 0 | -1 = -1): Shape {
  if (args.length === 0)
    throw new ArgumentError(op, 'sizes are missing', `Write ${op}(2, 3) or ${op}([2, 3])`)
  return shapeArg(
    op,
    args.length === 1 && typeof args[0] === 'object' && args[0] !== null ? args[0] : args,
    least,
  )
}

/** Numbers that name dims: (1, 0) or ([1, 0]). Their range is for the op to check. */
export function dimsArg(op: string, args: readonly unknown[]): readonly number[] {
  const dims = args.length === 1 && Array.isArray(args[0]) ? args[0] : args
  for (const d of dims) wholeArg(op, 'a dim', d)
  return dims as number[]
}

/** Sizes, then options: zeros(2, 3), zeros([2, 3]), zeros(2, 3, { dtype }). */
export type SizesAnd<O> = [shape: Shape, options?: O] | number[] | [...sizes: number[], options: O]

export function sizesAndOptions<O>(
  op: string,
  args: readonly unknown[],
): [shape: Shape, options: O | undefined] {
  const last = args[args.length - 1]
  const isOptions =
    typeof last === 'object' && last !== null && !Array.isArray(last) && !ArrayBuffer.isView(last)
  if (isOptions || (args.length > 1 && last === undefined))
    return [sizesArg(op, args.slice(0, -1), 0), last as O | undefined]
  return [sizesArg(op, args, 0), undefined]
}

function checkKind(op: string, name: string, value: unknown, kind: Kind): void {
  switch (kind) {
    case 'any':
      return
    case 'boolean':
      if (typeof value !== 'boolean') refuse(op, name, 'true or false', value)
      return
    case 'dtype':
      dtypeArg(op, value)
      return
    case 'finite':
      finiteArg(op, name, value)
      return
    case 'function':
      functionArg(op, name, value)
      return
    case 'key':
      if (!Array.isArray(value) || value.length !== 2 || !value.every(Number.isInteger))
        refuse(op, name, 'two whole numbers', value)
      return
    case 'number':
      numberArg(op, name, value)
      return
    case 'shape':
      shapeArg(op, value, -1)
      return
    case 'tensor':
      tensorArg(op, name, value)
      return
    case 'whole':
      wholeArg(op, name, value)
      return
    default:
      if (typeof value !== 'string' || !kind.includes(value))
        throw new RangeError(`${op}: ${name} must be one of ${kind.join(', ')}, got ${got(value)}`)
  }
}

/**
 * The options given, once each is known and of its kind. A name that the function does not have is refused: an option
 * misspelled would otherwise be one that is silently left out.
 */
export function optionsArg<T extends object>(op: string, given: T | undefined, kinds: Kinds<T>): Partial<T> {
  if (given === undefined) return {}
  if (typeof given !== 'object' || given === null || !mayHoldOptions(given)) {
    const names = Object.keys(kinds).join(', ')
    return refuse(op, 'options', `an object with any of { ${names} }`, given)
  }
  for (const name of Object.keys(given) as (keyof T & string)[]) {
    const value: unknown = given[name]
    const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined
    if (kind === undefined) {
      const names = Object.keys(kinds).join(', ')
      throw new ArgumentError(op, `there is no option ${name}`, `The options are ${names}`)
    }
    if (value !== undefined) checkKind(op, name, value, kind)
  }
  return given
}

/** A plain object, or one of a class with properties of its own: a Map, a Date or a list has none that an option could be. */
function mayHoldOptions(given: object): boolean {
  if (Array.isArray(given) || given instanceof Tensor) return false
  const proto: unknown = Object.getPrototypeOf(given)
  // Object.prototype of any realm: nothing lies above it.
  return proto === null || Object.getPrototypeOf(proto) === null || Object.keys(given).length > 0
}

/** Throws BackendError for a tensor that no memory here could hold, before any of it is asked for. */
export function fitsMemory(op: string, shape: Shape, dtype: DType): void {
  const bytes = numel(shape) * bytesPerElement[dtype]
  if (bytes <= largestTensor()) return
  const mb = (n: number) => `${Math.ceil(n / 1e6)} MB`
  throw new BackendError(
    `${op}: out of memory: a tensor ${formatShape(shape)} of ${dtype} takes ${mb(bytes)}, one may have ${mb(largestTensor())}`,
    'Use smaller sizes, or work in parts',
  )
}
