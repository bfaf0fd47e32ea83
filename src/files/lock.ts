// One process a folder or file: a file beside it with the process that has it, taken over from one that is gone.
import { randomBytes } from 'node:crypto'
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { CheckpointError } from '../errors.js'
import { explain } from './disk.js'

export const LOCK = '.tinystill-lock'

interface Owner {
  pid: number
  /** When the process was started, by the system's clock ticks: numbers of processes come again. Null: not known. */
  started: string | null
  host: string
}

/** Folders that this process holds. */
const held = new Set<string>()

process.on('exit', () => {
  for (const path of held) rmSync(path, { force: true })
})

/** Field 22 of Linux's /proc/PID/stat; what stands before it in brackets may hold anything. */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null
  } catch {
    return null
  }
}

/** Signal 0 only asks. EPERM: it is there and another user's. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function ownerOf(path: string): { text: string; owner: Owner | null } {
  let text = ''
  try {
    text = readFileSync(path, 'utf8')
    const { pid, started, host } = JSON.parse(text) as Partial<Owner>
    if (typeof pid !== 'number' || !Number.isInteger(pid) || pid < 1 || typeof host !== 'string')
      return { text, owner: null }
    return { text, owner: { pid, host, started: typeof started === 'string' ? started : null } }
  } catch {
    return { text, owner: null }
  }
}

/** A lock is made whole or not at all, so what does not read is no running process's. */
function isStale(owner: Owner | null): boolean {
  if (owner === null) return true
  if (owner.host !== hostname()) return false
  if (!isAlive(owner.pid)) return true
  return owner.started !== null && startOf(owner.pid) !== owner.started
}

/** Where the file system has no second names for a file. */
const NO_LINKS = ['EPERM', 'ENOTSUP', 'ENOSYS', 'EOPNOTSUPP', 'EINVAL']

const aside = (path: string) => `${path}-${randomBytes(8).toString('hex')}`
const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code ?? ''

/** Creates `path` with the whole text at once. False where it is there already. */
function create(path: string, text: string): boolean {
  const temporary = aside(path)
  try {
    writeFileSync(temporary, text, { flag: 'wx' })
    try {
      linkSync(temporary, path)
    } catch (error) {
      if (!NO_LINKS.includes(codeOf(error))) throw error
      writeFileSync(path, text, { flag: 'wx' })
    }
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw explain(path, 'written', error)
  } finally {
    rmSync(temporary, { force: true })
  }
}

/** Removes a stale lock of this text. Two processes may find it at once: what the other put in its place is put back. */
function remove(path: string, text: string): void {
  const away = aside(path)
  try {
    renameSync(path, away)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return
    throw explain(path, 'removed', error)
  }
  try {
    if (readFileSync(away, 'utf8') !== text) linkSync(away, path)
  } catch {
    // There is another one by now.
  } finally {
    rmSync(away, { force: true })
  }
}

/** Others that found the same stale lock may move this one aside and put it back: whose it is shows a little later. */
const SETTLED_MS = 50

function stays(path: string, text: string): boolean {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, SETTLED_MS)
  return ownerOf(path).text === text
}

/**
 * Takes a folder for this process; the function that is returned gives it back, and so does the end of the process. Throws
 * CheckpointError, naming the process, where another one has it. A lock whose process is gone is taken over.
 */
export const lockFolder = (folder: string): (() => void) => lock(folder, join(folder, LOCK))

/** The same for a file that is to be written, there or not. */
export const lockFile = (path: string): (() => void) => lock(path, `${path}.lock`)

/** `what` is taken by the file `path`. */
function lock(what: string, path: string): () => void {
  const own: Owner = { pid: process.pid, started: startOf(process.pid), host: hostname() }
  const mine = `${JSON.stringify(own)}\n`
  let contended = false
  while (!(create(path, mine) && (!contended || stays(path, mine)))) {
    const { text, owner } = ownerOf(path)
    // Put back by another process that had moved it aside.
    if (contended && text === mine && !held.has(path)) break
    if (!isStale(owner)) throw inUse(what, path, owner as Owner)
    contended = true
    remove(path, text)
  }
  held.add(path)
  return () => {
    held.delete(path)
    rmSync(path, { force: true })
  }
}

function inUse(what: string, path: string, { pid, host }: Owner): CheckpointError {
  const where = host === hostname() ? `process ${pid}` : `process ${pid} on ${host}`
  const remedy =
    host === hostname()
      ? 'Wait for it, stop it, or choose another place'
      : `Choose another place, or remove ${path} if that machine no longer uses it`
  return new CheckpointError(what, `is in use by ${where}`, remedy)
}
