// The runs of a sweep, and how far each is: what its folder says, and nothing else, so that any process on any machine may ask.
import { existsSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { sha256 } from '../../files/cache/facts.js'
import { writeAtomic } from '../../files/disk.js'
import { type FileHash, hashFile } from '../../files/hash.js'
import { readFields } from '../../files/json-file.js'
import type { Figures } from '../../train/reports.js'
import { distillCommand } from '../distill/distill.js'
import { outputOf } from '../distill/job.js'
import type { DistillOptions } from '../distill/options.js'
import { type RightRows, unpackRows } from '../distill/right-rows.js'
import { parsed } from '../run/words.js'
import { shownFigure } from '../shared/figures.js'
import { noSettings } from '../shared/options.js'
import { checkSameRun, identityOf, identityOfModel } from '../shared/run-identity.js'
import { type Grid, type Setting, valueText } from './grid.js'

export interface Run {
  setting: Setting
  seed: number
  /** The run's own folder; what the sweep notes of it stands beside it under the same name. */
  folder: string
  /** The folder of the sweep's file. */
  from: string
  /** 'lr=0.001 T=4, seed 2' */
  name: string
  /** As it would be typed. */
  words: string[]
  options: DistillOptions
}

/** Of the settings as the file has them, not of the paths that they lead to: another machine has those elsewhere. */
function hashOf({ options }: Setting, seed: number): string {
  const named = Object.entries(options)
    .filter(([name, value]) => !noSettings.includes(name) && value !== false)
    .map(([name, value]) => [name, valueText(value)])
  return sha256(JSON.stringify([seed, ...named.sort(([a], [b]) => (a < b ? -1 : 1))])).slice(0, 16)
}

/** Every setting with every seed. Throws DataError with what commander says of its options. */
export function runsOf({ file, settings, seeds }: Grid, out: string): Run[] {
  const experiment = { file, data: {}, models: {}, steps: [] }
  return settings.flatMap((setting) =>
    seeds.map((seed): Run => {
      const folder = join(out, 'runs', hashOf(setting, seed))
      const words = [...setting.words, '--out', folder, '--seed', String(seed), '--resume']
      const options = parsed(distillCommand as never, words, { experiment, where: setting.name })
      return {
        ...{ setting, seed, folder, from: dirname(file), name: `${setting.name}, seed ${seed}` },
        ...{ words: ['distill', ...words], options: options as DistillOptions },
      }
    }),
  )
}

export const failureOf = (folder: string): string => `${folder}.failed.json`
export const logOf = (folder: string): string => `${folder}.log`
const recordOf = (folder: string): string => join(folder, 'run.json')

export type RunEnd =
  | {
      status: 'done'
      /** What it was judged on. */
      set: string
      figures: Figures
      /** A number for each of the judged set's rows, as unpackRows() has it. */
      right: Uint8Array | Float64Array | null
    }
  | { status: 'failed'; reason: string }

/** How a run ended; null: it has not, or was not begun. Throws CheckpointError for a record that is none. */
export function endOf({ folder }: Run): RunEnd | null {
  if (existsSync(recordOf(folder))) {
    const given = readFields(recordOf(folder))
    if (given.get('status') === 'done') {
      const { judgedOn, figures, right, main } = Object.fromEntries(given.document) as {
        judgedOn: unknown
        figures?: Record<string, Figures>
        right?: Record<string, (RightRows | null)[]>
        main?: string
      }
      const set = String(judgedOn)
      return {
        ...{ status: 'done', set, figures: figures?.[set] ?? {} },
        right: unpackRows(right?.[String(main)]?.[0] ?? undefined),
      }
    }
  }
  if (!existsSync(failureOf(folder))) return null
  return { status: 'failed', reason: String(readFields(failureOf(folder)).get('reason')) }
}

/**
 * Throws CheckpointError where a run that is done was on other data, models or settings than it would be now: naming the field.
 * What is not done is checked when it goes on.
 */
export function checkDone(runs: readonly Run[]): void {
  const [hashes, models] = [new Map<string, FileHash>(), new Map<string, unknown>()]
  const once =
    <V>(known: Map<string, V>, of: (path: string) => V) =>
    (path: string) => {
      if (!known.has(path)) known.set(path, of(path))
      return known.get(path) as V
    }
  const [hash, model] = [once(hashes, hashFile), once(models, identityOfModel)]
  for (const run of runs) {
    if (endOf(run)?.status !== 'done') continue
    const { facts } = outputOf(run.options)
    const data = Object.fromEntries(Object.entries(facts.data).map(([use, file]) => [use, hash(file)]))
    const path = recordOf(run.folder)
    checkSameRun(
      path,
      readFields(path).get('identity'),
      identityOf({ ...facts, models: facts.models ?? {}, data }, model),
    )
  }
}

/** Paths in a reason as results and the sweep's file have them: other machines, and workers, have both folders elsewhere. */
function fromHere({ folder, from }: Run, reason: string): string {
  const places = [dirname(dirname(folder)), from].filter((place) => place !== '.')
  return places.reduce((text, place) => {
    const start = join(place, '/').replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
    return text.replace(new RegExp(`(?<![\\w./\\\\-])${start}`, 'g'), '')
  }, reason)
}

/** A run has ended in vain, for whoever looks. Throws CheckpointError where that cannot be written. */
export function fail(run: Run, said: string): RunEnd {
  const { folder } = run
  const reason = fromHere(run, said)
  writeAtomic(failureOf(folder), `${JSON.stringify({ reason }, null, 2)}\n`)
  return { status: 'failed', reason }
}

/** What came of it, as a line. */
export function endText({ name, folder }: Run, end: RunEnd): string {
  if (end.status === 'failed') return `${name} failed: ${end.reason} (${logOf(folder)})`
  const [figure] = Object.keys(end.figures)
  return figure === undefined
    ? `${name} is done`
    : `${name}: ${end.set} ${figure} ${shownFigure(figure, end.figures[figure])}`
}

/** As results name it: DIR may be anywhere. */
export const placeOf = ({ folder }: Run): string => join('runs', basename(folder))
