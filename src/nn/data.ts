// What training needs to know of data: how many rows, in which batches, and a batch as the model takes it.
import type { Key } from '../tensor/rng.js'

export interface DataSet<Input> {
  readonly size: number
  /** Class of each row; null where there are none. */
  readonly labels: Int32Array | null
  /** Row numbers in batches: shuffled as a function of the key, or (null) in an order that is good for evaluation. */
  batches(batchSize: number, key: Key | null): Int32Array[]
  input(rows: Int32Array): Input
  /** Units of work in these rows, for progress: tokens of texts. */
  tokens(rows: Int32Array): number
}
