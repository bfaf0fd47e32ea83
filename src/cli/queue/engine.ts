// The seam to a job queue. What is done, and whether it may be, is decided here; who gets which job, and when again, by a
// package of its own (packages/queue: BullMQ on Redis), which is looked for only when a queue is asked for (ADR 32).
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { TinystillError } from '../../errors.js'

export const PACKAGE = '@tinystill/queue'

/** Counts changes of the interfaces below. */
const API = 2

/** Which queue, where. The URL may hold a password: it is never shown. */
export interface QueuePlace {
  url: string
  queue: string
}

/** A part to be labelled or a run of a sweep, as the queue keeps it. */
export interface QueuedJob {
  /** Names it: of two with one id there is one. Letters, digits and dashes. */
  id: string
  /** JSON. Hostile where it comes from a queue. */
  data: unknown
}

/** What a worker and its queue know of a job; of what is JSON nothing has been checked. */
export interface JobRecord extends QueuedJob {
  result?: unknown
  progress?: unknown
  reason?: string
  attempts: number
  worker?: string
  /** Milliseconds since 1970. */
  started?: number
  ended?: number
}

export const jobStates = ['waiting', 'active', 'delayed', 'failed', 'done'] as const
export type JobState = (typeof jobStates)[number]

export interface QueueStore {
  /** What of the store's own settings would lose jobs, each with the line that mends it. */
  unsafe(): Promise<string[]>
  /** Adds what is not there; a job that is over is replaced. Gives how many were added. */
  add(jobs: readonly QueuedJob[]): Promise<number>
  counts(): Promise<Record<JobState, number>>
  /** The newest first. */
  records(state: 'active' | 'failed' | 'done', most: number): Promise<JobRecord[]>
  workers(): Promise<string[]>
  /** Takes out all that nobody works on, finished ones too. Gives how many of each state. */
  drain(): Promise<Record<'waiting' | 'delayed' | 'failed' | 'done', number>>
  close(): Promise<void>
}

/** What a worker meets, for people. */
export type WorkEvent =
  | { kind: 'done'; job: JobRecord }
  /** final: it is not tried again. */
  | { kind: 'failed'; job: JobRecord; final: boolean }
  /** What this worker has in hand was given to another one. */
  | { kind: 'overtaken'; id: string }
  /** The store does not answer, and does again. */
  | { kind: 'lost'; reason: string }
  | { kind: 'back' }

export interface WorkOptions extends QueuePlace {
  name: string
  leaseMs: number
  /** Ends when nothing waits and nobody works. */
  untilDone: boolean
  /** Address of a module with `doJob` (child.ts), which a process of its own runs, and what that is given with each job. */
  module: string
  settings: ChildSettings
  onEvent: (event: WorkEvent) => void
  /** Settles when the worker shall end after the part in hand. */
  stop: Promise<unknown>
}

export interface ChildSettings {
  root: string
  threads?: number
}

export interface QueueEngine {
  api: number
  /** Throws Error with one line where the store is not there or does not let us in. */
  open(place: QueuePlace): Promise<QueueStore>
  /** Resolves when the worker has ended. Throws as open does. */
  work(options: WorkOptions): Promise<void>
}

/** The package as seen from here, or from the working directory. Throws TinystillError where it is not, or is of another version. */
export async function loadEngine(
  places: readonly string[] = [import.meta.url, join(process.cwd(), 'package.json')],
): Promise<QueueEngine> {
  const path = places.map(resolved).find((at) => at !== null) ?? null
  if (path === null)
    throw new TinystillError(
      `the package ${PACKAGE} is not installed`,
      `Run: npm install --ignore-scripts --omit=optional ${PACKAGE}; in a clone of tinystill: npm run build:queue`,
    )
  const engine = (await import(pathToFileURL(path).href)) as QueueEngine
  if (engine.api !== API)
    throw new TinystillError(
      `the package ${PACKAGE} is of another version: it speaks ${engine.api}, this is ${API}`,
      `Install both anew`,
    )
  return engine
}

function resolved(base: string): string | null {
  try {
    return createRequire(base).resolve(PACKAGE)
  } catch {
    return null
  }
}
