// Pools as layers: no parameters, PyTorch's defaults.
import { type MaxPoolOptions, maxPool1d, maxPool2d } from '../autograd/ops/conv/max-pool.js'
import { type AvgPoolOptions, adaptiveAvgPool2d, avgPool2d } from '../autograd/ops/conv/mean-pool.js'
import type { Pair } from '../autograd/ops/conv/window.js'
import type { Tensor } from '../tensor/tensor.js'
import { Module } from './module.js'

/** The largest under each window: [N, C, H, W] -> [N, C, oH, oW]. */
export class MaxPool2d extends Module {
  constructor(
    readonly kernelSize: Pair,
    readonly options: MaxPoolOptions = {},
  ) {
    super()
  }

  forward(x: Tensor): Tensor {
    return maxPool2d(x, this.kernelSize, this.options)
  }
}

/** The largest under each window: [N, C, L] -> [N, C, oL]. */
export class MaxPool1d extends Module {
  constructor(
    readonly kernelSize: number,
    readonly options: MaxPoolOptions = {},
  ) {
    super()
  }

  forward(x: Tensor): Tensor {
    return maxPool1d(x, this.kernelSize, this.options)
  }
}

/** The mean under each window: [N, C, H, W] -> [N, C, oH, oW]. */
export class AvgPool2d extends Module {
  constructor(
    readonly kernelSize: Pair,
    readonly options: AvgPoolOptions = {},
  ) {
    super()
  }

  forward(x: Tensor): Tensor {
    return avgPool2d(x, this.kernelSize, this.options)
  }
}

/** Means of as many windows as asked for: [N, C, H, W] -> [N, C, ...outputSize]. */
export class AdaptiveAvgPool2d extends Module {
  constructor(readonly outputSize: number | readonly [number | null, number | null]) {
    super()
  }

  forward(x: Tensor): Tensor {
    return adaptiveAvgPool2d(x, this.outputSize)
  }
}
