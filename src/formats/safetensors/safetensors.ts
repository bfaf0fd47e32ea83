// safetensors: https://github.com/huggingface/safetensors, read with every claim of the file checked first,
// written byte for byte as the official library does. Bytes in, bytes out; files.ts does the disk.
import { CheckpointError } from '../../errors.js'
import { numel, type Shape } from '../../tensor/shape.js'
import type { DType, TypedArray } from '../../tensor/storage.js'
import { empty, type Tensor } from '../../tensor/tensor.js'
import { isEncodable, shown } from '../json.js'
import { bitsOf, bytesOf, formats } from './dtypes.js'
import { singleToHalf } from './half.js'
import { type Entry, METADATA, readHeader } from './header.js'

export interface SafetensorsContent {
  /** In the order of the file. */
  tensors: Map<string, Tensor>
  metadata: Map<string, string>
}

export interface ReadSafetensorsOptions {
  /** The name that errors give; default `safetensors`. */
  file?: string
  /** The longest header taken; default 16 MiB, room for 100,000 tensors. */
  maxHeaderBytes?: number
}

export interface WriteSafetensorsOptions {
  metadata?: Iterable<readonly [string, string]>
  /** How float32 is stored; default F32. F16 rounds to nearest even; from 65,520 on values become infinite. */
  dtype?: 'F32' | 'F16'
}

/**
 * The tensors in a file's bytes: F32, F16 and BF16 as float32, F64 as float64, I32, U8, BOOL and I64 (where every
 * value fits) as int32. Throws a CheckpointError naming file, tensor and reason before it allocates anything.
 */
export function readSafetensors(bytes: Uint8Array, options: ReadSafetensorsOptions = {}): SafetensorsContent {
  const { file = 'safetensors', maxHeaderBytes = 2 ** 24 } = options
  const { entries, metadata, dataStart } = readHeader(
    { size: bytes.length, read: (n) => bytes.subarray(0, n) },
    file,
    maxHeaderBytes,
  )
  const data = new DataView(bytes.buffer, bytes.byteOffset + dataStart, bytes.length - dataStart)
  for (const entry of entries) {
    const { begin, end, format } = entry
    checkValues(entry, data, begin, (end - begin) / format.width, 0, file)
  }
  const tensors = new Map<string, Tensor>()
  for (const { name, format, shape, begin } of entries) {
    const t = empty(shape, format.dtype)
    format.read(data, begin, t.elements)
    tensors.set(name, t)
  }
  return { tensors, metadata }
}

/** Throws for the first of the elements from byte `at` on, numbered from `first`, that cannot be read. */
export function checkValues(
  { name, format }: Entry,
  view: DataView,
  at: number,
  count: number,
  first: number,
  file: string,
): void {
  if (format.refuse === undefined) return
  for (let i = 0; i < count; i++) {
    const reason = format.refuse(view, at + i * format.width)
    if (reason === null) continue
    const place = `element ${first + i}`
    throw new CheckpointError(file, `tensor ${shown(name)}: ${place}, ${reason}`, 'Save it as F32 or I32')
  }
}

/** The official order of element types, largest alignment first; what is equal here is sorted by name. */
const ORDER = ['F64', 'F32', 'I32', 'F16', 'I8']
const codes: Record<DType, string> = { float64: 'F64', float32: 'F32', int32: 'I32' }

/** Bytes of a tensor that are copied at a time; a multiple of every element's width. */
const PIECE = 2 ** 20

/** A matrix [rows, columns] of whole numbers of 8 bits, which is stored as I8. */
export interface ByteMatrix {
  shape: Shape
  /** `count` rows from row `first` on. */
  numbers(first: number, count: number): Int8Array
}

/**
 * The bytes of a safetensors file, at most 1 MiB of them at a time beside the header. float32 is stored as F32 or, if asked
 * for, F16; float64 as F64, int32 as I32. Metadata keep their order. Throws CheckpointError, before the first piece, for a
 * name given twice, `__metadata__` and half surrogate pairs.
 */
