// Labelling with its progress, its end by a signal, and what is told of it.
import { fillCache, type LabelledRow, type LabellingTeacher } from '../../files/cache/fill.js'
import type { CacheFacts } from '../../files/cache/manifest.js'
import { CacheWriter } from '../../files/cache/writer.js'
import { breathe } from '../../train/pace.js'
import { Interrupted } from '../../train/run-state.js'
import type { Context } from '../shared/command.js'
import { cutText } from '../shared/data-report.js'
import { listen } from '../shared/options.js'
import { bytes, count, duration } from '../shared/table.js'

export interface Filling {
  /** Names the rows for people. */
  file: string
  rows: Iterable<LabelledRow>
  /** How many different rows there are. */
  total: number
  /** The cache's folder. */
  folder: string
  facts: CacheFacts
  resume: boolean
  /** What a signal leaves, for people; `written`: rows. */
  left(written: number): string
}

export interface Filled {
  rows: number
  duplicates: number
  cut: number
  shards: number
  bytes: number
  rowsPerSecond: number
  seconds: number
}

/** Writes a cache, or what is missing of it. */
export async function fill(
  { file, rows, total, folder, facts, resume, left }: Filling,
  teacher: LabellingTeacher,
  { output, progress, now, signals }: Context,
): Promise<Filled> {
  const cache = CacheWriter.open(folder, facts, { resume })
  const before = cache.manifest.rows
  if (cache.damaged !== null)
    output.info(`${cache.damaged} is missing or has changed: it and what follows is labelled again`)
  if (before > 0) output.info(`${count(before)} of ${count(total)} rows are there already`)
  progress.start('labelling', total)
  const began = now()
  const asked = listen(signals)
  const rate = (rows: number) => (rows * 1000) / Math.max(1, now() - began)
  const found = await fillCache(teacher, rows, cache, {
    file,
    onBatch: async (done) => {
      progress.update(done, { 'rows/s': count(rate(done - before)) })
      await breathe()
      if (asked.signal !== null) throw new Interrupted(asked.signal, left(cache.manifest.rows))
    },
  }).finally(asked.end)
  const seconds = (now() - began) / 1000
  const rowsPerSecond = rate(found.rows - before)
  progress.finish('')
  const { maxLength } = cache.manifest.settings
  if (found.cut > 0) output.info(`${file}: ${cutText(found.cut, found.rows - before, maxLength)}`)
  return { ...found, shards: cache.manifest.shards.length, bytes: cache.bytes, rowsPerSecond, seconds }
}

/** '1,000 rows, 12 more came again; 300 rows/s, 3 s, 40 kB in 1 shard' */
export function filledText({
  rows,
  duplicates,
  rowsPerSecond,
  seconds,
  bytes: size,
  shards,
}: Filled): string {
  const files = `${shards} ${shards === 1 ? 'shard' : 'shards'}`
  const again = duplicates > 0 ? `, ${count(duplicates)} more came again` : ''
  return `${count(rows)} rows${again}; ${count(rowsPerSecond)} rows/s, ${duration(seconds)}, ${bytes(size)} in ${files}`
}
