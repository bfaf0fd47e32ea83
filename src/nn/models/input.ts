// What models of texts take, padded or one text after the other, and where each word stands in its text.
import { arange, tensor } from '../../autograd/create.js'
import { longestSegment, placesOf } from '../../autograd/ops/products/segments.js'
import { reshape } from '../../autograd/ops/shape/views.js'
import { ShapeError } from '../../errors.js'
import { formatShape } from '../../tensor/shape.js'
import { ints, type Tensor } from '../../tensor/tensor.js'
import type { KeyValues } from '../key-values.js'

/** int32 [B, T] each. attentionMask: 1 for words, 0 for padding. */
export interface PaddedInput {
  inputIds: Tensor
  attentionMask: Tensor
  /** 1 for words of a pair's second text. */
  tokenTypeIds?: Tensor | undefined
  at?: Tensor | undefined
}

/**
 * The words of all texts one after the other, int32 [N]; text b is words starts[b] to starts[b + 1] - 1, starts int32
 * [B + 1]. Nothing is computed but words.
 */
export interface UnpaddedInput {
  inputIds: Tensor
  starts: Tensor
  tokenTypeIds?: Tensor | undefined
  at?: Tensor | undefined
}

/** A batch of texts, padded or not. */
export type TextInput = PaddedInput | UnpaddedInput

/** Either of them as Hugging Face's models take it: without a mask every position is a word. */
export interface ModelInput {
  /** int32 [B, T], or with starts [N]. */
  inputIds: Tensor
  attentionMask?: Tensor | undefined
  /** Of inputIds' shape. Default: all 0. Models without token types take no notice. */
  tokenTypeIds?: Tensor | undefined
  starts?: Tensor | undefined
  /**
   * int32 [M]: the only tokens that a classifier of tokens is asked for, counted through all texts, token t of padded text b as b T + t.
   * Default: all. Other models take no notice.
   */
  at?: Tensor | undefined
  /** Of the words before these, one a layer, for models that see only those: newCache(). These come to it. */
  cache?: readonly KeyValues[] | undefined
}

/**
 * Where a word stands in its text: int32 [T], the same for all texts, or unpadded [N]. With places `before` the first, of which
 * the last is padding's, padded texts have places of their own, [B, T]: as in fairseq what counts is the id, not the mask. Throws
 * ShapeError for ids that are neither and for texts above `maxLength`, RangeError for wrong starts.
 */
export function positionsOf(
  who: string,
  { inputIds, starts, cache }: ModelInput,
  maxLength: number,
  before = 0,
): Tensor {
  if (starts === undefined) {
    if (inputIds.rank !== 2)
      throw new ShapeError(who, `ids must be [texts, tokens], got ${formatShape(inputIds.shape)}`)
    const [, T] = inputIds.shape
    const from = cache?.[0]?.length ?? 0
    checkLength(who, from + T, maxLength)
    if (before === 0) return arange(from, from + T, 1, { dtype: 'int32' })
    const ends = Array.from({ length: inputIds.shape[0] + 1 }, (_, b) => b * T)
    return reshape(tensor(afterPad(ints(inputIds), ends, before)), inputIds.shape)
  }
  if (inputIds.rank !== 1)
    throw new ShapeError(who, `unpadded ids must be [N], got ${formatShape(inputIds.shape)}`)
  const at = ints(starts)
  checkLength(who, longestSegment(who, at, inputIds.numel), maxLength)
  return tensor(before === 0 ? placesOf(at).position : afterPad(ints(inputIds), at, before))
}

/** Padding at before - 1; a text's words, between two of the starts, from `before` on. */
function afterPad(ids: Int32Array, starts: ArrayLike<number>, before: number): Int32Array {
  const padId = before - 1
  const places = new Int32Array(ids.length)
  for (let b = 0; b + 1 < starts.length; b++) {
    let next = before
    for (let i = starts[b]; i < starts[b + 1]; i++) places[i] = ids[i] === padId ? padId : next++
  }
  return places
}

/** Kinds of distances: as many for words that stand before as for those behind. */
export const BUCKETS = 32

/** Words of the longest text of a batch, with what padded ones have behind them. */
export function longestOf({ inputIds, starts }: ModelInput): number {
  return starts === undefined ? inputIds.shape[1] : longestSegment('distances', ints(starts), inputIds.numel)
}

/** int32 [T, T] of a batch, T the longest text: see distanceBucket(). */
export function distancesOf(input: ModelInput): Tensor {
  const T = longestOf(input)
  const kinds = Int32Array.from({ length: 2 * T - 1 }, (_, i) => distanceBucket(i - T + 1))
  const rows = Int32Array.from({ length: T * T }, (_, i) => kinds[(i % T) - Math.floor(i / T) + T - 1])
  return tensor(rows, { shape: [T, T] })
}

/**
 * Of a word that stands n places behind another one. Up to 7 each distance is a kind of its own, beyond that 8 kinds grow up to
 * 128 as powers of the root of 2, and from there on it is one. Raffel et al. 2020 (T5), as MPNet has it: Song et al. 2020.
 */
export function distanceBucket(n: number): number {
  const half = BUCKETS / 2
  const far = Math.abs(n)
  // far >= 8 sqrt(2)^k in whole numbers: logarithms would have to be PyTorch's.
  let kind = Math.min(far, half / 2)
  for (let k = 1; k < half / 2 && far * far >= 64 * 2 ** k; k++) kind++
  return kind + (n > 0 ? half : 0)
}

function checkLength(who: string, T: number, maxLength: number): void {
  if (T <= maxLength) return
  throw new ShapeError(
    who,
    `${T} tokens a text, the model takes ${maxLength}`,
    'Cut the texts with the tokenizer',
  )
}
