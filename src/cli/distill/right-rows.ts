// What each row of the judged set adds to a figure, small enough for run.json and checkpoints: whether it is right, a bit each,
// both sides of a quotient, as F1 over the entities of all sentences is one, or a number.
import type { RowShares } from '../../train/tagging/tasks.js'

export interface BitRows {
  rows: number
  /** Base64 of bytes; row r is bit r % 8 of byte r / 8. */
  bits: string
}

export interface ShareRows {
  rows: number
  /** Base64 of int32, little-endian: both sides of row 0, then of row 1. */
  shares: string
}

export interface NumberRows {
  rows: number
  /** Base64 of float32, little-endian. */
  numbers: string
}

export type RightRows = BitRows | ShareRows | NumberRows

/** right: 1 or 0 for each row. */
export function packRows(right: Uint8Array): BitRows {
  const bytes = new Uint8Array(Math.ceil(right.length / 8))
  right.forEach((bit, r) => {
    bytes[r >> 3] |= bit << (r & 7)
  })
  return { rows: right.length, bits: Buffer.from(bytes).toString('base64') }
}

export function packShares({ over, of }: RowShares): ShareRows {
  const bytes = Buffer.alloc(8 * over.length)
  over.forEach((n, r) => {
    bytes.writeInt32LE(n, 8 * r)
    bytes.writeInt32LE(of[r], 8 * r + 4)
  })
  return { rows: over.length, shares: bytes.toString('base64') }
}

/** Numbers whose mean is the figure. */
export function packNumbers(numbers: Float64Array): NumberRows {
  const bytes = Buffer.alloc(4 * numbers.length)
  numbers.forEach((x, r) => {
    bytes.writeFloatLE(x, 4 * r)
  })
  return { rows: numbers.length, numbers: bytes.toString('base64') }
}

const textOf = (packed: RightRows) =>
  'shares' in packed ? packed.shares : 'numbers' in packed ? packed.numbers : packed.bits

/**
 * A number a row, whose mean is the figure: 1 or 0, or where the figure is a quotient of sums F its linear part F + (over - F of) /
 * mean(of), by which its chance is that of a mean (ratio estimators: Cochran 1977, section 6.3). null for what was not packed here:
 * a checkpoint can be of an older version, or broken.
 */
export function unpackRows(packed: RightRows | undefined): Uint8Array | Float64Array | null {
  if (!packed || !Number.isSafeInteger(packed.rows) || packed.rows < 1) return null
  const { rows } = packed
  const text = textOf(packed)
  if (typeof text !== 'string') return null
  const bytes = Buffer.from(text, 'base64')
  if ('shares' in packed) return bytes.length === 8 * rows ? linear(bytes, rows) : null
  if ('numbers' in packed)
    return bytes.length === 4 * rows
      ? Float64Array.from({ length: rows }, (_, r) => bytes.readFloatLE(4 * r))
      : null
  if (bytes.length !== Math.ceil(rows / 8)) return null
  return Uint8Array.from({ length: rows }, (_, r) => (bytes[r >> 3] >> (r & 7)) & 1)
}

function linear(bytes: Buffer, rows: number): Float64Array | null {
  const column = (at: number) => Float64Array.from({ length: rows }, (_, r) => bytes.readInt32LE(8 * r + at))
  const [over, of] = [column(0), column(4)]
  const [sum, all] = [over, of].map((own) => own.reduce((a, b) => a + b, 0))
  if (!(all > 0)) return null
  const figure = sum / all
  return over.map((n, r) => figure + ((n - figure * of[r]) * rows) / all)
}
