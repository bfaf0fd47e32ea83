// Text as UTF-8, and nothing else.
import { CheckpointError } from '../errors.js'

/** Of a text in a model's folder: the largest tokenizers of the BERT family take 10 MB, all other texts less. */
export const MAX_TEXT_BYTES = 64 * 2 ** 20

/** Without a byte order mark. Throws CheckpointError that names `path` and the first line that is not UTF-8. */
export function decodeText(path: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new CheckpointError(path, `line ${badLine(bytes)} is not UTF-8`, 'Save the file as UTF-8')
  }
}

/** The first line that does not decode, counted from 1. A newline byte is never part of a longer character. */
function badLine(bytes: Uint8Array): number {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  for (let line = 1, start = 0; ; line++) {
    const newline = bytes.indexOf(10, start)
    const end = newline < 0 ? bytes.length : newline
    try {
      decoder.decode(bytes.subarray(start, end))
    } catch {
      return line
    }
    if (newline < 0) return line
    start = newline + 1
  }
}
