// What a target of the fuzzing is, and what it may do with a file: read it, or refuse it with one named line.
import { CheckpointError, DataError } from '../../src/errors.js'
import type { Dice } from '../io/mutants.js'

export interface Target {
  readonly name: string
  /** Its part of the files of `npm run fuzz`. */
  readonly share: number
  /** The reader's own folder is `folder`, and is empty. */
  open(folder: string): Reader
}

export interface Reader {
  /** A file gone wrong. */
  make(roll: Dice): Uint8Array
  /** Reads it as the library does. Throws what the library throws. */
  read(bytes: Uint8Array): unknown
  /** Why what was read of it should have been refused, or read otherwise; null where it is right. */
  judge(bytes: Uint8Array, value: unknown): string | null
}

export interface Verdict {
  accepted: boolean
  /** What must not be; null where all is as it should be. */
  wrong: string | null
}

/** Longer lines bury what they say; the path comes on top. */
const MOST_CHARS = 1000

function complaint(error: unknown, folder: string): string | null {
  if (!(error instanceof CheckpointError || error instanceof DataError))
    return `throws ${error instanceof Error ? error.stack : String(error)}`
  const { message } = error
  if (/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u.test(message))
    return `says on more than one line: ${JSON.stringify(message)}`
  if (!message.startsWith(folder)) return `names no file: ${message}`
  const length = message.replaceAll(folder, '').length
  return length > MOST_CHARS ? `says it in ${length} characters: ${message.slice(0, 300)}` : null
}

/** Reads one file and judges what comes of it. */
export function tried(reader: Reader, folder: string, bytes: Uint8Array): Verdict {
  let value: unknown
  try {
    value = reader.read(bytes)
  } catch (error) {
    return { accepted: false, wrong: complaint(error, folder) }
  }
  const wrong = reader.judge(bytes, value)
  return { accepted: true, wrong: wrong === null ? null : `accepts it: ${wrong}` }
}
