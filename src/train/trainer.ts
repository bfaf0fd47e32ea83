// The training loop: epochs of batches, steps under a schedule, evaluations that decide what is kept and when it ends.
import { within } from '../autograd/trace.js'
import { BackendError, DataError } from '../errors.js'
import type { DataSet } from '../nn/data.js'
import { footprintOfModel, requireRoom } from '../nn/footprint.js'
import type { Module } from '../nn/module.js'
import { type GroupRules, parameterGroups } from '../nn/optim/groups.js'
import { type Schedule, trainingSchedules } from '../nn/optim/schedule.js'
import { type OptimizerChoice, type OptimizerName, trainingOptimizers } from '../nn/optim/trained-by.js'
import { keyOf } from '../tensor/rng.js'
import {
  captureTensors,
  type FitPlace,
  type FitStore,
  fewerSteps,
  modelTensors,
  restoreFit,
  restoreResult,
} from './fit-state.js'
import { Keeper } from './keeper.js'
import { breathe, collect } from './pace.js'
import type { EpochReport, EvaluationReport, Figures, FitResult, StepReport } from './reports.js'
import { Accumulator, type Loss } from './step.js'

/** Of fit(). */
export interface FitOptions extends Omit<OptimizerChoice, 'weightDecay'> {
  /** Passes over the data. One of these two is needed; where both are given, steps count. */
  epochs?: number | undefined
  /** Optimizer steps in all, and the length of the schedule; the last epoch ends with the last step. */
  steps?: number | null
  seed: number
  /** Default 'adamw'. */
  optimizer?: OptimizerName
  /** Default 64. */
  batchSize?: number
  /** Batches whose gradients are added up for one optimizer step, each counting by its rows. Default 1. */
  accumulate?: number
  /** Default 0.05. */
  weightDecay?: number
  /** No weight decay for biases and layer norms, and with layerDecay smaller rates for lower layers. Default: all alike. */
  groups?: Omit<GroupRules, 'weightDecay'>
  /** Steps of warm-up, or below 1 their share. Default 0.06. */
  warmup?: number
  /** Default 'linear'. */
  schedule?: keyof typeof trainingSchedules
  /** Largest gradient norm. Default 1. */
  maxNorm?: number
  /** The norm of all gradients, or each parameter's own. Default 'global'. */
  clip?: 'global' | 'each'
  /** Figures of the model as it is. */
  evaluate?: () => number | Figures | Promise<number | Figures>
  /** Evaluates after every n batches too, not only after each epoch. */
  evaluateEvery?: number
  /** The figure that decides. Default: the first. */
  metric?: string
  /** Whether its larger values are better. Default: unless it is called loss, mse, ece or perplexity. */
  higher?: boolean
  /** Ends after this many evaluations without a better score. Default: never. */
  patience?: number
  /** With evaluate: the weights that the model holds in the end. Default 'best'. */
  keep?: 'best' | 'last'
  /**
   * Where a loss or the norm of the gradients is NaN or infinite: 'stop' throws; 'skip' leaves the step out, all its batches,
   * and goes on. The schedule counts the steps taken. After more than 10 in a row it stops too. Default 'stop'.
   */
  onNonfinite?: 'stop' | 'skip'
  /** When aborted, training ends after the step in hand, as if it had come to its end. */
  signal?: { readonly aborted: boolean }
  /** Where its state is kept, so that a killed training goes on with the same bits. Default: nowhere. */
  store?: FitStore
  /** Called with the optimizer steps that are taken, of `total`: before the first one, and after each. What moves masks. */
  atStep?: (taken: number, total: number) => void
  /** Whether the model is by now what it is to be, and an evaluation may be the best. Default: always. */
  counts?: () => boolean
  onStep?: (step: StepReport) => void | Promise<void>
  onEvaluation?: (evaluation: EvaluationReport) => void | Promise<void>
  onEpoch?: (epoch: EpochReport) => void | Promise<void>
}

/** Where in the training a batch is: counted from 1, `total` in all. */
export interface StepPlace {
  epoch: number
  step: number
  total: number
}

/** What can be trained: any module that makes an output of an input. */
export interface Trainable<Input, Output> extends Module {
  forward(input: Input): Output
}

