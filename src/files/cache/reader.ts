// A cache of a teacher's outputs, row by row as training asks for them: in memory are the keys, nothing of the values.
import { join } from 'node:path'
import { CheckpointError, TinystillError } from '../../errors.js'
import { KeyIndex, keyOfRow } from './keys.js'
import { type CacheManifest, MANIFEST, readManifest } from './manifest.js'
import { Places } from './places.js'
import { CacheShard, type HiddenRows } from './shard.js'

/** Shards open at a time; a process may have about a thousand files open. */
const OPEN = 64

/** What readTexts gives, as far as a cache needs it. */
export interface CachedTexts {
  texts: readonly string[]
  pairs?: readonly (string | null)[] | null
  /** Of sentences of words, whose texts are for people. */
  words?: readonly (readonly string[])[] | undefined
  /** Lines in `file`, for errors. */
  lines?: ArrayLike<number>
  /** Default 'data'. */
  file?: string
}

/** A teacher's outputs for the rows of a data set. */
export interface CachedTargets {
  readonly classes: number
  /** Logits [B, classes]; of sentences of words and questions one a word or token, [answers, classes]. */
  readonly rows: (rows: Int32Array) => Float32Array
  /** States of a layer: 0 are the embeddings. Throws RangeError for a layer that is not kept. */
  readonly hidden: (layer: number, rows: Int32Array) => HiddenRows
}

/** An open cache: a teacher's outputs by rows. */
export class TeacherCache {
  readonly manifest: CacheManifest
  readonly #index: KeyIndex
  /** The first row of each shard, and at the end the number of rows. */
  readonly #firsts: Int32Array
  /** The one used last comes last. */
  readonly #open = new Map<number, CacheShard>()
  readonly #verified = new Set<number>()

