// tinystill/safetensors: Uint8Array <-> tensors by name. Names only, no logic.
import '../../autograd/methods.js' // gives tensors their methods

export { readSafetensors, writeSafetensors } from './safetensors.js'
