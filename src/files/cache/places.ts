// Where the rows of a data set lie in a cache, and which of them do not.
import { DataError } from '../../errors.js'
import { IntList } from '../../text/packed.js'

/** Missing rows that an error names. */
const SHOWN = 5

/** What a search needs of a cache. */
export interface Searched {
  readonly folder: string
  readonly complete: boolean
  find(text: string, textB: string | null, words?: readonly string[]): number
}

export class Places {
  readonly #found = new IntList()
  /** Lines, or row numbers, of the first that are missing. */
  readonly #missing: number[] = []
  #count = 0

  constructor(readonly cache: Searched) {}

  /** `at`: the line, or the number of the row. */
  add(text: string, textB: string | null, at: number, words?: readonly string[]): void {
    const row = this.cache.find(text, textB, words)
    if (row < 0 && this.#count++ < SHOWN) this.#missing.push(at)
    this.#found.add(row)
  }

  /** The cache's row of each text. Throws DataError that counts those that are not there, and names the first ones. */
  found(file: string, places: 'lines' | 'rows'): Int32Array {
    if (this.#count === 0) return this.#found.toArray()
    const more = this.#count > this.#missing.length ? ', ...' : ''
    throw new DataError(
      places === 'lines' ? `${file}:${this.#missing[0]}` : file,
      `${this.#count} of ${this.#found.size} rows are not in ${this.cache.folder}, at ${places} ${this.#missing.join(', ')}${more}`,
      this.cache.complete
        ? 'They are new, or have changed since the teacher labelled them: label this file'
        : 'The cache is not finished: go on with tinystill label --resume',
    )
  }
}
