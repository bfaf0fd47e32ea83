// sentencepiece's Unigram tokenizer (Kudo 2018): a word is cut into the pieces whose probabilities multiply to the most, found by
// Viterbi's walk. As Python's tokenizers compute it, down to ties and to runs of unknown characters, which are one unknown.
import { Normalizer } from '../../formats/tokenizers/charsmap.js'
import {
  type PlainStep,
  type PrependScheme,
  readUnigram,
  SPACE_SIGN,
  type UnigramSpec,
  writeUnigram,
} from '../../formats/tokenizers/unigram-json.js'
import type { RoleNames } from '../../formats/tokenizers/vocabulary.js'
import { decompose, lowerEach, withoutMarks } from '../bert-normalizer.js'
import { type PiecedRules, PiecedTokenizer, remembering, robertaRoles } from './base.js'
import { Finder } from './finder.js'

/** An unknown character is so much worse than the worst piece. */
const PENALTY = 10

/** As Python splits: JavaScript's \s has U+FEFF too and lacks U+0085. */
export const SPACES = /\p{White_Space}+/u

/** Each as Python's tokenizers. */
export const plainSteps: Readonly<Record<PlainStep, (text: string) => string>> = {
  backquotes: (text) => text.replaceAll('``', '"'),
  quotes: (text) => text.replaceAll("''", '"'),
  nfkd: (text) => decompose(text, 'NFKD'),
  accents: withoutMarks,
  lower: lowerEach,
  spaces: (text) => text.replace(/\p{White_Space}{2,}|[\n\r\t]/gu, ' '),
  nfc: (text) => text.normalize('NFC'),
  strip: (text) => text.replace(/^\p{White_Space}+|\p{White_Space}+$/gu, ''),
  'strip-right': (text) => text.replace(/\p{White_Space}+$/u, ''),
}

/** A piece's beginning, and what may follow it. */
interface Branch {
  id: number | null
  readonly next: Map<string, Branch>
}

const branch = (): Branch => ({ id: null, next: new Map() })

/** XLM-R's and CamemBERT's tokenizer: pieces of a model of their probabilities, the sign of a space among their characters. */
export class UnigramTokenizer extends PiecedTokenizer<UnigramSpec> {
  readonly #root = branch()
  readonly #unknown: number
  readonly #normalizer: Normalizer | null
  readonly #raw: Finder
  readonly #normalized: Finder
  readonly #cut = remembering((word) => this.cut(word).ids)

  private constructor(spec: UnigramSpec, file: string, rules: PiecedRules) {
    super(spec, file, rules, robertaRoles)
    const { vocabulary, modelSize, scores, charsmap, added } = spec
    for (let id = 0; id < modelSize; id++) {
      let at = this.#root
      for (const char of vocabulary[id]) {
        const next = at.next.get(char) ?? branch()
        at.next.set(char, next)
        at = next
      }
      at.id = id
    }
    this.#unknown = scores.reduce((least, score) => Math.min(least, score), Infinity) - PENALTY
    this.#normalizer = charsmap === null ? null : new Normalizer(charsmap)
    this.#raw = new Finder(added.filter((token) => !token.normalized))
    const late = added.filter((token) => token.normalized)
    this.#normalized = new Finder(late.map((token) => ({ ...token, content: this.normal(token.content) })))
  }

  /**
   * Of a tokenizer.json: model Unigram, normalizer Precompiled, one that leaves one space of several, both or none, pre-tokenizer
   * Metaspace, templates with texts A and B. Throws CheckpointError on anything else, naming `file` and the field.
   */
  static fromJSON(json: unknown, file = 'tokenizer.json', names: RoleNames = {}): UnigramTokenizer {
    return new UnigramTokenizer(readUnigram(json, file), file, { names })
  }

