// The caches of all parts as the one cache that `label` would have written of the whole file: the same bytes.
import { copyFileSync, existsSync, linkSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { CheckpointError, TinystillError } from '../../errors.js'
import {
  type CacheManifest,
  checkSame,
  isCache,
  MANIFEST,
  readManifest,
  type ShardFacts,
  shardName,
  writeManifest,
} from '../cache/manifest.js'
import { explain, makeFolder } from '../disk.js'
import { hashFile } from '../hash.js'
import { publishedPart } from './attempt.js'
import { namedParts, type PartsPlan, partName, readPlan } from './plan.js'

/** A part's manifest, which must be of the plan. */
function partOf(caches: string, { data, parts }: PartsPlan, part: number): CacheManifest {
  const folder = publishedPart(caches, part)
  if (!existsSync(folder)) throw new CheckpointError(folder, 'is not there')
  const there = readManifest(folder)
  const facts = parts[part]
  if (!there.complete) throw new CheckpointError(folder, 'is not complete')
  if (there.data.sha256 !== facts.sha256 || there.rows !== facts.rows)
    throw new CheckpointError(folder, `is not of this plan's ${facts.file}, of ${data.file}`)
  return there
}

/** Of each part, in order. Throws CheckpointError that names the parts that cannot be joined, each with its reason. */
function partsOf(caches: string, plan: PartsPlan): CacheManifest[] {
  const found: CacheManifest[] = []
  const wrong: string[] = []
  for (const part of plan.parts.keys()) {
    try {
      const own = partOf(caches, plan, part)
      const [first] = found
      // Of whom and how must be one; of which rows is each part's own.
      if (first !== undefined) checkSame(publishedPart(caches, part), { ...own, data: first.data }, first)
      found.push(own)
    } catch (error) {
      if (!(error instanceof TinystillError)) throw error
      wrong.push(`${partName(part)}: ${error.message}`)
    }
  }
  if (wrong.length === 0) return found
  throw new CheckpointError(
    caches,
    `${wrong.length} of ${plan.parts.length} parts cannot be joined: ${namedParts(wrong)}`,
    'Label them: tinystill label --parts takes what is missing',
  )
}

/** A second name for a file where the disk has that, else a copy. */
function place(from: string, to: string): void {
  rmSync(to, { force: true })
  try {
    linkSync(from, to)
  } catch {
    try {
      copyFileSync(from, to)
    } catch (error) {
      throw explain(to, 'written', error)
    }
  }
}

/**
 * Writes `out`, cache.json last. Each shard is checked against its SHA-256 on the way. Throws CheckpointError naming the parts
 * that are missing, unfinished, of another plan, teacher or setting, before anything is written.
 */
export function joinCaches(
  parts: string,
  caches: string,
  out: string,
  onPart: (done: number) => void = () => {},
): CacheManifest {
  const plan = readPlan(parts)
  if (isCache(out))
    throw new CheckpointError(join(out, MANIFEST), 'holds a cache already', 'Choose another folder')
  const manifests = partsOf(caches, plan)
  makeFolder(out)
  const shards: ShardFacts[] = []
  for (const [part, { shards: own }] of manifests.entries()) {
    for (const shard of own) {
      const from = join(publishedPart(caches, part), shard.file)
      if (hashFile(from).sha256 !== shard.sha256)
        throw new CheckpointError(
          from,
          'has changed',
          `Remove ${publishedPart(caches, part)}, and label the part again`,
        )
      const file = shardName(shards.length)
      place(from, join(out, file))
      shards.push({ ...shard, file })
    }
    onPart(part + 1)
  }
  const [{ teacher, settings, labels, problemType }] = manifests
  const manifest: CacheManifest = {
    ...{ teacher, data: plan.data, settings, labels, problemType },
    ...{ complete: true, rows: plan.rows, shards },
  }
  writeManifest(out, manifest)
  return manifest
}
