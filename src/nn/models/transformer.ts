// The encoder that all families share: embeddings, blocks, and where the family has one a pooler.
// Devlin et al. 2019; Sanh et al. 2019; Liu et al. 2019.
import { tensor } from '../../autograd/create.js'
import { add } from '../../autograd/ops/elementwise/arithmetic.js'
import { permute } from '../../autograd/ops/shape/views.js'
import { ShapeError } from '../../errors.js'
import { formatShape, sameShape } from '../../tensor/shape.js'
import type { DType } from '../../tensor/storage.js'
import { ints, type Tensor } from '../../tensor/tensor.js'
import type { AttentionInput, LayerTrace } from '../attention.js'
import { BottleneckBlock, statesNorm } from '../bottleneck/block.js'
import { withNeighbours } from '../bottleneck/neighbours.js'
import { EncoderBlock } from '../encoder.js'
import { Dropout, Embedding, LayerNorm, Linear } from '../layers.js'
import { RelativePlaces } from '../places/relative.js'
import { RotaryPlaces } from '../places/rotary.js'
import { blocksOf, tableWidth } from './config.js'
import { type Family, placesBefore } from './family.js'
import { BUCKETS, distancesOf, longestOf, type ModelInput, positionsOf } from './input.js'
import { firstTokens } from './pooling.js'
import { type ModelOutput, Pretrained, poolings, type Settings, type Wanted } from './pretrained.js'

export interface BaseOptions {
  /** Whether there is a pooler, in families whose encoder has one. Default true. */
  pooler?: boolean | undefined
}

/** Embeddings and encoder blocks of a family, without a head. */
export class Transformer extends Pretrained {
  readonly kind = 'base'
  words: Embedding
  positions: Embedding | null
  types: Embedding | null
  /** Of the embeddings. */
  norm: LayerNorm | null
  drop: Dropout
  /** To the states' width, where tables have another. */
  project: Linear | null
  /** [32, heads]: what is added to a head's scores by the distance of two words, in all layers. */
  positionBias: Embedding | null
  /** What turns queries and keys, in families without a table of places. */
  rotary: RotaryPlaces | null
  /** Scores between words and distances, in others without. */
  relative: RelativePlaces | null
  /** In families that share them one block again and again. */
  layers: EncoderBlock[]
  /** Of the last layer's states. */
  finalNorm: LayerNorm | null
  pooler: Linear | null

  constructor(family: Family, settings: Settings, { pooler = true }: BaseOptions = {}) {
    super(family, settings)
    const { vocabSize, maxLength, tokenTypes, width, embedding, padId, eps, std, dropout } = this.config
    const { bottleneck } = this.config
    const narrow = tableWidth(this.config)
    const own = bottleneck === null ? narrow : width
    this.words = new Embedding(vocabSize, narrow, { std, ...(padId === null ? {} : { paddingIdx: padId }) })
    const has = (part: string) => Object.hasOwn(family.names, part)
    const before = placesBefore(family, this.config)
    const places = before > 0 ? { std, paddingIdx: before - 1 } : { std }
    this.positions = has('positions') ? new Embedding(maxLength + before, own, places) : null
    this.types = tokenTypes > 0 ? new Embedding(tokenTypes, own, { std }) : null
    const norm = { eps, bias: family.biases }
    this.norm = bottleneck ? statesNorm(bottleneck, width) : has('norm') ? new LayerNorm(own, norm) : null
    this.drop = new Dropout(dropout)
    const joined = bottleneck?.neighbours ? 3 : 1
    this.project = embedding === null ? null : new Linear(joined * embedding, width, { std })
    this.positionBias = family.addsDistances ? new Embedding(BUCKETS, this.config.heads, { std }) : null
    const { dropAttended, norms, gated, biases: bias } = family
    const block = { ...this.config, dropAttended, norm: norms, gated, bias }
    const blocks = blocksOf(this.config)
    this.relative = this.config.relative && new RelativePlaces(this.config, this.config.relative)
    this.rotary = this.config.rotary && new RotaryPlaces(this.config, this.config.rotary)
    const made = (family.sharesLayers ? blocks.slice(0, 1) : blocks).map((sizes, i) => {
      const own = { ...block, ...sizes, attentionNorm: family.firstNorm || i > 0 }
      return bottleneck ? new BottleneckBlock(own, bottleneck) : new EncoderBlock(own)
    })
    this.layers = blocks.map((_, i) => made[i] ?? made[0])
    this.finalNorm = has('finalNorm') ? new LayerNorm(width, norm) : null
    this.pooler =
      pooler && family.pooler && bottleneck?.pooler !== false ? new Linear(width, width, { std }) : null
  }

