// The worker's half: one line of a worker's file, serveDistillation().
import { backendReport, setDeterministic, setThreads } from '../../tensor/backend.js'
import type { DistilJob } from './job.js'
import { keptIn, privateFolder } from './kept.js'
import { errorMessage, type FromWorker, type ToWorker, type WorkerSettings } from './messages.js'
import { type Distillation, type DistilResult, type RunOptions, runKept } from './run.js'

/** What a worker's global scope, or a MessagePort, has of this. */
export interface WorkerScope {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void
  addEventListener(type: 'message', listen: (event: { data: unknown }) => void): void
}

/**
 * Runs what distilInWorker() sends, one job after the other. To be called in a worker's own file:
 * `serveDistillation()` of `tinystill/worker`.
 */
export function serveDistillation(scope: WorkerScope = globalThis as unknown as WorkerScope): void {
  let busy = false
  let current: Distillation | null = null
  let number = 0
  const say = (message: Unnumbered, transfer: ArrayBuffer[] = []) =>
    scope.postMessage({ ...message, run: number }, transfer)

  async function start(job: DistilJob, { deterministic = false, threads, looks, keep }: WorkerSettings) {
    busy = true
    const folder = keep === undefined ? null : privateFolder(keep)
    try {
      setDeterministic(deterministic)
      if (threads !== undefined) setThreads(threads)
      const watch: RunOptions = {
        ...(looks !== undefined && { looks }),
        onFacts: (facts) => {
          const { backend, threads, why } = backendReport()
          say({ kind: 'facts', facts, threads: backend === 'js' ? 1 : threads, why })
        },
        onPhase: (phase) => say({ kind: 'phase', phase }),
        onStep: (step) => say({ kind: 'step', step }),
        onJudged: (judged) => say({ kind: 'judged', judged }),
      }
      current = runKept(job, watch, folder && keptIn(folder.open, job))
      const result = await current.result
      say({ kind: 'result', result }, buffersOf(result))
    } catch (error) {
      say({ kind: 'failed', error: errorMessage(error) })
    } finally {
      folder?.close()
      busy = false
    }
  }

  async function answer({ id, what, about }: ToWorker & { kind: 'ask' }) {
    try {
      const value = (await current?.[what](about as never)) ?? {}
      say({ kind: 'answer', id, value, error: null })
    } catch (error) {
      say({ kind: 'answer', id, value: null, error: errorMessage(error) })
    }
  }

  const heard: { [K in ToWorker['kind']]: (message: ToWorker & { kind: K }) => void } = {
    start: ({ job, settings, run }) => {
      if (busy) {
        const error = new TypeError('distilInWorker: the worker is at another job')
        scope.postMessage({ kind: 'failed', run, error: errorMessage(error) }, [])
        return
      }
      number = run
      void start(job, settings)
    },
    pause: () => current?.pause(),
    resume: () => current?.resume(),
    stop: () => current?.stop(),
    step: ({ n }) => current?.step(n),
    ask: answer,
  }
  scope.addEventListener('message', ({ data }) => {
    const message = data as ToWorker
    const hear = heard[message?.kind] as ((m: ToWorker) => void) | undefined
    if (message.kind === 'start' || message.run === number) hear?.(message)
  })
}

type Unnumbered = FromWorker extends infer M ? (M extends unknown ? Omit<M, 'run'> : never) : never

/** The files' bytes go over without a copy. */
const buffersOf = ({ teacher, student, alone }: DistilResult): ArrayBuffer[] =>
  [teacher, student, alone].flatMap((one) =>
    one === null ? [] : Object.values(one.files).map(({ buffer }) => buffer as ArrayBuffer),
  )
