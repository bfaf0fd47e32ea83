// What a data file held, in 32 bytes: a run's record names it, so that nobody compares runs on different data.
import { createHash } from 'node:crypto'
import { readPieces } from './disk.js'

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
  let bytes = 0
  for (const path of paths)
    readPieces(path, (piece) => {
      hash.update(piece)
      bytes += piece.length
    })
  return { bytes, sha256: hash.digest('hex') }
}
