// A plan whose students are pruned: those that are judged, while they learn the last time.
import { type PruneMethod, pruneMethods } from '../../nn/prune/methods.js'
import type { Plan, StagePlan } from './plan.js'
import type { StagePruning } from './pruning.js'

/**
 * The plan with pruning in the stages whose models no other stage goes on from, and for the lone student: what differs is what they
 * learn from. Of methods with rounds such a stage becomes as many, each with more weights gone and begun anew, and then the last one.
 * Throws RangeError where such a stage goes on from another one, whose weights are gone by then.
 */
export function withPruning(plan: Plan, pruning: StagePruning, rounds = roundsOf(pruning)): Plan {
  const goesOn = new Set(plan.stages.map(({ start }) => start))
  const ends = (stage: StagePlan) => !goesOn.has(stage.name)
  const change = (stage: StagePlan): StagePlan[] =>
    rounds === 0 ? [{ ...stage, prune: pruning }] : inRounds(stage, pruning, rounds)
  return {
    ...plan,
    stages: plan.stages.flatMap((stage) => (ends(stage) ? change(stage) : [stage])),
    baseline: { ...plan.baseline, prune: pruning },
  }
}

/** Of a method, besides the last training; 0: it prunes in one. */
export const roundsOf = ({ method }: Pick<StagePruning, 'method'>): number =>
  (pruneMethods[method] as PruneMethod).rounds ?? 0

function inRounds(stage: StagePlan, pruning: StagePruning, rounds: number): StagePlan[] {
  const { name, start } = stage
  if (typeof start === 'string')
    throw new RangeError(
      `${pruning.method} goes back to the weights of the start, and the stage ${name} goes on from ${start}: take a recipe of one stage, or another method`,
    )
  const nameOf = (round: number) => (round === rounds ? name : `${name}-round-${round + 1}`)
  return Array.from({ length: rounds + 1 }, (_, round): StagePlan => {
    const sparsity = ((pruning.sparsity ?? 0) * round) / rounds
    return {
      ...{ ...stage, name: nameOf(round), start: round === 0 ? start : nameOf(round - 1) },
      prune: { ...pruning, schedule: 'once', sparsity, rewind: round === 0 ? null : start },
    }
  })
}
