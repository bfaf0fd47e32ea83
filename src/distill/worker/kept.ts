// A job's trainings as files, so that one that was ended in the middle goes on with the same weights: two files a training,
// written by turns, of which the newer whole one counts. A page's worker has them in the origin's private file system:
// https://fs.spec.whatwg.org/#api-filesystemsyncaccesshandle
import { BackendError, CheckpointError } from '../../errors.js'
import { readHeader } from '../../formats/safetensors/header.js'
import { readSafetensors, writeSafetensors } from '../../formats/safetensors/safetensors.js'
import { sha256 } from '../../formats/sha256.js'
import type { FitStore } from '../../train/fit-state.js'
import { RunState, type SaveEvery, type StatePlace } from '../../train/run-state.js'
import { VERSION } from '../../version.js'
import type { DistilJob } from './job.js'

/** Open for reading and writing, by nobody else. */
export interface KeptFile {
  /** The whole of it. */
  read(): Uint8Array
  /** In place of what it held. */
  write(bytes: Uint8Array): void
}

/** Opens the two files of a training. */
export type OpenKept = (training: string) => Promise<readonly KeptFile[]>

/** Milliseconds of training between two states: what is lost where a tab is closed. */
const EVERY = 5000
/** Bytes of SHA-256, which come first: what was written by half is none of ours. */
const HASH = 32
const HEADER = 2 ** 24

const hex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')

/** Of everything that decides on the weights, the engine too: the state of another job is no state of this one. */
export function identityOf({ teacher, ...rest }: DistilJob): string {
  const files = 'files' in teacher ? Object.entries(teacher.files) : []
  const hashes = files.map(([name, given]) => [name, typeof given === 'string' ? given : hex(sha256(given))])
  const told = [VERSION, rest, hashes, { ...teacher, files: null }]
  return hex(sha256(new TextEncoder().encode(JSON.stringify(told))))
}

interface Found {
  turn: number
  step: number
  facts: ReadonlyMap<string, unknown>
  bytes: Uint8Array
}

/** What a file holds of a job; null: nothing whole. Whatever it says is a stranger's until readFacts() and fit() took it. */
function found(all: Uint8Array, job: string): Found | null {
  const bytes = all.subarray(HASH)
  if (all.length <= HASH || hex(sha256(bytes)) !== hex(all.subarray(0, HASH))) return null
  try {
    const part = { size: bytes.length, read: (n: number) => bytes.subarray(0, n) }
    const { metadata } = readHeader(part, 'state', HEADER)
    if (metadata.get('job') !== job) return null
    const { turn, step, facts } = JSON.parse(metadata.get('state') ?? 'null') ?? {}
    if (!Number.isSafeInteger(turn) || !Number.isSafeInteger(step)) return null
    return { turn, step, facts: new Map(Object.entries(facts ?? {})), bytes }
  } catch (error) {
    if (error instanceof CheckpointError || error instanceof SyntaxError) return null
    throw error
  }
}

class Turns implements StatePlace {
  #turn = 0

  constructor(
    readonly folder: string,
    readonly files: readonly KeptFile[],
    readonly job: string,
  ) {}

  newest(): ReturnType<StatePlace['newest']> {
    const [last] = this.files
      .flatMap((file) => found(file.read(), this.job) ?? [])
      .sort((a, b) => b.turn - a.turn)
    if (last === undefined) return null
    this.#turn = last.turn
    const { tensors } = readSafetensors(last.bytes, { file: this.folder, maxHeaderBytes: HEADER })
    return { step: last.step, facts: last.facts, tensors }
  }

  save(...[step, tensors, facts]: Parameters<StatePlace['save']>): number {
    const turn = ++this.#turn
    const state = JSON.stringify({ turn, step, facts })
    const bytes = writeSafetensors(tensors, {
      metadata: [
        ['job', this.job],
        ['state', state],
      ],
    })
    const all = new Uint8Array(HASH + bytes.length)
    all.set(sha256(bytes))
    all.set(bytes, HASH)
    this.files[turn % this.files.length].write(all)
    return all.length
  }

  // A run keeps two files, and its end in them: who gives the job again has its models at once.
  removeOlder(): void {}
  clear(): void {}
}

/** Where each training of a job keeps its state, by the training's name. */
export function keptIn(open: OpenKept, job: DistilJob, every: SaveEvery = { ms: EVERY }) {
  let identity: string | null = null
  return (training: string): FitStore => {
    let own: FitStore | null = null
    return {
      async load() {
        identity ??= identityOf(job)
        const place = new Turns(training, await open(training), identity)
        const quiet = { mark: () => 0, interrupted: () => null, training: () => {}, warn: () => {} }
        const options = { ...quiet, every, keep: false, now: () => performance.now() }
        own = new RunState(place, options, true).training(training)
        return own.load()
      },
      offer: (step, state) => own?.offer(step, state),
      finish: (...end) => own?.finish(...end),
    }
  }
}

/** What is used of FileSystemSyncAccessHandle, which only workers have. */
interface Handle {
  getSize(): number
  read(into: Uint8Array, options: { at: number }): number
  write(bytes: Uint8Array, options: { at: number }): number
  truncate(size: number): void
  flush(): void
  close(): void
}
interface Handles {
  createSyncAccessHandle?(): Promise<Handle>
}

/** Milliseconds between two tries, and how many. */
const [WAIT, TRIES] = [100, 50]

/** The browser lends a file to one at a time, and a tab that was closed gives it back a little later. */
async function lent(open: () => Promise<Handle>): Promise<Handle> {
  for (let left = TRIES; ; left--)
    try {
      return await open()
    } catch (error) {
      if ((error as Error).name !== 'NoModificationAllowedError' || left === 0) throw error
      await new Promise((resolve) => setTimeout(resolve, WAIT))
    }
}

/** A folder of the origin's private files, in a worker. close() leaves it to others. */
export function privateFolder(name: string): { open: OpenKept; close(): void } {
  const handles: Handle[] = []
  let full = false
  async function handleOf(file: string): Promise<Handle> {
    const refuse = (why: string) => new BackendError(`keep: the state cannot be kept in '${name}': ${why}`)
    if (typeof navigator === 'undefined' || navigator.storage?.getDirectory === undefined)
      throw refuse('there is no private file system here')
    try {
      const root = await navigator.storage.getDirectory()
      const folder = await root.getDirectoryHandle(name, { create: true })
      const found = (await folder.getFileHandle(file, { create: true })) as unknown as Handles
      if (found.createSyncAccessHandle === undefined) throw new Error('only a worker can')
      const handle = await lent(() => (found as Required<Handles>).createSyncAccessHandle())
      handles.push(handle)
      return handle
    } catch (error) {
      throw refuse((error as Error).message || (error as Error).name)
    }
  }
  const asFile = (handle: Handle): KeptFile => ({
    read() {
      const bytes = new Uint8Array(handle.getSize())
      return bytes.subarray(0, handle.read(bytes, { at: 0 }))
    },
    write(bytes) {
      if (full) return
      try {
        handle.truncate(0)
        handle.write(bytes, { at: 0 })
        handle.flush()
      } catch (error) {
        // Out of room: the training is worth more than its state, and the other file may hold one.
        full = true
        console.warn(
          `tinystill: the state of this training is not kept any more: ${(error as Error).message}`,
        )
      }
    },
  })
  return {
    open: async (training) => {
      const file = encodeURIComponent(training)
      return [asFile(await handleOf(`${file}.0`)), asFile(await handleOf(`${file}.1`))]
    },
    close: () => {
      for (const handle of handles.splice(0)) handle.close()
    },
  }
}
