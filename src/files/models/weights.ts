// A safetensors file, on disk or in memory: the header is read and checked at once, the data piece by piece, so that a file
// never needs more memory than its tensors.
import { type Entry, type Header, readHeader } from '../../formats/safetensors/header.js'
import { checkValues } from '../../formats/safetensors/safetensors.js'
import type { TypedArray } from '../../tensor/storage.js'
import { empty, type Tensor } from '../../tensor/tensor.js'

/** Bytes held of the file at a time; a multiple of every element's width. */
const PIECE = 2 ** 20

/** Where a file's bytes come from. */
export interface ByteSource {
  readonly size: number
  /** Fills `bytes` from place `at` on. Throws CheckpointError where they cannot be read. */
  fill(bytes: Uint8Array, at: number): void
  close(): void
}

export class WeightFile {
  readonly #source: ByteSource

  private constructor(
    readonly path: string,
    /** Of the whole file, in bytes. */
    readonly size: number,
    readonly header: Header,
    source: ByteSource,
  ) {
    this.#source = source
  }

  /** Throws a CheckpointError as readSafetensors does, the source closed. Close it. */
  static over(path: string, source: ByteSource, maxHeaderBytes = 2 ** 24): WeightFile {
    const { size } = source
    try {
      const read = (n: number) => {
        const bytes = new Uint8Array(Math.min(n, size))
        source.fill(bytes, 0)
        return bytes
      }
      return new WeightFile(path, size, readHeader({ size, read }, path, maxHeaderBytes), source)
    } catch (error) {
      source.close()
      throw error
    }
  }

  close(): void {
    this.#source.close()
  }

  *#pieces({ begin, end, format }: Entry): Generator<{ view: DataView; first: number; count: number }> {
    const buffer = new Uint8Array(Math.min(PIECE, end - begin))
    for (let at = begin; at < end; at += buffer.length) {
      const bytes = buffer.subarray(0, Math.min(buffer.length, end - at))
      this.#source.fill(bytes, this.header.dataStart + at)
      yield {
        view: new DataView(buffer.buffer),
        first: (at - begin) / format.width,
        count: bytes.length / format.width,
      }
    }
  }

  /** Throws a CheckpointError where an element has no place in the dtype it is read into. */
  check(entry: Entry): void {
    if (entry.format.refuse === undefined) return
    for (const { view, first, count } of this.#pieces(entry))
      checkValues(entry, view, 0, count, first, this.path)
  }

  /** The elements in order, some at a time, in an array that the next ones overwrite. */
  *values(entry: Entry): Generator<TypedArray> {
    const { dtype, width } = entry.format
    const room = Math.min(PIECE, entry.end - entry.begin) / width
    const out =
      dtype === 'float64'
        ? new Float64Array(room)
        : dtype === 'int32'
          ? new Int32Array(room)
          : new Float32Array(room)
    for (const { view, first, count } of this.#pieces(entry)) {
      checkValues(entry, view, 0, count, first, this.path)
      entry.format.read(view, 0, out.subarray(0, count))
      yield out.subarray(0, count)
    }
  }

  /** Fills `out`, of the dtype that the entry is read into, with its elements from number `first` on. Throws CheckpointError. */
  read(entry: Entry, first: number, out: TypedArray): void {
    const { format, begin } = entry
    const bytes = new Uint8Array(out.length * format.width)
    this.#source.fill(bytes, this.header.dataStart + begin + first * format.width)
    const view = new DataView(bytes.buffer)
    checkValues(entry, view, 0, out.length, first, this.path)
    format.read(view, 0, out)
  }

  /** Bytes of an entry from its place `from` on, of one byte an element. */
  bytes({ begin }: Entry, from: number, count: number): Int8Array {
    const bytes = new Uint8Array(count)
    this.#source.fill(bytes, this.header.dataStart + begin + from)
    return new Int8Array(bytes.buffer)
  }

  /** A new tensor with the entry's elements. */
  tensor(entry: Entry): Tensor {
    const t = empty(entry.shape, entry.format.dtype)
    for (const { view, first, count } of this.#pieces(entry))
      entry.format.read(view, 0, t.elements.subarray(first, first + count))
    return t
  }
}
