// The process that computes: BullMQ starts it, sends it a job after the other, and waits. It ends by itself when its worker has
// gone: left alone it would go on for ever, holding a core and its memory, since BullMQ's own child ignores SIGTERM then.
import type { SandboxedJob } from 'bullmq'
import type * as jobs from '../../../dist/cli/queue/child.js'
import { CHILD, type ChildStart } from './child-settings.js'

const { module, settings } = JSON.parse(process.env[CHILD] ?? '{}') as ChildStart
const { doJob } = (await import(module)) as typeof jobs

const PROGRESS_MS = 5000

let running: Promise<unknown> | null = null

// The attempt in hand is ended between two batches, and takes its folder with it.
process.on('disconnect', () => {
  if (running === null) process.exit()
  running.catch(() => {}).finally(() => process.exit())
})

// A pipe may break in the middle of a message, before that is told. BullMQ then sends word of its failure to send, which fails,
// and so on without a turn of the event loop in which 'disconnect' could come.
process.on('unhandledRejection', (reason) => {
  if (process.connected) console.error(reason)
  process.exit(1)
})

const signals = (onSignal: (name: string) => void) => {
  const gone = () => onSignal('disconnect')
  process.on('disconnect', gone)
  return () => void process.off('disconnect', gone)
}

/** BullMQ asks for a default export. */
export default async function part(job: SandboxedJob) {
  let told = performance.now()
  const onRows = (rows: number) => {
    if (performance.now() - told < PROGRESS_MS) return
    told = performance.now()
    // Where the worker has gone nobody listens.
    job.updateProgress({ rows }).catch(() => {})
  }
  const work = doJob(job.data, settings, { onRows, signals })
  running = work
  try {
    return await work
  } catch (error) {
    // By this name BullMQ knows what is not to be tried again.
    if (error instanceof Error && error.name === 'Unfit') error.name = 'UnrecoverableError'
    throw error
  } finally {
    running = null
  }
}
