// The backends that the tests of models run on. `npm run test:gpu` names its own: TINYSTILL_GPU is a mode of gpu.js.
import { createRequire } from 'node:module'
import { type BackendName, type GpuOptions, setBackend } from '../src/tensor/backend.js'

const mode = process.env.TINYSTILL_GPU as NonNullable<GpuOptions['mode']> | undefined

export const backends: BackendName[] = mode === undefined ? ['js', 'wasm'] : ['gpu']

/** setBackend, with the gpu.js that the gpu tests installed. */
export function choose(backend: BackendName): void {
  const gpujs = () => createRequire(new URL('gpu/package.json', import.meta.url)).resolve('gpu.js')
  setBackend(backend, backend === 'gpu' && mode !== undefined ? { mode, gpujs: gpujs() } : {})
}
