// Memory: where tensor elements live, how buffers are reused, and what an arena (tidy) gives back.
import { BackendError } from '../errors.js'

export type DType = 'float32' | 'float64' | 'int32'
export type Floats = Float32Array | Float64Array
export type TypedArray = Floats | Int32Array

export const bytesPerElement: Record<DType, number> = { float32: 4, float64: 8, int32: 4 }

const PAGE = 65536
/** The first MiB of the shared memory belongs to the wasm module: its constants and its stack. */
export const HEAP_BASE = 1 << 20
const MAX_PAGES = 65536
/** Storage outside any arena waits for the garbage collector; past this much it goes to ordinary buffers. */
const LOOSE_LIMIT = 1 << 30

/**
 * One growable memory for float32 and int32 data. It is a shared WebAssembly.Memory, so that kernels and worker
 * threads work on tensors in place; growing a shared memory does not detach older views. null where it cannot be made.
 */
class SharedHeap {
  readonly memory: WebAssembly.Memory
  #top = HEAP_BASE
  readonly #free = new Map<number, number[]>()
  /** memory.buffer is a new object after each growth; older ones still alias the same bytes. */
  readonly #buffers = new WeakSet<ArrayBufferLike>()
  #buffer: ArrayBufferLike

  /** Bytes that it can grow to. */
  readonly limit: number

