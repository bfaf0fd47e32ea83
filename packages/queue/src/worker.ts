// One worker: it takes a part, has it labelled by a process of its own (child.ts), and renews its lease meanwhile.
import { type Job, Queue, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import type { JobRecord, WorkOptions } from '../../../dist/cli/queue/engine.js'
import { CHILD } from './child-settings.js'
import { connect } from './connect.js'
import { recordOf } from './store.js'

const POLL_MS = 1000

/** A worker that is killed has failed nothing. BullMQ's own limit is one such part. */
const STALLS = 1e6

/** Waits of 0.2 s, 0.4 s, ... 5 s between two attempts to reach the store, for as long as it takes. */
const retryStrategy = (times: number) => Math.min(100 * 2 ** Math.min(times, 6), 5000)

/** The environment without what it tells of the store: the child needs no password. */
function childEnv({ module, settings }: WorkOptions): NodeJS.ProcessEnv {
  const { TINYSTILL_QUEUE_URL: _, ...rest } = process.env
  return { ...rest, [CHILD]: JSON.stringify({ module, settings }) }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

export async function work(options: WorkOptions): Promise<void> {
  const { url, queue: name, leaseMs, onEvent, stop } = options
  // Once with clear errors; what is lost later is waited for.
  const first = await connect(options)
  first.disconnect()
  const watch = new Redis(url, { retryStrategy, maxRetriesPerRequest: null })
  tellLost(watch, onEvent)
  const queue = new Queue(name, { connection: watch, skipVersionCheck: true })
  queue.on('error', () => {})
  const worker = new Worker(name, new URL('./child.js', import.meta.url), {
    connection: { url, retryStrategy },
    ...{ name: options.name, concurrency: 1, runRetryDelay: 1000, drainDelay: 2 },
    ...{ lockDuration: leaseMs, stalledInterval: leaseMs, maxStalledCount: STALLS },
    workerForkOptions: { env: childEnv(options) },
  })
  tellJobs(worker, onEvent)
  let over = false
  const stopped = stop.then(() => {
    over = true
  })
  const done = options.untilDone ? nothingLeft(queue, () => over) : new Promise<never>(() => {})
  await Promise.race([stopped, done])
  over = true
  // Waits for the part in hand, then ends the child.
  await worker.close()
  await queue.close()
  watch.disconnect()
}

function tellLost(watch: Redis, onEvent: WorkOptions['onEvent']): void {
  let lost = false
  let reason = 'it has gone'
  watch.on('error', (error: Error) => {
    reason = error.message || error.name
  })
  watch.on('reconnecting', () => {
    if (!lost) onEvent({ kind: 'lost', reason })
    lost = true
  })
  watch.on('ready', () => {
    if (lost) onEvent({ kind: 'back' })
    lost = false
  })
}

function tellJobs(worker: Worker, onEvent: WorkOptions['onEvent']): void {
  const recordFor = (job: Job | undefined): JobRecord =>
    job === undefined ? { id: 'a part', data: null, attempts: 0 } : recordOf(job)
  worker.on('completed', (job) => onEvent({ kind: 'done', job: recordFor(job) }))
  worker.on('failed', (job, error) =>
    onEvent({
      kind: 'failed',
      job: { ...recordFor(job), reason: error.message },
      final: job?.finishedOn !== undefined,
    }),
  )
  // Of an id once: the lease is tried again and again.
  const overtaken = new Set<string>()
  worker.on('lockRenewalFailed', (ids: string[]) => {
    for (const id of ids) if (!overtaken.has(id)) onEvent({ kind: 'overtaken', id })
    for (const id of ids) overtaken.add(id)
  })
  // Connections have their listener; what else is told here is that a job has another worker by now.
  worker.on('error', () => {})
}

/** Resolves when nothing waits and nobody works. */
async function nothingLeft(queue: Queue, over: () => boolean): Promise<void> {
  while (!over()) {
    try {
      const counts = await queue.getJobCounts('wait', 'active', 'delayed')
      if (Object.values(counts).every((n) => n === 0)) return
    } catch {
      // A store that is just starting.
    }
    await pause(POLL_MS)
  }
}
