// RMSprop: Tieleman and Hinton 2012, lecture 6.5; centered: Graves 2013, section 4.2. PyTorch's form: eps is added to the root.
import { flat, type Tensor } from '../../tensor/tensor.js'
import {
  type GroupOptions,
  groupRules,
  Optimizer,
  type ParameterGroup,
  type Parameters,
  type Slot,
} from './optimizer.js'
import { flag, notNegative, type Rules, settingsArg } from './settings.js'

export interface RMSpropSettings extends GroupOptions {
  /** Of the mean of squares. Default 0.99. */
  alpha: number
  eps: number
  momentum: number
  /** Divides by the standard deviation, not by the root of the mean of squares. */
  centered: boolean
}

/** Of RMSprop. */
export type RMSpropOptions = Partial<RMSpropSettings>

/** By whether the mean of gradients and the momentum buffer are needed. */
const moments = [
  ['squareAvg'],
  ['squareAvg', 'gradAvg'],
  ['squareAvg', 'momentumBuffer'],
  ['squareAvg', 'gradAvg', 'momentumBuffer'],
] as const

const rules: Rules<RMSpropSettings> = {
  ...{ ...groupRules, alpha: notNegative, eps: notNegative },
  ...{ momentum: notNegative, centered: flag },
}

/** Weight decay is L2: added to the gradient. Default lr 0.01, eps 1e-8, no momentum. */
export class RMSprop extends Optimizer<RMSpropSettings> {
  constructor(params: Parameters | Iterable<ParameterGroup<RMSpropSettings>>, options: RMSpropOptions = {}) {
    const given = settingsArg('RMSprop', options, rules)
    const { lr = 0.01, weightDecay = 0, alpha = 0.99, eps = 1e-8, momentum = 0, centered = false } = given
    super(params, { lr, weightDecay, alpha, eps, momentum, centered }, rules)
  }

  protected moments({ momentum, centered }: RMSpropSettings): readonly string[] {
    return moments[(centered ? 1 : 0) + (momentum > 0 ? 2 : 0)]
  }

  protected update(
    param: Tensor,
    gradient: Tensor,
    { state, moments }: Slot,
    s: RMSpropSettings,
    gradScale: number,
  ): void {
    const moment = (name: string) => {
      const at = moments.indexOf(name)
      return at < 0 ? null : flat(state[at])
    }
    const [p, g, squareAvg] = [param, gradient, state[0]].map(flat)
    const [gradAvg, buf] = [moment('gradAvg'), moment('momentumBuffer')]
    for (let i = 0; i < p.length; i++) {
      const grad = g[i] * gradScale + s.weightDecay * p[i]
      const square = s.alpha * squareAvg[i] + (1 - s.alpha) * grad * grad
      squareAvg[i] = square
      let variance = square
      if (gradAvg !== null) {
        const mean = s.alpha * gradAvg[i] + (1 - s.alpha) * grad
        gradAvg[i] = mean
        // Of equal gradients it is 0, and rounding must not make it less.
        variance = Math.max(0, square - mean * mean)
      }
      let move = grad / (Math.sqrt(variance) + s.eps)
      if (buf !== null) {
        move += s.momentum * buf[i]
        buf[i] = move
      }
      p[i] -= s.lr * move
    }
  }
}
