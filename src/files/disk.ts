// Files on disk: reading with clear refusals, and writing so that a path holds the old content or the new, never half.
import { createHash, randomBytes } from 'node:crypto'
import * as nodeFs from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { CheckpointError, TinystillError } from '../errors.js'
import { decodeText } from '../formats/utf8.js'

/** What writeAtomic needs of node:fs; tests pass one that fails. Spelled out: programs without Node's types import this too. */
export interface FileSystem {
  openSync(path: string, flags: string): number
  writeSync(file: number, bytes: Uint8Array, offset: number, length: number): number
  fsyncSync(file: number): void
  closeSync(file: number): void
  renameSync(from: string, to: string): void
  rmSync(path: string, options: { force: boolean }): void
}

/** A call to read or write takes at most 2 GiB; longer files go in steps of this. */
const STEP = 2 ** 30
const PIECE = 2 ** 16

/** By error code: what it means, and what to do. */
const causes: Record<string, [string, string]> = {
  ENOSPC: ['the disk is full', 'Free space there or choose another folder'],
  EDQUOT: ['your disk quota is used up', 'Free space there or choose another folder'],
  EFBIG: ['the file system does not take a file this large', 'Choose another folder'],
  EACCES: ['permission denied', 'Check the rights of the file and its folder'],
  EPERM: ['permission denied', 'Check the rights of the file and its folder'],
  EROFS: ['the file system is read-only', 'Choose another folder'],
  ENOENT: ['no such file or folder', 'Check the path'],
  ENOTDIR: ['part of the path is a file, not a folder', 'Check the path'],
  EISDIR: ['it is a folder', 'Name a file'],
  ELOOP: ['its symbolic links go in a circle', 'Check the path'],
  ENAMETOOLONG: ['the name is too long', 'Choose a shorter one'],
  EMFILE: ['too many files are open', 'Raise the limit (ulimit -n)'],
  EIO: ['the device reports an error', 'Check the disk'],
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

/** The CheckpointError for what the system said: `after` tells what state things are in. */
export function explain(path: string, action: string, error: unknown, after = ''): CheckpointError {
  if (error instanceof CheckpointError) return error
  const [reason, hint] = causes[codeOf(error)] ?? [error instanceof Error ? error.message : String(error)]
  const told = new CheckpointError(path, `cannot be ${action}: ${reason}${after}`, hint)
  told.cause = error
  return told
}

/** Whether it was for want of room: what comes next will find none either. */
export const isFull = (error: unknown): boolean =>
  error instanceof Error && (['ENOSPC', 'EDQUOT'].includes(codeOf(error)) || isFull(error.cause))

/** An error about a folder that is made aside, as one about the folder that was named. */
export function toldOf(error: unknown, aside: string, folder: string): unknown {
  if (!(error instanceof CheckpointError) || !error.message.includes(aside)) return error
  const told = new CheckpointError(error.file.replaceAll(aside, folder), '')
  told.message = error.message.replaceAll(aside, folder)
  return Object.assign(told, { cause: error.cause, hint: error.hint })
}

/**
 * Writes `data` under a temporary name in the same folder, forces it to disk, reads it back, and renames it to `path`: after
 * a crash or power cut `path` is the old file or the new one. A symbolic link at `path` is replaced, not followed.
 * Data may come in pieces, one held at a time. Gives the SHA-256 of it in hexadecimal digits.
 * Throws a CheckpointError when it cannot, or where it reads back otherwise; the old file is intact then and the temporary one
 * gone.
 */
export function writeAtomic(
  path: string,
  data: ArrayBufferView | string | Iterable<Uint8Array>,
  fs: FileSystem = nodeFs,
): string {
  const folder = dirname(path)
  const temporary = join(folder, `.tinystill-${randomBytes(8).toString('hex')}.tmp`)
  const [given, found] = [createHash('sha256'), createHash('sha256')]
  let created = false
  let sha256: string
  try {
    const file = fs.openSync(temporary, 'wx')
    created = true
    try {
      for (const piece of piecesOf(data)) {
        writeAll(fs, file, piece)
        given.update(piece)
      }
      fs.fsyncSync(file)
    } finally {
      fs.closeSync(file)
    }
    sha256 = given.digest('hex')
    readPieces(temporary, (piece) => found.update(piece))
    if (found.digest('hex') !== sha256)
      throw new CheckpointError(path, 'reads back otherwise than it was written', 'Check the disk')
    fs.renameSync(temporary, path)
  } catch (error) {
    if (created) remove(fs, temporary)
    // Of the source of the pieces: nothing is wrong with the file.
    if (error instanceof TinystillError) throw toldOf(error, temporary, path)
    throw explain(path, 'written', error, '; what was there before is unchanged')
  }
  try {
    syncFolder(fs, folder)
  } catch (error) {
    throw explain(path, 'made safe', error, '; it is written, but a power cut now may undo that')
  }
  return sha256
}

/** Why a folder cannot be made: of a disk that is read-only Node says of several folders at once that they are not there. */
function causeOf(folder: string, error: unknown, fs: FolderSystem): unknown {
  if (codeOf(error) !== 'ENOENT') return error
  let first = resolve(folder)
  while (!fs.existsSync(dirname(first)) && dirname(first) !== first) first = dirname(first)
  try {
    fs.mkdirSync(first)
    return error
  } catch (own) {
    return own
  }
}

/** Spelled out as well. */
interface FolderSystem {
  mkdirSync(path: string, options?: { recursive: true }): unknown
  existsSync(path: string): boolean
}

/** Makes a folder and those above it. Throws a CheckpointError when it cannot. */
export function makeFolder(folder: string, fs: FolderSystem = nodeFs): void {
  try {
    fs.mkdirSync(folder, { recursive: true })
  } catch (failed) {
    const error = causeOf(folder, failed, fs)
    const reason = error instanceof Error ? error.message.split(',')[0] : String(error)
    throw new CheckpointError(folder, `the folder cannot be made: ${reason}`, 'Choose another one')
  }
}

/** A file of a folder: its name, and what it holds. */
export type FileContent = readonly [name: string, data: string | Iterable<Uint8Array>]

/** Writes files one after the other, each whole, making the folder where it is missing. Throws as writeAtomic does. */
export function writeFolder(folder: string, files: Iterable<FileContent>): void {
  makeFolder(folder)
  for (const [name, data] of files) writeAtomic(join(folder, name), data)
}

/**
 * Gives a finished folder its name, which nobody has yet: one rename, whole or not at all. False where the name is taken; the
 * folder then stays where it is. Both lie on one disk. Throws a CheckpointError when it cannot.
 */
export function publishFolder(from: string, to: string): boolean {
  try {
    nodeFs.renameSync(from, to)
  } catch (error) {
    // A folder that holds something takes no other in its place.
    if (['ENOTEMPTY', 'EEXIST'].includes(codeOf(error))) return false
    if (codeOf(error) === 'EPERM' && isFolder(to)) return false
    throw explain(to, 'written', error)
  }
  try {
    syncFolder(nodeFs, dirname(to))
  } catch (error) {
    throw explain(to, 'made safe', error, '; it is written, but a power cut now may undo that')
  }
  return true
}

function piecesOf(data: ArrayBufferView | string | Iterable<Uint8Array>): Iterable<Uint8Array> {
  if (typeof data === 'string') return [new TextEncoder().encode(data)]
  // In bytes whatever the view: counting elements would cut a Float32Array to a quarter.
  return ArrayBuffer.isView(data) ? [new Uint8Array(data.buffer, data.byteOffset, data.byteLength)] : data
}

/** A write may take fewer bytes than it is given. */
function writeAll(fs: FileSystem, file: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) {
    const n = fs.writeSync(file, bytes, done, Math.min(bytes.length - done, STEP))
    if (n === 0) throw new Error(`the system takes no more after ${done} of ${bytes.length} bytes`)
    done += n
  }
}

