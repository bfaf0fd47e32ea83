// One vector a text out of its tokens' states: their mean, the first one, or the largest of each number; padded or not.
import { tensor } from '../../autograd/create.js'
import { div, mul } from '../../autograd/ops/elementwise/arithmetic.js'
import { to } from '../../autograd/ops/elementwise/cast.js'
import { gt, maximum, where } from '../../autograd/ops/elementwise/compare.js'
import { indexSelect } from '../../autograd/ops/indexing/rows.js'
import { longestSegment, segmentMean } from '../../autograd/ops/products/segments.js'
import { max, sum } from '../../autograd/ops/reduce.js'
import { slice } from '../../autograd/ops/shape/slice.js'
import { reshape } from '../../autograd/ops/shape/views.js'
import { ArgumentError } from '../../errors.js'
import { ints, type Tensor } from '../../tensor/tensor.js'
import type { ModelInput } from './input.js'

/** The state of each text's first token: h [B, T, C] or unpadded [N, C] -> [B, C]. Throws RangeError for an empty text. */
export function firstTokens(h: Tensor, { starts }: ModelInput): Tensor {
  if (starts === undefined) return reshape(slice(h, 1, 0, 1), [h.shape[0], h.shape[2]])
  const at = ints(starts)
  const first = at.slice(0, -1)
  const empty = first.findIndex((start, b) => start === at[b + 1])
  if (empty >= 0) throw new RangeError(`text ${empty} is empty: it has no first token`)
  return indexSelect(h, 0, tensor(first))
}

/** What config.json calls the token that pads, which families without a row of their own for it have among other settings. */
export const PAD_FIELD = 'pad_token_id'

/**
 * The state of each text's last word: h [B, T, C] or unpadded [N, C] -> [B, C]. As in transformers that is the last token which is
 * not `padId`, though it be no padding: GPT-2's texts may end with the token that pads them. A text of nothing else has its first.
 * What a mask leaves out is no word either. Throws RangeError for an empty text, and as there ArgumentError for several padded
 * texts where padId is no number.
 */
export function lastWords(
  h: Tensor,
  { inputIds, attentionMask, starts }: ModelInput,
  padId: unknown,
): Tensor {
  const [B, T] = inputIds.shape
  if (typeof padId !== 'number' && starts === undefined && B !== 1)
    throw new ArgumentError(
      'lastWords',
      `which words of ${B} padded texts are padding is not known`,
      `Say it in config.json: ${PAD_FIELD}; or give the texts without padding, or one by one`,
    )
  const at = starts === undefined ? Int32Array.from({ length: B + 1 }, (_, b) => b * T) : ints(starts)
  const ids = ints(inputIds)
  const mask = starts === undefined && attentionMask !== undefined ? ints(attentionMask) : null
  const last = Int32Array.from({ length: at.length - 1 }, (_, b) => {
    const [from, end] = [at[b], at[b + 1]]
    if (from === end) throw new RangeError(`text ${b} is empty: it has no last word`)
    let i = end - 1
    while (i > from && (ids[i] === padId || mask?.[i] === 0)) i--
    return i
  })
  return indexSelect(reshape(h, [-1, h.shape[h.rank - 1]]), 0, tensor(last))
}

/** 1 for words, 0 for padding, as a float [B, T, 1]. Without a mask every position is a word. */
function realOf(h: Tensor, mask: Tensor | undefined): Tensor {
  const [B, T] = h.shape
  const ones = () => tensor(new Int32Array(B * T).fill(1))
  return reshape(to(mask ?? ones(), h.dtype), [B, T, 1])
}

/** The mean over the words alone: h [B, T, C] or unpadded [N, C] -> [B, C]. sum m h / max(sum m, 1e-9). */
export function meanOfTokens(h: Tensor, { attentionMask, starts }: ModelInput): Tensor {
  if (starts !== undefined) return segmentMean(h, starts)
  const real = realOf(h, attentionMask)
  return div(sum(mul(h, real), 1), maximum(sum(real, 1), 1e-9))
}

/** What a place of padding counts as among those of which the largest is taken. sentence-transformers' number. */
const PADDING = -1e9

/** The largest of each number over the words alone: h [B, T, C] or unpadded [N, C] -> [B, C]. */
function largestOfTokens(h: Tensor, input: ModelInput): Tensor {
  const [square, mask] = padded(h, input)
  return max(where(gt(realOf(square, mask), 0), square, PADDING), 1)
}

/** Unpadded states as [B, T, C]: where a text is shorter its last word again, which the mask leaves out. */
function padded(h: Tensor, { attentionMask, starts }: ModelInput): [Tensor, Tensor | undefined] {
  if (starts === undefined) return [h, attentionMask]
  const at = ints(starts)
  const B = at.length - 1
  const T = longestSegment('pooling', at, h.shape[0])
  const from = new Int32Array(B * T)
  const mask = new Int32Array(B * T)
  for (let b = 0; b < B; b++)
    for (let t = 0; t < T; t++) {
      from[b * T + t] = Math.max(0, Math.min(at[b] + t, at[b + 1] - 1))
      mask[b * T + t] = at[b] + t < at[b + 1] ? 1 : 0
    }
  return [reshape(indexSelect(h, 0, tensor(from)), [B, T, h.shape[1]]), tensor(mask, { shape: [B, T] })]
}

/** By sentence-transformers' names. */
export const poolingModes = { mean: meanOfTokens, cls: firstTokens, max: largestOfTokens } as const

/** How the states of a text's tokens become one. */
export type PoolingMode = keyof typeof poolingModes
