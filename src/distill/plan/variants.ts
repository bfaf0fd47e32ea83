// What else is trained to see what a recipe is worth: the student alone, and the recipe without each of its losses.
import type { PruneMethodName } from '../../nn/prune/methods.js'
import { lossesOf, type Plan, type StagePlan, studentStage, tellsClasses } from './plan.js'
import { type StagePruning, stagePruning } from './pruning.js'
import type { StageResult } from './runner.js'
import { type RowCounts, stepsOfEpoch, stepsOfModel, stepsOfStage } from './steps.js'

export interface Variant {
  /** Its model in tables; null: its stages' names. */
  label: string | null
  plan: Pick<Plan, 'stages' | 'ensemble'>
  /** Whether its stages are alternatives, of which the one that does best on dev counts. */
  best?: boolean
}

/** The names under which the models of a plan appear, by stage; stages whose model goes on have none. */
export function modelNames({ stages }: Pick<Plan, 'stages'>, label: string | null): Map<StagePlan, string> {
  const goesOn = new Set(stages.map((stage) => stage.start))
  const ends = stages.filter((stage) => !goesOn.has(stage.name))
  const only = ends.length === 1 ? (label ?? (ends[0].prune === null ? 'distilled' : 'pruned')) : null
  return new Map(ends.map((stage) => [stage, only ?? label ?? stage.name]))
}

/** Its name in tables of the model that a plan is for. */
export const mainName = (plan: Pick<Plan, 'stages'>): string =>
  modelNames(plan, null).get(studentStage(plan)) ?? 'distilled'

/** Methods that prune in one training to a sparsity that is asked for, so that two of them can be compared. */
export const besideMethods = [
  'magnitude',
  'magnitude-global',
  'movement',
] as const satisfies PruneMethodName[]
export type BesideMethod = (typeof besideMethods)[number]

/** The plan pruned by each of these methods instead: as much, by the same schedule, from the same teacher. */
export const besideVariants = ({ stages }: Plan, methods: readonly BesideMethod[]): Variant[] =>
  methods.map((method) => {
    const prune = (own: StagePruning) => {
      const { sparsity, pattern, schedule, begin, hold, scores, scoreLr } = own
      return stagePruning(method, { sparsity, pattern, schedule, begin, hold, scores, scoreLr })
    }
    const own = stages.map((stage) =>
      stage.prune === null ? stage : { ...stage, prune: prune(stage.prune) },
    )
    return { label: method, plan: { stages: own, ensemble: [] } }
  })

/** Schedules are alike where their steps differ by less than this part. */
const ALIKE = 0.1

/**
 * The lone student, from the first weights of the distilled one: by the schedule that is good for labels, and where that is
 * another by one of as many steps as the distilled one gets, to the epoch. rows null: by its own schedule alone.
 */
export function aloneVariant(plan: Plan, rows: RowCounts | null): Variant {
  const { baseline } = plan
  const variant = (stages: StagePlan[]) => ({ label: 'alone', plan: { stages, ensemble: [] }, best: true })
  if (rows === null) return variant([baseline])
  const wanted = stepsOfModel(plan, studentStage(plan), rows)
  const perEpoch = stepsOfEpoch(baseline, rows)
  const epochs = Math.max(1, Math.round(wanted / perEpoch))
  const own = stepsOfStage(baseline, rows)
  const fit = { ...baseline.fit, epochs, steps: null }
  const matched = { ...baseline, name: `${baseline.name}-as-many-steps`, fit }
  return variant(Math.abs(epochs * perEpoch - own) <= ALIKE * own ? [baseline] : [baseline, matched])
}

/**
 * The plan without each loss in turn, controls left out. A stage that has nothing left to learn from is dropped, and those that
 * would go on from it start where it would have; but where nothing else tells of classes, it learns them from the labels, as
 * TinyBERT's table without prediction has it. `skipped`: losses without which nothing remains.
 */
export function ablations(plan: Plan): { variants: Variant[]; skipped: string[] } {
  const kept = plan.stages.filter((stage) => stage.role === 'student')
  const names = [...new Set(kept.flatMap((stage) => lossesOf(stage).map((l) => l.name)))]
  const variants: Variant[] = []
  const skipped: string[] = []
  for (const name of names) {
    const stages: StagePlan[] = []
    const starts = new Map<string, number | string>()
    let broken = false
    const left = kept.map((stage) => leave(stage, name))
    const blind = left.some((s) => lossesOf(s).length > 0) && !left.some(tellsClasses)
    for (const [i, stage] of kept.entries()) {
      const byLabels = blind && stage === kept.at(-1) && lossesOf(left[i]).length === 0
      const losses = byLabels ? labels : left[i].losses
      const start = typeof stage.start === 'string' ? (starts.get(stage.start) ?? stage.start) : stage.start
      const without = { ...stage, losses, start }
      if (lossesOf(without).length > 0) stages.push(without)
      else starts.set(stage.name, start)
      if (stage.teacher !== null && starts.has(stage.teacher)) broken = true
    }
    if (broken || stages.length === 0) skipped.push(name)
    else variants.push({ label: `without ${name}`, plan: { stages: lastOnly(stages), ensemble: [] } })
  }
  return { variants, skipped }
}

const labels = { hard: { weight: 1, options: {} } }

const leave = (stage: StagePlan, name: string): StagePlan => ({
  ...stage,
  losses: Object.fromEntries(Object.entries(stage.losses).filter(([n]) => n !== name)),
})

/** Stages whose models nothing of the last one needs are not trained again. */
function lastOnly(stages: readonly StagePlan[]): StagePlan[] {
  const needed = new Set([stages[stages.length - 1].name])
  for (const stage of stages.toReversed()) {
    if (!needed.has(stage.name)) continue
    if (typeof stage.start === 'string') needed.add(stage.start)
    if (stage.teacher !== null) needed.add(stage.teacher)
  }
  return stages.filter((stage) => needed.has(stage.name))
}

/** On dev, of the weights that the model was left with; NaN where nothing was judged. */
export const keptScore = ({ stage, result }: StageResult): number =>
  (stage.fit.keep === 'last' ? result.evaluations.at(-1) : result.best)?.score ?? Number.NaN

/** The alternative that did best; of equals, and where nothing tells, the first. */
export function bestOf(results: readonly StageResult[]): StageResult {
  let [best] = results
  for (const one of results) if (keptScore(one) > keptScore(best)) best = one
  return best
}
