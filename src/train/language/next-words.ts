// Training on the next word: of every word of a text the model says what follows. Radford et al. 2019.
import { tensor } from '../../autograd/create.js'
import { noGrad } from '../../autograd/graph.js'
import { crossEntropy } from '../../autograd/ops/losses/losses.js'
import { tidy } from '../../autograd/tidy.js'
import type { DataSet } from '../../nn/data.js'
import type { TextInput } from '../../nn/models/input.js'
import type { HeadOutput } from '../../nn/models/pretrained.js'
import { Module } from '../../nn/module.js'
import { ints, type Tensor } from '../../tensor/tensor.js'
import { IGNORED } from '../../text/masking.js'
import type { MaskedFigures, MaskedJudging } from '../masked.js'
import type { MaskedText } from '../masked-data.js'
import { best } from '../metrics.js'
import { breathe } from '../pace.js'
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

const counted = (words: Tensor) => ints(words).reduce((n, word) => n + (word === IGNORED ? 0 : 1), 0)

/** Of the words of `data` but for the first of each text: mean cross entropy, exp of it, and the share that was the likeliest. */
export async function nextWordFigures(
  model: NextWordModel,
  data: DataSet<TextInput>,
  { batchSize = 8, onBatch }: MaskedJudging = {},
): Promise<MaskedFigures> {
  const { training } = model
  const lesson = new Lesson(model.eval())
  const texts = nextWordTexts(data)
  let [loss, right, count, done] = [0, 0, 0, 0]
  try {
    for (const rows of texts.batches(batchSize, null)) {
      tidy(() => {
        const { logits, words } = noGrad(() => lesson.forward(texts.input(rows)))
        const n = counted(words)
        if (n === 0) return
        loss += n * noGrad(() => crossEntropy(logits, words)).item()
        const classes = logits.shape[logits.rank - 1]
        ints(words).forEach((word, i) => {
          if (word !== IGNORED && best(logits.elements, i * classes, classes) === word) right++
        })
        count += n
      })
      done += rows.length
      onBatch?.(done)
      await breathe()
    }
  } finally {
    model.train(training)
  }
  return { loss: loss / count, perplexity: Math.E ** (loss / count), accuracy: right / count }
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
    ({ logits, words }) => ({ total: crossEntropy(logits, words), weight: Math.max(1, counted(words)) }),
    {
      ...options,
      ...(dev && { evaluate: () => nextWordFigures(model, dev, onDev && { onBatch: onDev }) }),
    },
  )
}
