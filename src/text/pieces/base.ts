// What all tokenizers of pieces share, as Python's tokenizers have it: roles of tokens, templates around texts, truncation.
import { CheckpointError } from '../../errors.js'
import { shown } from '../../formats/json.js'
import type { TruncationSide } from '../../formats/tokenizers/tokenizer-config.js'
import type { PiecedSpec } from '../../formats/tokenizers/tokenizer-json.js'
import type { RoleNames } from '../../formats/tokenizers/vocabulary.js'
import {
  checkMaxLength,
  type Encoded,
  type EncodeOptions,
  longestFirst,
  type Tokenizer,
} from '../encoding.js'

/** Names of the tokens with a role, of RoBERTa's kin. */
export const robertaRoles = { pad: '<pad>', unk: '<unk>', cls: '<s>', sep: '</s>', mask: '<mask>' }

/** Of GPT-2: one token ends texts, and stands wherever another is asked for. */
export const gpt2Roles = { pad: '<|endoftext|>', unk: '<|endoftext|>', sep: '<|endoftext|>' }

/** Words whose pieces are kept, and the longest of them in characters. */
const [KEPT, LONGEST] = [2 ** 16, 64]

/** The same as `cut`, which takes longer than to look a word up that was met before. */
export function remembering(cut: (word: string) => readonly number[]): (word: string) => readonly number[] {
  const known = new Map<string, readonly number[]>()
  return (word) => {
    const before = known.get(word)
    if (before !== undefined) return before
    const ids = cut(word)
    if (word.length > LONGEST) return ids
    if (known.size >= KEPT) known.clear()
    known.set(word, ids)
    return ids
  }
}

/** Pieces of a text inside an encoded one. */
export interface PlacedPieces {
  start: number
  length: number
  /** Pieces that were cut off in front of them. */
  skipped: number
}

/** What a folder says of a tokenizer besides its spec. */
export interface PiecedRules {
  names?: RoleNames & { unk?: string }
  /** The end at which longer texts are cut. Default right. */
  truncationSide?: TruncationSide
  /** Tokens of a text that the model was made for. */
  modelMaxLength?: number | null
}

/** Of every tokenizer whose words are cut into pieces. */
export abstract class PiecedTokenizer<Spec extends PiecedSpec = PiecedSpec> implements Tokenizer {
  readonly padId: number
  readonly unkId: number
  readonly clsId: number | null
  readonly sepId: number | null
  readonly maskId: number | null
  readonly specialIds: readonly number[]
  readonly truncationSide: TruncationSide
  readonly modelMaxLength: number | null

  /** `usual`: names of the tokens with a role, where the folder names none. */
  protected constructor(
    readonly spec: Spec,
    file: string,
    { names = {}, truncationSide = 'right', modelMaxLength = null }: PiecedRules,
    usual: Required<RoleNames> & { unk: string },
  ) {
    this.truncationSide = truncationSide
    this.modelMaxLength = modelMaxLength
    const ids = new Map(spec.vocabulary.map((token, id) => [token, id]))
    const role = (token: string) => ids.get(token) ?? null
    const pad = names.pad ?? usual.pad
    const padId = role(pad)
    if (padId === null)
      throw new CheckpointError(
        file,
        `has no ${shown(pad)}`,
        'Name the padding token in tokenizer_config.json',
      )
    this.padId = padId
    // Where nothing is unknown, as with bytes, no text has it.
    this.unkId = role(spec.unk ?? names.unk ?? usual.unk) ?? padId
    this.clsId = role(names.cls ?? usual.cls)
    this.sepId = role(names.sep ?? usual.sep)
    this.maskId = role(names.mask ?? usual.mask)
    const roles = [this.padId, this.unkId, this.clsId, this.sepId, this.maskId]
    const special = [...roles, ...spec.added.filter((t) => t.special).map((t) => t.id)]
    this.specialIds = [...new Set(special)].filter((id) => id !== null).sort((a, b) => a - b)
  }

  get vocabulary(): readonly string[] {
    return this.spec.vocabulary
  }

  get vocabSize(): number {
    return this.spec.vocabulary.length
  }

  abstract pieces(text: string): Int32Array

  /** A text, or a part of one, as the vocabulary has it: lower-cased, composed, or whatever else is done before it is cut. */
  abstract normal(text: string): string

  /** Pieces of a part of a text, with the spaces before it, behind another part: nothing is put in front of it. */
  restPieces(part: string): Int32Array {
    return this.pieces(part)
  }

  /** The word that a token by itself is, behind a space; null for a part of one and for special tokens. */
  abstract wholeWord(id: number): string | null

  /** The words of a text that was not split, each with its place: what stands between spaces, where the model knows no other words. */
  wordsOf(text: string): [word: string, start: number][] {
    return Array.from(text.matchAll(/\P{White_Space}+/gu), (found) => [found[0], found.index])
  }

  /** Of a word of a text that was split before, as transformers' is_split_into_words: each by itself, as behind a space. */
  wordPieces(word: string): Int32Array {
    return this.pieces(word)
  }

  abstract toJSON(): unknown

  /** As transformers' `tokenizer(text, text_pair, truncation='longest_first', max_length=maxLength)`, on its truncation_side. */
  encode(text: string, textB: string | null = null, options: EncodeOptions = {}): Encoded {
    const { ids, typeIds } = this.encodePieces(
      this.pieces(text),
      textB === null ? null : this.pieces(textB),
      options,
    )
    return { ids, typeIds }
  }

  /** The same of texts that are pieces already, with what is left of each and where it stands. */
  encodePieces(
    first: Int32Array,
    second: Int32Array | null = null,
    { maxLength = Infinity }: EncodeOptions = {},
  ): Encoded & { texts: readonly [PlacedPieces, PlacedPieces] } {
    const template = second === null ? this.spec.single : this.spec.pair
    const constant = template.reduce((n, part) => n + ('ids' in part ? part.ids.length : 0), 0)
    checkMaxLength(maxLength, Math.max(1, constant))
    const pieces = [first, second ?? new Int32Array(0)]
    const [a, b] = longestFirst(pieces[0].length, pieces[1].length, maxLength - constant)
    const kept = [a, b]
    const left = this.truncationSide === 'left'
    const texts = pieces.map((own, i) => {
      return { start: 0, length: kept[i], skipped: left ? own.length - kept[i] : 0 }
    }) as [PlacedPieces, PlacedPieces]
    const length = a + b + constant
    if (length === 0) return { ids: Int32Array.of(this.unkId), typeIds: new Int32Array(1), texts }
    const ids = new Int32Array(length)
    const typeIds = new Int32Array(length)
    let at = 0
    for (const part of template) {
      let own: ArrayLike<number>
      if ('ids' in part) own = part.ids
      else {
        const which = part.text === 'A' ? 0 : 1
        texts[which].start = at
        const { skipped, length } = texts[which]
        own = pieces[which].subarray(skipped, skipped + length)
      }
      ids.set(own, at)
      typeIds.fill(part.type, at, at + own.length)
      at += own.length
    }
    return { ids, typeIds, texts }
  }
}
