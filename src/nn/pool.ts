// Pools as layers: no parameters, PyTorch's defaults.
import { type MaxPoolOptions, maxPool1d, maxPool2d } from '../autograd/ops/conv/max-pool.js'
import { type AvgPoolOptions, adaptiveAvgPool2d, avgPool2d } from '../autograd/ops/conv/mean-pool.js'
import type { Pair } from '../autograd/ops/conv/window.js'
import { ArgumentError, got } from '../errors.js'
import { type Kinds, optionsArg } from '../tensor/check.js'
import type { Tensor } from '../tensor/tensor.js'
import { pairArg } from './conv.js'
import { Module } from './module.js'

const window = { stride: 'any', padding: 'any', ceilMode: 'boolean' } as const
const maxKinds: Kinds<MaxPoolOptions> = { ...window, dilation: 'any' }
const avgKinds: Kinds<AvgPoolOptions> = { ...window, countIncludePad: 'boolean', divisorOverride: 'finite' }

function check<T extends MaxPoolOptions>(
  layer: string,
  kernelSize: unknown,
  given: T,
  kinds: Kinds<T>,
  axes: 1 | 2,
): void {
  const { stride, padding, dilation } = optionsArg<T>(layer, given, kinds)
  for (const [what, value, least] of [
    ['kernelSize', kernelSize ?? null, 1],
    ['stride', stride, 1],
    ['padding', padding, 0],
    ['dilation', dilation, 1],
  ] as const)
    if (value !== undefined) pairArg(layer, what, value, least, axes)
}

/** The largest under each window: [N, C, H, W] -> [N, C, oH, oW]. */
export class MaxPool2d extends Module {
  constructor(
    readonly kernelSize: Pair,
    readonly options: MaxPoolOptions = {},
  ) {
    super()
    check('MaxPool2d', kernelSize, options, maxKinds, 2)
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
    check('MaxPool1d', kernelSize, options, maxKinds, 1)
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
    check('AvgPool2d', kernelSize, options, avgKinds, 2)
  }

  forward(x: Tensor): Tensor {
    return avgPool2d(x, this.kernelSize, this.options)
  }
}

/** Means of as many windows as asked for: [N, C, H, W] -> [N, C, ...outputSize]. */
export class AdaptiveAvgPool2d extends Module {
  constructor(readonly outputSize: number | readonly [number | null, number | null]) {
    super()
    const list: readonly unknown[] = Array.isArray(outputSize)
      ? Array.from(outputSize)
      : [outputSize, outputSize]
    const right = list.length === 2 && (typeof outputSize === 'number' || Array.isArray(outputSize))
    if (!right || !list.every((n) => n === null || (Number.isInteger(n) && (n as number) >= 1))) {
      const wanted = 'a whole number from 1, or two of them, null for the size as it is'
      throw new ArgumentError('AdaptiveAvgPool2d', `outputSize must be ${wanted}, got ${got(outputSize)}`)
    }
  }

  forward(x: Tensor): Tensor {
    return adaptiveAvgPool2d(x, this.outputSize)
  }
}
