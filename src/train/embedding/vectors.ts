// Embeddings of texts, and figures of them: how well cosines agree with people, how many of a teacher's neighbours are found again.
import { tensor } from '../../autograd/create.js'
import { noGrad } from '../../autograd/graph.js'
import { matmul } from '../../autograd/ops/products/matmul.js'
import { transpose } from '../../autograd/ops/shape/views.js'
import { tidy } from '../../autograd/tidy.js'
import type { SentenceEncoder } from '../../nn/models/sentence.js'
import { floats } from '../../tensor/tensor.js'
import { textData } from '../../text/dataset.js'
import type { Tokenizer } from '../../text/encoding.js'
import { eachRowOf, rowProducts } from '../linear/products.js'
import type { SparseRows } from '../linear/tfidf.js'
import { type PredictOptions, predictInTurns } from '../predict.js'
import { pearson, spearman } from '../regression.js'
import type { Figures } from '../reports.js'

/** What embeds texts. */
export interface Embedder {
  model: SentenceEncoder
  tokenizer: Tokenizer
  /** Tokens of a text. */
  maxLength: number
}

/** Vectors of `size` numbers each, one after the other. */
export interface Vectors {
  values: Float32Array
  size: number
}

/** Vectors of a model, or of words: many numbers of which few are not 0, at length 1. */
export type AnyVectors = Vectors | SparseRows

export const rowsOf = (vectors: AnyVectors): number =>
  'starts' in vectors ? vectors.size : vectors.values.length / vectors.size

/** One vector a text, in their order; the model's mode is put back afterwards. */
export async function embed(
  { model, tokenizer, maxLength }: Embedder,
  texts: readonly string[],
  options: PredictOptions = {},
): Promise<Vectors> {
  const data = textData(texts, null, tokenizer, maxLength)
  return { values: await predictInTurns(model, data, options), size: model.size }
}

/** At length 1; a vector of zeros stays one. */
export function atLengthOne({ values, size }: Vectors): Vectors {
  const out = new Float32Array(values.length)
  for (let at = 0; at < values.length; at += size) {
    let square = 0
    for (let i = at; i < at + size; i++) square += values[i] * values[i]
    const length = Math.max(Math.sqrt(square), 1e-12)
    for (let i = at; i < at + size; i++) out[i] = values[i] / length
  }
  return { values: out, size }
}

/** The first `size` numbers of each. Throws RangeError for more than there are. */
export function firstNumbers({ values, size: before }: Vectors, size: number): Vectors {
  if (!(size >= 1 && size <= before)) throw new RangeError(`vectors have ${before} numbers, not ${size}`)
  const n = values.length / before
  const out = new Float32Array(n * size)
  for (let i = 0; i < n; i++) out.set(values.subarray(i * before, i * before + size), i * size)
  return { values: out, size }
}

/** Cosines of row i of `a` with row i of `b`, both of one kind. */
export function cosinesOf<V extends AnyVectors>(a: V, b: V): Float64Array {
  if ('starts' in a) return rowProducts(a, b as SparseRows)
  return denseCosines(a, b as Vectors)
}

function denseCosines(a: Vectors, b: Vectors): Float64Array {
  const [x, y] = [a, b].map((own) => atLengthOne(own).values)
  const { size } = a
  return Float64Array.from({ length: rowsOf(a) }, (_, i) => {
    let dot = 0
    for (let k = i * size; k < (i + 1) * size; k++) dot += x[k] * y[k]
    return dot
  })
}

/** How the cosines of pairs agree with their scores: rank correlation first. Reimers and Gurevych 2019, section 4. */
export const pairFigures = (cosines: ArrayLike<number>, scores: ArrayLike<number>): Figures => ({
  spearman: spearman(cosines, scores),
  pearson: pearson(cosines, scores),
})

/** Rows that are compared with all at a time. */
const BLOCK = 256

/** Told a row and its cosines with all others, which are overwritten afterwards. */
type Visit = (row: number, cosines: Float32Array) => void

