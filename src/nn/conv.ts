// Convolutions as layers. Shapes, defaults and initial values are PyTorch's.
import {
  type ConvOptions,
  type ConvTransposeOptions,
  conv1d,
  conv2d,
  convTranspose2d,
} from '../autograd/ops/conv/index.js'
import { acrossOf, type Pair, pairOf } from '../autograd/ops/conv/window.js'
import { ArgumentError, got, ShapeError } from '../errors.js'
import { type Kinds, optionsArg, wholeArg } from '../tensor/check.js'
import type { Shape } from '../tensor/shape.js'
import type { Tensor } from '../tensor/tensor.js'
import { uniform } from './init.js'
import { Module } from './module.js'

/** A number, or one for each axis. Throws ShapeError for numbers that mean nothing. */
export function pairArg(layer: string, what: string, value: unknown, least: number, axes: 1 | 2): Pair {
  const list = Array.isArray(value) ? Array.from(value as unknown[]) : [value]
  if (list.some((n) => typeof n !== 'number')) {
    const wanted = axes === 1 ? 'a whole number' : 'a whole number, or two of them'
    throw new ArgumentError(layer, `${what} must be ${wanted}, got ${got(value)}`)
  }
  if (axes === 1) acrossOf(layer, what, value as Pair, least, least)
  else pairOf(layer, what, value as Pair, least)
  return value as Pair
}

interface Given {
  stride?: unknown
  padding?: unknown
  dilation?: unknown
  outputPadding?: unknown
}

const convKinds: Kinds<ConvOptions & { bias?: boolean }> = {
  ...{ stride: 'any', padding: 'any', dilation: 'any' },
  ...{ groups: 'whole', bias: 'boolean' },
}
const transposeKinds: Kinds<ConvTransposeOptions & { bias?: boolean }> = {
  ...{ ...convKinds, outputPadding: 'any' },
}

function optionsOf<T extends Given>(layer: string, given: T, kinds: Kinds<T>, axes: 1 | 2): Partial<T> {
  const options = optionsArg(layer, given, kinds)
  const { stride, padding, dilation, outputPadding }: Given = options
  const words = axes === 1 || !('outputPadding' in kinds) ? ['same', 'valid'] : []
  for (const [what, value, least] of [
    ['stride', stride, 1],
    ['padding', words.includes(padding as string) ? undefined : padding, 0],
    ['dilation', dilation, 1],
    ['outputPadding', outputPadding, 0],
  ] as const)
    if (value !== undefined) pairArg(layer, what, value, least, axes)
  return options
}

/** channels / groups, where that is whole. */
function ofGroup(layer: string, what: string, channels: number, groups: number): number {
  wholeArg(layer, `the number of ${what}`, channels, 0)
  if (!Number.isInteger(groups) || groups < 1 || channels % groups !== 0)
    throw new ShapeError(layer, `${channels} ${what} do not divide into ${groups} groups`)
  return channels / groups
}

/** Kaiming uniform with a = sqrt(5), which is uniform below 1 / sqrt(the numbers that a filter reads). He et al. 2015. */
function drawn(weight: Shape, filters: number, bias: boolean): [weight: Tensor, bias: Tensor | null] {
  const reads = weight.slice(1).reduce((a, b) => a * b, 1)
  const bound = reads === 0 ? 0 : 1 / Math.sqrt(reads)
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
    given: ConvOptions & { bias?: boolean } = {},
  ) {
    super()
    const { bias = true, ...options } = optionsOf('Conv2d', given, convKinds, 2)
    const groups = options.groups ?? 1
    const c = ofGroup('Conv2d', 'input channels', inChannels, groups)
    ofGroup('Conv2d', 'output channels', outChannels, groups)
    const kernel = pairOf('Conv2d', 'kernelSize', pairArg('Conv2d', 'kernelSize', kernelSize, 1, 2), 1)
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
    given: ConvOptions & { bias?: boolean } = {},
  ) {
    super()
    const { bias = true, ...options } = optionsOf('Conv1d', given, convKinds, 1)
    const groups = options.groups ?? 1
    const c = ofGroup('Conv1d', 'input channels', inChannels, groups)
    ofGroup('Conv1d', 'output channels', outChannels, groups)
    const [, kernel] = acrossOf(
      'Conv1d',
      'kernelSize',
      pairArg('Conv1d', 'kernelSize', kernelSize, 1, 1),
      1,
      1,
    )
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
    given: ConvTransposeOptions & { bias?: boolean } = {},
  ) {
    super()
    const { bias = true, ...options } = optionsOf('ConvTranspose2d', given, transposeKinds, 2)
    const groups = options.groups ?? 1
    ofGroup('ConvTranspose2d', 'input channels', inChannels, groups)
    const o = ofGroup('ConvTranspose2d', 'output channels', outChannels, groups)
    const kernel = pairOf(
      'ConvTranspose2d',
      'kernelSize',
      pairArg('ConvTranspose2d', 'kernelSize', kernelSize, 1, 2),
      1,
    )
    this.options = options
    ;[this.weight, this.bias] = drawn([inChannels, o, ...kernel], outChannels, bias)
  }

  forward(x: Tensor): Tensor {
    return convTranspose2d(x, this.weight, this.bias, this.options)
  }
}
