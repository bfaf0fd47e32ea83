// A recipe as data: stages, what each is trained on, by which losses, how fast. The runner executes it; --config changes it.
import { trainingSchedules } from '../../nn/optim/schedule.js'
import { type OptimizerName, trainingOptimizers } from '../../nn/optim/trained-by.js'
import type { FitOptions } from '../../train/trainer.js'
import type { CustomMap, LayerMapName } from '../layer-map.js'
import type { BoundLoss, StageTask } from './loss.js'
import { lossTable } from './loss-table.js'
import { describePruning, type StagePruning } from './pruning.js'
import { describeQuantization, type StageQuantization } from './quantization.js'
import {
  checkKnown,
  defaultsOf,
  flag,
  type Given,
  numberFrom,
  numberOrNone,
  oneOf,
  pair,
  type Values,
  wholeFrom,
  wholeOrNone,
} from './settings.js'

/** The rows with labels; those and the transfer set; plain text, which is the transfer set where there is no other. */
export const stageData = ['labelled', 'transfer', 'text'] as const
export type StageData = (typeof stageData)[number]

/** How a stage is trained: BERT's fine-tuning, where a recipe says nothing. */
export const fitSettings = {
  epochs: wholeFrom(1, 10_000, 3),
  /** Optimizer steps; null: as many as the epochs make. */
  steps: wholeOrNone(1, 1e9),
  batchSize: wholeFrom(1, 65536, 32),
  accumulate: wholeFrom(1, 65536, 1),
  lr: numberFrom(0, 10, 5e-5),
  optimizer: oneOf(Object.keys(trainingOptimizers) as OptimizerName[], 'adamw'),
  betas: pair([0.9, 0.999]),
  /** Of adadelta. */
  rho: numberFrom(0, 1, 0.9),
  /** null: what the optimizer has where nothing is said. */
  eps: numberOrNone(0, 1),
  weightDecay: numberFrom(0, 10, 0.01),
  decayAll: flag(false),
  layerDecay: numberFrom(0.01, 1, 1),
  /** false: BERT's first optimizer. */
  biasCorrection: flag(true),
  maxNorm: numberFrom(1e-6, 1e9, 1),
  /** Gradients are clipped by the norm of all, or each parameter's by its own. */
  clip: oneOf(['global', 'each'], 'global'),
  warmup: numberFrom(0, 1e9, 0.1),
  schedule: oneOf(Object.keys(trainingSchedules) as (keyof typeof trainingSchedules)[], 'linear'),
  keep: oneOf(['best', 'last'], 'best'),
}
/** How a stage is trained. */
export type FitSettings = Values<typeof fitSettings>

/** A number, or one that goes in a straight line over the stage. */
export type Varying = number | { readonly from: number; readonly to: number }

export const at = (value: Varying, progress: number): number =>
  typeof value === 'number' ? value : value.from + (value.to - value.from) * progress

/** A loss of a stage: what it counts, and its options. */
export interface LossPlan {
  weight: Varying
  options: Given
}

/** One training of a plan. */
export interface StagePlan {
  name: string
  /** 'words': its texts are masked anew each time, and the student, like its teacher, guesses words instead of classes. 'next': the next words. */
  task: StageTask
  data: StageData
  /** By name, from lossTable. */
  losses: Readonly<Record<string, LossPlan>>
  /** null: uniform, where a loss asks for one. */
  layerMap: LayerMapName | CustomMap | null
  /** 'given': what --teacher names; 'general': one of plain text, else the given; or a stage before this one; null: none. */
  teacher: string | null
  /** Whether its teacher runs with its dropout on, as in TinyBERT's code. */
  teacherDropout: boolean
  /**
   * Tokens that its texts are padded to, or as many as the student takes, so that losses which count padding count that too;
   * null: to the longest of a batch, where a loss asks for padding.
   */
  padTo: number | null
  /** How the student is quantized while it is trained; null: not at all. */
  quantize: StageQuantization | null
  /** How it is pruned; null: not at all. */
  prune: StagePruning | null
  /** Number of the first weights of a new student, the same for equal numbers; or the stage whose model goes on. */
  start: number | string
  /** 'control': trained to be compared with, not to be kept. */
  role: 'student' | 'control'
  fit: FitSettings
}

/** How several teachers become one. */
export interface TeacherMean {
  of: 'probabilities' | 'logits'
  weights: 'equal' | 'accuracy' | 'entropy'
}

/** A recipe as data: its stages, the lone student beside them, and what teachers give. */
export interface Plan {
  recipe: string
  teachers: TeacherMean
  /** In order. The last that is no control makes the student. */
  stages: readonly StagePlan[]
  /** Stages whose models are also judged together: the mean of their logarithmic probabilities. */
  ensemble: readonly string[]
  /** The same student by labels alone, for --baseline. */
  baseline: StagePlan
}

export type StageDraft = Partial<Omit<StagePlan, 'losses' | 'fit'>> &
  Pick<StagePlan, 'name'> & {
    losses: Readonly<Record<string, Partial<LossPlan>>>
    fit?: Partial<FitSettings>
  }

/**
 * A plan for classes as one for sets of classes or numbers: its losses are then those of that task. Throws RangeError
 * naming a loss that has no form for it.
 */
export function withTask(plan: Plan, task: StageTask): Plan {
  const change = (stage: StagePlan): StagePlan => (stage.task === 'classes' ? { ...stage, task } : stage)
  const changed = { ...plan, stages: plan.stages.map(change), baseline: change(plan.baseline) }
  for (const stage of [...changed.stages, changed.baseline]) lossesOf(stage, `the recipe ${plan.recipe}`)
  return changed
}

