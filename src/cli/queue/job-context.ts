// What a job of any kind is given in a worker's child, and what it gives back.
import { TinystillError } from '../../errors.js'
import type { Context, Environment } from '../shared/command.js'
import { createOutput } from '../shared/output.js'

/** What another try would meet again: the job, or what it names, is not what it must be. */
export class Unfit extends TinystillError {}

export interface JobHooks {
  onRows: (done: number) => void
  /** As bin.ts has it: calls back when the work shall end. */
  signals: Environment['signals']
}

export interface JobResult {
  /** there: it was done before. failed: it has ended so, and is not tried again. Else a word of its kind. */
  state: string
  seconds: number
  /** How it ended, for people. */
  said?: string
}

/** What `check` gives; what it throws becomes Unfit. */
export function fitting<T>(check: () => T): T {
  try {
    return check()
  } catch (error) {
    throw new Unfit(error instanceof Error ? error.message : String(error))
  }
}

/** Of a command that nobody listens to. */
export function silent({ onRows, signals }: JobHooks): Context {
  const nowhere = { write: () => {} }
  const nothing = () => {}
  return {
    output: createOutput({ json: false, quiet: true, stdout: nowhere, stderr: nowhere }),
    progress: { start: nothing, aside: nothing, note: nothing, finish: nothing, update: onRows },
    lines: async function* () {},
    now: () => performance.now(),
    signals,
  }
}
