// BERT's tokenizer: @huggingface/tokenizers finds the pieces of words; its characters and added tokens, as Python has them, are
// ours.
import {
  type AddedToken,
  readWordPiece,
  type WordPieceSpec,
  writeWordPiece,
} from '../formats/tokenizers/tokenizer-json.js'
import { type RoleNames, vocabularySpec } from '../formats/tokenizers/vocabulary.js'
import { normalizeBert, placedInText, splitBert } from './bert-normalizer.js'
import { type PiecedRules, PiecedTokenizer } from './pieces/base.js'
import { Finder } from './pieces/finder.js'
import { pieceFinder } from './pieces/library.js'

/** How texts are cleaned before they are cut into pieces. */
export interface VocabularyOptions {
  /** Default true. */
  lowercase?: boolean
  /** Default: as lowercase. */
  stripAccents?: boolean
  /** Spaces around Chinese characters. Default true. */
  chineseChars?: boolean
}

const ROLES = { pad: '[PAD]', unk: '[UNK]', cls: '[CLS]', sep: '[SEP]', mask: '[MASK]' }

/** BERT's tokenizer: words, cut into pieces that the vocabulary has. */
export class WordPieceTokenizer extends PiecedTokenizer<WordPieceSpec> {
  readonly #find: (text: string) => readonly number[]
  readonly #raw: Finder
  readonly #normalized: Finder

  private constructor(spec: WordPieceSpec, file: string, rules: PiecedRules) {
    super(spec, file, rules, ROLES)
    const { normalizing, added } = spec
    this.#find = pieceFinder(writeWordPiece(spec) as object, splitBert)
    // The spaces beside a token are the token's or nobody's: they only separate words.
    const sought = ({ id, content }: AddedToken) => ({ id, content })
    this.#raw = new Finder(added.filter((t) => !t.normalized).map(sought))
    this.#normalized = new Finder(
      added
        .filter((t) => t.normalized)
        .map(({ id, content }) => ({ id, content: normalizeBert(content, normalizing) })),
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
  static fromSpec(spec: WordPieceSpec, file: string, rules: PiecedRules = {}): WordPieceTokenizer {
    return new WordPieceTokenizer(spec, file, rules)
  }

  pieces(text: string): Int32Array {
    const out: number[] = []
    const push = (ids: readonly number[]) => {
      for (const id of ids) out.push(id)
    }
    for (const section of this.#raw.split(text)) {
      if (typeof section === 'number') out.push(section)
      else {
        for (const part of this.#normalized.split(this.normal(section)))
          push(typeof part === 'number' ? [part] : this.#find(part))
      }
    }
    return Int32Array.from(out)
  }

  normal(text: string): string {
    return normalizeBert(text, this.spec.normalizing)
  }

  wholeWord(id: number): string | null {
    const token = this.vocabulary[id]
    return this.specialIds.includes(id) || token.startsWith(this.spec.prefix) ? null : token
  }

  /** The pieces of a word of the normalized text. */
  cut(word: string): readonly number[] {
    return this.#find(word)
  }

  override wordsOf(text: string): [word: string, start: number][] {
    return placedInText(text, this.spec.normalizing)
  }

  toJSON(): unknown {
    return writeWordPiece(this.spec)
  }
}
