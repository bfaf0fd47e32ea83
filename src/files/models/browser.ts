// tinystill/models as bundlers see it for browsers, by the condition of that name in package.json: all but the folders,
// whose code would lead them to Node's modules.
import '../../autograd/methods.js' // gives tensors their methods

import { CheckpointError } from '../../errors.js'

export * from './shown.js'

function noFolders(folder: string): Promise<never> {
  const error = new CheckpointError(
    folder,
    'a browser has no model folders',
    'Fetch the files of the folder and pass them to fromFiles() of tinystill/bytes',
  )
  return Promise.reject(error)
}

/** Of Node alone: here it throws CheckpointError. */
export const fromPretrained = noFolders
/** Of Node alone: here it throws CheckpointError. */
export const savePretrained = noFolders
