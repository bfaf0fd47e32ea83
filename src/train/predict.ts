// A model's logits for a whole data set: evaluation, and the teacher's soft targets for the transfer set.
import { noGrad } from '../autograd/graph.js'
import { tidy } from '../autograd/tidy.js'
import { answersIn, askedOf, type DataSet } from '../nn/data.js'
import type { Module } from '../nn/module.js'
import type { Tensor } from '../tensor/tensor.js'
import { breathe } from './pace.js'

/** Anything that gives logits [B, classes]. */
export interface Classifier<Input> extends Module {
  forward(input: Input): { logits: Tensor }
}

/** Of predict(). */
export interface PredictOptions {
  batchSize?: number
  /** Called after each batch. */
  onBatch?: (rowsDone: number) => void
}

/** Batch by batch: yields the rows that are done, and gives the logits in the end. */
function* batchwise<Input>(
  model: Classifier<Input>,
  data: DataSet<Input>,
  { batchSize = 128, onBatch }: PredictOptions,
): Generator<number, Float32Array> {
  const { training } = model
  model.eval()
  let out = new Float32Array(0)
  let done = 0
  try {
    for (const rows of data.batches(batchSize, null)) {
      tidy(() => {
        const { logits } = noGrad(() => model.forward(data.input(rows)))
        const classes = logits.shape[1]
        if (out.length === 0) {
          out = new Float32Array(answersIn(data) * classes)
          if (data.answers) out.fill(Number.NaN)
        }
        const values = logits.elements
        askedOf(data, rows).forEach((answer, i) => {
          out.set(values.subarray(i * classes, (i + 1) * classes), answer * classes)
        })
      })
      done += rows.length
      onBatch?.(done)
      yield done
    }
  } finally {
    model.train(training)
  }
  return out
}

/**
 * Logits of all rows in their order, [size, classes], without dropout; where rows have several answers of all those, [answers,
 * classes], NaN for the ones that are not asked for. The model's mode is put back afterwards.
 */
export function predict<Input>(
  model: Classifier<Input>,
  data: DataSet<Input>,
  options: PredictOptions = {},
): Float32Array {
  const steps = batchwise(model, data, options)
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
  }
}

/** The same, and between two batches the event loop gets its turns. The model is in eval mode as long as it takes. */
export async function predictInTurns<Input>(
  model: Classifier<Input>,
  data: DataSet<Input>,
  options: PredictOptions = {},
): Promise<Float32Array> {
  const steps = batchwise(model, data, options)
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
    await breathe()
  }
}
