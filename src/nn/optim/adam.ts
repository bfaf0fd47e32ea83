// Adam and AdamW. Kingma and Ba 2015, algorithm 1; decoupled weight decay: Loshchilov and Hutter 2019, algorithm 2.
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
import { flag, notNegative, type Rules, settingsArg, shares } from './settings.js'

export interface AdamSettings extends GroupOptions {
  betas: readonly [number, number]
  eps: number
  /** false: the moments are used as they are, as in BERT's first optimizer. Default true. */
  biasCorrection: boolean
}

/** Of Adam and AdamW. */
export type AdamOptions = Partial<AdamSettings>

const moments = ['expAvg', 'expAvgSq']
const rules: Rules<AdamSettings> = { ...groupRules, betas: shares, eps: notNegative, biasCorrection: flag }

/** Bias correction counts each parameter's own updates: it begins with that parameter's first gradient. */
abstract class AdamFamily extends Optimizer<AdamSettings> {
  readonly #decoupled: boolean

  constructor(
    params: Parameters | Iterable<ParameterGroup<AdamSettings>>,
    options: AdamOptions,
    decay: number,
    decoupled: boolean,
  ) {
    const given = settingsArg(new.target.name, options, rules)
    const { lr = 1e-3, weightDecay = decay, betas = [0.9, 0.999], eps = 1e-8, biasCorrection = true } = given
    super(params, { lr, weightDecay, betas, eps, biasCorrection }, rules)
    this.#decoupled = decoupled
  }

  protected moments(): readonly string[] {
    return moments
  }

  protected update(
    p: Tensor,
    g: Tensor,
    { state: [m, v], steps }: Slot,
    s: AdamSettings,
    gradScale: number,
  ): void {
    const [beta1, beta2] = s.betas
    const correction = (beta: number) => (s.biasCorrection ? 1 - power(beta, steps) : 1)
    kernelsFor(p.dtype).adam(flat(p), flat(g), flat(m), flat(v), {
      lr: s.lr,
      beta1,
      beta2,
      eps: s.eps,
      weightDecay: s.weightDecay,
      decoupled: this.#decoupled,
      correction1: correction(beta1),
      correction2: correction(beta2),
      gradScale,
    })
  }
}

/** x^n for n = 1, 2, ...: by squaring, so that every engine gives the same bits. */
function power(x: number, n: number): number {
  let result = 1
  for (let square = x; n > 0; n = Math.floor(n / 2), square *= square) if (n % 2 === 1) result *= square
  return result
}

/** Weight decay is L2: added to the gradient. Default lr 1e-3, no decay. */
export class Adam extends AdamFamily {
  constructor(params: Parameters | Iterable<ParameterGroup<AdamSettings>>, options: AdamOptions = {}) {
    super(params, options, 0, false)
  }
}

/** Weight decay beside the gradient: p -= lr weightDecay p. Default lr 1e-3, weightDecay 0.01. */
export class AdamW extends AdamFamily {
  constructor(params: Parameters | Iterable<ParameterGroup<AdamSettings>>, options: AdamOptions = {}) {
    super(params, options, 0.01, true)
  }
}
