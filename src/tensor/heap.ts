// The shared memory that tensors live in, and which parts of it are free. Batches of mixed lengths ask for ever other sizes, so
// blocks of fixed classes alone would pile up: where the memory has grown past what was ever in use, neighbours are joined.
import { BackendError } from '../errors.js'

const PAGE = 65536
/** The first MiB of the shared memory belongs to the wasm module: its constants and its stack. */
export const HEAP_BASE = 1 << 20
const MAX_PAGES = 65536
/** Memory grows this much past the most that was in use before free blocks are joined. */
const SLACK = 1.25
const SLACK_BYTES = 64 * 2 ** 20

/**
 * One growable memory for float32 and int32 data. It is a shared WebAssembly.Memory, so that kernels and worker
 * threads work on tensors in place; growing a shared memory does not detach older views. null where it cannot be made.
 */
export class SharedHeap {
  readonly memory: WebAssembly.Memory
  /** Bytes that it can grow to. */
  readonly limit: number
  #top = HEAP_BASE
  #used = 0
  #mostUsed = 0
  /** Addresses of free blocks, by their size. */
  readonly #free = new Map<number, number[]>()
  /** Sizes of blocks in use. */
  readonly #sizes = new Map<number, number>()
  /** memory.buffer is a new object after each growth; older ones still alias the same bytes. */
  readonly #buffers = new WeakSet<ArrayBufferLike>()
  #buffer: ArrayBufferLike

  constructor(maximum: number) {
    this.limit = maximum * PAGE
    this.memory = new WebAssembly.Memory({ initial: Math.min(64, maximum), maximum, shared: true })
    this.#buffer = this.memory.buffer
    this.#buffers.add(this.#buffer)
  }

  owns(buffer: ArrayBufferLike): boolean {
    return buffer === this.#buffer || this.#buffers.has(buffer)
  }

  /** The buffer to build new views on: covers everything allocated so far. */
  get buffer(): ArrayBufferLike {
    return this.#buffer
  }

  get bytes(): number {
    return this.#buffer.byteLength
  }

  /** The address of `size` bytes (a size class), or -1 when the memory is full. */
  alloc(size: number): number {
    this.#mostUsed = Math.max(this.#mostUsed, this.#used + size)
    let at = this.#reuse(size)
    const grown = this.#top + size - HEAP_BASE
    if (at < 0 && grown > SLACK * this.#mostUsed + SLACK_BYTES) at = this.#join(size)
    if (at < 0) at = this.#grow(size)
    if (at < 0) at = this.#join(size)
    if (at >= 0) this.#used += this.#sizes.get(at) as number
    return at
  }

  free(at: number): void {
    const size = this.#sizes.get(at)
    if (size === undefined) throw new BackendError(`freed an address that is not allocated: ${at}`)
    this.#sizes.delete(at)
    this.#used -= size
    this.#addFree(at, size)
  }

  #addFree(at: number, size: number): void {
    const list = this.#free.get(size)
    if (list) list.push(at)
    else this.#free.set(size, [at])
  }

  /** A block up to twice as large is better reused than new memory touched. */
  #reuse(size: number): number {
    for (let s = size, tries = 0; tries < 9; s = sizeClass(s + 1), tries++) {
      const at = this.#free.get(s)?.pop()
      if (at === undefined) continue
      this.#sizes.set(at, s)
      return at
    }
    return -1
  }

  /** New memory at the end. */
  #grow(size: number): number {
    const at = this.#top
    if (at + size > this.#buffer.byteLength) {
      const missing = Math.ceil((at + size - this.#buffer.byteLength) / PAGE)
      const ahead = Math.min(Math.max(missing, 256), this.limit / PAGE - this.#buffer.byteLength / PAGE)
      try {
        this.memory.grow(Math.max(missing, ahead))
      } catch {
        return -1
      }
      this.#buffer = this.memory.buffer
      this.#buffers.add(this.#buffer)
    }
    this.#top = at + size
    this.#sizes.set(at, size)
    return at
  }

  /** Free blocks that lie side by side as one: of all runs that are long enough the shortest. -1: there is none. */
  #join(size: number): number {
    const blocks = [...this.#free].flatMap(([s, list]) => list.map((at) => ({ at, size: s })))
    blocks.sort((a, b) => a.at - b.at)
    let best: { from: number; to: number; bytes: number } | null = null
    for (let from = 0, to = 0, bytes = 0; to < blocks.length; to++) {
      const before = blocks[to - 1]
      if (to > 0 && before.at + before.size !== blocks[to].at) {
        from = to
        bytes = 0
      }
      bytes += blocks[to].size
      while (bytes - blocks[from].size >= size) bytes -= blocks[from++].size
      if (bytes >= size && (best === null || bytes < best.bytes)) best = { from, to, bytes }
    }
    if (best === null) return -1
    const run = blocks.slice(best.from, best.to + 1)
    const taken = new Set(run.map(({ at }) => at))
    for (const s of new Set(run.map((block) => block.size)))
      this.#free.set(
        s,
        (this.#free.get(s) as number[]).filter((at) => !taken.has(at)),
      )
    const [{ at }] = run
    this.#sizes.set(at, size)
    for (let rest = best.bytes - size; rest > 0; ) {
      const piece = classWithin(rest)
      this.#addFree(at + best.bytes - rest, piece)
      rest -= piece
    }
    return at
  }
}

const stepOf = (bytes: number) => Math.max(64, 2 ** (Math.ceil(Math.log2(bytes)) - 4))

/** Sizes are rounded up to eight classes an octave: at most 1/8 wasted, and few enough that blocks are found again. */
export function sizeClass(bytes: number): number {
  if (bytes <= 256) return Math.max(64, Math.ceil(bytes / 64) * 64)
  const step = stepOf(bytes)
  return Math.ceil(bytes / step) * step
}

/** The largest class of at most `bytes`, a multiple of 64. */
function classWithin(bytes: number): number {
  const step = stepOf(bytes)
  return Math.floor(bytes / step) * step
}

function makeHeap(): SharedHeap | null {
  for (const maximum of [MAX_PAGES, MAX_PAGES / 2, MAX_PAGES / 8]) {
    try {
      return new SharedHeap(maximum)
    } catch {
      // Too little address space for this maximum: try a smaller one.
    }
  }
  return null
}

export const heap: SharedHeap | null = makeHeap()
