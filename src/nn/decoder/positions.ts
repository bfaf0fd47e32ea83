// Where a word stands: rotary positions, which turn queries and keys, and learned ones, which are added to the words.
import { make } from '../../autograd/create.js'
import { add, mul, sub } from '../../autograd/ops/elementwise/arithmetic.js'
import { to } from '../../autograd/ops/elementwise/cast.js'
import { embedding } from '../../autograd/ops/indexing/rows.js'
import { cat, stack } from '../../autograd/ops/shape/join.js'
import { narrow, select } from '../../autograd/ops/shape/parts.js'
import { reshape } from '../../autograd/ops/shape/views.js'
import { DTypeError, ShapeError } from '../../errors.js'
import { finiteArg, type Kinds, optionsArg, tensorArg, wholeArg } from '../../tensor/check.js'
import { pow } from '../../tensor/math.js'
import { formatShape } from '../../tensor/shape.js'
import type { Tensor } from '../../tensor/tensor.js'
import { cos as cosine, sin as sine } from '../../tensor/trigonometry.js'
import { normal } from '../init.js'
import { Module } from '../module.js'

export interface RopeOptions {
  /** Pairs are neighbours, as in the paper. Default false: element i goes with i + D / 2, as in GPT-NeoX and Llama. */
  interleaved?: boolean
}

const ropeKinds: Kinds<RopeOptions> = { interleaved: 'boolean' }

/**
 * Turns each pair of x [..., T, D] by the angle of its position: cos and sin [..., T, D / 2], of x's dtype, broadcast. Then
 * q_m . k_n depends on m - n alone. Su et al. 2021, eq. 34. Throws ShapeError, DTypeError.
 */
export function applyRope(x: Tensor, cos: Tensor, sin: Tensor, options: RopeOptions = {}): Tensor {
  const { interleaved = false } = optionsArg('applyRope', options, ropeKinds)
  const { shape, rank, dtype } = tensorArg('applyRope', 'x', x)
  const D = shape[rank - 1]
  for (const [name, table] of Object.entries({ cos, sin })) {
    tensorArg('applyRope', name, table)
    // A table of one number, or of more dims than x, would broadcast to what is not meant.
    const dims = table.shape.map((n, d) => [n, [...shape.slice(0, -1), D / 2][rank - table.rank + d]])
    if (
      rank < 2 ||
      table.rank < 2 ||
      table.rank > rank ||
      dims.some(([n, m], d) => n !== m && (n !== 1 || d >= dims.length - 2))
    ) {
      throw new ShapeError(
        'applyRope',
        `${name} ${formatShape(table.shape)} does not fit x ${formatShape(shape)}`,
        'Expected [..., T, D / 2] and [..., T, D], D even',
      )
    }
    if (table.dtype !== dtype)
      throw new DTypeError('applyRope', `x is ${dtype}, ${name} ${table.dtype}`, `Convert one with .to()`)
  }
  const turned = (a: Tensor, b: Tensor) => [sub(mul(a, cos), mul(b, sin)), add(mul(b, cos), mul(a, sin))]
  if (!interleaved) return cat(turned(narrow(x, -1, 0, D / 2), narrow(x, -1, D / 2, D / 2)), -1)
  const pairs = reshape(x, [...shape.slice(0, -1), D / 2, 2])
  return reshape(stack(turned(select(pairs, -1, 0), select(pairs, -1, 1)), -1), shape)
}

export interface PlaceOptions {
  /** The position of the first word. Default 0. */
  offset?: number
}

export interface RotaryOptions extends RopeOptions {
  /** Positions in the tables. Default 2048. */
  maxLength?: number
  /** Pair i turns by base^(-2 i / dim) from word to word. Default 10000. */
  base?: number
}

export interface RotaryInput extends PlaceOptions {
  /** int32, broadcast to x's dims but the last: [T], or with heads [B, 1, T]. In place of an offset. */
  positions?: Tensor
}

const rotaryKinds: Kinds<RotaryOptions> = { ...ropeKinds, maxLength: 'whole', base: 'finite' }
const rotaryInput: Kinds<RotaryInput> = { offset: 'whole', positions: 'tensor' }

