// Adadelta: steps of the size that past steps had. Zeiler 2012 (arXiv 1212.5701), algorithm 1. PyTorch's form, with a rate.
import { flat, type Tensor } from '../../tensor/tensor.js'
import {
  type GroupOptions,
  groupRules,
  Optimizer,
  type ParameterGroup,
  type Parameters,
  type Slot,
} from './optimizer.js'
import { isNumber, notNegative, type Rule, type Rules, settingsArg } from './settings.js'

export interface AdadeltaSettings extends GroupOptions {
  /** Of both means of squares: of gradients, and of steps. Default 0.9. */
  rho: number
  /** Under both roots: how large the first steps are. Default 1e-6. */
  eps: number
}

/** Of Adadelta. */
export type AdadeltaOptions = Partial<AdadeltaSettings>

const moments = ['squareAvg', 'accDelta']
const upToOne: Rule = [(x) => isNumber(x) && x >= 0 && x <= 1, 'must lie in [0, 1]']
const rules: Rules<AdadeltaSettings> = { ...groupRules, rho: upToOne, eps: notNegative }

/** Weight decay is L2: added to the gradient. Default lr 1, rho 0.9, eps 1e-6, no decay. */
export class Adadelta extends Optimizer<AdadeltaSettings> {
  constructor(
    params: Parameters | Iterable<ParameterGroup<AdadeltaSettings>>,
    options: AdadeltaOptions = {},
  ) {
    const given = settingsArg('Adadelta', options, rules)
    const { lr = 1, weightDecay = 0, rho = 0.9, eps = 1e-6 } = given
    super(params, { lr, weightDecay, rho, eps }, rules)
  }

  protected moments(): readonly string[] {
    return moments
  }

  protected update(
    param: Tensor,
    gradient: Tensor,
    { state }: Slot,
    { lr, rho, eps, weightDecay }: AdadeltaSettings,
    gradScale: number,
  ): void {
    const [p, g, squareAvg, accDelta] = [param, gradient, ...state].map(flat)
    for (let i = 0; i < p.length; i++) {
      const grad = g[i] * gradScale + weightDecay * p[i]
      const square = rho * squareAvg[i] + (1 - rho) * grad * grad
      const delta = (Math.sqrt(accDelta[i] + eps) / Math.sqrt(square + eps)) * grad
      squareAvg[i] = square
      accDelta[i] = rho * accDelta[i] + (1 - rho) * delta * delta
      p[i] -= lr * delta
    }
  }
}
