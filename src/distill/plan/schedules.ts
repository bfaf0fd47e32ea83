// Values that change during training, alpha and T: pure functions of step / total, which a resumed run needs nothing to know
// of, and plain data, so that a recipe can be written down.
import { cosPi } from '../../tensor/math.js'

/**
 * A number: always that. 'linear' and 'cosine': from one value to the other, in a straight line or along half a cosine.
 * 'annealing': 1 - progress, alpha of teacher annealing; Clark et al. 2019 (BAM, arXiv 1907.04829), which mixes
 * targets: the same as mixing losses where the soft ones are cross entropy at T = 1 without T^2.
 */
export type ValueSchedule =
  | number
  | { readonly kind: 'linear' | 'cosine'; readonly from: number; readonly to: number }
  | { readonly kind: 'annealing' }

/**
 * The value at progress = step / total, 0 at the first step and below 1 at the last; beyond 1 as at 1. Throws RangeError
 * for a progress below 0, a value that is not finite and an unknown kind.
 */
export function valueAt(schedule: ValueSchedule, progress: number): number {
  if (!(progress >= 0)) throw new RangeError(`valueAt: progress must be 0 or more, got ${progress}`)
  const p = Math.min(1, progress)
  if (typeof schedule === 'number') return finite(schedule)
  switch (schedule.kind) {
    case 'linear':
      return between(finite(schedule.from), finite(schedule.to), p)
    case 'cosine':
      return between(finite(schedule.from), finite(schedule.to), (1 - cosPi(p)) / 2)
    case 'annealing':
      return 1 - p
    default:
      throw new RangeError(
        `valueAt: there is no schedule '${(schedule as { kind: string }).kind}'. There are linear, cosine, annealing, and numbers`,
      )
  }
}

/** Exactly `from` at 0 and `to` at 1. */
const between = (from: number, to: number, p: number) => (1 - p) * from + p * to

function finite(value: number): number {
  if (!Number.isFinite(value)) throw new RangeError(`valueAt: values must be finite, got ${value}`)
  return value
}
