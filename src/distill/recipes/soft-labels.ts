// What the recipes that need logits only have in common: soft targets and labels in one loss, and rates by the student's start.
import { type FitSettings, type LossPlan, type StagePlan, stageOf } from '../plan/plan.js'
import { numberFrom, numberOrNone } from '../plan/settings.js'
import type { Occasion } from './recipe.js'

/**
 * T of the soft targets; alpha is their weight, 1 - alpha that of the labels. Left out, alpha is 1 with a transfer set, whose
 * rows have no labels and are many, and the recipe's own without.
 */
export const softSettings = (T: number) => ({
  T: numberFrom(0.01, 1000, T),
  alpha: numberOrNone(0, 1),
})

/** alpha T^2 KL + (1 - alpha) CE, without the part of weight 0. Hinton, Vinyals and Dean 2015, section 2. */
export function softAndHard(
  { T, alpha }: { T: number; alpha: number | null },
  { transfer }: Occasion,
  usual: number,
): Record<string, LossPlan> {
  const soft = alpha ?? (transfer ? 1 : usual)
  return {
    ...(soft > 0 && { soft: { weight: soft, options: { T } } }),
    // 1 - 0.9 is 0.09999999999999998.
    ...(soft < 1 && { hard: { weight: Number((1 - soft).toPrecision(12)), options: {} } }),
  }
}

/** New students learn faster than those that begin with trained weights. */
export function paceFor({ pretrained, transfer }: Occasion): Partial<FitSettings> {
  if (pretrained) return { epochs: 3, lr: 3e-5 }
  return { epochs: transfer ? 2 : 5, lr: 5e-4 }
}

/** The lone student: labels alone, at the pace that is good for them. */
export function aloneStage(occasion: Occasion): StagePlan {
  const fit = paceFor({ ...occasion, transfer: false, transferRows: 0 })
  return stageOf({ name: 'alone', losses: { hard: {} }, teacher: null, role: 'control', fit })
}