const counts = ['epochs', 'steps', 'batchSize', 'accumulate', 'evaluateEvery', 'patience'] as const

/** Throws RangeError for settings that mean nothing. */
function check(options: FitOptions): void {
  if ((options.epochs ?? options.steps ?? null) === null)
    throw new RangeError('fit: needs epochs or steps, got neither')
  for (const name of counts) {
    const n = options[name] ?? 1
    const endless = n === Infinity && name !== 'steps'
    if (!endless && !(Number.isInteger(n) && n >= 1))
      throw new RangeError(`fit: ${name} must be 1 or more, got ${n}`)
  }
}

/** How long a training is: in epochs, of which steps may cut the last, in batches and in optimizer steps. */
function lengthOf(
  { epochs = 1, steps = null, accumulate = 1 }: FitOptions,
  perEpoch: number,
): { epochs: number; total: number; steps: number } {
  const stepsPerEpoch = Math.ceil(perEpoch / accumulate)
  if (steps === null) return { epochs, total: epochs * perEpoch, steps: epochs * stepsPerEpoch }
  const whole = Math.floor(steps / stepsPerEpoch)
  // An epoch's last step may be of fewer batches: those before it are not.
  const total = whole * perEpoch + (steps % stepsPerEpoch) * accumulate
  return { epochs: Math.ceil(steps / stepsPerEpoch), total, steps }
}

/** Throws BackendError with the estimate where there is no room to train `model` on these batches. */
export function requireTrainingRoom(model: Module, data: DataSet<unknown>, batchSize: number): void {
  // In the order for evaluation the longest texts are together: no shuffled batch has more words.
  const [words, texts] = data
    .batches(batchSize, null)
    .map((rows) => [data.tokens(rows), rows.length])
    .reduce((most, one) => (one[0] > most[0] ? one : most), [0, 1])
  const need = footprintOfModel(model, words, words / texts)
  const there = model.parameters().some((p) => p.disposed) ? 0 : need.weights
  requireRoom('the model', need, there, words)
}

/** How often the collector is asked before a training is refused: on a busy machine it comes late. */
const ASKED = 10

/** The same, having let go first of what is dead and only not collected yet. */
async function makeTrainingRoom(model: Module, data: DataSet<unknown>, batchSize: number): Promise<void> {
  for (let asked = 0; ; asked++)
    try {
      return requireTrainingRoom(model, data, batchSize)
    } catch (error) {
      if (!(error instanceof BackendError) || asked === ASKED) throw error
      await collect()
    }
}

/**
 * Trains on `loss(output, rows, place)`: a scalar, alone or with the terms it is made of. Data order and dropout are
 * functions of (seed, epoch, step). Frozen parameters stay as they are. Throws NonfiniteError where a loss or gradient stops
 * being finite, with the tensor and op in which that arose; the weights are then those before that step. To find it,
 * `data.input` and `loss` are called once more. Throws BackendError, before the first step, where memory is too small for it.
 * Between steps it gives the event loop a turn where the last one is some 40 ms ago.
 */
