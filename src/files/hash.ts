// What a data file held, in 32 bytes: a run's record names it, so that nobody compares runs on different data.
import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { CheckpointError } from '../errors.js'
import { explain } from './disk.js'

const PIECE = 1 << 20

export interface FileHash {
  bytes: number
  /** In hexadecimal digits. */
  sha256: string
}

/** Reads the file piece by piece. Throws CheckpointError if it cannot be read twice: a pipe, or nothing at all. */
export const hashFile = (path: string): FileHash => hashFiles([path])

/** Of files as if they were one, in this order. Throws as hashFile does. */
export function hashFiles(paths: readonly string[]): FileHash {
  const hash = createHash('sha256')
  const piece = new Uint8Array(PIECE)
  let bytes = 0
  for (const path of paths) {
    try {
      if (!statSync(path).isFile())
        throw new CheckpointError(path, 'is not a regular file', 'Copy its content to a file')
      const file = openSync(path, 'r')
      try {
        for (let n = readSync(file, piece); n > 0; n = readSync(file, piece)) {
          hash.update(piece.subarray(0, n))
          bytes += n
        }
      } finally {
        closeSync(file)
      }
    } catch (error) {
      throw explain(path, 'read', error)
    }
  }
  return { bytes, sha256: hash.digest('hex') }
}
