// Sentences that are longer than a model takes, as windows of whole words that overlap; each word is judged in one of them.

import type { PiecedTokenizer } from '../pieces/base.js'
import { checkStride, overlapping, type Part } from '../questions/overlapping.js'
import { usualStride } from '../questions/windows.js'

/** Words `from` to `to` - 1 of a sentence, of which it answers for `first` to `last` - 1. */
export interface WordWindow {
  from: number
  to: number
  first: number
  last: number
}

/** How all that read a sentence take it: the same words in the same windows, whatever their tokens are. */
export interface SentenceReading {
  /** What they answer for is the sentence, one window after the other. */
  windows: readonly WordWindow[]
  /** Of each word whether all of them have a token of it, where nothing else is to be learnt from; null: all that one has. */
  heard: readonly boolean[] | null
}

/** Who reads words, and how many tokens at a time. */
export interface WordReader {
  tokenizer: PiecedTokenizer
  maxLength: number
}

/** Tokens of a window besides those of words. */
const specialOf = (tokenizer: PiecedTokenizer): number =>
  tokenizer.encodePieces(Int32Array.of(tokenizer.padId)).ids.length - 1

/** Tokens of words that a window has room for. */
export const roomOf = ({ tokenizer, maxLength }: WordReader): number => maxLength - specialOf(tokenizer)

/**
 * Windows of words that are so many tokens to each of the readers. A word is answered for where it stands farthest from an edge, counted
 * in words, of two as far in the first; one that nobody has a token of with those beside it.
 */
export function wordWindows(
  readers: readonly { sizes: readonly number[]; room: number }[],
  stride: number,
): WordWindow[] {
  const parts = overlapping(readers, stride)
  const n = readers[0].sizes.length
  if (parts.length === 1) return [{ ...parts[0], first: 0, last: n }]
  const has = (word: number) => readers.some(({ sizes }) => sizes[word] > 0)
  const windows: WordWindow[] = []
  let at = 0
  for (let word = 0; word < n; word++) {
    if (!has(word)) continue
    const inside = ({ from, to }: Part) => Math.min(word - from, to - 1 - word)
    // Both edges of each part lie behind those of the one before: so do the words that are its own.
    while (at + 1 < parts.length && inside(parts[at]) < 0) at++
    let best = at
    for (let i = at + 1; i < parts.length && parts[i].from <= word; i++)
      if (inside(parts[i]) > inside(parts[best])) best = i
    at = best
    const [own] = windows.slice(-1)
    if (own?.from === parts[at].from) own.last = word + 1
    else windows.push({ ...parts[at], first: own?.last ?? 0, last: word + 1 })
  }
  windows[windows.length - 1].last = n
  return windows
}

/** A sentence as all of these read it; `docStride`: tokens of a window that the one before has too, default a usual number of them. */
export function readingOf(
  words: readonly string[],
  readers: readonly WordReader[],
  docStride?: number,
): SentenceReading & { sizes: readonly (readonly number[])[] } {
  const lengths = Math.min(...readers.map(({ maxLength }) => maxLength))
  const rooms = readers.map(roomOf)
  const stride = docStride ?? Math.min(usualStride(lengths), Math.min(...rooms) - 1)
  checkStride(stride, Math.min(...rooms), lengths)
  const sizes = readers.map(({ tokenizer }) => words.map((word) => tokenizer.wordPieces(word).length))
  const windows = wordWindows(
    sizes.map((own, r) => ({ sizes: own, room: rooms[r] })),
    stride,
  )
  return { windows, heard: null, sizes }
}
