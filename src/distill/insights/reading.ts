// A model with the texts that the report looks at, as it reads them, and what it makes of a batch of them.
import { noGrad } from '../../autograd/graph.js'
import type { DataSet } from '../../nn/data.js'
import type { PaddedInput, TextInput } from '../../nn/models/input.js'
import type { HeadOutput, Wanted } from '../../nn/models/pretrained.js'
import { padInput } from '../../nn/text/batches.js'
import type { Tokenizer } from '../../nn/text/encoding.js'
import { ints } from '../../tensor/tensor.js'
import type { Student } from '../runner.js'

export interface Reading {
  name: string
  model: Student
  data: DataSet<TextInput>
  tokenizer: Tokenizer
}

/** These rows of the data with padding. */
export const paddedRows = ({ data, tokenizer }: Reading, rows: Int32Array): PaddedInput =>
  padInput(data.input(rows), tokenizer.padId)

/** Where words stand in a padded batch, as b T + t, text by text. */
export function wordPlaces({ inputIds, attentionMask }: PaddedInput): number[][] {
  const [B, T] = inputIds.shape
  const mask = ints(attentionMask)
  const places = Array.from({ length: T }, (_, t) => t)
  return Array.from({ length: B }, (_, b) => places.map((t) => b * T + t).filter((at) => mask[at] === 1))
}

/** Without dropout and gradients; the model's mode is put back. To be called inside tidy. */
export function look({ model }: Reading, input: PaddedInput, want: Wanted): HeadOutput {
  const { training } = model
  model.eval()
  try {
    return noGrad(() => model.forward(input, want))
  } finally {
    model.train(training)
  }
}
