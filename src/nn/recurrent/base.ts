// What RNN, GRU and LSTM layers share: parameters under PyTorch's names, layers, directions, lengths and states.
import { tensor, zeros } from '../../autograd/create.js'
import { where } from '../../autograd/ops/elementwise/compare.js'
import { dropout } from '../../autograd/ops/normalize.js'
import { linear } from '../../autograd/ops/products/matmul.js'
import type { CellName } from '../../autograd/ops/recurrent/cells.js'
import { gateCount, sequence, stateCount } from '../../autograd/ops/recurrent/sequence.js'
import { cat, stack } from '../../autograd/ops/shape/join.js'
import { slice } from '../../autograd/ops/shape/slice.js'
import { reshape, transpose } from '../../autograd/ops/shape/views.js'
import { ArgumentError, DTypeError, got, ShapeError } from '../../errors.js'
import { type Kinds, optionsArg, tensorArg, wholeArg } from '../../tensor/check.js'
import { formatShape, sameShape } from '../../tensor/shape.js'
import { ints, Tensor } from '../../tensor/tensor.js'
import { uniform } from '../init.js'
import { Module } from '../module.js'

export interface RecurrentOptions {
  /** Layers one on the other. Default 1. */
  numLayers?: number
  /** Default true. */
  bias?: boolean
  /** x and the output are [B, T, ...] and not [T, B, ...]; the states stay as they are. Default false. */
  batchFirst?: boolean
  /** In training, of the outputs of each layer but the last. Default 0. */
  dropout?: number
  /** A second direction, from each text's end to its start, beside the first. Default false. */
  bidirectional?: boolean
}

export interface RecurrentInput<State> {
  /** The states before the first word, of both directions of all layers. Default: zeros. */
  state?: State | undefined
  /**
   * Words of each text of a padded batch, [B], in any order: as PyTorch's packed sequences. What the padding holds does
   * not matter; the output is 0 there, and the final states are those after each text's own last word.
   */
  lengths?: Tensor | readonly number[] | undefined
}

export const recurrentKinds: Kinds<RecurrentOptions> = {
  ...{ numLayers: 'whole', bias: 'boolean', batchFirst: 'boolean' },
  ...{ dropout: 'number', bidirectional: 'boolean' },
}

const inputKinds: Kinds<RecurrentInput<unknown>> = { state: 'any', lengths: 'any' }

/** More would be a mistake, and take minutes to make. */
const MOST_LAYERS = 1000

/** What forward() is given beside x. One tensor, or of LSTM two, as a list. */
export function inputArg<State>(
  op: string,
  input: RecurrentInput<State>,
): { state: readonly Tensor[] | undefined; lengths: Tensor | readonly number[] | undefined } {
  const { state, lengths } = optionsArg(op, input, inputKinds as Kinds<RecurrentInput<State>>)
  const list: unknown = state instanceof Tensor ? [state] : state
  if (list !== undefined && !Array.isArray(list))
    throw new ArgumentError(op, `state must be a tensor, or of LSTM [h, c], got ${got(state)}`)
  if (lengths !== undefined && !(lengths instanceof Tensor) && !Array.isArray(lengths))
    throw new ArgumentError(op, `lengths must be a list of whole numbers, got ${got(lengths)}`)
  return { state: list, lengths }
}

/** Base of the layers over time. State: a tensor, or with LSTM two. */
export abstract class Recurrent extends Module {
  readonly numLayers: number
  readonly bias: boolean
  readonly batchFirst: boolean
  readonly dropout: number
  readonly bidirectional: boolean
  readonly #cell: CellName

  constructor(
    cell: CellName,
    readonly inputSize: number,
    readonly hiddenSize: number,
    options: RecurrentOptions,
  ) {
    super()
    const { numLayers = 1, bias = true, batchFirst = false, bidirectional = false } = options
    const op = new.target.name
    wholeArg(op, 'inputSize', inputSize, 1)
    wholeArg(op, 'hiddenSize', hiddenSize, 1)
    wholeArg(op, 'numLayers', numLayers, 1, MOST_LAYERS)
    this.#cell = cell
    this.numLayers = numLayers
    this.bias = bias
    this.batchFirst = batchFirst
    this.bidirectional = bidirectional
    this.dropout = options.dropout ?? 0
    if (!(this.dropout >= 0 && this.dropout <= 1))
      throw new RangeError(`${op}: dropout must lie in [0, 1], got ${this.dropout}`)
    const bound = 1 / Math.sqrt(hiddenSize)
    const rows = gateCount(cell) * hiddenSize
    for (let layer = 0; layer < numLayers; layer++) {
      const width = layer === 0 ? inputSize : hiddenSize * this.#directions
      for (const end of this.#ends(layer)) {
        Object.assign(this, {
          [`weight_ih_${end}`]: uniform([rows, width], bound),
          [`weight_hh_${end}`]: uniform([rows, hiddenSize], bound),
          ...(bias && {
            [`bias_ih_${end}`]: uniform([rows], bound),
            [`bias_hh_${end}`]: uniform([rows], bound),
          }),
        })
      }
    }
  }

