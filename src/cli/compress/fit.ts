// How wide a student is that must not be larger than what is asked for, and which rare words it does without for that.
import type { TransformerConfig } from '../../nn/models/config.js'
import type { PiecedTokenizer } from '../../text/pieces/base.js'

/** A vocabulary without the words that texts have fewer than minCount times. */
export interface Left {
  minCount: number
  words: number
}

/** Of the texts' pieces, how many may become shorter ones: on WordNet these are of a quarter of the words. */
const SHARE = 0.0125

/** Vocabularies from the largest on, of a tokenizer without unused words. */
export function leftBy(
  tokenizer: Pick<PiecedTokenizer, 'pieces' | 'vocabSize'>,
  texts: readonly string[],
): Left[] {
  const counts = new Int32Array(tokenizer.vocabSize)
  for (const text of texts) for (const id of tokenizer.pieces(text)) counts[id]++
  const used = counts.filter((count) => count > 0).sort()
  const most = SHARE * used.reduce((sum, count) => sum + count, 0)
  const all: Left[] = [{ minCount: 1, words: counts.length }]
  let gone = 0
  for (const [i, count] of used.entries()) {
    gone += count
    if (gone > most) break
    if (used[i + 1] !== count) all.push({ minCount: count + 1, words: counts.length - i - 1 })
  }
  return all
}

/** The shape of a student but for its width. */
export interface Shape {
  /** Its width where there is room for it. */
  most: number
  /** Widths are multiples of it. */
  step: number
  layers: number
  /** Numbers in a block's matrices. */
  block(width: number): number
}

/** Scales, norms and biases, as a share of all. */
const REST = 0.04

/** Of weights in whole numbers, one byte each; tables of places and types stay floats. */
const bytes = (width: number, words: number, places: number, { layers, block }: Shape) =>
  (1 + REST) * (width * (words + 4 * places + width) + layers * block(width))

/**
 * The widest student that in whole numbers has targetSize bytes at most, with the most words of `left`: rare words go before
 * width does. Where none is as small, the narrowest, with all words: to lose some would be in vain.
 */
export function fitted(
  shape: Shape,
  left: readonly Left[],
  { maxLength, tokenTypes }: Pick<TransformerConfig, 'maxLength' | 'tokenTypes'>,
  targetSize = Infinity,
): { width: number; minCount: number } {
  const { most, step } = shape
  for (let width = most; width >= step; width -= step) {
    const own = left.find(({ words }) => bytes(width, words, maxLength + tokenTypes, shape) <= targetSize)
    if (own !== undefined) return { width, minCount: own.minCount }
  }
  return { width: step, minCount: 1 }
}
