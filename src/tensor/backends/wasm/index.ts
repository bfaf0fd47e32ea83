// The wasm backend: float32 kernels in SIMD on tinystill's shared memory; what it does not take goes to js.
import type { Kernels } from '../../kernels.js'
import { attentionKernels } from './attention.js'
import { elementwise } from './elementwise.js'
import { flatKernels } from './flat.js'
import { matmulKernel } from './matmul.js'
import { Scratch } from './memory.js'
import { instantiate } from './module.js'
import { rowKernels } from './rows.js'

export { relaxedAvailable } from './module.js'

export interface WasmOptions {
  /** Fused multiply-add: faster, and not the same bits in every engine. */
  relaxed: boolean
}

/** The kernels of `js` with the fast ones in their place, or null where this engine does not run them. */
export function createWasmKernels(js: Kernels, options: WasmOptions): Kernels | null {
  const w = instantiate(options.relaxed)
  if (w === null) return null
  const scratch = new Scratch()
  const self = () => kernels
  const kernels: Kernels = {
    ...js,
    ...elementwise(w, scratch, js, self),
    matmul: matmulKernel(w, scratch, js, self),
    ...rowKernels(w, scratch, js, self),
    ...attentionKernels(w, scratch, js, self),
    ...flatKernels(w, js, self),
  }
  return kernels
}
