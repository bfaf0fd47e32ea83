// Texts as a DataSet: encoded once, batched by length.
import { DataError } from '../errors.js'
import type { DataSet } from '../nn/data.js'
import type { TextInput } from '../nn/models/input.js'
import { flatBatch, lengthBatches, padBatch } from './batches.js'
import type { Encoded, Tokenizer } from './encoding.js'

/** Of textData(). */
export interface TextDataOptions {
  /**
   * Whether batches are padded to their longest text, or hold the words alone. The order is the same, and so are the
   * results, but for which hidden elements dropout drops. Default false.
   */
  padding?: boolean
  /** Second texts, one a row; null where a row has none. */
  pairs?: readonly (string | null)[] | null
  /** What each logit of a row is to be, row by row: numbers, or 1 and 0 for the classes that the text is of and is not. */
  targets?: ArrayLike<number> | null
}

/**
 * Batches of int32 { inputIds, starts } or, padded, { inputIds, attentionMask }; with tokenTypeIds where the tokenizer
 * separates texts or there are pairs. Throws DataError where the lengths of the lists differ.
 */
export function textData(
  texts: readonly string[],
  labels: ArrayLike<number> | null,
  tokenizer: Tokenizer,
  maxLength: number,
  { padding = false, pairs = null, targets = null }: TextDataOptions = {},
): DataSet<TextInput> {
  for (const [name, list] of Object.entries({ labels, pairs, targets })) {
    // Of targets there may be several a row.
    const fits =
      name === 'targets'
        ? (n: number) => n % Math.max(1, texts.length) === 0 && n >= texts.length
        : (n: number) => n === texts.length
    if (list !== null && !fits(list.length))
      throw new DataError('textData', `${texts.length} texts have ${list.length} ${name}`)
  }
  const encoded = texts.map((text, i) => tokenizer.encode(text, pairs?.[i] ?? null, { maxLength }))
  const typed = tokenizer.sepId !== null || pairs !== null
  return {
    ...encodedData(encoded, tokenizer.padId, { padding, typed }),
    labels: labels === null ? null : Int32Array.from(labels),
    ...(targets !== null && { targets: Float32Array.from(targets) }),
  }
}

/** Encoded texts as a DataSet without labels. typed: whether batches have token types. */
export function encodedData(
  encoded: readonly Encoded[],
  padId: number,
  { padding = false, typed = false }: { padding?: boolean; typed?: boolean } = {},
): DataSet<TextInput> {
  const ids = encoded.map((e) => e.ids)
  const typeIds = typed ? encoded.map((e) => e.typeIds) : undefined
  const lengths = ids.map((row) => row.length)
  return {
    size: encoded.length,
    labels: null,
    batches: (batchSize, key) => lengthBatches(lengths, batchSize, key),
    input: (rows) => (padding ? padBatch(ids, rows, padId, typeIds) : flatBatch(ids, rows, typeIds)),
    tokens: (rows) => rows.reduce((n, row) => n + lengths[row], 0),
  }
}
