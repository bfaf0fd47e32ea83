// By what a row of a cache is found again: a hash of its text, so that rows may move, go and come. And the table of them.
import { hash } from 'node:crypto'
import { DataError } from '../../errors.js'

/**
 * The first 64 bits of SHA-256 over the JSON of [text] or [text, textB], as two int32: two lists never give the same JSON.
 * That two of 10 million texts share a key has a chance of 3 in a million.
 */
export function keyOfText(text: string, textB: string | null = null): [number, number] {
  return keyOfJson(JSON.stringify(textB === null ? [text] : [text, textB]))
}

/** What a cache knows a row by: a text, two of them, or the words of a sentence. */
export interface KeyedRow {
  text: string
  textB: string | null
  words?: readonly string[] | undefined
}

/** Of a sentence of words the same hash over the JSON of [words], else that of its texts. */
export const keyOfRow = ({ text, textB, words }: KeyedRow): [number, number] =>
  words === undefined ? keyOfText(text, textB) : keyOfJson(JSON.stringify([words]))

function keyOfJson(json: string): [number, number] {
  const digest = hash('sha256', json, 'buffer')
  return [digest.readInt32LE(0), digest.readInt32LE(4)]
}

const NONE = -1
/** Hashes never lie this close; keys made to collide would take the square of their number. */
const LONGEST_PROBE = 2048

/** Keys of a piece of the list, 2^16: a list that grows by doubling holds three times as much while it is copied. */
const PIECE_BITS = 16
const PIECE = 2 ** PIECE_BITS

/** Keys and the order in which they came: open addressing, at most two thirds full, 14 to 20 bytes a key. */
export class KeyIndex {
  /** Two int32 a key, PIECE keys each. */
  readonly #keys: Int32Array[] = []
  #slots: Int32Array
  #size = 0

  /** `room`: how many keys are expected. It grows by itself. */
  constructor(room = 64) {
    this.#slots = emptySlots(room)
  }

  get size(): number {
    return this.#size
  }

  /** Which key it is, counted from 0; -1 where it is none. */
  find(a: number, b: number): number {
    return this.#slots[this.#slotOf(a, b)]
  }

  /** Whether the key is new. It is in the index afterwards. Throws DataError for keys made to collide. */
  add(a: number, b: number): boolean {
    if (3 * (this.#size + 1) > 2 * this.#slots.length) this.#grow()
    const slot = this.#slotOf(a, b)
    if (this.#slots[slot] !== NONE) return false
    const at = this.#size % PIECE
    if (at === 0) this.#keys.push(new Int32Array(2 * PIECE))
    this.#keys[this.#keys.length - 1].set([a, b], 2 * at)
    this.#slots[slot] = this.#size++
    return true
  }

  #is(at: number, a: number, b: number): boolean {
    const piece = this.#keys[at >>> PIECE_BITS]
    const place = 2 * (at % PIECE)
    return piece[place] === a && piece[place + 1] === b
  }

  /** The slot that holds the key, or the empty one where it would be. */
  #slotOf(a: number, b: number): number {
    const mask = this.#slots.length - 1
    for (let step = 0; step < LONGEST_PROBE; step++) {
      const slot = (a + step) & mask
      const at = this.#slots[slot]
      if (at === NONE || this.#is(at, a, b)) return slot
    }
    throw new DataError('keys', 'are no hashes of texts: too many begin alike')
  }

  #grow(): void {
    this.#slots = emptySlots(this.#slots.length)
    for (let at = 0; at < this.#size; at++) {
      const [piece, place] = [this.#keys[at >>> PIECE_BITS], 2 * (at % PIECE)]
      this.#slots[this.#slotOf(piece[place], piece[place + 1])] = at
    }
  }
}

function emptySlots(room: number): Int32Array {
  return new Int32Array(2 ** Math.ceil(Math.log2(Math.max(2, 1.5 * room + 1)))).fill(NONE)
}
