// Numbers out of what people have: nested arrays, typed arrays of any kind, Sets and generators. Nothing is rounded to a
// whole number, wrapped round or guessed at: what a dtype cannot hold is refused with its place.
import { ArgumentError, DTypeError, got, ShapeError } from '../errors.js'
import { MAX_RANK } from './check.js'
import type { DType, TypedArray } from './storage.js'

/** Any typed array. int32 takes those of whole numbers, as far as they fit. */
export type NumberArray =
  | TypedArray
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array

type Scalar = number | boolean | bigint

/** What tensor() takes. true is 1, false is 0. */
export type TensorData = Scalar | NumberArray | readonly TensorData[] | Iterable<Scalar>

/** Numbers in row-major order, and the dtype that they have where nobody says another. */
export interface Values {
  data: ArrayLike<number | bigint>
  shape: number[]
  dtype: DType
}

/** An iterator may have no end. What is longer than this belongs in a typed array. */
const LONGEST = 2 ** 22
/** Whole numbers below this are float32s, all of them. */
const FLOAT32_WHOLE = 2 ** 24

const isTyped = (x: unknown): x is NumberArray => ArrayBuffer.isView(x) && !(x instanceof DataView)

function dtypeOf(data: NumberArray): DType {
  if (data instanceof Float64Array) return 'float64'
  if (data instanceof Int32Array || data instanceof BigInt64Array || data instanceof BigUint64Array)
    return 'int32'
  return 'float32'
}

/** Walks nested rows once, so that what can be read once only is. */
class Reader {
  readonly shape: number[] = []
  readonly values: (number | bigint)[] = []
  /** Kinds of what was found: a number makes a float of it all. */
  readonly kinds = new Set<DType>()
  #rank = -1
  readonly #at: number[] = []

  #place(depth: number): string {
    return depth === 0
      ? ''
      : ` at ${this.#at
          .slice(0, depth)
          .map((i) => `[${i}]`)
          .join('')}`
  }

  /** All rows are of one depth. */
  #ends(depth: number): void {
    if (this.#rank < 0) this.#rank = depth
    if (depth >= this.#rank) return
    throw new ShapeError(
      'tensor',
      `rows differ in depth: a number${this.#place(depth)} stands where a row of ${this.shape[depth]} was expected`,
    )
  }

  read(x: unknown, depth: number): void {
    if (typeof x === 'number' || typeof x === 'boolean' || typeof x === 'bigint') {
      this.#ends(depth)
      this.kinds.add(typeof x === 'number' ? 'float32' : 'int32')
      this.values.push(typeof x === 'boolean' ? Number(x) : x)
      return
    }
    const rows = isTyped(x) ? null : this.#iterable(x, depth)
    if (depth === this.#rank)
      throw new ShapeError(
        'tensor',
        `rows differ in depth: a row${this.#place(depth)} stands where a number was expected`,
      )
    if (depth >= MAX_RANK)
      throw new ShapeError(
        'tensor',
        `rows are nested deeper than ${MAX_RANK}`,
        'Does an array contain itself?',
      )
    const n = rows === null ? this.#typed(x as NumberArray, depth) : this.#rows(rows, depth)
    if (n === 0) {
      this.#ends(depth + 1)
      if (depth + 1 < this.#rank)
        throw new ShapeError('tensor', `rows differ in length at dim ${depth}: ${this.shape[depth]} and 0`)
    }
    if (this.shape[depth] === undefined) this.shape[depth] = n
    else if (this.shape[depth] !== n) {
      throw new ShapeError(
        'tensor',
        `rows differ in length at dim ${depth}: ${this.shape[depth]} and ${n}${this.#place(depth)}`,
        'Pad the shorter ones',
      )
    }
  }

  #iterable(x: unknown, depth: number): Iterable<unknown> {
    if (Array.isArray(x)) return x
    if (typeof x === 'object' && x !== null) {
      if ('storage' in x && 'viewAs' in x) {
        const hint = depth === 0 ? 'Use clone(), or detach().clone()' : 'Join tensors with stack() or cat()'
        throw new ArgumentError('tensor', `${got(x)}${this.#place(depth)} is a tensor already`, hint)
      }
      if (typeof (x as Partial<Iterable<unknown>>)[Symbol.iterator] === 'function')
        return x as Iterable<unknown>
    }
    throw new DTypeError(
      'tensor',
      `expected numbers and rows of numbers, got ${got(x)}${this.#place(depth)}`,
      typeof x === 'string' ? 'Convert text with Number(), as in values.map(Number)' : undefined,
    )
  }

  #rows(rows: Iterable<unknown>, depth: number): number {
    const endless = !Array.isArray(rows)
    let n = 0
    for (const row of rows) {
      this.#at[depth] = n++
      if (endless && n > LONGEST)
        throw new ShapeError(
          'tensor',
          `more than ${LONGEST} values came out of ${got(rows)}`,
          'Use a typed array',
        )
      this.read(row, depth + 1)
    }
    return n
  }

  #typed(row: NumberArray, depth: number): number {
    if (row.length > 0) this.#ends(depth + 1)
    this.kinds.add(dtypeOf(row))
    for (let i = 0; i < row.length; i++) this.values.push(row[i])
    return row.length
  }
}

/** Numbers, their shape and dtype. Throws DTypeError on what is no number, ShapeError where rows differ. */
export function readValues(data: unknown): Values {
  if (isTyped(data)) return { data, shape: [data.length], dtype: dtypeOf(data) }
  const reader = new Reader()
  reader.read(data, 0)
  const { values, shape, kinds } = reader
  const dtype = kinds.has('float64')
    ? 'float64'
    : kinds.has('float32') || kinds.size === 0
      ? 'float32'
      : 'int32'
  return { data: values, shape, dtype }
}

/** Whether all that the array can hold, `out` can hold too. */
function always(from: ArrayLike<number | bigint>, out: TypedArray): boolean {
  if (from instanceof BigInt64Array || from instanceof BigUint64Array || Array.isArray(from)) return false
  if (!(out instanceof Int32Array)) return !(from instanceof Uint32Array)
  return (
    from instanceof Int32Array ||
    (isTyped(from) && from.BYTES_PER_ELEMENT < 4 && !/Float/.test(from.constructor.name))
  )
}

/** Throws RangeError unless x is a whole number of 32 bits. */
export function int32Arg(op: string, x: number | bigint, place: string): number {
  const n = Number(x)
  if ((n | 0) === n) return n
  throw new RangeError(
    `${op}: int32 cannot hold ${x}${place}. ${
      Number.isFinite(n) && Math.abs(n) < 2 ** 31
        ? 'Cut it off with Math.trunc(), or leave the dtype a float'
        : 'It holds whole numbers from -2147483648 to 2147483647'
    }`,
  )
}

/** Writes numbers into a tensor's elements. Throws RangeError for one that they cannot hold. */
export function writeValues(
  op: string,
  data: ArrayLike<number | bigint>,
  out: TypedArray,
  exact: boolean,
): void {
  if (always(data, out)) {
    out.set(data as ArrayLike<number>)
    return
  }
  const whole = out instanceof Int32Array
  for (let i = 0; i < data.length; i++) {
    const x = data[i]
    if (whole) out[i] = int32Arg(op, x, ` at place ${i}`)
    else {
      out[i] = Number(x)
      if (exact && Math.abs(Number(x)) > FLOAT32_WHOLE && out[i] !== Number(x))
        throw new RangeError(
          `${op}: float32 rounds ${x} at place ${i} to ${out[i]}. Say which dtype it is to have`,
        )
    }
  }
}
