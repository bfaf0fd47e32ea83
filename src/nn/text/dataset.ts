// Texts as a DataSet: encoded once, batched by length.
import type { DataSet } from '../data.js'
import type { TextInput } from '../models/input.js'
import { flatBatch, lengthBatches, padBatch } from './batches.js'
import type { WordTokenizer } from './tokenizer.js'

/**
 * padding: whether batches are padded to their longest text, or hold the words alone. The order is the same, and so are
 * the results, but for which hidden elements dropout drops.
 */
export function textData(
  texts: readonly string[],
  labels: ArrayLike<number> | null,
  tokenizer: WordTokenizer,
  maxLength: number,
  { padding = false }: { padding?: boolean } = {},
): DataSet<TextInput> {
  const ids = texts.map((text) => tokenizer.encode(text, maxLength))
  const lengths = ids.map((row) => row.length)
  return {
    size: texts.length,
    labels: labels === null ? null : Int32Array.from(labels),
    batches: (batchSize, key) => lengthBatches(lengths, batchSize, key),
    input: (rows) => (padding ? padBatch(ids, rows, tokenizer.padId) : flatBatch(ids, rows)),
    tokens: (rows) => rows.reduce((n, row) => n + lengths[row], 0),
  }
}
