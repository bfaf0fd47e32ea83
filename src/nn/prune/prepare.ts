// A model made ready for pruning, in place: masks before the matrices of its blocks, which a training moves step by step.
import { noGrad, touch } from '../../autograd/graph.js'
import { add, mul } from '../../autograd/ops/elementwise/arithmetic.js'
import { sigmoid } from '../../autograd/ops/elementwise/pointwise.js'
import { mean } from '../../autograd/ops/reduce.js'
import { ArgumentError, got } from '../../errors.js'
import { type Kinds, optionsArg } from '../../tensor/check.js'
import { log } from '../../tensor/math.js'
import type { Floats } from '../../tensor/storage.js'
import type { Tensor } from '../../tensor/tensor.js'
import { Linear } from '../layers.js'
import { type Module, moduleArg } from '../module.js'
import { parameterTable } from '../optim/groups.js'
import { makeReady, readinessOf, requirePlain, settle } from '../stand-ins/ready.js'
import { above, largestOfAll, largestOfEach, largestOfRuns } from './keep.js'
import { MaskedLinear } from './layers.js'
import { type PruneMethod, type PruneMethodName, pruneMethodNames, pruneMethods } from './methods.js'
import { checkFits, type Pattern, patternOf, sizesOf, spread } from './pattern.js'
import { type PruneSchedule, pruningDone } from './schedule.js'

/** A method with all that it needs to know. */
export interface Pruning extends PruneSchedule {
  method: PruneMethodName
  /** Share of the matrices' weights that are 0 in the end; of soft movement null, where the penalty decides. */
  sparsity: number | null
  /** 'single', '32x32', '2:4'. */
  pattern: string
  /**
   * What scores begin as: 0, as in the paper, so that the first masks follow from a few steps alone; or a weight's size by the mean
   * size of its matrix, so that they begin as those of magnitude and training moves them on.
   */
  scores: ScoreStart
  /** Soft movement: sigmoid(score) at which a weight stays, in the end. */
  threshold: number
  /** Soft movement: what the mean of sigmoid(score) over all matrices counts in the loss, in the end. */
  penalty: number
}

export const scoreStarts = ['zero', 'size'] as const
export type ScoreStart = (typeof scoreStarts)[number]

/** Of pruneAware(). */
export type PruneOptions = Partial<Omit<Pruning, 'method'>>

const optionKinds: Kinds<PruneOptions> = {
  ...{ sparsity: 'any', pattern: 'any', schedule: 'any', begin: 'number', hold: 'number' },
  ...{ threshold: 'number', penalty: 'number', scores: scoreStarts },
}

/** Sanh et al. 2020 and its code: a tenth of warm-up, twice that in the end; threshold and penalty of the soft kind. */
const usual = {
  pattern: 'single',
  schedule: 'cubic',
  begin: 0.1,
  hold: 0.2,
  scores: 'zero',
  threshold: 0.1,
  penalty: 400,
} as const

/** The method by its name, with what is asked for. Throws ArgumentError, RangeError. */
export function pruningOf(method: PruneMethodName, options: PruneOptions = {}): Pruning {
  if (!pruneMethodNames.includes(method))
    throw new ArgumentError(
      'pruneAware',
      `the method must be ${pruneMethodNames.join(', ')}, got ${got(method)}`,
    )
  const given = optionsArg('pruneAware', options, optionKinds)
  const { keeps }: PruneMethod = pruneMethods[method]
  const pattern = patternOf(given.pattern ?? usual.pattern)
  const of = pattern.kind === 'of' ? 1 - pattern.n / pattern.m : null
  const { sparsity: asked = null, threshold = usual.threshold, penalty = usual.penalty } = given
  if (keeps === 'above') {
    if (asked !== null)
      throw new RangeError(
        `pruneAware: of ${method} the penalty decides how many weights stay, not a sparsity`,
      )
    if (of !== null)
      throw new RangeError(`pruneAware: ${method} knows no n of m, its bar decides how many stay`)
  } else if (of !== null && asked !== null && Math.abs(asked - of) > 1e-9)
    throw new RangeError(
      `pruneAware: ${given.pattern} leaves ${1 - of} of the weights, and a sparsity of ${asked} other ones`,
    )
  const sparsity = keeps === 'above' ? null : (of ?? asked)
  if (sparsity === null && keeps !== 'above')
    throw new RangeError(`pruneAware: ${method} needs a sparsity, the share of weights that become 0`)
  if (sparsity !== null && !(typeof sparsity === 'number' && sparsity >= 0 && sparsity < 1))
    throw new RangeError(`pruneAware: the sparsity must be from 0 to below 1, got ${got(sparsity)}`)
  if (!(threshold > 0 && threshold < 1))
    throw new RangeError(`pruneAware: the threshold must lie between 0 and 1, got ${threshold}`)
  const pruning = { ...usual, ...given, method, sparsity, threshold, penalty }
  for (const name of ['begin', 'hold', 'penalty'] as const)
    if (!(pruning[name] >= 0))
      throw new RangeError(`pruneAware: ${name} must be 0 or more, got ${pruning[name]}`)
  pruningDone(pruning, 0, 1)
  return pruning
}

