// Lines out of a stream of bytes, one at a time: as much is in memory as the longest line and one chunk.
import { DataError } from '../../errors.js'

const LF = 10
const CR = 13

/**
 * The lines in `chunks`, without their ends (\n or \r\n) and without a byte order mark; a last one needs no end.
 * Throws a DataError that names `file` and the line when one is no UTF-8 or has more than `maxBytes` bytes.
 */
export async function* linesOf(
  chunks: AsyncIterable<Uint8Array>,
  file: string,
  maxBytes = 2 ** 20,
): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let line = 1
  let waiting: Uint8Array[] = []
  let length = 0

  const tooLong = () =>
    new DataError(
      file,
      `line ${line} has more than ${maxBytes} bytes`,
      'Cut it, or put line ends into the file',
    )

  const decode = (end: Uint8Array): string => {
    let bytes = end
    if (waiting.length > 0) {
      bytes = new Uint8Array(length + end.length)
      let at = 0
      for (const part of [...waiting, end]) {
        bytes.set(part, at)
        at += part.length
      }
      waiting = []
      length = 0
    }
    if (bytes.length > maxBytes) throw tooLong()
    if (bytes[bytes.length - 1] === CR) bytes = bytes.subarray(0, -1)
    try {
      const text = decoder.decode(bytes)
      return line++ === 1 && text.startsWith('\ufeff') ? text.slice(1) : text
    } catch {
      throw new DataError(file, `line ${line} is not UTF-8`, 'Save the text as UTF-8')
    }
  }

  for await (const chunk of chunks) {
    let start = 0
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, start)) {
      yield decode(chunk.subarray(start, end))
      start = end + 1
    }
    if (start === chunk.length) continue
    waiting.push(chunk.subarray(start))
    length += chunk.length - start
    if (length > maxBytes) throw tooLong()
  }
  if (length > 0) yield decode(new Uint8Array(0))
}
