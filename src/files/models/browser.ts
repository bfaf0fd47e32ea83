// tinystill/models as bundlers see it for browsers, by the condition of that name in package.json: all but the folders,
// whose code would lead them to Node's modules.
import '../../autograd/methods.js' // gives tensors their methods

import { CheckpointError } from '../../errors.js'

export * from './shown.js'

function noFolders(folder: string): Promise<never> {
  const error = new CheckpointError(
    folder,
    'a browser has no model folders',
    'Fetch model.safetensors, read it with tinystill/safetensors, and pass it to loadStateDict(); of a quantized model see loadQuantized()',
  )
  return Promise.reject(error)
}

/** Of Node alone: here it throws CheckpointError. */
export const fromPretrained = noFolders
/** Of Node alone: here it throws CheckpointError. */
export const savePretrained = noFolders
