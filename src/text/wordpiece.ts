// BERT's tokenizer: @huggingface/tokenizers finds the pieces of words. What it does otherwise than Python is done here:
// characters, added tokens, templates, truncation.
import * as huggingface from '@huggingface/tokenizers'
import { CheckpointError } from '../errors.js'
import { shown } from '../formats/json.js'
import type { TruncationSide } from '../formats/tokenizer-config.js'
import { readWordPiece, type WordPieceSpec, writeWordPiece } from '../formats/tokenizer-json.js'
import { type RoleNames, vocabularySpec } from '../formats/vocabulary.js'
import { normalizeBert, splitBert } from './bert-normalizer.js'
import { checkMaxLength, type Encoded, type EncodeOptions, longestFirst, type Tokenizer } from './encoding.js'

/** What is used of the library, whose own types do not resolve under NodeNext. It calls pre_tokenizer as a function. */
interface Library {
  pre_tokenizer: (text: string) => string[]
  post_processor: null
  encode(text: string): { ids: number[] }
}

/** How texts are cleaned before they are cut into pieces. */
export interface VocabularyOptions {
  /** Default true. */
  lowercase?: boolean
  /** Default: as lowercase. */
  stripAccents?: boolean
  /** Spaces around Chinese characters. Default true. */
  chineseChars?: boolean
}

/** Pieces of a text inside an encoded one. */
export interface PlacedPieces {
  start: number
  length: number
  /** Pieces that were cut off in front of them. */
  skipped: number
}

/** What a folder says of a tokenizer besides its spec. */
export interface WordPieceRules {
  names?: RoleNames
  /** The end at which longer texts are cut. Default right. */
  truncationSide?: TruncationSide
  /** Tokens of a text that the model was made for. */
  modelMaxLength?: number | null
}

/** BERT's tokenizer: words, cut into pieces that the vocabulary has. */
export class WordPieceTokenizer implements Tokenizer {
  readonly padId: number
  readonly unkId: number
  readonly clsId: number | null
  readonly sepId: number | null
  readonly maskId: number | null
  readonly specialIds: readonly number[]
  readonly truncationSide: TruncationSide
  readonly modelMaxLength: number | null
  readonly #library: Library
  readonly #raw: Finder
  readonly #normalized: Finder

  private constructor(
    readonly spec: WordPieceSpec,
    file: string,
    { names = {}, truncationSide = 'right', modelMaxLength = null }: WordPieceRules,
  ) {
    this.truncationSide = truncationSide
    this.modelMaxLength = modelMaxLength
    const { vocabulary, normalizing, added } = spec
    const ids = new Map(vocabulary.map((token, id) => [token, id]))
    const role = (token: string) => ids.get(token) ?? null
    const pad = names.pad ?? '[PAD]'
    this.padId =
      role(pad) ?? refuse(file, `has no ${shown(pad)}`, 'Name the padding token in tokenizer_config.json')
    this.unkId = ids.get(spec.unk) as number
    this.clsId = role(names.cls ?? '[CLS]')
    this.sepId = role(names.sep ?? '[SEP]')
    this.maskId = role(names.mask ?? '[MASK]')
    const roles = [this.padId, this.unkId, this.clsId, this.sepId, this.maskId]
    const special = [...roles, ...added.filter((t) => t.special).map((t) => t.id)]
    this.specialIds = [...new Set(special)].filter((id) => id !== null).sort((a, b) => a - b)

    const document = { ...(writeWordPiece(spec) as object), added_tokens: [], normalizer: null }
    this.#library = new huggingface.Tokenizer(document, {}) as unknown as Library
    this.#library.post_processor = null
    this.#library.pre_tokenizer = splitBert
    this.#raw = new Finder(added.filter((t) => !t.normalized).map((t) => [t.content, t.id]))
    this.#normalized = new Finder(
      added.filter((t) => t.normalized).map((t) => [normalizeBert(t.content, normalizing), t.id]),
    )
  }

  /**
   * Of a tokenizer.json: model WordPiece, BertNormalizer or none, BertPreTokenizer, templates with texts A and B.
   * Throws CheckpointError on anything else, naming `file` and the field.
   */
  static fromJSON(json: unknown, file = 'tokenizer.json', names: RoleNames = {}): WordPieceTokenizer {
    return new WordPieceTokenizer(readWordPiece(json, file), file, { names })
  }

  /**
   * Of the tokens of a vocab.txt, which say nothing of lower-casing. Of a token that stands twice the last id counts. Throws
   * CheckpointError, naming `file`.
   */
  static fromVocabulary(
    vocabulary: readonly string[],
    { lowercase = true, stripAccents = lowercase, chineseChars = true }: VocabularyOptions = {},
    file = 'vocab.txt',
  ): WordPieceTokenizer {
    const normalizing = { cleanText: true, chineseChars, stripAccents, lowercase }
    return new WordPieceTokenizer(vocabularySpec(vocabulary, { normalizing }, file), file, {})
  }

  /** Of a spec that was read before. Throws CheckpointError, naming `file`, where there is no token for padding. */
  static fromSpec(spec: WordPieceSpec, file: string, rules: WordPieceRules = {}): WordPieceTokenizer {
    return new WordPieceTokenizer(spec, file, rules)
  }

  get vocabulary(): readonly string[] {
    return this.spec.vocabulary
  }

  get vocabSize(): number {
    return this.spec.vocabulary.length
  }

  pieces(text: string): Int32Array {
    const out: number[] = []
    const push = (ids: readonly number[]) => {
      for (const id of ids) out.push(id)
    }
    for (const section of this.#raw.split(text)) {
      if (typeof section === 'number') out.push(section)
      else {
        for (const part of this.#normalized.split(normalizeBert(section, this.spec.normalizing)))
          push(typeof part === 'number' ? [part] : this.#library.encode(part).ids)
      }
    }
    return Int32Array.from(out)
  }

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

  toJSON(): unknown {
    return writeWordPiece(this.spec)
  }
}

/**
 * Finds added tokens in a text, the leftmost first and of those the longest. The library's own search also takes a whole
 * text for a token that it only became by normalizing.
 */
class Finder {
  readonly #ids: ReadonlyMap<string, number>
  readonly #pattern: RegExp | null

  constructor(tokens: readonly (readonly [string, number])[]) {
    const found = tokens.filter(([content]) => content !== '')
    this.#ids = new Map(found)
    const longest = [...this.#ids.keys()].sort((a, b) => b.length - a.length)
    const escaped = longest.map((content) => content.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'))
    this.#pattern = escaped.length === 0 ? null : new RegExp(`(${escaped.join('|')})`, 'u')
  }

  /** The text in sections, ids where tokens were. */
  split(text: string): (string | number)[] {
    if (this.#pattern === null) return [text]
    return text.split(this.#pattern).map((part, i) => (i % 2 === 0 ? part : (this.#ids.get(part) as number)))
  }
}

function refuse(file: string, what: string, hint?: string): never {
  throw new CheckpointError(file, what, hint)
}
