// Places that turn queries and keys, and layers that see near words alone: ModernBERT's. Su et al. 2021; Warner et al. 2024.
import { to } from '../../autograd/ops/elementwise/cast.js'
import { embedding } from '../../autograd/ops/indexing/rows.js'
import { permute } from '../../autograd/ops/shape/views.js'
import type { DType } from '../../tensor/storage.js'
import type { Tensor } from '../../tensor/tensor.js'
import type { AttentionInput } from '../attention.js'
import { applyRope, RotaryEmbedding } from '../decoder/positions.js'
import { blocksOf, nearLayers, type Rotary, type TransformerConfig } from '../models/config.js'
import { Module } from '../module.js'

/** Sines and cosines of two kinds of layers: those that see all words, and those that see near ones. Nothing is learned. */
export class RotaryPlaces extends Module {
  far: RotaryEmbedding
  near: RotaryEmbedding
  /** Words on each side that a near layer sees. */
  readonly window: number
  readonly #isNear: readonly boolean[]

  /** Heads must be as wide in all layers. */
  constructor(config: TransformerConfig, { theta, nearTheta, window }: Rotary) {
    super()
    const { maxLength } = config
    const headSize = blocksOf(config)[0]?.headSize ?? config.width / config.heads
    // As Python computes them, whose rounding shows from some hundred words on.
    const angles = { maxLength, single: true }
    this.far = new RotaryEmbedding(headSize, { ...angles, base: theta })
    this.near = new RotaryEmbedding(headSize, { ...angles, base: nearTheta })
    this.window = Math.floor(window / 2)
    this.#isNear = nearLayers(config)
  }

  /** Whether a layer sees near words alone. */
  isNear(layer: number): boolean {
    return this.#isNear[layer]
  }

  /** places: int32 [T] of padded texts, [N] of unpadded ones. Of each layer what its attention takes, in `dtype`. */
  forward(places: Tensor, unpadded: boolean, dtype: DType): (layer: number) => AttentionInput {
    const turning = (table: RotaryEmbedding) => {
      const [cos, sin] = [table.cos, table.sin].map((t) => to(embedding(t, places), dtype))
      // Of unpadded texts [N, H, D], whose places stand before the heads.
      const turn = (t: Tensor) =>
        unpadded ? permute(applyRope(permute(t, [1, 0, 2]), cos, sin), [1, 0, 2]) : applyRope(t, cos, sin)
      return turn
    }
    const far = { turn: turning(this.far) }
    const near = { turn: turning(this.near), window: this.window }
    return (layer) => (this.isNear(layer) ? near : far)
  }
}
