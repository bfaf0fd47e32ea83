// A vocabulary of whole words, kept as a Hugging Face tokenizer.json (WordLevel) that Python's tokenizers reads as well.
import { CheckpointError } from '../errors.js'
import { shown } from '../formats/json.js'
import { checkMaxLength, type Encoded, type EncodeOptions, longestFirst, type Tokenizer } from './encoding.js'

/** A run of letters and digits, or any one other character that is no space. Of lower-cased text. */
const WORD = '[a-z0-9]+|[^a-z0-9\\s]'
const PAD = '[PAD]'
const UNK = '[UNK]'

/** A tokenizer of whole words, without BERT's special tokens. */
export class WordTokenizer implements Tokenizer {
  readonly padId = 0
  readonly unkId = 1
  readonly clsId = null
  readonly sepId = null
  readonly maskId = null
  readonly specialIds = [0, 1]
  readonly #ids: ReadonlyMap<string, number>
  readonly #pattern = new RegExp(WORD, 'gu')

  /** vocabulary: id -> word, the first two being [PAD] and [UNK]. */
  private constructor(readonly vocabulary: readonly string[]) {
    this.#ids = new Map(vocabulary.map((word, id) => [word, id]))
  }

  /** Of the `size` commonest words, [PAD] and [UNK] counted in; equally common ones in alphabetical order. */
  static build(texts: Iterable<string>, { size = 12000 }: { size?: number } = {}): WordTokenizer {
    const counts = new Map<string, number>()
    const tokenizer = new WordTokenizer([PAD, UNK])
    for (const text of texts) {
      for (const word of tokenizer.words(text)) counts.set(word, (counts.get(word) ?? 0) + 1)
    }
    const words = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).map(([word]) => word)
    return new WordTokenizer([PAD, UNK, ...words.slice(0, Math.max(0, size - 2))])
  }

  get size(): number {
    return this.vocabulary.length
  }

  get vocabSize(): number {
    return this.size
  }

  words(text: string): string[] {
    return text.toLowerCase().match(this.#pattern) ?? []
  }

  pieces(text: string): Int32Array {
    return this.#idsOf(this.words(text))
  }

  /**
   * Ids of at most `maxLength` words, those of a second text behind the first's. What has no words is one [UNK], so that
   * nothing is empty.
   */
  encode(text: string, textB: string | null = null, { maxLength = Infinity }: EncodeOptions = {}): Encoded {
    checkMaxLength(maxLength, 1)
    const first = this.words(text)
    const second = textB === null ? [] : this.words(textB)
    const [a, b] = longestFirst(first.length, second.length, maxLength)
    const ids = this.#idsOf([...first.slice(0, a), ...second.slice(0, b)])
    if (ids.length === 0) return { ids: Int32Array.of(this.unkId), typeIds: new Int32Array(1) }
    return { ids, typeIds: new Int32Array(a + b).fill(1, a) }
  }

  #idsOf(words: readonly string[]): Int32Array {
    return Int32Array.from(words, (word) => this.#ids.get(word) ?? this.unkId)
  }

  /** The document for tokenizer.json. */
  toJSON(): unknown {
    const special = (content: string, id: number) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })
    return {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: [special(PAD, this.padId), special(UNK, this.unkId)],
      normalizer: { type: 'Lowercase' },
      pre_tokenizer: { type: 'Split', pattern: { Regex: WORD }, behavior: 'Removed', invert: true },
      post_processor: null,
      decoder: null,
      // fromEntries defines own properties, so that a word __proto__ is kept.
      model: { type: 'WordLevel', vocab: Object.fromEntries(this.#ids), unk_token: UNK },
    }
  }

  /** Reads what toJSON wrote. Throws CheckpointError on anything else, naming `file` and the field. */
  static fromJSON(json: unknown, file = 'tokenizer.json'): WordTokenizer {
    const refuse = (what: string): never => {
      throw new CheckpointError(file, what, 'Use the tokenizer.json that was saved beside the model')
    }
    const field = (value: unknown, name: string): unknown =>
      typeof value === 'object' && value !== null
        ? Object.getOwnPropertyDescriptor(value, name)?.value
        : undefined
    const model = field(json, 'model')
    if (field(model, 'type') !== 'WordLevel') refuse('model.type must be WordLevel')
    if (field(field(field(json, 'pre_tokenizer'), 'pattern'), 'Regex') !== WORD)
      refuse(`pre_tokenizer.pattern.Regex must be ${WORD}`)
    const vocab = field(model, 'vocab')
    if (typeof vocab !== 'object' || vocab === null || Array.isArray(vocab))
      refuse('model.vocab must be an object')
    const entries = Object.entries(vocab as object)
    const words = new Array<string>(entries.length)
    for (const [word, id] of entries) {
      if (!Number.isInteger(id) || id < 0 || id >= entries.length || words[id] !== undefined)
        refuse(
          `model.vocab: the ids must be 0 to ${entries.length - 1}, each once; ${shown(word)} has ${typeof id === 'number' ? id : 'none'}`,
        )
      words[id] = word
    }
    if (words[0] !== PAD || words[1] !== UNK) refuse(`model.vocab: ids 0 and 1 must be ${PAD} and ${UNK}`)
    return new WordTokenizer(words)
  }
}
