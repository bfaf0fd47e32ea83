// What a masked-language model takes for probable in a word's place: many hidden words of many texts in one batch.
import { tensor } from '../../autograd/create.js'
import { noGrad } from '../../autograd/graph.js'
import { tidy } from '../../autograd/tidy.js'
import { CheckpointError } from '../../errors.js'
import { cut, inOrder } from '../../nn/data.js'
import { flatBatch } from '../../text/batches.js'
import type { Encoded } from '../../text/encoding.js'
import type { WordGuesser } from '../../train/masked.js'
import { largest } from './largest.js'

/** A token of an encoded text that is to be guessed. */
export interface Hidden {
  input: Encoded
  /** Which token of the input. */
  at: number
}

export interface GuessOptions {
  maskId: number
  /** Ids that may be guessed. */
  among: Int32Array
  topK: number
  /** Texts in a forward pass. */
  batchSize: number
}

/**
 * For each the ids of the up to topK most probable words, the most probable first, never the word itself. One forward pass
 * for batchSize of them, without padding; the same ids in whatever batches. Throws CheckpointError for a model that gives
 * no numbers.
 */
export function guess(
  model: WordGuesser,
  hidden: readonly Hidden[],
  { maskId, among, topK, batchSize }: GuessOptions,
): number[][] {
  return cut(inOrder(hidden.length), batchSize).flatMap((rows) => {
    const batch = Array.from(rows, (row) => hidden[row])
    return tidy(() => {
      const masked = batch.map(({ input, at }) => input.ids.with(at, maskId))
      const types = batch.map(({ input }) => input.typeIds)
      const input = flatBatch(masked, inOrder(batch.length), types)
      let start = 0
      const places = batch.map(({ at }, b) => {
        start += b === 0 ? 0 : masked[b - 1].length
        return start + at
      })
      const { logits } = noGrad(() => model.forward(input, { at: tensor(Int32Array.from(places)) }))
      const words = logits.shape[1]
      const values = logits.elements as Float32Array
      return batch.map(({ input, at }, b) => {
        const row = values.subarray(b * words, (b + 1) * words)
        const ids = largest(row, topK, among, input.ids[at])
        if (ids.length > 0 && ids.every((id) => Number.isFinite(row[id]))) return ids
        throw new CheckpointError('masked-lm', 'gives no numbers for a word', 'Its weights are broken')
      })
    })
  })
}
