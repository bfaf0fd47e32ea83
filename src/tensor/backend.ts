// Which kernels run. The choice is made once, at the first kernel or report, and told by backendReport().
import { BackendError } from '../errors.js'
import { jsKernels } from './backends/js/index.js'
import {
  type Build,
  createWasmKernels,
  processorCount,
  relaxedAvailable,
  threadsLack,
  wideGain,
} from './backends/wasm/index.js'
import type { KernelName, Kernels } from './kernels.js'
import { type DType, heap } from './storage.js'

const names = ['auto', 'js', 'wasm', 'gpu'] as const
export type BackendName = (typeof names)[number]

interface Choice {
  backend: 'js' | 'wasm'
  build: Build | null
  kernels: Kernels
  why: string
}

export interface BackendReport {
  /** What was asked for, and what that came to. */
  asked: BackendName
  backend: 'js' | 'wasm'
  /** Of the wasm kernels: strict, relaxed (fused multiply-add) or wide (that, on vectors of 8); null on js. */
  build: Build | null
  relaxed: boolean
  deterministic: boolean
  /** Threads that large kernels use, the caller's included. */
  threads: number
  why: string
  /** Where each kernel runs for float32. float64 runs on js. */
  kernels: Record<KernelName, 'js' | 'wasm'>
}

let asked: BackendName = 'auto'
let deterministic = false
/** null: as many as the machine has processors, up to 8. */
let threadsAsked: number | null = null
let choice: Choice | null = null

/** An instance per build, kept because each holds scratch memory. */
const instances = new Map<Build, Kernels | null>()

function wasmKernels(build: Build): Kernels | null {
  let kernels = instances.get(build)
  if (kernels === undefined) {
    kernels = createWasmKernels(jsKernels, { build, threads: threadsNow })
    instances.set(build, kernels)
  }
  return kernels
}

/** Builds that may run here, the fastest first, each with what is to be said of it. */
function* builds(): Generator<[Build, string]> {
  if (!deterministic && relaxedAvailable()) {
    const gain = wideGain()
    if (gain !== null)
      yield ['wide', `relaxed SIMD, 256 bits at a time: products ${gain.toFixed(1)} times faster`]
    yield ['relaxed', 'relaxed SIMD']
  }
  yield [
    'strict',
    `strict SIMD: ${deterministic ? 'setDeterministic(true)' : 'this engine has no relaxed SIMD'}`,
  ]
}

/** The wasm backend in the fastest build that may run, or the reason why there is none. */
function chooseWasm(): Choice | string {
  for (const [build, why] of builds()) {
    const kernels = wasmKernels(build)
    if (kernels !== null) return { backend: 'wasm', build, kernels, why }
  }
  return heap === null
    ? 'no shared WebAssembly.Memory can be made here'
    : 'this engine does not take WebAssembly with SIMD and shared memory'
}

function choose(name: BackendName): Choice {
  const js = (why: string): Choice => ({ backend: 'js', build: null, kernels: jsKernels, why })
  if (name === 'js') return js('asked for')
  if (name === 'gpu') throw new BackendError('backend gpu is not built yet', "Use setBackend('auto')")
  const wasm = chooseWasm()
  if (typeof wasm !== 'string') return wasm
  if (name === 'auto') return js(wasm)
  throw new BackendError(`backend wasm does not run: ${wasm}`, "Use setBackend('auto')")
}

function chosen(): Choice {
  choice ??= choose(asked)
  return choice
}

/** The kernels for a dtype. float64 is the oracle and runs on js whatever the backend. */
export function kernelsFor(dtype: DType): Kernels {
  return dtype === 'float64' ? jsKernels : chosen().kernels
}

/**
 * 'auto' (wasm where it runs, else js), 'js' (the readable oracle) or 'wasm'. Throws BackendError for one that cannot
 * run, and leaves the backend as it was.
 */
export function setBackend(name: BackendName): void {
  if (!names.includes(name)) throw new BackendError(`no backend ${name}`, `There are ${names.join(', ')}`)
  choice = choose(name)
  asked = name
}

/** true: the same bits in every engine and on every machine, for up to a third less speed (no relaxed SIMD, no gpu). */
export function setDeterministic(on: boolean): void {
  deterministic = on
  choice = null
}

const processors = processorCount()

function threadsNow(): number {
  if (threadsLack() !== null) return 1
  return threadsAsked ?? Math.min(processors, 8)
}

/**
 * How many threads kernels may use, 1 to 64, the caller's included. Default: one for each processor, at most 8. They
 * start at the first work that is worth it. The results are the same bits for any number. Throws BackendError.
 */
export function setThreads(n: number): void {
  if (!Number.isInteger(n) || n < 1 || n > 64)
    throw new BackendError(`${n} threads`, 'Use a whole number from 1 to 64')
  threadsAsked = n
}

export function backendReport(): BackendReport {
  const { backend, build, kernels, why } = chosen()
  const lack = backend === 'wasm' ? threadsLack() : null
  const places = Object.entries(jsKernels).map(([name, js]) => [
    name,
    kernels[name as KernelName] === js ? 'js' : 'wasm',
  ])
  return {
    asked,
    backend,
    build,
    relaxed: build === 'relaxed' || build === 'wide',
    deterministic,
    threads: backend === 'wasm' ? threadsNow() : 1,
    why: lack === null ? why : `${why}; one thread: ${lack}`,
    kernels: Object.fromEntries(places),
  }
}
