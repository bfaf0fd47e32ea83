// Lines of a file, a chunk in memory at a time.
import * as fs from 'node:fs'
import { CheckpointError, DataError } from '../../errors.js'
import type { Line } from '../text/rows.js'
import { checkReadable } from './files.js'

const CHUNK = 2 ** 18
/** The longest line, in bytes. */
const MAX_LINE = 2 ** 24
const NEWLINE = 10

export interface LineOptions {
  /** Longest line in bytes. Default 16 MiB. */
  maxLine?: number
  /** Bytes read at a time. Default 256 KiB. */
  chunk?: number
}

/**
 * The lines of a file, without LF or CRLF and a byte order mark in front. Throws DataError naming the file and the line
 * for what is not UTF-8, holds a NUL or is longer than maxLine, and for a file that cannot be read.
 */
export function* readLines(
  path: string,
  { maxLine = MAX_LINE, chunk = CHUNK }: LineOptions = {},
): Generator<Line> {
  const file = open(path)
  try {
    const buffer = new Uint8Array(chunk)
    /** Pieces of the line that goes on in the next chunk. */
    let rest: Uint8Array[] = []
    let restSize = 0
    let number = 1
    for (;;) {
      const bytes = buffer.subarray(0, read(path, file, buffer))
      const end = bytes.length === 0 ? 0 : bytes.lastIndexOf(NEWLINE) + 1
      if (bytes.length > 0 && end === 0) {
        rest.push(bytes.slice())
        restSize += bytes.length
        if (restSize > maxLine) throw tooLong(path, number, maxLine)
        continue
      }
      const block = Buffer.concat([...rest, bytes.subarray(0, end)])
      for (const text of decode(path, block, number, maxLine)) yield { text, number: number++ }
      if (bytes.length === 0) return
      rest = [bytes.slice(end)]
      restSize = bytes.length - end
    }
  } finally {
    fs.closeSync(file)
  }
}

function open(path: string): number {
  try {
    checkReadable(path)
    return fs.openSync(path, 'r')
  } catch (error) {
    throw unreadable(path, error)
  }
}

function read(path: string, file: number, buffer: Uint8Array): number {
  try {
    return fs.readSync(file, buffer, 0, buffer.length, null)
  } catch (error) {
    throw unreadable(path, error)
  }
}

function unreadable(path: string, error: unknown): DataError {
  const message = error instanceof Error ? error.message : String(error)
  // checkReadable speaks of weights and data alike.
  if (error instanceof CheckpointError) return new DataError(path, message.slice(path.length + 2))
  return new DataError(path, `cannot be read: ${message}`)
}

function tooLong(path: string, line: number, maxLine: number): DataError {
  return new DataError(
    `${path}:${line}`,
    `the line has more than ${maxLine} bytes`,
    'Is this a text file with one row a line?',
  )
}

/** Lines of whole lines' bytes: the last one need not end in a newline. */
function decode(path: string, bytes: Uint8Array, first: number, maxLine: number): string[] {
  if (bytes.length === 0) return []
  // The mark is taken out here and not by the decoder, which would take one off every block.
  const marked = first === 1 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
  const body = marked ? bytes.subarray(3) : bytes
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body)
  } catch {
    throw notText(path, body, first)
  }
  const lines = text.split('\n')
  if (text.endsWith('\n')) lines.pop()
  return lines.map((line, i) => {
    if (line.includes('\0')) throw withNul(path, first + i)
    // In bytes a line is at most three times as long as here.
    if (line.length > maxLine) throw tooLong(path, first + i, maxLine)
    return line.endsWith('\r') ? line.slice(0, -1) : line
  })
}

function withNul(path: string, line: number): DataError {
  return new DataError(
    `${path}:${line}`,
    'holds a NUL character',
    'Is it UTF-16, or no text at all? Save it as UTF-8',
  )
}

/** The first line that does not decode; a newline byte is never part of a longer character. */
function notText(path: string, bytes: Uint8Array, first: number): DataError {
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
  return new DataError(`${path}:${line}`, 'is not UTF-8', 'Save the file as UTF-8')
}
