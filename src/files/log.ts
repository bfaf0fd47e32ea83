// A file of JSON lines that grows, and in which no line is ever half there: not on a full disk, not after a kill.
import * as nodeFs from 'node:fs'
import { CheckpointError } from '../errors.js'
import { explain, writeAtomic } from './disk.js'

/** What LineLog needs of node:fs; tests pass one that fails. */
export type LogFileSystem = Pick<
  typeof nodeFs,
  'openSync' | 'writeSync' | 'ftruncateSync' | 'fstatSync' | 'readSync' | 'fsyncSync' | 'closeSync'
>

const NEWLINE = 10
/** Lines held back before they are written. */
const HELD = 256
/** A kill may end a write between two pages of memory, but not inside one. */
const PAGE = 4096
const PIECE = 65536

/**
 * One JSON object a line. Each is one write, which brings the newline of the line before along. No write crosses a page: a
 * line that would is put at the start of the next one, and spaces fill up the line before. Only lines longer than a page can
 * be torn by a kill, and all by a power cut: opening the file again removes what is no whole object.
 */
export class LineLog {
  readonly #file: number
  #held: string[] = []
  #size: number
  /** Whether the newline of the last line is still to come. */
  #open: boolean

  /**
   * append: goes on after the lines that are there, or after those that were when sync() gave this number. Else begins anew.
   * Throws CheckpointError.
   */
  constructor(
    readonly path: string,
    { append = false }: { append?: boolean | number } = {},
    readonly fs: LogFileSystem = nodeFs,
  ) {
    if (append === false) writeAtomic(path, '')
    try {
      this.#file = fs.openSync(path, 'a+')
      const { size, open } =
        typeof append === 'number' ? upTo(path, fs, this.#file, append) : wholeLines(fs, this.#file)
      this.#size = size
      this.#open = open
      fs.ftruncateSync(this.#file, size)
    } catch (error) {
      throw explain(path, 'opened', error)
    }
  }

  /** Adds a line; NaN and infinities become null. It is on its way to the disk after flush(). */
  write(document: Readonly<Record<string, unknown>>): void {
    this.#held.push(JSON.stringify(document))
    if (this.#held.length >= HELD) this.flush()
  }

  /** Throws CheckpointError when a line cannot be written; those before it are whole, and it stays held back. */
  flush(): void {
    let done = 0
    try {
      for (; done < this.#held.length; done++) this.#line(this.#held[done])
    } catch (error) {
      throw explain(this.path, 'written', error, '; its earlier lines are whole')
    } finally {
      this.#held.splice(0, done)
    }
  }

  /** Flushes and forces all to disk. The length of the file. */
  sync(): number {
    this.flush()
    try {
      this.fs.fsyncSync(this.#file)
    } catch (error) {
      throw explain(this.path, 'made safe', error)
    }
    return this.#size
  }

  #line(line: string): void {
    const used = this.#size % PAGE
    if (this.#open && used > 0 && used + 1 + Buffer.byteLength(line) > PAGE) {
      this.#append(`${' '.repeat(PAGE - used - 1)}\n`)
      this.#open = false
    }
    this.#append(this.#open ? `\n${line}` : line)
    this.#open = true
  }

  #append(text: string): void {
    const bytes = new TextEncoder().encode(text)
    try {
      const n = this.fs.writeSync(this.#file, bytes, 0, bytes.length)
      if (n !== bytes.length) throw new Error(`the system takes no more after ${n} of ${bytes.length} bytes`)
      this.#size += n
    } catch (error) {
      this.#cut()
      throw error
    }
  }

  /** Fails in silence: the error that led here is the one to tell. */
  #cut(): void {
    try {
      this.fs.ftruncateSync(this.#file, this.#size)
    } catch {}
  }

  /** Closes the file as it is: it is another's to write. */
  leave(): void {
    this.#held = []
    this.fs.closeSync(this.#file)
  }

  /** Flushes, ends the last line, forces all to disk, and closes. */
  close(): void {
    try {
      this.flush()
      if (this.#open) this.#append('\n')
      this.fs.fsyncSync(this.#file)
    } catch (error) {
      throw explain(this.path, 'written', error)
    } finally {
      this.fs.closeSync(this.#file)
    }
  }
}

/** What sync() told, whose last line had no newline then. */
function upTo(path: string, fs: LogFileSystem, file: number, at: number): { size: number; open: boolean } {
  const { size } = fs.fstatSync(file)
  if (size < at) throw new CheckpointError(path, `has ${size} bytes, of which ${at} were saved`)
  return { size: at, open: at > 0 }
}

/** How many bytes are whole lines, the last with or without its newline. */
function wholeLines(fs: LogFileSystem, file: number): { size: number; open: boolean } {
  const { size } = fs.fstatSync(file)
  let tail = new Uint8Array(0)
  for (let from = size; from > 0; ) {
    const step = Math.min(PIECE, from)
    from -= step
    const more = new Uint8Array(step + tail.length)
    fs.readSync(file, more, 0, step, from)
    more.set(tail, step)
    tail = more
    const at = tail.lastIndexOf(NEWLINE)
    if (at >= 0 || from === 0) {
      const last = tail.subarray(at + 1)
      const whole = isObject(new TextDecoder().decode(last))
      return whole ? { size, open: true } : { size: from + at + 1, open: false }
    }
  }
  return { size: 0, open: false }
}

function isObject(text: string): boolean {
  try {
    return text.startsWith('{') && JSON.parse(text) !== null
  } catch {
    return false
  }
}