/** Row by row the cosines with all of `others`, which is of the same kind. */
function eachRow<V extends AnyVectors>(own: V, others: V, visit: Visit): void {
  if ('starts' in own) eachRowOf(own, others as SparseRows, visit)
  else eachDense(atLengthOne(own), atLengthOne(others as Vectors), visit)
}

function eachDense(own: Vectors, others: Vectors, visit: Visit): void {
  const n = rowsOf(others)
  tidy(() => {
    const all = tensor(others.values, { shape: [n, others.size] })
    for (let from = 0; from < rowsOf(own); from += BLOCK) {
      const values = own.values.subarray(from * own.size, (from + BLOCK) * own.size)
      const rows = values.length / own.size
      tidy(() => {
        const part = tensor(values.slice(), { shape: [rows, own.size] })
        const products = floats(noGrad(() => matmul(part, transpose(all, 0, 1)))) as Float32Array
        for (let i = 0; i < rows; i++) visit(from + i, products.subarray(i * n, (i + 1) * n))
      })
    }
  })
}

/** Places of the k largest, the largest first; of equals the earlier. */
export function largest(values: ArrayLike<number>, k: number): Int32Array {
  const best: number[] = []
  for (let i = 0; i < values.length; i++) {
    if (best.length === k && !(values[i] > values[best[k - 1]])) continue
    let at = best.length
    while (at > 0 && values[i] > values[best[at - 1]]) at--
    best.splice(at, 0, i)
    if (best.length > k) best.pop()
  }
  return Int32Array.from(best)
}

/** Of each row the k others that lie nearest by cosine. */
export function neighbours(vectors: AnyVectors, k: number): Int32Array[] {
  const out: Int32Array[] = []
  eachRow(vectors, vectors, (row, cosines) => {
    cosines[row] = -Infinity
    out.push(largest(cosines, k))
  })
  return out
}

/** Of each row the share of a teacher's k nearest that are among a model's own k nearest, under the name of the figure, recall@k. */
export function recallRows(
  own: AnyVectors,
  teacher: AnyVectors,
  ks: readonly number[] = [1, 10],
): Record<string, Float64Array> {
  const most = Math.max(...ks)
  const [ours, theirs] = [own, teacher].map((vectors) => neighbours(vectors, most))
  const shares = (k: number) =>
    Float64Array.from(ours, (row, i) => {
      const near = new Set(row.subarray(0, k))
      const wanted = theirs[i].subarray(0, k)
      return wanted.filter((j) => near.has(j)).length / Math.max(1, wanted.length)
    })
  return Object.fromEntries(ks.map((k) => [`recall@${k}`, shares(k)]))
}

/** recall@k: the mean of recallRows() over all rows of one set of texts. */
export const recallOf = (own: AnyVectors, teacher: AnyVectors, ks?: readonly number[]): Figures =>
  Object.fromEntries(Object.entries(recallRows(own, teacher, ks)).map(([name, rows]) => [name, meanOf(rows)]))

export const meanOf = (rows: Float64Array): number => rows.reduce((sum, x) => sum + x, 0) / rows.length

/** 1 for the rows of `a` whose nearest among all of `b` is the one of their own number, else 0: whether a translation is found. */
export function foundRows<V extends AnyVectors>(a: V, b: V): Float64Array {
  const found = new Float64Array(rowsOf(a))
  eachRow(a, b, (row, cosines) => {
    if (largest(cosines, 1)[0] === row) found[row] = 1
  })
  return found
}

/** The rows nearest to a vector by cosine, the nearest first. */
export function search(query: Vectors, vectors: Vectors, k: number): { row: number; cosine: number }[] {
  let found: { row: number; cosine: number }[] = []
  eachRow(query, vectors, (_, cosines) => {
    found = Array.from(largest(cosines, k), (row) => ({ row, cosine: cosines[row] }))
  })
  return found
}
