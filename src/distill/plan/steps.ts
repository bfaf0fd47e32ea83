// How many optimizer steps the stages of a plan take, known before any of them is trained.
import type { Occasion } from '../recipes/recipe.js'
import type { Plan, StageData, StagePlan } from './plan.js'

export type RowCounts = Pick<Occasion, 'labelled' | 'transferRows'>

const rowsOf: Readonly<Record<StageData, (rows: RowCounts) => number>> = {
  labelled: ({ labelled }) => labelled,
  transfer: ({ labelled, transferRows }) => labelled + transferRows,
  text: ({ transferRows }) => transferRows,
}

export function stepsOfEpoch({ data, fit }: StagePlan, rows: RowCounts): number {
  return Math.ceil(Math.ceil(rowsOf[data](rows) / fit.batchSize) / fit.accumulate)
}

/** Of a stage's model: its own, and those of the stages that it goes on from. */
export function stepsOfModel(plan: Pick<Plan, 'stages'>, stage: StagePlan, rows: RowCounts): number {
  const before = plan.stages.find(({ name }) => name === stage.start)
  const own = stage.fit.epochs * stepsOfEpoch(stage, rows)
  return own + (before ? stepsOfModel(plan, before, rows) : 0)
}
