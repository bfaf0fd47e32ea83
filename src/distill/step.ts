// One optimizer step from one or more batches. Each batch counts by its weight (its rows, or what the loss divided by),
// so that uneven batches together give the step of the large batch that they were cut from.
import { backward } from '../autograd/backward.js'
import { mul } from '../autograd/ops/arithmetic.js'
import { randomScope } from '../autograd/random.js'
import { tidy } from '../autograd/tidy.js'
import { TinystillError } from '../errors.js'
import type { Optimizer, StepOptions } from '../nn/optim/optimizer.js'
import type { Key } from '../tensor/rng.js'
import { Tensor } from '../tensor/tensor.js'

/** A scalar to learn from, with the parts that it is made of. */
export interface LossTerms {
  total: Tensor
  /** Named parts, for the curves: scalars, or numbers. */
  terms?: Readonly<Record<string, Tensor | number>>
  /** What the mean in `total` was taken over: 40 guessed words, the sum of class weights. Default: the rows. */
  weight?: number
}

export type Loss = Tensor | LossTerms

/** The numbers of a batch. */
export interface BatchLoss {
  loss: number
  terms: Record<string, number>
}

const termsOf = (loss: Loss): LossTerms => (loss instanceof Tensor ? { total: loss } : loss)

/** The longest list of rows that an error prints whole. */
const SHOWN = 12

function listed(rows: Int32Array): string {
  const more = rows.length > SHOWN ? ` and ${rows.length - SHOWN} more` : ''
  return `${rows.length === 1 ? 'row' : 'rows'} ${rows.slice(0, SHOWN).join(', ')}${more}`
}

export class Accumulator {
  /** Of the first batch: the others count relative to it, so that of even batches none needs scaling. */
  #unit = 0
  #sum = 0

  constructor(readonly optimizer: Optimizer) {}

  /**
   * Adds a batch's gradient. `where` is for the error: 'step 3 of 40, epoch 1'. Throws TinystillError when the loss is not
   * finite, RangeError for a weight that is not above 0. Whatever is thrown: the gradients of the step go back, those of its
   * earlier batches too, and it can begin anew.
   */
  add(rows: Int32Array, key: Key, where: () => string, loss: () => Loss): BatchLoss {
    try {
      return this.#add(rows, key, where, loss)
    } catch (error) {
      this.#sum = 0
      this.optimizer.zeroGrad()
      throw error
    }
  }

  #add(rows: Int32Array, key: Key, where: () => string, loss: () => Loss): BatchLoss {
    // The arena takes back what the step made; gradients stay with their parameters.
    return tidy(() =>
      randomScope(key, () => {
        const { total, terms = {}, weight = rows.length } = termsOf(loss())
        const value = total.item()
        const parts = Object.entries(terms).map(([name, t]) => [name, typeof t === 'number' ? t : t.item()])
        const numbers: Record<string, number> = Object.fromEntries(parts)
        if (!Number.isFinite(value)) throw broken(value, numbers, where(), rows)
        if (!(weight > 0 && weight < Infinity))
          throw new RangeError(`training: the loss's weight must be above 0, got ${weight} at ${where()}`)
        if (this.#sum === 0) this.#unit = weight
        this.#sum += weight
        const relative = weight / this.#unit
        backward(relative === 1 ? total : mul(total, relative))
        return { loss: value, terms: numbers }
      }),
    )
  }

  /**
   * Takes the step and forgets the gradients. Returns their norm before clipping. Throws TinystillError, and changes
   * nothing, when it is not finite.
   */
  step(lrScale: number, clipping: Pick<StepOptions, 'maxNorm' | 'clip'>, where: () => string): number {
    const gradScale = this.#unit / this.#sum
    this.#sum = 0
    try {
      return this.optimizer.step({ lrScale, gradScale, ...clipping })
    } catch (error) {
      if (!(error instanceof TinystillError)) throw error
      throw new TinystillError(`training: at ${where()}: ${error.message}`)
    } finally {
      this.optimizer.zeroGrad()
    }
  }
}

function broken(value: number, terms: Record<string, number>, where: string, rows: Int32Array): Error {
  const parts = Object.entries(terms).filter(([, part]) => !Number.isFinite(part))
  const named = parts.length > 0 ? ` (${parts.map(([name, part]) => `${name}: ${part}`).join(', ')})` : ''
  return new TinystillError(
    `training: the loss became ${value}${named} at ${where}, in ${listed(rows)}`,
    'Lower the learning rate, or look for broken values in the data. The step was not taken',
  )
}
