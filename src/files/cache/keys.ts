// By what a row of a cache is found again: a hash of its text, so that rows may move, go and come. And the table of them.
import { createHash } from 'node:crypto'
import { DataError } from '../../errors.js'

/**
 * The first 64 bits of SHA-256 over the JSON of [text] or [text, textB], as two int32: two lists never give the same JSON.
 * That two of 10 million texts share a key has a chance of 3 in a million.
 */
export function keyOfText(text: string, textB: string | null = null): [number, number] {
  const json = JSON.stringify(textB === null ? [text] : [text, textB])
  const digest = createHash('sha256').update(json).digest()
  return [digest.readInt32LE(0), digest.readInt32LE(4)]
}

const NONE = -1
/** Hashes never lie this close; keys made to collide would take the square of their number. */
const LONGEST_PROBE = 2048

/** Keys and the order in which they came: open addressing, at most two thirds full, 14 to 20 bytes a key. */
export class KeyIndex {
  /** Two int32 a key. */
  #keys: Int32Array
  #slots: Int32Array
  #size = 0

  /** `room`: how many keys are expected. It grows by itself. */
  constructor(room = 64) {
    this.#keys = new Int32Array(2 * room)
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
    if (2 * this.#size === this.#keys.length) this.#keys = widened(this.#keys)
    this.#keys[2 * this.#size] = a
    this.#keys[2 * this.#size + 1] = b
    this.#slots[slot] = this.#size++
    return true
  }

  /** The slot that holds the key, or the empty one where it would be. */
  #slotOf(a: number, b: number): number {
    const mask = this.#slots.length - 1
    for (let step = 0; step < LONGEST_PROBE; step++) {
      const slot = (a + step) & mask
      const at = this.#slots[slot]
      if (at === NONE || (this.#keys[2 * at] === a && this.#keys[2 * at + 1] === b)) return slot
    }
    throw new DataError('keys', 'are no hashes of texts: too many begin alike')
  }

  #grow(): void {
    this.#slots = emptySlots(this.#slots.length)
    for (let at = 0; at < this.#size; at++)
      this.#slots[this.#slotOf(this.#keys[2 * at], this.#keys[2 * at + 1])] = at
  }
}

function emptySlots(room: number): Int32Array {
  return new Int32Array(2 ** Math.ceil(Math.log2(Math.max(2, 1.5 * room + 1)))).fill(NONE)
}

function widened(keys: Int32Array): Int32Array {
  const wider = new Int32Array(2 * keys.length)
  wider.set(keys)
  return wider
}