  constructor(maximum: number) {
    this.limit = maximum * PAGE
    this.memory = new WebAssembly.Memory({ initial: 64, maximum, shared: true })
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
    // A block up to twice as large is better reused than new memory touched.
    for (let s = size, tries = 0; tries < 9; s = nextClass(s), tries++) {
      const list = this.#free.get(s)
      if (list !== undefined && list.length > 0) {
        const at = list.pop() as number
        this.#classOf.set(at, s)
        return at
      }
    }
    const at = this.#top
    if (at + size > this.#buffer.byteLength) {
      const missing = Math.ceil((at + size - this.#buffer.byteLength) / PAGE)
      const ahead = Math.min(Math.max(missing, 256), MAX_PAGES - this.#buffer.byteLength / PAGE)
      try {
        this.memory.grow(Math.max(missing, ahead))
      } catch {
        return -1
      }
      this.#buffer = this.memory.buffer
      this.#buffers.add(this.#buffer)
    }
    this.#top = at + size
    this.#classOf.set(at, size)
    return at
  }

  readonly #classOf = new Map<number, number>()

  free(at: number): void {
    const size = this.#classOf.get(at)
    if (size === undefined) throw new BackendError(`freed an address that is not allocated: ${at}`)
    this.#classOf.delete(at)
    const list = this.#free.get(size)
    if (list) list.push(at)
    else this.#free.set(size, [at])
  }
}

/** Sizes are rounded up to eight classes an octave: at most 1/8 wasted, and few enough that blocks are found again. */
function sizeClass(bytes: number): number {
  if (bytes <= 256) return Math.max(64, Math.ceil(bytes / 64) * 64)
  const step = 2 ** (Math.ceil(Math.log2(bytes)) - 4)
  return Math.ceil(bytes / Math.max(step, 64)) * Math.max(step, 64)
}

function nextClass(size: number): number {
  return sizeClass(size + 1)
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

let liveBuffers = 0
let liveBytes = 0
let looseBytes = 0

/** Tells what tensors hold: buffers and bytes in use, and the size of the shared memory behind them. */
export function memory(): { buffers: number; bytes: number; reserved: number } {
  return { buffers: liveBuffers, bytes: liveBytes, reserved: heap ? heap.bytes : 0 }
}

/** What the machine has, as far as somebody knows: this floor cannot ask. */
let machine = Number.POSITIVE_INFINITY

/** Bytes that tensors may hold together: what the shared memory can grow to, or less where limitMemory() said so. */
export function memoryLimit(): number {
  return Math.min(heap === null ? machine : heap.limit, machine)
}

/** The machine has so many bytes. Nothing is refused but what asks memoryLimit(). */
export function limitMemory(bytes: number): void {
  machine = bytes
}

/** A copy of a storage's elements on a device. */
export interface DeviceCopy {
  free(): void
}

/** What is left to do when a storage goes: kept apart from Storage so that the registry does not hold it alive. */
interface Block {
  address: number // -1: an ordinary buffer, left to the garbage collector
  bytes: number
  loose: boolean
  live: boolean
  device: DeviceCopy | null
}

function release(block: Block): void {
  if (!block.live) return
  block.live = false
  liveBuffers--
  liveBytes -= block.bytes
  if (block.loose) looseBytes -= block.bytes
  if (block.address >= 0) heap?.free(block.address)
  block.device?.free()
}

const forgotten = new FinalizationRegistry<Block>(release)

type Arena = Set<Storage>
const arenas: Arena[] = []

/** The elements behind one or more tensors. Views share their storage. */
export class Storage {
  data: TypedArray
  /** The arena that will free it, or null when the garbage collector will. */
  arena: Arena | null = null
  /** Counts in-place changes: a graph that saved these elements compares. */
  version = 0
  /** Somebody outside has the elements' array and may write to it unseen: no copy of them can be trusted. */
  exposed = false
  readonly #block: Block

  constructor(
    readonly dtype: DType,
    readonly length: number,
  ) {
    const bytes = sizeClass(length * bytesPerElement[dtype])
    const arena = arenas.length > 0 ? arenas[arenas.length - 1] : null
    let address = -1
    if (heap !== null && dtype !== 'float64' && (arena !== null || looseBytes + bytes <= LOOSE_LIMIT)) {
      address = heap.alloc(bytes)
    }
    if (address >= 0 && heap !== null) {
      this.data =
        dtype === 'int32'
          ? new Int32Array(heap.buffer, address, length)
          : new Float32Array(heap.buffer, address, length)
    } else {
      this.data = plainArray(dtype, length)
    }
    this.#block = { address, bytes, loose: false, live: true, device: null }
    liveBuffers++
    liveBytes += bytes
    this.moveTo(arena)
  }

  get disposed(): boolean {
    return !this.#block.live
  }

  /** What a gpu keeps of it; freed with it. */
  get device(): DeviceCopy | null {
    return this.#block.device
  }

  set device(copy: DeviceCopy | null) {
    this.#block.device = copy
  }

  get inNewestArena(): boolean {
    return arenas.length > 0 && this.arena === arenas[arenas.length - 1]
  }

  /** Hands the storage to an arena, or (null) to the garbage collector. */
  moveTo(arena: Arena | null): void {
    this.arena?.delete(this)
    this.arena = arena
    if (arena !== null) {
      arena.add(this)
      if (this.#block.loose) {
        this.#block.loose = false
        looseBytes -= this.#block.bytes
        forgotten.unregister(this.#block)
      }
    } else if (!this.#block.loose) {
      this.#block.loose = true
      looseBytes += this.#block.bytes
      forgotten.register(this, this.#block, this.#block)
    }
  }

  /** Gives the buffer back for reuse at once. Every tensor on it is dead from here on. */
  dispose(): void {
    if (!this.#block.live) return
    this.arena?.delete(this)
    this.arena = null
    if (this.#block.loose) forgotten.unregister(this.#block)
    release(this.#block)
    this.data = gone[this.dtype]
  }
}

const gone: Record<DType, TypedArray> = {
  float32: new Float32Array(0),
  float64: new Float64Array(0),
  int32: new Int32Array(0),
}

function plainArray(dtype: DType, length: number): TypedArray {
  try {
    if (dtype === 'float64') return new Float64Array(length)
    return dtype === 'int32' ? new Int32Array(length) : new Float32Array(length)
  } catch {
    const mb = Math.ceil((length * bytesPerElement[dtype]) / 1e6)
    throw new BackendError(
      `out of memory: ${mb} MB more were asked for, ${Math.ceil(liveBytes / 1e6)} MB are in use`,
      'Use a smaller batch, or wrap steps in tidy()',
    )
  }
}

/** Opens an arena: from here to `closeArena` every new storage belongs to it. */
export function openArena(): void {
  arenas.push(new Set())
}

/** Frees what the newest arena holds, except `survivors`, which move to the arena around it. */
export function closeArena(survivors: Iterable<Storage> = []): void {
  const arena = arenas.pop()
  if (arena === undefined) throw new BackendError('closeArena without openArena')
  const outer = arenas.length > 0 ? arenas[arenas.length - 1] : null
  for (const s of survivors) if (s.arena === arena) s.moveTo(outer)
  for (const s of arena) s.dispose()
}