/** A stage with what was left out filled in. */
export function stageOf({ losses, fit, ...draft }: StageDraft): StagePlan {
  return {
    ...{ task: 'classes', data: 'labelled', layerMap: null, teacher: 'given', start: 0, role: 'student' },
    ...{ teacherDropout: false, padTo: null, quantize: null, prune: null },
    ...draft,
    losses: Object.fromEntries(
      Object.entries(losses).map(([name, { weight = 1, options = {} }]) => [name, { weight, options }]),
    ),
    fit: { ...defaultsOf(fitSettings), ...fit },
  }
}

export const studentStage = ({ stages }: Pick<Plan, 'stages'>): StagePlan =>
  stages.findLast((stage) => stage.role === 'student') ?? stages[stages.length - 1]

/** A stage's losses out of the table; those of weight 0 are left out. Throws DataError for a name or option that is not known. */
export function lossesOf(
  stage: StagePlan,
  file = 'plan',
): { name: string; weight: Varying; loss: BoundLoss }[] {
  return Object.entries(stage.losses)
    .map(([name, { weight, options }]) => {
      checkKnown(file, `stages.${stage.name}.losses.`, name, Object.keys(lossTable))
      const where = `stages.${stage.name}.losses.${name}.`
      return { name, weight, loss: lossTable[name].bind(options, { file, where }, stage.task) }
    })
    .filter(({ weight }) => weight !== 0)
}

/** Whether a stage's losses look at classes, not only inside the models. */
export const tellsClasses = (stage: StagePlan): boolean =>
  stage.task !== 'words' && lossesOf(stage).some(({ loss }) => loss.needs.outputs === undefined)
/** What of a stage asks for padded texts: the name of a loss that compares text by text, or padTo; null: nothing. */
export const paddedBy = (stage: StagePlan): string | null =>
  lossesOf(stage).find(({ loss }) => loss.needs.padded)?.name ?? (stage.padTo === null ? null : 'padTo')

/** The temperature at which a stage's losses soften their teacher. 1 where none of them does. */
export function temperatureOf(stage: StagePlan): number {
  const [T = 1] = lossesOf(stage)
    .map(({ loss }) => loss.options.T)
    .filter((T): T is number => typeof T === 'number')
  return T
}

/** '3 epochs', '500 steps'. */
function lengthOf({ epochs, steps }: FitSettings): string {
  const [n, unit] = steps === null ? [epochs, 'epoch'] : [steps, 'step']
  return `${n} ${unit}${n === 1 ? '' : 's'}`
}

const shown = (w: Varying) =>
  typeof w === 'number' ? String(Number(w.toPrecision(4))) : `[${w.from} to ${w.to}]`

/** The whole loss of a stage on one line. */
export function formulaOf(stage: StagePlan): string {
  const terms = lossesOf(stage).map(
    ({ weight, loss }) => (weight === 1 ? '' : `${shown(weight)} `) + loss.formula,
  )
  return terms.join(' + ')
}

const dataNames: Record<StageData, string> = {
  labelled: 'the labelled rows',
  transfer: 'labelled and transfer rows',
  text: 'plain text',
}

/** A plan for people: two lines a stage, three where the student is quantized or pruned. */
export function describePlan(plan: Pick<Plan, 'stages'>): string {
  return plan.stages
    .flatMap((stage) => {
      const { fit, teacher, start, padTo, quantize, prune } = stage
      const from = typeof start === 'string' ? `, goes on from ${start}` : ''
      const by =
        teacher === null || teacher === 'given'
          ? ''
          : `, taught by ${teacher === 'general' ? 'the general teacher' : teacher}`
      const dropout = stage.teacherDropout ? ", the teacher's dropout on" : ''
      const rows = `${dataNames[stage.data]}${{ words: ', words masked', next: ', next words' }[stage.task as string] ?? ''}${padTo === null ? '' : `, padded to ${padTo} tokens`}`
      const rate = `lr ${fit.lr} ${fit.schedule}, warm-up ${fit.warmup}, batch ${fit.batchSize}${fit.accumulate > 1 ? ` x ${fit.accumulate}` : ''}`
      return [
        `${stage.name}: loss = ${formulaOf(stage)}`,
        ...(quantize === null ? [] : [`  quantized: ${describeQuantization(quantize)}`]),
        ...(prune === null ? [] : [`  pruned: ${describePruning(prune)}`]),
        `  on ${rows}${by}${dropout}${from}; ${lengthOf(fit)}, ${rate}, weight decay ${fit.weightDecay}, gradient norm ${fit.maxNorm}${fit.clip === 'each' ? ' each' : ''}${fit.biasCorrection ? '' : ', no bias correction'}${fit.optimizer === 'adadelta' ? `, Adadelta with rho ${fit.rho}` : ''}`,
      ]
    })
    .join('\n')
}

/** A stage's settings as fit() takes them. */
export function fitOptionsOf({ fit, quantize, prune }: StagePlan): Omit<FitOptions, 'seed'> {
  const { layerDecay, decayAll, ...rest } = fit
  const own = quantize?.stepLr ?? prune?.scoreLr ?? null
  const apart = own === null || fit.lr === 0 ? {} : { apartScale: own / fit.lr }
  return { ...rest, groups: { layerDecay, decayAll, ...apart } }
}
