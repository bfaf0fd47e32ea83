// One transformer encoder block: attention, then a two-layer network, each with a residual and a layer norm.
import { mish, relu6, silu } from '../autograd/ops/elementwise/activations.js'
import { add, mul } from '../autograd/ops/elementwise/arithmetic.js'
import { sigmoid, tanh } from '../autograd/ops/elementwise/pointwise.js'
import type { LinearActivation } from '../autograd/ops/products/activated.js'
import { checkpoint } from '../autograd/tools/checkpoint.js'
import { ArgumentError, got } from '../errors.js'
import { type Kinds, optionsArg } from '../tensor/check.js'
import type { Tensor } from '../tensor/tensor.js'
import { type AttentionInput, MultiHeadAttention } from './attention.js'
import { Dropout, LayerNorm, Linear, LowRankLinear } from './layers.js'
import { Module } from './module.js'

/** Hugging Face's names, several for one function: gelu is the erf form, gelu_new the tanh form. By name: in one pass. */
const activations = {
  ...{ gelu: 'gelu', gelu_python: 'gelu' },
  ...{ gelu_new: 'geluTanh', gelu_pytorch_tanh: 'geluTanh', gelu_python_tanh: 'geluTanh' },
  ...{ gelu_fast: 'geluTanh', gelu_accurate: 'geluTanh', relu: 'relu' },
  ...{ silu, swish: silu, mish, relu6, tanh, sigmoid },
  quick_gelu: (x: Tensor) => mul(x, sigmoid(mul(x, 1.702))),
} satisfies Record<string, LinearActivation | ((x: Tensor) => Tensor)>

export type Activation = keyof typeof activations

export const activationNames = Object.keys(activations) as readonly Activation[]

/** The function of a name on what the layer gives. */
export function activated(layer: Linear | LowRankLinear, x: Tensor, name: Activation): Tensor {
  const fn = activations[name]
  return typeof fn === 'string' ? layer.forward(x, fn) : fn(layer.forward(x))
}

/** The linear layers of a block, by what they are called in it. */
export const blockLinears = ['query', 'key', 'value', 'out', 'up', 'down'] as const
export type BlockLinear = (typeof blockLinears)[number]

/** Of EncoderBlock. */
export interface EncoderOptions {
  width: number
  heads: number
  /** Width of a head. Default width / heads. */
  headSize?: number
  /** Width of the inner layer. Default 4 * width. */
  inner?: number
  dropout?: number
  /** Of the attention probabilities. Default: dropout. */
  attentionDropout?: number
  /** Whether what attention gives is dropped too. Default true; DistilBERT does not. */
  dropAttended?: boolean
  activation?: Activation
  /** 'post', as BERT and the first transformer: norm(x + f(x)). 'pre', as GPT-2: x + f(norm(x)). Default 'post'. */
  norm?: 'post' | 'pre'
  /** Of the layer norms. Default 1e-5; BERT 1e-12. */
  eps?: number
  /** Of the initial weights, as in Linear. */
  std?: number
  /** Layers that are products of two smaller ones, with their ranks. */
  ranks?: Readonly<Partial<Record<BlockLinear, number>>>
}

const encoderOptions: Kinds<EncoderOptions> = {
  width: 'whole',
  heads: 'whole',
  headSize: 'number',
  inner: 'whole',
  dropout: 'number',
  attentionDropout: 'number',
  dropAttended: 'boolean',
  activation: [...activationNames],
  norm: ['post', 'pre'],
  eps: 'finite',
  std: 'finite',
  ranks: 'any',
}

/** [B, T, C] -> [B, T, C], or unpadded, with starts, [N, C] -> [N, C]. */
export class EncoderBlock extends Module {
  attention: MultiHeadAttention
  attentionNorm: LayerNorm
  up: Linear | LowRankLinear
  down: Linear | LowRankLinear
  outputNorm: LayerNorm
  drop: Dropout
  readonly dropAttended: boolean
  readonly preNorm: boolean
  readonly activation: Activation
  /** Whether backward() computes what lies inside again instead of keeping it: the same bits, less memory, more time. */
  checkpointing = false

