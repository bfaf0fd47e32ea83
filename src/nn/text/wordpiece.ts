// BERT's tokenizer: @huggingface/tokenizers finds the added tokens and the pieces of words, with normalizer and splitter
// put right; templates and truncation are here.
import * as huggingface from '@huggingface/tokenizers'
import { CheckpointError } from '../../errors.js'
import { normalizeBert, splitBert } from './bert-normalizer.js'
import { checkMaxLength, type Encoded, type EncodeOptions, longestFirst, type Tokenizer } from './encoding.js'
import { bertTemplates, readWordPiece, type WordPieceSpec, writeWordPiece } from './wordpiece-json.js'

/** What is used of the library, whose own types do not resolve under NodeNext. The first two are called as functions. */
interface Library {
  normalizer: ((text: string) => string) | null
  pre_tokenizer: ((text: string) => string[]) | null
  encode(text: string): { ids: number[] }
}

/** The tokens of the roles, where a model names them otherwise. */
export interface RoleNames {
  pad?: string
  cls?: string
  sep?: string
  mask?: string
}

export interface VocabularyOptions {
  /** Default true. */
  lowercase?: boolean
  /** Default: as lowercase. */
  stripAccents?: boolean
  /** Spaces around Chinese characters. Default true. */
  chineseChars?: boolean
}

const ROLES = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]']

export class WordPieceTokenizer implements Tokenizer {
  readonly padId: number
  readonly unkId: number
  readonly clsId: number | null
  readonly sepId: number | null
  readonly maskId: number | null
  readonly specialIds: readonly number[]
  readonly #library: Library

  private constructor(
    readonly spec: WordPieceSpec,
    file: string,
    names: RoleNames,
  ) {
    const { vocabulary, normalizing, added } = spec
    const ids = new Map(vocabulary.map((token, id) => [token, id]))
    const role = (token: string) => ids.get(token) ?? null
    const pad = names.pad ?? '[PAD]'
    this.padId =
      role(pad) ?? refuse(file, `has no ${JSON.stringify(pad)}`, 'Name the padding token in tokenizer_config.json')
    this.unkId = ids.get(spec.unk) as number
    this.clsId = role(names.cls ?? '[CLS]')
    this.sepId = role(names.sep ?? '[SEP]')
    this.maskId = role(names.mask ?? '[MASK]')
    const roles = [this.padId, this.unkId, this.clsId, this.sepId, this.maskId]
    const special = [...roles, ...added.filter((t) => t.special).map((t) => t.id)]
    this.specialIds = [...new Set(special)].filter((id) => id !== null).sort((a, b) => a - b)

    const document = { ...(writeWordPiece(spec) as object), post_processor: null, decoder: null }
    this.#library = new huggingface.Tokenizer(document, {}) as unknown as Library
    const normalize = (text: string) => normalizeBert(text, normalizing)
    for (const { content, normalized } of added) {
      // The library has prepared to look for these by its own normalizer.
      if (normalized && this.#library.normalizer?.(content) !== normalize(content))
        refuse(file, `added_tokens: ${JSON.stringify(content)} cannot be looked for in normalized text`)
    }
    this.#library.normalizer = normalize
    this.#library.pre_tokenizer = splitBert
  }

  /**
   * Of a tokenizer.json: model WordPiece, BertNormalizer or none, BertPreTokenizer, templates with texts A and B.
   * Throws CheckpointError on anything else, naming `file` and the field.
   */
  static fromJSON(json: unknown, file = 'tokenizer.json', names: RoleNames = {}): WordPieceTokenizer {
    return new WordPieceTokenizer(readWordPiece(json, file), file, names)
  }

  /** Of the tokens of a vocab.txt, which say nothing of lower-casing. Throws CheckpointError, naming `file`. */
  static fromVocabulary(
    vocabulary: readonly string[],
    { lowercase = true, stripAccents = lowercase, chineseChars = true }: VocabularyOptions = {},
    file = 'vocab.txt',
  ): WordPieceTokenizer {
    const ids = new Map<string, number>()
    vocabulary.forEach((token, id) => {
      if (ids.has(token))
        refuse(file, `has ${JSON.stringify(token)} on the lines ${(ids.get(token) as number) + 1} and ${id + 1}`)
      ids.set(token, id)
    })
    const idOf = (token: string) =>
      ids.get(token) ?? refuse(file, `has no ${token}`, 'It is no vocabulary of the BERT family')
    const added = ROLES.map((content) => ({ id: idOf(content), content, special: true, normalized: false }))
    const spec = {
      ...{ vocabulary, modelSize: vocabulary.length, added: added.sort((a, b) => a.id - b.id) },
      normalizing: { cleanText: true, chineseChars, stripAccents, lowercase },
      ...{ unk: '[UNK]', prefix: '##', maxChars: 100 },
      ...bertTemplates(idOf('[CLS]'), idOf('[SEP]')),
    }
    return new WordPieceTokenizer(spec, file, {})
  }

  get vocabulary(): readonly string[] {
    return this.spec.vocabulary
  }

  get vocabSize(): number {
    return this.spec.vocabulary.length
  }

  pieces(text: string): Int32Array {
    return Int32Array.from(this.#library.encode(text).ids)
  }

  /** As transformers' `tokenizer(text, text_pair, truncation='longest_first', max_length=maxLength)`. */
  encode(
    text: string,
    textB: string | null = null,
    { maxLength = Infinity }: EncodeOptions = {},
  ): Encoded {
    const template = textB === null ? this.spec.single : this.spec.pair
    const constant = template.reduce((n, part) => n + ('ids' in part ? part.ids.length : 0), 0)
    checkMaxLength(maxLength, Math.max(1, constant))
    const first = this.pieces(text)
    const second = textB === null ? new Int32Array(0) : this.pieces(textB)
    const [a, b] = longestFirst(first.length, second.length, maxLength - constant)
    const length = a + b + constant
    if (length === 0) return { ids: Int32Array.of(this.unkId), typeIds: new Int32Array(1) }
    const ids = new Int32Array(length)
    const typeIds = new Int32Array(length)
    let at = 0
    for (const part of template) {
      const own = 'ids' in part ? part.ids : part.text === 'A' ? first.subarray(0, a) : second.subarray(0, b)
      ids.set(own, at)
      typeIds.fill(part.type, at, at + own.length)
      at += own.length
    }
    return { ids, typeIds }
  }

  toJSON(): unknown {
    return writeWordPiece(this.spec)
  }
}

function refuse(file: string, what: string, hint?: string): never {
  throw new CheckpointError(file, what, hint)
}
