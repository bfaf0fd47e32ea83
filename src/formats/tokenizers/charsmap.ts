// What sentencepiece makes of characters before it cuts a text (Kudo and Richardson 2018): a table from sequences of bytes to
// others, as a double-array trie (Yata's Darts-clone) and the texts that its leaves point into.
import type { Fields } from '../document.js'

/** The largest of them, of NFKC with case folding, take 300 kB. */
const MOST_BYTES = 2 ** 24
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/

export interface Charsmap {
  /** As the file has it, in base64. */
  text: string
  units: Uint32Array
  texts: Uint8Array
}

/** Throws CheckpointError for a table that is cut off or no base64. */
export function readCharsmap(field: Fields): Charsmap {
  const text = field.text(MOST_BYTES)
  if (!BASE64.test(text) || text.length % 4 !== 0) field.refuse('is no base64')
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0))
  const size = bytes.length < 4 ? 0 : new DataView(bytes.buffer).getUint32(0, true)
  if (size === 0 || size % 4 !== 0 || 4 + size > bytes.length)
    field.refuse(`says that ${size} bytes are a trie, and has ${bytes.length}`)
  const view = new DataView(bytes.buffer, 4, size)
  const units = Uint32Array.from({ length: size / 4 }, (_, i) => view.getUint32(4 * i, true))
  return { text, units, texts: bytes.subarray(4 + size) }
}

const utf8 = new TextEncoder()
const decoder = new TextDecoder()

/** Python's tokenizers ask for a whole character of several code points only where it is shorter than this, in bytes. */
const LONGEST = 6

/** As Python's tokenizers, which take the shortest entry that a character begins with, and forget what of it is left. */
export class Normalizer {
  readonly #segmenter = new Intl.Segmenter('und', { granularity: 'grapheme' })
  readonly #known = new Map<string, string | null>()
  /** Of each ASCII character: whether it stays, and is a character by itself whatever ASCII follows it. */
  readonly #stays: readonly boolean[]

  constructor(readonly map: Charsmap) {
    const ascii = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code))
    this.#stays = ascii.map((char) => char !== '\r' && (this.#of(char) ?? char) === char)
  }

  normalize(text: string): string {
    if (this.#isPlain(text)) return text
    let out = ''
    for (const [, made] of this.parts(text)) out += made
    return out
  }

  /** A text in the parts that are looked up, and what becomes of each. */
  *parts(text: string): Generator<[part: string, made: string]> {
    for (const { segment } of this.#segmenter.segment(text)) {
      const whole = utf8Length(segment) < LONGEST ? this.#of(segment) : null
      if (whole !== null) yield [segment, whole]
      else for (const char of segment) yield [char, this.#of(char) ?? char]
    }
  }

  /** Most texts are, and finding characters takes longer than all that comes after. */
  #isPlain(text: string): boolean {
    for (let i = 0; i < text.length; i++) if (this.#stays[text.charCodeAt(i)] !== true) return false
    return true
  }

  #of(part: string): string | null {
    let found = this.#known.get(part)
    if (found === undefined) {
      found = lookUp(this.map, utf8.encode(part))
      this.#known.set(part, found)
    }
    return found
  }
}

function utf8Length(text: string): number {
  let n = 0
  for (const char of text) {
    const code = char.codePointAt(0) as number
    n += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4
  }
  return n
}

/** The text of the shortest entry that `key` begins with; null where there is none. */
function lookUp({ units, texts }: Charsmap, key: Uint8Array): string | null {
  const offset = (unit: number) => (unit >>> 10) << ((unit & 0x200) >>> 6)
  let at = offset(units[0])
  for (const byte of key) {
    if (byte === 0) return null
    at ^= byte
    const unit = units[at]
    if (unit === undefined || (unit & 0x800000ff) !== byte) return null
    at ^= offset(unit)
    if ((unit & 0x100) === 0) continue
    const start = (units[at] ?? 0) & 0x7fffffff
    const end = texts.indexOf(0, start)
    return decoder.decode(texts.subarray(start, end < 0 ? texts.length : end))
  }
  return null
}
