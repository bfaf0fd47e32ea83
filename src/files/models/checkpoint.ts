// A model's weights from its folder: one safetensors file, or shards and the index that says which holds what.
import { readdirSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, join, sep } from 'node:path'
import { CheckpointError } from '../../errors.js'
import { scanJson, shown } from '../../formats/json.js'
import { QUANTIZED } from '../../formats/quantized.js'
import type { Entry } from '../../formats/safetensors/header.js'
import type { SafetensorsContent } from '../../formats/safetensors/safetensors.js'
import { explain, readText } from '../disk.js'
import { noModel } from './other-folders.js'
import { isPickle, refusePickle } from './pickles.js'
import { WeightFile } from './weights.js'

export const SINGLE = 'model.safetensors'
export const INDEX = 'model.safetensors.index.json'

/** All shards are open at once, and a process may have about a thousand files open. */
const MAX_SHARDS = 500
const MAX_INDEX_BYTES = 2 ** 24
const REPAIR = 'Download or save the folder again'

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined
}

/**
 * The weight files of a folder, open and with their headers checked, and with an index checked against it: each tensor
 * in exactly the shard that the index names, none missing, none extra. A path to one file gives that file.
 * Throws a CheckpointError, every file closed again. Close them.
 */
export function openCheckpoint(path: string, maxHeaderBytes?: number): WeightFile[] {
  let folder = false
  try {
    folder = statSync(path).isDirectory()
  } catch (error) {
    throw explain(path, 'read', error)
  }
  if (!folder) return isPickle(basename(path)) ? refusePickle(path) : [WeightFile.open(path, maxHeaderBytes)]
  if (exists(join(path, SINGLE))) return [WeightFile.open(join(path, SINGLE), maxHeaderBytes)]
  if (exists(join(path, INDEX))) return openShards(path, maxHeaderBytes)
  if (exists(join(path, QUANTIZED))) return [WeightFile.open(join(path, QUANTIZED), maxHeaderBytes)]
  const pickle = readdirSync(path).filter(isPickle).sort()[0]
  if (pickle !== undefined) refusePickle(join(path, pickle))
  throw noModel(path, SINGLE)
}

/** Which tensors each shard must hold. */
export function readIndex(file: string): Map<string, Set<string>> {
  const fail = (reason: string): never => {
    throw new CheckpointError(file, reason, REPAIR)
  }
  const index = scanJson(readText(file, MAX_INDEX_BYTES), (reason) => fail(`it ${reason}`), {
    fractions: true,
  })
  const map = index instanceof Map ? index.get('weight_map') : undefined
  if (!(map instanceof Map)) return fail('weight_map is missing or not an object')
  const shards = new Map<string, Set<string>>()
  for (const [tensor, shard] of map) {
    if (typeof shard !== 'string') return fail(`weight_map ${shown(tensor)} is not a string`)
    if (!isShardName(shard))
      fail(`weight_map ${shown(tensor)}: ${shown(shard)} is not the name of a .safetensors file beside it`)
    const names = shards.get(shard)
    if (names) names.add(tensor)
    else shards.set(shard, new Set([tensor]))
  }
  if (shards.size === 0) fail('weight_map is empty')
  if (shards.size > MAX_SHARDS) fail(`names ${shards.size} shards, at most ${MAX_SHARDS} are read`)
  return shards
}

/** A plain file name, the same on every system: no folder, no drive, nothing hidden. */
function isShardName(name: string): boolean {
  return (
    /^[^.\\/:\p{Cc}\p{Zl}\p{Zp}][^\\/:\p{Cc}\p{Zl}\p{Zp}]*\.safetensors$/u.test(name) && name.length <= 255
  )
}

/** Throws where a link leads out of the folder. The hub's cache, snapshots/<commit>/x -> ../../blobs/y, is known. */
export function checkInside(folder: string, path: string): void {
  let inside = false
  try {
    const root = realpathSync(folder)
    const real = realpathSync(path)
    const blobs = join(root, '../../blobs')
    inside =
      real.startsWith(root.endsWith(sep) ? root : root + sep) ||
      (basename(dirname(root)) === 'snapshots' && real.startsWith(blobs + sep))
  } catch (error) {
    throw explain(path, 'read', error)
  }
  if (!inside)
    throw new CheckpointError(path, 'is a link out of its folder', 'Copy the file itself into the folder')
}

function openShards(folder: string, maxHeaderBytes?: number): WeightFile[] {
  const index = join(folder, INDEX)
  const opened: WeightFile[] = []
  try {
    for (const [shard, names] of readIndex(index)) {
      const path = join(folder, shard)
      checkInside(folder, path)
      const file = WeightFile.open(path, maxHeaderBytes)
      opened.push(file)
      const held = new Set(file.header.entries.map((entry) => entry.name))
      const missing = [...names].find((name) => !held.has(name))
      const extra = [...held].find((name) => !names.has(name))
      if (missing !== undefined)
        throw new CheckpointError(path, `lacks tensor ${shown(missing)}, which ${INDEX} puts there`, REPAIR)
      if (extra !== undefined)
        throw new CheckpointError(
          path,
          `holds tensor ${shown(extra)}, which ${INDEX} does not put there`,
          REPAIR,
        )
    }
    return opened
  } catch (error) {
    for (const file of opened) file.close()
    throw error
  }
}

/**
 * All tensors of a model folder (model.safetensors, or shards with model.safetensors.index.json) or of one safetensors
 * file, and their metadata; dtypes as readSafetensors. Everything is checked before the first tensor is allocated, and
 * beside the tensors no more than 1 MiB of the files is in memory. Throws a CheckpointError naming file and reason;
 * weights as Python pickles are refused with the line that converts them.
 */
export function readCheckpoint(
  path: string,
  { maxHeaderBytes }: { maxHeaderBytes?: number } = {},
): SafetensorsContent {
  const files = openCheckpoint(path, maxHeaderBytes)
  try {
    const each = (visit: (file: WeightFile, entry: Entry) => void) => {
      for (const file of files) for (const entry of file.header.entries) visit(file, entry)
    }
    each((file, entry) => file.check(entry))
    const tensors: SafetensorsContent['tensors'] = new Map()
    each((file, entry) => tensors.set(entry.name, file.tensor(entry)))
    // Shards repeat their metadata; where they differ the first counts.
    const metadata = new Map(files.toReversed().flatMap((file) => [...file.header.metadata]))
    return { tensors, metadata }
  } finally {
    for (const file of files) file.close()
  }
}
