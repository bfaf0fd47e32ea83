// The one schedule that has a state, since it follows a figure of the training.
import { ArgumentError, got } from '../../errors.js'
import { type Kinds, optionsArg } from '../../tensor/check.js'
import { isNumber } from './settings.js'

/** Of Plateau. */
export interface PlateauOptions {
  /** Whether a smaller or a larger figure is better. Default 'min'. */
  mode?: 'min' | 'max'
  /** What the factor is multiplied by. Default 0.1. */
  factor?: number
  /** Figures without progress that are borne; at one more the factor falls. Default 10. */
  patience?: number
  /** Less progress than this is none. Default 1e-4. */
  threshold?: number
  /** Whether the threshold is a share of the best figure. Default 'rel'. */
  thresholdMode?: 'rel' | 'abs'
  /** Figures after a fall during which nothing is counted. Default 0. */
  cooldown?: number
  /** The factor falls no lower. Default 0. */
  minFactor?: number
  /** A fall by no more than this is left out. Default 1e-8. */
  eps?: number
}

/** What a Plateau goes on from. */
export interface PlateauState {
  factor: number
  /** null: no figure was heard. */
  best: number | null
  bad: number
  cooling: number
}

const plateauKinds: Kinds<PlateauOptions> = {
  ...{ mode: ['min', 'max'], thresholdMode: ['rel', 'abs'] },
  // What else they must be is said below, alike for each.
  ...{ factor: 'any', patience: 'any', threshold: 'any', cooldown: 'any', minFactor: 'any', eps: 'any' },
}

/**
 * Lowers the rate when a figure stops getting better: optimizer.step({ lrScale: plateau.factor }). PyTorch's
 * ReduceLROnPlateau, whose min_lr and eps are here in units of the rate. A figure that is NaN is no progress.
 */
export class Plateau {
  readonly #options: Required<PlateauOptions>
  #state: PlateauState

  /** Throws RangeError for settings that mean nothing. */
  constructor(options: PlateauOptions = {}) {
    const given = optionsArg('Plateau', options, plateauKinds)
    const { mode = 'min', factor = 0.1, patience = 10, threshold = 1e-4, thresholdMode = 'rel' } = given
    const { cooldown = 0, minFactor = 0, eps = 1e-8 } = given
    const numbers = { patience, threshold, cooldown, minFactor, eps }
    for (const [name, x] of Object.entries(numbers))
      if (!(isNumber(x) && x >= 0)) throw new RangeError(`Plateau: ${name} must be 0 or more, got ${got(x)}`)
    if (!(isNumber(factor) && factor > 0 && factor < 1))
      throw new RangeError(`Plateau: factor must lie between 0 and 1, got ${got(factor)}`)
    this.#options = { mode, factor, thresholdMode, ...numbers }
    this.#state = { factor: 1, best: null, bad: 0, cooling: 0 }
  }

  /** What multiplies the rate now. */
  get factor(): number {
    return this.#state.factor
  }

  /** Hears a figure and gives the factor from now on. */
  step(figure: number): number {
    if (typeof figure !== 'number')
      throw new ArgumentError('Plateau.step', `the figure must be a number, got ${got(figure)}`)
    const s = this.#state
    const { factor, patience, cooldown, minFactor, eps } = this.#options
    if (this.#better(figure)) {
      s.best = figure
      s.bad = 0
    } else s.bad++
    if (s.cooling > 0) {
      s.cooling--
      s.bad = 0
    }
    if (s.bad > patience) {
      const lower = Math.max(s.factor * factor, minFactor)
      if (s.factor - lower > eps) s.factor = lower
      s.cooling = cooldown
      s.bad = 0
    }
    return s.factor
  }

  #better(figure: number): boolean {
    const { mode, threshold, thresholdMode } = this.#options
    const { best } = this.#state
    if (best === null) return !Number.isNaN(figure)
    if (mode === 'min') return figure < (thresholdMode === 'rel' ? best * (1 - threshold) : best - threshold)
    return figure > (thresholdMode === 'rel' ? best * (1 + threshold) : best + threshold)
  }

  stateDict(): PlateauState {
    return { ...this.#state }
  }

  /** Throws RangeError for what stateDict() cannot have given. */
  loadStateDict(state: PlateauState): void {
    const { factor, best, bad, cooling } = (state ?? {}) as Partial<PlateauState>
    const isCount = (n: unknown): n is number => isNumber(n) && Number.isInteger(n) && n >= 0
    if (
      !(
        isNumber(factor) &&
        factor > 0 &&
        factor <= 1 &&
        (best === null || isNumber(best)) &&
        isCount(bad) &&
        isCount(cooling)
      )
    )
      throw new RangeError(`Plateau: ${got(state)} is not what stateDict() gives`)
    this.#state = { factor, best, bad, cooling }
  }
}
