// Learning-rate schedules: factors of the base rate as pure functions of the step, which a resumed run needs nothing to know of.
import { optionsArg } from '../../tensor/check.js'
import { cosPi } from '../../tensor/math.js'

/** The factor for step 0, 1, 2, ... */
export type Schedule = (step: number) => number

export interface ScheduleOptions {
  /** Optimizer steps in all. */
  total: number
  /** Steps of linear rise at the start: 0.06 of the total where below 1, else a count. Default 0. */
  warmup?: number
}

/** From 0 up to 1 over the warm-up, as Hugging Face's schedules: the first step of a warm-up moves nothing. */
function withWarmup(options: ScheduleOptions, after: (progress: number) => number): Schedule {
  const { total = Number.NaN, warmup = 0 } = optionsArg('schedule', options, {
    total: 'number',
    warmup: 'number',
  })
  if (!(total > 0 && warmup >= 0)) {
    throw new RangeError(
      `schedule: total must be positive and warmup not negative, got ${total} and ${warmup}`,
    )
  }
  const rise = warmup < 1 ? Math.round(warmup * total) : warmup
  return (step) => (step < rise ? step / rise : after(Math.min(1, (step - rise) / Math.max(1, total - rise))))
}

export const constant = (options: ScheduleOptions): Schedule => withWarmup(options, () => 1)

/** Down to 0 in a straight line. BERT's. */
export const linear = (options: ScheduleOptions): Schedule => withWarmup(options, (p) => 1 - p)

/** Down to 0 along half a cosine. Loshchilov and Hutter 2017, eq. 5 without restarts. */
export const cosine = (options: ScheduleOptions): Schedule => withWarmup(options, (p) => (1 + cosPi(p)) / 2)

export const schedules = { constant, linear, cosine } as const
