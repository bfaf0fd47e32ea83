// Checkpoints of a run: state of any kind as tensors and facts. The newest is believed only after its bytes were read back
// from the disk and found right, and the one before it stays until then, and after.
import * as nodeFs from 'node:fs'
import { join } from 'node:path'
import { CheckpointError } from '../errors.js'
import { safetensorsPieces } from '../formats/safetensors/safetensors.js'
import type { Tensor } from '../tensor/tensor.js'
import { type FileSystem, makeFolder, writeAtomic } from './disk.js'
import { hashFile } from './hash.js'
import { readFields } from './json-file.js'
import { readCheckpoint } from './models/on-disk.js'

const FORMAT = 'tinystill-checkpoint'
const VERSION = 1
const MANIFEST = /^step-(\d{9})\.json$/
/** What save() makes, finished or cut off. */
const OURS = /^(step-\d{9}\.(json|safetensors)|\.tinystill-[0-9a-f]{16}\.tmp)$/
const KEPT = 2

export interface SavedState {
  /** Steps done. */
  step: number
  /** Whatever JSON holds; hostile until checked. */
  facts: ReadonlyMap<string, unknown>
  tensors: Map<string, Tensor>
}

const nameOf = (step: number) => `step-${String(step).padStart(9, '0')}`

export class CheckpointFolder {
  /** Steps of the checkpoints that are known to be good, oldest first. */
  #good: number[] = []

  /** check: called before a checkpoint is written, before its manifest is, and before others go; throws where nothing may. */
  constructor(
    readonly folder: string,
    readonly fs: FileSystem = nodeFs,
    readonly check: () => void = () => {},
  ) {}

  /**
   * Tensors first, then the manifest with their hash: a checkpoint is there when its manifest is. Throws CheckpointError
   * when it cannot be written or reads back otherwise; the ones before it are whole then. Returns the bytes written.
   */
  save(
    step: number,
    tensors: Iterable<readonly [string, Tensor]>,
    facts: Readonly<Record<string, unknown>>,
  ): number {
    this.check()
    makeFolder(this.folder)
    const path = join(this.folder, `${nameOf(step)}.safetensors`)
    const { size, pieces } = safetensorsPieces(tensors)
    const sha256 = writeAtomic(path, pieces, this.fs)
    this.check()
    const manifest = { format: FORMAT, version: VERSION, step, bytes: size, sha256, facts }
    writeAtomic(join(this.folder, `${nameOf(step)}.json`), `${JSON.stringify(manifest)}\n`, this.fs)
    this.#good = [...this.#good.filter((s) => s !== step), step].slice(-KEPT)
    this.#removeOthers()
    return size
  }

  /** The newest whole checkpoint; null where there is none. Those that are damaged are told to `warn`, newest first. */
  newest(warn: (line: string) => void): SavedState | null {
    for (const step of this.#steps()) {
      try {
        const state = this.#read(step)
        this.#good = [step]
        return state
      } catch (error) {
        if (!(error instanceof CheckpointError)) throw error
        warn(`${error.message}. The checkpoint before it is taken`)
      }
    }
    return null
  }

  /** Whether there is any, damaged ones included. */
  get empty(): boolean {
    return !this.#names().some((name) => MANIFEST.test(name))
  }

  #read(step: number): SavedState {
    const given = readFields(join(this.folder, `${nameOf(step)}.json`))
    given.oneOf('format', [FORMAT])
    given.oneOf('version', [VERSION])
    given.oneOf('step', [step])
    const facts = given.get('facts')
    if (typeof facts !== 'object' || facts === null || Array.isArray(facts))
      given.refuse('facts', 'an object')
    const path = join(this.folder, `${nameOf(step)}.safetensors`)
    if (hashFile(path).sha256 !== given.get('sha256'))
      throw new CheckpointError(path, 'is damaged: its SHA-256 is not the one of its manifest')
    return { step, facts: new Map(Object.entries(facts as object)), tensors: readCheckpoint(path).tensors }
  }

  #names(): string[] {
    try {
      return nodeFs.readdirSync(this.folder)
    } catch {
      return []
    }
  }

  /** Of all that have a manifest, newest first. */
  #steps(): number[] {
    return this.#names()
      .flatMap((name) => MANIFEST.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => b - a)
  }

  /** Removes all but the newest: a run that was killed while it did so left more, and may have nothing to save any more. */
  removeOlder(): void {
    this.#good = this.#steps().slice(0, KEPT).reverse()
    this.#removeOthers()
  }

  /** Manifests first: without it a checkpoint is none. */
  #removeOthers(): void {
    this.check()
    const kept = this.#good.map(nameOf)
    const others = this.#names().filter((name) => OURS.test(name) && !kept.includes(name.split('.')[0]))
    for (const name of others.sort()) this.fs.rmSync(join(this.folder, name), { force: true })
  }

  /** Removes all checkpoints, and the folder where nothing else is in it. */
  clear(): void {
    this.#good = []
    this.#removeOthers()
    try {
      nodeFs.rmdirSync(this.folder)
    } catch {}
  }
}
