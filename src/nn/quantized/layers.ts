// Layers whose weights are whole numbers of 8 bits, for inference: a quarter of the bytes, and faster. They stand where
// the float layers stood; biases stay floats.
import { noGrad } from '../../autograd/graph.js'
import type { LinearActivation } from '../../autograd/ops/products/activated.js'
import { int8Embedding, int8Linear } from '../../autograd/ops/products/int8.js'
import { tensorArg, wholeArg } from '../../tensor/check.js'
import {
  bitsArg,
  type Int8Bits,
  type Int8Input,
  int8Bytes,
  int8Input,
  int8Layout,
  int8Most,
  int8Row,
  int8Stride,
} from '../../tensor/int8.js'
import { empty, flat, ints, type Tensor } from '../../tensor/tensor.js'
import { Module } from '../module.js'

/** What both kinds of layers are: rows of whole numbers, a scale a row, somewhere in words of four. */
export abstract class QuantizedLayer extends Module {
  /** int32, four whole numbers each, in the order that the kernels read. */
  words: Tensor
  /** [rows]: what a row's whole numbers are multiplied by. */
  scales: Tensor

  /** Its values are not set. bytes: of all whole numbers, with what fills them up. */
  constructor(
    readonly rows: number,
    readonly columns: number,
    readonly bits: Int8Bits,
    bytes: number,
  ) {
    super()
    this.words = this.registerBuffer('words', empty([bytes / 4], 'int32'))
    this.scales = this.registerBuffer('scales', empty([rows]))
    ints(this.words).fill(0)
    flat(this.scales).fill(1)
  }

  /** Where number j of row r lies among the bytes of `words`. */
  abstract place(r: number, j: number): number

  /** The bytes of `words`, in place. */
  protected get bytes(): Int8Array {
    const words = ints(this.words)
    return new Int8Array(words.buffer, words.byteOffset, words.byteLength)
  }

  /** Writes a row. The numbers lie within `bits`. */
  setRow(r: number, numbers: Int8Array, scale: number): void {
    const { bytes } = this
    for (let j = 0; j < this.columns; j++) bytes[this.place(r, j)] = numbers[j]
    flat(this.scales)[r] = scale
  }

  /** `count` rows of whole numbers from row `first` on, one after the other. */
  numbers(first: number, count: number): Int8Array {
    const { bytes, columns } = this
    const out = new Int8Array(count * columns)
    for (let r = 0; r < count; r++)
      for (let j = 0; j < columns; j++) out[r * columns + j] = bytes[this.place(first + r, j)]
    return out
  }

  /** Rounds the rows of a float weight [rows, columns]. Throws ArgumentError for values that are not finite. */
  protected round(who: string, weight: Tensor): void {
    const values = weight.elements
    const row = new Int8Array(this.columns)
    for (let r = 0; r < this.rows; r++) {
      const scale = int8Row(who, values, r * this.columns, this.columns, int8Most[this.bits], row)
      this.setRow(r, row, scale)
    }
  }

  /** The floats that its numbers stand for, [rows, columns]: a new tensor at each call, to look at. */
  get weight(): Tensor {
    return noGrad(() => {
      const out = empty([this.rows, this.columns])
      const [scales, numbers] = [flat(this.scales), this.numbers(0, this.rows)]
      const values = flat(out)
      values.set(numbers)
      for (let i = 0; i < values.length; i++) values[i] *= scales[Math.floor(i / this.columns)]
      return out
    })
  }
}

/** y = x W^T + b by whole numbers. [..., in] -> [..., out]; see int8Linear(). */
export class QuantizedLinear extends QuantizedLayer {
  /** int32 [out]: the sums of the rows' whole numbers. */
  sums: Tensor
  /** [out], or null. */
  bias: Tensor | null
  /** The range of all inputs, [lo, hi], where it was measured before; null: each row's own, when it comes. */
  range: readonly [lo: number, hi: number] | null = null
  readonly #place: (r: number, j: number) => number

  /** Its weight is 0. bias: a float layer's own, or null. */
  constructor(inFeatures: number, outFeatures: number, bits: Int8Bits, bias: Tensor | null) {
    wholeArg('QuantizedLinear', 'inFeatures', inFeatures, 0)
    wholeArg('QuantizedLinear', 'outFeatures', outFeatures, 0)
    if (bias !== null) tensorArg('QuantizedLinear', 'the bias', bias)
    super(outFeatures, inFeatures, bitsArg('QuantizedLinear', bits), int8Bytes(outFeatures, inFeatures))
    this.sums = this.registerBuffer('sums', empty([outFeatures], 'int32'))
    ints(this.sums).fill(0)
    this.bias = bias
    this.#place = int8Layout(inFeatures)
  }

  /** A float layer's weight [out, in] and bias, rounded. Throws ArgumentError for weights that are not finite. */
  static of(weight: Tensor, bias: Tensor | null, bits: Int8Bits): QuantizedLinear {
    const [outFeatures, inFeatures] = weight.shape
    const layer = new QuantizedLinear(inFeatures, outFeatures, bits, bias)
    layer.round('QuantizedLinear', weight)
    return layer
  }

  place(r: number, j: number): number {
    return this.#place(r, j)
  }

  override setRow(r: number, numbers: Int8Array, scale: number): void {
    super.setRow(r, numbers, scale)
    let sum = 0
    for (let j = 0; j < this.columns; j++) sum += numbers[j]
    ints(this.sums)[r] = sum
  }

  get input(): Int8Input | null {
    return this.range === null ? null : int8Input('QuantizedLinear', ...this.range)
  }

  override extraRepr(): string {
    return `inFeatures=${this.columns}, outFeatures=${this.rows}, bias=${this.bias !== null}, bits=${this.bits}${this.range === null ? '' : `, range=${this.range.map((x) => x.toPrecision(3)).join(' to ')}`}`
  }

  /** As Linear's. Throws GradError where a gradient is wanted. */
  forward(x: Tensor, activation?: LinearActivation): Tensor {
    return int8Linear(x, this, this.bias, activation)
  }
}

/** Rows of a table of whole numbers by id. int32 [...] -> [..., width]. Its numbers reach from -127 to 127. */
export class QuantizedEmbedding extends QuantizedLayer {
  readonly #stride: number

  /** Its table is 0. */
  constructor(
    readonly count: number,
    readonly width: number,
    readonly paddingIdx?: number,
  ) {
    wholeArg('QuantizedEmbedding', 'count', count, 0)
    wholeArg('QuantizedEmbedding', 'width', width, 0)
    super(count, width, 8, count * int8Stride(width))
    this.#stride = int8Stride(width)
  }

  /** A float table [count, width], rounded. Throws ArgumentError for values that are not finite. */
  static of(table: Tensor, paddingIdx?: number): QuantizedEmbedding {
    const [count, width] = table.shape
    const layer = new QuantizedEmbedding(count, width, paddingIdx)
    layer.round('QuantizedEmbedding', table)
    return layer
  }

  place(r: number, j: number): number {
    return r * this.#stride + j
  }

  override setRow(r: number, numbers: Int8Array, scale: number): void {
    this.bytes.set(numbers.subarray(0, this.columns), r * this.#stride)
    flat(this.scales)[r] = scale
  }

  override extraRepr(): string {
    return `${this.count}, ${this.width}${this.paddingIdx === undefined ? '' : `, paddingIdx=${this.paddingIdx}`}`
  }

  forward(ids: Tensor): Tensor {
    return int8Embedding(this, ids)
  }
}
