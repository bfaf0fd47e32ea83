// A text classifier small enough to train from scratch: embeddings, encoder blocks, the mean over words, one linear layer.
import { arange } from '../../autograd/create.js'
import { add, div, mul } from '../../autograd/ops/arithmetic.js'
import { to } from '../../autograd/ops/cast.js'
import { sum } from '../../autograd/ops/reduce.js'
import { reshape } from '../../autograd/ops/views.js'
import { ShapeError } from '../../errors.js'
import type { Tensor } from '../../tensor/tensor.js'
import { EncoderBlock, type EncoderOptions } from '../encoder.js'
import { Dropout, Embedding, LayerNorm, Linear } from '../layers.js'
import { Module } from '../module.js'

export interface ClassifierConfig extends EncoderOptions {
  vocabSize: number
  classes: number
  layers: number
  /** Longest text in tokens. */
  maxLength: number
  padId: number
}

/** int32 [B, T] each. attentionMask: 1 for words, 0 for padding. */
export interface TextInput {
  inputIds: Tensor
  attentionMask: Tensor
}

/** Of both tables: BERT's. The linear layers start as PyTorch's. */
const EMBEDDING_STD = 0.02

export class TextClassifier extends Module {
  wordEmbeddings: Embedding
  positionEmbeddings: Embedding
  embeddingNorm: LayerNorm
  drop: Dropout
  encoder: EncoderBlock[]
  classifier: Linear

  constructor(readonly config: ClassifierConfig) {
    super()
    const { vocabSize, maxLength, width, padId: paddingIdx, eps = 1e-5 } = config
    this.wordEmbeddings = new Embedding(vocabSize, width, { paddingIdx, std: EMBEDDING_STD })
    this.positionEmbeddings = new Embedding(maxLength, width, { std: EMBEDDING_STD })
    this.embeddingNorm = new LayerNorm(width, { eps })
    this.drop = new Dropout(config.dropout ?? 0)
    this.encoder = Array.from({ length: config.layers }, () => new EncoderBlock(config))
    this.classifier = new Linear(width, config.classes)
  }

  /** -> logits [B, classes] */
  forward({ inputIds, attentionMask }: TextInput): { logits: Tensor } {
    const [B, T] = inputIds.shape
    if (T > this.config.maxLength) {
      throw new ShapeError(
        'TextClassifier',
        `${T} tokens a text, the model takes ${this.config.maxLength}`,
        'Cut the texts with the tokenizer',
      )
    }
    const words = this.wordEmbeddings.forward(inputIds) // [B, T, C]
    const places = this.positionEmbeddings.forward(arange(0, T, 1, { dtype: 'int32' })) // [T, C]
    let h = this.drop.forward(this.embeddingNorm.forward(add(words, places)))
    for (const block of this.encoder) h = block.forward(h, { attentionMask })
    const real = reshape(to(attentionMask, h.dtype), [B, T, 1])
    const mean = div(sum(mul(h, real), 1), sum(real, 1)) // [B, C]
    return { logits: this.classifier.forward(this.drop.forward(mean)) }
  }
}
