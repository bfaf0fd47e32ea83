// Devices as the kernels see them: every call is done when it returns. WebGL in this thread, WebGPU in a worker of its own.
import { BackendError } from '../../../errors.js'
import { maySleep } from '../wasm/pool.js'
import type { Engine } from './engine.js'
import { type Census, type Device, DeviceLost, type Driver, type Product, type Times } from './types.js'
import {
  ANSWER,
  type Answer,
  BEAT,
  CONTROL_BYTES,
  DONE,
  LENGTH,
  type Request,
  type Setup,
  workerSource,
} from './worker.js'

/** A device whose calls are synchronous by themselves. */
export function directDevice(makeEngine: () => Engine, mode: Driver['mode']): Device {
  let engine = makeEngine()
  const call = <T>(f: () => T | Promise<T>): T => {
    let value: T | Promise<T>
    try {
      value = f()
    } catch (error) {
      if (engine.isLost()) throw new DeviceLost(`${mode}: the context is lost`)
      throw error
    }
    if (engine.isLost()) throw new DeviceLost(`${mode}: the context is lost`)
    if (value instanceof Promise) throw new BackendError(`gpu: ${mode} answered with a promise`)
    return value
  }
  const driver = { mode, ...call(() => engine.open()) }
  return {
    driver,
    upload: (id, data) => call(() => engine.upload(id, data)),
    multiply: (product, out, apart) => call(() => engine.multiply(product, out, apart)),
    free: (id) => {
      if (!engine.isLost()) engine.free(id)
    },
    census: () => engine.census(),
    lose: () => void engine.lose(),
    reopen: () => {
      engine = makeEngine()
      call(() => engine.open())
    },
    close: () => {
      if (!engine.isLost()) engine.close()
    },
  }
}

interface Thread {
  post(data: unknown): void
  terminate(): void
  /** Called once it is up, where this thread is not to sleep for it. */
  onOpen(done: () => void): void
}

function startThread(): Thread {
  const node = typeof process === 'undefined' ? undefined : process.getBuiltinModule?.('node:worker_threads')
  if (node !== undefined) {
    const worker = new node.Worker(workerSource(), { eval: true })
    // The process ends by itself: the worker does not hold it. An error in it shows as silence.
    worker.unref()
    worker.on('error', () => {})
    return {
      post: (data) => worker.postMessage(data),
      terminate: () => void worker.terminate(),
      onOpen: (done) => void worker.once('message', done),
    }
  }
  const url = URL.createObjectURL(new Blob([workerSource()], { type: 'text/javascript' }))
  const worker = new Worker(url)
  worker.onerror = (event) => event.preventDefault()
  return {
    post: (data) => worker.postMessage(data),
    terminate: () => {
      worker.terminate()
      URL.revokeObjectURL(url)
    },
    onOpen: (done) => worker.addEventListener('message', done, { once: true }),
  }
}

/** Milliseconds without a sign of life after which the worker counts as dead. */
const PATIENCE = 30_000
const SLICE = 1000

/** A device in a worker. Its calls sleep until the answer is there, so not on a page's main thread. */
export class RemoteDevice implements Device {
  driver!: Driver
  #seq = 0
  readonly #control = new SharedArrayBuffer(CONTROL_BYTES)
  readonly #words = new Int32Array(this.#control, 0, ANSWER / 4)
  #thread = startThread()
  #dead = false

  private constructor(readonly setup: Omit<Setup, 'control'>) {
    if (!maySleep) {
      throw new BackendError(
        `gpu: ${setup.mode} answers by promises, and a page's main thread may not sleep until they are kept`,
        "Compute in a worker, or choose mode 'webgl2'",
      )
    }
    this.#ask({ call: 'open' })
  }

  /** In Node: sleeps until the worker is up. */
  static openSync(setup: Omit<Setup, 'control'>): RemoteDevice {
    return new RemoteDevice(setup).#opened()
  }

  /** In a browser: a worker comes up only while its maker is not asleep. */
  static async open(setup: Omit<Setup, 'control'>): Promise<RemoteDevice> {
    const device = new RemoteDevice(setup)
    await new Promise<void>((resolve, reject) => {
      const late = setTimeout(
        () => reject(new BackendError(`gpu: the worker for ${setup.mode} did not come up`)),
        PATIENCE,
      )
      device.#thread.onOpen(() => {
        clearTimeout(late)
        resolve()
      })
    })
    return device.#opened()
  }

  #opened(): this {
    try {
      this.driver = { mode: this.setup.mode, ...(this.#answer() as Omit<Driver, 'mode'>) }
      return this
    } catch (error) {
      this.#thread.terminate()
      throw error
    }
  }

  #post(request: Request): void {
    const setup: Setup = { ...this.setup, control: this.#control }
    this.#thread.post({ seq: this.#seq, request, setup })
  }

  #ask(request: Request): void {
    this.#seq++
    this.#post(request)
  }

  #answer(): unknown {
    const words = this.#words
    for (let beat = -1, quiet = 0; Atomics.load(words, DONE) !== this.#seq; ) {
      // In slices: a process that was stopped and continued finds the clock far ahead, and its worker as alive as itself.
      const end = Atomics.wait(words, DONE, Atomics.load(words, DONE), SLICE)
      const now = Atomics.load(words, BEAT)
      quiet = end === 'timed-out' && now === beat ? quiet + SLICE : 0
      beat = now
      if (quiet > PATIENCE) {
        this.#dead = true
        this.#thread.terminate()
        throw new DeviceLost(`${this.setup.mode}: its worker has been silent for ${PATIENCE / 1000} s`)
      }
    }
    const bytes = new Uint8Array(this.#control, ANSWER, Atomics.load(words, LENGTH)).slice()
    const answer = JSON.parse(new TextDecoder().decode(bytes)) as Answer
    if ('value' in answer || !('error' in answer)) return (answer as { value?: unknown }).value
    if (answer.lost) throw new DeviceLost(`${this.setup.mode}: ${answer.error}`)
    throw new BackendError(`gpu: ${answer.error}`)
  }

  #call(request: Request): unknown {
    this.#ask(request)
    return this.#answer()
  }

  upload(id: number, data: Float32Array): void {
    this.#call({ call: 'upload', id, data: shared(data) })
  }

  multiply(product: Product, out: Float32Array, apart: boolean): Times {
    const there = shared(out)
    const times = this.#call({ call: 'multiply', product, out: there, apart }) as Times
    if (there !== out) out.set(there)
    return times
  }

  /** Has no answer: the worker takes its requests in their order. */
  free(id: number): void {
    this.#post({ call: 'free', id })
  }

  census(): Census {
    return this.#call({ call: 'census' }) as Census
  }

  lose(): void {
    this.#call({ call: 'lose' })
  }

  reopen(): void {
    if (this.#dead) {
      this.#thread = startThread()
      this.#dead = false
    }
    this.#call({ call: 'open' })
  }

  close(): void {
    this.#dead = true
    this.#thread.terminate()
  }
}

/** An array that the worker sees too: itself where it lies in shared memory, else a copy. */
function shared(x: Float32Array): Float32Array {
  if (x.buffer instanceof SharedArrayBuffer) return x
  const copy = new Float32Array(new SharedArrayBuffer(x.byteLength))
  copy.set(x)
  return copy
}
