// How a stage's student is pruned while it is trained: the method, how many weights go, when, and how fast scores learn.

import { touch } from '../../autograd/graph.js'
import { ArgumentError, DataError } from '../../errors.js'
import type { HeadModel } from '../../nn/models/pretrained.js'
import {
  type PruneMethod,
  type PruneMethodName,
  pruneMethodNames,
  pruneMethods,
} from '../../nn/prune/methods.js'
import {
  type PruneOptions,
  Pruner,
  type Pruning,
  pruneAware,
  pruningIn,
  pruningOf,
  scoreStarts,
} from '../../nn/prune/prepare.js'
import { pruneScheduleNames } from '../../nn/prune/schedule.js'
import { addedTo, settle } from '../../nn/stand-ins/ready.js'
import { assign, type Tensor } from '../../tensor/tensor.js'
import {
  type Given,
  numberFrom,
  numberOrNone,
  objectAt,
  oneOf,
  type Setting,
  type Values,
  withSettings,
} from './settings.js'

export interface StagePruning extends Pruning {
  /** Of scores; null: as all others learn. */
  scoreLr: number | null
  /**
   * Before the stage masks follow from what the weights have become, and these go back to the first weights of this number: rounds of
   * lottery tickets. null: they stay.
   */
  rewind: number | null
}

/** Movement pruning's code. */
const SCORE_LR = 1e-2

const text = (fallback: string): Setting<string> => ({
  ...{ fallback, want: 'single, a block as 32x32, or n of m as 2:4' },
  fits: (value): value is string => typeof value === 'string',
})

/** As plans and --config name them; null is the method's own. */
export const pruneSettings = {
  method: oneOf(pruneMethodNames, 'movement'),
  sparsity: numberOrNone(0, 0.9999),
  pattern: text('single'),
  schedule: oneOf(pruneScheduleNames, 'cubic'),
  begin: numberFrom(0, 1e9, 0.1),
  hold: numberFrom(0, 1e9, 0.2),
  scores: oneOf(scoreStarts, 'zero'),
  threshold: numberFrom(1e-6, 0.999999, 0.1),
  penalty: numberFrom(0, 1e9, 400),
  scoreLr: { ...numberOrNone(0, 10), fallback: SCORE_LR },
}

export type PruneSettings = Values<typeof pruneSettings>

/** A method with its settings, by what of them is given. Throws RangeError, ArgumentError. */
export function stagePruning(
  method: PruneMethodName,
  given: Partial<Omit<PruneSettings, 'method'>> = {},
): StagePruning {
  const { scoreLr = SCORE_LR, sparsity, ...rest } = given
  const options: PruneOptions = { ...rest, ...(sparsity !== null && sparsity !== undefined && { sparsity }) }
  return { ...pruningOf(method, options), scoreLr, rewind: null }
}

/** What --config says: settings, or null for none. `before`: those that it changes. Throws DataError that names the setting. */
export function pruneAt(
  file: string,
  where: string,
  value: unknown,
  before: StagePruning | null,
): StagePruning | null {
  if (value === null) return null
  const given: Given = typeof value === 'string' ? { method: value } : objectAt(file, where, value)
  const { rewind = null, ...old } = before ?? {}
  // Of another method the settings of before say nothing.
  const kept = given.method === undefined || given.method === before?.method ? old : {}
  const known = withSettings(pruneSettings, {} as PruneSettings, given, { file, where: `${where}.` })
  const { method = 'movement', ...rest } = {
    ...(kept as Partial<PruneSettings>),
    ...(known as Partial<PruneSettings>),
  }
  if (method === 'lottery' && before?.method !== 'lottery')
    throw new DataError(file, `${where}: lottery is a row of stages`, 'Ask for it by --prune lottery')
  try {
    return { ...stagePruning(method, rest), rewind }
  } catch (error) {
    if (!(error instanceof RangeError || error instanceof ArgumentError)) throw error
    throw new DataError(file, `${where}: ${error.message}`)
  }
}

const percent = (x: number) => `${Number((100 * x).toPrecision(4))}%`
const part = (n: number) => (n < 1 ? `${percent(n)} of the steps` : `${n} steps`)

/** For people: 'movement, weights that training moves towards 0, by scores that learn along (90% of each matrix, cubic ...)'. */
export function describePruning(pruning: StagePruning): string {
  const { method, sparsity, pattern, schedule, begin, hold, threshold, penalty, scores, scoreLr, rewind } =
    pruning
  const { describe, keeps, by }: PruneMethod = pruneMethods[method]
  const how = [
    sparsity === null
      ? `penalty ${penalty}, bar ${threshold}`
      : `${percent(sparsity)} of ${keeps === 'all' ? 'all matrices' : 'each matrix'}`,
    ...(pattern === 'single' ? [] : [pattern]),
    schedule === 'once'
      ? 'from the first step on'
      : `${schedule} after ${part(begin)}, the last ${part(hold)} with all of it`,
    ...(by === 'scores' && scores === 'size' ? ['scores begin as sizes'] : []),
    ...(by === 'scores' && scoreLr !== null ? [`lr of scores ${scoreLr}`] : []),
    ...(rewind === null ? [] : ['the others as they began']),
  ]
  return `${method}, ${describe} (${how.join(', ')})`
}

/** Whether a model's masks go on in a stage. */
function goesOn(model: HeadModel, wanted: StagePruning | null): boolean {
  const now = pruningIn(model)
  const by = (method: PruneMethodName) => pruneMethods[method].by
  return now !== null && now.pattern === wanted?.pattern && by(now.method) === by(wanted.method)
}

/** Takes masks off that a stage has no use for. Their zeros stay, and learn. */
export function leavePruning(model: HeadModel, wanted: StagePruning | null): void {
  if (pruningIn(model) !== null && !goesOn(model, wanted)) settle(model)
}

/** Makes a model ready for a stage, and gives what moves its masks. `first`: a model with the first weights of a number. */
export function pruneFor(
  model: HeadModel,
  wanted: StagePruning,
  first: (number: number) => HeadModel,
): Pruner {
  if (!goesOn(model, wanted)) {
    const { method, sparsity, scoreLr: _, rewind: __, ...rest } = wanted
    pruneAware(model, method, { ...rest, ...(sparsity !== null && { sparsity }) })
  }
  const pruner = new Pruner(model, wanted)
  if (wanted.rewind !== null) {
    pruner.update(1, 1)
    goBack(model, first(wanted.rewind))
    pruner.update(1, 1)
  }
  return pruner
}

/** Gives a model the weights of another one, which is disposed of. Its masks stay. */
function goBack(model: HeadModel, to: HeadModel): void {
  const added = new Set(addedTo(model))
  const begun = to.stateDict()
  for (const [name, t] of model.stateDict()) {
    if (added.has(t)) continue
    assign(t, begun.get(name) as Tensor)
    touch(t)
  }
  for (const t of begun.values()) t.dispose()
}
