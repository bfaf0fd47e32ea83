// One file from the network, resumable: what came stays beside as .incomplete, the next try asks for the rest, and the
// name appears only when size and hash are right.
import { createHash } from 'node:crypto'
import * as nodeFs from 'node:fs'
import { CheckpointError } from '../../errors.js'
import { explain, fillFrom, openFile } from '../disk.js'

export type Fetch = typeof fetch

export interface Source {
  url: string
  headers: Record<string, string>
  size: number
  /** Hex: SHA-256 of the bytes, or git's name of the blob (SHA-1 over a head and the bytes). */
  hash: { kind: 'sha256' | 'git'; hex: string }
}

export interface DownloadOptions {
  fetch: Fetch
  /** Told the bytes there so far; fewer than before when it starts over. */
  onBytes?: (done: number) => void
  /** Before a new try, in milliseconds. Default 500, twice as long each time. */
  pause?: number
  /** Without a byte for so long, in milliseconds, the connection counts as dead. Default 60,000. */
  patience?: number
}

/** Tries without a single byte before it gives up, and tries in all. */
const MAX_IDLE = 5
const MAX_TRIES = 100

/** A failure that a new try may mend. */
class Passing extends Error {}

/** An answer with a status that is no file. */
export class StatusError extends Error {
  constructor(readonly status: number) {
    super(`the server answers with status ${status}`)
  }
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

function sizeOf(path: string): number {
  return nodeFs.statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

/** Whether the file at `path` is the source's. */
export function isWhole(path: string, { size, hash }: Source): boolean {
  if (sizeOf(path) !== size || !nodeFs.existsSync(path)) return false
  const { file } = openFile(path)
  try {
    const digest = createHash(hash.kind === 'git' ? 'sha1' : 'sha256')
    if (hash.kind === 'git') digest.update(`blob ${size}\0`)
    const buffer = new Uint8Array(Math.min(size, 2 ** 20))
    for (let at = 0; at < size; at += buffer.length) {
      const piece = buffer.subarray(0, Math.min(buffer.length, size - at))
      fillFrom(path, file, piece, at)
      digest.update(piece)
    }
    return digest.digest('hex') === hash.hex
  } finally {
    nodeFs.closeSync(file)
  }
}

/**
 * Makes `path` the source's file, going on where an earlier call was cut. Throws a CheckpointError when the disk or the
 * server cannot give it, and StatusError for an answer that a new try would not change; what came is kept.
 */
export async function download(path: string, source: Source, options: DownloadOptions): Promise<void> {
  const partial = `${path}.incomplete`
  const resumed = sizeOf(partial) > 0
  await fetchAll(partial, source, options)
  if (!isWhole(partial, source)) {
    nodeFs.rmSync(partial)
    // The older part may be of another file: once more from the start.
    if (resumed) await fetchAll(partial, source, options)
    if (!resumed || !isWhole(partial, source)) {
      nodeFs.rmSync(partial, { force: true })
      throw new CheckpointError(
        source.url,
        `has another checksum than the hub lists, ${source.hash.hex.slice(0, 16)}...`,
        'It was damaged on the way or replaced: try again, and do not trust it if that repeats',
      )
    }
  }
  nodeFs.renameSync(partial, path)
}

async function fetchAll(partial: string, source: Source, options: DownloadOptions): Promise<void> {
  const { pause = 500 } = options
  const file = openForAppend(partial)
  try {
    let [idle, done] = [0, nodeFs.fstatSync(file).size]
    if (done > source.size) done = restart(file)
    for (let tries = 1; done < source.size; tries++) {
      // A try may have emptied the file.
      done = nodeFs.fstatSync(file).size
      const before = done
      try {
        for await (const at of stretch(file, partial, done, source, options)) {
          done = at
          options.onBytes?.(done)
        }
        if (done < source.size) throw new Passing(`it was cut at byte ${done} of ${source.size}`)
      } catch (error) {
        if (!(error instanceof Passing)) throw error
        idle = done > before ? 0 : idle + 1
        if (idle >= MAX_IDLE || tries >= MAX_TRIES) {
          throw new CheckpointError(
            source.url,
            `cannot be fetched: ${error.message}`,
            `${done} of ${source.size} bytes are kept: run the command again and it goes on there`,
          )
        }
        await wait(pause * 2 ** idle)
      }
    }
    nodeFs.fsyncSync(file)
  } catch (error) {
    throw error instanceof StatusError ? error : explain(partial, 'written', error)
  } finally {
    nodeFs.closeSync(file)
  }
}

function openForAppend(path: string): number {
  try {
    return nodeFs.openSync(path, 'a+')
  } catch (error) {
    throw explain(path, 'written', error)
  }
}

function restart(file: number): number {
  nodeFs.ftruncateSync(file, 0)
  return 0
}

/** One request from byte `done` on; gives the bytes there after each piece. */
async function* stretch(
  file: number,
  partial: string,
  done: number,
  { url, headers, size }: Source,
  { fetch, patience = 60_000 }: DownloadOptions,
): AsyncGenerator<number> {
  const stop = new AbortController()
  let timer = setTimeout(() => stop.abort(), patience)
  try {
    const range: Record<string, string> = done > 0 ? { range: `bytes=${done}-` } : {}
    // Compressed bytes could not be counted or resumed.
    const asked = { ...headers, ...range, 'accept-encoding': 'identity' }
    const response = await fetch(url, { headers: asked, signal: stop.signal })
    if (response.status === 416) {
      restart(file)
      throw new Passing('the server refuses to go on')
    }
    if (response.status === 429 || response.status === 408 || response.status >= 500)
      throw new Passing(`the server answers with status ${response.status}`)
    if (response.status !== 200 && response.status !== 206) throw new StatusError(response.status)
    if (response.status === 200 && done > 0) done = restart(file)
    if (response.status === 206 && !response.headers.get('content-range')?.startsWith(`bytes ${done}-`))
      throw new Passing('the server sends another part than asked for')
    const reader = response.body?.getReader()
    for (let next = await reader?.read(); next?.value; next = await reader?.read()) {
      const piece = next.value
      clearTimeout(timer)
      timer = setTimeout(() => stop.abort(), patience)
      if (done + piece.length > size) {
        restart(file)
        throw new CheckpointError(url, `sends more than the ${size} bytes that the hub lists`)
      }
      write(file, partial, piece)
      done += piece.length
      yield done
    }
  } catch (error) {
    throw isNetwork(error) ? new Passing(networkReason(error)) : error
  } finally {
    clearTimeout(timer)
    stop.abort()
  }
}

function write(file: number, partial: string, piece: Uint8Array): void {
  try {
    for (let at = 0; at < piece.length; ) at += nodeFs.writeSync(file, piece, at)
  } catch (error) {
    throw explain(partial, 'written', error, '; what came before is kept')
  }
}

/** What fetch throws for anything below HTTP: a TypeError, or its abort. */
export function isNetwork(error: unknown): error is Error {
  return error instanceof Error && (error instanceof TypeError || error.name === 'AbortError')
}

const reasons: Record<string, string> = {
  ENOTFOUND: 'its host is not known here',
  EAI_AGAIN: 'its host cannot be looked up',
  ECONNREFUSED: 'nobody listens there',
  ECONNRESET: 'the connection broke',
  ETIMEDOUT: 'there is no answer',
  UND_ERR_CONNECT_TIMEOUT: 'there is no answer',
  UND_ERR_SOCKET: 'the connection broke',
}

/** Why there is no connection, in words. */
export function networkReason(error: Error): string {
  if (error.name === 'AbortError') return 'no byte came for a long time'
  const { cause } = error
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  return reasons[code] ?? (cause instanceof Error && cause.message ? cause.message : error.message)
}
