// A question and its text as a model takes them: the question first, and of a long text windows that overlap, as transformers has them.
import type { Encoded } from '../encoding.js'
import type { PiecedTokenizer } from '../pieces/base.js'
import { checkStride, overlapping } from './overlapping.js'
import type { PlacedTokens } from './placed-pieces.js'

/** How long windows are, and how much two have in common. */
export interface WindowRules {
  /** Tokens of a window, the question and special ones counted. */
  maxLength: number
  /** Tokens of the text that a window has of the one before: transformers' stride. */
  docStride: number
}

/** A question and part of its text, as a model takes them. */
export interface Window extends Encoded {
  /** The token at which the text begins, and how many are the text's. */
  first: number
  length: number
  /** The number of the first among all tokens of the text. */
  from: number
}

/** Tokens of a window where nobody asks for another number, and of a text in two of them: transformers' run_qa. */
export const [USUAL_WINDOW, USUAL_STRIDE] = [384, 128]

/** Tokens in training where nobody asks for another number; undefined: as texts have. */
export const usualOf = (task: string | null): number | undefined =>
  task === 'spans' ? USUAL_WINDOW : undefined

/** What is usual; of short windows a third. */
export const usualStride = (maxLength: number): number => Math.min(USUAL_STRIDE, Math.floor(maxLength / 3))

/**
 * Windows of transformers' `tokenizer(question, context, truncation="only_second", max_length, stride, return_overflowing_tokens=True)`.
 * A question has half of a window at most: more is cut off, where Python refuses or goes on in tiny steps. Throws RangeError where
 * windows have so much in common that none would go on.
 */
export function windowsOf(
  tokenizer: PiecedTokenizer,
  question: Int32Array,
  { ids }: Pick<PlacedTokens, 'ids'>,
  { maxLength, docStride }: WindowRules,
): Window[] {
  const special = tokenizer.encodePieces(new Int32Array(0), new Int32Array(0)).ids.length
  const half = Math.floor((maxLength - special) / 2)
  checkStride(docStride, half < 1 ? 0 : maxLength - special - half, maxLength)
  const asked = question.subarray(0, Math.min(question.length, half))
  const room = maxLength - special - asked.length
  const sizes = new Uint8Array(ids.length).fill(1)
  return overlapping([{ sizes, room }], docStride).map(({ from, to }) => {
    const { ids: all, typeIds, texts } = tokenizer.encodePieces(asked, ids.subarray(from, to))
    return { ids: all, typeIds, first: texts[1].start, length: to - from, from }
  })
}
