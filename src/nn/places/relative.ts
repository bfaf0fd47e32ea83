// Scores between words and distances: DeBERTa's disentangled attention, with projections that words and distances share.
// He et al. 2020, equation 4; He et al. 2021.
import { tensor } from '../../autograd/create.js'
import { add, mul } from '../../autograd/ops/elementwise/arithmetic.js'
import { indexSelect } from '../../autograd/ops/indexing/rows.js'
import { matmul } from '../../autograd/ops/products/matmul.js'
import { permute, reshape } from '../../autograd/ops/shape/views.js'
import { log } from '../../tensor/math.js'
import type { Tensor } from '../../tensor/tensor.js'
import type { AttentionInput, MultiHeadAttention } from '../attention.js'
import { Dropout, Embedding, LayerNorm } from '../layers.js'
import type { Relative, TransformerConfig } from '../models/config.js'
import { Module } from '../module.js'

/** Products that are added up to a score, of which a word with a word is one. */
const PRODUCTS = 3

/** What stands for the distance of a key n places before a query: n itself up to half the buckets, then steps that grow. */
export function relativeBucket(
  n: number,
  { buckets, farthest }: { buckets: number; farthest: number },
): number {
  const half = Math.floor(buckets / 2)
  const far = Math.abs(n)
  if (far <= half) return n
  // PyTorch's float32, step by step: where a step begins depends on its rounding.
  const ln = (x: number) => Math.fround(log(Math.fround(x)))
  const share = Math.fround(ln(far / half) / ln((farthest - 1) / half))
  return Math.sign(n) * (Math.ceil(Math.fround(share * (half - 1))) + half)
}

/** The table of distances that all layers share, and what their attention makes of it. */
export class RelativePlaces extends Module {
  /** [2 buckets, C]: of keys behind a query the first half, the farthest first. */
  positions: Embedding
  norm: LayerNorm
  drop: Dropout
  readonly buckets: number
  readonly farthest: number

  constructor({ width, std, eps, dropout, maxLength }: TransformerConfig, { buckets, farthest }: Relative) {
    super()
    this.positions = new Embedding(2 * buckets, width, { std })
    this.norm = new LayerNorm(width, { eps })
    this.drop = new Dropout(dropout)
    this.buckets = buckets
    this.farthest = farthest ?? maxLength
  }

  /** The row of `positions` for a key n places before a query. */
  rowOf(n: number): number {
    return Math.min(2 * this.buckets - 1, Math.max(0, relativeBucket(n, this) + this.buckets))
  }

  /** T: words of the longest text. Of each layer what its attention takes. */
  forward(T: number): (attention: MultiHeadAttention) => AttentionInput {
    // Distances in this batch are rows one after the other.
    const first = this.rowOf(1 - T)
    const R = this.rowOf(T - 1) - first + 1
    const rows = Int32Array.from({ length: 2 * T - 1 }, (_, i) => this.rowOf(i - T + 1) - first)
    const table = this.norm.forward(
      this.positions.forward(tensor(Int32Array.from({ length: R }, (_, i) => first + i))),
    ) // [R, C]
    // Of query i and key j: among the products of either with all distances.
    const ofQuery = new Int32Array(T * T)
    const ofKey = new Int32Array(T * T)
    for (let i = 0; i < T; i++)
      for (let j = 0; j < T; j++) {
        const row = rows[i - j + T - 1]
        ofQuery[i * T + j] = i * R + row
        ofKey[i * T + j] = j * R + row
      }
    const [byQuery, byKey] = [ofQuery, ofKey].map((places) => tensor(places))
    return (attention) => {
      const { heads, headSize } = attention
      const scale = 1 / Math.sqrt(PRODUCTS * headSize)
      const bias = (q: Tensor, k: Tensor) => {
        const own = this.drop.forward(table)
        const split = (layer: MultiHeadAttention['query']) =>
          permute(reshape(layer.forward(own), [R, heads, headSize]), [1, 2, 0]) // [H, D, R]
        const [B] = q.shape
        const chosen = (scores: Tensor, places: Tensor) =>
          reshape(indexSelect(reshape(scores, [B * heads, T * R]), 1, places), [B, heads, T, T])
        const toDistance = chosen(matmul(q, split(attention.key)), byQuery)
        const fromDistance = chosen(matmul(k, split(attention.query)), byKey)
        return mul(add(toDistance, fromDistance), scale)
      }
      return { bias, scale }
    }
  }
}
