// Sentences of words as a model of tokens takes them: which token is of which word, and a DataSet with an answer a word.
import { tensor } from '../../autograd/create.js'
import { DataError } from '../../errors.js'
import type { DataSet } from '../../nn/data.js'
import type { TextInput } from '../../nn/models/input.js'
import { encodedData } from '../dataset.js'
import type { Encoded, EncodeOptions } from '../encoding.js'
import type { PiecedTokenizer } from '../pieces/base.js'

/** A sentence of words as a model takes it. */
export interface EncodedWords extends Encoded {
  /** Of each token the number of its word, -1 for special tokens: transformers' word_ids. */
  wordIds: Int32Array
  /** Of each word its first token, which answers for it; -1 where it has none, or none that was not cut off. */
  places: Int32Array
}

/** Ids and word_ids of transformers' `tokenizer(words, is_split_into_words=True, truncation=True, max_length=maxLength)`. */
export function encodeWords(
  tokenizer: PiecedTokenizer,
  words: readonly string[],
  options: EncodeOptions = {},
): EncodedWords {
  const pieces = words.map((word) => tokenizer.wordPieces(word))
  const all = Int32Array.from(pieces.flatMap((own) => [...own]))
  const { ids, typeIds, texts } = tokenizer.encodePieces(all, null, options)
  const [{ start, length, skipped }] = texts
  const wordOf = pieces.flatMap((own, word) => Array.from(own, () => word))
  const wordIds = new Int32Array(ids.length).fill(-1)
  const places = new Int32Array(words.length).fill(-1)
  for (let i = length - 1; i >= 0; i--) {
    const word = wordOf[skipped + i]
    wordIds[start + i] = word
    places[word] = start + i
  }
  return { ids, typeIds, wordIds, places }
}

/** [sentences + 1]: where the words of each begin among those of all. */
export function startsOf(sentences: readonly (readonly string[])[]): Int32Array {
  const starts = new Int32Array(sentences.length + 1)
  sentences.forEach(({ length }, i) => {
    starts[i + 1] = starts[i] + length
  })
  return starts
}

/**
 * Sentences of words with a label each, all one after the other, -100 for a word without: batches as textData's, with the places of
 * the words that are asked for (`at`). Throws DataError where labels are not as many as words.
 */
export function wordData(
  sentences: readonly (readonly string[])[],
  labels: ArrayLike<number> | null,
  tokenizer: PiecedTokenizer,
  maxLength: number,
  { padding = false }: { padding?: boolean } = {},
): DataSet<TextInput> {
  const starts = startsOf(sentences)
  const count = starts[sentences.length]
  if (labels !== null && labels.length !== count)
    throw new DataError('wordData', `${count} words have ${labels.length} labels`)
  const encoded = sentences.map((words) => encodeWords(tokenizer, words, { maxLength }))
  const data = encodedData(encoded, tokenizer.padId, { padding, typed: tokenizer.sepId !== null })
  /** Of each sentence the words that are asked for. */
  const placed = encoded.map(({ places }) => [...places.keys()].filter((word) => places[word] >= 0))
  return {
    ...data,
    labels: labels === null ? null : Int32Array.from(labels),
    answers: {
      starts,
      asked: (rows) =>
        Int32Array.from(Array.from(rows).flatMap((row) => placed[row].map((word) => starts[row] + word))),
    },
    input: (rows) => {
      const input = data.input(rows)
      const [, T] = input.inputIds.shape
      let before = 0
      const at = Array.from(rows).flatMap((row, b) => {
        const from = padding ? b * T : before
        before += encoded[row].ids.length
        return placed[row].map((word) => from + encoded[row].places[word])
      })
      return { ...input, at: tensor(Int32Array.from(at)) }
    },
  }
}
