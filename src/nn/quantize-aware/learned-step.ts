// A grid whose step is a parameter.
import { full } from '../../autograd/create.js'
import { touch } from '../../autograd/graph.js'
import { learnedStep } from '../../autograd/ops/quantization/learned-step.js'
import type { Tensor } from '../../tensor/tensor.js'
import { Quantizer } from './quantizer.js'
import { least, meanSize } from './ranges.js'

export interface LearnedStepRules {
  /** Whether x is moved to begin at 0, by its least number, and has levels from 0 on: BinaryBERT's inputs. */
  fromLeast?: boolean
}

/**
 * One step for all of x, which begins at 2 mean|x| / sqrt(highest level), 4 mean|x| where x is moved to 0, of what is seen first.
 * Esser et al. 2020, section 2.1; BinaryBERT's code, AsymLsqQuantizer.
 */
export class LearnedStepQuantizer extends Quantizer {
  /** [], 0 before it began. */
  step: Tensor
  readonly low: number
  readonly high: number
  readonly fromLeast: boolean

  constructor(
    readonly bits: number,
    { fromLeast = false }: LearnedStepRules = {},
  ) {
    super()
    this.fromLeast = fromLeast
    this.low = fromLeast ? 0 : -(2 ** (bits - 1))
    this.high = fromLeast ? 2 ** bits - 1 : 2 ** (bits - 1) - 1
    this.step = full([], 0, { requiresGrad: true })
  }

  override extraRepr(): string {
    return `bits=${this.bits}, fromLeast=${this.fromLeast}`
  }

  /** Sets the step by x, where it has not begun. */
  begin(x: Tensor): void {
    const { elements } = this.step
    if (elements[0] !== 0) return
    elements[0] = ((this.fromLeast ? 4 : 2) * meanSize(x)) / Math.sqrt(this.high)
    touch(this.step)
  }

  forward(x: Tensor, whole = x): Tensor {
    this.begin(whole)
    const { low, high, step } = this
    const gradScale = 1 / Math.sqrt(Math.max(1, whole.numel * high))
    return learnedStep(x, step, { low, high, gradScale, shift: this.fromLeast ? least(x) : 0 })
  }
}
