// A cache that grows by whole shards. The shard is safe on the disk before cache.json names it, so that a run killed at any
// moment leaves a cache that is whole as far as it goes.
import { readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { CheckpointError } from '../../errors.js'
import { bytesOf } from '../../formats/safetensors/dtypes.js'
import { writeSafetensors } from '../../formats/safetensors/safetensors.js'
import type { Tensor } from '../../tensor/tensor.js'
import { makeFolder, writeAtomic } from '../disk.js'
import { hashFile } from '../hash.js'
import { checkHeld } from '../lock.js'
import { sha256 } from './facts.js'
import {
  type CacheFacts,
  type CacheManifest,
  checkSame,
  MANIFEST,
  readManifest,
  shardName,
  writeManifest,
} from './manifest.js'

const has = (path: string) => statSync(path, { throwIfNoEntry: false }) !== undefined

/** Writes a cache, shard by shard. */
export class CacheWriter {
  #manifest: CacheManifest
  /** The shard that was missing or damaged when a cache was gone on with; it and those after it are written anew. */
  readonly damaged: string | null

  private constructor(
    readonly folder: string,
    manifest: CacheManifest,
    damaged: string | null,
  ) {
    this.#manifest = manifest
    this.damaged = damaged
  }

  /**
   * A new cache; or with `resume`, where there is one already, that one, cut off before the first shard that is missing or
   * has changed. Throws CheckpointError for a folder that holds a cache without `resume`, and with it where the teacher,
   * its tokenizer, the data or a setting differ: names the field and both values.
   */
  static open(folder: string, facts: CacheFacts, { resume = false }: { resume?: boolean } = {}): CacheWriter {
    const path = join(folder, MANIFEST)
    if (!has(path)) {
      makeFolder(folder)
      return new CacheWriter(folder, { ...facts, complete: false, rows: 0, shards: [] }, null)
    }
    if (!resume)
      throw new CheckpointError(
        path,
        'holds a cache already',
        'Go on with it by --resume, or choose another folder',
      )
    const found = readManifest(folder)
    checkSame(folder, found, facts)
    // One of before is made what is written now.
    const there = found.teacher.tokenizer === null ? { ...found, teacher: facts.teacher } : found
    removeLeftovers(folder)
    const bad = there.shards.findIndex(({ file, sha256 }) => {
      const shard = join(folder, file)
      return !has(shard) || hashFile(shard).sha256 !== sha256
    })
    if (bad < 0) return new CacheWriter(folder, there, null)
    const shards = there.shards.slice(0, bad)
    const rows = shards.reduce((n, shard) => n + shard.rows, 0)
    return new CacheWriter(folder, { ...there, complete: false, rows, shards }, there.shards[bad].file)
  }

  get manifest(): Readonly<CacheManifest> {
    return this.#manifest
  }

  /** Of all shards. */
  get bytes(): number {
    return this.#manifest.shards.reduce((n, shard) => n + shard.bytes, 0)
  }

  /** `keys` int32 [rows, 2] and the values of the same rows, by name. Throws CheckpointError; what is there stays whole. */
  add(keys: Tensor, values: Iterable<readonly [string, Tensor]>): void {
    const { settings, shards, rows } = this.#manifest
    const file = shardName(shards.length)
    const dtype = settings.dtype === 'float16' ? 'F16' : 'F32'
    const bytes = writeSafetensors([['keys', keys], ...values], { dtype })
    const written = writeAtomic(join(this.folder, file), bytes)
    const added = keys.shape[0]
    const shard = {
      ...{ file, rows: added, bytes: bytes.length, sha256: written },
      keys: sha256(bytesOf(keys.elements).slice()),
    }
    this.#save({ ...this.#manifest, rows: rows + added, shards: [...shards, shard] })
  }

  /** All of the data is in. */
  finish(): void {
    this.#save({ ...this.#manifest, complete: true })
  }

  #save(manifest: CacheManifest): void {
    checkHeld(this.folder)
    writeManifest(this.folder, manifest)
    this.#manifest = manifest
  }
}

/** Of writes that a kill cut off, a shard's size each. */
function removeLeftovers(folder: string): void {
  for (const name of readdirSync(folder)) {
    if (/^\.tinystill-[0-9a-f]{16}\.tmp$/.test(name)) rmSync(join(folder, name), { force: true })
  }
}
