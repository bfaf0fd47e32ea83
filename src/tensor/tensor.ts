// Tensor: a shape and strides over a storage. This floor holds numbers only; autograd adds methods and gradients.
import { DTypeError, GradError, ShapeError } from '../errors.js'
import './copies.js' // says when there are two
import { describeTensor, printTensor } from './print.js'
import {
  broadcastStrides,
  contiguousStrides,
  formatShape,
  isContiguous,
  numel,
  type Shape,
  sameShape,
} from './shape.js'
import { type DType, type Floats, type OwnArray, Storage, type TypedArray } from './storage.js'

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

/** Tensors that were once made to learn: frozen ones are parameters still, and a kept activation never was one. */
const asked = new WeakSet<Tensor>()

/** Whether a tensor is a leaf that learns, or did before it was frozen, or was registered as one. */
export function isParameter(t: Tensor): boolean {
  return t.node === null && asked.has(t)
}

/** Makes a leaf a parameter without a gradient: a frozen one. */
export function markParameter(t: Tensor): void {
  asked.add(t)
}

/** Refuses a gradient that is not of its owner's shape and dtype. */
export function requireGradOf(owner: Tensor, grad: Tensor): void {
  if (!(grad instanceof Tensor))
    throw new GradError(`grad: a gradient is a tensor or null, got ${typeof grad}`)
  if (!sameShape(grad.shape, owner.shape)) {
    throw new ShapeError(
      'grad',
      `a gradient ${formatShape(grad.shape)} does not fit a tensor ${formatShape(owner.shape)}`,
      'It has one element for each of the tensor',
    )
  }
  if (grad.dtype !== owner.dtype) {
    throw new DTypeError(
      'grad',
      `a gradient of ${grad.dtype} does not fit a tensor of ${owner.dtype}`,
      `Convert it with .to('${owner.dtype}')`,
    )
  }
}

/** A number, or arrays of them, as toArray() gives and tensor() takes. */
export type NestedArray = number | NestedArray[]

/** Numbers of one dtype in a shape, in the memory of the engine, with the graph that they came from. */
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

  /** Throws ShapeError and DTypeError where the gradient is not of this tensor's shape and dtype. */
  set grad(tensor: Tensor | null) {
    if (tensor !== null) requireGradOf(this, tensor)
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
    if (on) asked.add(this)
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

  /**
   * The storage's elements from this tensor's first one on. Kernels index it with `strides`. For the engine's own code: the
   * array is another tensor's as soon as the storage goes.
   */
  get raw(): TypedArray {
    if (this.storage.disposed) {
      throw new GradError(
        `tensor ${formatShape(this.shape)} has been disposed`,
        'Return it from tidy(), or clone() it before its buffer goes back',
      )
    }
    return this.offset === 0 ? this.storage.data : this.storage.data.subarray(this.offset)
  }

  /**
   * A copy of the elements in row-major order. It stays as it is whatever becomes of the tensor, on a buffer that is not
   * shared. To write into the tensor, see `set`.
   */
  get data(): OwnArray {
    return (this.isContiguous ? this.elements.slice() : this.elements) as OwnArray
  }

  /**
   * The elements themselves: what ops write shows in the array, and what is written to the array is the tensor's. Only until
   * the tensor is disposed of, by tidy() or dispose(): after that the array keeps its last numbers and is nobody's. The
   * tensor moves to an ordinary buffer for it, of which every op makes a copy, and a graph does not learn of what is written:
   * to write, `set` is faster and safer. Throws ShapeError for a view that is not contiguous.
   */
  get live(): TypedArray {
    if (!this.isContiguous)
      throw new ShapeError(
        'live',
        `the tensor ${formatShape(this.shape)} with strides ${formatShape(this.strides)} is not contiguous`,
        'Read a copy with data, write with set()',
      )
    this.storage.expose()
    return this.elements
  }

  /** `data` without a copy where it is contiguous. For the engine's own code, as `raw`. Call touch() after writing. */
  get elements(): TypedArray {
    const raw = this.raw
    const n = this.numel
    if (this.isContiguous) return raw.length === n ? raw : raw.subarray(0, n)
    const out = new { float32: Float32Array, float64: Float64Array, int32: Int32Array }[this.dtype](n)
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

  /** What JSON.stringify() writes: nested arrays. JSON has no NaN and no infinities; it writes null for them. */
  toJSON(): NestedArray {
    return this.toArray()
  }

  /** The numbers in their shape, with dtype and the op they came from. Of more than 1,000, the ends of each dim. */
  toString(): string {
    return printTensor(this)
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

/**
 * Gives `t` the elements of `from`, of the same shape, in their dtype: whoever holds `t` has the new ones. They live as long
 * as the old would have. A graph that saved the old ones sees that they changed. `from` is not to be used after it.
 */
export function adopt(t: Tensor, from: Tensor): void {
  const { storage } = t
  from.storage.moveTo(storage.arena)
  from.storage.version = storage.version + 1
  const { dtype, strides, offset } = from
  Object.assign(t, { storage: from.storage, dtype, strides, offset })
}

/** Copies the elements of a tensor of the same shape, whatever the strides and dtypes of both. */
export function assign(t: Tensor, from: Tensor): void {
  if (t.isContiguous) t.elements.set(from.elements)
  else copyLoop(t.shape, t.raw, t.strides, from.raw, from.strides)
}

// What console.log() asks for, in Node and Bun, and in Deno.
for (const name of ['nodejs.util.inspect.custom', 'Deno.customInspect']) {
  Object.defineProperty(Tensor.prototype, Symbol.for(name), {
    value(this: Tensor, depth: unknown) {
      // Node counts down the depth that is left.
      return typeof depth === 'number' && depth < 0 ? `[${describeTensor(this)}]` : this.toString()
    },
    configurable: true,
    writable: true,
  })
}

/** A new tensor with unset elements: whatever the recycled buffer held. Every caller writes all of them. `passing`: see Storage. */
export function empty(shape: Shape, dtype: DType = 'float32', passing = false): Tensor {
  return new Tensor(new Storage(dtype, numel(shape), passing), shape, contiguousStrides(shape), 0)
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
  src: ArrayLike<number>,
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
