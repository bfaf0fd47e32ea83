// Stochastic gradient descent with momentum: buf = momentum buf + g; p -= lr buf. PyTorch's form.
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

export interface SGDSettings extends GroupOptions {
  momentum: number
  nesterov: boolean
}

/** Of SGD. */
export interface SGDOptions extends Partial<SGDSettings> {
  lr: number
}

const moments = ['momentumBuffer']
const rules: Rules<SGDSettings> = { ...groupRules, momentum: notNegative, nesterov: flag }

/** Weight decay is L2: added to the gradient. Default: no decay, no momentum. nesterov needs momentum. */
export class SGD extends Optimizer<SGDSettings> {
  constructor(params: Parameters | Iterable<ParameterGroup<SGDSettings>>, options: SGDOptions) {
    const given: Partial<SGDSettings> = settingsArg<Partial<SGDSettings>>('SGD', options, rules)
    const { lr, weightDecay = 0, momentum = 0, nesterov = false } = given
    super(params, { lr: lr as number, weightDecay, momentum, nesterov }, rules)
  }

  protected override check(settings: SGDSettings, of: string): void {
    super.check(settings, of)
    if (settings.nesterov && settings.momentum === 0)
      throw new RangeError(`optimizer: nesterov${of} needs a momentum above 0, got 0`)
  }

  protected moments(): readonly string[] {
    return moments
  }

  protected update(p: Tensor, g: Tensor, { state: [buf] }: Slot, s: SGDSettings, gradScale: number): void {
    const k = kernelsFor(p.dtype)
    k.sgd(flat(p), flat(g), flat(buf), s.lr, s.momentum, s.weightDecay, s.nesterov, gradScale)
  }
}
