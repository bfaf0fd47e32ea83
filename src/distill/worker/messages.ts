// What a page and its worker say to each other.
import type { DistilJob } from './job.js'
import type { DistilResult, JobFacts, JobJudged, JobStep, RunOptions, Who } from './run.js'

/** How the worker computes. */
export interface WorkerSettings extends Pick<RunOptions, 'looks'> {
  /** The same bits in every browser and in Node: setDeterministic(true). Default false. */
  deterministic?: boolean
  /** Default: as many as there are processors; 1 where the page is not cross-origin isolated. */
  threads?: number
  /**
   * The name of a folder in the origin's private files (OPFS), in which the trainings keep their state every 5 seconds and in
   * the end: the same job given again goes on there, with the weights of a run that was not cut off. The folder is the page's to
   * remove. One job at a time can have it. Default: nowhere.
   */
  keep?: string
}

/** What a run can be asked for, and for what. */
export type Asked = 'answers' | 'attention'

/** `run`: the number of the job, as a worker may do one after the other. */
export type ToWorker = { run: number } & (
  | { kind: 'start'; job: DistilJob; settings: WorkerSettings }
  | { kind: 'pause' | 'resume' | 'stop' }
  | { kind: 'step'; n: number }
  | { kind: 'ask'; id: number; what: Asked; about: string | readonly string[] }
)

/** An error as messages carry it. */
export interface ErrorMessage {
  name: string
  message: string
}

export type FromWorker = { run: number } & (
  | { kind: 'facts'; facts: JobFacts; threads: number; why: string }
  | { kind: 'phase'; phase: Who | 'answers' }
  | { kind: 'step'; step: JobStep }
  | { kind: 'judged'; judged: JobJudged }
  | { kind: 'answer'; id: number; value: unknown; error: ErrorMessage | null }
  | { kind: 'result'; result: DistilResult }
  | { kind: 'failed'; error: ErrorMessage }
)

export const errorMessage = (error: unknown): ErrorMessage =>
  error instanceof Error
    ? { name: error.name, message: error.message }
    : { name: 'Error', message: String(error) }

export const errorOf = ({ name, message }: ErrorMessage): Error => Object.assign(new Error(message), { name })