  /**
   * Padded texts, or unpadded ones with starts, which give the same states for each word. With scores or probabilities
   * wanted the plain spelling of attention runs, and gradients flow through them. Throws ShapeError for inputs that do
   * not fit each other or the model, RangeError for ids outside the tables and wrong starts.
   */
  forward(input: ModelInput, want: Wanted = {}): ModelOutput {
    const { attentionMask, starts, cache } = input
    const { causal } = this.family
    const trace: LayerTrace = {
      scores: want.attentionScores ? [] : undefined,
      probs: want.attentionProbs ? [] : undefined,
      qkv: want.qkv ? [] : undefined,
    }
    const places = this.#placesOf(input)
    let h = this.#embed(input, places)
    const hiddenStates = [h]
    const seen = this.#seenBy(input, places, h.dtype)
    for (const [i, layer] of this.layers.entries()) {
      h = layer.forward(h, { attentionMask, starts, causal, cache: cache?.[i], trace, ...seen(i) })
      hiddenStates.push(h)
    }
    if (this.finalNorm !== null) {
      h = this.finalNorm.forward(h)
      hiddenStates[this.layers.length] = h
    }
    return {
      lastHiddenState: h,
      ...(this.pooler && { pooled: pooled(this.pooler, firstTokens(h, input), this.family) }),
      ...(want.hiddenStates && { hiddenStates }),
      ...(trace.scores && { attentionScores: trace.scores }),
      ...(trace.probs && { attentionProbs: trace.probs }),
      ...(trace.qkv && { qkv: trace.qkv }),
    }
  }

  #placesOf(input: ModelInput): Tensor {
    const { className } = this.family
    return positionsOf(className, input, this.config.maxLength, placesBefore(this.family, this.config))
  }

  /** What places do in each layer's attention, of one batch. */
  #seenBy(input: ModelInput, places: Tensor, dtype: DType): (layer: number) => AttentionInput {
    if (this.relative !== null) {
      const seen = this.relative.forward(longestOf(input))
      return (layer) => seen(this.layers[layer].attention)
    }
    if (this.rotary !== null) return this.rotary.forward(places, input.starts !== undefined, dtype)
    const bias = this.positionBias && permute(this.positionBias.forward(distancesOf(input)), [2, 0, 1]) // [H, T, T]
    return () => (bias === null ? {} : { bias })
  }

  #embed(input: ModelInput, places: Tensor): Tensor {
    const { inputIds, attentionMask, tokenTypeIds } = input
    const { className } = this.family
    for (const [name, t] of Object.entries({ attentionMask, tokenTypeIds })) {
      if (t === undefined || sameShape(t.shape, inputIds.shape)) continue
      throw new ShapeError(
        className,
        `inputIds are ${formatShape(inputIds.shape)}, ${name} ${formatShape(t.shape)}`,
      )
    }
    let sum = this.words.forward(inputIds) // [B, T, C], or unpadded [N, C]
    const { bottleneck } = this.config
    if (bottleneck?.neighbours) sum = withNeighbours(sum, input.starts)
    if (bottleneck) sum = this.project?.forward(sum) ?? sum
    if (this.positions !== null) sum = add(sum, this.positions.forward(places))
    if (this.types !== null) {
      const types = tokenTypeIds ?? tensor(Int32Array.of(0))
      if (tokenTypeIds && this.config.tokenTypes === 1) checkOneText(className, tokenTypeIds)
      sum = add(sum, this.types.forward(types))
    }
    const h = this.drop.forward(this.norm?.forward(sum) ?? sum)
    return bottleneck ? h : (this.project?.forward(h) ?? h)
  }
}

/** Python's transformers ends such a batch with an index out of range. */
function checkOneText(className: string, tokenTypeIds: Tensor): void {
  if (ints(tokenTypeIds).every((type) => type === 0)) return
  throw new ShapeError(
    className,
    'has one token type (type_vocab_size 1), and these texts come in pairs, whose second text is of type 1',
    'Give single texts, or take a model with two token types',
  )
}

/** First tokens' states [B, C] -> [B, C], through the pooler's layer and function. */
export function pooled(pooler: Linear, first: Tensor, { pooling }: Family): Tensor {
  return poolings[pooling](pooler.forward(first))
}
