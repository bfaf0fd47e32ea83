// Batches of texts of like length, so that little padding is computed.
import { tensor } from '../autograd/create.js'
import { cut, inOrder } from '../nn/data.js'
import type { PaddedInput, TextInput, UnpaddedInput } from '../nn/models/input.js'
import { fold, type Key, permutation } from '../tensor/rng.js'
import { ints, type Tensor } from '../tensor/tensor.js'

/** Batches that are sorted by length together: more means less padding and less chance. */
const POOL = 50

const byLength = (lengths: ArrayLike<number>) => (a: number, b: number) => lengths[a] - lengths[b] || a - b

/**
 * Row numbers in batches. With a key: shuffled, sorted by length inside pools of 50 batches, the batches shuffled again,
 * all a function of the key. Without: sorted by length, for evaluation.
 */
export function lengthBatches(lengths: ArrayLike<number>, batchSize: number, key: Key | null): Int32Array[] {
  const n = lengths.length
  if (key === null) return cut(inOrder(n).sort(byLength(lengths)), batchSize)
  const shuffled = permutation(fold(key, 'rows'), n)
  const batches = cut(shuffled, POOL * batchSize).flatMap((pool) =>
    cut(pool.sort(byLength(lengths)), batchSize),
  )
  return Array.from(permutation(fold(key, 'batches'), batches.length), (i) => batches[i])
}

/**
 * The texts of `rows`, padded to the longest, or to `least` tokens where that is more: int32 [B, T] each, mask 1 for words. With
 * `typeIds`, of the same lengths, token types too.
 */
export function padBatch(
  ids: readonly Int32Array[],
  rows: Int32Array,
  padId: number,
  typeIds?: readonly Int32Array[],
  least = 0,
): PaddedInput {
  const T = rows.reduce((longest, row) => Math.max(longest, ids[row].length), least)
  const shape = [rows.length, T]
  const padded = (values: readonly Int32Array[], fill: number) => {
    const out = new Int32Array(rows.length * T).fill(fill)
    rows.forEach((row, b) => {
      out.set(values[row], b * T)
    })
    return tensor(out, { shape })
  }
  const attentionMask = new Int32Array(rows.length * T)
  rows.forEach((row, b) => {
    attentionMask.fill(1, b * T, b * T + ids[row].length)
  })
  return {
    inputIds: padded(ids, padId),
    attentionMask: tensor(attentionMask, { shape }),
    ...(typeIds && { tokenTypeIds: padded(typeIds, 0) }),
  }
}

/**
 * The texts of `rows` one after the other, without padding: ids int32 [N], starts int32 [B + 1]. With `typeIds`, of the
 * same lengths, token types [N] too.
 */
export function flatBatch(
  ids: readonly Int32Array[],
  rows: Int32Array,
  typeIds?: readonly Int32Array[],
): UnpaddedInput {
  const starts = new Int32Array(rows.length + 1)
  rows.forEach((row, b) => {
    starts[b + 1] = starts[b] + ids[row].length
  })
  const flat = (values: readonly Int32Array[]) => {
    const out = new Int32Array(starts[rows.length])
    rows.forEach((row, b) => {
      out.set(values[row], starts[b])
    })
    return tensor(out)
  }
  return { inputIds: flat(ids), starts: tensor(starts), ...(typeIds && { tokenTypeIds: flat(typeIds) }) }
}

/** The same texts with padding, where they have none: to the longest, or to `least` tokens where that is more. */
export function padInput(input: TextInput, padId: number, least = 0): PaddedInput {
  if (!('starts' in input)) return input
  const { inputIds, starts, tokenTypeIds, at: asked } = input
  const at = ints(starts)
  const rows = inOrder(at.length - 1)
  const texts = (t: Tensor) => Array.from(rows, (b) => ints(t).subarray(at[b], at[b + 1]))
  const padded = padBatch(texts(inputIds), rows, padId, tokenTypeIds && texts(tokenTypeIds), least)
  if (asked === undefined) return padded
  const [, T] = padded.inputIds.shape
  let b = 0
  const places = Array.from(ints(asked), (i) => {
    while (i >= at[b + 1]) b++
    return b * T + i - at[b]
  })
  return { ...padded, at: tensor(Int32Array.from(places)) }
}
