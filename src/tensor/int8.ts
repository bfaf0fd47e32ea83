// Weights as whole numbers of 8 bits, packed for the kernels once. Symmetric: a row w of a matrix [out, in] is scale * q,
// scale = max|w| / most.
import { ArgumentError, got } from '../errors.js'

/** 7: -64 to 64, the faster product. 8: -127 to 127. */
export type Int8Bits = 7 | 8

export const int8Bits: readonly Int8Bits[] = [7, 8]

/** Throws RangeError for what is none of them. */
export function bitsArg(who: string, bits: unknown): Int8Bits {
  const found = int8Bits.find((b) => b === bits)
  if (found === undefined)
    throw new RangeError(`${who}: bits must be ${int8Bits.join(' or ')}, got ${got(bits)}`)
  return found
}

/** The largest number of each. 64 is one more than 7 bits hold, and what fits beside activations of 0 to 127. */
export const int8Most: Record<Int8Bits, number> = { 7: 64, 8: 127 }

/** A range of inputs that is known before they come: a scale and a zero point for all rows. */
export interface Int8Input {
  scale: number
  zero: number
}

/** Of the numbers from lo to hi, and 0: 7 bits. Throws RangeError for what is not finite or runs backwards. */
export function int8Input(who: string, lo: number, hi: number): Int8Input {
  if (!(Number.isFinite(lo) && Number.isFinite(hi) && lo <= hi))
    throw new RangeError(`${who}: a range must be finite and not run backwards, got ${got(lo)} to ${got(hi)}`)
  const [low, high] = [Math.min(0, Math.fround(lo)), Math.max(0, Math.fround(hi))]
  const scale = Math.fround(Math.fround(high - low) / 127)
  if (!(scale >= SMALLEST && scale < Infinity)) return { scale: 1, zero: 0 }
  return { scale, zero: roundEven(Math.fround(-low / scale)) }
}

/** Columns (rows of the weight) that a panel holds. */
export const INT8_PANEL = 16

/** Below this a range counts as 0: 1 / scale would overflow. */
const SMALLEST = 2 ** -120

/** Up to so many inputs the sums of a product are exact in int32: 2^17 * 127 * 127 < 2^31. */
export const INT8_INPUTS = 2 ** 17

/** Where number j of row c lies, in bytes: panels [out / 16][in / 8][2][16][4]. */
export function int8Layout(k: number): (c: number, j: number) => number {
  const panel = Math.ceil(k / 8) * 8 * INT8_PANEL
  return (c, j) =>
    Math.floor(c / INT8_PANEL) * panel + (j >> 2) * 4 * INT8_PANEL + (c % INT8_PANEL) * 4 + (j & 3)
}

/** Bytes of a packed matrix. */
export const int8Bytes = (n: number, k: number): number =>
  Math.ceil(n / INT8_PANEL) * INT8_PANEL * Math.ceil(k / 8) * 8

/** Bytes of a table's row, which ends on a whole word. */
export const int8Stride = (width: number): number => Math.ceil(width / 4) * 4

/** Halves to even, as in every format that quantizes. */
export function roundEven(x: number): number {
  const whole = Math.round(x)
  return whole - x === 0.5 && whole % 2 !== 0 ? whole - 1 : whole
}

/** A row of n floats from `at` to whole numbers in `out`; gives its scale. Throws ArgumentError for what is not finite. */
export function int8Row(
  who: string,
  x: ArrayLike<number>,
  at: number,
  n: number,
  most: number,
  out: Int8Array,
): number {
  let largest = 0
  for (let i = at; i < at + n; i++) {
    const size = Math.abs(x[i])
    if (!(size < Infinity))
      throw new ArgumentError(who, `a weight is ${x[i]}`, 'Quantize a model whose weights are finite')
    if (size > largest) largest = size
  }
  const scale = Math.fround(largest / most)
  // Of a row of zeros, and of one whose scale float32 does not hold.
  if (scale === 0) {
    out.fill(0, 0, n)
    return 1
  }
  for (let i = 0; i < n; i++)
    out[i] = Math.max(-most, Math.min(most, roundEven(Math.fround(x[at + i] / scale))))
  return scale
}
