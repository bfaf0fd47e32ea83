// Encoded texts end to end in typed arrays: 4 bytes a token and 8 a text, where an array for each text takes hundreds.
import { type DataSet, inOrder } from '../nn/data.js'
import type { TextInput } from '../nn/models/input.js'
import { flatBatch, lengthBatches } from './batches.js'
import type { Encoded } from './encoding.js'

/** A list of whole numbers that grows. */
export class IntList {
  #items = new Int32Array(64)
  #size = 0

  get size(): number {
    return this.#size
  }

  add(item: number): void {
    this.#need(1)
    this.#items[this.#size++] = item
  }

  addAll(items: ArrayLike<number>): void {
    this.#need(items.length)
    this.#items.set(items, this.#size)
    this.#size += items.length
  }

  #need(more: number): void {
    if (this.#size + more <= this.#items.length) return
    const wider = new Int32Array(Math.max(Math.ceil(1.5 * this.#items.length), this.#size + more))
    wider.set(this.#items.subarray(0, this.#size))
    this.#items = wider
  }

  /** A copy, as long as the list. */
  toArray(): Int32Array {
    return this.#items.slice(0, this.#size)
  }
}

/** Takes encoded texts one by one, and is a data set of unpadded batches in the end. */
export class PackedTexts {
  readonly #ids = new IntList()
  /** Of all tokens so far; null while all of them are 0. */
  #types: IntList | null = null
  readonly #starts = new IntList()

  constructor() {
    this.#starts.add(0)
  }

  add({ ids, typeIds }: Encoded): void {
    if (this.#types === null && typeIds.some((type) => type !== 0)) {
      this.#types = new IntList()
      this.#types.addAll(new Int32Array(this.#ids.size))
    }
    this.#types?.addAll(typeIds)
    this.#ids.addAll(ids)
    this.#starts.add(this.#ids.size)
  }

  /** The same batches as textData's without padding. typed: whether they have token types. */
  data(labels: Int32Array | null, typed: boolean): DataSet<TextInput> {
    const [ids, starts] = [this.#ids.toArray(), this.#starts.toArray()]
    const types = this.#types?.toArray() ?? null
    const lengths = starts.slice(1).map((end, row) => end - starts[row])
    const part = (values: Int32Array) => (row: number) => values.subarray(starts[row], starts[row + 1])
    const typesOf = types === null ? (row: number) => new Int32Array(lengths[row]) : part(types)
    return {
      ...{ size: lengths.length, labels },
      batches: (batchSize, key) => lengthBatches(lengths, batchSize, key),
      input: (rows) =>
        flatBatch(
          Array.from(rows, part(ids)),
          inOrder(rows.length),
          typed ? Array.from(rows, typesOf) : undefined,
        ),
      tokens: (rows) => rows.reduce((n, row) => n + lengths[row], 0),
    }
  }
}
