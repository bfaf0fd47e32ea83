// A stack of linear layers with relu between them: the models of Hinton's MNIST experiment.
import { relu } from '../../autograd/ops/elementwise/pointwise.js'
import type { Tensor } from '../../tensor/tensor.js'
import { Dropout, Linear } from '../layers.js'
import { Module } from '../module.js'

/** Sizes of an Mlp. */
export interface MlpConfig {
  /** Input, hidden layers, classes: [784, 1200, 1200, 10]. */
  sizes: readonly number[]
  /** Of the hidden layers. Default 0. */
  dropout?: number
  /** Of the input. Default 0. */
  inputDropout?: number
}

/** A multi-layer perceptron. */
export class Mlp extends Module {
  layers: Linear[]
  inputDrop: Dropout
  drop: Dropout

  constructor({ sizes, dropout = 0, inputDropout = 0 }: MlpConfig) {
    super()
    if (sizes.length < 2)
      throw new RangeError(`Mlp: needs at least an input and an output size, got [${sizes}]`)
    this.layers = sizes.slice(1).map((n, i) => new Linear(sizes[i], n))
    this.inputDrop = new Dropout(inputDropout)
    this.drop = new Dropout(dropout)
  }

  /** x [B, in] -> logits [B, out] */
  forward(x: Tensor): { logits: Tensor } {
    let h = this.inputDrop.forward(x)
    this.layers.forEach((layer, i) => {
      h = layer.forward(h)
      if (i < this.layers.length - 1) h = this.drop.forward(relu(h))
    })
    return { logits: h }
  }
}
