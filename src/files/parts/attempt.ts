// One process' try at one part: a folder of its own, which gets the part's name when it is whole. No lock: of two tries at
// one part the first to be published stands, and the other goes.
import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { CheckpointError } from '../../errors.js'
import { type CacheFacts, checkSame, MANIFEST, readManifest } from '../cache/manifest.js'
import { publishFolder, toldOf } from '../disk.js'
import { partName } from './plan.js'

const ATTEMPT = /^\.attempt-part-\d{6,}-/

/** Where the cache of a part is, once it is published. */
export const publishedPart = (caches: string, part: number): string => join(caches, partName(part))

/** Whether a part is published, by this teacher and these settings. Throws CheckpointError naming the field that differs. */
export function isPublished(caches: string, part: number, facts: CacheFacts): boolean {
  const folder = publishedPart(caches, part)
  if (!existsSync(folder)) return false
  const there = readManifest(folder)
  checkSame(folder, there, facts)
  if (!there.complete)
    throw new CheckpointError(
      join(folder, MANIFEST),
      'is not complete',
      'Remove this folder, and label the part again',
    )
  return true
}

/** A name that no other process has, on any host. Randomness decides nothing but the name. */
export function attemptFolder(caches: string, part: number): string {
  const host = hostname().replaceAll(/[^\w.-]/g, '_')
  return join(caches, `.attempt-${partName(part)}-${host}-${process.pid}-${randomBytes(6).toString('hex')}`)
}

/**
 * Runs `work` on a new folder and publishes that as the part's cache. False where another process was first, while this one
 * worked or before: what was made here is gone then. Throws what `work` throws, and leaves nothing behind.
 */
export async function attempt(
  caches: string,
  part: number,
  work: (folder: string) => Promise<void>,
): Promise<boolean> {
  const folder = attemptFolder(caches, part)
  const to = publishedPart(caches, part)
  try {
    await work(folder)
    return publishFolder(folder, to)
  } catch (error) {
    // Another one's part is joined already, and this attempt was removed under our hands.
    if (existsSync(to) && !existsSync(folder)) return false
    throw toldOf(error, folder, to)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Removes what killed processes left. Only when all parts are published: an attempt that still runs has lost. */
export function removeAttempts(caches: string): number {
  const left = readdirSync(caches).filter((name) => ATTEMPT.test(name))
  for (const name of left) rmSync(join(caches, name), { recursive: true, force: true })
  return left.length
}
