// Memory: where tensor elements live, how buffers are reused, and what an arena (tidy) gives back.
import { BackendError } from '../errors.js'
import { heap, type SharedHeap, sizeClass } from './heap.js'

/** What a tensor's elements are. */
export type DType = 'float32' | 'float64' | 'int32'
export type Floats = Float32Array | Float64Array
/** Elements as JavaScript holds them, of each dtype its own. */
export type TypedArray = Floats | Int32Array

export const bytesPerElement: Record<DType, number> = { float32: 4, float64: 8, int32: 4 }

/** An array that nothing else writes to, on a buffer that is not shared: it can be posted, fetched and put in a Blob. */
export type OwnArray =
  | ReturnType<Float32Array['slice']>
  | ReturnType<Float64Array['slice']>
  | ReturnType<Int32Array['slice']>

/** Storage outside any arena waits for the garbage collector; past this much it goes to ordinary buffers. */
const LOOSE_LIMIT = 1 << 30

/**
 * The same for results that no graph needs: nothing will say when they are dead, and the collector, which does not feel
 * the weight of the shared memory, is in no hurry to look.
 */
const PASSING_LIMIT = 1 << 26

/** What lies in an ordinary buffer and is used so often by ops, each of which copies it, is worth a place of its own. */
const OFTEN = 8

let liveBuffers = 0
let liveBytes = 0
let looseBytes = 0
let passingBytes = 0
let mostBytes = 0

/**
 * Tells what tensors hold: buffers and bytes in use, and the size of the shared memory behind them. Not counted is what the
 * collector alone looks after: tensors outside tidy() that backward() is done with, and results beyond 64 MB of which no
 * graph is recorded.
 */
export function memory(): { buffers: number; bytes: number; reserved: number } {
  return { buffers: liveBuffers, bytes: liveBytes, reserved: heap ? heap.bytes : 0 }
}

/** The most bytes that tensors held at once, since the start or the last resetPeakMemory(). */
export function peakMemory(): number {
  return mostBytes
}

/** Lets peakMemory() count from what is in use now. */
export function resetPeakMemory(): void {
  mostBytes = liveBytes
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

let tellFull: (() => void) | null = null

/** Calls `tell` once, when the shared memory first has no room: what lies outside is computed by plain loops, many times slower. */
export function onMemoryFull(tell: () => void): void {
  tellFull = tell
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
  /** A result that no graph needs. */
  passing: boolean
  /** Part of memory(). */
  counted: boolean
  live: boolean
  device: DeviceCopy | null
}

function count(block: Block, by: 1 | -1): void {
  block.counted = by > 0
  liveBuffers += by
  liveBytes += by * block.bytes
  if (liveBytes > mostBytes) mostBytes = liveBytes
}

function setLoose(block: Block, loose: boolean): void {
  block.loose = loose
  const bytes = loose ? block.bytes : -block.bytes
  looseBytes += bytes
  if (block.passing) passingBytes += bytes
}

function giveBack(block: Block): void {
  if (block.address >= 0) heap?.free(block.address)
  block.address = -1
}

function release(block: Block): void {
  if (!block.live) return
  block.live = false
  if (block.counted) count(block, -1)
  if (block.loose) setLoose(block, false)
  giveBack(block)
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
  /** Uses by ops while it lies in an ordinary buffer. */
  #uses = 0
  readonly #block: Block

  /** passing: outside arenas, a result that no graph needs. */
  constructor(
    readonly dtype: DType,
    readonly length: number,
    passing = false,
  ) {
    if (!(length * bytesPerElement[dtype] <= largestTensor())) throw noRoom(dtype, length)
    const bytes = sizeClass(length * bytesPerElement[dtype])
    const arena = arenas.length > 0 ? arenas[arenas.length - 1] : null
    const over = looseBytes + bytes > LOOSE_LIMIT || (passing && passingBytes + bytes > PASSING_LIMIT)
    const address = arena !== null || !over ? place(dtype, bytes) : -1
    this.data = address >= 0 ? arrayAt(dtype, address, length) : plainArray(dtype, length)
    this.#block = { address, bytes, loose: false, passing, counted: false, live: true, device: null }
    // An ordinary buffer is known to the collector: it needs no help, and it is not known when it goes.
    if (passing && arena === null && address < 0) return
    count(this.#block, 1)
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
        setLoose(this.#block, false)
        forgotten.unregister(this.#block)
      }
    } else if (!this.#block.loose) {
      setLoose(this.#block, true)
      forgotten.register(this, this.#block, this.#block)
    }
  }

  /** No passing result: something has its end in hand, as zeroGrad() that of a gradient. */
  last(): void {
    const { loose } = this.#block
    if (loose) setLoose(this.#block, false)
    this.#block.passing = false
    if (loose) setLoose(this.#block, true)
  }

  /** The elements for whoever is outside: in an ordinary buffer, so that they can outlive the storage unharmed. */
  expose(): TypedArray {
    this.#moveOut()
    this.exposed = true
    return this.data
  }

  /**
   * Backward is done with it, and whether somebody still holds a tensor of it is not known: the elements move to an
   * ordinary buffer, whose weight the collector feels. The block can be used again at once. Not in an arena, and not for
   * what has shown that it lasts. Gives the bytes that the collector has to look after now.
   */
  leave(): number {
    const block = this.#block
    if (!block.live || !block.loose || this.#uses >= OFTEN) return 0
    this.#moveOut()
    setLoose(block, false)
    forgotten.unregister(block)
    count(block, -1)
    return block.bytes
  }

  /** An op is about to read it: what is read again and again moves (back) to the shared memory. */
  use(): void {
    const block = this.#block
    if (block.address >= 0 || heap === null || this.exposed || !block.live || ++this.#uses !== OFTEN) return
    if (this.arena === null && looseBytes + block.bytes > LOOSE_LIMIT) return
    const address = place(this.dtype, block.bytes)
    if (address < 0) return
    const moved = arrayAt(this.dtype, address, this.length)
    moved.set(this.data)
    this.data = moved
    block.address = address
    if (block.loose) setLoose(block, false)
    block.passing = false
    if (!block.counted) count(block, 1)
    if (this.arena === null) {
      forgotten.unregister(block)
      this.moveTo(null)
    }
  }

  #moveOut(): void {
    if (this.#block.address < 0) return
    const out = plainArray(this.dtype, this.length)
    out.set(this.data)
    this.data = out
    giveBack(this.#block)
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

/** An address in the shared memory, or -1. float64 never lies there: its kernels are plain loops. */
function place(dtype: DType, bytes: number): number {
  if (heap === null || dtype === 'float64') return -1
  const address = heap.alloc(bytes)
  if (address < 0) {
    tellFull?.()
    tellFull = null
  }
  return address
}

function arrayAt(dtype: DType, address: number, length: number): TypedArray {
  const { buffer } = heap as SharedHeap
  return dtype === 'int32'
    ? new Int32Array(buffer, address, length)
    : new Float32Array(buffer, address, length)
}

function plainArray(dtype: DType, length: number): TypedArray {
  try {
    if (dtype === 'float64') return new Float64Array(length)
    return dtype === 'int32' ? new Int32Array(length) : new Float32Array(length)
  } catch {
    throw noRoom(dtype, length)
  }
}

/**
 * The collector looks when enough was allocated: a buffer that nobody touches takes addresses and no memory, and so much as was
 * left to it goes sooner than by its own weight.
 */
export function pressCollector(bytes: number): void {
  if (bytes < 1e6) return
  try {
    new ArrayBuffer(Math.min(3 * bytes, 2 ** 28))
  } catch {
    // No addresses left: reason enough to look.
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
