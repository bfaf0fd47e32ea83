// The training loop: one batch from input to updated weights, epochs with evaluation, early stopping, the best weights.
import { backward } from '../autograd/backward.js'
import { randomScope } from '../autograd/random.js'
import { tidy } from '../autograd/tidy.js'
import { TinystillError } from '../errors.js'
import type { DataSet } from '../nn/data.js'
import { AdamW } from '../nn/optim/adam.js'
import { type Schedule, schedules } from '../nn/optim/schedule.js'
import { keyOf } from '../tensor/rng.js'
import type { Tensor } from '../tensor/tensor.js'
import type { Classifier } from './predict.js'

export interface FitOptions {
  epochs: number
  lr: number
  seed: number
  /** Default 64. */
  batchSize?: number
  /** Batches whose gradients are added up for one optimizer step. Default 1. */
  accumulate?: number
  /** Default 0.05. */
  weightDecay?: number
  /** Steps of warm-up, or below 1 their share. Default 0.06. */
  warmup?: number
  /** Default 'linear'. */
  schedule?: keyof typeof schedules
  /** Largest gradient norm. Default 1. */
  maxNorm?: number
  /** Ends after this many epochs without a better score. Default: never. */
  patience?: number
  /** Score of the model as it is after an epoch: higher is better. With it, the best epoch's weights are kept. */
  evaluate?: () => number
  onStep?: (step: StepReport) => void | Promise<void>
  onEpoch?: (epoch: EpochReport) => void | Promise<void>
}

export interface StepReport {
  /** Counted from 1. */
  epoch: number
  /** Batches done, and in all. */
  step: number
  total: number
  loss: number
  /** Norm of the gradient before clipping; 0 where the step only accumulated. */
  gradNorm: number
  lr: number
  tokens: number
}

export interface EpochReport {
  epoch: number
  /** Mean over the epoch's batches. */
  loss: number
  /** What evaluate() gave; NaN without it. */
  score: number
  best: boolean
}

export interface FitResult {
  epochs: EpochReport[]
  /** The epoch whose weights the model holds now. */
  best: EpochReport
}

/**
 * Trains by AdamW on `loss(logits, rows)`, a scalar. Data order and dropout are functions of (seed, epoch, step).
 * Throws TinystillError when the loss stops being finite; the weights are then those before that step.
 */
export async function fit<Input>(
  model: Classifier<Input>,
  data: DataSet<Input>,
  loss: (logits: Tensor, rows: Int32Array) => Tensor,
  options: FitOptions,
): Promise<FitResult> {
  const { epochs, lr, seed, batchSize = 64, accumulate = 1, weightDecay = 0.05, maxNorm = 1 } = options
  const optimizer = new AdamW(model.parameters(), { lr, weightDecay })
  const perEpoch = Math.ceil(data.size / batchSize)
  const schedule: Schedule = schedules[options.schedule ?? 'linear']({
    total: epochs * Math.ceil(perEpoch / accumulate),
    warmup: options.warmup ?? 0.06,
  })
  const reports: EpochReport[] = []
  let kept = { best: null as EpochReport | null, weights: new Map<string, Tensor>() }

  for (let epoch = 1; epoch <= epochs; epoch++) {
    model.train()
    const batches = data.batches(batchSize, keyOf(seed, 'order', epoch))
    let sum = 0
    for (const [i, rows] of batches.entries()) {
      const step = (epoch - 1) * perEpoch + i + 1
      // The arena takes back what the step made; gradients stay with their parameters.
      const value = tidy(() =>
        randomScope(keyOf(seed, 'dropout', epoch, i), () => {
          const result = loss(model.forward(data.input(rows)).logits, rows)
          const number = result.item()
          if (Number.isFinite(number)) backward(result)
          return number
        }),
      )
      if (!Number.isFinite(value)) {
        throw new TinystillError(
          `training: the loss became ${value} at step ${step} of ${epochs * perEpoch}, epoch ${epoch}`,
          'Lower the learning rate, or look for broken values in the data. The step was not taken',
        )
      }
      sum += value
      const rate = lr * schedule(optimizer.steps)
      const last = i === batches.length - 1
      let gradNorm = 0
      if ((i + 1) % accumulate === 0 || last) {
        const added = last ? (i % accumulate) + 1 : accumulate
        gradNorm = optimizer.step({ lrScale: rate / lr, gradScale: 1 / added, maxNorm })
        optimizer.zeroGrad()
      }
      const tokens = data.tokens(rows)
      await options.onStep?.({
        epoch,
        step,
        total: epochs * perEpoch,
        loss: value,
        gradNorm,
        lr: rate,
        tokens,
      })
    }
    const score = options.evaluate?.() ?? NaN
    const better = kept.best === null || !(score <= kept.best.score)
    const report = { epoch, loss: sum / batches.length, score, best: better }
    reports.push(report)
    if (better) {
      for (const old of kept.weights.values()) old.dispose()
      kept = { best: report, weights: options.evaluate ? model.snapshot() : new Map() }
    }
    await options.onEpoch?.(report)
    if (epoch - (kept.best as EpochReport).epoch >= (options.patience ?? Infinity)) break
  }
  const { best, weights } = kept
  if (best === null) throw new RangeError(`fit: epochs must be 1 or more, got ${epochs}`)
  if (weights.size > 0 && best.epoch !== reports.length) model.loadStateDict(weights)
  for (const t of weights.values()) t.dispose()
  optimizer.dispose()
  model.eval()
  return { epochs: reports, best }
}
