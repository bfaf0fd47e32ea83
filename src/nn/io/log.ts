// A file of JSON lines that grows: in the pieces in which it is flushed, and of whole lines only.
import * as nodeFs from 'node:fs'
import { explain, writeAtomic } from './files.js'

/** What LineLog needs of node:fs; tests pass one that fails. */
export type LogFileSystem = Pick<
  typeof nodeFs,
  'openSync' | 'writeSync' | 'ftruncateSync' | 'fstatSync' | 'readSync' | 'fsyncSync' | 'closeSync'
>

const NEWLINE = 10
/** Lines held back before they are written. */
const HELD = 256
const PIECE = 65536

/**
 * One JSON document a line. A flush is one write at the end of the file; where the system takes less of it, the file is cut
 * back to the last whole line. A power cut may leave half a line: opening the file again removes it.
 */
export class LineLog {
  readonly #file: number
  #held: string[] = []
  #size: number

  /** append: goes on after the lines that are there. Else begins anew. Throws CheckpointError. */
  constructor(
    readonly path: string,
    { append = false }: { append?: boolean } = {},
    readonly fs: LogFileSystem = nodeFs,
  ) {
    if (!append) writeAtomic(path, '')
    try {
      this.#file = fs.openSync(path, 'a+')
      this.#size = wholeLines(fs, this.#file)
      fs.ftruncateSync(this.#file, this.#size)
    } catch (error) {
      throw explain(path, 'opened', error)
    }
  }

  /** Adds a line; NaN and infinities become null. It is on its way to the disk after flush(). */
  write(document: unknown): void {
    this.#held.push(`${JSON.stringify(document)}\n`)
    if (this.#held.length >= HELD) this.flush()
  }

  /** Throws CheckpointError when the lines cannot be written; what was flushed before is whole. */
  flush(): void {
    if (this.#held.length === 0) return
    const bytes = new TextEncoder().encode(this.#held.join(''))
    this.#held = []
    try {
      const n = this.fs.writeSync(this.#file, bytes, 0, bytes.length)
      if (n !== bytes.length) throw new Error(`the system takes no more after ${n} of ${bytes.length} bytes`)
      this.#size += n
    } catch (error) {
      this.#cut()
      throw explain(this.path, 'written', error, '; its earlier lines are whole')
    }
  }

  /** Fails in silence: the error that led here is the one to tell. */
  #cut(): void {
    try {
      this.fs.ftruncateSync(this.#file, this.#size)
    } catch {}
  }

  /** Flushes, forces all to disk, and closes. */
  close(): void {
    try {
      this.flush()
      this.fs.fsyncSync(this.#file)
    } catch (error) {
      throw explain(this.path, 'written', error)
    } finally {
      this.fs.closeSync(this.#file)
    }
  }
}

/** Bytes up to the last newline. */
function wholeLines(fs: LogFileSystem, file: number): number {
  const piece = new Uint8Array(PIECE)
  for (let end = fs.fstatSync(file).size; end > 0; ) {
    const from = Math.max(0, end - PIECE)
    const n = fs.readSync(file, piece, 0, end - from, from)
    const at = piece.subarray(0, n).lastIndexOf(NEWLINE)
    if (at >= 0) return from + at + 1
    end = from
  }
  return 0
}
