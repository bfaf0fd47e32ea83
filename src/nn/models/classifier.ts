// A text classifier small enough to train from scratch: embeddings, encoder blocks, the mean over words, one linear layer.
import { add } from '../../autograd/ops/elementwise/arithmetic.js'
import type { Tensor } from '../../tensor/tensor.js'
import { EncoderBlock, type EncoderOptions, isCheckpointing, setCheckpointing } from '../encoder.js'
import { Dropout, Embedding, LayerNorm, Linear } from '../layers.js'
import { Module } from '../module.js'
import { positionsOf, type TextInput } from './input.js'
import { meanOfTokens } from './pooling.js'

/** Sizes of a TextClassifier. */
export interface ClassifierConfig
  extends Omit<EncoderOptions, 'headSize' | 'values' | 'ranks' | 'attentionNorm' | 'gated' | 'bias'> {
  vocabSize: number
  classes: number
  layers: number
  /** Longest text in tokens. */
  maxLength: number
  padId: number
}

/** Of both tables: BERT's. The linear layers start as PyTorch's. */
const EMBEDDING_STD = 0.02

/** A small classifier of texts to be trained from nothing: embeddings, encoder blocks, a linear layer. */
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

  /** -> logits [B, classes], the same for padded and unpadded input. Throws ShapeError, RangeError for wrong starts. */
  forward(input: TextInput): { logits: Tensor } {
    const positions = positionsOf('TextClassifier', input, this.config.maxLength)
    const words = this.wordEmbeddings.forward(input.inputIds) // [B, T, C], or unpadded [N, C]
    const places = this.positionEmbeddings.forward(positions) // [T, C], or unpadded [N, C]
    let h = this.drop.forward(this.embeddingNorm.forward(add(words, places)))
    for (const block of this.encoder) h = block.forward(h, input)
    const mean = meanOfTokens(h, input)
    return { logits: this.classifier.forward(this.drop.forward(mean)) }
  }
}
