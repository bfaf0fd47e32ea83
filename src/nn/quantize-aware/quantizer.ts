// What stands before a weight, an input or an output of a layer in training with quantization: it gives the same numbers on a grid.
import { mul } from '../../autograd/ops/elementwise/arithmetic.js'
import { clamp } from '../../autograd/ops/elementwise/compare.js'
import { type FakeQuantizeOptions, fakeQuantize } from '../../autograd/ops/quantization/fake-quantize.js'
import { Tensor } from '../../tensor/tensor.js'
import { LearnsApart } from '../stand-ins/stand-in.js'
import { largest, largestOfRows, rangeOf } from './ranges.js'

export abstract class Quantizer extends LearnsApart {
  /** x on the grid, of its shape. `whole`: what the grid follows from, where x is a part of it: rows of a table. Default x. */
  abstract forward(x: Tensor, whole?: Tensor): Tensor
}

/** Steps and ranges of quantizers, those that there are. */
export const tensorsOf = (...quantizers: readonly (Quantizer | null)[]): Tensor[] =>
  quantizers
    .flatMap((q) => Array.from(q?.holdings() ?? [], ([, held]) => held))
    .filter((t) => t instanceof Tensor)

/** A function that needs to know nothing but x. */
export class FixedQuantizer extends Quantizer {
  constructor(readonly onGrid: (x: Tensor) => Tensor) {
    super()
  }

  forward(x: Tensor): Tensor {
    return this.onGrid(x)
  }
}

export interface LargestOptions {
  /** A scale for each row, the last dim, instead of one for all. */
  rows?: boolean
  /** What is larger is cut off there, and gets no gradient. */
  clip?: number
}

/** Symmetric: the largest |x| is the highest level, and is looked for each time. */
export class LargestQuantizer extends Quantizer {
  /** levels: on each side of 0; 127 for 8 bits. */
  constructor(
    readonly levels: number,
    readonly options: LargestOptions = {},
  ) {
    super()
  }

  override extraRepr(): string {
    return `levels=${this.levels}`
  }

  forward(x: Tensor, whole = x): Tensor {
    const { levels } = this
    const { rows = false, clip = Infinity } = this.options
    // Nothing is outside of what was just measured.
    const grid: FakeQuantizeOptions = { low: -levels, high: levels, outside: 'pass' }
    if (rows) return fakeQuantize(x, largestOfRows(x, levels), grid)
    const most = largest(whole)
    const cut = most > clip ? clamp(x, -clip, clip) : x
    return fakeQuantize(cut, Math.min(most, clip) / levels || 1, grid)
  }
}

/**
 * The largest |x| half a level beyond the highest, so that all 2^bits levels are used, -128 to 127 of 8 bits: PyTorch's. By the
 * reciprocal of the scale in float32, as there: it decides where the largest number falls.
 */
export class AllLevelsQuantizer extends Quantizer {
  constructor(readonly bits: number) {
    super()
  }

  override extraRepr(): string {
    return `bits=${this.bits}`
  }

  forward(x: Tensor): Tensor {
    const levels = 2 ** (this.bits - 1)
    const scale = Math.fround(largest(x) / (levels - 0.5)) || 1
    const onGrid = fakeQuantize(mul(x, Math.fround(1 / scale)), 1, {
      ...{ low: -levels, high: levels - 1, outside: 'pass' as const },
    })
    return mul(onGrid, scale)
  }
}

/** From the least to the largest number, 0 among them, with a zero point: each row, as tinystill's own inputs, or all of x. */
export class RangeQuantizer extends Quantizer {
  /** levels: 127 for 7 bits. */
  constructor(
    readonly levels: number,
    readonly options: { rows?: boolean } = {},
  ) {
    super()
  }

  override extraRepr(): string {
    return `levels=${this.levels}`
  }

  forward(x: Tensor, whole = x): Tensor {
    const { levels } = this
    const { rows = false } = this.options
    const { scale, zeroPoint } = rangeOf(rows ? x : whole, levels, rows)
    return fakeQuantize(x, scale, { zeroPoint, low: 0, high: levels, outside: 'pass' })
  }
}
