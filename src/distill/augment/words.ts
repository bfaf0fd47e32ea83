// The words of a text: where each stands, what the model makes of it, and whether it may be replaced.
import { normalizeBert, placedWords } from '../../text/bert-normalizer.js'
import type { WordPieceTokenizer } from '../../text/wordpiece.js'

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

/** BERT's words of a text, each with its pieces; those of the text are all of these one after the other. */
export function wordsOf(text: string, tokenizer: WordPieceTokenizer): Word[] {
  const { normalizing } = tokenizer.spec
  return placedWords(text).map(([word, start]) => ({
    ...{ word, start },
    normal: normalizeBert(word, normalizing).trim(),
    pieces: tokenizer.pieces(word),
  }))
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

/** Ids of the vocabulary that are whole words and may take another's place, rising. */
export function wholeWords({ vocabulary, spec, specialIds }: WordPieceTokenizer, may: MayChange): Int32Array {
  const special = new Set(specialIds)
  return Int32Array.from(vocabulary.keys()).filter(
    (id) => !special.has(id) && !vocabulary[id].startsWith(spec.prefix) && may(vocabulary[id]),
  )
}

/** `word` in the case of the one whose place it takes: Film, FILM. Where the tokenizer keeps cases it has its own. */
export function inCaseOf(model: string, word: string): string {
  if (model === model.toLowerCase()) return word
  if (model === model.toUpperCase()) return word.toUpperCase()
  const [[was], [first, ...rest]] = [[...model], [...word]]
  return was === was.toLowerCase() ? word : first.toUpperCase() + rest.join('')
}
