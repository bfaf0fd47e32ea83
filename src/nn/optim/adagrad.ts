// Adagrad. Duchi, Hazan and Singer 2011. PyTorch's form, with its decay of the rate.
import { flat, type Tensor } from '../../tensor/tensor.js'
import {
  type GroupOptions,
  groupRules,
  Optimizer,
  type ParameterGroup,
  type Parameters,
  type Slot,
} from './optimizer.js'
import { notNegative, type Rules, settingsArg } from './settings.js'

export interface AdagradSettings extends GroupOptions {
  /** At a parameter's update t, counted from 0, the rate is lr / (1 + t lrDecay). Default 0. */
  lrDecay: number
  eps: number
  /** Of the sums of squares. Default 0. */
  initialAccumulatorValue: number
}

/** Of Adagrad. */
export type AdagradOptions = Partial<AdagradSettings>

const moments = ['sum']
const rules: Rules<AdagradSettings> = {
  ...{ ...groupRules, lrDecay: notNegative, eps: notNegative },
  initialAccumulatorValue: notNegative,
}

/** Weight decay is L2: added to the gradient. Default lr 0.01, eps 1e-10. */
export class Adagrad extends Optimizer<AdagradSettings> {
  constructor(params: Parameters | Iterable<ParameterGroup<AdagradSettings>>, options: AdagradOptions = {}) {
    const given = settingsArg('Adagrad', options, rules)
    const { lr = 0.01, weightDecay = 0, lrDecay = 0, eps = 1e-10, initialAccumulatorValue = 0 } = given
    super(params, { lr, weightDecay, lrDecay, eps, initialAccumulatorValue }, rules)
  }

  protected moments(): readonly string[] {
    return moments
  }

  protected override initial(_: string, { initialAccumulatorValue }: AdagradSettings): number {
    return initialAccumulatorValue
  }

  protected update(
    param: Tensor,
    gradient: Tensor,
    { state: [squares], steps }: Slot,
    s: AdagradSettings,
    gradScale: number,
  ): void {
    const [p, g, sum] = [param, gradient, squares].map(flat)
    const lr = s.lr / (1 + (steps - 1) * s.lrDecay)
    for (let i = 0; i < p.length; i++) {
      const grad = g[i] * gradScale + s.weightDecay * p[i]
      sum[i] += grad * grad
      p[i] -= (lr * grad) / (Math.sqrt(sum[i]) + s.eps)
    }
  }
}
