// The builds that this engine takes. The wide one runs wherever the relaxed one does, only not fast everywhere.
import { type Build, relaxedAvailable } from '../../src/tensor/backends/wasm/index.js'

export const builds: Build[] = relaxedAvailable() ? ['strict', 'relaxed', 'wide'] : ['strict']
