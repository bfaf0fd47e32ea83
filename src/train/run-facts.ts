// What a run's checkpoint says beside its tensors, as JSON and back.
import { CheckpointError } from '../errors.js'
import type { FitPlace } from './fit-state.js'
import { fromJson, toJson } from './json-numbers.js'
import type { FitResult } from './reports.js'

/** What a checkpoint says beside its tensors. */
export interface RunFacts {
  ms: number
  mark: number
  records: Record<string, unknown>
  finished: { name: string; result: FitResult; steps: number; ms: number }[]
  current: { name: string; place: FitPlace; ms: number } | null
}

const isCount = (x: unknown) => Number.isSafeInteger(x) && (x as number) >= 0
const isObject = (x: unknown) => typeof x === 'object' && x !== null && !Array.isArray(x)
const isTime = (x: unknown) => typeof x === 'number' && x >= 0

const rules: Record<keyof RunFacts, (x: never) => boolean> = {
  ms: isTime,
  mark: isCount,
  records: isObject,
  finished: (list: RunFacts['finished']) =>
    Array.isArray(list) &&
    list.every(
      (f) =>
        isObject(f) &&
        typeof f.name === 'string' &&
        isObject(f.result) &&
        isObject(f.result.best) &&
        Array.isArray(f.result.evaluations) &&
        isCount(f.result.steps) &&
        isCount(f.steps) &&
        isTime(f.ms),
    ),
  current: (c: RunFacts['current']) => {
    if (c === null) return true
    if (!isObject(c) || typeof c.name !== 'string' || !isTime(c.ms) || !isObject(c.place)) return false
    const { epoch, batch, step, sum, finite, optimizerSteps, since, epochs, evaluations } = c.place
    const { fewerSteps = {} } = c.place
    return (
      [epoch, batch, step, finite, optimizerSteps, since, c.place.skippedInARow].every(isCount) &&
      typeof sum === 'number' &&
      isObject(fewerSteps) &&
      Object.values(fewerSteps).every(isCount) &&
      Array.isArray(epochs) &&
      Array.isArray(evaluations)
    )
  },
}

/** Hashes tell of broken disks, not of strangers. */
function checked(folder: string, facts: unknown): RunFacts {
  for (const [name, holds] of Object.entries(rules))
    if (!holds((facts as Record<string, never>)[name]))
      throw new CheckpointError(folder, `the newest checkpoint's ${name} is not what a checkpoint holds`)
  return facts as RunFacts
}

export const writeFacts = (facts: RunFacts) => toJson(facts) as Record<string, unknown>

/** Throws CheckpointError where they are none. `folder` names where they were read. */
export const readFacts = (folder: string, facts: ReadonlyMap<string, unknown>): RunFacts =>
  checked(folder, fromJson(Object.fromEntries(facts)))