/** Fails in silence: the error that led here is the one to tell. */
function remove(fs: FileSystem, path: string): void {
  try {
    fs.rmSync(path, { force: true })
  } catch {}
}

/** Windows, and some network and user-space file systems, cannot sync a folder: there the rename has to do. */
const NO_FOLDER_SYNC = ['EISDIR', 'EPERM', 'EACCES', 'EINVAL', 'ENOTSUP', 'ENOSYS']

/** Makes new names in the folder durable. */
export function syncFolder(fs: FileSystem, folder: string): void {
  let handle: number | null = null
  try {
    handle = fs.openSync(folder, 'r')
    fs.fsyncSync(handle)
  } catch (error) {
    if (!NO_FOLDER_SYNC.includes(codeOf(error))) throw error
  } finally {
    if (handle !== null) fs.closeSync(handle)
  }
}

/** A file open for reading. Throws a CheckpointError if it is missing or no regular file. */
export function openFile(path: string): { file: number; size: number } {
  // Before opening, because opening a named pipe would wait for a writer.
  const size = sizeOf(path)
  try {
    return { file: nodeFs.openSync(path, 'r'), size }
  } catch (error) {
    throw explain(path, 'read', error)
  }
}

/** Bytes of a file. Throws a CheckpointError for what is no file, and where there is none. */
export function sizeOf(path: string): number {
  try {
    const stat = nodeFs.statSync(path)
    if (stat.isDirectory()) throw new CheckpointError(path, 'is a folder', 'Name a file in it')
    if (!stat.isFile()) throw new CheckpointError(path, 'is not a regular file', 'Copy its content to a file')
    return stat.size
  } catch (error) {
    throw explain(path, 'read', error)
  }
}

