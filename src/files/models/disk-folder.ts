// A model's folder on disk.
import { closeSync, existsSync, readdirSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, join, sep } from 'node:path'
import { CheckpointError } from '../../errors.js'
import { MAX_TEXT_BYTES } from '../../formats/utf8.js'
import { explain, fillFrom, openFile, readText } from '../disk.js'
import type { ModelFolder } from './model-folder.js'
import { noModel } from './other-folders.js'
import { isPickle, refusePickle } from './pickles.js'
import { WeightFile } from './weights.js'

export function diskFolder(path: string): ModelFolder {
  const at = (name: string) => join(path, name)
  return {
    ...{ path, at },
    has: (name) => existsSync(at(name)),
    text: (name, maxBytes = MAX_TEXT_BYTES) => readText(at(name), maxBytes),
    weights: (name, { maxHeaderBytes, inside = false } = {}) => {
      if (inside) checkInside(path, at(name))
      return openWeights(at(name), maxHeaderBytes)
    },
    missing: (name) => {
      const pickle = name === 'config.json' ? undefined : pickleIn(path)
      return pickle === undefined ? noModel(path, name) : refusePickle(join(path, pickle))
    },
  }
}

function pickleIn(folder: string): string | undefined {
  try {
    return readdirSync(folder).filter(isPickle).sort()[0]
  } catch {
    return undefined
  }
}

/** One file of safetensors. Throws CheckpointError. Close it. */
export function openWeights(path: string, maxHeaderBytes?: number): WeightFile {
  const { file, size } = openFile(path)
  const fill = (bytes: Uint8Array, at: number) => fillFrom(path, file, bytes, at)
  return WeightFile.over(path, { size, fill, close: () => closeSync(file) }, maxHeaderBytes)
}

/** Throws where a link leads out of the folder. The hub's cache, snapshots/<commit>/x -> ../../blobs/y, is known. */
export function checkInside(folder: string, path: string): void {
  let inside = false
  try {
    const root = realpathSync(folder)
    const real = realpathSync(path)
    const blobs = join(root, '../../blobs')
    inside =
      real.startsWith(root.endsWith(sep) ? root : root + sep) ||
      (basename(dirname(root)) === 'snapshots' && real.startsWith(blobs + sep))
  } catch (error) {
    throw explain(path, 'read', error)
  }
  if (!inside)
    throw new CheckpointError(path, 'is a link out of its folder', 'Copy the file itself into the folder')
}

/** Whether a path is a folder, and no file. Throws CheckpointError for nothing. */
export function isModelFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch (error) {
    throw explain(path, 'read', error)
  }
}
