// Words like a word, by the cosine of their vectors: for words that are several pieces to the masked-language model.
import { tensor } from '../../autograd/create.js'
import { noGrad } from '../../autograd/graph.js'
import { matmul } from '../../autograd/ops/products/matmul.js'
import { transpose } from '../../autograd/ops/shape/views.js'
import { tidy } from '../../autograd/tidy.js'
import type { WordVectors } from '../../files/data/vectors.js'
import { cut, inOrder, selectRows } from '../../nn/data.js'
import type { Tensor } from '../../tensor/tensor.js'
import type { PiecedTokenizer } from '../../text/pieces/base.js'
import { largest } from './largest.js'
import { type MayChange, type Word, wholeWords } from './words.js'

/** Words compared with the whole table at once. */
const AT_ONCE = 48

type Asked = Pick<Word, 'normal' | 'pieces'>

export class Neighbours {
  readonly #words: readonly string[]
  readonly #places: ReadonlyMap<string, number>
  /** [width, words], of length 1 each: a view of [words, width]. */
  readonly #columns: Tensor
  /** A word's vector of any length; null where it has none. */
  readonly #vectorOf: (word: Asked) => Float32Array | null

  private constructor(
    { words, width, table }: WordVectors,
    vectorOf: ((word: Asked) => Float32Array | null) | null = null,
  ) {
    const rows = tensor(table, { shape: [words.length, width] })
    const unit = rows.elements as Float32Array
    const rowAt = (place: number) => unit.subarray(place * width, (place + 1) * width)
    for (const place of words.keys()) scaleToUnit(rowAt(place))
    this.#words = words
    this.#places = new Map(words.map((word, place) => [word, place]))
    this.#columns = transpose(rows, 0, 1)
    this.#vectorOf =
      vectorOf ??
      (({ normal }) => {
        const place = this.#places.get(normal)
        return place === undefined ? null : rowAt(place)
      })
  }

  /** Of vectors from a file. Words that it lacks have no neighbours. */
  static ofVectors(vectors: WordVectors): Neighbours {
    return new Neighbours(vectors)
  }

  /**
   * Of a model's own embeddings [vocabulary, width]: neighbours are the words of the vocabulary that may change, and a word
   * of several pieces is the mean of their rows. One with an unknown piece has none. Beginnings of words look like words
   * there (transp of transporting), and are the most like: `may` should know words.
   */
  static ofEmbeddings(embeddings: Tensor, tokenizer: PiecedTokenizer, may: MayChange): Neighbours {
    const width = embeddings.shape[1]
    const rows = embeddings.elements as Float32Array
    const { ids, words } = wholeWords(tokenizer, may)
    return new Neighbours(
      { words: [...words.values()], width, table: selectRows(rows, width, ids) },
      ({ pieces }) => {
        if (pieces.length === 0 || pieces.includes(tokenizer.unkId)) return null
        const sum = new Float32Array(width)
        for (const id of pieces) for (let c = 0; c < width; c++) sum[c] += rows[id * width + c]
        return sum
      },
    )
  }

  /** Of each word the up to `topK` nearest, the nearest first, never the word itself. */
  of(asked: readonly Asked[], topK: number): string[][] {
    const vectors = asked.map((word) => this.#vectorOf(word))
    const known = inOrder(asked.length).filter((i) => vectors[i] !== null)
    const found = asked.map((): string[] => [])
    const all = inOrder(this.#words.length)
    for (const group of cut(known, AT_ONCE)) {
      tidy(() => {
        const width = this.#columns.shape[0]
        const queries = new Float32Array(group.length * width)
        group.forEach((i, row) => {
          queries.set(vectors[i] as Float32Array, row * width)
        })
        const product = noGrad(() => matmul(tensor(queries, { shape: [group.length, width] }), this.#columns))
        const cosines = product.elements as Float32Array // by the query's length, which orders them as well
        group.forEach((i, row) => {
          const own = cosines.subarray(row * all.length, (row + 1) * all.length)
          const places = largest(own, topK, all, this.#places.get(asked[i].normal) ?? null)
          found[i] = places.map((place) => this.#words[place])
        })
      })
    }
    return found
  }

  dispose(): void {
    this.#columns.dispose()
  }
}

/** A row of zeros stays one: it is like nothing. */
function scaleToUnit(row: Float32Array): void {
  const length = Math.sqrt(row.reduce((sum, x) => sum + x * x, 0))
  if (length > 0) for (let i = 0; i < row.length; i++) row[i] /= length
}
