// tinystill/safetensors: Uint8Array <-> tensors by name. Names only, no logic.
export { readSafetensors, writeSafetensors } from '../nn/io/safetensors.js'
