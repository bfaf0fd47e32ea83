// What tells one teacher from another: hashes of what its outputs follow from.
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Tokenizer } from '../../text/encoding.js'
import { hashFile } from '../hash.js'
import { openCheckpoint } from '../models/on-disk.js'
import type { TeacherFacts } from './manifest.js'

export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}

/** What the ids of texts follow from, as it is read here. Nothing but tinystill computes it. */
export function tokenizerHash(tokenizer: Tokenizer): string {
  const left = tokenizer.truncationSide === 'left' ? ' left' : ''
  return sha256(JSON.stringify(tokenizer.toJSON()) + left)
}

/** Of the file that the tokenizer is in, which any program can compute: tokenizer.json, or where there is none vocab.txt. */
export function tokenizerFileHash(folder: string): string {
  const file = join(folder, 'tokenizer.json')
  return hashFile(existsSync(file) ? file : join(folder, 'vocab.txt')).sha256
}

/** Of one weight file its own hash; of shards that of their names and hashes. */
function hashWeights(folder: string): string {
  const files = openCheckpoint(folder)
  for (const file of files) file.close()
  const hashes = files.map(({ path }) => [basename(path), hashFile(path).sha256])
  return hashes.length === 1 ? hashes[0][1] : sha256(hashes.map((pair) => pair.join(' ')).join('\n'))
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