export async function fit<Input, Output>(
  model: Trainable<Input, Output>,
  data: DataSet<Input>,
  loss: (output: Output, rows: Int32Array, place: StepPlace) => Loss,
  options: FitOptions,
): Promise<FitResult> {
  const { lr, seed, batchSize = 64, accumulate = 1, weightDecay = 0.05 } = options
  const { maxNorm = 1, clip = 'global', optimizer: name = 'adamw' } = options
  check(options)
  if (data.size === 0) throw new DataError('training data', 'has no rows')
  await makeTrainingRoom(model, data, batchSize)
  const { groups, evaluate, evaluateEvery = Infinity, signal } = options
  const saved = (await options.store?.load()) ?? null
  if (saved?.result) {
    restoreResult(saved, model)
    options.store?.finish(saved.result, modelTensors(model), null)
    model.eval()
    return saved.result
  }
  const params = groups ? parameterGroups(model, { weightDecay, ...groups }) : model.parameters()
  const optimizer = trainingOptimizers[name].make(params, { ...options, weightDecay })
  const perEpoch = Math.ceil(data.size / batchSize)
  const { epochs, total, steps } = lengthOf(options, perEpoch)
  const schedule: Schedule = trainingSchedules[options.schedule ?? 'linear']({
    total: steps,
    warmup: options.warmup ?? 0.06,
  })
  const keeper = new Keeper(model, options)
  const accumulator = new Accumulator(optimizer, model, options.onNonfinite)
  const from = saved?.place ?? { epoch: 1, batch: 0, sum: 0, finite: 0 }
  if (saved?.place) {
    restoreFit(saved, saved.place, { model, optimizer, keeper })
    accumulator.inARow = saved.place.skippedInARow
  }
  options.atStep?.(optimizer.steps, steps)
  const reports: EpochReport[] = [...(saved?.place?.epochs ?? [])]
  let stopped: FitResult['stopped'] = 'done'

  const stateAt = (place: Pick<FitPlace, 'epoch' | 'batch' | 'step' | 'sum' | 'finite'>) => ({
    place: {
      ...{ ...place, optimizerSteps: optimizer.steps, epochs: reports },
      fewerSteps: fewerSteps(model, optimizer),
      ...{ evaluations: keeper.reports, since: keeper.since, skippedInARow: accumulator.inARow },
    },
    tensors: captureTensors(model, optimizer, keeper),
  })

  async function judge(epoch: number, step: number): Promise<EvaluationReport> {
    if (!evaluate) return { epoch, step, figures: {}, score: Number.NaN, best: true }
    const report = keeper.add(epoch, step, await evaluate(), options.counts?.() ?? true)
    model.train()
    await options.onEvaluation?.(report)
    await breathe()
    if (keeper.done && stopped === 'done') stopped = 'patience'
    return report
  }

  try {
    let last: EvaluationReport | null = null
    for (let epoch = from.epoch; epoch <= epochs && stopped === 'done'; epoch++) {
      model.train()
      const batches = data.batches(batchSize, keyOf(seed, 'order', epoch))
      let { batch: done, sum, finite } = epoch === from.epoch ? from : { batch: 0, sum: 0, finite: 0 }
      const size = Math.min(batches.length, total - (epoch - 1) * perEpoch)
      for (let i = done; i < size; i++) {
        const rows = batches[i]
        const before = (epoch - 1) * perEpoch + i
        if (i % accumulate === 0)
          await options.store?.offer(before, () => stateAt({ epoch, batch: i, step: before, sum, finite }))
        const step = before + 1
        const at = () => `step ${step} of ${total}, epoch ${epoch}`
        const batch = accumulator.add(rows, keyOf(seed, 'dropout', epoch, i), at, () =>
          loss(model.forward(within('the data', () => data.input(rows))), rows, { epoch, step, total }),
        )
        if (Number.isFinite(batch.loss)) {
          sum += batch.loss
          finite++
        }
        done++
        const factor = schedule(optimizer.steps)
        const ends = i === size - 1
        const outcome =
          (i + 1) % accumulate === 0 || ends
            ? accumulator.step(factor, { maxNorm, clip }, at)
            : { gradNorm: 0 }
        if ((i + 1) % accumulate === 0 || ends) options.atStep?.(optimizer.steps, steps)
        const tokens = data.tokens(rows)
        await options.onStep?.({ epoch, step, total, ...batch, ...outcome, lr: lr * factor, tokens })
        await breathe()
        if (signal?.aborted) stopped = 'signal'
        else if (step % evaluateEvery === 0 && !ends) await judge(epoch, step)
        if (stopped !== 'done') break
      }
      const step = (epoch - 1) * perEpoch + done
      last = keeper.reports.at(-1)?.step === step ? keeper.reports.at(-1)! : await judge(epoch, step)
      const report = { epoch, loss: sum / finite, score: last.score, best: last.best }
      reports.push(report)
      await options.onEpoch?.(report)
    }
    keeper.restore()
    const best = keeper.best ?? (last as EvaluationReport)
    const result = { epochs: reports, evaluations: keeper.reports, best, steps: optimizer.steps, stopped }
    const step = Math.min(total, reports.length * perEpoch)
    const end = { epoch: epochs + 1, batch: 0, step, sum: 0, finite: 0 }
    options.store?.finish(result, modelTensors(model), () => stateAt(end))
    return result
  } finally {
    keeper.dispose()
    optimizer.dispose()
    model.eval()
  }
}