/** How a model was made ready; null: it was not. */
export function pruningIn(model: Module): Pruning | null {
  const ready = readinessOf(model)
  return ready?.by === 'pruneAware' ? (ready.settings as Pruning) : null
}

/** The linear layers of a model's blocks, six in each of BERT's, by name; of a stack of linear layers all but the last. */
export function prunable(model: Module): [string, Linear][] {
  const parts = new Map(parameterTable(model).map(({ param, part }) => [param, part]))
  return Array.from(model.namedModules()).filter(
    (entry): entry is [string, Linear] =>
      entry[1] instanceof Linear && parts.get(entry[1].weight) === 'layer',
  )
}

/**
 * Puts layers with masks, of which nothing is masked yet, in the place of the linear layers of a model's blocks, in place; tables,
 * norms, biases, pooler and head stay. What moves the masks is a Pruner. Gives the model. Throws ArgumentError, and RangeError for
 * one that is ready already or has no such layer.
 */
export function pruneAware<M extends Module>(
  model: M,
  method: PruneMethodName,
  options: PruneOptions = {},
): M {
  moduleArg('pruneAware', 'the model', model)
  const pruning = pruningOf(method, options)
  requirePlain('pruneAware', model)
  const pattern = patternOf(pruning.pattern)
  const layers = prunable(model)
  if (layers.length === 0)
    throw new RangeError(`pruneAware: a ${model.constructor.name} has no layer to prune`)
  for (const [name, { weight }] of layers) checkFits(name, weight.shape, pattern)
  const chosen = new Set<Module>(layers.map(([, layer]) => layer))
  const scored = pruneMethods[method].by === 'scores'
  const standIn = (module: Module) => {
    if (!chosen.has(module)) return module
    const layer = new MaskedLinear(module as Linear, pattern, scored)
    if (scored && pruning.scores === 'size') scoreBySize(layer, pattern)
    return layer
  }
  return makeReady(model, standIn, { by: 'pruneAware', how: `by the method ${method}`, settings: pruning })
}

const masked = (model: Module): MaskedLinear[] =>
  Array.from(model.namedModules(), ([, module]) => module).filter((m) => m instanceof MaskedLinear)

/** Sets scores to the sizes of their units, by the mean of these: 1 on average. */
function scoreBySize({ weight, weightMask: { mask, scores } }: MaskedLinear, pattern: Pattern): void {
  const sizes = sizesOf(weight.elements as Floats, mask.elements as Floats, weight.shape, pattern)
  let sum = 0
  for (const size of sizes) sum += size
  const values = (scores as Tensor).elements
  for (let i = 0; i < sizes.length && sum > 0; i++) values[i] = (sizes[i] * sizes.length) / sum
}

/** Moves the masks of a model that is ready. */
export class Pruner {
  readonly pruning: Pruning
  readonly #layers: readonly MaskedLinear[]
  readonly #pattern: Pattern
  #done = 0

