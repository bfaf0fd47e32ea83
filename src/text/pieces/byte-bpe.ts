// RoBERTa's and GPT-2's tokenizer: byte pairs (Sennrich et al. 2016) over bytes (Radford et al. 2019), so that no text is unknown.
import {
  type ByteBpeSpec,
  byteCharacters,
  bytesOf,
  readByteBpe,
  writeByteBpe,
} from '../../formats/tokenizers/bpe-json.js'
import type { RoleNames } from '../../formats/tokenizers/vocabulary.js'
import { type PiecedRules, PiecedTokenizer, remembering, robertaRoles } from './base.js'
import { Finder } from './finder.js'
import { Merges } from './merges.js'

/**
 * Words with the space before them, and what is between words: Radford et al. 2019, encoder.py. Spaces as Python has them:
 * JavaScript's \s takes U+FEFF for one and U+0085 for none.
 */
export const WORD =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu

const utf8 = new TextEncoder()
const text = new TextDecoder('utf-8', { ignoreBOM: true })

/** RoBERTa's and GPT-2's tokenizer: words with the space before them, cut into pieces of their bytes. */
export class ByteBpeTokenizer extends PiecedTokenizer<ByteBpeSpec> {
  readonly #merges: Merges
  /** Id of each byte. */
  readonly #bytes: readonly number[]
  /** As Python has them, one after the other: in the text as it is, and in the normalized one. */
  readonly #finders: readonly Finder[]
  /** The pieces of a word, with the space before it. */
  readonly cut = remembering((word) => this.#merged(word))

  private constructor(spec: ByteBpeSpec, file: string, rules: PiecedRules) {
    super(spec, file, rules, robertaRoles)
    const ids = new Map(spec.vocabulary.map((piece, id) => [piece, id]))
    const idOf = (piece: string) => ids.get(piece) as number
    this.#merges = new Merges(spec.merges, idOf)
    this.#bytes = byteCharacters().map(idOf)
    const sought = [false, true].map((late) => spec.added.filter(({ normalized }) => normalized === late))
    this.#finders = [
      new Finder(sought[0]),
      new Finder(sought[1].map((token) => ({ ...token, content: this.normal(token.content) }))),
    ]
  }

  /**
   * Of a tokenizer.json: model BPE, normalizer NFC or none, pre-tokenizer ByteLevel, templates with texts A and B. Throws CheckpointError
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
    return this.#all(text, this.spec.prefixSpace)
  }

  /** With a space in front whatever the folder says: Python refuses split texts without add_prefix_space. */
  override wordPieces(word: string): Int32Array {
    return this.#all(word, true)
  }

  override restPieces(part: string): Int32Array {
    return this.#all(part, false)
  }

  normal(text: string): string {
    return this.spec.nfc ? text.normalize('NFC') : text
  }

  wholeWord(id: number): string | null {
    const written = text.decode(bytesOf(this.vocabulary[id]))
    return this.specialIds.includes(id) || !written.startsWith(' ') ? null : written.slice(1)
  }

  #all(text: string, prefixed: boolean): Int32Array {
    const [first, second] = this.#finders
    const out: number[] = []
    for (const part of first.split(text)) {
      for (const section of typeof part === 'number' ? [part] : second.split(this.normal(part))) {
        if (typeof section === 'number') out.push(section)
        else if (section !== '') this.#push(section, prefixed, out)
      }
    }
    return Int32Array.from(out)
  }

  #push(section: string, prefixed: boolean, out: number[]): void {
    const text = prefixed && !section.startsWith(' ') ? ` ${section}` : section
    for (const word of text.match(WORD) ?? []) for (const id of this.cut(word)) out.push(id)
  }

  #merged(word: string): readonly number[] {
    return this.#merges.apply(Array.from(utf8.encode(word), (byte) => this.#bytes[byte]))
  }

  toJSON(): unknown {
    return writeByteBpe(this.spec)
  }
}
