// Data files of sentences whose words have tags.
import { type TaggedOptions, type TaggedSet, taggedSetOf } from '../../text/tagged/read.js'
import { type LineOptions, readLines } from '../lines.js'

export type { TaggedOptions, TaggedSet } from '../../text/tagged/read.js'

/** A whole file. Throws what taggedSetIn() throws, and DataError where it cannot be read. */
export const readTagged = (path: string, options: LineOptions & TaggedOptions = {}): TaggedSet =>
  taggedSetOf(readLines(path, options), path, options)
