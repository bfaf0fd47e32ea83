// What may stand in a word's place: a word of one piece is hidden and guessed by a masked-language model, one of several
// pieces has neighbours.
import type { WordVectors } from '../../files/data/vectors.js'
import type { Tensor } from '../../tensor/tensor.js'
import type { PiecedTokenizer } from '../../text/pieces/base.js'
import type { WordGuesser } from '../../train/masked.js'
import { guess, type Hidden } from './guesses.js'
import { Neighbours } from './neighbours.js'
import { englishStopWords } from './stop-words.js'
import { contentWords, type MayChange, piecesOf, type Word, wholeWords, wordsOf } from './words.js'

/** A masked-language model and what belongs to it. */
export interface AugmentModel {
  model: WordGuesser
  tokenizer: PiecedTokenizer
  /** Longest input in tokens. Words behind it are guessed by nobody and stay. */
  maxLength: number
  /** Of its words, [vocabulary, width]. */
  embeddings: Tensor
}

export interface CandidateOptions {
  /** K: candidates for a word. Default 15. */
  topK?: number
  /** Hidden words in a forward pass; does not show in the result. Default 64. */
  batchSize?: number
  /** Lower-case words that stay as they are. Default: English ones. */
  stopWords?: ReadonlySet<string>
  /** For words of several pieces. Default: the model's own embeddings. */
  vectors?: WordVectors | null
  /**
   * Where there are no vectors, neighbours are taken from these words of the vocabulary alone, as the tokenizer has them:
   * the vocabulary does not tell a word from the beginning of one. Default: all of it.
   */
  known?: ReadonlySet<string> | null
}

/** A text and what may stand in the place of its words. */
export interface OpenText {
  text: string
  words: Word[]
  /** Of each word; empty for one that stays. */
  candidates: (readonly string[])[]
}

export class CandidateFinder {
  readonly #may: MayChange
  /** Tokens that may be guessed, and the words that they are. */
  readonly #among: ReturnType<typeof wholeWords>
  readonly #neighbours: Neighbours
  /** Of words met so far. */
  readonly #met = new Map<string, readonly string[]>()
  readonly #maskId: number

  constructor(
    readonly source: AugmentModel,
    readonly options: CandidateOptions,
  ) {
    const { model, tokenizer, embeddings } = source
    const { stopWords = englishStopWords, vectors = null, known = null } = options
    if (tokenizer.maskId === null)
      throw new RangeError('augment: the vocabulary has no token for a hidden word')
    this.#maskId = tokenizer.maskId
    this.#may = contentWords(stopWords)
    this.#among = wholeWords(tokenizer, this.#may)
    if (this.#among.ids.length < 2)
      throw new RangeError('augment: the vocabulary has no whole words that could replace others')
    this.#neighbours =
      vectors === null
        ? Neighbours.ofEmbeddings(
            embeddings,
            tokenizer,
            (word) => this.#may(word) && (known?.has(word) ?? true),
          )
        : Neighbours.ofVectors(vectors)
    model.eval()
  }

  /** Without candidates yet. */
  open(text: string): OpenText {
    const words = wordsOf(text, this.source.tokenizer)
    return { text, words, candidates: words.map(() => []) }
  }

  /** Fills in the candidates of all words. */
  find(rows: readonly (readonly (OpenText | null)[])[]): void {
    const { model, tokenizer, maxLength } = this.source
    const { topK = 15, batchSize = 64 } = this.options
    const hidden: Hidden[] = []
    const places: [OpenText, number][] = []
    const others: [OpenText, number][] = []
    for (const [a, b] of rows) {
      const texts = [a, b].flatMap((text) => text ?? [])
      const pieces = texts.map(({ words }) => piecesOf(words))
      const { texts: placed, ...input } = tokenizer.encodePieces(pieces[0], pieces[1] ?? null, { maxLength })
      texts.forEach((text, side) => {
        let piece = -placed[side].skipped
        text.words.forEach(({ normal, pieces }, i) => {
          const at = piece
          piece += pieces.length
          if (!this.#may(normal)) return
          if (pieces.length !== 1 || pieces[0] === tokenizer.unkId) others.push([text, i])
          else if (at >= 0 && at < placed[side].length) {
            hidden.push({ input, at: placed[side].start + at })
            places.push([text, i])
          }
        })
      })
    }
    const guessed = guess(model, hidden, {
      ...{ maskId: this.#maskId, among: this.#among.ids },
      ...{ topK, batchSize },
    })
    places.forEach(([text, i], at) => {
      text.candidates[i] = guessed[at].map((id) => this.#among.words.get(id) as string)
    })
    this.#findNeighbours(others, topK)
  }

  #findNeighbours(places: readonly [OpenText, number][], topK: number): void {
    const fresh = new Map<string, Word>()
    for (const [{ words }, i] of places) {
      const word = words[i]
      if (!this.#met.has(word.normal)) fresh.set(word.normal, word)
    }
    const found = this.#neighbours.of([...fresh.values()], topK)
    for (const [i, name] of [...fresh.keys()].entries()) this.#met.set(name, found[i])
    for (const [text, i] of places) text.candidates[i] = this.#met.get(text.words[i].normal) ?? []
  }

  dispose(): void {
    this.#neighbours.dispose()
  }
}
