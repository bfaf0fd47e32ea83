// A model's weights out of its folder: one safetensors file, or shards and the index that says which holds what.
import { CheckpointError } from '../../errors.js'
import { scanJson, shown } from '../../formats/json.js'
import { QUANTIZED } from '../../formats/quantized.js'
import type { Entry } from '../../formats/safetensors/header.js'
import type { SafetensorsContent } from '../../formats/safetensors/safetensors.js'
import type { ModelFolder } from './model-folder.js'
import type { WeightFile } from './weights.js'

export const SINGLE = 'model.safetensors'
export const INDEX = 'model.safetensors.index.json'

/** All shards are open at once, and a process may have about a thousand files open. */
const MAX_SHARDS = 500
export const MAX_INDEX_BYTES = 2 ** 24
const REPAIR = 'Download or save the folder again'

/**
 * The weight files of a folder, open and with their headers checked, and with an index checked against it: each tensor
 * in exactly the shard that the index names, none missing, none extra.
 * Throws a CheckpointError, every file closed again. Close them.
 */
export function weightFilesIn(folder: ModelFolder, maxHeaderBytes?: number): WeightFile[] {
  const one = [SINGLE, INDEX, QUANTIZED].find((name) => folder.has(name))
  if (one === undefined) throw folder.missing(SINGLE)
  return one === INDEX ? openShards(folder, maxHeaderBytes) : [folder.weights(one, { maxHeaderBytes })]
}

/** Which tensors each shard must hold. */
export function readIndex(file: string, text: string): Map<string, Set<string>> {
  const fail = (reason: string): never => {
    throw new CheckpointError(file, reason, REPAIR)
  }
  const index = scanJson(text, (reason) => fail(`it ${reason}`), {
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

function openShards(folder: ModelFolder, maxHeaderBytes?: number): WeightFile[] {
  const index = readIndex(folder.at(INDEX), folder.text(INDEX, MAX_INDEX_BYTES))
  const opened: WeightFile[] = []
  try {
    for (const [shard, names] of index) {
      const path = folder.at(shard)
      const file = folder.weights(shard, { maxHeaderBytes, inside: true })
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
 * All tensors of weight files, and their metadata; dtypes as readSafetensors. Everything is checked before the first tensor is
 * allocated, and beside the tensors no more than 1 MiB of the files is in memory. The files are closed. Throws a
 * CheckpointError naming file and reason.
 */
export function tensorsOf(files: readonly WeightFile[]): SafetensorsContent {
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
