// Norms of images and of rows as layers. Names in the state dict, defaults and initial values are PyTorch's.
import { full, ones, zeros } from '../autograd/create.js'
import { touch } from '../autograd/graph.js'
import { batchNorm, groupNorm } from '../autograd/ops/conv/plane-norm.js'
import { rmsNorm } from '../autograd/ops/rms-norm.js'
import { ShapeError } from '../errors.js'
import { finiteArg, type Kinds, optionsArg, tensorArg, wholeArg } from '../tensor/check.js'
import { formatShape } from '../tensor/shape.js'
import type { Tensor } from '../tensor/tensor.js'
import { constant } from './init.js'
import { Module } from './module.js'

export interface BatchNormLayerOptions {
  eps?: number
  /** null: the running statistics are the plain mean of those of all batches. Default 0.1. */
  momentum?: number | null
  /** Whether there are a weight and a bias. Default true. */
  affine?: boolean
  /** Whether there are running statistics; without them evaluation takes the batch's too. Default true. */
  trackRunningStats?: boolean
}

const batchNormKinds: Kinds<BatchNormLayerOptions> = {
  // null is a momentum too.
  ...{ eps: 'finite', momentum: 'any', affine: 'boolean', trackRunningStats: 'boolean' },
}
const normKinds: Kinds<{ eps?: number; affine?: boolean }> = { eps: 'finite', affine: 'boolean' }

abstract class BatchNorm extends Module {
  /** [C], or null. */
  weight: Tensor | null
  bias: Tensor | null
  // Names as in PyTorch's state dict. No gradient, no parameter: state that training moves.
  running_mean: Tensor | null
  running_var: Tensor | null
  /** int32 []: batches that moved them. */
  num_batches_tracked: Tensor | null
  readonly eps: number
  readonly momentum: number | null

  constructor(
    readonly channels: number,
    options: BatchNormLayerOptions = {},
  ) {
    super()
    const op = new.target.name
    wholeArg(op, 'channels', channels, 0)
    const given = optionsArg(op, options, batchNormKinds)
    const { eps = 1e-5, momentum = 0.1, affine = true, trackRunningStats = true } = given
    if (momentum !== null) finiteArg(op, 'momentum', momentum)
    this.eps = eps
    this.momentum = momentum
    this.weight = affine ? constant([channels], 1) : null
    this.bias = affine ? constant([channels], 0) : null
    const tracked = <T extends Tensor>(make: () => T): T | null => (trackRunningStats ? make() : null)
    this.running_mean = this.registerBuffer(
      'running_mean',
      tracked(() => zeros([channels])),
    )
    this.running_var = this.registerBuffer(
      'running_var',
      tracked(() => ones([channels])),
    )
    this.num_batches_tracked = this.registerBuffer(
      'num_batches_tracked',
      tracked(() => full([], 0, { dtype: 'int32' })),
    )
  }

  /** The ranks that this layer takes, and how its input is told of. */
  protected abstract readonly takes: { ranks: readonly number[]; shape: string }

  forward(x: Tensor): Tensor {
    tensorArg(this.constructor.name, 'x', x)
    if (!this.takes.ranks.includes(x.rank) || x.shape[1] !== this.channels) {
      const what = this.takes.shape.replace('C', `${this.channels}`)
      throw new ShapeError(this.constructor.name, `the input must be ${what}, got ${formatShape(x.shape)}`)
    }
    const { weight, bias, eps, running_mean: mean, running_var: variance, num_batches_tracked: count } = this
    const running = mean === null || variance === null ? null : { mean, variance }
    const training = this.training || running === null
    const moves = this.training && count !== null
    const momentum = this.momentum ?? 1 / ((count?.elements[0] ?? 0) + 1)
    const y = batchNorm(x, running, { weight, bias, training, momentum, eps })
    // After the op, so that an input which it refuses does not count.
    if (moves) {
      count.elements[0]++
      touch(count)
    }
    return y
  }
}

/** Each channel of [N, C] or [N, C, L] over the batch. In training by the batch's statistics, which move the running ones. */
export class BatchNorm1d extends BatchNorm {
  protected readonly takes = { ranks: [2, 3], shape: '[N, C] or [N, C, L]' }
}

/** Each channel of [N, C, H, W] over the batch. In training by the batch's statistics, which move the running ones. */
export class BatchNorm2d extends BatchNorm {
  protected readonly takes = { ranks: [4], shape: '[N, C, H, W]' }
}

/** Groups of channels of each image of [N, C, ...]. The same in training and evaluation. */
export class GroupNorm extends Module {
  /** [C], or null. */
  weight: Tensor | null
  bias: Tensor | null
  readonly eps: number

  constructor(
    readonly numGroups: number,
    channels: number,
    options: { eps?: number; affine?: boolean } = {},
  ) {
    super()
    wholeArg('GroupNorm', 'numGroups', numGroups, 1)
    wholeArg('GroupNorm', 'channels', channels, 0)
    const { eps = 1e-5, affine = true } = optionsArg('GroupNorm', options, normKinds)
    if (channels % numGroups !== 0)
      throw new ShapeError('GroupNorm', `${channels} channels do not divide into ${numGroups} groups`)
    this.eps = eps
    this.weight = affine ? constant([channels], 1) : null
    this.bias = affine ? constant([channels], 0) : null
  }

  forward(x: Tensor): Tensor {
    return groupNorm(x, this.numGroups, { weight: this.weight, bias: this.bias, eps: this.eps })
  }
}

/** x / sqrt(mean(x^2) + eps) * weight over the last dim. */
export class RMSNorm extends Module {
  /** [width], or null. */
  weight: Tensor | null
  readonly options: { eps?: number }

  /** eps: default the dtype's own, as in PyTorch; language models give 1e-5 or 1e-6. */
  constructor(width: number, given: { eps?: number; affine?: boolean } = {}) {
    super()
    wholeArg('RMSNorm', 'width', width, 0)
    const { affine = true, ...options } = optionsArg('RMSNorm', given, normKinds)
    this.options = options
    this.weight = affine ? constant([width], 1) : null
  }

  forward(x: Tensor): Tensor {
    return rmsNorm(x, this.weight, this.options)
  }
}