  /**
   * pruning: as the model was made ready, by default, or with another schedule or sparsity. Throws RangeError for a model that
   * pruneAware() has not made ready.
   */
  constructor(
    readonly model: Module,
    pruning?: Pruning,
  ) {
    moduleArg('Pruner', 'the model', model)
    const own = pruning === undefined ? pruningIn(model) : pruning
    this.#layers = masked(model)
    if (this.#layers.length === 0 || own === null)
      throw new RangeError('Pruner: the model has no masks, call pruneAware() first')
    if (typeof own !== 'object')
      throw new ArgumentError('Pruner', `pruning must be an object, got ${got(own)}`)
    const { method, sparsity, pattern, schedule, begin, hold, scores, threshold, penalty } = own
    const asked = { sparsity, pattern, schedule, begin, hold, scores, threshold, penalty }
    this.pruning = pruningOf(method, asked)
    this.#pattern = patternOf(this.pruning.pattern)
  }

  /** What part of the pruning is done, from 0 to 1. */
  get done(): number {
    return this.#done
  }

  /**
   * Sets the masks after so many of `total` optimizer steps, before the first one with 0. Where weights decide, the masked ones become
   * 0 again, which the optimizer's moments have moved. A function of weights, masks, scores and the step. Throws RangeError for NaN.
   */
  update(step: number, total: number): void {
    const { method } = this.pruning
    this.#done = pruningDone(this.pruning, step, total)
    const scored = pruneMethods[method].by === 'scores'
    if (this.#done > 0) this.#choose(scored)
    if (!scored) for (const layer of this.#layers) clear(layer)
  }

  #choose(scored: boolean): void {
    const lists = this.#layers.map(({ weight, weightMask: { mask, scores } }) =>
      scored
        ? ((scores as Tensor).elements as Floats)
        : sizesOf(weight.elements as Floats, mask.elements as Floats, weight.shape, this.#pattern),
    )
    for (const [i, units] of this.#kept(lists).entries()) {
      const { weight, weightMask } = this.#layers[i]
      spread(units, weightMask.mask.elements as Floats, weight.shape, this.#pattern)
      touch(weightMask.mask)
    }
  }

  #kept(lists: readonly Floats[]): Uint8Array[] {
    const { method, sparsity, threshold } = this.pruning
    const pattern = this.#pattern
    const now = (sparsity ?? 0) * this.#done
    if (pattern.kind === 'of') {
      // By whole weights of a run: 4, 3 and then 2 of 4.
      const left = Math.max(pattern.n, pattern.m - Math.round(pattern.m * now))
      return lists.map((list) => largestOfRuns(list, left, pattern.m))
    }
    const { keeps } = pruneMethods[method]
    if (keeps === 'each') return largestOfEach(lists, now)
    if (keeps === 'all') return largestOfAll(lists, now)
    const bar = threshold * this.#done
    // sigmoid(s) > bar, solved for s.
    return lists.map((list) => above(list, log(bar / (1 - bar))))
  }

  /** What soft movement adds to the loss, a scalar with its weight; null where nothing is. */
  penalty(): { value: Tensor; weight: number } | null {
    if (pruneMethods[this.pruning.method].keeps !== 'above') return null
    const means = this.#layers.map(({ weightMask: { scores } }) => mean(sigmoid(scores as Tensor)))
    return { value: mul(means.reduce(add), 1 / means.length), weight: this.pruning.penalty * this.#done }
  }
}

/** Zeros where a layer's mask has them. */
function clear({ weight, weightMask: { mask } }: MaskedLinear): void {
  const [values, kept] = [weight, mask].map((t) => t.elements as Floats)
  // The 0 that is added makes of -0 a 0.
  for (let i = 0; i < values.length; i++) values[i] = values[i] * kept[i] + 0
  touch(weight)
}

/** Zeros of a model's matrices that pruning is for, by name and together; of one that is ready as they are computed with. */
export interface Sparsity {
  zeros: number
  weights: number
  matrices: Record<string, number>
}

export function sparsityOf(model: Module): Sparsity {
  const out: Sparsity = { zeros: 0, weights: 0, matrices: {} }
  for (const [name, layer] of prunable(model)) {
    const weight = layer instanceof MaskedLinear ? noGrad(() => layer.computedWeight()) : layer.weight
    const values = weight.elements as Floats
    let zeros = 0
    for (let i = 0; i < values.length; i++) if (values[i] === 0) zeros++
    if (weight !== layer.weight) weight.dispose()
    out.zeros += zeros
    out.weights += values.length
    out.matrices[name] = values.length === 0 ? 0 : zeros / values.length
  }
  return out
}

/** Puts plain layers back, with zeros where their masks are, in place. Gives the model. What was not made ready stays as it is. */
export function settlePruned<M extends Module>(model: M): M {
  moduleArg('settlePruned', 'the model', model)
  return settle(model)
}
