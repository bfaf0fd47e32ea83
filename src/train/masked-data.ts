// Texts whose words are masked anew for every batch, as a function of the epoch's key and the batch's place.
// Devlin et al. 2018, section 3.1, without next sentences; Sanh et al. 2019 draw rare words more often.
import type { DataSet } from '../nn/data.js'
import type { TextInput } from '../nn/models/input.js'
import { fold, type Key, keyOf } from '../tensor/rng.js'
import type { Tensor } from '../tensor/tensor.js'
import { type Masking, maskBatch } from '../text/masking.js'

/** A batch of texts with masked words, and what stood there. */
export interface MaskedText<Input extends TextInput = TextInput> {
  input: Input
  /** int32 of inputIds' shape: what stood there, -100 where nothing is to be guessed. */
  words: Tensor
}

/** The same rows in the same batches. Labels, if there were any, are gone. */
export function maskedTexts<Input extends TextInput>(
  data: DataSet<Input>,
  masking: Masking,
): DataSet<MaskedText<Input>> {
  const keys = new WeakMap<Int32Array, Key>()
  return {
    size: data.size,
    labels: null,
    batches: (size, key) => {
      const batches = data.batches(size, key)
      for (const [i, rows] of batches.entries()) keys.set(rows, fold(fold(key ?? keyOf(0), 'mask'), i))
      return batches
    },
    input: (rows) => {
      const { input, labels } = maskBatch(data.input(rows), keys.get(rows) ?? keyOf(0, 'mask'), masking)
      return { input, words: labels }
    },
    tokens: (rows) => data.tokens(rows),
  }
}
