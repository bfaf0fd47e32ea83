// One transformer decoder block: causal attention, attention to a memory where there is one, then a two-layer network.
import { ArgumentError, got } from '../../errors.js'
import { type Kinds, optionsArg } from '../../tensor/check.js'
import type { Tensor } from '../../tensor/tensor.js'
import { type Activation, activated, activationNames } from '../encoder.js'
import { KeyValues } from '../key-values.js'
import { Dropout, LayerNorm, Linear } from '../layers.js'
import { Module } from '../module.js'
import { CausalAttention, CrossAttention } from './attention.js'
import { RotaryEmbedding } from './positions.js'

/** Of DecoderBlock. */
export interface DecoderOptions {
  width: number
  heads: number
  /** Width of the inner layer. Default 4 * width. */
  inner?: number
  dropout?: number
  /** Of the attention probabilities. Default: dropout. */
  attentionDropout?: number
  /** Default 'gelu'. */
  activation?: Activation
  /** Whether it attends to a memory too. Default false. */
  cross?: boolean
  /** Width of the memory. Default: width. */
  memoryWidth?: number
  /** Positions of the causal attention, for heads of width / heads. One may serve all blocks. Default: none. */
  rope?: RotaryEmbedding
  /** Of the layer norms. Default 1e-5. */
  eps?: number
  /** Of the initial weights, as in Linear. */
  std?: number
}

const kinds: Kinds<DecoderOptions> = {
  ...{ width: 'whole', heads: 'whole', inner: 'whole', dropout: 'number', attentionDropout: 'number' },
  activation: [...activationNames],
  ...{ cross: 'boolean', memoryWidth: 'whole', rope: 'any', eps: 'finite', std: 'finite' },
}

/** What a block has seen so far, of one batch of texts. forward() changes it. */
export class DecoderCache {
  readonly self = new KeyValues()
  readonly cross = new KeyValues()

  /** Words seen so far: the position of the next one. */
  get length(): number {
    return this.self.length
  }
}

export interface DecoderInput {
  /** int32 [B, words in the cache and in x], 0 where a word is padding and is not to be seen. */
  mask?: Tensor | undefined
  /** [B, M, memoryWidth], for a block with cross attention; all blocks with one need it. */
  memory?: Tensor | undefined
  /** int32 [B, M], 0 where the memory is padding. */
  memoryMask?: Tensor | undefined
  /** Of newCache(): x holds the words after those seen, and comes to it. */
  cache?: DecoderCache | undefined
}

const inputKinds: Kinds<DecoderInput> = {
  ...{ mask: 'tensor', memory: 'tensor', memoryMask: 'tensor', cache: 'any' },
}

/**
 * [B, T, C] -> [B, T, C], with the norm before each part, as GPT-2: x + f(norm(x)). The last block's output wants a norm.
 * Word by word with a cache gives what one pass over all words gives, to rounding.
 */
export class DecoderBlock extends Module {
  attentionNorm: LayerNorm
  attention: CausalAttention
  crossNorm: LayerNorm | null
  cross: CrossAttention | null
  innerNorm: LayerNorm
  up: Linear
  down: Linear
  drop: Dropout
  readonly activation: Activation

  constructor(options: DecoderOptions) {
    super()
    const op = 'DecoderBlock'
    if (typeof options !== 'object' || options === null)
      throw new ArgumentError(op, `options must be an object, got ${got(options)}`, 'Give { width, heads }')
    optionsArg(op, options, kinds)
    const { width, heads, inner = 4 * width, dropout = 0, attentionDropout = dropout } = options
    const { activation = 'gelu', cross = false, memoryWidth, rope, eps = 1e-5, std } = options
    if (rope !== undefined && !(rope instanceof RotaryEmbedding))
      throw new ArgumentError(op, `rope must be a RotaryEmbedding, got ${got(rope)}`)
    this.attentionNorm = new LayerNorm(width, { eps })
    this.attention = new CausalAttention(width, heads, { dropout: attentionDropout, std }, rope)
    this.crossNorm = cross ? new LayerNorm(width, { eps }) : null
    this.cross = cross
      ? new CrossAttention(width, heads, { memoryWidth, dropout: attentionDropout, std })
      : null
    this.innerNorm = new LayerNorm(width, { eps })
    this.up = new Linear(width, inner, { std })
    this.down = new Linear(inner, width, { std })
    this.drop = new Dropout(dropout)
    this.activation = activation
  }

  override extraRepr(): string {
    return `activation=${this.activation}`
  }

  /** For forward(): one for each block and batch of texts. tidy() must be given it back to keep what it holds. */
  newCache(): DecoderCache {
    return new DecoderCache()
  }

  /** Throws ShapeError, and ArgumentError for a memory that is missing or not wanted. */
  forward(x: Tensor, input: DecoderInput = {}): Tensor {
    const op = 'DecoderBlock'
    const { mask, memory, memoryMask, cache } = optionsArg(op, input, inputKinds)
    if (cache !== undefined && !(cache instanceof DecoderCache))
      throw new ArgumentError(op, `cache must be one of newCache(), got ${got(cache)}`)
    const { cross, crossNorm } = this
    if (cross !== null && memory === undefined)
      throw new ArgumentError(op, 'the memory is missing', 'Give { memory }, or make the block without cross')
    if (cross === null && (memory ?? memoryMask) !== undefined)
      throw new ArgumentError(op, 'has no attention to a memory', 'Make the block with { cross: true }')
    const before = cache && { ...cache.self }
    const attended = this.attention.forward(this.attentionNorm.forward(x), { mask, cache: cache?.self })
    let h = this.drop.forward(attended, x)
    if (cross !== null && crossNorm !== null && memory !== undefined) {
      try {
        const seen = cross.forward(crossNorm.forward(h), memory, { memoryMask, cache: cache?.cross })
        h = this.drop.forward(seen, h)
      } catch (e) {
        // A memory that is refused must not leave the words in the cache: the next try would add them again.
        if (cache) Object.assign(cache.self, before)
        throw e
      }
    }
    const inner = activated(this.up, this.innerNorm.forward(h), this.activation)
    return this.drop.forward(this.down.forward(inner), h)
  }
}
