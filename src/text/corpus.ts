// Plain text as a DataSet without labels, for training on masked words: long lines cut, short ones dropped, tokens counted.
import type { DataSet } from '../nn/data.js'
import type { TextInput } from '../nn/models/input.js'
import { encodedData } from './dataset.js'
import { checkMaxLength, type Tokenizer } from './encoding.js'

/** Of corpusData(). */
export interface CorpusOptions {
  /** Longest row in tokens, special ones counted. */
  maxLength: number
  /** Shortest row in tokens, special ones counted. DistilBERT's training has 12. Default 3: one word. */
  minLength?: number
  /** Rows with this share of [UNK] and more are dropped. Default 0.5, as DistilBERT's training. */
  maxUnknown?: number
  /** All lines run together and cut into rows of maxLength, instead of a row or more a line. Default false. */
  blocks?: boolean
  /** As textData's. */
  padding?: boolean
}

/** Plain text as rows of words, for masked words. */
export interface Corpus extends DataSet<TextInput> {
  /** How often each id occurs in the rows. */
  counts: Float64Array
  /** Rows left out as too short or unknown. */
  dropped: number
}

/**
 * Rows [CLS] ... [SEP] of the texts, where the tokenizer has these: a text longer than a row makes several.
 * Throws RangeError where maxLength has no room for a word.
 */
export function corpusData(
  texts: Iterable<string>,
  tokenizer: Tokenizer,
  { maxLength, minLength = 3, maxUnknown = 0.5, blocks = false, padding = false }: CorpusOptions,
): Corpus {
  const { clsId, sepId, unkId } = tokenizer
  const head = clsId === null ? [] : [clsId]
  const tail = sepId === null ? [] : [sepId]
  checkMaxLength(maxLength, head.length + tail.length + 1)
  const room = maxLength - head.length - tail.length
  const rows: Int32Array[] = []
  const counts = new Float64Array(tokenizer.vocabSize)
  let dropped = 0
  const keep = (pieces: Int32Array) => {
    const unknown = pieces.reduce((n, id) => n + (id === unkId ? 1 : 0), 0)
    const length = pieces.length + head.length + tail.length
    if (pieces.length === 0 || length < minLength || unknown / length >= maxUnknown) {
      dropped++
      return
    }
    const row = Int32Array.of(...head, ...new Int32Array(pieces.length), ...tail)
    row.set(pieces, head.length)
    for (const id of row) counts[id]++
    rows.push(row)
  }
  /** Tokens of a row that the next line goes on with. */
  let rest = new Int32Array(0)
  for (const text of texts) {
    const own = tokenizer.pieces(text)
    const pieces = blocks ? joined(rest, own) : own
    const whole = blocks ? pieces.length - (pieces.length % room) : pieces.length
    for (let i = 0; i < whole; i += room) keep(pieces.subarray(i, Math.min(i + room, whole)))
    if (blocks) rest = pieces.slice(whole)
    else if (own.length === 0) dropped++
  }
  if (rest.length > 0) keep(rest)
  const encoded = rows.map((ids) => ({ ids, typeIds: new Int32Array(ids.length) }))
  return { ...encodedData(encoded, tokenizer.padId, { padding, typed: sepId !== null }), counts, dropped }
}

function joined(a: Int32Array, b: Int32Array): Int32Array<ArrayBuffer> {
  const out = new Int32Array(a.length + b.length)
  out.set(a)
  out.set(b, a.length)
  return out
}

/** Of runningData(). */
export interface RunningOptions {
  /** Tokens of a row. */
  maxLength: number
  /** As textData's. */
  padding?: boolean
}

/**
 * Plain text for training on next words: all texts run together, each with the token that ends one behind it where the tokenizer has
 * that, and cut into rows of maxLength tokens; the last may be shorter, and has two at least. As GPT-2 was trained. Throws RangeError.
 */
export function runningData(
  texts: Iterable<string>,
  tokenizer: Tokenizer,
  { maxLength, padding = false }: RunningOptions,
): DataSet<TextInput> {
  checkMaxLength(maxLength, 2)
  const end = tokenizer.sepId === null ? [] : [tokenizer.sepId]
  const rows: Int32Array[] = []
  let rest: number[] = []
  for (const text of texts) {
    for (const id of tokenizer.pieces(text)) rest.push(id)
    rest.push(...end)
    let at = 0
    for (; at + maxLength <= rest.length; at += maxLength)
      rows.push(Int32Array.from(rest.slice(at, at + maxLength)))
    rest = rest.slice(at)
  }
  if (rest.length > 1) rows.push(Int32Array.from(rest))
  const encoded = rows.map((ids) => ({ ids, typeIds: new Int32Array(ids.length) }))
  return encodedData(encoded, tokenizer.padId, { padding })
}
