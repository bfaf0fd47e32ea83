// RMSprop: Tieleman and Hinton 2012, lecture 6.5; centered: Graves 2013, section 4.2. PyTorch's form: eps is added to the root.
import { kernelsFor } from '../../tensor/backend.js'
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
    p: Tensor,
    g: Tensor,
    { state, moments }: Slot,
    s: RMSpropSettings,
    gradScale: number,
  ): void {
    const moment = (name: string) => {
      const at = moments.indexOf(name)
      return at < 0 ? null : flat(state[at])
    }
    const averages = [flat(state[0]), moment('gradAvg'), moment('momentumBuffer')] as const
    kernelsFor(p.dtype).rmsprop(flat(p), flat(g), ...averages, {
      ...{ lr: s.lr, alpha: s.alpha, eps: s.eps, momentum: s.momentum },
      ...{ weightDecay: s.weightDecay, gradScale },
    })
  }
}