/** Rotary positions for heads of `dim`: nothing is learned, nothing saved. One may serve all blocks. */
export class RotaryEmbedding extends Module {
  // float64, so that to('float64') finds exact angles; forward() takes the rows it needs in x's dtype.
  cos: Tensor
  sin: Tensor
  readonly base: number
  readonly maxLength: number
  readonly interleaved: boolean

  constructor(
    readonly dim: number,
    options: RotaryOptions = {},
  ) {
    super()
    const op = 'RotaryEmbedding'
    if (wholeArg(op, 'dim', dim, 2) % 2 !== 0)
      throw new RangeError(`${op}: dim must be even, for pairs, got ${dim}`)
    const { maxLength = 2048, base = 10000, interleaved = false } = optionsArg(op, options, rotaryKinds)
    wholeArg(op, 'maxLength', maxLength, 1)
    if (!(finiteArg(op, 'base', base) > 0)) throw new RangeError(`${op}: base must be above 0, got ${base}`)
    this.base = base
    this.maxLength = maxLength
    this.interleaved = interleaved
    const half = dim / 2
    const table = (f: (angle: number) => number) =>
      make(op, [maxLength, half], { dtype: 'float64' }, (out) => {
        for (let i = 0; i < half; i++) {
          const step = pow(base, (-2 * i) / dim)
          for (let t = 0; t < maxLength; t++) out[t * half + i] = f(t * step)
        }
      })
    this.cos = this.registerBuffer('cos', table(cosine), { persistent: false })
    this.sin = this.registerBuffer('sin', table(sine), { persistent: false })
  }

  override extraRepr(): string {
    return `${this.dim}, maxLength=${this.maxLength}, base=${this.base}, interleaved=${this.interleaved}`
  }

  /** x [..., T, dim] -> the same, turned. Throws ShapeError, RangeError for positions outside the tables. */
  forward(x: Tensor, input: RotaryInput = {}): Tensor {
    const op = 'RotaryEmbedding'
    const { offset = 0, positions } = optionsArg(op, input, rotaryInput)
    const { shape, rank, dtype } = tensorArg(op, 'x', x)
    if (rank < 2 || shape[rank - 1] !== this.dim)
      throw new ShapeError(op, `x must be [..., T, ${this.dim}], got ${formatShape(shape)}`)
    const rows = (table: Tensor) =>
      positions === undefined ? placed(op, table, offset, shape[rank - 2]) : embedding(table, positions)
    return applyRope(x, to(rows(this.cos), dtype), to(rows(this.sin), dtype), {
      interleaved: this.interleaved,
    })
  }
}

/** Rows offset to offset + T - 1 of a table. Throws RangeError where it ends before. */
function placed(op: string, table: Tensor, offset: number, T: number): Tensor {
  const [rows] = table.shape
  wholeArg(op, 'offset', offset, 0)
  if (offset + T > rows)
    throw new RangeError(`${op}: ${T} words from position ${offset} do not fit in ${rows} positions`)
  return narrow(table, 0, offset, T)
}

/** A learned row for each position, added to the words. */
export class PositionalEmbedding extends Module {
  /** [maxLength, width] */
  weight: Tensor

  /** std: of the initial values. Default 0.02, as in BERT and GPT-2. */
  constructor(maxLength: number, width: number, options: { std?: number } = {}) {
    super()
    wholeArg('PositionalEmbedding', 'maxLength', maxLength, 1)
    wholeArg('PositionalEmbedding', 'width', width, 0)
    const { std = 0.02 } = optionsArg('PositionalEmbedding', options, { std: 'finite' })
    this.weight = normal([maxLength, width], std)
  }

  override extraRepr(): string {
    return this.weight.shape.join(', ')
  }

  /** x [..., T, width] -> the same. Throws ShapeError, RangeError for words after the last position. */
  forward(x: Tensor, options: PlaceOptions = {}): Tensor {
    const op = 'PositionalEmbedding'
    const { offset = 0 } = optionsArg(op, options, { offset: 'whole' })
    const { shape, rank } = tensorArg(op, 'x', x)
    const [, width] = this.weight.shape
    if (rank < 2 || shape[rank - 1] !== width)
      throw new ShapeError(op, `x must be [..., T, ${width}], got ${formatShape(shape)}`)
    return add(x, placed(op, this.weight, offset, shape[rank - 2]))
  }
}
