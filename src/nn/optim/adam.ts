// Adam and AdamW. Kingma and Ba 2015, algorithm 1; decoupled weight decay: Loshchilov and Hutter 2019, algorithm 2.
import { kernelsFor } from '../../tensor/backend.js'
import { type Kinds, optionsArg } from '../../tensor/check.js'
import { flat, type Tensor } from '../../tensor/tensor.js'
import { type GroupOptions, Optimizer, type ParameterGroup } from './optimizer.js'

export interface AdamOptions extends Partial<GroupOptions> {
  betas?: readonly [number, number]
  eps?: number
  /** false: the moments are used as they are, as in BERT's first optimizer. Default true. */
  biasCorrection?: boolean
}

const adamOptions: Kinds<AdamOptions> = {
  lr: 'number',
  weightDecay: 'number',
  betas: 'any',
  eps: 'number',
  biasCorrection: 'boolean',
}

abstract class AdamFamily extends Optimizer {
  readonly #betas: readonly [number, number]
  readonly #eps: number
  readonly #correct: boolean
  readonly #decoupled: boolean

  constructor(
    params: Iterable<Tensor> | Iterable<ParameterGroup>,
    { betas = [0.9, 0.999], eps = 1e-8, biasCorrection = true, ...group }: AdamOptions & GroupOptions,
    decoupled: boolean,
  ) {
    super(params, group, 2)
    if (!Array.isArray(betas) || betas.length !== 2 || !betas.every((b) => b >= 0 && b < 1))
      throw new RangeError(`Adam: betas must lie in [0, 1), got ${betas}`)
    this.#betas = betas
    this.#eps = eps
    this.#correct = biasCorrection
    this.#decoupled = decoupled
  }

  protected update(
    p: Tensor,
    g: Tensor,
    [m, v]: readonly Tensor[],
    group: GroupOptions,
    gradScale: number,
  ): void {
    const [beta1, beta2] = this.#betas
    const correction = (beta: number) => (this.#correct ? 1 - power(beta, this.steps) : 1)
    kernelsFor(p.dtype).adam(flat(p), flat(g), flat(m), flat(v), {
      ...group,
      beta1,
      beta2,
      eps: this.#eps,
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
  constructor(params: Iterable<Tensor> | Iterable<ParameterGroup>, options: AdamOptions = {}) {
    const { lr = 1e-3, weightDecay = 0, ...rest } = optionsArg('Adam', options, adamOptions)
    super(params, { lr, weightDecay, ...rest }, false)
  }
}

/** Weight decay beside the gradient: p -= lr weightDecay p. Default lr 1e-3, weightDecay 0.01. */
export class AdamW extends AdamFamily {
  constructor(params: Iterable<Tensor> | Iterable<ParameterGroup>, options: AdamOptions = {}) {
    const { lr = 1e-3, weightDecay = 0.01, ...rest } = optionsArg('AdamW', options, adamOptions)
    super(params, { lr, weightDecay, ...rest }, true)
  }
}
