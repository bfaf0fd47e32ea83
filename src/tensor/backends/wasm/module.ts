// The compiled kernels: relaxed SIMD where the engine has it, and one instance on the shared memory.
import { heap } from '../../heap.js'
import { modules } from './generated.js'
import { type Packed, unpack } from './patch.js'

/** strict: SIMD alone, the same bits everywhere. relaxed: fused multiply-add. wide: relaxed, for vectors of 8. */
export type Build = keyof typeof modules

type ExportName =
  | 'gemmOne'
  | 'gemmBatch'
  | 'batchScratch'
  | 'packB'
  | 'gemmRows'
  | 'panelsOf'
  | 'packedBytes'
  | 'columnsAtOnce'
  | 'rowsScratch'
  | 'tileRows'
  | 'gemmTurned'
  | 'gemvTurned'
  | 'turnedScratch'
  | 'unary'
  | 'unaryGrad'
  | 'binary'
  | 'binaryRun'
  | 'where'
  | 'fill'
  | 'copy'
  | 'indexFits'
  | 'indexSelect'
  | 'indexAdd'
  | 'reduce'
  | 'sumSquares'
  | 'softmax'
  | 'softmaxGrad'
  | 'logSoftmax'
  | 'logSoftmaxGrad'
  | 'logsumexp'
  | 'crossEntropy'
  | 'crossEntropyGrad'
  | 'layerNorm'
  | 'layerNormGradRows'
  | 'layerNormGradEnd'
  | 'normScratch'
  | 'dropout'
  | 'adam'
  | 'sgd'
  | 'attention'
  | 'attentionGrad'
  | 'attentionScratch'
  | 'lstmStep'
  | 'lstmStepGrad'
  | 'gruStep'
  | 'gruStepGrad'
  | 'conv'
  | 'convInput'
  | 'convTurn'
  | 'convWeight'

/** Addresses, counts and numbers in; assembly/*.ts says which. */
export type Exports = Record<ExportName, (...args: number[]) => number>

/** A WebAssembly.Module. Under a name of ours: programs whose types know no DOM know no WebAssembly either. */
export type CompiledModule = object

export interface Loader<Name, E> {
  /** The compiled module, or null where this engine does not take it: it may later, when a flag has been set. */
  compile(build: Name): CompiledModule | null
  /** The kernels on tinystill's memory, or null where the engine lacks SIMD, shared memory or (relaxed) relaxed SIMD. */
  instantiate(build: Name): E | null
}

/** Of the builds of one source, with the exports E. */
export function loader<Name extends string, E>(builds: Record<Name, Packed<Name>>): Loader<Name, E> {
  const compiled = new Map<Name, CompiledModule>()
  const compile = (build: Name): CompiledModule | null => {
    try {
      const module = compiled.get(build) ?? new WebAssembly.Module(unpack(builds, build))
      compiled.set(build, module)
      return module
    } catch {
      return null
    }
  }
  const instantiate = (build: Name): E | null => {
    const module = heap === null ? null : compile(build)
    if (heap === null || module === null) return null
    return new WebAssembly.Instance(module as WebAssembly.Module, { env: { memory: heap.memory } })
      .exports as unknown as E
  }
  return { compile, instantiate }
}

export const { compile, instantiate } = loader<Build, Exports>(modules)

// (func (result v128) of f32x4.relaxed_madd on three zero vectors)
const PROBE = Uint8Array.from([
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 19, 1, 17, 0],
  ...[65, 0, 253, 17, 65, 0, 253, 17, 65, 0, 253, 17, 253, 133, 2, 11],
])

/** Whether relaxed SIMD can be had. Node 20 has it behind a V8 flag, which is turned on here. */
export function relaxedAvailable(): boolean {
  if (WebAssembly.validate(PROBE)) return true
  if (typeof process === 'undefined') return false
  process.getBuiltinModule?.('node:v8')?.setFlagsFromString('--experimental-wasm-relaxed-simd')
  return WebAssembly.validate(PROBE)
}
