// Lines out of bytes, from a file or a stream: as much is in memory as the longest line and one chunk.
import * as fs from 'node:fs'
import { CheckpointError, DataError } from '../errors.js'
import type { Line } from '../text/rows/records.js'
import { openFile } from './disk.js'
import { gunzipped, isGzip } from './gunzip.js'

const CHUNK = 2 ** 18
/** The longest line of a file, and of a stream, in bytes. */
const MAX_LINE = 2 ** 24
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
    if (this.#only !== null)
      throw new DataError(
        `${this.name}:1`,
        'the lines end in CR alone, as old Macs wrote them',
        "Save the file with LF, or: tr '\\r' '\\n' < FILE > NEW",
      )
  }

  *#lines(block: Uint8Array): Generator<Line> {
    for (const text of decode(this.name, block, this.#number, this.maxLine)) {
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

function tooLong(name: string, line: number, maxLine: number): DataError {
  return new DataError(
    `${name}:${line}`,
    `the line has more than ${maxLine} bytes`,
    'Is this text with one row a line?',
  )
}

/** Lines of whole lines' bytes. */
function decode(name: string, bytes: Uint8Array, first: number, maxLine: number): string[] {
  // The mark is taken out here and not by the decoder, which would take one off every block.
  const marked = first === 1 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
  const body = marked ? bytes.subarray(3) : bytes
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body)
  } catch {
    throw notText(name, body, first)
  }
  const lines = text.split('\n')
  if (text.endsWith('\n')) lines.pop()
  return lines.map((line, i) => {
    if (line.includes('\0')) throw withNul(name, first + i)
    // In bytes a line is at most three times as long as here.
    if (line.length > maxLine) throw tooLong(name, first + i, maxLine)
    return line.endsWith('\r') ? line.slice(0, -1) : line
  })
}

function withNul(name: string, line: number): DataError {
  return new DataError(
    `${name}:${line}`,
    'holds a NUL character',
    'Is it UTF-16, or no text at all? Save it as UTF-8',
  )
}

/** The first line that does not decode; a newline byte is never part of a longer character. */
function notText(name: string, bytes: Uint8Array, first: number): DataError {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let line = first
  for (let start = 0; start < bytes.length; line++) {
    const newline = bytes.indexOf(NEWLINE, start)
    const end = newline < 0 ? bytes.length : newline
    try {
      decoder.decode(bytes.subarray(start, end))
    } catch {
      break
    }
    start = end + 1
  }
  return new DataError(`${name}:${line}`, 'is not UTF-8', 'Save the text as UTF-8')
}
