// The element types of safetensors that are read: how wide each is, what it becomes, and which values are refused.
// Files are little-endian, as every platform that V8, JavaScriptCore and SpiderMonkey ship on; equal widths are copied.
import type { DType, TypedArray } from '../../tensor/storage.js'
import { halfToSingle } from './half.js'

export interface Format {
  /** Bytes an element in the file. */
  readonly width: number
  /** The dtype of the tensor it is read into. */
  readonly dtype: DType
  /** Fills `out` from the bytes at `at`. */
  readonly read: (view: DataView, at: number, out: TypedArray) => void
  /** Why the element at byte `at` cannot be read, or null. Absent where every bit pattern is a value. */
  readonly refuse?: (view: DataView, at: number) => string | null
}

/** The bytes of a typed array, in place. */
export function bytesOf(array: TypedArray): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
}

/** The bit patterns of float32 elements, in place. */
export function bitsOf(array: TypedArray): Uint32Array {
  return new Uint32Array(array.buffer, array.byteOffset, array.length)
}

function copy(view: DataView, at: number, out: TypedArray): void {
  bytesOf(out).set(new Uint8Array(view.buffer, view.byteOffset + at, out.byteLength))
}

function widen(toSingle: (bits: number) => number) {
  return (view: DataView, at: number, out: TypedArray) => {
    const bits = bitsOf(out)
    for (let i = 0; i < bits.length; i++) bits[i] = toSingle(view.getUint16(at + 2 * i, true))
  }
}

function readBytes(view: DataView, at: number, out: TypedArray): void {
  for (let i = 0; i < out.length; i++) out[i] = view.getUint8(at + i)
}

/** By the name in the file. A Map: a file may well call its dtype `constructor`. */
export const formats: ReadonlyMap<string, Format> = new Map<string, Format>([
  ['F32', { width: 4, dtype: 'float32', read: copy }],
  ['F16', { width: 2, dtype: 'float32', read: widen(halfToSingle) }],
  ['BF16', { width: 2, dtype: 'float32', read: widen((bits) => bits << 16) }],
  ['F64', { width: 8, dtype: 'float64', read: copy }],
  [
    'I64',
    {
      width: 8,
      dtype: 'int32',
      read: (view, at, out) => {
        for (let i = 0; i < out.length; i++) out[i] = view.getInt32(at + 8 * i, true)
      },
      refuse: (view, at) =>
        view.getInt32(at + 4, true) === view.getInt32(at, true) >> 31
          ? null
          : `${view.getBigInt64(at, true)} does not fit int32`,
    },
  ],
  ['I32', { width: 4, dtype: 'int32', read: copy }],
  [
    'I8',
    {
      width: 1,
      dtype: 'int32',
      read: (view, at, out) => {
        for (let i = 0; i < out.length; i++) out[i] = view.getInt8(at + i)
      },
    },
  ],
  ['U8', { width: 1, dtype: 'int32', read: readBytes }],
  [
    'BOOL',
    {
      width: 1,
      dtype: 'int32',
      read: readBytes,
      refuse: (view, at) => (view.getUint8(at) <= 1 ? null : `${view.getUint8(at)} is neither 0 nor 1`),
    },
  ],
])
