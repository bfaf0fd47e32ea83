// A plan as plain data for another program to train by: python/train.py, which has the teacher's logits and no more.
import { TinystillError } from '../../errors.js'
import { storedName } from '../../formats/stored.js'
import { Pretrained, type Wanted } from '../../nn/models/pretrained.js'
import type { Module } from '../../nn/module.js'
import { parameterGroups } from '../../nn/optim/groups.js'
import { type FitSettings, formulaOf, lossesOf, type Plan, type StageData, type StagePlan } from './plan.js'
import { isTaught, wantedBy } from './runner.js'

/** The losses that are spelled in python/losses.py. */
const known = ['soft', 'hard', 'annealed']

/** Parameters that learn alike. */
export interface GroupRecord {
  names: string[]
  /** Multiplies lr. */
  lrScale: number
  /** Whether weight decay is for them. */
  decays: boolean
}

export interface StageRecord {
  name: string
  data: StageData
  /** The folder of its first weights, or the stage whose model goes on. */
  start: string
  /** 'cache': the given teacher's logits; or the stage whose model teaches; null: none. */
  teacher: string | null
  losses: { name: string; weight: StagePlan['losses'][string]['weight']; options: object }[]
  /** For people. */
  formula: string
  fit: FitSettings
  groups: GroupRecord[]
}

/** Folders of first weights, by the number that a plan has for them. */
export const studentFolder = (start: number): string => `student-${start}`

/** Stages that make the student: what is trained to be compared with stays here. */
export const handedStages = ({ stages }: Pick<Plan, 'stages'>): readonly StagePlan[] =>
  stages.filter(({ role }) => role === 'student')

const outputsOf = (want: Wanted): string =>
  Object.entries(want)
    .filter(([, asked]) => asked)
    .map(([name]) => name.replace(/[A-Z]/g, (c) => ` ${c.toLowerCase()}`))
    .join(', ')

/** Why a stage cannot be handed over; null: it can. general: whether there is a teacher of plain text beside the given one. */
function reasonAgainst(stage: StagePlan, general: boolean): string | null {
  const { task, fit, quantize, prune } = stage
  const outputs = outputsOf(wantedBy(stage))
  const strange = lossesOf(stage).find(({ name }) => !known.includes(name))?.name
  if (task === 'words') return 'it masks words anew each time'
  if (task === 'next') return 'it learns the next words'
  if (quantize !== null) return `its student is on grids (${quantize.scheme}) while it learns`
  if (prune !== null) return `its student is pruned (${prune.method}) while it learns`
  if (stage.teacherDropout) return "its teacher's dropout is on, for which the teacher must run beside it"
  if (outputs !== '')
    return `its losses read ${outputs} of the teacher, which must run beside it; a cache of logits has none`
  if (strange !== undefined) return `its loss ${strange} is not spelled there: ${known.join(', ')} are`
  if (isTaught(stage) && stage.teacher === 'general' && general)
    return 'it is taught by the general teacher, and the cache is of the other'
  if (fit.optimizer !== 'adamw') return `its optimizer is ${fit.optimizer}; adamw is spelled there`
  return fit.biasCorrection ? null : 'its optimizer has no bias correction, which PyTorch always has'
}

/** Throws TinystillError naming the stage, and why another program cannot train it. */
export function requireHandable(plan: Plan, general: boolean): void {
  for (const stage of handedStages(plan)) {
    const reason = reasonAgainst(stage, general)
    if (reason !== null)
      throw new TinystillError(
        `the recipe ${plan.recipe} cannot be handed over, stage ${stage.name}: ${reason}`,
        'tinystill distill trains it; hinton, annealing, born-again and multi-teacher can be handed over',
      )
  }
}

function groupsOf(model: Module, { layerDecay, decayAll }: FitSettings): GroupRecord[] {
  // By Python's names: what is one matrix there is one, whose parts learn alike.
  const named = (name: string) => (model instanceof Pretrained ? storedName(model.family, name) : name)
  const names = new Map(Array.from(model.namedParameters(), ([name, p]) => [p, named(name)]))
  return parameterGroups(model, { weightDecay: 1, layerDecay, decayAll }).map(
    ({ params, lrScale = 1, weightDecay }) => ({
      names: [...new Set(Array.from(params as Iterable<object>, (p) => names.get(p as never) as string))],
      ...{ lrScale, decays: weightDecay !== 0 },
    }),
  )
}

/** A stage of a plan that requireHandable() let pass; `model`: a student with its parameters. */
export function stageRecord(stage: StagePlan, model: Module): StageRecord {
  const { name, data, start, fit } = stage
  const taught = isTaught(stage) && stage.teacher !== null
  const given = stage.teacher === 'given' || stage.teacher === 'general'
  return {
    ...{ name, data, start: typeof start === 'number' ? studentFolder(start) : start },
    teacher: taught ? (given ? 'cache' : stage.teacher) : null,
    losses: lossesOf(stage).map(({ name, weight, loss }) => ({ name, weight, options: loss.options })),
    ...{ formula: formulaOf(stage), fit, groups: groupsOf(model, fit) },
  }
}
