// One process a folder or file: a file beside it with the process that has it, taken over from one that is gone. Of another
// machine's process nobody here can tell whether it runs; so a lock is a lease, renewed by its time of change while its process
// lives.
import { randomBytes } from 'node:crypto'
import { linkSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { CheckpointError } from '../errors.js'
import { explain } from './disk.js'

export const LOCK = '.tinystill-lock'

interface Owner {
  pid: number
  /** When the process was started, by the system's clock ticks: numbers of processes come again. Null: not known. */
  started: string | null
  host: string
}

const RENEWED_MS = 15_000
/** Another machine's lock that is older is taken over. */
const STALE_MS = 120_000

/** Locks that this process holds, with their text. */
const held = new Map<string, string>()

process.on('exit', () => {
  for (const [path, mine] of held) giveBack(path, mine)
})

/** Unless another machine has taken it over. */
function giveBack(path: string, mine: string): void {
  held.delete(path)
  try {
    if (readFileSync(path, 'utf8') === mine) rmSync(path, { force: true })
  } catch {
    // Gone already.
  }
}

/** In a thread of its own: the main one may compute for minutes without a pause. */
const renewing = `
const { closeSync, openSync, readFileSync, writeSync } = require('node:fs')
const { path, mine, ms } = require('node:worker_threads').workerData
setInterval(() => {
  try {
    const file = openSync(path, 'r+')
    try {
      // The same text once more: the disk says when, by its own clock.
      if (readFileSync(file, 'utf8') === mine) writeSync(file, mine, 0)
    } finally {
      closeSync(file)
    }
  } catch {}
}, ms)`

/** Renews a lock until it is ended. Where there are no threads it is not renewed, and is good for two minutes elsewhere. */
function renewed(path: string, mine: string): () => void {
  try {
    // Without the process' own arguments: --input-type=module would make a module of it.
    const options = { eval: true, execArgv: [], workerData: { path, mine, ms: RENEWED_MS } }
    const worker = new Worker(renewing, options)
    worker.on('error', () => {})
    worker.unref()
    return () => void worker.terminate()
  } catch {
    return () => {}
  }
}

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

/** Milliseconds since a lock was renewed, by the clock of the disk that it lies on; null where it is gone. */
function ageOf(path: string): number | null {
  const probe = aside(path)
  try {
    writeFileSync(probe, '', { flag: 'wx' })
    return statSync(probe).mtimeMs - statSync(path).mtimeMs
  } catch {
    return null
  } finally {
    rmSync(probe, { force: true })
  }
}

/** A lock is made whole or not at all, so what does not read is no running process's. */
function isStale(path: string, owner: Owner | null): boolean {
  if (owner === null) return true
  if (owner.host !== hostname()) return (ageOf(path) ?? 0) > STALE_MS
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

export interface LockOptions {
  /**
   * Takes it from a process of another machine, however lately that renewed it: somebody knows that it is gone, or is to stop.
   * Where it is not gone it finds out by checkHeld(). A process of this machine can be looked for, and ended, so it keeps it.
   */
  takeOver?: boolean | undefined
}

const lockOf = (folder: string): string => join(folder, LOCK)

/**
 * Takes a folder for this process; the function that is returned gives it back, and so does the end of the process. Throws
 * CheckpointError, naming the process, where another one has it. A lock whose process is gone is taken over; one of another
 * machine when it was not renewed for two minutes.
 */
export function lockFolder(folder: string, options: LockOptions = {}): () => void {
  const taken = lock(lockOf(folder), options)
  if (typeof taken === 'function') return taken
  throw inUse(folder, lockOf(folder), taken)
}

/** The same for a file that is to be written, there or not. */
export function lockFile(path: string): () => void {
  const taken = lock(fileLock(path), {})
  if (typeof taken === 'function') return taken
  throw inUse(path, fileLock(path), taken)
}

const fileLock = (path: string): string => `${path}.lock`

/** lockFile where others may be at work: null while another process has it. */
export function tryLockFile(path: string): (() => void) | null {
  const taken = lock(fileLock(path), {})
  return typeof taken === 'function' ? taken : null
}

/** Removes the lock of a file whose process is gone: nobody takes what there is nothing left to do for. */
export function tidyFileLock(file: string): void {
  const path = fileLock(file)
  const { text, owner } = ownerOf(path)
  if (text !== '' && isStale(path, owner)) remove(path, text)
}

/** Whether a process has a folder, this one or another. By the time that this is read it may have given it back. */
export function isLocked(folder: string): boolean {
  const path = lockOf(folder)
  const { text, owner } = ownerOf(path)
  return text !== '' && !isStale(path, owner)
}

/**
 * Throws CheckpointError where a folder that this process took is another one's by now: it was stopped for longer than its lease,
 * or the other was told to take it. To be asked before something is written that the other would not expect. What was never taken
 * passes.
 */
export function checkHeld(folder: string): void {
  if (isHeld(folder)) return
  const { owner } = ownerOf(lockOf(folder))
  const by = owner === null ? '' : ` by process ${owner.pid} on ${owner.host}`
  throw new CheckpointError(
    folder,
    `was taken over${by}: it was told to, or this process had not answered for ${STALE_MS / 60_000} minutes`,
    'Nothing more is written by this one: the other goes on',
  )
}

/** The same as an answer. */
export const isHeld = (folder: string): boolean => stillMine(lockOf(folder))

/** Of a file. */
export const isFileHeld = (path: string): boolean => stillMine(fileLock(path))

function stillMine(path: string): boolean {
  const mine = held.get(path)
  return mine === undefined || ownerOf(path).text === mine
}

/** Takes what the file `path` stands for; or who has it. */
function lock(path: string, { takeOver = false }: LockOptions): (() => void) | Owner {
  const own: Owner = { pid: process.pid, started: startOf(process.pid), host: hostname() }
  const mine = `${JSON.stringify(own)}\n`
  let contended = false
  while (!(create(path, mine) && (!contended || stays(path, mine)))) {
    const { text, owner } = ownerOf(path)
    // Put back by another process that had moved it aside.
    if (contended && text === mine && !held.has(path)) break
    if (!isStale(path, owner) && !(takeOver && owner?.host !== hostname())) return owner as Owner
    contended = true
    remove(path, text)
  }
  held.set(path, mine)
  const end = renewed(path, mine)
  return () => {
    end()
    giveBack(path, mine)
  }
}

function inUse(what: string, path: string, { pid, host }: Owner): CheckpointError {
  const here = host === hostname()
  const ago = here ? null : ageOf(path)
  const where = here
    ? `process ${pid}`
    : `process ${pid} on ${host}${ago === null ? '' : `, which said so ${Math.max(0, Math.round(ago / 1000))} s ago`}`
  const remedy = here
    ? 'Wait for it, stop it, or choose another place'
    : `Wait for it or choose another place; ${STALE_MS / 60_000} minutes after the last sign of it the folder is free, and trainings take it at once by --take-over`
  return new CheckpointError(what, `is in use by ${where}`, remedy)
}
