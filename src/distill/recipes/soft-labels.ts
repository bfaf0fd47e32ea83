// What the recipes that need logits only have in common: soft targets and labels in one loss, and rates by the student's start.
import { type FitSettings, type LossPlan, type StagePlan, stageOf } from '../plan/plan.js'
import { numberFrom, numberOrNone } from '../plan/settings.js'
import type { Occasion } from './recipe.js'

/** A transfer set that is so many times the labelled rows teaches alone: the labels of the few would be learnt by heart. */
const SEVERAL = 4

/** Beyond so many classes a new student is better off with the teacher's answers as they are: ADR 50. */
const MANY_CLASSES = 10

/**
 * T of the soft targets; alpha is their weight, 1 - alpha that of the labels. Left out, alpha is the recipe's own, and 1 with a
 * transfer set of several times the labelled rows.
 */
export const softSettings = (T: number) => ({
  T: numberFrom(0.01, 1000, T),
  alpha: numberOrNone(0, 1),
})

/** The same, where T that is left out is 2, and 1 for a new student of many classes. */
export const softSettingsByClasses = { ...softSettings(2), T: numberOrNone(0.01, 1000) }

/** share of a loss on the teacher + (1 - share) CE, without the part of weight 0. */
export function besideLabels(
  share: number,
  name: string,
  options: LossPlan['options'] = {},
): Record<string, LossPlan> {
  return {
    ...(share > 0 && { [name]: { weight: share, options } }),
    // 1 - 0.9 is 0.09999999999999998.
    ...(share < 1 && { hard: { weight: Number((1 - share).toPrecision(12)), options: {} } }),
  }
}

/** alpha T^2 KL + (1 - alpha) CE, without the part of weight 0. Hinton, Vinyals and Dean 2015, section 2. */
export function softAndHard(
  { T: given, alpha }: { T: number | null; alpha: number | null },
  { labelled, transferRows, variedRows = 0, classes = 0, pretrained }: Occasion,
  usual: number,
): Record<string, LossPlan> {
  const T = given ?? (classes > MANY_CLASSES && !pretrained ? 1 : 2)
  const soft = alpha ?? (transferRows - variedRows >= SEVERAL * labelled ? 1 : usual)
  return besideLabels(soft, 'soft', { T })
}

/** Rows of a batch that the numbers of epochs below are reckoned with: the default. */
const BATCH = 32

/**
 * How long a student is trained where nothing else is said: by steps, as a few rows make few of them. `passes`: over its rows,
 * at least and at most. The trials behind it: ADR 24, and 50 for many labelled rows.
 */
const paces = {
  new: { lr: 5e-4, steps: 2000, passes: [2, 25] },
  pretrained: { lr: 3e-5, steps: 300, passes: [3, 10] },
  /** By labels alone a new student soon knows its rows by heart: ADR 5. */
  alone: { lr: 5e-4, steps: 400, passes: [3, 20] },
} as const satisfies Record<string, Pace>

interface Pace {
  lr: number
  steps: number
  passes: readonly [least: number, most: number]
}

function fitAt({ lr, steps, passes: [least, most] }: Pace, rows: number) {
  const perEpoch = Math.ceil(Math.max(1, rows) / BATCH)
  return { lr, epochs: Math.min(most, Math.max(least, Math.ceil(steps / perEpoch))) }
}

/** Steps of a new student of many labelled rows: as many as these make in so many passes, and so many at most. */
const LABELLED = { passes: 8, steps: 5000 }

/** Learning rate and epochs for a student taught on all rows of the occasion. */
export function paceFor({
  pretrained,
  labelled,
  transferRows,
}: Occasion): Pick<FitSettings, 'lr' | 'epochs'> {
  const rows = labelled + transferRows
  if (pretrained) return fitAt(paces.pretrained, rows)
  const steps = Math.min(LABELLED.steps, Math.ceil((LABELLED.passes * labelled) / BATCH))
  return fitAt({ ...paces.new, steps: Math.max(paces.new.steps, steps) }, rows)
}

/** The lone student: labels alone, at the pace that is good for them. */
export function aloneStage({ pretrained, labelled }: Occasion): StagePlan {
  const fit = fitAt(pretrained ? paces.pretrained : paces.alone, labelled)
  return stageOf({ name: 'alone', losses: { hard: {} }, teacher: null, role: 'control', fit })
}