  get #directions(): 1 | 2 {
    return this.bidirectional ? 2 : 1
  }

  /** How the names of a layer's parameters end, by direction. */
  #ends(layer: number): string[] {
    return this.bidirectional ? [`l${layer}`, `l${layer}_reverse`] : [`l${layer}`]
  }

  #parameter(name: string): Tensor {
    return (this as unknown as Record<string, Tensor>)[name]
  }

  get #op(): string {
    return this.constructor.name
  }

  /** The output and the final states. */
  protected run(
    x: Tensor,
    state: readonly Tensor[] | undefined,
    lengths: Tensor | readonly number[] | undefined,
  ): [Tensor, Tensor[]] {
    tensorArg(this.#op, 'x', x)
    if (x.rank === 2) return this.#single(x, state, lengths)
    if (x.rank !== 3 || x.shape[2] !== this.inputSize || x.shape[this.batchFirst ? 1 : 0] === 0) {
      const layout = this.batchFirst ? 'batch, time' : 'time, batch'
      throw new ShapeError(
        this.#op,
        `x must be [${layout}, ${this.inputSize}] with at least one time, or [time, ${this.inputSize}], got ${formatShape(x.shape)}`,
      )
    }
    const timed = this.batchFirst ? transpose(x, 0, 1) : x
    const [T, B] = timed.shape
    const initial = this.#initial(state, B, x)
    const ends = lengths === undefined ? null : this.#lengths(lengths, T, B)
    const mask = ends === null ? null : maskOf(ends, T, x)
    const finals: Tensor[][] = initial.map(() => [])
    let input = mask === null ? timed : where(mask, timed, 0)
    for (let layer = 0; layer < this.numLayers; layer++) {
      if (layer > 0 && this.training) input = dropout(input, this.dropout)
      const outputs = this.#ends(layer).map((end, direction) => {
        const at = layer * this.#directions + direction
        const before = initial.map((s) => reshape(slice(s, 0, at, at + 1), [B, this.hiddenSize]))
        const y = this.#direction(input, end, before, direction === 1, ends)
        const last = direction === 1 ? 0 : T - 1
        const states = initial.map((_, i) => reshape(slice(y, 0, i, i + 1), [T, B, this.hiddenSize]))
        states.forEach((s, i) => {
          finals[i].push(reshape(slice(s, 0, last, last + 1), [B, this.hiddenSize]))
        })
        return mask === null ? states[0] : where(mask, states[0], 0)
      })
      input = outputs.length === 1 ? outputs[0] : cat(outputs, 2)
    }
    return [this.batchFirst ? transpose(input, 0, 1) : input, finals.map((list) => stack(list))]
  }

  /** One text, without a batch. */
  #single(
    x: Tensor,
    state: readonly Tensor[] | undefined,
    lengths: Tensor | readonly number[] | undefined,
  ): [Tensor, Tensor[]] {
    if (lengths !== undefined)
      throw new ShapeError(this.#op, `lengths go with a batch of rank 3, got x ${formatShape(x.shape)}`)
    const dim = this.batchFirst ? 0 : 1
    const batch = (t: Tensor, d: number) => reshape(t, t.shape.toSpliced(d, 0, 1))
    const one = (t: Tensor, d: number) => reshape(t, t.shape.toSpliced(d, 1))
    const [output, finals] = this.run(
      batch(x, dim),
      state?.map((s) => (s instanceof Tensor && s.rank === 2 ? batch(s, 1) : s)),
      undefined,
    )
    return [one(output, dim), finals.map((s) => one(s, 1))]
  }

  #direction(
    input: Tensor,
    end: string,
    before: readonly Tensor[],
    reverse: boolean,
    lengths: readonly number[] | null,
  ): Tensor {
    const weight = this.#parameter(`weight_hh_${end}`)
    const [inner, outer] = this.bias
      ? [this.#parameter(`bias_ih_${end}`), this.#parameter(`bias_hh_${end}`)]
      : [null, zeros([weight.shape[0]], { dtype: weight.dtype })]
    const gates = linear(input, this.#parameter(`weight_ih_${end}`), inner)
    return sequence(this.#cell, gates, weight, outer, before, { reverse, lengths })
  }

  #initial(state: readonly Tensor[] | undefined, B: number, like: Tensor): readonly Tensor[] {
    const shape = [this.numLayers * this.#directions, B, this.hiddenSize]
    const count = stateCount(this.#cell)
    if (state === undefined) return Array.from({ length: count }, () => zeros(shape, { dtype: like.dtype }))
    if (state.length !== count || !state.every((s) => s instanceof Tensor && sameShape(s.shape, shape))) {
      const shapes = Array.from(state, (s) => (s instanceof Tensor ? formatShape(s.shape) : got(s))).join(
        ', ',
      )
      throw new ShapeError(
        this.#op,
        `state must be ${count === 1 ? '' : 'two tensors, h and c, of '}${formatShape(shape)}, got ${shapes || 'none'}`,
        'Layers by directions, batch, hiddenSize, whatever batchFirst says',
      )
    }
    return state
  }

  #lengths(lengths: Tensor | readonly number[], T: number, B: number): number[] {
    if (lengths instanceof Tensor && lengths.dtype !== 'int32') {
      throw new DTypeError(
        this.#op,
        `lengths must be int32, got ${lengths.dtype}`,
        "Convert them with .to('int32')",
      )
    }
    const list = lengths instanceof Tensor ? Array.from(ints(lengths)) : [...lengths]
    if (list.length !== B)
      throw new ShapeError(this.#op, `a batch of ${B} needs as many lengths, got ${list.length}`)
    const wrong = list.findIndex((length) => !Number.isInteger(length) || length < 0 || length > T)
    if (wrong >= 0)
      throw new RangeError(`${this.#op}: lengths are whole numbers from 0 to ${T}, got ${got(list[wrong])}`)
    return list
  }
}

/** [T, B, 1]: 1 where a text has a word. */
function maskOf(lengths: readonly number[], T: number, like: Tensor): Tensor {
  const times = Array.from({ length: T }, (_, t) => lengths.map((length) => [t < length ? 1 : 0]))
  return reshape(tensor(times, { dtype: like.dtype }), [T, lengths.length, 1])
}
