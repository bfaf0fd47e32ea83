// How many optimizer steps the stages of a plan take, known before any of them is trained.
import type { Occasion } from '../recipes/recipe.js'
import type { Plan, StageData, StagePlan } from './plan.js'

/** Rows of each kind; of plain text those that stages on it see. And the classes of the labelled ones, where these have one each. */
export type RowCounts = Pick<Occasion, 'labelled' | 'transferRows' | 'variedRows' | 'classes'> & {
  textRows: number
}

const rowsOf: Readonly<Record<StageData, (rows: RowCounts) => number>> = {
  labelled: ({ labelled }) => labelled,
  transfer: ({ labelled, transferRows }) => labelled + transferRows,
  text: ({ textRows }) => textRows,
}

export function stepsOfEpoch({ data, fit }: StagePlan, rows: RowCounts): number {
  return Math.ceil(Math.ceil(rowsOf[data](rows) / fit.batchSize) / fit.accumulate)
}

export const stepsOfStage = (stage: StagePlan, rows: RowCounts): number =>
  stage.fit.steps ?? stage.fit.epochs * stepsOfEpoch(stage, rows)

/** Of a stage's model: its own, and those of the stages that it goes on from. */
export function stepsOfModel(plan: Pick<Plan, 'stages'>, stage: StagePlan, rows: RowCounts): number {
  const before = plan.stages.find(({ name }) => name === stage.start)
  const own = stepsOfStage(stage, rows)
  return own + (before ? stepsOfModel(plan, before, rows) : 0)
}
