// Lion: the sign of a blend of momentum and gradient. Chen et al. 2023 (arXiv 2302.06675), algorithm 2.
import { flat, type Tensor } from '../../tensor/tensor.js'
import {
  type GroupOptions,
  groupRules,
  Optimizer,
  type ParameterGroup,
  type Parameters,
  type Slot,
} from './optimizer.js'
import { type Rules, settingsArg, shares } from './settings.js'

export interface LionSettings extends GroupOptions {
  /** Of the blend, and of the momentum. Default [0.9, 0.99]. */
  betas: readonly [number, number]
}

/** Of Lion. */
export type LionOptions = Partial<LionSettings>

const moments = ['expAvg']
const rules: Rules<LionSettings> = { ...groupRules, betas: shares }

/**
 * Every element moves by lr, up or down. Weight decay beside it, as in AdamW: lr times 0.1 to 0.3 of AdamW's and weightDecay 3
 * to 10 times its are what the paper uses. Default lr 1e-4, no decay.
 */
export class Lion extends Optimizer<LionSettings> {
  constructor(params: Parameters | Iterable<ParameterGroup<LionSettings>>, options: LionOptions = {}) {
    const given = settingsArg('Lion', options, rules)
    const { lr = 1e-4, weightDecay = 0, betas = [0.9, 0.99] } = given
    super(params, { lr, weightDecay, betas }, rules)
  }

  protected moments(): readonly string[] {
    return moments
  }

  protected update(
    param: Tensor,
    gradient: Tensor,
    { state }: Slot,
    { lr, betas: [beta1, beta2], weightDecay }: LionSettings,
    gradScale: number,
  ): void {
    const [p, g, m] = [param, gradient, ...state].map(flat)
    for (let i = 0; i < p.length; i++) {
      const grad = g[i] * gradScale
      const blend = beta1 * m[i] + (1 - beta1) * grad
      p[i] = p[i] * (1 - lr * weightDecay) - lr * Math.sign(blend)
      m[i] = beta2 * m[i] + (1 - beta2) * grad
    }
  }
}
