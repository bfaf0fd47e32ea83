// The plain layers: parameters and one op each. Shapes, defaults and initial values are PyTorch's.

import { zeros } from '../autograd/create.js'
import { noGrad } from '../autograd/graph.js'
import { embedding, paddingRow } from '../autograd/ops/indexing/rows.js'
import { dropout, layerNorm } from '../autograd/ops/normalize.js'
import { activatedLinear, type LinearActivation } from '../autograd/ops/products/activated.js'
import { linear, matmul } from '../autograd/ops/products/matmul.js'
import { type Kinds, numberArg, optionsArg, wholeArg } from '../tensor/check.js'
import type { Shape } from '../tensor/shape.js'
import type { Tensor } from '../tensor/tensor.js'
import { constant, normal, uniform } from './init.js'
import { Module } from './module.js'

export interface LinearOptions {
  bias?: boolean
  /** The weight starts as N(0, std^2) and the bias as 0, as in BERT. Default: PyTorch's, uniform below 1 / sqrt(in). */
  std?: number | undefined
  /** [out, in], shared with another layer. */
  weight?: Tensor | undefined
}

const linearOptions: Kinds<LinearOptions> = { bias: 'boolean', std: 'finite', weight: 'tensor' }

/** y = x W^T + b. [..., in] -> [..., out]. */
export class Linear extends Module {
  /** [out, in] */
  weight: Tensor
  /** [out], or null. */
  bias: Tensor | null

  constructor(inFeatures: number, outFeatures: number, options: LinearOptions = {}) {
    super()
    wholeArg('Linear', 'inFeatures', inFeatures, 0)
    wholeArg('Linear', 'outFeatures', outFeatures, 0)
    const { bias = true, std, weight } = optionsArg('Linear', options, linearOptions)
    const bound = inFeatures === 0 ? 0 : 1 / Math.sqrt(inFeatures)
    const draw = (shape: Shape) => (std === undefined ? uniform(shape, bound) : normal(shape, std))
    this.weight = weight ?? draw([outFeatures, inFeatures])
    this.bias = !bias ? null : std === undefined ? draw([outFeatures]) : constant([outFeatures], 0)
  }

  get inFeatures(): number {
    return this.weight.shape[1]
  }

  get outFeatures(): number {
    return this.weight.shape[0]
  }

  override extraRepr(): string {
    return `inFeatures=${this.inFeatures}, outFeatures=${this.outFeatures}, bias=${this.bias !== null}`
  }

  /** activation: applied to y; in inference in the same pass. */
  forward(x: Tensor, activation?: LinearActivation): Tensor {
    if (activation !== undefined) return activatedLinear(x, this.weight, this.bias, activation)
    return linear(x, this.weight, this.bias)
  }
}

/**
 * y = E (R x) + b: a linear layer as the product of two smaller ones, R `reduce` [rank, in] and E `expand` [out, rank] with the
 * bias. Where rank (in + out) is below in * out that is fewer numbers. Denil et al. 2013; Sainath et al. 2013.
 */
export class LowRankLinear extends Module {
  reduce: Linear
  expand: Linear

  constructor(inFeatures: number, outFeatures: number, rank: number, { bias, std }: LinearOptions = {}) {
    super()
    wholeArg('LowRankLinear', 'rank', rank, 1)
    // The product is to begin with std.
    const own = std === undefined ? undefined : Math.sqrt(std / Math.sqrt(rank))
    this.reduce = new Linear(inFeatures, rank, { bias: false, std: own })
    this.expand = new Linear(rank, outFeatures, { ...(bias === undefined ? {} : { bias }), std: own })
  }

  override extraRepr(): string {
    return `rank=${this.rank}`
  }

  get inFeatures(): number {
    return this.reduce.inFeatures
  }

  get outFeatures(): number {
    return this.expand.outFeatures
  }

  get rank(): number {
    return this.reduce.outFeatures
  }

