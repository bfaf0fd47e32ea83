// What stands before a weight, an input or an output of a layer in training with quantization: it gives the same numbers on a grid.
import { clamp } from '../../autograd/ops/elementwise/compare.js'
import { type FakeQuantizeOptions, fakeQuantize } from '../../autograd/ops/quantization/fake-quantize.js'
import { Tensor } from '../../tensor/tensor.js'
import { LearnsApart } from '../stand-ins/stand-in.js'
import { largest, largestOfRows, rangeOfRows } from './ranges.js'

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

/** Each row between its least and its largest number, 0 among them, with a zero point: tinystill's own inputs. */
export class RowRangeQuantizer extends Quantizer {
  /** levels: 127 for 7 bits. */
  constructor(readonly levels: number) {
    super()
  }

  override extraRepr(): string {
    return `levels=${this.levels}`
  }

  forward(x: Tensor): Tensor {
    const { scale, zeroPoint } = rangeOfRows(x, this.levels)
    return fakeQuantize(x, scale, { zeroPoint, low: 0, high: this.levels, outside: 'pass' })
  }
}
