// Lines out of bytes that are there as a whole, or a block of whole lines at a time: UTF-8, LF or CRLF, no NUL.
import { DataError } from '../../errors.js'
import type { Line } from './records.js'

/** The longest line, in bytes. */
export const MAX_LINE = 2 ** 24
const NEWLINE = 10

/**
 * The lines of a whole file's bytes, without LF or CRLF and a byte order mark in front. Throws DataError naming `file` and the
 * line for what is not UTF-8, holds a NUL or is longer than maxLine.
 */
export function* linesIn(bytes: Uint8Array, file: string, maxLine = MAX_LINE): Generator<Line> {
  const lines = decodeLines(file, bytes, 1, maxLine)
  if (lines.length === 1 && lines[0].includes('\r')) throw oldMacLines(file)
  let number = 1
  for (const text of lines) yield { text, number: number++ }
}

export const oldMacLines = (name: string): DataError =>
  new DataError(
    `${name}:1`,
    'the lines end in CR alone, as old Macs wrote them',
    "Save the file with LF, or: tr '\\r' '\\n' < FILE > NEW",
  )

export function tooLong(name: string, line: number, maxLine: number): DataError {
  return new DataError(
    `${name}:${line}`,
    `the line has more than ${maxLine} bytes`,
    'Is this text with one row a line?',
  )
}

/** Lines of whole lines' bytes, of which the first is number `first`. Throws DataError naming the line. */
export function decodeLines(name: string, bytes: Uint8Array, first: number, maxLine: number): string[] {
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
