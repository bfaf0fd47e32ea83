// What tells one teacher from another: hashes of what its outputs follow from.
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Tokenizer } from '../../text/encoding.js'
import { hashFile } from '../hash.js'
import { openCheckpoint } from '../models/on-disk.js'
import { tokenizerFileSets } from '../models/tokenizer.js'
import type { TeacherFacts } from './manifest.js'

export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}

/** What the ids of texts follow from, as it is read here. Nothing but tinystill computes it. */
export function tokenizerHash(tokenizer: Tokenizer): string {
  const left = tokenizer.truncationSide === 'left' ? ' left' : ''
  return sha256(JSON.stringify(tokenizer.toJSON()) + left)
}

/** Of one file its own hash; of several that of their names and hashes. */
function hashFiles(paths: readonly string[]): string {
  const hashes = paths.map((path) => [basename(path), hashFile(path).sha256])
  return hashes.length === 1 ? hashes[0][1] : sha256(hashes.map((pair) => pair.join(' ')).join('\n'))
}

/** Of the files that the tokenizer is in, which any program can compute: the first set of them that is whole. */
export function tokenizerFileHash(folder: string): string {
  const sets = tokenizerFileSets.map((set) => set.map((name) => join(folder, name)))
  return hashFiles(sets.find((set) => set.every((path) => existsSync(path))) ?? sets[0])
}

function hashWeights(folder: string): string {
  const files = openCheckpoint(folder)
  for (const file of files) file.close()
  return hashFiles(files.map(({ path }) => path))
}

/** Reads the teacher's files once more. Throws CheckpointError. */
export function teacherFacts(folder: string, tokenizer: Tokenizer): TeacherFacts {
  return {
    folder,
    weights: hashWeights(folder),
    config: hashFile(join(folder, 'config.json')).sha256,
    tokenizer: tokenizerFileHash(folder),
    ids: tokenizerHash(tokenizer),
  }
}
