// The wasm backend: float32 kernels in SIMD on tinystill's shared memory; what it does not take goes to js.
import type { Int8Kernels, Kernels } from '../../kernels.js'
import { attentionKernels } from './attention.js'
import { convKernels } from './conv.js'
import { elementwise } from './elementwise.js'
import { flatKernels } from './flat.js'
import { int8Kernels } from './int8.js'
import type { Int8Build } from './int8-module.js'
import { matmulKernel } from './matmul.js'
import { Scratch } from './memory.js'
import { type Build, type CompiledModule, compile, instantiate } from './module.js'
import { Pool } from './pool.js'
import { recurrentKernels } from './recurrent.js'
import { rowKernels } from './rows.js'

export { chooseInt8, int8BuildBeside } from './int8.js'
export type { Int8Build, Int8BuildName } from './int8-module.js'
export { type Build, relaxedAvailable } from './module.js'
export { processorCount, threadsLack } from './pool.js'
export { wideGain } from './wide.js'

export interface WasmOptions {
  build: Build
  /** How many threads kernels may use now, the caller's included. Default: 1. */
  threads?: () => number
}

/** What tables of kernels on the same threads share. */
const places = new WeakMap<Kernels, [Scratch, Pool]>()

/** The kernels of `js` with the fast ones in their place, or null where this engine does not run them. */
export function createWasmKernels(js: Kernels, options: WasmOptions): Kernels | null {
  const w = instantiate(options.build)
  if (w === null) return null
  const scratch = new Scratch()
  const pool = new Pool(w, compile(options.build) as CompiledModule, options.threads ?? (() => 1))
  const self = () => kernels
  const kernels: Kernels = {
    ...js,
    ...elementwise(w, scratch, pool, js, self),
    matmul: matmulKernel(w, scratch, pool, js, self),
    ...rowKernels(w, scratch, pool, js, self),
    ...attentionKernels(w, scratch, pool, js, self),
    ...recurrentKernels(pool, js, self),
    ...convKernels(w, scratch, pool, js, self),
    ...flatKernels(w, scratch, pool, js, self),
  }
  places.set(kernels, [scratch, pool])
  return kernels
}

/**
 * The kernels of whole numbers on the threads of `floats`, or null where those are not of createWasmKernels(). which: the
 * build, asked for at the first product.
 */
export function createInt8Kernels(
  js: Int8Kernels,
  floats: Kernels,
  which: () => Int8Build | null,
): Int8Kernels | null {
  const place = places.get(floats)
  return place === undefined ? null : int8Kernels(which, ...place, js)
}
