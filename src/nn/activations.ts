// Functions without parameters as layers, for Sequential.
import { gelu, relu, sigmoid, tanh } from '../autograd/ops/elementwise/pointwise.js'
import { reshape } from '../autograd/ops/shape/views.js'
import { logSoftmax, softmax } from '../autograd/ops/softmax.js'
import { type Kinds, optionsArg, tensorArg, wholeArg } from '../tensor/check.js'
import { normalizeDim, numel } from '../tensor/shape.js'
import type { Tensor } from '../tensor/tensor.js'
import { Module } from './module.js'

/** max(x, 0). */
export class ReLU extends Module {
  forward(x: Tensor): Tensor {
    return relu(x)
  }
}

const geluOptions: Kinds<{ approximate?: 'none' | 'tanh' }> = { approximate: ['none', 'tanh'] }

/** x times the normal distribution function of x: Hendrycks and Gimpel 2016. approximate: 'tanh' for their approximation. */
export class GELU extends Module {
  readonly approximate: 'none' | 'tanh'

  /** Throws RangeError for another approximation. */
  constructor(options: { approximate?: 'none' | 'tanh' } = {}) {
    super()
    this.approximate = optionsArg('GELU', options, geluOptions).approximate ?? 'none'
  }

  override extraRepr(): string {
    return `approximate=${this.approximate}`
  }

  forward(x: Tensor): Tensor {
    return gelu(x, { approximate: this.approximate })
  }
}

/** tanh(x), element by element. */
export class Tanh extends Module {
  forward(x: Tensor): Tensor {
    return tanh(x)
  }
}

/** 1 / (1 + exp(-x)), element by element. */
export class Sigmoid extends Module {
  forward(x: Tensor): Tensor {
    return sigmoid(x)
  }
}

/** Along a dim, which may be negative. Default: the last. */
export class Softmax extends Module {
  constructor(readonly dim = -1) {
    super()
    wholeArg('Softmax', 'dim', dim)
  }

  override extraRepr(): string {
    return `dim=${this.dim}`
  }

  forward(x: Tensor): Tensor {
    return softmax(x, this.dim)
  }
}

/** log of softmax along a dim, which may be negative. Default: the last. */
export class LogSoftmax extends Module {
  constructor(readonly dim = -1) {
    super()
    wholeArg('LogSoftmax', 'dim', dim)
  }

  override extraRepr(): string {
    return `dim=${this.dim}`
  }

  forward(x: Tensor): Tensor {
    return logSoftmax(x, this.dim)
  }
}

/** x as it is: in the place of a layer that is left out. */
export class Identity extends Module {
  forward(x: Tensor): Tensor {
    return x
  }
}

/** The dims from startDim to endDim as one: [B, C, H, W] -> [B, C H W]. Both may be negative. Default 1 and -1. */
export class Flatten extends Module {
  constructor(
    readonly startDim = 1,
    readonly endDim = -1,
  ) {
    super()
    wholeArg('Flatten', 'startDim', startDim)
    wholeArg('Flatten', 'endDim', endDim)
  }

  override extraRepr(): string {
    return `startDim=${this.startDim}, endDim=${this.endDim}`
  }

  /** Throws ShapeError for dims that x has not, RangeError where they are in the wrong order. */
  forward(x: Tensor): Tensor {
    tensorArg('Flatten', 'x', x)
    const [from, to] = [this.startDim, this.endDim].map((dim) => normalizeDim('Flatten', dim, x.rank))
    if (from > to)
      throw new RangeError(`Flatten: startDim ${this.startDim} comes after endDim ${this.endDim}`)
    const { shape } = x
    return reshape(x, [...shape.slice(0, from), numel(shape.slice(from, to + 1)), ...shape.slice(to + 1)])
  }
}
