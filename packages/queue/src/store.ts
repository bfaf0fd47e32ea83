// The queue as `tinystill queue` sees it. Jobs are named by run and part, so that adding one twice leaves one.
import { type Job, Queue } from 'bullmq'
import type {
  JobRecord,
  JobState,
  QueuedJob,
  QueuePlace,
  QueueStore,
} from '../../../dist/cli/queue/engine.js'
import { connect } from './connect.js'

/** Jobs that are asked for or sent at once. */
const AT_ONCE = 500

/** A part fails three times, some seconds apart, before it is left to people. */
const TRIES = { attempts: 3, backoff: { type: 'exponential', delay: 5000 } }

/** BullMQ's names of our states. */
const states = { active: 'active', failed: 'failed', done: 'completed' } as const

/** Redis answers with keys and values by turns. */
type Pairs = readonly string[]

export function recordOf(job: Job): JobRecord {
  const { id = '', data, returnvalue, progress, failedReason, attemptsMade, processedBy } = job
  return {
    ...{ id, data, result: returnvalue, progress, attempts: attemptsMade },
    ...(failedReason !== undefined && { reason: failedReason }),
    ...(processedBy !== undefined && { worker: processedBy }),
    ...(job.processedOn !== undefined && { started: job.processedOn }),
    ...(job.finishedOn !== undefined && { ended: job.finishedOn }),
  }
}

export async function open(place: QueuePlace): Promise<QueueStore> {
  const client = await connect(place)
  // Its check of the version prints lines of its own about settings that `unsafe` tells.
  const queue = new Queue(place.queue, { connection: client, skipVersionCheck: true })
  // Commands throw by themselves.
  queue.on('error', () => {})

  async function setting(name: string): Promise<string | null> {
    try {
      const [, value = null] = (await client.config('GET', name)) as Pairs
      return value
    } catch {
      // Hosted ones do not tell their settings.
      return null
    }
  }

  async function unsafe(): Promise<string[]> {
    const [appends, policy] = [await setting('appendonly'), await setting('maxmemory-policy')]
    return [
      ...(appends === 'no'
        ? [
            'Redis keeps jobs in memory alone: set "appendonly yes" in redis.conf, or run redis-cli config set appendonly yes',
          ]
        : []),
      ...(policy !== null && policy !== 'noeviction'
        ? [
            `Redis drops jobs when memory is short (${policy}): set "maxmemory-policy noeviction" in redis.conf`,
          ]
        : []),
    ]
  }

  /** A job that is over keeps its id, which would keep the new one out. */
  async function addSome(jobs: readonly QueuedJob[]): Promise<number> {
    const known = await Promise.all(jobs.map(({ id }) => queue.getJobState(id)))
    const over = jobs.filter((_, i) => known[i] === 'completed' || known[i] === 'failed')
    const gone = await Promise.all(over.map(({ id }) => queue.remove(id)))
    const free = jobs.filter(
      (job, i) => known[i] === 'unknown' || (over.includes(job) && gone[over.indexOf(job)] === 1),
    )
    await queue.addBulk(free.map(({ id, data }) => ({ name: 'part', data, opts: { jobId: id, ...TRIES } })))
    return free.length
  }

  async function counts(): Promise<Record<JobState, number>> {
    const asked = ['wait', 'active', 'delayed', 'failed', 'completed'] as const
    const { wait, active, delayed, failed, completed } = await queue.getJobCounts(...asked)
    return { waiting: wait, active, delayed, failed, done: completed }
  }

  return {
    unsafe,
    async add(jobs) {
      let added = 0
      for (let i = 0; i < jobs.length; i += AT_ONCE) added += await addSome(jobs.slice(i, i + AT_ONCE))
      return added
    },
    counts,
    async records(state, most) {
      const jobs = await queue.getJobs([states[state]], 0, most - 1, false)
      // One that ended between two questions is no more there.
      return jobs.filter((job) => job !== undefined && job !== null).map(recordOf)
    },
    async workers() {
      const found = await queue.getWorkers()
      return found.map(({ name = '', rawname = '' }) => rawname.split(':w:')[1] ?? name).sort()
    },
    async drain() {
      const { waiting, delayed, failed, done } = await counts()
      await queue.drain(true)
      for (const state of ['failed', 'completed'] as const)
        while ((await queue.clean(0, 10_000, state)).length > 0);
      return { waiting, delayed, failed, done }
    },
    async close() {
      await queue.close()
      client.disconnect()
    },
  }
}
