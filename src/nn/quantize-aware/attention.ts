// Attention whose two products are quantized: queries, keys, values and probabilities stand on grids. TernaryBERT's.
// Zhang et al. 2020, section 3.1, and the official code.
import { tensor } from '../../autograd/create.js'
import { indexSelect } from '../../autograd/ops/indexing/rows.js'
import { dropout } from '../../autograd/ops/normalize.js'
import { type AttentionTrace, attentionProbabilities } from '../../autograd/ops/products/attention.js'
import { matmul } from '../../autograd/ops/products/matmul.js'
import { permute, reshape } from '../../autograd/ops/shape/views.js'
import { tidyUnrecorded } from '../../autograd/tidy.js'
import { ints, type Tensor } from '../../tensor/tensor.js'
import { type AttentionInput, MultiHeadAttention } from '../attention.js'
import { undrawn } from '../init.js'
import type { StandIn } from '../stand-ins/stand-in.js'
import { type Quantizer, tensorsOf } from './quantizer.js'

/** Texts one after the other as rows of a padded matrix, and back. */
interface Padding {
  /** int32 [B, T], 1 for words. */
  mask: Tensor
  /** Which row each place of the matrix has; padding has some row, which nobody sees. */
  into: Tensor
  /** Where each row stands in the matrix. */
  back: Tensor
  /** Texts. */
  B: number
}

function paddingOf(starts: Tensor): Padding {
  const at = ints(starts)
  const B = at.length - 1
  const longest = Math.max(1, ...Array.from({ length: B }, (_, b) => at[b + 1] - at[b]))
  const mask = new Int32Array(B * longest)
  const into = new Int32Array(B * longest)
  const back = new Int32Array(at[B])
  for (let b = 0; b < B; b++)
    for (let t = 0, row = at[b]; row < at[b + 1]; t++, row++) {
      const place = b * longest + t
      mask[place] = 1
      into[place] = row
      back[row] = place
    }
  return { mask: tensor(mask, { shape: [B, longest] }), into: tensor(into), back: tensor(back), B }
}

export interface AttentionQuantizers {
  query: Quantizer
  key: Quantizer
  value: Quantizer
  probs: Quantizer
}

/** As MultiHeadAttention, on the layers of `plain`. Unpadded texts are padded inside. */
export class FakeQuantAttention extends MultiHeadAttention implements StandIn {
  readonly quantizers: AttentionQuantizers

  constructor(plain: MultiHeadAttention, quantizers: AttentionQuantizers) {
    super(plain.query.weight.shape[1], plain.heads, plain.dropout, {}, plain.headSize)
    for (const name of ['query', 'key', 'value', 'out'] as const) this[name] = plain[name]
    this.quantizers = quantizers
  }

  static of(plain: MultiHeadAttention, quantizers: AttentionQuantizers): FakeQuantAttention {
    return undrawn(() => new FakeQuantAttention(plain, quantizers))
  }

  plainLayer(): MultiHeadAttention {
    const { query, key, value, out, heads, headSize, dropout } = this
    const plain = new MultiHeadAttention(query.weight.shape[1], heads, dropout, {}, headSize)
    return Object.assign(plain, { query, key, value, out })
  }

  computedWeight(): null {
    return null
  }

  addedTensors(): Tensor[] {
    return tensorsOf(...Object.values<Quantizer>({ ...this.quantizers }))
  }

  /** Squares above all. */
  leaves(T: number): { word: number; once: number } {
    return { word: 12 * this.heads * this.headSize + 5 * this.heads * T, once: 0 }
  }

  override forward(x: Tensor, input: AttentionInput = {}): Tensor {
    const { starts, trace } = input
    // Asked for what unpadded texts do not have, the plain one refuses.
    if (starts !== undefined && (trace?.scores || trace?.probs || x.rank !== 2))
      return super.forward(x, input)
    const run = () => this.#compute(x, input)
    // What is looked into must stay.
    return trace?.qkv || trace?.scores || trace?.probs ? run() : tidyUnrecorded(run)
  }

  #compute(x: Tensor, input: AttentionInput): Tensor {
    const { starts } = input
    const padding = starts && paddingOf(starts)
    const { query, key, value } = this.quantizers
    const A = this.heads * this.headSize
    // What is multiplied stands on the grid: queries and keys that their places have turned.
    const turned = (t: Tensor) => (input.turn === undefined ? t : this.#turned(t, input.turn))
    const parts = [
      query.forward(turned(this.query.forward(x))),
      key.forward(turned(this.key.forward(x))),
      value.forward(this.value.forward(input.values ?? x)),
    ]
    const padded = padding
      ? parts.map((t) => reshape(indexSelect(t, 0, padding.into), [padding.B, -1, A]))
      : parts
    const mixed = this.#attend(padded, padding?.mask ?? input.attentionMask, input)
    const y = padding ? indexSelect(reshape(mixed, [-1, A]), 0, padding.back) : mixed
    return this.out.forward(padding ? reshape(y, [x.shape[0], A]) : y)
  }

  /** [B, T, C] or unpadded [N, C] -> the same, head by head. */
  #turned(t: Tensor, turn: (heads: Tensor) => Tensor): Tensor {
    const { shape } = t
    const split = reshape(t, [...shape.slice(0, -1), this.heads, this.headSize])
    if (shape.length === 2) return reshape(turn(split), shape)
    return reshape(permute(turn(permute(split, [0, 2, 1, 3])), [0, 2, 1, 3]), shape)
  }

  /** [B, T, C] each -> [B, T, C]. */
  #attend(
    qkv: readonly Tensor[],
    mask: Tensor | undefined,
    { bias, window, scale, causal = false, trace }: AttentionInput,
  ): Tensor {
    const [B, T, C] = qkv[0].shape
    const D = C / this.heads
    const [q, k, v] = qkv.map((t) => permute(reshape(t, [B, T, this.heads, D]), [0, 2, 1, 3]))
    trace?.qkv?.push({ q, k, v })
    const seen: AttentionTrace = { scores: trace?.scores, probs: trace?.probs }
    const options = { scale: scale ?? 1 / Math.sqrt(D), causal, bias, window }
    const probs = attentionProbabilities(q, k, mask, options, seen)
    const dropped = this.training && this.dropout > 0 ? dropout(probs, this.dropout) : probs
    const mixed = matmul(this.quantizers.probs.forward(dropped), v)
    return reshape(permute(mixed, [0, 2, 1, 3]), [B, T, C])
  }
}
