// Training on masked words: every batch of plain text is masked anew, and the model guesses what was there.
// Devlin et al. 2018, section 3.1, without next sentences; Sanh et al. 2019 draw rare words more often.
import { tensor } from '../autograd/create.js'
import { noGrad } from '../autograd/graph.js'
import { crossEntropy } from '../autograd/ops/losses/losses.js'
import { tidy } from '../autograd/tidy.js'
import type { DataSet } from '../nn/data.js'
import type { WantedWords } from '../nn/models/heads.js'
import type { TextInput } from '../nn/models/input.js'
import type { HeadOutput } from '../nn/models/pretrained.js'
import { Module } from '../nn/module.js'
import { ints, type Tensor } from '../tensor/tensor.js'
import { IGNORED, type Masking } from '../text/masking.js'
import { type MaskedText, maskedTexts } from './masked-data.js'
import { best } from './metrics.js'
import { breathe } from './pace.js'
import type { FitResult } from './reports.js'
import { type FitOptions, fit } from './trainer.js'

/** Any model that guesses words: [M, vocabulary] for the places asked for. */
export interface WordGuesser extends Module {
  forward(input: TextInput, want: WantedWords): HeadOutput
}

interface MaskedInput {
  input: TextInput
  /** int32 [M]: places of the masked words in the batch, and the words themselves. */
  at: Tensor
  words: Tensor
}

/** Only the masked places go through the vocabulary: a seventh of the words. */
class Guesses extends Module {
  constructor(readonly model: WordGuesser) {
    super()
  }

  /** -> logits [M, vocabulary], and the words to be guessed, int32 [M]. */
  forward({ input, at, words }: MaskedInput): { logits: Tensor; words: Tensor } {
    return { logits: this.model.forward(input, { at }).logits, words }
  }
}

function placesOf({ input, words }: MaskedText): MaskedInput {
  const labels = ints(words)
  const at = Int32Array.from(labels.keys()).filter((i) => labels[i] !== IGNORED)
  return { input, at: tensor(at), words: tensor(at.map((i) => labels[i])) }
}

function maskedData<Input extends TextInput>(data: DataSet<Input>, masking: Masking): DataSet<MaskedInput> {
  const texts = maskedTexts(data, masking)
  return { ...texts, input: (rows) => placesOf(texts.input(rows)) }
}

export interface MaskedFigures extends Readonly<Record<string, number>> {
  /** Mean cross entropy of the masked words. */
  loss: number
  /** exp(loss). */
  perplexity: number
  /** Share of the masked words that were guessed. */
  accuracy: number
}

/** How data is judged. */
export interface MaskedJudging {
  /** Default 64. */
  batchSize?: number
  /** Called after each batch. */
  onBatch?: (rowsDone: number) => void
}

/**
 * Figures of `lesson`, which gives logits beside the words that are asked for: [N, vocabulary] and [N], or [B, T, ...]; -100
 * is none. Between two batches the event loop gets its turns; `model`, which it asks, is in eval mode meanwhile.
 */
export async function wordFigures<Input>(
  model: Module,
  lesson: { forward(input: Input): { logits: Tensor; words: Tensor } },
  data: DataSet<Input>,
  batchSize: number,
  onBatch: MaskedJudging['onBatch'],
): Promise<MaskedFigures> {
  const { training } = model
  model.eval()
  let [loss, right, count, done] = [0, 0, 0, 0]
  try {
    for (const rows of data.batches(batchSize, null)) {
      tidy(() => {
        const { logits, words } = noGrad(() => lesson.forward(data.input(rows)))
        const n = countWords(words)
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

/** Those that are asked for. */
export const countWords = (words: Tensor) =>
  ints(words).reduce((n, word) => n + (word === IGNORED ? 0 : 1), 0)

/** Guesses masked words of `data`, each time the same ones. */
export async function maskedFigures<Input extends TextInput>(
  model: WordGuesser,
  data: DataSet<Input>,
  masking: Masking,
  { batchSize = 64, onBatch }: MaskedJudging = {},
): Promise<MaskedFigures> {
  return wordFigures(model, new Guesses(model), maskedData(data, masking), batchSize, onBatch)
}

/** Trains `model` on masked words of plain text. dev: judged after each epoch, if given; onDev hears how far that is. */
export function trainMasked<Input extends TextInput>(
  model: WordGuesser,
  data: DataSet<Input>,
  masking: Masking,
  { dev, onDev, ...options }: FitOptions & { dev?: DataSet<Input>; onDev?: MaskedJudging['onBatch'] },
): Promise<FitResult> {
  return fit(
    new Guesses(model),
    maskedData(data, masking),
    ({ logits, words }) => ({ total: crossEntropy(logits, words), weight: words.numel }),
    {
      ...options,
      ...(dev && { evaluate: () => maskedFigures(model, dev, masking, onDev && { onBatch: onDev }) }),
    },
  )
}