/** Passes a file's bytes on, piece by piece; each is another's place after the call. Throws a CheckpointError as openFile does. */
export function readPieces(path: string, each: (piece: Uint8Array) => void): void {
  const { file } = openFile(path)
  const piece = new Uint8Array(PIECE)
  try {
    for (let n = nodeFs.readSync(file, piece); n > 0; n = nodeFs.readSync(file, piece))
      each(piece.subarray(0, n))
  } catch (error) {
    throw explain(path, 'read', error)
  } finally {
    nodeFs.closeSync(file)
  }
}

/** The whole file. Throws a CheckpointError if it is missing, no regular file, or longer than `maxBytes`. */
export function readBytes(path: string, maxBytes = Number.MAX_SAFE_INTEGER): Uint8Array {
  const { file, size } = openFile(path)
  try {
    if (size > maxBytes)
      throw new CheckpointError(path, `has ${size} bytes, at most ${maxBytes} are read here`)
    const bytes = new Uint8Array(size)
    fillFrom(path, file, bytes, 0)
    return bytes
  } catch (error) {
    throw explain(path, 'read', error)
  } finally {
    nodeFs.closeSync(file)
  }
}

/** Fills `bytes` from place `at` of an open file. Throws a CheckpointError where the file ends before. */
export function fillFrom(path: string, file: number, bytes: Uint8Array, at: number): void {
  try {
    for (let done = 0; done < bytes.length; ) {
      const n = nodeFs.readSync(file, bytes, done, Math.min(bytes.length - done, STEP), at + done)
      if (n === 0)
        throw new CheckpointError(path, `ends at byte ${at + done}`, 'It was changed while it was read')
      done += n
    }
  } catch (error) {
    throw explain(path, 'read', error)
  }
}

/** The longest string that V8 makes. */
const MAX_TEXT = 2 ** 29 - 24

/** The whole file as text, without a byte order mark. Throws as readBytes does, and for the first line not in UTF-8. */
export const readText = (path: string, maxBytes = MAX_TEXT): string =>
  decodeText(path, readBytes(path, maxBytes))

/** Whether a folder is there under this path: false for a file, and for nothing. */
export const isFolder = (path: string): boolean =>
  nodeFs.statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
