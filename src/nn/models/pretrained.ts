// What all models of the family have in common: a config, outputs on request, and parameters under the names that
// Hugging Face's weight files have.
import { gelu, relu, tanh } from '../../autograd/ops/elementwise/pointwise.js'
import type { Tensor } from '../../tensor/tensor.js'
import type { Qkv } from '../attention.js'
import { isCheckpointing, setCheckpointing } from '../encoder.js'
import { Module } from '../module.js'
import type { TransformerConfig } from './config.js'
import { architectureOf, type Family, type Kind, misfitOf, nameInFile, projectedFrom } from './family.js'
import type { ModelInput, TextInput } from './input.js'

/** What forward is to give besides its result. */
export interface Wanted {
  hiddenStates?: boolean | undefined
  attentionScores?: boolean | undefined
  attentionProbs?: boolean | undefined
  qkv?: boolean | undefined
}

/** T is the length of the padded texts. Unpadded, N words take the place of [B, T] and of [B, H, T]. */
export interface ModelOutput {
  logits?: Tensor
  /** [B, T, C] */
  lastHiddenState: Tensor
  /** [B, C]: the first token's state through a layer and tanh, in models with a pooler. */
  pooled?: Tensor
  /** [B, T, C] each: the embeddings' output, then each layer's. */
  hiddenStates?: Tensor[]
  /** [B, H, T, T] a layer, before softmax and dropout: q k^T / sqrt(D), with -10000 added where a key is padding. */
  attentionScores?: Tensor[]
  /** [B, H, T, T] a layer, before dropout; 0 where a key is padding. */
  attentionProbs?: Tensor[]
  /** [B, H, T, D] each, or unpadded [N, H, D]. */
  qkv?: Qkv[]
}

/** What a model with a head gives. */
export type HeadOutput = ModelOutput & { logits: Tensor }

/** Settings that differ from the family's defaults, which are Hugging Face's. */
export type Settings = Partial<TransformerConfig>

/** What all models of the families have in common. */
export abstract class Pretrained extends Module {
  abstract readonly kind: Kind
  readonly config: TransformerConfig

  /** Throws RangeError for settings that no model can have. */
  constructor(
    readonly family: Family,
    settings: Settings,
  ) {
    super()
    const config = { ...family.defaults, ...settings }
    this.config = { ...config, embedding: projectedFrom(family, config) }
    const wrong = misfitOf(family, this.config)
    if (wrong !== null) {
      const [field, want] = wrong
      const value = this.config[field]
      const got = typeof value === 'object' ? JSON.stringify(value) : value
      throw new RangeError(`${family.className}: ${field} must be ${want}, got ${got}`)
    }
  }

  abstract forward(input: ModelInput, want?: Wanted): ModelOutput

  /**
   * Whether backward() computes the encoder blocks' activations again instead of keeping them: the same bits, about a
   * third of the memory, one more forward pass in time. A matter of the run: config.json does not hold it.
   */
  get checkpointing(): boolean {
    return isCheckpointing(this)
  }

  set checkpointing(on: boolean) {
    setCheckpointing(this, on)
  }

  /** The name of the class in Python. */
  get architecture(): string {
    return architectureOf(this.family, this.kind)
  }

  /** As in the weight file that Hugging Face's class of this architecture writes. */
  override *namedParameters(): Generator<[string, Tensor]> {
    for (const [name, p] of super.namedParameters())
      yield [nameInFile(this.family, this.kind, name, this.config.tied), p]
  }
}

/** A model of texts with a head: what teaches and what is taught. */
export type HeadModel = Pretrained & { forward(input: TextInput, want?: Wanted): HeadOutput }

/** What follows the pooler's layer. */
export const poolings = { tanh, relu, gelu } as const