export function safetensorsPieces(
  tensors: Iterable<readonly [string, Tensor | ByteMatrix]>,
  { metadata = [], dtype = 'F32' }: WriteSafetensorsOptions = {},
): { size: number; pieces: Iterable<Uint8Array> } {
  const parts = Array.from(tensors, ([name, t]) => {
    if (name === METADATA) throw new CheckpointError('safetensors', `no tensor can be called ${METADATA}`)
    const code = 'numbers' in t ? 'I8' : t.dtype === 'float32' ? dtype : codes[t.dtype]
    return { name, tensor: t, code }
  })
  parts.sort((a, b) => ORDER.indexOf(a.code) - ORDER.indexOf(b.code) || compareNames(a.name, b.name))

  const texts = fields(metadata, quote)
  let size = 0
  const places = fields(
    parts.map((part) => [part.name, part] as const),
    ({ tensor, code }) => {
      const begin = size
      size += numel(tensor.shape) * formats.get(code)!.width
      return `{"dtype":"${code}","shape":[${tensor.shape.join(',')}],"data_offsets":[${begin},${size}]}`
    },
  )
  if (texts.length > 0) places.unshift(`${quote(METADATA)}:{${texts.join(',')}}`)
  const header = new TextEncoder().encode(`{${places.join(',')}}`)
  const dataStart = 8 + Math.ceil(header.length / 8) * 8
  const head = new Uint8Array(dataStart).fill(0x20)
  new DataView(head.buffer).setBigUint64(0, BigInt(dataStart - 8), true)
  head.set(header, 8)
  return { size: dataStart + size, pieces: piecesOf(head, parts) }
}

function* piecesOf(
  head: Uint8Array,
  parts: readonly { tensor: Tensor | ByteMatrix; code: string }[],
): Generator<Uint8Array> {
  yield head
  for (const { tensor, code } of parts) {
    if ('numbers' in tensor) {
      yield* rowsOf(tensor)
      continue
    }
    const data = tensor.elements
    const count = PIECE / data.BYTES_PER_ELEMENT
    for (let from = 0; from < data.length; from += count) {
      const part = data.subarray(from, from + count)
      // A copy: what is on shared memory is not taken by every consumer of bytes.
      yield code === 'F16' ? halves(part) : bytesOf(part).slice()
    }
  }
}

function* rowsOf(matrix: ByteMatrix): Generator<Uint8Array> {
  const [rows, columns] = matrix.shape
  const step = Math.max(1, Math.floor(PIECE / Math.max(1, columns)))
  for (let first = 0; first < rows; first += step) {
    const { buffer, byteOffset, byteLength } = matrix.numbers(first, Math.min(step, rows - first))
    yield new Uint8Array(buffer, byteOffset, byteLength)
  }
}

function halves(data: TypedArray): Uint8Array {
  const bits = bitsOf(data)
  const out = new DataView(new ArrayBuffer(2 * bits.length))
  for (let i = 0; i < bits.length; i++) out.setUint16(2 * i, singleToHalf(bits[i]), true)
  return new Uint8Array(out.buffer)
}

/** All of safetensorsPieces' bytes. */
export function writeSafetensors(
  tensors: Iterable<readonly [string, Tensor]>,
  options: WriteSafetensorsOptions = {},
): Uint8Array {
  const { size, pieces } = safetensorsPieces(tensors, options)
  const out = new Uint8Array(size)
  let at = 0
  for (const piece of pieces) {
    out.set(piece, at)
    at += piece.length
  }
  return out
}

/** A string as the official writer spells it: JSON.stringify escapes the same characters. */
function quote(text: string): string {
  if (typeof text === 'string' && isEncodable(text)) return JSON.stringify(text)
  throw new CheckpointError('safetensors', `${shown(String(text))} is not a string that UTF-8 can hold`)
}

/** `"name":json` for each pair. Text, because an object would reorder names that look like numbers. */
function fields<T>(pairs: Iterable<readonly [string, T]>, json: (value: T) => string): string[] {
  const seen = new Set<string>()
  return Array.from(pairs, ([name, value]) => {
    if (seen.has(name)) throw new CheckpointError('safetensors', `the name ${shown(name)} is given twice`)
    seen.add(name)
    return `${quote(name)}:${json(value)}`
  })
}

/** Names in the order of their UTF-8 bytes. Comparing strings would put surrogate pairs before U+E000. */
function compareNames(a: string, b: string): number {
  const rank = (unit: number) => (unit >= 0xe000 ? unit - 0x800 : unit >= 0xd800 ? unit + 0x2000 : unit)
  let i = 0
  while (i < a.length && i < b.length && a.charCodeAt(i) === b.charCodeAt(i)) i++
  if (i === a.length || i === b.length) return a.length - b.length
  return rank(a.charCodeAt(i)) - rank(b.charCodeAt(i))
}
