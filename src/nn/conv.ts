// Convolutions as layers. Shapes, defaults and initial values are PyTorch's.
import {
  type ConvOptions,
  type ConvTransposeOptions,
  conv1d,
  conv2d,
  convTranspose2d,
} from '../autograd/ops/conv/index.js'
import { type Pair, pairOf } from '../autograd/ops/conv/window.js'
import { ShapeError } from '../errors.js'
import type { Shape } from '../tensor/shape.js'
import type { Tensor } from '../tensor/tensor.js'
import { uniform } from './init.js'
import { Module } from './module.js'

/** channels / groups, where that is whole. */
function ofGroup(layer: string, what: string, channels: number, groups: number): number {
  if (!Number.isInteger(groups) || groups < 1 || channels % groups !== 0)
    throw new ShapeError(layer, `${channels} ${what} do not divide into ${groups} groups`)
  return channels / groups
}

/** Kaiming uniform with a = sqrt(5), which is uniform below 1 / sqrt(the numbers that a filter reads). He et al. 2015. */
function drawn(weight: Shape, filters: number, bias: boolean): [weight: Tensor, bias: Tensor | null] {
  const bound = 1 / Math.sqrt(weight.slice(1).reduce((a, b) => a * b, 1))
  return [uniform(weight, bound), bias ? uniform([filters], bound) : null]
}

/** Filters over images: [N, C, H, W] or [C, H, W] -> [N, O, oH, oW]. See conv2d for the sizes. */
export class Conv2d extends Module {
  /** [O, C / groups, kH, kW] */
  weight: Tensor
  /** [O], or null. */
  bias: Tensor | null
  readonly options: ConvOptions

  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: Pair,
    { bias = true, ...options }: ConvOptions & { bias?: boolean } = {},
  ) {
    super()
    const groups = options.groups ?? 1
    const c = ofGroup('Conv2d', 'input channels', inChannels, groups)
    ofGroup('Conv2d', 'output channels', outChannels, groups)
    const kernel = pairOf('Conv2d', 'kernelSize', kernelSize, 1)
    this.options = options
    ;[this.weight, this.bias] = drawn([outChannels, c, ...kernel], outChannels, bias)
  }

  forward(x: Tensor): Tensor {
    return conv2d(x, this.weight, this.bias, this.options)
  }
}

/** Filters over rows: [N, C, L] or [C, L] -> [N, O, oL]. See conv1d. */
export class Conv1d extends Module {
  /** [O, C / groups, k] */
  weight: Tensor
  /** [O], or null. */
  bias: Tensor | null
  readonly options: ConvOptions

  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: number,
    { bias = true, ...options }: ConvOptions & { bias?: boolean } = {},
  ) {
    super()
    const groups = options.groups ?? 1
    const c = ofGroup('Conv1d', 'input channels', inChannels, groups)
    ofGroup('Conv1d', 'output channels', outChannels, groups)
    const [kernel] = pairOf('Conv1d', 'kernelSize', kernelSize, 1)
    this.options = options
    ;[this.weight, this.bias] = drawn([outChannels, c, kernel], outChannels, bias)
  }

  forward(x: Tensor): Tensor {
    return conv1d(x, this.weight, this.bias, this.options)
  }
}

/** The other way round: [N, C, H, W] or [C, H, W] -> [N, O, oH, oW], larger where the stride is. See convTranspose2d. */
export class ConvTranspose2d extends Module {
  /** [C, O / groups, kH, kW] */
  weight: Tensor
  /** [O], or null. */
  bias: Tensor | null
  readonly options: ConvTransposeOptions

  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: Pair,
    { bias = true, ...options }: ConvTransposeOptions & { bias?: boolean } = {},
  ) {
    super()
    const groups = options.groups ?? 1
    ofGroup('ConvTranspose2d', 'input channels', inChannels, groups)
    const o = ofGroup('ConvTranspose2d', 'output channels', outChannels, groups)
    const kernel = pairOf('ConvTranspose2d', 'kernelSize', kernelSize, 1)
    this.options = options
    ;[this.weight, this.bias] = drawn([inChannels, o, ...kernel], outChannels, bias)
  }

  forward(x: Tensor): Tensor {
    return convTranspose2d(x, this.weight, this.bias, this.options)
  }
}
