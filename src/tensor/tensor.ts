// Tensor: a shape and strides over a storage. This floor holds numbers only; autograd adds methods and gradients.
import { DTypeError, GradError, ShapeError } from '../errors.js'
import './copies.js' // says when there are two
import { printTensor } from './print.js'
import { broadcastStrides, contiguousStrides, formatShape, isContiguous, numel, type Shape } from './shape.js'
import { type DType, type Floats, Storage, type TypedArray } from './storage.js'

/** What autograd hangs on a tensor that an op made. This floor only carries it. */
export interface GraphNode {
  readonly id: number
  readonly name: string
}

/** A leaf's gradient. Where `rows` is known, all other rows are zero (an embedding's: few of its words are in a batch). */
export interface LeafGrad {
  readonly tensor: Tensor
  /** Along dim 0; in any order, and some may come twice. */
  rows: Int32Array | null
}

export type NestedArray = number | NestedArray[]

export class Tensor {
  readonly dtype: DType
  /** `grad` for those who keep its promise about rows: backward() and the optimizers. */
  leafGrad: LeafGrad | null = null
  /** The op that made this tensor, where a gradient may pass through it. */
  node: GraphNode | null = null
  #requiresGrad = false

  constructor(
    readonly storage: Storage,
    readonly shape: Shape,
    readonly strides: Shape,
    readonly offset: number,
  ) {
    this.dtype = storage.dtype
  }

  /** The accumulated gradient of a leaf with requiresGrad, filled by backward(). */
  get grad(): Tensor | null {
    if (this.leafGrad === null) return null
    // Whoever asks may write into any row.
    this.leafGrad.rows = null
    return this.leafGrad.tensor
  }

  set grad(tensor: Tensor | null) {
    this.leafGrad = tensor === null ? null : { tensor, rows: null }
  }

  get rank(): number {
    return this.shape.length
  }

  get numel(): number {
    return numel(this.shape)
  }

  /** Whether backward() reaches this tensor: a leaf asked for, or a result computed from one. */
  get requiresGrad(): boolean {
    return this.#requiresGrad || this.node !== null
  }

  set requiresGrad(on: boolean) {
    if (on && this.dtype === 'int32') throw new DTypeError('requiresGrad', 'int32 tensors have no gradient')
    if (this.node !== null) {
      if (on) return
      throw new GradError(
        'requiresGrad can only be turned off on a leaf',
        `Use detach() on the result of ${this.node.name}`,
      )
    }
    this.#requiresGrad = on
  }

  get isLeaf(): boolean {
    return this.node === null
  }

  get isContiguous(): boolean {
    return isContiguous(this.shape, this.strides)
  }

  get disposed(): boolean {
    return this.storage.disposed
  }

  /** The storage's elements from this tensor's first one on. Kernels index it with `strides`. */
  get raw(): TypedArray {
    if (this.storage.disposed) {
      throw new GradError(
        `tensor ${formatShape(this.shape)} has been disposed`,
        'Return it from tidy(), or clone() it before its buffer goes back',
      )
    }
    return this.offset === 0 ? this.storage.data : this.storage.data.subarray(this.offset)
  }

  /** The elements in row-major order: the tensor's own memory when it is contiguous, a copy when it is not. */
  get data(): TypedArray {
    if (this.isContiguous) this.storage.exposed = true
    return this.elements
  }

  /** `data` for code that writes nothing, or calls touch() after it. */
  get elements(): TypedArray {
    const raw = this.raw
    const n = this.numel
    if (this.isContiguous) return raw.length === n ? raw : raw.subarray(0, n)
    const out =
      raw.slice(0, 0).constructor === Int32Array
        ? new Int32Array(n)
        : this.dtype === 'float64'
          ? new Float64Array(n)
          : new Float32Array(n)
    copyLoop(this.shape, out, contiguousStrides(this.shape), raw, this.strides)
    return out
  }

  /** The number in a tensor of one element. */
  item(): number {
    if (this.numel !== 1)
      throw new ShapeError(
        'item',
        `the tensor has ${this.numel} elements, shape ${formatShape(this.shape)}`,
        'Only a single element is a number; use toArray() or data',
      )
    return this.raw[0]
  }

  toArray(): NestedArray {
    const data = this.elements
    const build = (dim: number, at: number): NestedArray => {
      if (dim === this.shape.length) return data[at]
      const step = numel(this.shape.slice(dim + 1))
      return Array.from({ length: this.shape[dim] }, (_, i) => build(dim + 1, at + i * step))
    }
    return build(0, 0)
  }

  toString(): string {
    return printTensor(
      this.shape,
      this.elements,
      this.dtype,
      this.node?.name ?? (this.requiresGrad ? 'leaf' : null),
    )
  }

  /** Gives the buffer back at once. Every view of it goes too. */
  dispose(): void {
    this.storage.dispose()
  }

  /** The same memory seen through another shape and strides. `offset` counts from the storage's start. */
  viewAs(shape: Shape, strides: Shape, offset = this.offset): Tensor {
    return new Tensor(this.storage, shape, strides, offset)
  }

  /** Strides that repeat this tensor to `target`. */
  stridesFor(target: Shape): number[] {
    return broadcastStrides(this.shape, this.strides, target)
  }
}

/** A new tensor with unset elements: whatever the recycled buffer held. Every caller writes all of them. */
export function empty(shape: Shape, dtype: DType = 'float32'): Tensor {
  return new Tensor(new Storage(dtype, numel(shape)), shape, contiguousStrides(shape), 0)
}

/** From the first element on, for kernels that take strides. After the dtype has been checked. */
export function floats(t: Tensor): Floats {
  return t.raw as Floats
}

/** Exactly the elements, for kernels that take contiguous data. */
export function flat(t: Tensor): Floats {
  return t.elements as Floats
}

/** The same of an int32 tensor. */
export function ints(t: Tensor): Int32Array {
  return t.elements as Int32Array
}

/** dst and src walk `shape` with their own strides. The plain spelling of kernel `copy`. */
export function copyLoop(
  shape: Shape,
  dst: TypedArray,
  dstStrides: Shape,
  src: TypedArray,
  srcStrides: Shape,
): void {
  const rank = shape.length
  if (rank === 0) {
    dst[0] = src[0]
    return
  }
  if (numel(shape) === 0) return
  const n = shape[rank - 1]
  const ds = dstStrides[rank - 1]
  const ss = srcStrides[rank - 1]
  const at = new Array<number>(rank - 1).fill(0)
  let d = 0
  let s = 0
  for (;;) {
    for (let i = 0; i < n; i++) dst[d + i * ds] = src[s + i * ss]
    // Odometer over the outer dims.
    let dim = rank - 2
    for (; dim >= 0; dim--) {
      d += dstStrides[dim]
      s += srcStrides[dim]
      if (++at[dim] < shape[dim]) break
      d -= dstStrides[dim] * shape[dim]
      s -= srcStrides[dim] * shape[dim]
      at[dim] = 0
    }
    if (dim < 0) return
  }
}
