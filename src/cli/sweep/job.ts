// A run of a sweep as a job of a queue. A job says no command line: it names the sweep's file and folder below the worker's root,
// and the run that they must have. Whoever can write to a Redis can start what stands in a file on the disk, and nothing else.
import { basename } from 'node:path'
import { CheckpointError } from '../../errors.js'
import { sha256 } from '../../files/cache/facts.js'
import { counted } from '../../formats/fields.js'
import type { ChildSettings, QueuedJob } from '../queue/engine.js'
import { insideRoot, jobFields, RUN, VERSION } from '../queue/job.js'
import { fitting, type JobHooks, type JobResult, silent } from '../queue/job-context.js'
import { readGrid } from './grid.js'
import { endOf, endText, type Run, runsOf } from './runs.js'
import { workThrough } from './work.js'

/** From the root on. */
export interface SweepPlaces {
  config: string
  out: string
}

/** Named by the folder of its results: of two sweeps that share it, a run that both have is one. */
export function jobOfRun({ config, out }: SweepPlaces, { folder, seed, name }: Run): QueuedJob {
  const run = basename(folder)
  return {
    id: `${sha256(out).slice(0, 12)}-${run}`,
    data: { format: RUN, version: VERSION, config, out, seed, run, name },
  }
}

/** The run that a job names. Throws CheckpointError naming the field, DataError for a file of settings that is none. */
export function runOfJob(data: unknown, root: string): Run {
  const given = jobFields(data, RUN)
  const [config, out, run] = [given.text('config'), given.text('out'), given.text('run')]
  const seed = given.number('seed', counted(0, Number.MAX_SAFE_INTEGER)) as number
  const file = insideRoot(root, config, 'config')
  const runs = runsOf(readGrid(file, { seed, seeds: 1 }), insideRoot(root, out, 'out'))
  const found = runs.find(({ folder }) => basename(folder) === run)
  if (found !== undefined) return found
  throw new CheckpointError(
    file,
    `has no run ${run} with seed ${seed}`,
    'It has changed since sweep --queue: run that again',
  )
}

/**
 * Brings a run to its end, with the lease and from the checkpoint that every sweep takes: one that another process has is waited
 * for. A run that fails is an end too. Throws Unfit, TinystillError where the failure cannot be written, Interrupted.
 */
export async function runJob(
  data: unknown,
  { root, threads }: ChildSettings,
  hooks: JobHooks,
): Promise<JobResult> {
  const run = fitting(() => runOfJob(data, root))
  const context = silent({
    ...hooks,
    // Its process knows no other name.
    signals: (onSignal) => hooks.signals?.(() => onSignal('SIGTERM')) ?? (() => {}),
  })
  const began = context.now()
  const there = endOf(run) !== null
  const more = threads === undefined ? [] : ['--threads', String(threads)]
  await workThrough([run], { jobs: 1, retry: false, more }, context)
  const end = endOf(run)
  if (end === null) throw new CheckpointError(run.folder, 'was removed while it was looked at')
  return {
    state: there ? 'there' : end.status,
    said: endText(run, end),
    seconds: (context.now() - began) / 1000,
  }
}
