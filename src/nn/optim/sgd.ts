// Stochastic gradient descent with momentum: buf = momentum buf + g; p -= lr buf. PyTorch's form.
import { ArgumentError, got } from '../../errors.js'
import { kernelsFor } from '../../tensor/backend.js'
import { flat, type Tensor } from '../../tensor/tensor.js'
import { type GroupOptions, Optimizer, type ParameterGroup } from './optimizer.js'

export interface SGDOptions extends Partial<GroupOptions> {
  lr: number
  momentum?: number
  nesterov?: boolean
}

/** Weight decay is L2: added to the gradient. */
export class SGD extends Optimizer {
  readonly momentum: number
  readonly nesterov: boolean

  constructor(params: Iterable<Tensor> | Iterable<ParameterGroup>, options: SGDOptions) {
    if (typeof options !== 'object' || options === null)
      throw new ArgumentError('SGD', `options must be an object with lr, got ${got(options)}`)
    const { lr, weightDecay = 0, momentum = 0, nesterov = false } = options
    super(params, { lr, weightDecay }, 1)
    this.momentum = momentum
    this.nesterov = nesterov
  }

  protected update(
    p: Tensor,
    g: Tensor,
    [buf]: readonly Tensor[],
    group: GroupOptions,
    gradScale: number,
  ): void {
    const { momentum, nesterov } = this
    kernelsFor(p.dtype).sgd(
      flat(p),
      flat(g),
      flat(buf),
      group.lr,
      momentum,
      group.weightDecay,
      nesterov,
      gradScale,
    )
  }
}
