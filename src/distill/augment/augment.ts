// More texts out of labelled ones, for a student to learn from what its teacher says of them. Jiao et al. 2020 (TinyBERT),
// algorithm 1: a word of one piece is hidden and guessed by a masked-language model, one of several has neighbours.
import type { WordVectors } from '../../nn/io/vectors.js'
import type { Encoded } from '../../nn/text/encoding.js'
import type { TextRow } from '../../nn/text/rows.js'
import type { WordPieceTokenizer } from '../../nn/text/wordpiece.js'
import { keyOf } from '../../tensor/rng.js'
import type { Tensor } from '../../tensor/tensor.js'
import type { WordGuesser } from '../recipes/masked.js'
import { drawSamples, type Slot } from './draw.js'
import { guess, type Hidden } from './guesses.js'
import { Neighbours } from './neighbours.js'
import { englishStopWords } from './stop-words.js'
import { contentWords, inCaseOf, type MayChange, piecesOf, type Word, wholeWords, wordsOf } from './words.js'

/** A masked-language model and what belongs to it. */
export interface AugmentModel {
  model: WordGuesser
  tokenizer: WordPieceTokenizer
  /** Longest input in tokens. Words behind it are guessed by nobody and stay. */
  maxLength: number
  /** Of its words, [vocabulary, width]. */
  embeddings: Tensor
}

export interface AugmentOptions {
  /** K: candidates for a word. Default 15. */
  topK?: number
  /** p_t: chance of a word to be replaced. Default 0.4. */
  p?: number
  /** N_a: samples drawn of a text. Default 20. */
  n?: number
  seed?: number
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
  /** Number of the first row, where those before it were done by another call. Default 0. */
  first?: number
}

export interface AugmentedRow {
  row: TextRow
  /** Different from the row and from each other. Their label is the row's. */
  samples: Pick<TextRow, 'text' | 'textB'>[]
}

/** Rows whose words are guessed together. */
const BLOCK = 64

interface OpenText {
  text: string
  words: Word[]
  /** Of each word. */
  candidates: (readonly string[])[]
}

/**
 * Each row with its samples, in their order, as a function of seed, row number and text alone. Of a pair each text is
 * augmented while the model reads both, and a sample has one of them new and the other as it was: up to 2 n samples.
 * (The official code goes on with the last new first text there.) Unlike it and like the paper, the model does not read
 * the unmasked text besides. What stays as it is: stop words, numbers, punctuation, words without candidates.
 * In memory are 64 rows and the neighbours of the words met. The model is in eval mode afterwards.
 * Throws RangeError for a vocabulary without [MASK] or without whole words.
 */
export function* augmentRows(
  rows: Iterable<TextRow>,
  source: AugmentModel,
  options: AugmentOptions = {},
): Generator<AugmentedRow> {
  const { p = 0.4, n = 20, seed = 1, first = 0 } = options
  const finder = new CandidateFinder(source, options)
  let number = first
  try {
    for (const block of blocksOf(rows, BLOCK)) {
      const open = block.map(({ text, textB }) =>
        [text, textB].map((t) => (t === null ? null : finder.open(t))),
      )
      finder.find(open)
      for (const [i, row] of block.entries()) {
        const [samples, samplesB] = open[i].map((text, side) =>
          text === null
            ? []
            : drawSamples(text.text, slotsOf(text), keyOf(seed, 'augment', number, side), { p, n }),
        )
        const one = samples.map((text) => ({ text, textB: row.textB }))
        const other = samplesB.map((textB) => ({ text: row.text, textB }))
        yield { row, samples: [...one, ...other] }
        number++
      }
    }
  } finally {
    finder.dispose()
  }
}

function* blocksOf<T>(items: Iterable<T>, size: number): Generator<T[]> {
  let block: T[] = []
  for (const item of items) {
    block.push(item)
    if (block.length < size) continue
    yield block
    block = []
  }
  if (block.length > 0) yield block
}

function slotsOf({ words, candidates }: OpenText): Slot[] {
  return words.flatMap(({ word, start }, i) =>
    candidates[i].length === 0
      ? []
      : [{ start, end: start + word.length, candidates: candidates[i].map((c) => inCaseOf(word, c)) }],
  )
}

class CandidateFinder {
  readonly #may: MayChange
  readonly #among: Int32Array
  readonly #neighbours: Neighbours
  /** Of words met so far. */
  readonly #known = new Map<string, readonly string[]>()
  readonly #maskId: number

  constructor(
    readonly source: AugmentModel,
    readonly options: AugmentOptions,
  ) {
    const { model, tokenizer, embeddings } = source
    const { stopWords = englishStopWords, vectors = null, known = null } = options
    if (tokenizer.maskId === null) throw new RangeError('augment: the vocabulary has no [MASK]')
    this.#maskId = tokenizer.maskId
    this.#may = contentWords(stopWords)
    this.#among = wholeWords(tokenizer, this.#may)
    if (this.#among.length < 2)
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
        let piece = 0
        text.words.forEach(({ normal, pieces }, i) => {
          const at = piece
          piece += pieces.length
          if (!this.#may(normal)) return
          if (pieces.length !== 1 || pieces[0] === tokenizer.unkId) others.push([text, i])
          else if (at < placed[side].length) {
            hidden.push({ input: input as Encoded, at: placed[side].start + at })
            places.push([text, i])
          }
        })
      })
    }
    const guessed = guess(model, hidden, {
      ...{ maskId: this.#maskId, among: this.#among },
      ...{ topK, batchSize },
    })
    places.forEach(([text, i], at) => {
      text.candidates[i] = guessed[at].map((id) => tokenizer.vocabulary[id])
    })
    this.#findNeighbours(others, topK)
  }

  #findNeighbours(places: readonly [OpenText, number][], topK: number): void {
    const fresh = new Map<string, Word>()
    for (const [{ words }, i] of places) {
      const word = words[i]
      if (!this.#known.has(word.normal)) fresh.set(word.normal, word)
    }
    const found = this.#neighbours.of([...fresh.values()], topK)
    for (const [i, name] of [...fresh.keys()].entries()) this.#known.set(name, found[i])
    for (const [text, i] of places) text.candidates[i] = this.#known.get(text.words[i].normal) ?? []
  }

  dispose(): void {
    this.#neighbours.dispose()
  }
}
