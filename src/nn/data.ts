// What training needs to know of data: how many rows, in which batches, and a batch as the model takes it. And what
// data sets are made of.
import type { Key } from '../tensor/rng.js'

/** Rows 0 to n - 1 in their order. */
export function inOrder(n: number): Int32Array {
  return Int32Array.from({ length: n }, (_, i) => i)
}

/** Cut into pieces of `size`; the last may be shorter. */
export function cut(rows: Int32Array, size: number): Int32Array[] {
  return Array.from({ length: Math.ceil(rows.length / size) }, (_, i) => rows.slice(i * size, (i + 1) * size))
}

/** Rows of a matrix [n, width], one after the other. */
export function selectRows(matrix: Float32Array, width: number, rows: ArrayLike<number>): Float32Array {
  const out = new Float32Array(rows.length * width)
  for (let i = 0; i < rows.length; i++) {
    out.set(matrix.subarray(rows[i] * width, (rows[i] + 1) * width), i * width)
  }
  return out
}

/** Rows as a training takes them: in batches, each as the model's input. */
export interface DataSet<Input> {
  readonly size: number
  /** Class of each row; null where there are none. */
  readonly labels: Int32Array | null
  /**
   * What each logit is to be, [size, logits], where a row has no single class: numbers to be predicted, or 1 and 0 for the
   * classes that it is of and is not.
   */
  readonly targets?: Float32Array
  /** Row numbers in batches: shuffled as a function of the key, or (null) in an order that is good for evaluation. */
  batches(batchSize: number, key: Key | null): Int32Array[]
  input(rows: Int32Array): Input
  /** Units of work in these rows, for progress: tokens of texts. */
  tokens(rows: Int32Array): number
}
