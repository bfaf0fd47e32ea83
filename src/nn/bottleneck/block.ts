// A block that computes in fewer numbers than the states have: a layer into it, attention, several inner layers one behind the
// other, a layer back. Sun et al. 2020, section 3 and table 1.
import { add } from '../../autograd/ops/elementwise/arithmetic.js'
import type { Tensor } from '../../tensor/tensor.js'
import type { AttentionInput } from '../attention.js'
import { type Activation, activated, EncoderBlock, type EncoderOptions } from '../encoder.js'
import { LayerNorm, Linear } from '../layers.js'
import type { Bottleneck } from '../models/config.js'
import { Module } from '../module.js'
import { NoNorm } from './no-norm.js'

/** PyTorch's, for norms to which Python gives no other. */
const USUAL_EPS = 1e-5

const normOf = ({ plainNorms }: Bottleneck, width: number, eps: number): LayerNorm =>
  plainNorms ? new NoNorm(width) : new LayerNorm(width, { eps })

/** The norm of the embeddings of a model with bottlenecks. */
export const statesNorm = (bottleneck: Bottleneck, width: number): LayerNorm =>
  normOf(bottleneck, width, USUAL_EPS)

/** norm(down(f(up x)) + x), [..., inside] -> [..., inside]. */
export class InnerNetwork extends Module {
  up: Linear
  down: Linear

  constructor(
    width: number,
    inner: number,
    readonly norm: LayerNorm,
    readonly activation: Activation,
    std?: number,
  ) {
    super()
    this.up = new Linear(width, inner, { std })
    this.down = new Linear(inner, width, { std })
  }

  forward(x: Tensor): Tensor {
    return this.norm.forward(add(this.down.forward(activated(this.up, x, this.activation)), x))
  }
}

/** [B, T, C] -> [B, T, C], or unpadded, with starts, [N, C] -> [N, C], C the width of the states. */
export class BottleneckBlock extends EncoderBlock {
  /** From the states to the inside; null: that is as wide as they, and nothing stands between. */
  input: Linear | null
  inputNorm: LayerNorm | null
  /** The same for queries and keys, where values are made of the states. */
  shared: Linear | null
  sharedNorm: LayerNorm | null
  /** All inner layers but the last. By names, as the longest array in a model is that of its blocks. */
  networks: Record<string, InnerNetwork>
  /** Back to the states. */
  output: Linear | null
  statesNorm: LayerNorm | null

  /** options: as EncoderBlock's, with the width of the states. */
  constructor(options: EncoderOptions, bottleneck: Bottleneck) {
    const { width, inner = 4 * width, eps = USUAL_EPS, std, activation = 'gelu' } = options
    const { inside, narrowValues, networks } = bottleneck
    const own = inside ?? width
    super({ ...options, width: own, inner, values: narrowValues ? own : width })
    const bridge = (there: boolean) => (there ? new Linear(width, own, { std }) : null)
    const norm = (there: boolean) => (there ? normOf(bottleneck, own, eps) : null)
    const apart = inside !== null && !narrowValues
    this.input = bridge(inside !== null)
    this.inputNorm = norm(inside !== null)
    this.shared = bridge(apart)
    this.sharedNorm = norm(apart)
    for (const p of [this.attentionNorm, this.outputNorm].flatMap((it) => it?.parameters() ?? [])) p.dispose()
    this.attentionNorm = normOf(bottleneck, own, eps)
    this.outputNorm = normOf(bottleneck, own, USUAL_EPS)
    const network = () => new InnerNetwork(own, inner, normOf(bottleneck, own, eps), activation, std)
    this.networks = Object.fromEntries(Array.from({ length: networks - 1 }, (_, i) => [`n${i}`, network()]))
    this.output = inside === null ? null : new Linear(own, width, { std })
    this.statesNorm = inside === null ? null : normOf(bottleneck, width, eps)
  }

  protected override compute(x: Tensor, input: AttentionInput): Tensor {
    const narrow = this.#narrowed(x, this.input, this.inputNorm)
    const asked = this.shared === null ? narrow : this.#narrowed(x, this.shared, this.sharedNorm)
    const values = this.shared === null ? narrow : x
    // What goes through a bottleneck is dropped behind it.
    const join = (h: Tensor, residual: Tensor) =>
      this.output === null ? this.drop.forward(h, residual) : add(h, residual)
    let h = join(this.attention.forward(asked, { ...input, values }), narrow)
    h = this.attentionNorm?.forward(h) ?? h
    for (const network of Object.values(this.networks)) h = network.forward(h)
    const inner = this.down.forward(activated(this.up, h, this.activation))
    h = this.outputNorm.forward(join(inner, h))
    if (this.output === null || this.statesNorm === null) return h
    return this.statesNorm.forward(this.drop.forward(this.output.forward(h), x))
  }

  #narrowed(x: Tensor, layer: Linear | null, norm: LayerNorm | null): Tensor {
    return layer === null || norm === null ? x : norm.forward(layer.forward(x))
  }
}
