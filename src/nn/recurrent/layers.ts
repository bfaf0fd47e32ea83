// RNN, GRU and LSTM: PyTorch's layers, from shapes and gate order to the names in a state dict.
import { got } from '../../errors.js'
import { type Kinds, optionsArg } from '../../tensor/check.js'
import type { Tensor } from '../../tensor/tensor.js'
import { inputArg, Recurrent, type RecurrentInput, type RecurrentOptions, recurrentKinds } from './base.js'

export interface RnnOptions extends RecurrentOptions {
  /** Default tanh. */
  nonlinearity?: 'tanh' | 'relu'
}

const rnnKinds: Kinds<RnnOptions> = { ...recurrentKinds, nonlinearity: 'any' }

export function cellOf(op: string, nonlinearity: string): 'rnnTanh' | 'rnnRelu' {
  if (nonlinearity !== 'tanh' && nonlinearity !== 'relu')
    throw new RangeError(`${op}: nonlinearity must be 'tanh' or 'relu', got ${got(nonlinearity)}`)
  return nonlinearity === 'tanh' ? 'rnnTanh' : 'rnnRelu'
}

/** h_t = tanh(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh). Elman 1990. Parameters as in PyTorch: weight_ih_l0 and so on. */
export class RNN extends Recurrent {
  readonly nonlinearity: 'tanh' | 'relu'

  /** Throws RangeError. */
  constructor(inputSize: number, hiddenSize: number, options: RnnOptions = {}) {
    const given = optionsArg('RNN', options, rnnKinds)
    const { nonlinearity = 'tanh' } = given
    super(cellOf('RNN', nonlinearity), inputSize, hiddenSize, given)
    this.nonlinearity = nonlinearity
  }

  /**
   * x [T, B, inputSize] -> [output [T, B, D hiddenSize], h_n [numLayers D, B, hiddenSize]], D = 2 where bidirectional;
   * with batchFirst x and the output [B, T, ...]; one text [T, inputSize] without B. Throws ShapeError, DTypeError,
   * RangeError.
   */
  forward(x: Tensor, input: RecurrentInput<Tensor> = {}): [output: Tensor, hn: Tensor] {
    const { state, lengths } = inputArg(this.constructor.name, input)
    const [output, [hn]] = this.run(x, state, lengths)
    return [output, hn]
  }
}

/** Gated recurrent units. Cho et al. 2014, with PyTorch's reset gate: after the product. Gates r, z, n. */
export class GRU extends Recurrent {
  /** Throws RangeError. */
  constructor(inputSize: number, hiddenSize: number, options: RecurrentOptions = {}) {
    super('gru', inputSize, hiddenSize, optionsArg('GRU', options, recurrentKinds))
  }

  /** Shapes as those of RNN. */
  forward(x: Tensor, input: RecurrentInput<Tensor> = {}): [output: Tensor, hn: Tensor] {
    const { state, lengths } = inputArg(this.constructor.name, input)
    const [output, [hn]] = this.run(x, state, lengths)
    return [output, hn]
  }
}

/** Long short-term memory. Hochreiter and Schmidhuber 1997, with forget gates. Gates i, f, g, o as in PyTorch. */
export class LSTM extends Recurrent {
  /** Throws RangeError. */
  constructor(inputSize: number, hiddenSize: number, options: RecurrentOptions = {}) {
    super('lstm', inputSize, hiddenSize, optionsArg('LSTM', options, recurrentKinds))
  }

  /** Shapes as those of RNN; the state is [h, c], each of h_n's shape. */
  forward(
    x: Tensor,
    input: RecurrentInput<readonly [h: Tensor, c: Tensor]> = {},
  ): [output: Tensor, state: [hn: Tensor, cn: Tensor]] {
    const { state, lengths } = inputArg(this.constructor.name, input)
    const [output, [hn, cn]] = this.run(x, state, lengths)
    return [output, [hn, cn]]
  }
}
