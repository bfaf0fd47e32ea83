// Attention in decoders: of words to the words before them, with a cache, and of words to those of another text.
import { attention } from '../../autograd/ops/products/attention.js'
import { scaledDotProductAttention } from '../../autograd/ops/products/scaled-attention.js'
import { permute, reshape } from '../../autograd/ops/shape/views.js'
import { ArgumentError, got, ShapeError } from '../../errors.js'
import { type Kinds, numberArg, optionsArg, tensorArg, wholeArg } from '../../tensor/check.js'
import { formatShape } from '../../tensor/shape.js'
import type { Tensor } from '../../tensor/tensor.js'
import { KeyValues } from '../key-values.js'
import { Linear } from '../layers.js'
import { Module } from '../module.js'
import type { RotaryEmbedding } from './positions.js'

export interface HeadsOptions {
  /** Width of what keys and values are made of. Default: width. */
  memoryWidth?: number | undefined
  /** Of the attention probabilities. Default 0. */
  dropout?: number | undefined
  /** Of the initial weights, as in Linear. */
  std?: number | undefined
}

const headsKinds: Kinds<HeadsOptions> = { memoryWidth: 'whole', dropout: 'number', std: 'finite' }

/** The projections by head that both kinds share. */
abstract class Heads extends Module {
  query: Linear
  key: Linear
  value: Linear
  out: Linear
  readonly dropout: number

  constructor(
    readonly width: number,
    readonly heads: number,
    options: HeadsOptions = {},
  ) {
    super()
    const op = new.target.name
    wholeArg(op, 'width', width, 1)
    wholeArg(op, 'heads', heads, 1)
    if (width % heads !== 0)
      throw new RangeError(`${op}: the width ${width} does not divide into ${heads} heads`)
    const { memoryWidth = width, dropout = 0, std } = optionsArg(op, options, headsKinds)
    if (!(numberArg(op, 'dropout', dropout) >= 0 && dropout < 1))
      throw new RangeError(`${op}: dropout must be at least 0 and below 1, got ${dropout}`)
    this.dropout = dropout
    this.query = new Linear(width, width, { std })
    this.key = new Linear(memoryWidth, width, { std })
    this.value = new Linear(memoryWidth, width, { std })
    this.out = new Linear(width, width, { std })
  }

  override extraRepr(): string {
    return `heads=${this.heads}, dropout=${this.dropout}`
  }

  /** Throws ShapeError unless x is [B, T, width]. */
  protected words(name: string, x: Tensor, width: number): void {
    const op = this.constructor.name
    tensorArg(op, name, x)
    if (x.rank !== 3 || x.shape[2] !== width)
      throw new ShapeError(op, `${name} must be [B, T, ${width}], got ${formatShape(x.shape)}`)
  }

  /** [B, T, C] -> [B, H, T, D]. */
  protected split(x: Tensor): Tensor {
    const [B, T, C] = x.shape
    return permute(reshape(x, [B, T, this.heads, C / this.heads]), [0, 2, 1, 3])
  }

  protected merge(x: Tensor): Tensor {
    const [B, H, T, D] = x.shape
    return this.out.forward(reshape(permute(x, [0, 2, 1, 3]), [B, T, H * D]))
  }

  protected get dropping(): number {
    return this.training ? this.dropout : 0
  }
}

export interface CausalInput {
  /** int32 [B, words in the cache and in x], 0 where a word is padding and is not to be seen. */
  mask?: Tensor | undefined
  /** Words before x; those of x come to it. */
  cache?: KeyValues | undefined
}

const causalInput: Kinds<CausalInput> = { mask: 'tensor', cache: 'any' }

/** Self-attention of each word to itself and those before it. [B, T, C] -> [B, T, C]. */
export class CausalAttention extends Heads {
  constructor(
    width: number,
    heads: number,
    options: Omit<HeadsOptions, 'memoryWidth'> = {},
    readonly rope?: RotaryEmbedding,
  ) {
    super(width, heads, options)
    if (rope !== undefined && rope.dim !== width / heads)
      throw new ShapeError(
        'CausalAttention',
        `the rotary positions are for heads of ${rope.dim}, the heads have ${width / heads}`,
      )
  }

  /** Throws ShapeError. */
  forward(x: Tensor, input: CausalInput = {}): Tensor {
    const { mask, cache } = optionsArg('CausalAttention', input, causalInput)
    if (cache !== undefined && !(cache instanceof KeyValues))
      throw new ArgumentError('CausalAttention', `cache must be one of newCache(), got ${got(cache)}`)
    this.words('x', x, this.width)
    const placed = { offset: cache?.length ?? 0 }
    const turned = (t: Tensor) => (this.rope === undefined ? t : this.rope.forward(t, placed))
    const q = turned(this.split(this.query.forward(x)))
    const own = {
      k: turned(this.split(this.key.forward(x))),
      v: this.split(this.value.forward(x)),
    }
    const { k, v } = cache?.with(own.k, own.v) ?? own
    // The op aligns at the end: x's last word sees all keys, those of the cache too.
    const y = this.merge(attention(q, k, v, { causal: true, mask, dropout: this.dropping }))
    // Last, so that what is refused leaves the cache as it was.
    if (cache) Object.assign(cache, { k, v })
    return y
  }
}

export interface CrossInput {
  /** int32 [B, T], 0 where a word of the memory is padding and is not to be seen. */
  memoryMask?: Tensor | undefined
  /** Added to the scores, broadcast to [B, H, S, T]. Slower: plain ops take the place of the fused one. */
  bias?: Tensor | undefined
  /** Keys and values of the memory from the first call on; later ones do not look at the memory again. */
  cache?: KeyValues | undefined
}

const crossInput: Kinds<CrossInput> = { memoryMask: 'tensor', bias: 'tensor', cache: 'any' }

/** Attention of x [B, S, C] to a memory [B, T, memoryWidth], such as an encoder's output. -> [B, S, C]. */
export class CrossAttention extends Heads {
  /** Throws ShapeError. */
  forward(x: Tensor, memory: Tensor, input: CrossInput = {}): Tensor {
    const { memoryMask, bias, cache } = optionsArg('CrossAttention', input, crossInput)
    if (cache !== undefined && !(cache instanceof KeyValues))
      throw new ArgumentError('CrossAttention', `cache must be one of newCache(), got ${got(cache)}`)
    this.words('x', x, this.width)
    this.words('memory', memory, this.key.weight.shape[1])
    const q = this.split(this.query.forward(x))
    const k = cache?.k ?? this.split(this.key.forward(memory))
    const v = cache?.v ?? this.split(this.value.forward(memory))
    const dropout = this.dropping
    let y: Tensor
    if (bias === undefined) y = attention(q, k, v, { mask: memoryMask, dropout })
    else {
      const mask = memoryMask && reshape(memoryMask, [k.shape[0], 1, 1, k.shape[2]])
      y = scaledDotProductAttention(q, k, v, { mask, bias, dropout })
    }
    if (cache) Object.assign(cache, { k, v })
    return this.merge(y)
  }
}
