// Multi-head self-attention: four projections around the fused attention op.
import { attention } from '../autograd/ops/attention.js'
import { permute, reshape } from '../autograd/ops/views.js'
import type { Tensor } from '../tensor/tensor.js'
import { Linear } from './layers.js'
import { Module } from './module.js'

export interface AttentionInput {
  /** int32 [B, T], 0 where a position is padding and is not to be seen. */
  attentionMask?: Tensor | undefined
  /** Position t sees only positions <= t. */
  causal?: boolean
}

/** softmax(Q K^T / sqrt(D)) V over `heads` heads of width D = width / heads. Vaswani et al. 2017, section 3.2.2. */
export class MultiHeadAttention extends Module {
  query: Linear
  key: Linear
  value: Linear
  out: Linear

  /** dropout: of the attention probabilities. */
  constructor(
    width: number,
    readonly heads: number,
    readonly dropout = 0,
  ) {
    super()
    if (!Number.isInteger(width / heads))
      throw new RangeError(`MultiHeadAttention: the width ${width} does not divide into ${heads} heads`)
    this.query = new Linear(width, width)
    this.key = new Linear(width, width)
    this.value = new Linear(width, width)
    this.out = new Linear(width, width)
  }

  /** x [B, T, C] -> [B, T, C] */
  forward(x: Tensor, { attentionMask, causal = false }: AttentionInput = {}): Tensor {
    const [B, T, C] = x.shape
    const split = (t: Tensor) => permute(reshape(t, [B, T, this.heads, C / this.heads]), [0, 2, 1, 3]) // [B, H, T, D]
    const y = attention(
      split(this.query.forward(x)),
      split(this.key.forward(x)),
      split(this.value.forward(x)),
      { mask: attentionMask, causal, dropout: this.training ? this.dropout : 0 },
    )
    return this.out.forward(reshape(permute(y, [0, 2, 1, 3]), [B, T, C]))
  }
}
