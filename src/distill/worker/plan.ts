// What a job is going to do, before it does it: its plan by recipe and settings, and how long that is.
import { ArgumentError } from '../../errors.js'
import { partConfig, withConfig } from '../plan/config.js'
import { describePlan, formulaOf, type Plan, type StagePlan } from '../plan/plan.js'
import { type RowCounts, stepsOfStage } from '../plan/steps.js'
import { aloneVariant } from '../plan/variants.js'
import { recipes } from '../recipes/index.js'
import type { Recipe } from '../recipes/recipe.js'
import type { DistilJob } from './job.js'

const FILE = 'settings'

/** Whether a recipe can be a job: one teacher, a student of its own size, classes alone to learn from. */
const fitting = ({ teachers, student }: Recipe) => teachers === 'one' && student === 'given'

/** Recipes that a job may name. */
export const jobRecipes: readonly string[] = recipes.filter(fitting).map(({ name }) => name)

export interface JobPlan {
  plan: Plan
  /** The lone student's schedules, of which the one that does best on dev counts; none where it is not asked for. */
  alone: readonly StagePlan[]
}

/** Throws ArgumentError for a recipe that is none of jobRecipes, DataError naming the setting. */
export function planOf(
  {
    recipe: name = 'hinton',
    settings = {},
    alone = true,
    dev,
  }: Pick<DistilJob, 'recipe' | 'settings' | 'alone' | 'dev'>,
  counts: RowCounts,
): JobPlan {
  const recipe = recipes.find((r) => r.name === name && fitting(r))
  if (recipe === undefined)
    throw new ArgumentError('job', `recipe must be one of ${jobRecipes.join(', ')}, got ${String(name)}`)
  const { options, rest } = partConfig(FILE, settings, recipe.settings)
  const occasion = { ...counts, pretrained: false, transfer: counts.transferRows > 0, text: false }
  const plan = withConfig(recipe.plan(options, occasion, FILE), FILE, rest)
  const rows = dev === undefined ? null : counts
  return { plan, alone: alone ? aloneVariant(plan, rows).plan.stages : [] }
}

/** One stage for people and for clocks. */
export interface StageFacts {
  name: string
  /** The whole loss, as its records have it. */
  formula: string
  /** Optimizer steps. */
  steps: number
}

/** What a plan says before it runs. */
export interface PlanFacts {
  recipe: string
  /** As `tinystill distill` prints it. */
  text: string
  stages: StageFacts[]
  alone: StageFacts[]
  counts: RowCounts
}

export function factsOf({ plan, alone }: JobPlan, counts: RowCounts): PlanFacts {
  const facts = (stage: StagePlan): StageFacts => ({
    ...{ name: stage.name, formula: formulaOf(stage), steps: stepsOfStage(stage, counts) },
  })
  return {
    ...{ recipe: plan.recipe, text: describePlan(plan), counts },
    ...{ stages: plan.stages.map(facts), alone: alone.map(facts) },
  }
}

/** The plan of a job of so many rows, without its texts. Throws what planOf() throws. */
export const describeJob = (
  job: Pick<DistilJob, 'recipe' | 'settings' | 'alone' | 'dev'>,
  counts: RowCounts,
): PlanFacts => factsOf(planOf(job, counts), counts)
