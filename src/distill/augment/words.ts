// The words of a text: where each stands, what the model makes of it, and whether it may be replaced.
import { placedWords } from '../../text/bert-normalizer.js'
import type { PiecedTokenizer } from '../../text/pieces/base.js'

export interface Word {
  /** As it stands in the text, from character `start` on. */
  word: string
  start: number
  /** As the tokenizer has it: lower-cased, without accents, or whatever else it does. */
  normal: string
  pieces: Int32Array
}

/** Whether a word, as the tokenizer has it, may be replaced and may take another's place. */
export type MayChange = (word: string) => boolean

/** One letter alone is an initial, or a piece of n't. */
const LETTERS = /^\p{L}[\p{L}\p{M}]+$/u

/**
 * Two letters or more and no stop word. Numbers and punctuation stay: another number is another fact. The rule for what may
 * stand in a word's place is the same, so that a content word is replaced by content words.
 */
export function contentWords(stopWords: ReadonlySet<string>): MayChange {
  return (word) => LETTERS.test(word) && !stopWords.has(word.toLowerCase())
}

/**
 * BERT's words of a text, each with the pieces of it and of the space before it. One after the other they are the text's, but
 * where pieces go over the borders of words, as 't of don't may: such a word is read in other pieces and stays as it is.
 */
export function wordsOf(text: string, tokenizer: PiecedTokenizer): Word[] {
  let done = 0
  return placedWords(text).map(([word, start]) => {
    const part = text.slice(done, start + word.length)
    const pieces = done === 0 ? tokenizer.pieces(part) : tokenizer.restPieces(part)
    done = start + word.length
    return { word, start, normal: tokenizer.normal(word).trim(), pieces }
  })
}

/** Pieces of all words. */
export function piecesOf(words: readonly Word[]): Int32Array {
  const out = new Int32Array(words.reduce((n, { pieces }) => n + pieces.length, 0))
  let at = 0
  for (const { pieces } of words) {
    out.set(pieces, at)
    at += pieces.length
  }
  return out
}

/** Tokens of the vocabulary that are whole words and may take another's place, with their ids, which rise. */
export function wholeWords(
  tokenizer: PiecedTokenizer,
  may: MayChange,
): { ids: Int32Array; words: ReadonlyMap<number, string> } {
  const words = new Map<number, string>()
  for (let id = 0; id < tokenizer.vocabSize; id++) {
    const word = tokenizer.wholeWord(id)
    if (word !== null && may(word)) words.set(id, word)
  }
  return { ids: Int32Array.from(words.keys()), words }
}

/** `word` in the case of the one whose place it takes: Film, FILM. Where the tokenizer keeps cases it has its own. */
export function inCaseOf(model: string, word: string): string {
  if (model === model.toLowerCase()) return word
  if (model === model.toUpperCase()) return word.toUpperCase()
  const [[was], [first, ...rest]] = [[...model], [...word]]
  return was === was.toLowerCase() ? word : first.toUpperCase() + rest.join('')
}
