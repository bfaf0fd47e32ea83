// A sweep whose runs are jobs of a queue. What has ended stands in the folder, as ever; the queue only says who begins what, and is
// asked now and then for what it forgot and for what no worker could begin.
import { rmSync } from 'node:fs'
import { TinystillError } from '../../errors.js'
import { Interrupted } from '../../train/run-state.js'
import type { JobRecord, QueueStore } from '../queue/engine.js'
import { belowRoot } from '../queue/job.js'
import { type AddingOptions, checkSafe, withStore } from '../queue/place.js'
import type { Context } from '../shared/command.js'
import { listen } from '../shared/options.js'
import { count } from '../shared/table.js'
import { jobOfRun } from './job.js'
import { endOf, endText, fail, failureOf, type Run } from './runs.js'

export interface QueuedSweep extends AddingOptions {
  config: string
  out: string
  /** Once more those that failed before. */
  retry: boolean
}

/** The folder is looked at so often, the queue each tenth time. */
const LOOK_MS = 1000
const LOOKS = 10
/** Looks at the queue for which a run may be done there and not here: a shared disk may show it late. */
const LATE = 6
/** More than a sweep has runs. */
const ALL = 1e6

/** Runs what it is given on an open queue. */
type Within = <T>(work: (store: QueueStore) => Promise<T>) => Promise<T>

/** Until every run has ended. Throws Interrupted when the user asks to stop: the runs stay in the queue. */
export async function throughQueue(
  runs: readonly Run[],
  options: QueuedSweep,
  context: Context,
  {
    within = (work) => withStore(options, work),
    lookMs = LOOK_MS,
  }: { within?: Within; lookMs?: number } = {},
): Promise<void> {
  const { output, progress, signals } = context
  const { config, out, root, retry } = options
  const places = { config: belowRoot(root, config, '--config'), out: belowRoot(root, out, '--out') }
  const jobOf = (run: Run) => jobOfRun(places, run)
  const open = new Map<string, Run>()
  for (const run of runs) {
    const end = endOf(run)
    if (end?.status === 'failed' && retry) rmSync(failureOf(run.folder), { force: true })
    if (end === null || (end.status === 'failed' && retry)) open.set(jobOf(run).id, run)
  }
  if (open.size === 0) return
  const added = await within(async (store) => {
    await checkSafe(store, options, context)
    return store.add([...open.values()].map(jobOf))
  })
  const before = runs.length - open.size
  output.info(
    `${count(added)} of ${count(runs.length)} runs added, ${count(open.size - added)} were in the queue, ${count(before)} have ended before; next: tinystill work, in as many processes as you like`,
  )
  const late = new Map<string, number>()
  /** Of these jobs the runs that have not ended by what the folder says. */
  const notEnded = (records: readonly JobRecord[]) =>
    records.flatMap((job): [JobRecord, Run][] => {
      const run = open.get(job.id)
      return run === undefined || endOf(run) !== null ? [] : [[job, run]]
    })
  const ask = async (store: QueueStore) => {
    // No worker could even begin these.
    for (const [{ reason = 'no worker could begin it' }, run] of notEnded(await store.records('failed', ALL)))
      fail(run, reason)
    const elsewhere = notEnded(await store.records('done', ALL))
    for (const [{ id, worker = 'a worker' }, { name }] of elsewhere) {
      const looks = (late.get(id) ?? 0) + 1
      late.set(id, looks)
      if (looks > LATE)
        throw new TinystillError(
          `${name} was done by ${worker}, and is not in ${out}`,
          'All machines must see one folder: its place below the --root of that worker is another one',
        )
    }
    const done = new Set(elsewhere.map(([, run]) => run))
    const left = [...open.values()].filter((run) => !done.has(run) && endOf(run) === null)
    await store.add(left.map(jobOf))
  }
  const stop = listen(signals)
  let [failed, lost] = [0, false]
  progress.start('runs', runs.length)
  try {
    for (let look = 1; ; look++) {
      for (const [id, run] of open) {
        const end = endOf(run)
        if (end === null) continue
        open.delete(id)
        if (end.status === 'failed') failed++
        progress.note(endText(run, end))
      }
      progress.update(runs.length - open.size, { failed: count(failed) })
      if (open.size === 0) return
      if (stop.signal !== null)
        throw new Interrupted(
          stop.signal,
          `${count(open.size)} runs stay in the queue: the same command waits for them again, tinystill queue drain takes them out`,
        )
      if (look % LOOKS === 0)
        try {
          await within(ask)
          if (lost) progress.note('the queue answers again')
          lost = false
        } catch (error) {
          if (error instanceof TinystillError) throw error
          if (!lost) progress.note(`${(error as Error).message}; runs in hand go on, and this waits`)
          lost = true
        }
      await new Promise((resolve) => setTimeout(resolve, lookMs))
    }
  } finally {
    stop.end()
    progress.finish('')
  }
}
