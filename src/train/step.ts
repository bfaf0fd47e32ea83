// One optimizer step from one or more batches. Each batch counts by its weight (its rows, or what the loss divided by),
// so that uneven batches together give the step of the large batch that they were cut from.
import { backward } from '../autograd/backward.js'
import { mul } from '../autograd/ops/elementwise/arithmetic.js'
import { randomScope } from '../autograd/random.js'
import { tidy } from '../autograd/tidy.js'
import { NonfiniteError } from '../errors.js'
import type { Module } from '../nn/module.js'
import { gradNorm } from '../nn/optim/gradients.js'
import type { Optimizer, StepOptions } from '../nn/optim/optimizer.js'
import type { Key } from '../tensor/rng.js'
import { Tensor } from '../tensor/tensor.js'
import { type Batch, gradientOrigin, lossOrigin, nonfinite } from './guard.js'

/** A scalar to learn from, with the parts that it is made of. */
export interface LossTerms {
  total: Tensor
  /** Named parts, for the curves: scalars, or numbers. */
  terms?: Readonly<Record<string, Tensor | number>>
  /** What the mean in `total` was taken over: 40 guessed words, the sum of class weights. Default: the rows. */
  weight?: number
}

/** What a batch is learnt from: one scalar to be made smaller, or several terms by name. */
export type Loss = Tensor | LossTerms

/** The numbers of a batch. */
export interface BatchLoss {
  loss: number
  terms: Record<string, number>
}

const termsOf = (loss: Loss): LossTerms => (loss instanceof Tensor ? { total: loss } : loss)

/** What came of a step. */
export interface StepOutcome {
  /** Norm of the gradient before clipping; NaN where the step was skipped. */
  gradNorm: number
  /** The step was left out, because a loss or its gradient was not finite; `why` says where that arose. */
  skipped?: true
  why?: string
}

/** Steps in a row that may be skipped: after more, nothing will mend the training. */
const MOST_IN_A_ROW = 10

export class Accumulator {
  /** Of the first batch: the others count relative to it, so that of even batches none needs scaling. */
  #unit = 0
  #sum = 0
  #batches: Batch[] = []
  /** Why the step in hand will be skipped. */
  #fault: NonfiniteError | null = null
  /** Steps that were skipped, one after the other, up to here. */
  inARow = 0

  /** `model` names what a loss or gradient broke in. 'skip' leaves such a step out, all its batches; 'stop' throws. */
  constructor(
    readonly optimizer: Optimizer,
    readonly model: Module,
    readonly onNonfinite: 'stop' | 'skip' = 'stop',
  ) {}

  /**
   * Adds a batch's gradient. `where` is for the error: 'step 3 of 40, epoch 1'. `loss` is called again to find out where a
   * value that is not finite arose. Throws NonfiniteError for such a loss, unless the step is to be skipped, and RangeError
   * for a weight that is not above 0. Whatever is thrown: the gradients of the step go back, those of its earlier batches
   * too, and it can begin anew.
   */
  add(rows: Int32Array, key: Key, where: () => string, loss: () => Loss): BatchLoss {
    try {
      return this.#add(rows, key, where, loss)
    } catch (error) {
      this.#forget()
      throw error
    }
  }

  #add(rows: Int32Array, key: Key, where: () => string, loss: () => Loss): BatchLoss {
    const batch: Batch = { rows, key, total: () => termsOf(loss()).total, scale: 1 }
    // The arena takes back what the step made; gradients stay with their parameters.
    const heard = tidy(() =>
      randomScope(key, () => {
        const { total, terms = {}, weight = rows.length } = termsOf(loss())
        const value = total.item()
        const parts = Object.entries(terms).map(([name, t]) => [name, typeof t === 'number' ? t : t.item()])
        const numbers: Record<string, number> = Object.fromEntries(parts)
        if (!Number.isFinite(value) || this.#fault !== null) return { loss: value, terms: numbers }
        if (!(weight > 0 && weight < Infinity))
          throw new RangeError(`training: the loss's weight must be above 0, got ${weight} at ${where()}`)
        if (this.#sum === 0) this.#unit = weight
        this.#sum += weight
        batch.scale = weight / this.#unit
        backward(batch.scale === 1 ? total : mul(total, batch.scale))
        return { loss: value, terms: numbers }
      }),
    )
    if (Number.isFinite(heard.loss)) this.#batches.push(batch)
    else if (this.#fault === null)
      this.#refuse(nonfinite(became(heard), where(), rows, lossOrigin(this.model, batch)))
    return heard
  }

  /**
   * Takes the step and forgets the gradients. Throws NonfiniteError, and changes nothing, when their norm is not finite, or
   * when too many steps in a row were skipped.
   */
  step(lrScale: number, clipping: Pick<StepOptions, 'maxNorm' | 'clip'>, where: () => string): StepOutcome {
    try {
      const result =
        this.#fault ?? this.#take({ lrScale, gradScale: this.#unit / this.#sum, ...clipping }, where)
      if (typeof result === 'number') {
        this.inARow = 0
        return { gradNorm: result }
      }
      if (++this.inARow > MOST_IN_A_ROW)
        throw new NonfiniteError(`${result.message}, nor were the ${MOST_IN_A_ROW} before it`)
      return { gradNorm: Number.NaN, skipped: true, why: result.message }
    } finally {
      this.#forget()
    }
  }

  #take(options: StepOptions, where: () => string): number | NonfiniteError {
    try {
      return this.optimizer.step(options)
    } catch (error) {
      if (!(error instanceof NonfiniteError)) throw error
      return this.#refuse(this.#brokenGradient(where()))
    }
  }

  #brokenGradient(where: string): NonfiniteError {
    const { params } = this.optimizer
    const norm = gradNorm(params)
    this.optimizer.zeroGrad()
    const found = gradientOrigin(this.model, params, this.#batches)
    const { rows } = found?.batch ?? this.#batches[0]
    return nonfinite(`the gradient norm became ${norm}`, where, rows, found?.origin ?? null)
  }

  /** Remembers why the step is to be skipped, or throws it. */
  #refuse(fault: NonfiniteError): NonfiniteError {
    if (this.onNonfinite === 'stop') throw fault
    this.#fault = fault
    return fault
  }

  #forget(): void {
    this.optimizer.zeroGrad()
    this.#batches = []
    this.#fault = null
    this.#sum = 0
  }
}

function became({ loss, terms }: BatchLoss): string {
  const parts = Object.entries(terms).filter(([, part]) => !Number.isFinite(part))
  const named = parts.length > 0 ? ` (${parts.map(([name, part]) => `${name}: ${part}`).join(', ')})` : ''
  return `the loss became ${loss}${named}`
}
