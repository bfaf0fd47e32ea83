// A WebGPU device answers by promises only. A worker owns it, and the caller sleeps until the answer is written: that makes
// it serve a synchronous call. As source text, because a worker must start from a bundle, a test or a page alike.
import type { createEngine, Engine, GpuJs } from './engine.js'
import { createEngineText, serveText } from './generated.js'
import type { GpuMode, Product } from './types.js'

/** Words of the control block, int32. */
export const DONE = 0 // number of the last request that was answered: the caller waits on it
export const LENGTH = 1 // bytes of the answer, JSON
export const BEAT = 2 // goes on while the worker lives
/** Where the answer begins. */
export const ANSWER = 16
export const CONTROL_BYTES = 1 << 14

export interface Setup {
  control: SharedArrayBuffer
  mode: GpuMode
  /** Path of gpu.js, or in a browser the address of its browser file. */
  gpujs: string
  /** In Node, the address of package webgpu; null: navigator.gpu is there already. */
  webgpu: string | null
}

export type Request =
  | { call: 'open' }
  | { call: 'upload'; id: number; data: Float32Array }
  | { call: 'multiply'; product: Product; out: Float32Array; apart: boolean }
  | { call: 'free'; id: number }
  | { call: 'census' }
  | { call: 'lose' }
  | { call: 'close' }

export type Answer = { value: unknown } | { error: string; lost: boolean }

/**
 * What the worker runs; self-contained like createEngine. `words`: the numbers above. Both go there as text that the build
 * writes, not as what Function.toString gives: bundlers put calls of their own helpers into functions.
 */
export function serve(
  make: typeof createEngine,
  words: Record<'DONE' | 'LENGTH' | 'BEAT' | 'ANSWER', number>,
  load: (url: string) => Promise<Record<string, (...args: unknown[]) => object>>,
  need: NodeJS.Require | null,
): void {
  const node = need?.('node:worker_threads') ?? null
  let engine: Engine | null = null
  let control: Int32Array<ArrayBufferLike> = new Int32Array(0)

  async function start({ mode, gpujs, webgpu }: Setup): Promise<Engine> {
    if (need === null) {
      const page = globalThis as unknown as {
        importScripts(url: string): void
        GPU: GpuJs['GPU'] & { input: GpuJs['input'] }
      }
      // The browser has a GPU of its own, without input, which gpu.js replaces.
      if (page.GPU?.input === undefined) page.importScripts(gpujs)
      const { GPU } = page
      return make({ GPU, input: GPU.input }, mode, {})
    }
    if (webgpu !== null && !('GPUBufferUsage' in globalThis)) {
      const { create, globals } = await load(webgpu)
      Object.assign(globalThis, globals)
      Object.defineProperty(globalThis, 'navigator', { value: { gpu: create([]) }, configurable: true })
    }
    // gpu.js loads headless-gl wherever it finds it, and that can be loaded into one thread of a process only.
    try {
      const path = need('node:module').createRequire(gpujs).resolve('gl')
      need.cache[path] = {
        id: path,
        filename: path,
        loaded: true,
        exports: null,
      } as unknown as NodeJS.Module
    } catch {
      // It is not installed.
    }
    return make(need(gpujs), mode, {})
  }

  async function answer(request: Exclude<Request, { call: 'free' }>, setup: Setup): Promise<unknown> {
    if (engine === null || (request.call === 'open' && engine.isLost())) engine = await start(setup)
    switch (request.call) {
      case 'open':
        return engine.open()
      case 'upload':
        return engine.upload(request.id, request.data)
      case 'multiply':
        return engine.multiply(request.product, request.out, request.apart)
      default:
        return engine[request.call]()
    }
  }

  const listen = async ({ seq, request, setup }: { seq: number; request: Request; setup: Setup }) => {
    if (control.length === 0) {
      control = new Int32Array(setup.control)
      setInterval(() => Atomics.add(control, words.BEAT, 1), 100)
    }
    if (request.call === 'free') return engine?.free(request.id)
    let result: Answer
    try {
      const value = await answer(request, setup)
      result =
        engine!.isLost() && request.call !== 'lose' ? { error: 'the device is lost', lost: true } : { value }
    } catch (error) {
      result = {
        error: String((error as Error)?.message ?? error).slice(0, 2000),
        lost: engine?.isLost() ?? false,
      }
    }
    const bytes = new TextEncoder().encode(JSON.stringify(result))
    new Uint8Array(setup.control, words.ANSWER).set(bytes)
    Atomics.store(control, words.LENGTH, bytes.length)
    Atomics.store(control, words.DONE, seq)
    Atomics.notify(control, words.DONE)
    if (request.call === 'open') postMessage('open')
  }

  // In order: a request waits for the one before it.
  let last = Promise.resolve()
  const postMessage = (data: unknown) => (node ?? { parentPort: globalThis }).parentPort.postMessage(data)
  const receive = (data: Parameters<typeof listen>[0]) => {
    last = last.then(() => listen(data))
  }
  if (node !== null) node.parentPort.on('message', receive)
  else globalThis.onmessage = (event) => receive(event.data)
}

export const workerSource = () => {
  const words = JSON.stringify({ DONE, LENGTH, BEAT, ANSWER })
  return `(${serveText})(${createEngineText}, ${words}, (url) => import(url), typeof require === 'function' ? require : null)`
}