  /** Of a spec that was read before. Throws CheckpointError, naming `file`, where there is no token for padding. */
  static fromSpec(spec: UnigramSpec, file: string, rules: PiecedRules = {}): UnigramTokenizer {
    return new UnigramTokenizer(spec, file, rules)
  }

  pieces(text: string): Int32Array {
    return this.#all(text, this.spec.prepend)
  }

  /** A normalizer may take the spaces away, so that their sign is put there whatever the folder says. */
  override restPieces(part: string): Int32Array {
    return this.#all(part, /^\p{White_Space}/u.test(part) ? 'always' : 'never')
  }

  wholeWord(id: number): string | null {
    const token = this.vocabulary[id]
    return this.specialIds.includes(id) || !token.startsWith(SPACE_SIGN) ? null : token.slice(1)
  }

  #all(text: string, prepend: PrependScheme): Int32Array {
    const out: number[] = []
    let first = true
    for (const part of this.#raw.split(text)) {
      const sections = typeof part === 'number' ? [part] : this.#normalized.split(this.normal(part))
      for (const section of sections) {
        if (typeof section === 'number') out.push(section)
        else
          for (const word of this.#words(section, first, prepend))
            for (const id of this.#cut(word)) out.push(id)
        if (section !== '') first = false
      }
    }
    return Int32Array.from(out)
  }

  toJSON(): unknown {
    return writeUnigram(this.spec)
  }

  normal(text: string): string {
    const given = this.spec.before.reduce((own, step) => plainSteps[step](own), text)
    const plain = this.#normalizer?.normalize(given) ?? given
    return this.spec.oneSpace ? plain.replace(/ {2,}/g, ' ') : plain
  }

  /** Each begins with the sign of a space, but for the rest of one that has none in front. */
  #words(section: string, first: boolean, prepend: PrependScheme): string[] {
    const { splitsSpaces } = this.spec
    const parts = splitsSpaces ? section.split(SPACES) : [section]
    return parts.flatMap((part, i) => {
      if (part === '') return []
      const signed = part.replaceAll(' ', SPACE_SIGN)
      const wants = prepend === 'always' || (prepend === 'first' && first && i === 0)
      return (wants && !signed.startsWith(SPACE_SIGN) ? SPACE_SIGN + signed : signed).split(/(?=\u2581)/)
    })
  }

  /** The parts in which its table changes a text, and what becomes of each; null where nothing does. */
  changed(text: string): (readonly [part: string, made: string])[] | null {
    const table = this.#normalizer
    return table === null || table.normalize(text) === text ? null : [...table.parts(text)]
  }

  /** Pieces of a word that begins with the sign of a space, and the character at which each ends. Of several best ways the first that was found. */
  cut(word: string): { ids: readonly number[]; ends: readonly number[] } {
    const chars = [...word]
    const n = chars.length
    const score = new Float64Array(n + 1)
    const from = new Int32Array(n + 1).fill(-1)
    const piece = new Int32Array(n + 1)
    const offer = (start: number, end: number, id: number, value: number) => {
      const sum = value + score[start]
      if (from[end] >= 0 && !(sum > score[end])) return
      score[end] = sum
      from[end] = start
      piece[end] = id
    }
    const { scores } = this.spec
    for (let start = 0; start < n; start++) {
      let at: Branch | undefined = this.#root
      let single = false
      for (let end = start; end < n; end++) {
        at = at.next.get(chars[end])
        if (at === undefined) break
        if (at.id === null) continue
        offer(start, end + 1, at.id, scores[at.id])
        if (end === start) single = true
      }
      if (!single) offer(start, start + 1, this.unkId, this.#unknown)
    }
    const ids: number[] = []
    const ends: number[] = []
    for (let end = n; end > 0; end = from[end]) {
      // One after the other they are one unknown text.
      if (piece[end] === this.unkId && ids.at(-1) === this.unkId) continue
      ids.push(piece[end])
      ends.push(end)
    }
    return { ids: ids.reverse(), ends: ends.reverse() }
  }
}
