// Data files of sentences whose words have tags.
import { type TaggedOptions, type TaggedSet, taggedSetOf } from '../../text/tagged/read.js'
import { checkFile, type LineOptions, readLines } from '../lines.js'

export type { TaggedOptions, TaggedSet } from '../../text/tagged/read.js'

/** A whole file. Throws what taggedSetIn() throws, and DataError where it cannot be read. */
export function readTagged(path: string, options: LineOptions & TaggedOptions = {}): TaggedSet {
  checkFile(path)
  return taggedSetOf(readLines(path, options), path, options)
}