  constructor(readonly folder: string) {
    this.manifest = readManifest(folder)
    const { shards, rows } = this.manifest
    this.#firsts = new Int32Array(shards.length + 1)
    try {
      // Before anything of the size that cache.json claims is allocated, the files must be there.
      shards.forEach((facts, i) => {
        this.#shard(i)
        this.#firsts[i + 1] = this.#firsts[i] + facts.rows
      })
      this.#index = new KeyIndex(rows)
      shards.forEach((facts, i) => {
        const shard = this.#shard(i)
        const keys = shard.keys()
        for (let row = 0; row < facts.rows; row++) {
          if (!this.#index.add(keys[2 * row], keys[2 * row + 1]))
            throw new CheckpointError(shard.path, `row ${row} is in the cache twice`)
        }
      })
    } catch (error) {
      this.close()
      throw error
    }
  }

  /** Rows in the cache. */
  get size(): number {
    return this.#index.size
  }

  /** Names of the classes in the order of the logits. */
  get classes(): readonly string[] {
    return this.manifest.labels
  }

  /** Numbers of an embedding. Throws CheckpointError where logits are kept. */
  get vectorSize(): number {
    const { embedding } = this.manifest.settings
    if (embedding !== undefined) return embedding
    throw new CheckpointError(
      join(this.folder, MANIFEST),
      'holds logits, no embeddings',
      'tinystill label --embeddings keeps those',
    )
  }

  close(): void {
    for (const shard of this.#open.values()) shard.close()
    this.#open.clear()
  }

  /** The cache's row of a text, or of a sentence of words; -1 where it has none. */
  find(text: string, textB: string | null = null, words?: readonly string[]): number {
    return this.#index.find(...keyOfRow({ text, textB, words }))
  }

  /** Whether all of the data that was labelled is in. */
  get complete(): boolean {
    return this.manifest.complete
  }

  /** The cache's row of each text. Throws DataError that counts those that are not there, and names the first ones' lines. */
  locate({ texts, pairs = null, words, lines, file = 'data' }: CachedTexts): Int32Array {
    const places = new Places(this)
    texts.forEach((text, i) => {
      places.add(text, pairs?.[i] ?? null, lines ? lines[i] : i, words?.[i])
    })
    return places.found(file, lines ? 'lines' : 'rows')
  }

  /** What the teacher said of these texts, by their place in the list. Throws DataError as locate does. */
  targets(texts: CachedTexts): CachedTargets {
    return this.at(this.locate(texts))
  }

  /** The same by the cache's rows: row i of the data is row places[i] of the cache. */
  at(places: Int32Array): CachedTargets {
    const own = (rows: Int32Array) => rows.map((row) => places[row])
    return {
      classes: this.classes.length,
      rows: (rows) => this.logits(own(rows)),
      hidden: (layer, rows) => this.hidden(layer, own(rows)),
    }
  }

  /** Logits [texts, classes]; of top-k rows the rest's probability is spread evenly over the other classes. */
  rows(texts: readonly string[], pairs: readonly (string | null)[] | null = null): Float32Array {
    return this.logits(this.locate({ texts, pairs }))
  }

  /**
   * Logits [B, classes] of the cache's rows; of sentences of words and questions those of all answers, [answers, classes], NaN of words
   * without a token. Throws CheckpointError naming a shard that has
   * changed.
   */
  logits(rows: Int32Array): Float32Array {
    if (this.manifest.settings.embedding !== undefined)
      throw new CheckpointError(
        join(this.folder, MANIFEST),
        'holds embeddings, no logits',
        'The embed recipes learn from it',
      )
    return this.#answers(rows, this.classes.length)
  }

  /** Embeddings [B, size] of the cache's rows. Throws CheckpointError as logits, and where those are kept. */
  vectors(rows: Int32Array): Float32Array {
    return this.#answers(rows, this.vectorSize)
  }

  #answers(rows: Int32Array, width: number): Float32Array {
    const counts = this.answers(rows)
    const out = new Float32Array(counts.reduce((a, b) => a + b, 0) * width)
    let before = 0
    rows.forEach((row, i) => {
      const [shard, at] = this.#place(row)
      const own = before + counts[i] * width
      shard.logits(at, out.subarray(before, own))
      before = own
    })
    return out
  }

  /** How many answers each of the cache's rows has: 1 of a text. */
  answers(rows: Int32Array): Int32Array {
    return rows.map((row) => {
      const [shard, at] = this.#place(row)
      return shard.answers(at)
    })
  }

  /** States of a layer for the cache's rows. Throws RangeError for a layer that is not kept, CheckpointError as logits. */
  hidden(layer: number, rows: Int32Array): HiddenRows {
    const { layers, width } = this.manifest.settings
    if (!layers.includes(layer))
      throw new RangeError(
        `${this.folder}: states of layer ${layer} are not kept, ${layers.length > 0 ? `those of ${layers.join(', ')} are` : 'none are'}`,
      )
    const starts = new Int32Array(rows.length + 1)
    rows.forEach((row, i) => {
      const [shard, at] = this.#place(row)
      starts[i + 1] = starts[i] + shard.tokens(at)
    })
    const values = new Float32Array(starts[rows.length] * width)
    rows.forEach((row, i) => {
      const [shard, at] = this.#place(row)
      shard.hidden(layer, at, values.subarray(starts[i] * width, starts[i + 1] * width))
    })
    return { values, starts, width }
  }

  /** A row's shard, found unchanged, and the row's number in it. */
  #place(row: number): [CacheShard, number] {
    if (!(row >= 0 && row < this.size)) throw new RangeError(`${this.folder}: row ${row} of ${this.size}`)
    let [low, high] = [0, this.#firsts.length - 1]
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if (this.#firsts[middle] <= row) low = middle
      else high = middle
    }
    const shard = this.#shard(low)
    if (!this.#verified.has(low)) {
      shard.verify()
      this.#verified.add(low)
    }
    return [shard, row - this.#firsts[low]]
  }

  #shard(i: number): CacheShard {
    const open = this.#open.get(i)
    this.#open.delete(i)
    const shard = open ?? new CacheShard(this.folder, this.manifest.shards[i], this.manifest)
    this.#open.set(i, shard)
    if (this.#open.size > OPEN) {
      const [[oldest, unused]] = this.#open
      unused.close()
      this.#open.delete(oldest)
    }
    return shard
  }
}

/**
 * A cache that `tinystill label` wrote. Its keys are read and checked, 14 to 20 bytes a row; a shard is checked against its
 * SHA-256 once, when the first of its rows is asked for. Throws CheckpointError naming the file and what is wrong. Close it.
 */
export function openCache(folder: string): TeacherCache {
  try {
    return new TeacherCache(folder)
  } catch (error) {
    if (error instanceof CheckpointError || !(error instanceof TinystillError)) throw error
    throw new CheckpointError(join(folder, MANIFEST), error.message)
  }
}