  get bias(): Tensor | null {
    return this.expand.bias
  }

  /** E R, [out, in]: a new tensor at each call, to look at. */
  get weight(): Tensor {
    return noGrad(() => matmul(this.expand.weight, this.reduce.weight))
  }

  /** As Linear's. */
  forward(x: Tensor, activation?: LinearActivation): Tensor {
    return this.expand.forward(this.reduce.forward(x), activation)
  }
}

export interface EmbeddingOptions {
  paddingIdx?: number
  std?: number
  weight?: Tensor | undefined
}

const embeddingOptions: Kinds<EmbeddingOptions> = { paddingIdx: 'whole', std: 'finite', weight: 'tensor' }

/** Rows of a table by id. int32 [...] -> [..., width]. */
export class Embedding extends Module {
  /** [count, width] */
  weight: Tensor
  readonly paddingIdx: number | undefined

  /**
   * paddingIdx: the id whose row is zero and never learns; a negative one counts from the end. std: of the initial values.
   * weight: [count, width], shared with another layer, and left as it is. Throws RangeError for a paddingIdx outside the table.
   */
  constructor(count: number, width: number, options: EmbeddingOptions = {}) {
    super()
    wholeArg('Embedding', 'count', count, 0)
    wholeArg('Embedding', 'width', width, 0)
    const { paddingIdx, std = 1, weight } = optionsArg('Embedding', options, embeddingOptions)
    this.paddingIdx = paddingIdx === undefined ? undefined : paddingRow('Embedding', paddingIdx, count)
    this.weight = weight ?? normal([count, width], std)
    // What stands for values to come is one 0 already.
    if (weight === undefined && this.paddingIdx !== undefined && this.weight.isContiguous)
      this.weight.elements.fill(0, this.paddingIdx * width, (this.paddingIdx + 1) * width)
  }

  override extraRepr(): string {
    const [count, width] = this.weight.shape
    return `${count}, ${width}${this.paddingIdx === undefined ? '' : `, paddingIdx=${this.paddingIdx}`}`
  }

  forward(ids: Tensor): Tensor {
    return embedding(this.weight, ids, this.paddingIdx === undefined ? {} : { paddingIdx: this.paddingIdx })
  }
}

/** (x - mean) / sqrt(var + eps) * weight + bias over the last dim. Ba et al. 2016. */
export class LayerNorm extends Module {
  weight: Tensor
  bias: Tensor | null
  readonly options: { eps?: number }

  /** eps: default PyTorch's 1e-5; BERT uses 1e-12. bias: whether there is one. Default true. */
  constructor(width: number, given: { eps?: number; bias?: boolean } = {}) {
    super()
    wholeArg('LayerNorm', 'width', width, 0)
    const { bias = true, ...options } = optionsArg('LayerNorm', given, { eps: 'finite', bias: 'boolean' })
    this.options = options
    this.weight = constant([width], 1)
    this.bias = bias ? constant([width], 0) : null
  }

  override extraRepr(): string {
    return `[${this.weight.shape}], eps=${this.options.eps ?? 1e-5}`
  }

  forward(x: Tensor): Tensor {
    const { shape, dtype } = this.weight
    return layerNorm(x, this.weight, this.bias ?? zeros(shape, { dtype }), this.options)
  }
}

/**
 * In training, zeroes each element with probability p and divides the rest by 1 - p; else leaves x alone. Plus `residual`.
 * p 1 leaves zeros.
 */
export class Dropout extends Module {
  constructor(readonly p = 0.5) {
    super()
    if (!(numberArg('Dropout', 'p', p) >= 0 && p <= 1))
      throw new RangeError(`Dropout: p must lie in [0, 1], got ${p}`)
  }

  override extraRepr(): string {
    return `p=${this.p}`
  }

  forward(x: Tensor, residual?: Tensor): Tensor {
    return dropout(x, this.training ? this.p : 0, residual ? { residual } : {})
  }
}
