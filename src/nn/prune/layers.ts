// A linear layer of which a mask leaves some weights, on the same parameters as the plain layer that it stands for.
import { full, zeros } from '../../autograd/create.js'
import { mul } from '../../autograd/ops/elementwise/arithmetic.js'
import { activatedLinear, type LinearActivation } from '../../autograd/ops/products/activated.js'
import { linear } from '../../autograd/ops/products/matmul.js'
import { maskByScores } from '../../autograd/ops/pruning/mask-by-scores.js'
import { expand, reshape } from '../../autograd/ops/shape/views.js'
import { tidyUnrecorded } from '../../autograd/tidy.js'
import type { Tensor } from '../../tensor/tensor.js'
import type { Linear } from '../layers.js'
import { LearnsApart, LinearStandIn } from '../stand-ins/stand-in.js'
import { isSingle, type Pattern, unitsOf } from './pattern.js'

/** Which weights stay, and what that follows from. */
export class WeightMask extends LearnsApart {
  /** [out, in], 1 where the weight stays, else 0. A buffer: it is saved with the training, and is no parameter. */
  mask: Tensor
  /** A score for each unit of the pattern, which learns; null where the weights' own size decides. */
  scores: Tensor | null

  constructor(
    weight: Tensor,
    readonly pattern: Pattern,
    scored: boolean,
  ) {
    super()
    this.mask = this.registerBuffer('mask', full(weight.shape, 1))
    this.scores = scored ? zeros(unitsOf(weight.shape, pattern), { requiresGrad: true }) : null
  }

  override extraRepr(): string {
    const { pattern } = this
    return pattern.kind === 'of' ? `${pattern.n}:${pattern.m}` : `${pattern.rows}x${pattern.columns}`
  }

  /** The weight [R, C] with zeros where it is masked. */
  forward(weight: Tensor): Tensor {
    return this.scores === null
      ? mul(weight, this.mask)
      : maskByScores(weight, this.mask, this.#spread(this.scores))
  }

  /** A unit's score for each of its weights: [R / r, C / c] -> [R, C]. */
  #spread(scores: Tensor): Tensor {
    const { pattern } = this
    if (isSingle(pattern) || pattern.kind === 'of') return scores
    const [R, C] = scores.shape
    const cells = expand(reshape(scores, [R, 1, C, 1]), [R, pattern.rows, C, pattern.columns])
    return reshape(cells, this.mask.shape)
  }
}

/** y = x (W m)^T + b. [..., in] -> [..., out]. Weight and bias are `plain`'s own. */
export class MaskedLinear extends LinearStandIn {
  readonly weightMask: WeightMask

  constructor(plain: Linear, pattern: Pattern, scored: boolean) {
    super(plain)
    this.weightMask = new WeightMask(plain.weight, pattern, scored)
  }

  computedWeight(): Tensor {
    return this.weightMask.forward(this.weight)
  }

  addedTensors(): Tensor[] {
    const { mask, scores } = this.weightMask
    return scores === null ? [mask] : [mask, scores]
  }

  leaves(): { word: number; once: number } {
    return { word: 0, once: (this.weightMask.scores === null ? 2 : 3) * this.weight.numel }
  }

  override forward(x: Tensor, activation?: LinearActivation): Tensor {
    return tidyUnrecorded(() => {
      const weight = this.computedWeight()
      if (activation !== undefined) return activatedLinear(x, weight, this.bias, activation)
      return linear(x, weight, this.bias)
    })
  }
}
