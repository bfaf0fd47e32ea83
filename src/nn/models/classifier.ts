// A text classifier small enough to train from scratch: embeddings, encoder blocks, the mean over words, one linear layer.
import { arange, tensor } from '../../autograd/create.js'
import { add, div, mul } from '../../autograd/ops/arithmetic.js'
import { to } from '../../autograd/ops/cast.js'
import { sum } from '../../autograd/ops/reduce.js'
import { longestSegment, placesOf, segmentMean } from '../../autograd/ops/segments.js'
import { reshape } from '../../autograd/ops/views.js'
import { ShapeError } from '../../errors.js'
import { formatShape } from '../../tensor/shape.js'
import { ints, type Tensor } from '../../tensor/tensor.js'
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
export interface PaddedInput {
  inputIds: Tensor
  attentionMask: Tensor
}

/**
 * The words of all texts one after the other, int32 [N]; text b is words starts[b] to starts[b + 1] - 1, starts int32
 * [B + 1]. Nothing is computed but words.
 */
export interface UnpaddedInput {
  inputIds: Tensor
  starts: Tensor
}

export type TextInput = PaddedInput | UnpaddedInput

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

  /** -> logits [B, classes], the same for padded and unpadded input. Throws ShapeError, RangeError for wrong starts. */
  forward(input: TextInput): { logits: Tensor } {
    const positions = this.#positions(input)
    const words = this.wordEmbeddings.forward(input.inputIds) // [B, T, C], or unpadded [N, C]
    const places = this.positionEmbeddings.forward(positions) // [T, C], or unpadded [N, C]
    let h = this.drop.forward(this.embeddingNorm.forward(add(words, places)))
    for (const block of this.encoder) h = block.forward(h, input)
    const mean = 'starts' in input ? segmentMean(h, input.starts) : maskedMean(h, input.attentionMask)
    return { logits: this.classifier.forward(this.drop.forward(mean)) }
  }

  /** Where a word stands in its text: int32 [T], the same for all texts, or [N]. */
  #positions(input: TextInput): Tensor {
    const { inputIds } = input
    if (!('starts' in input)) {
      const [, T] = inputIds.shape
      this.#checkLength(T)
      return arange(0, T, 1, { dtype: 'int32' })
    }
    if (inputIds.rank !== 1)
      throw new ShapeError('TextClassifier', `unpadded ids must be [N], got ${formatShape(inputIds.shape)}`)
    const starts = ints(input.starts)
    this.#checkLength(longestSegment('TextClassifier', starts, inputIds.numel))
    return tensor(placesOf(starts).position)
  }

  #checkLength(T: number): void {
    if (T > this.config.maxLength) {
      throw new ShapeError(
        'TextClassifier',
        `${T} tokens a text, the model takes ${this.config.maxLength}`,
        'Cut the texts with the tokenizer',
      )
    }
  }
}

/** h [B, T, C] -> [B, C], over the words alone. */
function maskedMean(h: Tensor, attentionMask: Tensor): Tensor {
  const real = reshape(to(attentionMask, h.dtype), [h.shape[0], h.shape[1], 1])
  return div(sum(mul(h, real), 1), sum(real, 1))
}
