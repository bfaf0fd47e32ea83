// Which kernels run. The choice is made once, at the first kernel, and told by backendReport().
import { BackendError } from '../errors.js'
import { jsKernels } from './backends/js/index.js'
import type { Kernels } from './kernels.js'
import type { DType } from './storage.js'

export type BackendName = 'auto' | 'js' | 'wasm' | 'gpu'

export interface BackendReport {
  /** What was asked for, and what that came to. */
  asked: BackendName
  backend: 'js'
  why: string
}

let asked: BackendName = 'auto'

/** The kernels for a dtype. float64 is the oracle and runs on js whatever the backend. */
export function kernelsFor(_dtype: DType): Kernels {
  return jsKernels
}

/** 'auto' (the fastest there is) or 'js' (the readable oracle). Throws BackendError for one that cannot run. */
export function setBackend(name: BackendName): void {
  if (name !== 'auto' && name !== 'js')
    throw new BackendError(`backend ${name} is not built yet`, "Use setBackend('auto')")
  asked = name
}

export function backendReport(): BackendReport {
  return { asked, backend: 'js', why: asked === 'js' ? 'asked for' : 'the only one so far' }
}
