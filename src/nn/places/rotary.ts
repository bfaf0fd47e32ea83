// Places that turn queries and keys, and layers that see near words alone: ModernBERT's. Su et al. 2021; Warner et al. 2024.
import { tensor } from '../../autograd/create.js'
import { permute } from '../../autograd/ops/shape/views.js'
import { pow } from '../../tensor/math.js'
import type { DType } from '../../tensor/storage.js'
import { ints, type Tensor } from '../../tensor/tensor.js'
import { cos, sin } from '../../tensor/trigonometry.js'
import type { AttentionInput } from '../attention.js'
import { applyRope } from '../decoder/positions.js'
import { blocksOf, nearLayers, type Rotary, type TransformerConfig } from '../models/config.js'
import { Module } from '../module.js'

/**
 * Cosines and sines of one kind of layers. Made when texts of such length come, and kept: those of all places that a model takes
 * would be two seconds at its start.
 */
export class Angles {
  #rows = 0
  #cos = new Float64Array(0)
  #sin = new Float64Array(0)

  /** half: pairs of a head. Pair i turns by theta^(-i / half) from word to word. */
  constructor(
    readonly half: number,
    readonly theta: number,
  ) {}

  /** Of places 0 to T - 1 or more, `half` numbers each. */
  upTo(T: number): { cos: Float64Array; sin: Float64Array } {
    if (T > this.#rows) {
      const from = this.#rows
      this.#rows = Math.max(T, 2 * from)
      const before = { cos: this.#cos, sin: this.#sin }
      this.#cos = new Float64Array(this.#rows * this.half)
      this.#sin = new Float64Array(this.#rows * this.half)
      this.#cos.set(before.cos)
      this.#sin.set(before.sin)
      for (let i = 0; i < this.half; i++) this.#fill(i, from)
    }
    return { cos: this.#cos, sin: this.#sin }
  }

  /** In float32, as Python's transformers has steps and angles: its rounding shows from some hundred words on. */
  #fill(pair: number, from: number): void {
    const step = Math.fround(1 / Math.fround(pow(this.theta, Math.fround(pair / this.half))))
    for (let t = from; t < this.#rows; t++) {
      const angle = Math.fround(t * step)
      this.#cos[t * this.half + pair] = cos(angle)
      this.#sin[t * this.half + pair] = sin(angle)
    }
  }

  /** [places, half] each. */
  at(places: Int32Array, dtype: DType): [cos: Tensor, sin: Tensor] {
    const { half } = this
    const all = this.upTo(places.reduce((most, t) => Math.max(most, t), -1) + 1)
    const rows = (table: Float64Array) => {
      const values =
        dtype === 'float64' ? new Float64Array(places.length * half) : new Float32Array(places.length * half)
      for (const [i, t] of places.entries()) values.set(table.subarray(t * half, (t + 1) * half), i * half)
      return tensor(values, { shape: [places.length, half] })
    }
    return [rows(all.cos), rows(all.sin)]
  }
}

/** What turns queries and keys, in layers that see all words and in those that see near ones. Nothing is learned. */
export class RotaryPlaces extends Module {
  readonly far: Angles
  readonly near: Angles
  /** Words on each side that a near layer sees. */
  readonly window: number
  readonly #isNear: readonly boolean[]

  /** Heads are as wide in all layers. */
  constructor(config: TransformerConfig, { theta, nearTheta, window }: Rotary) {
    super()
    const half = (blocksOf(config)[0]?.headSize ?? config.width / config.heads) / 2
    this.far = new Angles(half, theta)
    this.near = new Angles(half, nearTheta)
    this.window = Math.floor(window / 2)
    this.#isNear = nearLayers(config)
  }

  /** Whether a layer sees near words alone. */
  isNear(layer: number): boolean {
    return this.#isNear[layer]
  }

  /** places: int32 [T] of padded texts, [N] of unpadded ones. Of each layer what its attention takes, in `dtype`. */
  forward(places: Tensor, unpadded: boolean, dtype: DType): (layer: number) => AttentionInput {
    const turning = (angles: Angles) => {
      const [cos, sin] = angles.at(ints(places), dtype)
      // Of unpadded texts [N, H, D], whose places stand before the heads.
      return (t: Tensor) =>
        unpadded ? permute(applyRope(permute(t, [1, 0, 2]), cos, sin), [1, 0, 2]) : applyRope(t, cos, sin)
    }
    const far = { turn: turning(this.far) }
    const near = { turn: turning(this.near), window: this.window }
    return (layer) => (this.isNear(layer) ? near : far)
  }
}
