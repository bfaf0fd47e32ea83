// RoBERTa's tokenizer: byte pairs (Sennrich et al. 2016) over bytes (Radford et al. 2019), so that no text is unknown.
import {
  type ByteBpeSpec,
  byteCharacters,
  readByteBpe,
  writeByteBpe,
} from '../../formats/tokenizers/bpe-json.js'
import type { RoleNames } from '../../formats/tokenizers/vocabulary.js'
import { type PiecedRules, PiecedTokenizer } from './base.js'
import { Finder } from './finder.js'
import { Merges } from './merges.js'

/** As Python has \s: JavaScript's takes U+FEFF for a space and U+0085 for none. */
const S = '\\t-\\r \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000'

/** Words with the space before them, and what is between words: Radford et al. 2019, encoder.py. */
const WORD = new RegExp(
  `'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^${S}\\p{L}\\p{N}]+|[${S}]+(?![^${S}])|[${S}]+`,
  'gu',
)

/** Words whose pieces are kept, and the longest of them in characters. */
const [KEPT, LONGEST] = [2 ** 16, 64]

const utf8 = new TextEncoder()

const ROLES = { pad: '<pad>', unk: '<unk>', cls: '<s>', sep: '</s>', mask: '<mask>' }

/** RoBERTa's and GPT-2's tokenizer: words with the space before them, cut into pieces of their bytes. */
export class ByteBpeTokenizer extends PiecedTokenizer<ByteBpeSpec> {
  readonly #merges: Merges
  /** Id of each byte. */
  readonly #bytes: readonly number[]
  /** As Python has them, one after the other, though there is nothing to normalize. */
  readonly #finders: readonly Finder[]
  readonly #known = new Map<string, readonly number[]>()

  private constructor(spec: ByteBpeSpec, file: string, rules: PiecedRules) {
    super(spec, file, rules, ROLES)
    const ids = new Map(spec.vocabulary.map((piece, id) => [piece, id]))
    const idOf = (piece: string) => ids.get(piece) as number
    this.#merges = new Merges(spec.merges, idOf)
    this.#bytes = byteCharacters().map(idOf)
    const sought = [false, true].map((late) => spec.added.filter(({ normalized }) => normalized === late))
    this.#finders = sought.map((tokens) => new Finder(tokens))
  }

  /**
   * Of a tokenizer.json: model BPE, no normalizer, pre-tokenizer ByteLevel, templates with texts A and B. Throws CheckpointError
   * on anything else, naming `file` and the field.
   */
  static fromJSON(json: unknown, file = 'tokenizer.json', names: RoleNames = {}): ByteBpeTokenizer {
    return new ByteBpeTokenizer(readByteBpe(json, file), file, { names })
  }

  /** Of a spec that was read before. Throws CheckpointError, naming `file`, where there is no token for padding. */
  static fromSpec(spec: ByteBpeSpec, file: string, rules: PiecedRules = {}): ByteBpeTokenizer {
    return new ByteBpeTokenizer(spec, file, rules)
  }

  pieces(text: string): Int32Array {
    const [first, second] = this.#finders
    const out: number[] = []
    for (const part of first.split(text)) {
      for (const section of typeof part === 'number' ? [part] : second.split(part)) {
        if (typeof section === 'number') out.push(section)
        else if (section !== '') this.#push(section, out)
      }
    }
    return Int32Array.from(out)
  }

  #push(section: string, out: number[]): void {
    const text = this.spec.prefixSpace && !section.startsWith(' ') ? ` ${section}` : section
    for (const word of text.match(WORD) ?? []) for (const id of this.#merged(word)) out.push(id)
  }

  #merged(word: string): readonly number[] {
    const known = this.#known.get(word)
    if (known !== undefined) return known
    const ids = this.#merges.apply(Array.from(utf8.encode(word), (byte) => this.#bytes[byte]))
    if (word.length > LONGEST) return ids
    if (this.#known.size >= KEPT) this.#known.clear()
    this.#known.set(word, ids)
    return ids
  }

  toJSON(): unknown {
    return writeByteBpe(this.spec)
  }
}
