// Several classifiers as one teacher. Hinton, Vinyals and Dean 2015, section 1: the soft targets of an ensemble are a
// mean of its members' distributions, here the geometric one.
import { add, mul } from '../../autograd/ops/elementwise/arithmetic.js'
import { logSoftmax } from '../../autograd/ops/softmax.js'
import { Module } from '../../nn/module.js'
import type { Tensor } from '../../tensor/tensor.js'
import type { Classifier } from '../../train/predict.js'

/** logits [B, C] = mean over members of log softmax(member's logits): softmax of them is the geometric mean. */
export class Ensemble<Input> extends Module implements Classifier<Input> {
  constructor(readonly members: readonly Classifier<Input>[]) {
    super()
    if (members.length === 0) throw new RangeError('Ensemble: there are no members')
  }

  forward(input: Input): { logits: Tensor } {
    const each = this.members.map((m) => logSoftmax(m.forward(input).logits, -1))
    return { logits: mul(each.reduce(add), 1 / each.length) }
  }
}
