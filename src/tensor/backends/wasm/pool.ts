// Threads on the shared memory. A kernel call is cut into chunks, which this thread and the workers take one by one;
// whoever takes a chunk, it computes the same bits. Without workers the caller does it all.
import { BackendError } from '../../../errors.js'
import { heap } from '../../heap.js'
import type { Int8Exports } from './int8-module.js'
import type { CompiledModule, Exports } from './module.js'
import * as at from './worker.js'

/** A call: arguments of the first chunk, what each changes by from one to the next, and which one is the size. */
export interface Job {
  fn: keyof Exports | keyof Int8Exports
  args: number[]
  /** Steps by argument index; the others stay. That of `scratchAt` is the share of a thread. */
  steps: Record<number, number>
  countAt: number
  total: number
  chunk: number
  scratchAt?: number
  /** The outputs are also inputs: after the loss of a thread the call cannot be made again. */
  inPlace?: boolean
}

/** Milliseconds without any chunk finished after which a thread counts as lost. */
const PATIENCE = 1000
const SLICES = 10
/**
 * How many times as long a call in place waits for threads that are not known to be dead: a false alarm would cost the
 * state of a training run, and a host can keep a processor from us for over a second.
 */
const IN_PLACE = 10

/** Nanoseconds of work from which another thread pays, given that it has not gone to sleep, and the longest chunk. */
const WORTH = 40e3
const LONGEST = 50e6

export interface Thread {
  terminate(): unknown
}

/**
 * Starts a worker with the data that worker.ts takes, or gives null where there are none. `gone`: when it ends, with
 * an error where it failed.
 */
export type StartThread = (data: object, gone: (error?: unknown) => void) => Thread | null

/** Set when workers exist but do not come up: a page's content security policy, a process without the permission. */
let refused: string | null = null

const builtin = typeof process === 'undefined' ? undefined : process.getBuiltinModule

/** Why no threads can be started here, or null. */
export function threadsLack(): string | null {
  if (heap === null) return 'no shared memory'
  if (refused !== null) return refused
  if (builtin !== undefined) return null
  if (typeof Worker === 'undefined') return 'no workers here'
  // Without it a shared memory can be made, but not be given to a worker.
  if (!globalThis.crossOriginIsolated) return 'the page is not cross-origin isolated (COOP and COEP headers)'
  return null
}

/** Processors that threads can run on; 1 where no threads can be started. */
export function processorCount(): number {
  if (threadsLack() !== null) return 1
  return builtin?.('node:os').availableParallelism() ?? globalThis.navigator?.hardwareConcurrency ?? 1
}

/** One for all threads: a page keeps the text behind a URL until the URL is revoked. */
let sourceUrl = ''

export const startThread: StartThread = (data, gone) => {
  const node = builtin?.('node:worker_threads')
  if (node !== undefined) {
    const worker = new node.Worker(at.workerSource, { eval: true, workerData: data })
    worker.on('error', gone)
    worker.on('exit', () => gone())
    // The process ends by itself: workers do not hold it.
    worker.unref()
    return worker
  }
  if (threadsLack() !== null) return null
  sourceUrl ||= URL.createObjectURL(new Blob([at.workerSource], { type: 'text/javascript' }))
  const worker = new Worker(sourceUrl)
  worker.onerror = (event) => {
    // Told here, so that the page need not hear of it as an error that nobody took care of.
    event.preventDefault()
    gone(event.message || 'blocked by the page')
  }
  worker.postMessage(data)
  return worker
}

/** Whether this thread may sleep in Atomics.wait: a page's main thread and a service worker may not. */
function maySleepHere(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 0)
    return true
  } catch {
    return false
  }
}

export const maySleep = maySleepHere()

export class Pool {
  #threads: Thread[] = []
  #control = -1
  #seq = 0
  /** All kernels of all modules, by name. */
  readonly #kernels: Record<string, (...args: number[]) => number>
  readonly #modules: CompiledModule[]
  #names: string[]

  constructor(
    w: Exports,
    module: CompiledModule,
    /** How many threads there should be now, this one included. */
    readonly size: () => number,
    readonly start: StartThread = startThread,
    readonly patience = PATIENCE,
  ) {
    this.#kernels = { ...w }
    this.#modules = [module]
    this.#names = Object.keys(w)
  }

