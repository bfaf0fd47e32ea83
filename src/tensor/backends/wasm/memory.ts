// Addresses: where arrays lie in the shared memory, scratch space, and copies of arrays that lie elsewhere.

import { heap } from '../../heap.js'
import type { Int8Kernels, Kernels } from '../../kernels.js'
import type { TypedArray } from '../../storage.js'

/** Fixed places under HEAP_BASE, which the module leaves free: it has no data and no stack there. 512: zeros, see gemm.ts. */
export const WALK = 1024
export const ASIDE = 2048
export const ARGS = 4096

/** The address of an array in the shared memory, or -1. float64 never lies there. */
export function at(x: TypedArray): number {
  return heap?.owns(x.buffer) ? x.byteOffset : -1
}

function blockSize(bytes: number): number {
  return 2 ** Math.max(6, Math.ceil(Math.log2(bytes)))
}

/** Bytes from the scratch of one thread to that of the next: no cache line in common. */
export function shareOf(bytes: number): number {
  return Math.ceil(bytes / 128) * 128
}

/** One block of memory for the call that runs now; it grows with the largest wish. */
export class Scratch {
  #at = -1
  #bytes = 0

  /** The address of `bytes` bytes, or -1 when memory is full. What an earlier call reserved is void. */
  reserve(bytes: number): number {
    if (bytes <= this.#bytes || heap === null) return this.#at
    if (this.#at >= 0) heap.free(this.#at)
    this.#at = heap.alloc(blockSize(bytes))
    this.#bytes = this.#at < 0 ? 0 : blockSize(bytes)
    return this.#at
  }
}

type All = Kernels & Int8Kernels

/** Arguments that a kernel writes, where it is not just the first. */
const written: Partial<Record<keyof All, readonly number[]>> = {
  unary: [1],
  unaryGrad: [1],
  binary: [2],
  where: [1],
  reduce: [1],
  layerNormGrad: [0, 1, 2],
  attentionGrad: [0, 1, 2],
  lstmStep: [0, 1, 2],
  lstmStepGrad: [0, 1],
  gruStep: [0, 1],
  gruStepGrad: [0, 1, 2],
  adam: [0, 2, 3],
  sgd: [0, 2],
  sumSquares: [],
}

/** All arrays of a call that lie in one buffer: from the first byte to the last, copied and copied back as one. */
interface Span {
  from: number
  to: number
  address: number
  write: boolean
}

type Holder = { data: TypedArray }

function arrayOf(arg: unknown): TypedArray | null {
  if (ArrayBuffer.isView(arg)) return arg as TypedArray
  return typeof arg === 'object' && arg !== null && 'data' in arg ? (arg as Holder).data : null
}

/**
 * Runs a kernel of `fast` on copies in the shared memory, or the one of `js` where that cannot be: float64, or no room.
 * Arrays that share a buffer keep sharing it, so that overlapping views stay so.
 */
export function staged<K extends keyof All>(
  name: K,
  fast: Pick<All, K>,
  js: Pick<All, K>,
  args: Parameters<All[K]>,
): ReturnType<All[K]> {
  const run = (kernels: Pick<All, K>, list: unknown[]) =>
    (kernels[name] as (...list: unknown[]) => unknown)(...list) as ReturnType<All[K]>
  const arrays = args.map(arrayOf)
  if (heap === null || arrays.some((x) => x instanceof Float64Array)) return run(js, args)
  const spans = new Map<ArrayBufferLike, Span>()
  arrays.forEach((x, i) => {
    if (x === null || at(x) >= 0) return
    const span = spans.get(x.buffer) ?? { from: Infinity, to: 0, address: -1, write: false }
    span.from = Math.min(span.from, x.byteOffset)
    span.to = Math.max(span.to, x.byteOffset + x.byteLength)
    span.write ||= (written[name] ?? [0]).includes(i)
    spans.set(x.buffer, span)
  })
  const copyOf = (buffer: ArrayBufferLike, span: Span) => ({
    there: new Uint32Array(buffer, span.from, (span.to - span.from) / 4),
    here: new Uint32Array(heap!.buffer, span.address, (span.to - span.from) / 4),
  })
  try {
    for (const [buffer, span] of spans) {
      span.address = heap.alloc(blockSize(span.to - span.from))
      if (span.address < 0) return run(js, args)
      const { here, there } = copyOf(buffer, span)
      here.set(there)
    }
    const buffer = heap.buffer
    const moved = (x: TypedArray): TypedArray => {
      const span = spans.get(x.buffer)
      if (span === undefined) return x
      const address = span.address + x.byteOffset - span.from
      return x instanceof Int32Array
        ? new Int32Array(buffer, address, x.length)
        : new Float32Array(buffer, address, x.length)
    }
    const list = args.map((arg, i) => {
      const x = arrays[i]
      if (x === null) return arg
      return ArrayBuffer.isView(arg) ? moved(x) : { ...(arg as object), data: moved(x) }
    })
    const result = run(fast, list)
    for (const [there, span] of spans) {
      if (!span.write) continue
      const copy = copyOf(there, span)
      copy.there.set(copy.here)
    }
    return result
  } finally {
    for (const span of spans.values()) if (span.address >= 0) heap.free(span.address)
  }
}
