// Model folders as Hugging Face stores them. The code that touches files loads when it is called, so that this module,
// and with it tinystill/models, loads in a browser too.

import type { ModelOf } from '../../nn/models/bert.js'
import type { Kind } from '../../nn/models/family.js'
import type { Pretrained } from '../../nn/models/pretrained.js'
import type { Loaded, LoadOptions, SaveOptions } from './pretrained.js'

/**
 * The model in a folder with config.json and model.safetensors, in eval mode. `as` says what to load it as; default what
 * it was saved as. Parameters that the file lacks are drawn only where that was asked for, and named in info.
 * A folder of a quantized model (quantization.json) gives that, for inference. Throws CheckpointError naming the file, and
 * what is missing, unexpected or of another shape. Node only.
 */
export function fromPretrained<K extends Kind>(
  folder: string,
  options: LoadOptions & { as: K },
): Promise<Loaded<ModelOf[K]>>
export function fromPretrained(folder: string, options?: LoadOptions): Promise<Loaded<Pretrained>>
export async function fromPretrained(folder: string, options: LoadOptions = {}): Promise<Loaded<Pretrained>> {
  const { loadPretrained } = await import('./on-disk.js')
  return loadPretrained(folder, options)
}

/**
 * Writes config.json and model.safetensors, making the folder where it is missing; each file is whole, the old or the
 * new, at any moment. Python's transformers loads the folder as it is, but for a quantized model's, which is written as
 * quantization.json and quantized.safetensors. Throws CheckpointError. Node only.
 */
export async function savePretrained(folder: string, options: SaveOptions): Promise<void> {
  const { writePretrained } = await import('./on-disk.js')
  writePretrained(folder, options)
}
