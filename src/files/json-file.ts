// A file that holds JSON, and nothing that JSON.parse would pass over in silence.
import { CheckpointError } from '../errors.js'
import { Fields } from '../formats/fields.js'
import { parseJson } from '../formats/parse-json.js'
import { MAX_TEXT_BYTES } from '../formats/utf8.js'
import { readText } from './disk.js'

/** What a JSON file holds. Throws CheckpointError where that is no JSON, or names a field twice. */
export function readJson(file: string, maxBytes = MAX_TEXT_BYTES): unknown {
  return parseJson(readText(file, maxBytes), (reason) => {
    throw new CheckpointError(file, reason)
  })
}

/** The one JSON object in a file. Throws CheckpointError for anything else. */
export const readFields = (file: string, maxBytes = MAX_TEXT_BYTES): Fields =>
  Fields.of(file, readJson(file, maxBytes))