  /** Another module's kernels beside those that are there. Threads start anew, with both. */
  extend(w: Int8Exports, module: CompiledModule): void {
    this.stop()
    Object.assign(this.#kernels, w)
    this.#modules.push(module)
    this.#names = Object.keys(this.#kernels)
  }

  /** Into how many chunks to cut work that takes one thread about `ns` nanoseconds: 1 where threads do not pay. */
  chunksFor(ns: number): number {
    const threads = this.size()
    if (threads <= 1 || ns < WORTH) return 1
    return Math.min(1024, Math.max(2 * threads, Math.ceil(ns / LONGEST)))
  }

  /** Runs all chunks. Returns false when a chunk's kernel declined (gave 0). Throws BackendError. */
  run(job: Job): boolean {
    const size = Math.ceil(job.total / job.chunk)
    if (size > at.CHUNK_MASK) throw new BackendError(`${job.fn}: ${size} chunks, at most ${at.CHUNK_MASK}`)
    if (!(size > 1) || this.size() <= 1) return this.#alone(job)
    this.#grow()
    return this.#threads.length === 0 ? this.#alone(job) : this.#together(job, size)
  }

  /** Ends all threads; the next call starts new ones. */
  stop(): void {
    // A thread may still write to the control block in its last moments: it is not used again.
    this.#control = -1
    for (const t of this.#threads.splice(0)) t.terminate()
  }

  #grow(): void {
    const wanted = this.size() - 1
    if (heap === null) return
    if (this.#control < 0) {
      this.#control = heap.alloc(at.CONTROL_BYTES)
      if (this.#control < 0) return
      new Int32Array(heap.buffer, this.#control, at.CONTROL_BYTES / 4).fill(0)
      this.#seq = 0
    }
    while (this.#threads.length < wanted) {
      const id = this.#threads.length + 1
      const control = this.#control
      const data = { modules: this.#modules, memory: heap.memory, control, names: this.#names, id }
      const up = new Int32Array(heap.buffer, control + 4 * at.UP, 1)
      const gone = (error?: unknown) => {
        // Where none comes up, none is tried again: the next call would only wait for the same failure.
        if (error !== undefined && Atomics.load(up, 0) === 0) refused = `workers do not start: ${error}`
        // One that ended by itself: all start anew, so that no chunk waits for it.
        if (this.#control === control) this.stop()
      }
      try {
        const thread = this.start(data, gone)
        if (thread === null) return
        this.#threads.push(thread)
      } catch (error) {
        gone(error)
        return
      }
    }
  }

  /** One chunk, by the thread `id`. */
  #chunk(job: Job, i: number, id: number): unknown {
    const { args, steps, scratchAt, countAt, chunk, total } = job
    const own = args.map((x, k) => x + (k === scratchAt ? id : i) * (steps[k] ?? 0))
    own[countAt] = Math.min(chunk, total - i * chunk)
    return this.#kernels[job.fn](...own)
  }

  /** Everything as one chunk. */
  #alone(job: Job): boolean {
    const args = [...job.args]
    args[job.countAt] = job.total
    return this.#kernels[job.fn](...args) !== 0
  }

  #together(job: Job, chunks: number): boolean {
    const { fn, args, steps, countAt, total, chunk, scratchAt = -1 } = job
    const buffer = heap!.buffer
    const c = new Int32Array(buffer, this.#control, at.ARGS_AT / 4)
    const numbers = new Float64Array(buffer, this.#control + at.ARGS_AT, 2 * at.MAX_ARGS)
    args.forEach((x, k) => {
      numbers[k] = x
      numbers[at.MAX_ARGS + k] = steps[k] ?? 0
    })
    c[at.DONE] = 0
    c[at.STATUS] = 0
    c[at.FN] = this.#names.indexOf(fn)
    c[at.CHUNKS] = chunks
    c[at.ARITY] = args.length
    c[at.COUNT_AT] = countAt
    c[at.SCRATCH_AT] = scratchAt
    c[at.TOTAL] = total
    c[at.CHUNK] = chunk
    c[at.THREADS] = this.size()
    this.#seq++
    Atomics.store(c, at.TICKET, (this.#seq & at.SEQ_MASK) << at.CHUNK_BITS)
    Atomics.store(c, at.SEQ, this.#seq)
    Atomics.notify(c, at.SEQ)
    for (;;) {
      const ticket = Atomics.load(c, at.TICKET)
      const i = ticket & at.CHUNK_MASK
      if (i >= chunks) break
      if (Atomics.compareExchange(c, at.TICKET, ticket, ticket + 1) !== ticket) continue
      if (this.#chunk(job, i, 0) === 0) Atomics.store(c, at.STATUS, 1)
      Atomics.add(c, at.DONE, 1)
    }
    if (!this.#settled(c, chunks, job.inPlace ? IN_PLACE : 1)) return this.#without(job)
    const status = Atomics.load(c, at.STATUS)
    if (status === 2) throw new BackendError(`${fn}: the kernel failed in a thread`)
    return status === 0
  }

  /**
   * Waits until all chunks are done. false: nothing has moved for too long. In slices, because a process that was
   * stopped and continued finds the clock far ahead, and its threads as alive as itself. After each `patience`, up to
   * `rounds` of them, only threads that may live are waited for.
   */
  #settled(c: Int32Array, chunks: number, rounds: number): boolean {
    for (let i = 0; i < 5000; i++) if (Atomics.load(c, at.DONE) === chunks) return true
    const slice = this.patience / SLICES
    for (let left = rounds * SLICES, seen = -1; left > 0; left--) {
      const done = Atomics.load(c, at.DONE)
      if (done === chunks) return true
      if (done !== seen) left = rounds * SLICES
      else if (left % SLICES === 0 && left < rounds * SLICES && this.#oneIsDead()) return false
      seen = done
      if (maySleep) Atomics.wait(c, at.DONE, done, slice)
      else
        for (const end = performance.now() + slice; performance.now() < end; )
          if (Atomics.load(c, at.DONE) !== done) break
    }
    return Atomics.load(c, at.DONE) === chunks
  }

  /** Whether a thread has certainly ended. Only Linux tells, to Node; elsewhere the answer is no. */
  #oneIsDead(): boolean {
    const fs = builtin?.('node:fs')
    if (fs === undefined) return false
    const tids = new Int32Array(heap!.buffer, this.#control + at.TIDS_AT, at.MAX_TIDS)
    return tids.some((tid) => tid !== 0 && !fs.existsSync(`/proc/self/task/${tid}`))
  }

  /** After the loss of a thread: the others go too, and the call is made again where that gives the right result. */
  #without(job: Job): boolean {
    this.stop()
    if (job.inPlace) {
      throw new BackendError(
        `${job.fn}: a thread was lost while it changed its arguments in place`,
        'They are half changed: go back to the last checkpoint',
      )
    }
    return this.#alone(job)
  }
}
