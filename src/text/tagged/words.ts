// Sentences of words as a model of tokens takes them: which token is of which word, and a DataSet with an answer a word.
import { tensor } from '../../autograd/create.js'
import { DataError } from '../../errors.js'
import type { DataSet } from '../../nn/data.js'
import type { TextInput } from '../../nn/models/input.js'
import { encodedData } from '../dataset.js'
import type { Encoded, EncodeOptions } from '../encoding.js'
import type { PiecedTokenizer } from '../pieces/base.js'
import { readingOf, roomOf, type SentenceReading, type WordReader, type WordWindow } from './windows.js'

/** A sentence of words as a model takes it. */
export interface EncodedWords extends Encoded {
  /** Of each token the number of its word, -1 for special tokens: transformers' word_ids. */
  wordIds: Int32Array
  /** Of each word its first token, which answers for it; -1 where it has none, or none that was not cut off. */
  places: Int32Array
}

/** Ids and word_ids of transformers' `tokenizer(words, is_split_into_words=True, truncation=True, max_length=maxLength)`. */
export const encodeWords = (
  tokenizer: PiecedTokenizer,
  words: readonly string[],
  options: EncodeOptions = {},
): EncodedWords =>
  encodedPieces(
    tokenizer,
    words.map((word) => tokenizer.wordPieces(word)),
    options,
  )

/** The same of words that are pieces already. */
function encodedPieces(
  tokenizer: PiecedTokenizer,
  pieces: readonly Int32Array[],
  options: EncodeOptions = {},
): EncodedWords {
  const all = Int32Array.from(pieces.flatMap((own) => [...own]))
  const { ids, typeIds, texts } = tokenizer.encodePieces(all, null, options)
  const [{ start, length, skipped }] = texts
  const wordOf = pieces.flatMap((own, word) => Array.from(own, () => word))
  const wordIds = new Int32Array(ids.length).fill(-1)
  const places = new Int32Array(pieces.length).fill(-1)
  for (let i = length - 1; i >= 0; i--) {
    const word = wordOf[skipped + i]
    wordIds[start + i] = word
    places[word] = start + i
  }
  return { ids, typeIds, wordIds, places }
}

/** How sentences of words are read. */
export interface WordsOptions {
  /** Tokens that two windows of a sentence have in common. Default 128, a third of a window where that is less. */
  docStride?: number | undefined
  /** Of each sentence, where others read it too: readingOf(). Default: as its one reader would. */
  readings?: readonly SentenceReading[] | undefined
}

/** A row of what a model reads: a sentence, or a window of it. Its places are of the window's words. */
export interface WordRow extends EncodedWords {
  sentence: number
  window: WordWindow
  heard: SentenceReading['heard']
}

/** The rows of sentences. Of a word that has no room by itself the first tokens are read. Throws RangeError for windows that would not go on. */
export function wordRows(
  sentences: readonly (readonly string[])[],
  reader: WordReader,
  { docStride, readings }: WordsOptions = {},
): WordRow[] {
  const { tokenizer } = reader
  const room = roomOf(reader)
  return sentences.flatMap((words, sentence) => {
    const pieces = words.map((word) => tokenizer.wordPieces(word).subarray(0, room))
    const { windows, heard } = readings?.[sentence] ?? readingOf(words, [reader], docStride)
    return windows.map((window) => ({
      ...encodedPieces(tokenizer, pieces.slice(window.from, window.to)),
      ...{ sentence, window, heard },
    }))
  })
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
 * the words that are asked for (`at`). A row is a sentence, or where that is longer than maxLength a window of it, of whose words it is
 * asked for those that stand farther from its edges than from those of other windows. Throws DataError where labels are not as many as
 * words, RangeError for windows that would not go on.
 */
export function wordData(
  sentences: readonly (readonly string[])[],
  labels: ArrayLike<number> | null,
  tokenizer: PiecedTokenizer,
  maxLength: number,
  { padding = false, ...options }: WordsOptions & { padding?: boolean } = {},
): DataSet<TextInput> {
  const items = startsOf(sentences)
  const count = items[sentences.length]
  if (labels !== null && labels.length !== count)
    throw new DataError('wordData', `${count} words have ${labels.length} labels`)
  const encoded = wordRows(sentences, { tokenizer, maxLength }, options)
  const data = encodedData(encoded, tokenizer.padId, { padding, typed: tokenizer.sepId !== null })
  const starts = Int32Array.from([
    ...encoded.map(({ sentence, window }) => items[sentence] + window.first),
    count,
  ])
  /** Of each row the words that are asked for, counted in its sentence. */
  const asked = encoded.map(({ places, heard, window: { from, first, last } }) =>
    Array.from({ length: last - first }, (_, i) => first + i).filter(
      (word) => places[word - from] >= 0 && heard?.[word] !== false,
    ),
  )
  return {
    ...data,
    labels: labels === null ? null : Int32Array.from(labels),
    answers: {
      ...{ starts, items },
      asked: (rows) =>
        Int32Array.from(
          Array.from(rows).flatMap((row) => asked[row].map((word) => items[encoded[row].sentence] + word)),
        ),
    },
    input: (rows) => {
      const input = data.input(rows)
      const [, T] = input.inputIds.shape
      let before = 0
      const at = Array.from(rows).flatMap((row, b) => {
        const { ids, places, window } = encoded[row]
        const from = padding ? b * T : before
        before += ids.length
        return asked[row].map((word) => from + places[word - window.from])
      })
      return { ...input, at: tensor(Int32Array.from(at)) }
    },
  }
}
