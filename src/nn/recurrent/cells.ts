// RNNCell, GRUCell, LSTMCell: one step, for loops of one's own.
import { zeros } from '../../autograd/create.js'
import { linear } from '../../autograd/ops/products/matmul.js'
import type { CellName } from '../../autograd/ops/recurrent/cells.js'
import { gateCount, sequence, stateCount } from '../../autograd/ops/recurrent/sequence.js'
import { slice } from '../../autograd/ops/shape/slice.js'
import { reshape } from '../../autograd/ops/shape/views.js'
import { ArgumentError, got, ShapeError } from '../../errors.js'
import { type Kinds, optionsArg, tensorArg, wholeArg } from '../../tensor/check.js'
import { formatShape, sameShape } from '../../tensor/shape.js'
import { Tensor } from '../../tensor/tensor.js'
import { uniform } from '../init.js'
import { Module } from '../module.js'
import { cellOf, type RnnOptions } from './layers.js'

export interface CellOptions {
  /** Default true. */
  bias?: boolean
}

const cellKinds: Kinds<CellOptions> = { bias: 'boolean' }
const rnnCellKinds: Kinds<CellOptions & Pick<RnnOptions, 'nonlinearity'>> = {
  ...cellKinds,
  nonlinearity: 'any',
}

abstract class Cell extends Module {
  weight_ih: Tensor
  weight_hh: Tensor
  /** [gates hiddenSize], or null. */
  bias_ih: Tensor | null
  bias_hh: Tensor | null
  readonly #cell: CellName

  constructor(
    cell: CellName,
    readonly inputSize: number,
    readonly hiddenSize: number,
    { bias = true }: CellOptions,
  ) {
    super()
    wholeArg(new.target.name, 'inputSize', inputSize, 1)
    wholeArg(new.target.name, 'hiddenSize', hiddenSize, 1)
    this.#cell = cell
    const bound = 1 / Math.sqrt(hiddenSize)
    const rows = gateCount(cell) * hiddenSize
    this.weight_ih = uniform([rows, inputSize], bound)
    this.weight_hh = uniform([rows, hiddenSize], bound)
    this.bias_ih = bias ? uniform([rows], bound) : null
    this.bias_hh = bias ? uniform([rows], bound) : null
  }

  /** The states after x, each of the shape of h. */
  protected run(x: Tensor, state: readonly Tensor[] | undefined): Tensor[] {
    const { inputSize, hiddenSize } = this
    const op = this.constructor.name
    tensorArg(op, 'x', x)
    if (state !== undefined && !Array.isArray(state))
      throw new ArgumentError(op, `state must be [h, c], got ${got(state)}`)
    if ((x.rank !== 1 && x.rank !== 2) || x.shape[x.rank - 1] !== inputSize)
      throw new ShapeError(
        op,
        `x must be [batch, ${inputSize}] or [${inputSize}], got ${formatShape(x.shape)}`,
      )
    const shape = [...x.shape.slice(0, -1), hiddenSize]
    const count = stateCount(this.#cell)
    const before = state ?? Array.from({ length: count }, () => zeros(shape, { dtype: x.dtype }))
    if (before.length !== count || !before.every((s) => s instanceof Tensor && sameShape(s.shape, shape))) {
      const shapes = Array.from(before, (s) => (s instanceof Tensor ? formatShape(s.shape) : got(s))).join(
        ', ',
      )
      throw new ShapeError(
        op,
        `state must be ${count === 1 ? '' : 'two tensors, h and c, of '}${formatShape(shape)}, got ${shapes || 'none'}`,
      )
    }
    const B = x.rank === 2 ? x.shape[0] : 1
    const rows = this.weight_hh.shape[0]
    const gates = reshape(linear(x, this.weight_ih, this.bias_ih), [1, B, rows])
    const y = sequence(
      this.#cell,
      gates,
      this.weight_hh,
      this.bias_hh ?? zeros([rows], { dtype: x.dtype }),
      before.map((s) => reshape(s, [B, hiddenSize])),
    )
    return before.map((_, i) => reshape(slice(y, 0, i, i + 1), shape))
  }
}

/** One step of RNN: x [B, inputSize], state [B, hiddenSize] -> [B, hiddenSize]; or both without B. */
export class RNNCell extends Cell {
  /** Throws RangeError. */
  constructor(
    inputSize: number,
    hiddenSize: number,
    options: CellOptions & { nonlinearity?: 'tanh' | 'relu' } = {},
  ) {
    const given = optionsArg('RNNCell', options, rnnCellKinds)
    super(cellOf('RNNCell', given.nonlinearity ?? 'tanh'), inputSize, hiddenSize, given)
  }

  /** Throws ShapeError. */
  forward(x: Tensor, state?: Tensor): Tensor {
    return this.run(x, state === undefined ? undefined : [state])[0]
  }
}

/** One step of GRU, shapes as those of RNNCell. */
export class GRUCell extends Cell {
  /** Throws RangeError. */
  constructor(inputSize: number, hiddenSize: number, options: CellOptions = {}) {
    super('gru', inputSize, hiddenSize, optionsArg('GRUCell', options, cellKinds))
  }

  /** Throws ShapeError. */
  forward(x: Tensor, state?: Tensor): Tensor {
    return this.run(x, state === undefined ? undefined : [state])[0]
  }
}

/** One step of LSTM: x [B, inputSize], state [h, c] of [B, hiddenSize] each -> [h, c]; or all without B. */
export class LSTMCell extends Cell {
  /** Throws RangeError. */
  constructor(inputSize: number, hiddenSize: number, options: CellOptions = {}) {
    super('lstm', inputSize, hiddenSize, optionsArg('LSTMCell', options, cellKinds))
  }

  /** Throws ShapeError. */
  forward(x: Tensor, state?: readonly [h: Tensor, c: Tensor]): [h: Tensor, c: Tensor] {
    const [h, c] = this.run(x, state)
    return [h, c]
  }
}
