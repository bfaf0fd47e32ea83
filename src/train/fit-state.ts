// What a training needs to go on as if it had never ended: weights, moments, the best weights, its place, its reports. Data
// order and dropout follow from (seed, epoch, batch), so the place is all that there is to know of them.
import { touch } from '../autograd/graph.js'
import { CheckpointError } from '../errors.js'
import type { Module } from '../nn/module.js'
import type { Optimizer } from '../nn/optim/optimizer.js'
import { formatShape, sameShape } from '../tensor/shape.js'
import { assign, type Tensor } from '../tensor/tensor.js'
import type { Keeper } from './keeper.js'
import type { EpochReport, EvaluationReport, FitResult } from './reports.js'

/** Between two optimizer steps: which batch comes next, and what was seen up to there. */
export interface FitPlace {
  /** Counted from 1. */
  epoch: number
  /** Batches of the epoch that are done. */
  batch: number
  /** Of all epochs. */
  step: number
  /** Sum of the epoch's losses so far, of those that were finite, and how many these were. */
  sum: number
  finite: number
  optimizerSteps: number
  /** Updates of the parameters that had fewer than the optimizer's steps, by name: their bias correction counts these. */
  fewerSteps?: Readonly<Record<string, number>>
  epochs: EpochReport[]
  evaluations: EvaluationReport[]
  /** Evaluations since the best. */
  since: number
  /** Steps that were not finite, up to here. */
  skippedInARow: number
}

/** The tensors themselves, not copies: to be written at once. */
export type NamedTensors = ReadonlyMap<string, Tensor>

export interface FitState {
  place: FitPlace
  tensors: NamedTensors
}

export interface SavedFit {
  tensors: NamedTensors
  /** null: the training had come to its end. */
  place: FitPlace | null
  /** null: it had not. */
  result: FitResult | null
}

/** Where a training's state is kept. */
export interface FitStore {
  /** What is known of the training, or null. */
  load(): SavedFit | null | Promise<SavedFit | null>
  /** Called between any two optimizer steps; saves when it is time to. May throw, to end the run there. */
  offer(step: number, state: () => FitState): void | Promise<void>
  /** The training is over, the model as its result says; `state` is the whole of its end, null where it ended in an earlier run. */
  finish(result: FitResult, model: NamedTensors, state: (() => FitState) | null): void
}

const MODEL = 'model.'
const BEST = 'best.'

const namesIn = (model: Module) => new Map(Array.from(model.namedParameters(), ([name, p]) => [p, name]))

/** Moments are numbered by the parameter's place in the model: a name may come again in the optimizer's groups, a tensor not. */
function* momentsOf(model: Module, optimizer: Optimizer): Generator<[string, Tensor]> {
  const names = namesIn(model)
  for (const { param, state } of optimizer.slots)
    for (const [i, moment] of state.entries()) yield [`moment${i}.${names.get(param)}`, moment]
}

/** Of what was frozen or had no gradient in some steps. */
export function fewerSteps(model: Module, optimizer: Optimizer): Record<string, number> {
  const names = namesIn(model)
  const fewer = optimizer.slots.filter((slot) => slot.state.length > 0 && slot.steps !== optimizer.steps)
  return Object.fromEntries(fewer.map((slot) => [`${names.get(slot.param)}`, slot.steps]))
}

const prefixed = (prefix: string, tensors: Iterable<readonly [string, Tensor]>): [string, Tensor][] =>
  Array.from(tensors, ([name, t]) => [prefix + name, t])

export const modelTensors = (model: Module): NamedTensors => new Map(prefixed(MODEL, model.stateDict()))

export function captureTensors(model: Module, optimizer: Optimizer, keeper: Keeper): NamedTensors {
  return new Map([...modelTensors(model), ...momentsOf(model, optimizer), ...prefixed(BEST, keeper.weights)])
}

/** Throws CheckpointError, and changes nothing, where a tensor is missing or of another shape. */
function copyInto(targets: Iterable<readonly [string, Tensor]>, saved: NamedTensors): void {
  const pairs = Array.from(targets, ([name, target]) => {
    const from = saved.get(name)
    if (from === undefined) throw new CheckpointError('checkpoint', `lacks the tensor ${name}`)
    if (!sameShape(from.shape, target.shape) || from.dtype !== target.dtype)
      throw new CheckpointError(
        'checkpoint',
        `${name} is ${from.dtype} ${formatShape(from.shape)}, the run needs ${target.dtype} ${formatShape(target.shape)}`,
      )
    return [target, from] as const
  })
  for (const [target, from] of pairs) {
    assign(target, from)
    touch(target)
  }
}

/** Puts a training back to where it was. Throws CheckpointError where what was saved is another model's. */
export function restoreFit(
  { tensors }: SavedFit,
  place: FitPlace,
  { model, optimizer, keeper }: { model: Module; optimizer: Optimizer; keeper: Keeper },
): void {
  const names = namesIn(model)
  for (const slot of optimizer.slots) {
    // Frozen in the beginning, and unfrozen before the state was saved.
    if (slot.state.length === 0 && tensors.has(`moment0.${names.get(slot.param)}`)) optimizer.prepare(slot)
  }
  copyInto([...prefixed(MODEL, model.stateDict()), ...momentsOf(model, optimizer)], tensors)
  optimizer.steps = place.optimizerSteps
  for (const slot of optimizer.slots)
    slot.steps =
      place.fewerSteps?.[`${names.get(slot.param)}`] ?? (slot.state.length > 0 ? optimizer.steps : 0)
  const best = Array.from(tensors).filter(([name]) => name.startsWith(BEST))
  keeper.goOn(place.evaluations, place.since, new Map(best.map(([name, t]) => [name.slice(BEST.length), t])))
}

/**
 * Gives a model the weights with which its training ended. What was not saved is another training's by now, which goes on
 * with the same model, or was of no use any more.
 */
export function restoreResult({ tensors }: SavedFit, model: Module): void {
  const own = prefixed(MODEL, model.stateDict())
  copyInto(
    own.filter(([name]) => tensors.has(name)),
    tensors,
  )
}
