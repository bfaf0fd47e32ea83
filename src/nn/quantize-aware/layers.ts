// Layers that compute as their quantized selves will, in floats: on the same parameters as the plain layers that they stand for.

import { activate, activatedLinear, type LinearActivation } from '../../autograd/ops/products/activated.js'
import { linear } from '../../autograd/ops/products/matmul.js'
import { reshape } from '../../autograd/ops/shape/views.js'
import { tidyUnrecorded } from '../../autograd/tidy.js'
import type { Tensor } from '../../tensor/tensor.js'
import { Embedding, type Linear } from '../layers.js'
import type { Module } from '../module.js'
import { LinearStandIn, type StandIn } from '../stand-ins/stand-in.js'
import { type Quantizer, tensorsOf } from './quantizer.js'

export interface LinearQuantizers {
  weight: Quantizer
  /** null: they stay floats. */
  input: Quantizer | null
  /** Before the activation. */
  output: Quantizer | null
}

/** y = Q(x) Q(W)^T + b, and Q of that where outputs are quantized. [..., in] -> [..., out]. Weight and bias are `plain`'s own. */
export class FakeQuantLinear extends LinearStandIn {
  readonly weightQuantizer: Quantizer
  readonly inputQuantizer: Quantizer | null
  readonly outputQuantizer: Quantizer | null

  constructor(plain: Linear, { weight, input, output }: LinearQuantizers) {
    super(plain)
    this.weightQuantizer = weight
    this.inputQuantizer = input
    this.outputQuantizer = output
  }

  /** The weight on its grid, [out, in]. */
  computedWeight(): Tensor {
    return this.weightQuantizer.forward(this.weight)
  }

  addedTensors(): Tensor[] {
    return tensorsOf(this.weightQuantizer, this.inputQuantizer, this.outputQuantizer)
  }

  leaves(): { word: number; once: number } {
    const [outFeatures, inFeatures] = this.weight.shape
    const [input, output] = [this.inputQuantizer, this.outputQuantizer].map((q) => (q === null ? 0 : 1))
    return { word: input * inFeatures + output * outFeatures, once: this.weight.numel }
  }

  /** The weight on its grid is as large as the weight, and inputs as x: when answers are all that is wanted they go at once. */
  override forward(x: Tensor, activation?: LinearActivation): Tensor {
    return tidyUnrecorded(() => this.#compute(x, activation))
  }

  #compute(x: Tensor, activation: LinearActivation | undefined): Tensor {
    const input = this.inputQuantizer?.forward(x) ?? x
    const weight = this.computedWeight()
    if (this.outputQuantizer === null && activation !== undefined)
      return activatedLinear(input, weight, this.bias, activation)
    const y = linear(input, weight, this.bias)
    const output = this.outputQuantizer?.forward(y) ?? y
    return activation === undefined ? output : activate(output, activation)
  }
}

/** Rows of Q(table) by id. int32 [...] -> [..., width]. Only the rows that are asked for are quantized. */
export class FakeQuantEmbedding extends Embedding implements StandIn {
  readonly weightQuantizer: Quantizer

  constructor(plain: Embedding, weight: Quantizer) {
    const [count, width] = plain.weight.shape
    const { paddingIdx } = plain
    super(count, width, { weight: plain.weight, ...(paddingIdx === undefined ? {} : { paddingIdx }) })
    this.weightQuantizer = weight
  }

  /** The whole table on its grid, [count, width]. */
  computedWeight(): Tensor {
    return this.weightQuantizer.forward(this.weight)
  }

  addedTensors(): Tensor[] {
    return tensorsOf(this.weightQuantizer)
  }

  plainLayer(): Module {
    const [count, width] = this.weight.shape
    const { weight, paddingIdx } = this
    return new Embedding(count, width, { weight, ...(paddingIdx === undefined ? {} : { paddingIdx }) })
  }

  leaves(): { word: number; once: number } {
    return { word: 0, once: 0 }
  }

  override forward(ids: Tensor): Tensor {
    return this.rowsOf(this.weight, super.forward(ids))
  }

  /** Rows [..., width] that were taken out of a table, on the table's grid. */
  protected rowsOf(table: Tensor, rows: Tensor): Tensor {
    return tidyUnrecorded(() => {
      const flat = reshape(rows, [-1, table.shape[1]])
      return reshape(this.weightQuantizer.forward(flat, table), rows.shape)
    })
  }
}
