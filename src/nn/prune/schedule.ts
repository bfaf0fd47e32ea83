// How pruning goes on with the steps of a training, from nothing (0) to all that is asked for (1).
import { ArgumentError, got } from '../../errors.js'

/** Of p, the part of the way that is done. */
const curves = {
  /** Fast while much can go, slow towards the end. Zhu and Gupta 2017, equation 1. */
  cubic: (p: number) => 1 - (1 - p) * (1 - p) * (1 - p),
  linear: (p: number) => p,
  /** All with the first step. */
  once: () => 1,
}

/** How the share of zeros grows over a training. */
export type PruneScheduleName = keyof typeof curves
export const pruneScheduleNames = Object.keys(curves) as readonly PruneScheduleName[]

export interface PruneSchedule {
  schedule: PruneScheduleName
  /** Steps before it begins; below 1 their share of all. */
  begin: number
  /** Steps in the end with all of it; below 1 their share of all. */
  hold: number
}

/** A number of steps: below 1 a share of all. */
const steps = (n: number, total: number) => (n < 1 ? Math.round(n * total) : n)

/**
 * What part of the pruning is done after so many of `total` steps: 0 as long as it has not begun, 1 in the last `hold` steps and
 * after the last one. Sanh et al. 2020, section 5, whose code holds the last two times the steps of its warm-up.
 */
export function pruningDone({ schedule, begin, hold }: PruneSchedule, step: number, total: number): number {
  if (!Object.hasOwn(curves, schedule))
    throw new ArgumentError(
      'pruneAware',
      `the schedule must be ${pruneScheduleNames.join(', ')}, got ${got(schedule)}`,
    )
  if (schedule === 'once') return 1
  const first = steps(begin, total)
  const last = total - steps(hold, total)
  if (step >= last) return 1
  return step <= first ? 0 : curves[schedule]((step - first) / (last - first))
}
