// Memory: where tensor elements live, how buffers are reused, and what an arena (tidy) gives back.
import { BackendError } from '../errors.js'
import { heap, sizeClass } from './heap.js'

export type DType = 'float32' | 'float64' | 'int32'
export type Floats = Float32Array | Float64Array
export type TypedArray = Floats | Int32Array

export const bytesPerElement: Record<DType, number> = { float32: 4, float64: 8, int32: 4 }

/** Storage outside any arena waits for the garbage collector; past this much it goes to ordinary buffers. */
const LOOSE_LIMIT = 1 << 30

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

/** Bytes that one tensor may have: what the shared memory can grow to, or as much where there is none. */
export function largestTensor(): number {
  return Math.min(memoryLimit(), 2 ** 32)
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
    if (!(length * bytesPerElement[dtype] <= largestTensor())) throw noRoom(dtype, length)
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
    throw noRoom(dtype, length)
  }
}

function noRoom(dtype: DType, length: number): BackendError {
  const mb = Math.ceil((length * bytesPerElement[dtype]) / 1e6)
  return new BackendError(
    `out of memory: ${mb} MB more were asked for, ${Math.ceil(liveBytes / 1e6)} MB are in use`,
    'Use a smaller batch, or wrap steps in tidy()',
  )
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
