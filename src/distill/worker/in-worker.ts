// The page's half: a job in a worker, so that the page goes on drawing.
import type { DistilJob } from './job.js'
import { type Asked, errorOf, type FromWorker, type ToWorker, type WorkerSettings } from './messages.js'
import type { Distillation, DistilResult, JobFacts, JobWatch } from './run.js'

/** What a Worker, or a MessagePort, has of this. */
export interface WorkerLike {
  postMessage(message: unknown): void
  addEventListener(type: string, listen: (event: never) => void): void
}

/** Of distilInWorker(). */
export interface InWorkerOptions extends Omit<JobWatch, 'onFacts'>, WorkerSettings {
  /** `threads`: how many compute; `why` tells why it is no more than that. */
  onFacts?(facts: JobFacts, threads: number, why: string): void
}

type Unnumbered = ToWorker extends infer M ? (M extends unknown ? Omit<M, 'run'> : never) : never

/** Jobs of this page. */
let runs = 0

/**
 * Runs a job in a worker whose file calls serveDistillation(), with the same handle as runDistillation(). The worker is the
 * caller's: `worker.terminate()` ends it in the middle of a step, after which `result` settles no more.
 */
export function distilInWorker(
  worker: WorkerLike,
  job: DistilJob,
  options: InWorkerOptions = {},
): Distillation {
  const { deterministic, threads, looks, keep, onFacts, onPhase, onStep, onJudged } = options
  const asked = new Map<number, { resolve(value: never): void; reject(error: Error): void }>()
  const run = ++runs
  const tell = (message: Unnumbered) => worker.postMessage({ ...message, run })

  const result = new Promise<DistilResult>((resolve, reject) => {
    const over = (error: Error) => {
      for (const { reject } of asked.values()) reject(error)
      asked.clear()
      reject(error)
    }
    const heard: { [K in FromWorker['kind']]: (message: FromWorker & { kind: K }) => void } = {
      facts: ({ facts, threads, why }) => onFacts?.(facts, threads, why),
      phase: ({ phase }) => onPhase?.(phase),
      step: ({ step }) => void onStep?.(step),
      judged: ({ judged }) => onJudged?.(judged),
      answer: ({ id, value, error }) => {
        const waiting = asked.get(id)
        asked.delete(id)
        if (error === null) waiting?.resolve(value as never)
        else waiting?.reject(errorOf(error))
      },
      result: ({ result }) => resolve(result),
      failed: ({ error }) => over(errorOf(error)),
    }
    worker.addEventListener('message', (({ data }: { data: FromWorker }) => {
      const hear = heard[data?.kind] as ((message: FromWorker) => void) | undefined
      if (data.run === run) hear?.(data)
    }) as never)
    worker.addEventListener('error', ((event: { message?: string; preventDefault?(): void }) => {
      event.preventDefault?.()
      over(new Error(`the worker failed: ${event.message ?? 'it could not be started'}`))
    }) as never)
  })
  tell({
    ...{ kind: 'start', job },
    settings: {
      ...(deterministic !== undefined && { deterministic }),
      ...(threads !== undefined && { threads }),
      ...(looks !== undefined && { looks }),
      ...(keep !== undefined && { keep }),
    },
  })

  let last = 0
  const ask = <T>(what: Asked, about: string | readonly string[]) =>
    new Promise<T>((resolve, reject) => {
      const id = ++last
      asked.set(id, { resolve, reject })
      tell({ kind: 'ask', id, what, about })
    })
  return {
    result,
    pause: () => tell({ kind: 'pause' }),
    resume: () => tell({ kind: 'resume' }),
    step: (n = 1) => tell({ kind: 'step', n }),
    stop: () => tell({ kind: 'stop' }),
    answers: (texts) => ask('answers', texts),
    attention: (text) => ask('attention', text),
  }
}
