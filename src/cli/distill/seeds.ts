// Every variant of a distillation with every seed, whatever it teaches: a run that goes on takes what was over from its state.
import type { Variant } from '../../distill/plan/variants.js'
import type { Module } from '../../nn/module.js'
import type { RunState } from '../../train/run-state.js'
import type { ModelFigures, ModelTable } from './judge.js'

/** What a variant gave with one seed. */
export interface SeedOutcome {
  figures: Record<string, ModelFigures>
  stages: readonly { model: Module }[]
}

/** What is trained, and how. */
export interface SeedWork<V, R> {
  variants: readonly V[]
  seeds: readonly number[]
  /** Whether a variant's first model is needed to the end. Of these the state keeps weights, not figures. */
  lasting(variant: V): boolean
  train(variant: V, seed: number, lasting: boolean): Promise<R>
  /** Of the first seed, as soon as it is there: what comes after cannot lose it. */
  keep(variant: V, result: R): void
}

/** The seeds of --seeds: from --seed onward. */
export const seedsOf = ({ seed, seeds }: { seed: number; seeds: number }): number[] =>
  Array.from({ length: seeds }, (_, i) => seed + i)

/** By what a variant's trainings with one seed are found in the run's state. */
export const unitOf = ({ label }: Pick<Variant, 'label'>, seed: number): string =>
  `seed ${seed}, ${label ?? 'distilled'}`

/** Trains all that is not over, and puts the figures of each into the table. Gives what the lasting ones gave with the first seed. */
export async function trainSeeds<V extends Pick<Variant, 'label'>, R extends SeedOutcome>(
  { variants, seeds, lasting, train, keep }: SeedWork<V, R>,
  table: ModelTable,
  state: RunState,
): Promise<ReadonlyMap<V, R>> {
  const lasted = new Map<V, R>()
  const add = (figures: SeedOutcome['figures']) => {
    for (const [name, own] of Object.entries(figures)) table.set(name, [...(table.get(name) ?? []), own])
  }
  for (const [i, seed] of seeds.entries())
    for (const variant of variants) {
      const unit = unitOf(variant, seed)
      const known = state.recall(unit)
      if (known !== undefined) {
        add(known as SeedOutcome['figures'])
        continue
      }
      const lasts = i === 0 && lasting(variant)
      const result = await train(variant, seed, lasts)
      add(result.figures)
      if (lasts) {
        keep(variant, result)
        lasted.set(variant, result)
        continue
      }
      state.record(unit, result.figures)
      for (const { model } of result.stages) for (const p of model.parameters()) p.dispose()
    }
  return lasted
}
