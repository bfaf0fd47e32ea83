// A grid whose range follows the largest numbers of the batches seen: a buffer, so that it is saved, and stands when training is over.

import { zeros } from '../../autograd/create.js'
import { touch } from '../../autograd/graph.js'
import { fakeQuantize } from '../../autograd/ops/quantization/fake-quantize.js'
import type { Tensor } from '../../tensor/tensor.js'
import { Quantizer } from './quantizer.js'
import { largest } from './ranges.js'

/**
 * Symmetric, by an exponential moving average of max |x| a batch, which begins as the first batch's. What lies outside is cut off,
 * and its gradient passes all the same. Zafrir et al. 2019, section 3.1, and the official code (nlp-architect).
 * A block that is checkpointed runs twice a batch, and would count it twice.
 */
export class AverageRangeQuantizer extends Quantizer {
  /** [], 0 before the first batch. */
  range: Tensor

  /** levels: on each side of 0. decay: of what was seen before. */
  constructor(
    readonly levels: number,
    readonly decay = 0.9999,
  ) {
    super()
    this.range = this.registerBuffer('range', zeros([]))
  }

  override extraRepr(): string {
    return `levels=${this.levels}, decay=${this.decay}`
  }

  forward(x: Tensor): Tensor {
    const { levels, range } = this
    const values = range.elements
    if (this.training || values[0] === 0) {
      const now = largest(x)
      values[0] = values[0] === 0 ? now : values[0] - (1 - this.decay) * (values[0] - now)
      touch(range)
    }
    const grid = { low: -levels, high: levels, outside: 'pass' } as const
    return fakeQuantize(x, values[0] / levels || 1, grid)
  }
}
