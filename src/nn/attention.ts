// Multi-head self-attention: four projections around the fused attention op.
import {
  type AttentionOptions,
  type AttentionTrace,
  attention,
  type ScoreBias,
} from '../autograd/ops/products/attention.js'
import { segmentAttention } from '../autograd/ops/products/segments.js'
import { permute, reshape } from '../autograd/ops/shape/views.js'
import { ShapeError } from '../errors.js'
import { numberArg, wholeArg } from '../tensor/check.js'
import { formatShape } from '../tensor/shape.js'
import type { Tensor } from '../tensor/tensor.js'
import type { KeyValues } from './key-values.js'
import { Linear, type LinearOptions, type LowRankLinear } from './layers.js'
import { Module } from './module.js'

/** Queries, keys and values by head: [B, H, T, D], unpadded [N, H, D]. */
export interface Qkv {
  q: Tensor
  k: Tensor
  v: Tensor
}

/** Takes in what each layer of attention sees: one entry a layer in each list that is there. */
export interface LayerTrace extends AttentionTrace {
  qkv?: Qkv[] | undefined
}

export interface AttentionInput {
  /** int32 [B, T], 0 where a position is padding and is not to be seen. */
  attentionMask?: Tensor | undefined
  /** int32 [B + 1]: x is unpadded, [N, C], and sequence b is its rows starts[b] to starts[b + 1] - 1. */
  starts?: Tensor | undefined
  /** What values are made of, as x but for its width. Default x. */
  values?: Tensor | undefined
  /** [H, T, T] or [B, H, T, T], added to the scores, or what makes it of queries and keys, padded [B, H, T, D]. */
  bias?: ScoreBias | undefined
  /** Positions more than so many away are not seen. */
  window?: number | undefined
  /** Of queries and of keys by head, [B, H, T, D] or unpadded [N, H, D]: what their places make of them. */
  turn?: ((t: Tensor) => Tensor) | undefined
  /** Of the products of queries and keys. Default 1 / sqrt(D). */
  scale?: number | undefined
  /** Position t sees only positions <= t. */
  causal?: boolean
  /** Of the words before x, which is padded or alone; those of x come to it. attentionMask is of all of them. */
  cache?: KeyValues | undefined
  /** Scores and probabilities need padded x. */
  trace?: LayerTrace | undefined
}

const turned = (turn: AttentionInput['turn'], [q, k, v]: readonly Tensor[]): readonly Tensor[] =>
  turn === undefined ? [q, k, v] : [turn(q), turn(k), v]

/**
 * softmax(Q K^T / sqrt(D)) V over `heads` heads of width D, by default width / heads. Vaswani et al. 2017, section 3.2.2. Where
 * heads were cut, heads * D is less than the width.
 */
export class MultiHeadAttention extends Module {
  query: Linear | LowRankLinear
  key: Linear | LowRankLinear
  value: Linear | LowRankLinear
  out: Linear | LowRankLinear
  readonly headSize: number

  /** dropout: of the attention probabilities. size: of a head; default width / heads. std: of the initial weights, as in Linear. values: the width of what values are made of. */
  constructor(
    width: number,
    readonly heads: number,
    readonly dropout = 0,
    linear: LinearOptions = {},
    size?: number,
    values = width,
  ) {
    super()
    wholeArg('MultiHeadAttention', 'width', width, 1)
    wholeArg('MultiHeadAttention', 'heads', heads, 1)
    // No default of the parameter: that would be reckoned before anything is checked.
    const headSize = size ?? width / heads
    if (!(numberArg('MultiHeadAttention', 'dropout', dropout) >= 0 && dropout < 1))
      throw new RangeError(`MultiHeadAttention: dropout must be at least 0 and below 1, got ${dropout}`)
    if (!Number.isInteger(headSize))
      throw new RangeError(`MultiHeadAttention: the width ${width} does not divide into ${heads} heads`)
    wholeArg('MultiHeadAttention', 'headSize', headSize, 1)
    this.headSize = headSize
    const attended = heads * headSize
    this.query = new Linear(width, attended, linear)
    this.key = new Linear(width, attended, linear)
    this.value = new Linear(values, attended, linear)
    this.out = new Linear(attended, width, linear)
  }

  override extraRepr(): string {
    return `heads=${this.heads}, dropout=${this.dropout}`
  }

  /** x [B, T, C] -> [B, T, C], or with starts [N, C] -> [N, C]. Throws ShapeError, RangeError for wrong starts. */
  forward(
    x: Tensor,
    {
      attentionMask,
      starts,
      values,
      bias,
      window,
      turn,
      scale,
      causal = false,
      cache,
      trace,
    }: AttentionInput = {},
  ): Tensor {
    const dropout = this.training ? this.dropout : 0
    const options = { bias, window, causal, dropout, trace, ...(scale !== undefined && { scale }) }
    const qkv = [this.query.forward(x), this.key.forward(x), this.value.forward(values ?? x)]
    if (starts === undefined) return this.out.forward(this.#padded(qkv, attentionMask, options, turn, cache))
    if (trace?.scores || trace?.probs) {
      throw new ShapeError(
        'MultiHeadAttention',
        'unpadded texts have no attention matrix of one shape',
        'Pad the texts to see scores or probabilities',
      )
    }
    if (attentionMask !== undefined || cache !== undefined || x.rank !== 2) {
      throw new ShapeError(
        'MultiHeadAttention',
        `starts go with unpadded rows [N, ${this.query.weight.shape[1]}], no attentionMask and no cache, got ${formatShape(x.shape)}`,
      )
    }
    const [N] = x.shape
    const [q, k, v] = turned(
      turn,
      qkv.map((t) => reshape(t, [N, this.heads, this.headSize])),
    )
    trace?.qkv?.push({ q, k, v })
    return this.out.forward(
      reshape(segmentAttention(q, k, v, starts, options), [N, this.heads * this.headSize]),
    )
  }

  #padded(
    qkv: readonly Tensor[],
    mask: Tensor | undefined,
    options: AttentionOptions & { trace: LayerTrace | undefined },
    turn: AttentionInput['turn'],
    cache: KeyValues | undefined,
  ): Tensor {
    const [B, T, A] = qkv[0].shape
    const split = (t: Tensor) => permute(reshape(t, [B, T, this.heads, this.headSize]), [0, 2, 1, 3]) // [B, H, T, D]
    const [q, ownK, ownV] = turned(turn, qkv.map(split))
    const { k, v } = cache?.with(ownK, ownV) ?? { k: ownK, v: ownV }
    options.trace?.qkv?.push({ q, k, v })
    const y = attention(q, k, v, { ...options, mask })
    if (cache) Object.assign(cache, { k, v })
    return reshape(permute(y, [0, 2, 1, 3]), [B, T, A])
  }
}
