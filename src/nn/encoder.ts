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

/** The linear layers of a block, by what they are called in it; the gate is there where the block is gated. */
export const blockLinears = ['query', 'key', 'value', 'out', 'up', 'down', 'gate'] as const
export type BlockLinear = (typeof blockLinears)[number]

/** Those of a block with a gate, or without. */
export const linearsOf = (gated: boolean): readonly BlockLinear[] =>
  gated ? blockLinears : blockLinears.filter((name) => name !== 'gate')

/** Of EncoderBlock. */
export interface EncoderOptions {
  width: number
  heads: number
  /** Width of a head. Default width / heads. */
  headSize?: number
  /** Width of what values are made of. Default width. */
  values?: number
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
  /** Whether a norm stands before, or behind, the attention. Default true; ModernBERT's first block has none. */
  attentionNorm?: boolean
  /** Whether the inner layer is multiplied by another one: down(f(up h) gate(h)). Shazeer 2020. Default false. */
  gated?: boolean
  /** Whether linear layers and norms have biases. Default true. */
  bias?: boolean
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
  ...{ headSize: 'number', values: 'whole' },
  inner: 'whole',
  dropout: 'number',
  attentionDropout: 'number',
  dropAttended: 'boolean',
  activation: [...activationNames],
  norm: ['post', 'pre'],
  ...{ attentionNorm: 'boolean', gated: 'boolean', bias: 'boolean' },
  eps: 'finite',
  std: 'finite',
  ranks: 'any',
}

/** [B, T, C] -> [B, T, C], or unpadded, with starts, [N, C] -> [N, C]. */
export class EncoderBlock extends Module {
  attention: MultiHeadAttention
  attentionNorm: LayerNorm | null
  up: Linear | LowRankLinear
  gate: Linear | LowRankLinear | null
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
    const { bias = true, gated = false, attentionNorm = true } = o
    const linear = { bias, std }
    this.attention = new MultiHeadAttention(width, heads, attentionDropout, linear, o.headSize, o.values)
    this.attentionNorm = attentionNorm ? new LayerNorm(width, { eps, bias }) : null
    this.up = new Linear(width, inner, linear)
    this.gate = gated ? new Linear(width, inner, linear) : null
    this.down = new Linear(inner, width, linear)
    this.outputNorm = new LayerNorm(width, { eps, bias })
    this.drop = new Dropout(dropout)
    this.dropAttended = o.dropAttended ?? true
    this.preNorm = o.norm === 'pre'
    this.activation = o.activation ?? 'gelu'
    for (const name of this.linears) {
      const rank = o.ranks?.[name]
      if (rank === undefined) continue
      const whole = this.linear(name)
      this.setLinear(name, new LowRankLinear(whole.inFeatures, whole.outFeatures, rank, linear))
      for (const p of whole.parameters()) p.dispose()
    }
  }

  /** What its linear layers are called. */
  get linears(): readonly BlockLinear[] {
    return linearsOf(this.gate !== null)
  }

  /** One of its linear layers, of those that it has. */
  linear(name: BlockLinear): Linear | LowRankLinear {
    return name === 'up' || name === 'down' || name === 'gate'
      ? (this[name] as Linear | LowRankLinear)
      : this.attention[name]
  }

  setLinear(name: BlockLinear, layer: Linear | LowRankLinear): void {
    if (name === 'up' || name === 'down' || name === 'gate') this[name] = layer
    else this.attention[name] = layer
  }

  override extraRepr(): string {
    const gated = this.gate === null ? '' : ', gated'
    return `norm=${this.preNorm ? 'pre' : 'post'}, activation=${this.activation}${gated}`
  }

  forward(x: Tensor, input: AttentionInput = {}): Tensor {
    const { trace, cache } = input
    // What is looked into must stay.
    const seen = trace !== undefined && (trace.qkv ?? trace.scores ?? trace.probs) !== undefined
    if (!this.checkpointing || seen || cache !== undefined) return this.compute(x, input)
    const modes = Array.from(this.namedModules(), ([, module]) => [module, module.training] as const)
    return checkpoint((h) => {
      const now = modes.map(([module]) => module.training)
      try {
        // Dropout drops again, though eval() may have been called since.
        for (const [module, training] of modes) module.training = training
        return this.compute(h, input)
      } finally {
        for (const [i, [module]] of modes.entries()) module.training = now[i]
      }
    }, x)
  }

  /** What forward() gives, whether it is kept or computed again. */
  protected compute(x: Tensor, input: AttentionInput): Tensor {
    const attend = (h: Tensor) => {
      const attended = this.attention.forward(h, input)
      return this.dropAttended ? this.drop.forward(attended, x) : add(attended, x)
    }
    const think = (h: Tensor, residual: Tensor) => {
      const inner = activated(this.up, h, this.activation)
      const passed = this.gate === null ? inner : mul(inner, this.gate.forward(h))
      return this.drop.forward(this.down.forward(passed), residual)
    }
    const normed = (h: Tensor) => this.attentionNorm?.forward(h) ?? h
    if (this.preNorm) {
      const h = attend(normed(x))
      return think(this.outputNorm.forward(h), h)
    }
    const h = normed(attend(x))
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
