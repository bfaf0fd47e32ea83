// Texts as counts of their words and pairs of words, weighted by how rare these are. As scikit-learn's TfidfVectorizer has it
// with ngram_range=(1, 2), sublinear_tf=True: Salton and Buckley 1988.
import { log } from '../../tensor/math.js'

/** A matrix [size, width] of which most is 0: of row r, columns[i] and values[i] for i from starts[r] to below starts[r + 1]. */
export interface SparseRows {
  size: number
  width: number
  starts: Int32Array
  columns: Int32Array
  values: Float64Array
}

export interface TfidfOptions {
  /** Terms that fewer texts have are left out. Default 2. */
  minDf?: number
  /** Of more terms, those are kept that the most texts have. Default: all. */
  maxTerms?: number
}

type Pairs = readonly (string | null)[] | null

/** Two or more letters, digits or underlines of any script, in small letters. */
const wordsOf = (text: string): string[] => text.toLowerCase().match(/[\p{L}\p{N}_]{2,}/gu) ?? []

const withPairs = (words: readonly string[], mark = ''): string[] => [
  ...words.map((word) => mark + word),
  ...words.slice(1).map((word, i) => `${mark}${words[i]} ${word}`),
]

/** Of a pair of texts, the second's words are terms of their own: no word has a bar. */
const termsOf = (text: string, pair: string | null | undefined): string[] =>
  pair ? [...withPairs(wordsOf(text)), ...withPairs(wordsOf(pair), '|')] : withPairs(wordsOf(text))

export class Tfidf {
  private constructor(
    /** By their column. */
    readonly terms: readonly string[],
    /** Of each term: log((1 + texts) / (1 + texts that have it)) + 1. */
    readonly idf: Float64Array,
    readonly columns: ReadonlyMap<string, number>,
  ) {}

  /** The terms of these texts, in an order that follows from them. pairs: the second text of each, where there is one. */
  static fit(
    texts: readonly string[],
    pairs: Pairs = null,
    { minDf = 2, maxTerms = Infinity }: TfidfOptions = {},
  ): Tfidf {
    const counts = new Map<string, number>()
    texts.forEach((text, i) => {
      for (const term of new Set(termsOf(text, pairs?.[i]))) counts.set(term, (counts.get(term) ?? 0) + 1)
    })
    const common = [...counts].filter(([, count]) => count >= minDf)
    const kept = common.length > maxTerms ? common.sort(([, a], [, b]) => b - a).slice(0, maxTerms) : common
    const terms = kept.map(([term]) => term)
    const idf = Float64Array.from(kept, ([, count]) => log((1 + texts.length) / (1 + count)) + 1)
    return new Tfidf(terms, idf, new Map(terms.map((term, i) => [term, i])))
  }

  /** (1 + log count) idf of each term, rows of length 1. Terms that are not known do not count. */
  transform(texts: readonly string[], pairs: Pairs = null): SparseRows {
    const starts = new Int32Array(texts.length + 1)
    const columns: number[] = []
    const values: number[] = []
    texts.forEach((text, r) => {
      const counts = new Map<number, number>()
      for (const term of termsOf(text, pairs?.[r])) {
        const column = this.columns.get(term)
        if (column !== undefined) counts.set(column, (counts.get(column) ?? 0) + 1)
      }
      let squares = 0
      for (const [column, count] of counts) {
        const x = (1 + log(count)) * this.idf[column]
        squares += x * x
        columns.push(column)
        values.push(x)
      }
      const norm = Math.sqrt(squares)
      for (let i = starts[r]; i < values.length; i++) values[i] /= norm
      starts[r + 1] = columns.length
    })
    return {
      ...{ size: texts.length, width: this.terms.length, starts },
      ...{ columns: Int32Array.from(columns), values: Float64Array.from(values) },
    }
  }
}
