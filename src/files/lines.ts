// Lines out of bytes, from a file or a stream: as much is in memory as the longest line and one chunk.
import * as fs from 'node:fs'
import { CheckpointError, DataError } from '../errors.js'
import { decodeLines, MAX_LINE, oldMacLines, tooLong } from '../text/rows/lines.js'
import type { Line } from '../text/rows/records.js'
import { openFile, sizeOf } from './disk.js'
import { gunzipped, isGzip } from './gunzip.js'

const CHUNK = 2 ** 18
/** The longest line of a stream, in bytes. */
const MAX_STREAMED = 2 ** 20
const NEWLINE = 10

/** Of readLines(). */
export interface LineOptions {
  /** Longest line in bytes. Default 16 MiB. */
  maxLine?: number
  /** Bytes read at a time. Default 256 KiB. */
  chunk?: number
}

/** Takes chunks and gives the lines that end in them. */
class LineCutter {
  /** Pieces of the line that goes on in the next chunk. */
  #rest: Uint8Array[] = []
  #size = 0
  #number = 1
  /** A first line with CRs inside, until there is a second: a file of one such line has no other line ends. */
  #only: Line | null = null

  constructor(
    readonly name: string,
    readonly maxLine: number,
  ) {}

  *take(bytes: Uint8Array): Generator<Line> {
    const end = bytes.lastIndexOf(NEWLINE) + 1
    if (end > 0) {
      yield* this.#lines(Buffer.concat([...this.#rest, bytes.subarray(0, end)]))
      this.#rest = []
      this.#size = 0
    }
    if (end === bytes.length) return
    // A copy: the reader uses its buffer again.
    this.#rest.push(bytes.slice(end))
    this.#size += bytes.length - end
    if (this.#size > this.maxLine) throw tooLong(this.name, this.#number, this.maxLine)
  }

  /** The last line need not end in a newline. */
  *end(): Generator<Line> {
    if (this.#size > 0) yield* this.#lines(Buffer.concat(this.#rest))
    if (this.#only !== null) throw oldMacLines(this.name)
  }

  *#lines(block: Uint8Array): Generator<Line> {
    for (const text of decodeLines(this.name, block, this.#number, this.maxLine)) {
      const line = { text, number: this.#number++ }
      if (line.number === 1 && text.includes('\r')) {
        this.#only = line
        continue
      }
      if (this.#only !== null) yield this.#only
      this.#only = null
      yield line
    }
  }
}

/**
 * The lines of a file, of what a .gz file unpacks to, without LF or CRLF and a byte order mark in front. Throws DataError naming the file and the line
 * for what is not UTF-8, holds a NUL or is longer than maxLine, and for a file that cannot be read.
 */
export function* readLines(
  path: string,
  { maxLine = MAX_LINE, chunk = CHUNK }: LineOptions = {},
): Generator<Line> {
  const cutter = new LineCutter(path, maxLine)
  if (isGzip(path)) {
    const pieces = gunzipped(path)
    for (;;) {
      const { done, value } = readable(path, () => pieces.next())
      if (done) break
      yield* cutter.take(value)
    }
    yield* cutter.end()
    return
  }
  const file = readable(path, () => openFile(path).file)
  try {
    const buffer = new Uint8Array(chunk)
    for (;;) {
      const n = readable(path, () => fs.readSync(file, buffer, 0, buffer.length, null))
      if (n === 0) break
      yield* cutter.take(buffer.subarray(0, n))
    }
    yield* cutter.end()
  } finally {
    fs.closeSync(file)
  }
}

/** The same of a stream, whose lines may have 1 MiB each. `name`: what errors call it. */
export async function* linesOf(
  chunks: AsyncIterable<Uint8Array>,
  name: string,
  maxLine = MAX_STREAMED,
): AsyncGenerator<string> {
  const cutter = new LineCutter(name, maxLine)
  for await (const bytes of chunks) for (const { text } of cutter.take(bytes)) yield text
  for (const { text } of cutter.end()) yield text
}

/** Throws DataError for what is no file. Goes before what a name's ending tells: of a folder, or of nothing, that would mislead. */
export function checkFile(path: string): void {
  readable(path, () => sizeOf(path))
}

export function readable<T>(path: string, f: () => T): T {
  try {
    return f()
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    if (error instanceof DataError) throw error
    // openFile speaks of weights and data alike.
    if (error instanceof CheckpointError) throw new DataError(path, message.slice(path.length + 2))
    throw new DataError(path, `cannot be read: ${message}`)
  }
}
