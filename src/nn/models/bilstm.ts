// A classifier of texts that reads them word by word, in both directions: small, and without attention.
import { tensor } from '../../autograd/create.js'
import { relu } from '../../autograd/ops/elementwise/pointwise.js'
import { indexSelect } from '../../autograd/ops/indexing/rows.js'
import { longestSegment } from '../../autograd/ops/products/segments.js'
import { cat } from '../../autograd/ops/shape/join.js'
import { slice } from '../../autograd/ops/shape/slice.js'
import { reshape } from '../../autograd/ops/shape/views.js'
import { ArgumentError, ShapeError } from '../../errors.js'
import { formatShape, sameShape } from '../../tensor/shape.js'
import { ints, type Tensor } from '../../tensor/tensor.js'
import { Dropout, Embedding, Linear } from '../layers.js'
import { Module } from '../module.js'
import { LSTM } from '../recurrent/layers.js'
import type { TransformerConfig } from './config.js'
import { bilstm } from './family.js'
import type { ModelInput } from './input.js'
import { type HeadOutput, Pretrained, type Settings, type Wanted } from './pretrained.js'

/** A batch as the layer over time takes it. */
interface Square {
  /** int32 [B, T] */
  ids: Tensor
  lengths: readonly number[]
  /** Where each of the input's words stands in it, of unpadded texts; null: there already. */
  places: Int32Array | null
}

/** Throws ShapeError for a mask that does not fit the ids, or whose words are not the first of their text. */
function squareOf(who: string, { inputIds, attentionMask, starts }: ModelInput, padId: number): Square {
  if (starts === undefined) {
    if (inputIds.rank !== 2)
      throw new ShapeError(who, `ids must be [texts, tokens], got ${formatShape(inputIds.shape)}`)
    return { ids: inputIds, lengths: lengthsOf(who, inputIds, attentionMask), places: null }
  }
  if (inputIds.rank !== 1)
    throw new ShapeError(who, `unpadded ids must be [N], got ${formatShape(inputIds.shape)}`)
  const [flat, at] = [ints(inputIds), ints(starts)]
  const T = longestSegment(who, at, flat.length)
  const lengths = Array.from({ length: at.length - 1 }, (_, b) => at[b + 1] - at[b])
  const ids = new Int32Array(lengths.length * T).fill(padId)
  const places = Int32Array.from(lengths.flatMap((n, b) => Array.from({ length: n }, (_, t) => b * T + t)))
  for (const [i, place] of places.entries()) ids[place] = flat[i]
  return { ids: tensor(ids, { shape: [lengths.length, T] }), lengths, places }
}

function lengthsOf(who: string, { shape }: Tensor, mask: Tensor | undefined): number[] {
  const [B, T] = shape
  if (mask === undefined) return new Array<number>(B).fill(T)
  if (!sameShape(mask.shape, shape))
    throw new ShapeError(who, `inputIds are ${formatShape(shape)}, attentionMask ${formatShape(mask.shape)}`)
  const seen = ints(mask)
  return Array.from({ length: B }, (_, b) => {
    const row = seen.subarray(b * T, (b + 1) * T)
    const length = row.lastIndexOf(1) + 1
    if (row.subarray(0, length).includes(0))
      throw new ShapeError(who, `text ${b} has padding before its last word`, 'Pad texts at their ends')
    return length
  })
}

/** Word vectors, and one LSTM over them in each direction. */
export class BiLstm extends Module {
  words: Embedding
  lstm: LSTM

  constructor(readonly config: TransformerConfig) {
    super()
    const { vocabSize, embedding, width, padId, std } = config
    this.words = new Embedding(vocabSize, embedding as number, {
      ...(padId !== null && { paddingIdx: padId }),
      std,
    })
    this.lstm = new LSTM(embedding as number, width / 2, { batchFirst: true, bidirectional: true })
  }
}

/**
 * Logits [B, labels] of Tang et al. 2019 (arXiv 1903.12136), figure 1: word vectors, one LSTM in each direction, the last state of
 * each, a layer with relu, the classes. Token types have no part in it: of a pair it reads one text after the other.
 */
export class BiLstmForSequenceClassification extends Pretrained {
  readonly kind = 'sequence-classification'
  base: BiLstm
  dense: Linear
  drop: Dropout
  classifier: Linear

  constructor(settings: Settings = {}) {
    super(bilstm, settings)
    const { width, inner, dropout, labels } = this.config
    this.base = new BiLstm(this.config)
    this.dense = new Linear(width, inner)
    this.drop = new Dropout(dropout)
    this.classifier = new Linear(inner, labels.length)
  }

  /**
   * Padded texts or unpadded ones. Hidden states are the word vectors and the states of both directions. Throws ShapeError for
   * padding that is not at the texts' ends and for texts above maxLength; ArgumentError where attention is wanted: there is none.
   */
  forward(input: ModelInput, want: Wanted = {}): HeadOutput {
    const who = this.family.className
    if (want.attentionScores || want.attentionProbs || want.qkv)
      throw new ArgumentError(
        who,
        'has no attention to be compared',
        'Take a recipe of logits for this student: bilstm, hinton',
      )
    const { ids, lengths, places } = squareOf(who, input, this.config.padId ?? 0)
    const [B, T] = ids.shape
    const { maxLength } = this.config
    if (T > maxLength)
      throw new ShapeError(who, `takes texts of at most ${maxLength} tokens, got one of ${T}`)
    const vectors = this.base.words.forward(ids) // [B, T, E]
    const [states, [last]] = this.base.lstm.forward(vectors, { lengths }) // [B, T, C], and [2, B, C / 2]
    const [there, back] = [0, 1].map((i) => reshape(slice(last, 0, i, i + 1), [B, last.shape[2]]))
    const h = relu(this.dense.forward(cat([there, back], 1))) // [B, inner]
    const logits = this.classifier.forward(this.drop.forward(h))
    const ofWords = (t: Tensor) =>
      places === null ? t : indexSelect(reshape(t, [B * T, t.shape[2]]), 0, tensor(places))
    const lastHiddenState = ofWords(states)
    return {
      ...{ logits, lastHiddenState },
      ...(want.hiddenStates && { hiddenStates: [ofWords(vectors), lastHiddenState] }),
    }
  }
}
