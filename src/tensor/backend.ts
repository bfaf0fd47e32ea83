// Which kernels run. The choice is made once, at the first kernel, and told by backendReport().
import { BackendError } from '../errors.js'
import { jsKernels } from './backends/js/index.js'
import { createWasmKernels, relaxedAvailable } from './backends/wasm/index.js'
import type { KernelName, Kernels } from './kernels.js'
import type { DType } from './storage.js'

export type BackendName = 'auto' | 'js' | 'wasm' | 'gpu'

export interface BackendReport {
  /** What was asked for, and what that came to. */
  asked: BackendName
  backend: 'js' | 'wasm'
  /** Relaxed SIMD: fused multiply-add, faster, and not the same bits in every engine. */
  relaxed: boolean
  threads: number
  deterministic: boolean
  why: string
  /** Who runs each kernel on float32. float64 always runs on js. */
  kernels: Record<KernelName, 'js' | 'wasm'>
}

let asked: BackendName = 'auto'
let threads = 1
let deterministic = false
let chosen: { kernels: Kernels; backend: 'js' | 'wasm'; relaxed: boolean; why: string } | null = null

function choose(): NonNullable<typeof chosen> {
  if (asked === 'js') return { kernels: jsKernels, backend: 'js', relaxed: false, why: 'asked for' }
  const relaxed = !deterministic && relaxedAvailable()
  const wasm = createWasmKernels(jsKernels, { relaxed })
  if (wasm !== null) {
    const simd = relaxed ? 'relaxed SIMD' : deterministic ? 'strict SIMD (deterministic)' : 'strict SIMD'
    return { kernels: wasm, backend: 'wasm', relaxed, why: `${asked === 'wasm' ? 'asked for' : 'fastest here'}, ${simd}` }
  }
  const missing = 'this engine lacks WebAssembly SIMD or shared memory'
  if (asked === 'wasm') throw new BackendError(`backend wasm: ${missing}`, "Use setBackend('js')")
  return { kernels: jsKernels, backend: 'js', relaxed: false, why: missing }
}

/** The kernels for a dtype. float64 is the oracle and runs on js whatever the backend. */
export function kernelsFor(dtype: DType): Kernels {
  if (dtype === 'float64') return jsKernels
  chosen ??= choose()
  return chosen.kernels
}

/** 'auto' (the fastest there is), 'js' (the readable oracle) or 'wasm'. Throws BackendError where it cannot run. */
export function setBackend(name: BackendName): void {
  if (name === 'gpu') throw new BackendError('backend gpu is not built yet', "Use setBackend('auto')")
  const before = asked
  asked = name
  chosen = null
  try {
    chosen = choose()
  } catch (e) {
    asked = before
    throw e
  }
}

/** Threads that kernels may use, the caller's own included. */
export function setThreads(n: number): void {
  if (!Number.isInteger(n) || n < 1) throw new BackendError(`threads must be a whole number from 1, got ${n}`)
  threads = n
}

/** true: the same bits in every engine (no relaxed SIMD, no gpu), at some cost in speed. */
export function setDeterministic(on: boolean): void {
  deterministic = on
  chosen = null
}

export function backendReport(): BackendReport {
  chosen ??= choose()
  const { kernels, backend, relaxed, why } = chosen
  const who = Object.fromEntries(
    Object.keys(jsKernels).map((k) => {
      const name = k as KernelName
      return [name, kernels[name] === jsKernels[name] ? 'js' : backend]
    }),
  ) as Record<KernelName, 'js' | 'wasm'>
  return { asked, backend, relaxed, threads, deterministic, why, kernels: who }
}
