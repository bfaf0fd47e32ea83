// A model with the texts that the report looks at, as it reads them, and what it makes of a batch of them.
import { noGrad } from '../../autograd/graph.js'
import type { DataSet } from '../../nn/data.js'
import type { TextInput } from '../../nn/models/input.js'
import type { HeadModel, HeadOutput, Wanted } from '../../nn/models/pretrained.js'
import { ints } from '../../tensor/tensor.js'
import type { Tokenizer } from '../../text/encoding.js'

export interface Reading {
  name: string
  model: HeadModel
  data: DataSet<TextInput>
  tokenizer: Tokenizer
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)

/** Where words stand in a batch, text by text: among all words, or with padding as b T + t. */
export function wordPlaces(input: TextInput): number[][] {
  if ('starts' in input) {
    const starts = Array.from(ints(input.starts))
    return starts.slice(1).map((end, b) => range(starts[b], end))
  }
  const [B, T] = input.inputIds.shape
  const mask = ints(input.attentionMask)
  return range(0, B).map((b) => range(b * T, (b + 1) * T).filter((at) => mask[at] === 1))
}

/** Without dropout and gradients; the model's mode is put back. To be called inside tidy. */
export function look({ model }: Reading, input: TextInput, want: Wanted): HeadOutput {
  const { training } = model
  model.eval()
  try {
    return noGrad(() => model.forward(input, want))
  } finally {
    model.train(training)
  }
}
