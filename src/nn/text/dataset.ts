// Texts as a DataSet: encoded once, batched by length.
import type { DataSet } from '../data.js'
import type { TextInput } from '../models/classifier.js'
import { lengthBatches, padBatch } from './batches.js'
import type { WordTokenizer } from './tokenizer.js'

export function textData(
  texts: readonly string[],
  labels: ArrayLike<number> | null,
  tokenizer: WordTokenizer,
  maxLength: number,
): DataSet<TextInput> {
  const ids = texts.map((text) => tokenizer.encode(text, maxLength))
  const lengths = ids.map((row) => row.length)
  return {
    size: texts.length,
    labels: labels === null ? null : Int32Array.from(labels),
    batches: (batchSize, key) => lengthBatches(lengths, batchSize, key),
    input: (rows) => padBatch(ids, rows, tokenizer.padId),
    tokens: (rows) => rows.reduce((n, row) => n + lengths[row], 0),
  }
}
