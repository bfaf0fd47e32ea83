// One vector a text, such that texts of like meaning lie close: Reimers and Gurevych 2019 (Sentence-BERT, arXiv 1908.10084),
// section 3. A transformer encoder, a pooling of its last states, and what sentence-transformers puts behind that.
import { tanh } from '../../autograd/ops/elementwise/pointwise.js'
import type { Tensor } from '../../tensor/tensor.js'
import { Linear, type LinearOptions } from '../layers.js'
import { Module } from '../module.js'
import { nameInFile } from './family.js'
import type { ModelInput } from './input.js'
import { type PoolingMode, poolingModes } from './pooling.js'
import { type HeadOutput, Pretrained, type Wanted } from './pretrained.js'
import type { Transformer } from './transformer.js'
import { unitLength } from './unit-length.js'

const activations = { identity: (x: Tensor) => x, tanh } as const

/** What follows a Dense step's layer. */
export type DenseActivation = keyof typeof activations

/** A linear layer on the vector: [B, in] -> [B, out]. */
export class Dense extends Module {
  linear: Linear

  /** activation: default tanh, as sentence-transformers has it. */
  constructor(
    inFeatures: number,
    outFeatures: number,
    readonly activation: DenseActivation = 'tanh',
    options: LinearOptions = {},
  ) {
    super()
    this.linear = new Linear(inFeatures, outFeatures, options)
  }

  override extraRepr(): string {
    return `activation=${this.activation}`
  }

  forward(x: Tensor): Tensor {
    return activations[this.activation](this.linear.forward(x))
  }
}

/** [B, C] -> [B, C] of length 1. */
export class Normalize extends Module {
  forward(x: Tensor): Tensor {
    return unitLength(x)
  }
}

/** What may follow pooling. */
export type SentenceStep = Dense | Normalize

/** Of SentenceEncoder. */
export interface SentenceOptions {
  /** Default mean, over the words alone. */
  pooling?: PoolingMode
  /** What follows pooling, in turn. Default: nothing. */
  steps?: readonly SentenceStep[]
}

/**
 * Embeddings [B, size] of texts, in `logits` too: it is trained, asked and cached as every model with a head is. Parameters
 * are named as in the files of a sentence-transformers folder: the encoder's without a prefix.
 */
export class SentenceEncoder extends Pretrained {
  readonly kind = 'base'
  readonly pooling: PoolingMode
  base: Transformer
  steps: SentenceStep[]

  /** Throws RangeError for a dense layer that does not take what comes before it. */
  constructor(base: Transformer, { pooling = 'mean', steps = [] }: SentenceOptions = {}) {
    super(base.family, base.config)
    this.pooling = pooling
    this.base = base
    this.steps = [...steps]
    let { width } = base.config
    for (const step of steps) {
      if (!(step instanceof Dense)) continue
      const { inFeatures, outFeatures } = step.linear
      if (inFeatures !== width)
        throw new RangeError(`SentenceEncoder: a dense layer takes ${inFeatures} numbers, there are ${width}`)
      width = outFeatures
    }
  }

  /** Numbers of an embedding. */
  get size(): number {
    const last = this.steps.findLast((step) => step instanceof Dense)
    return last === undefined ? this.config.width : (last as Dense).linear.outFeatures
  }

  override *namedParameters(): Generator<[string, Tensor]> {
    for (const [name, p] of Module.prototype.namedParameters.call(this))
      yield [
        name.startsWith('base.') ? nameInFile(this.family, 'base', name.slice(5), this.config.tied) : name,
        p,
      ]
  }

  /** As the encoder's, and the embeddings [B, size]: the same for padded and unpadded texts. */
  forward(input: ModelInput, want: Wanted = {}): HeadOutput & { embedding: Tensor } {
    const out = this.base.forward(input, want)
    const pooled = poolingModes[this.pooling](out.lastHiddenState, input)
    const embedding = this.steps.reduce((x: Tensor, step) => step.forward(x), pooled)
    return { ...out, embedding, logits: embedding }
  }
}
