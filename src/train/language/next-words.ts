// Training on the next word: of every word of a text the model says what follows. Radford et al. 2019.
import { tensor } from '../../autograd/create.js'
import { crossEntropy } from '../../autograd/ops/losses/losses.js'
import type { DataSet } from '../../nn/data.js'
import type { TextInput } from '../../nn/models/input.js'
import type { HeadOutput } from '../../nn/models/pretrained.js'
import { Module } from '../../nn/module.js'
import { ints, type Tensor } from '../../tensor/tensor.js'
import { IGNORED } from '../../text/masking.js'
import { countWords, type MaskedFigures, type MaskedJudging, wordFigures } from '../masked.js'
import type { MaskedText } from '../masked-data.js'
import type { FitResult } from '../reports.js'
import { type FitOptions, fit } from '../trainer.js'

/** Any model that says the next word: logits of each word's next, [N, vocabulary] or [B, T, vocabulary]. */
export interface NextWordModel extends Module {
  forward(input: TextInput): HeadOutput
}

/** int32 of inputIds' shape: the word behind each, -100 behind the last of a text and in padding. */
export function nextWordsOf(input: TextInput): Tensor {
  const ids = ints(input.inputIds)
  const { shape } = input.inputIds
  const next = new Int32Array(ids.length).fill(IGNORED)
  next.set(ids.subarray(1))
  if ('starts' in input)
    for (const end of ints(input.starts).subarray(1)) if (end > 0) next[end - 1] = IGNORED
  if ('attentionMask' in input) {
    const [, T] = shape
    const seen = ints(input.attentionMask)
    for (let i = 0; i < ids.length; i++) if (i % T === T - 1 || seen[i + 1] === 0) next[i] = IGNORED
  }
  return tensor(next, { shape })
}

/** The same texts, and the word behind each of their words. */
export function nextWordTexts<Input extends TextInput>(data: DataSet<Input>): DataSet<MaskedText<Input>> {
  return {
    size: data.size,
    labels: null,
    batches: (size, key) => data.batches(size, key),
    input: (rows) => {
      const input = data.input(rows)
      return { input, words: nextWordsOf(input) }
    },
    tokens: (rows) => data.tokens(rows),
  }
}

/** Gives the words beside their logits. */
class Lesson extends Module {
  constructor(readonly model: NextWordModel) {
    super()
  }

  forward({ input, words }: MaskedText): { logits: Tensor; words: Tensor } {
    return { logits: this.model.forward(input).logits, words }
  }
}

/** Of the words of `data` but for the first of each text: mean cross entropy, exp of it, and the share that was the likeliest. */
export async function nextWordFigures(
  model: NextWordModel,
  data: DataSet<TextInput>,
  { batchSize = 8, onBatch }: MaskedJudging = {},
): Promise<MaskedFigures> {
  return wordFigures(model, new Lesson(model), nextWordTexts(data), batchSize, onBatch)
}

/** Trains `model` on the next words of plain text. dev: judged after each epoch, if given; onDev hears how far that is. */
export function trainNextWords(
  model: NextWordModel,
  data: DataSet<TextInput>,
  { dev, onDev, ...options }: FitOptions & { dev?: DataSet<TextInput>; onDev?: MaskedJudging['onBatch'] },
): Promise<FitResult> {
  return fit(
    new Lesson(model),
    nextWordTexts(data),
    ({ logits, words }) => ({ total: crossEntropy(logits, words), weight: Math.max(1, countWords(words)) }),
    {
      ...options,
      ...(dev && { evaluate: () => nextWordFigures(model, dev, onDev && { onBatch: onDev }) }),
    },
  )
}