  constructor(o: EncoderOptions) {
    super()
    if (typeof o !== 'object' || o === null)
      throw new ArgumentError(
        'EncoderBlock',
        `options must be an object, got ${got(o)}`,
        'Give { width, heads }',
      )
    // A model's whole config may come here: what is not of a block is not looked at.
    const own = Object.entries(o).filter(([name]) => Object.hasOwn(encoderOptions, name))
    optionsArg('EncoderBlock', Object.fromEntries(own), encoderOptions)
    const { width, heads, inner = 4 * width, dropout = 0, attentionDropout = dropout, eps = 1e-5, std } = o
    this.attention = new MultiHeadAttention(width, heads, attentionDropout, { std }, o.headSize)
    this.attentionNorm = new LayerNorm(width, { eps })
    this.up = new Linear(width, inner, { std })
    this.down = new Linear(inner, width, { std })
    this.outputNorm = new LayerNorm(width, { eps })
    this.drop = new Dropout(dropout)
    this.dropAttended = o.dropAttended ?? true
    this.preNorm = o.norm === 'pre'
    this.activation = o.activation ?? 'gelu'
    for (const name of blockLinears) {
      const rank = o.ranks?.[name]
      if (rank === undefined) continue
      const whole = this.linear(name)
      this.setLinear(name, new LowRankLinear(whole.inFeatures, whole.outFeatures, rank, { std }))
      for (const p of whole.parameters()) p.dispose()
    }
  }

  /** One of its six linear layers. */
  linear(name: BlockLinear): Linear | LowRankLinear {
    return name === 'up' || name === 'down' ? this[name] : this.attention[name]
  }

  setLinear(name: BlockLinear, layer: Linear | LowRankLinear): void {
    if (name === 'up' || name === 'down') this[name] = layer
    else this.attention[name] = layer
  }

  override extraRepr(): string {
    return `norm=${this.preNorm ? 'pre' : 'post'}, activation=${this.activation}`
  }

  forward(x: Tensor, input: AttentionInput = {}): Tensor {
    const { trace, cache } = input
    // What is looked into must stay.
    const seen = trace !== undefined && (trace.qkv ?? trace.scores ?? trace.probs) !== undefined
    if (!this.checkpointing || seen || cache !== undefined) return this.#compute(x, input)
    const modes = Array.from(this.namedModules(), ([, module]) => [module, module.training] as const)
    return checkpoint((h) => {
      const now = modes.map(([module]) => module.training)
      try {
        // Dropout drops again, though eval() may have been called since.
        for (const [module, training] of modes) module.training = training
        return this.#compute(h, input)
      } finally {
        for (const [i, [module]] of modes.entries()) module.training = now[i]
      }
    }, x)
  }

  #compute(x: Tensor, input: AttentionInput): Tensor {
    const attend = (h: Tensor) => {
      const attended = this.attention.forward(h, input)
      return this.dropAttended ? this.drop.forward(attended, x) : add(attended, x)
    }
    const think = (h: Tensor, residual: Tensor) => {
      const inner = activated(this.up, h, this.activation)
      return this.drop.forward(this.down.forward(inner), residual)
    }
    if (this.preNorm) {
      const h = attend(this.attentionNorm.forward(x))
      return think(this.outputNorm.forward(h), h)
    }
    const h = this.attentionNorm.forward(attend(x))
    return this.outputNorm.forward(think(h, h))
  }
}

/** Whether all encoder blocks below a module are checkpointed; false where there are none. */
export function isCheckpointing(root: Module): boolean {
  const blocks = Array.from(root.namedModules(), ([, module]) => module).filter(
    (m) => m instanceof EncoderBlock,
  )
  return blocks.length > 0 && blocks.every((block) => block.checkpointing)
}

/** Turns checkpointing on or off in all encoder blocks below a module. */
export function setCheckpointing(root: Module, on: boolean): void {
  for (const [, module] of root.namedModules()) if (module instanceof EncoderBlock) module.checkpointing = on
}
