// Learning-rate schedules: factors of the base rate as pure functions of the step, which a resumed run needs nothing to know of.
import { cosPi, pow } from '../../tensor/math.js'

/** The factor for step 0, 1, 2, ... */
export type Schedule = (step: number) => number

export interface ScheduleOptions {
  /** Optimizer steps in all. */
  total: number
  /** Steps of linear rise at the start: 0.06 of the total where below 1, else a count. Default 0. */
  warmup?: number
}

/** From 0 up to 1 over the warm-up, as Hugging Face's schedules: the first step of a warm-up moves nothing. */
function withWarmup({ total, warmup = 0 }: ScheduleOptions, after: (progress: number) => number): Schedule {
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

/** Those that need to know the length of a training and no more: what fit() and the command line offer. */
export const trainingSchedules = { constant, linear, cosine } as const

function requireNumber(name: string, x: number, holds: boolean, must: string): void {
  if (!(Number.isFinite(x) && holds)) throw new RangeError(`schedule: ${name} must be ${must}, got ${x}`)
}

const isCount = (x: number) => Number.isInteger(x) && x >= 1

/** gamma^(floor(step / stepSize)). PyTorch's StepLR. Default gamma 0.1. */
export function step({ stepSize, gamma = 0.1 }: { stepSize: number; gamma?: number }): Schedule {
  requireNumber('stepSize', stepSize, isCount(stepSize), 'a whole number from 1 on')
  requireNumber('gamma', gamma, gamma >= 0, '0 or more')
  return (at) => pow(gamma, Math.floor(at / stepSize))
}

/** gamma for each milestone that is passed. PyTorch's MultiStepLR. Default gamma 0.1. */
export function multistep({
  milestones,
  gamma = 0.1,
}: {
  milestones: readonly number[]
  gamma?: number
}): Schedule {
  for (const m of milestones) requireNumber('a milestone', m, Number.isInteger(m) && m >= 0, 'a whole number')
  requireNumber('gamma', gamma, gamma >= 0, '0 or more')
  return (at) => pow(gamma, milestones.filter((m) => at >= m).length)
}

/** gamma^step. PyTorch's ExponentialLR. */
export function exponential({ gamma }: { gamma: number }): Schedule {
  requireNumber('gamma', gamma, gamma >= 0, '0 or more')
  return (at) => pow(gamma, at)
}

export interface OneCycleOptions {
  /** Steps in all. */
  total: number
  /** Share of the steps that rise. Default 0.3. */
  pctStart?: number
  /** Default 'cos'. */
  annealStrategy?: 'cos' | 'linear'
  /** It begins at 1 / divFactor of the largest rate. Default 25. */
  divFactor?: number
  /** It ends at 1 / finalDivFactor of the rate in the beginning. Default 1e4. */
  finalDivFactor?: number
  /** Falls back to the first rate as fast as it rose, then to the last. Default false. */
  threePhase?: boolean
}

/**
 * Up to the optimizer's lr and down again to almost 0: Smith and Topin 2017. PyTorch's OneCycleLR where lr is its max_lr, without
 * its cycle of momentum. Throws RangeError for settings that mean nothing; beyond the last step it stays there.
 */
export function onecycle(options: OneCycleOptions): Schedule {
  const { total, pctStart = 0.3, annealStrategy = 'cos', divFactor = 25, finalDivFactor = 1e4 } = options
  requireNumber('total', total, isCount(total), 'a whole number from 1 on')
  requireNumber('pctStart', pctStart, pctStart >= 0 && pctStart <= 1, 'in [0, 1]')
  requireNumber('divFactor', divFactor, divFactor > 0, 'above 0')
  requireNumber('finalDivFactor', finalDivFactor, finalDivFactor > 0, 'above 0')
  if (annealStrategy !== 'cos' && annealStrategy !== 'linear')
    throw new RangeError(`schedule: annealStrategy must be 'cos' or 'linear', got ${annealStrategy}`)
  const first = 1 / divFactor
  const last = first / finalDivFactor
  const top = pctStart * total - 1
  const phases: [end: number, from: number, to: number][] = options.threePhase
    ? [
        [top, first, 1],
        [2 * pctStart * total - 2, 1, first],
        [total - 1, first, last],
      ]
    : [
        [top, first, 1],
        [total - 1, 1, last],
      ]
  const blend = (from: number, to: number, p: number) =>
    annealStrategy === 'linear' ? from + (to - from) * p : to + ((from - to) / 2) * (1 + cosPi(p))
  return (at) => {
    const now = Math.min(at, total - 1)
    const phase = phases.findIndex(([end], i) => now <= end || i === phases.length - 1)
    const begin = phase === 0 ? 0 : phases[phase - 1][0]
    const [end, from, to] = phases[phase]
    return blend(from, to, end === begin ? 1 : (now - begin) / (end - begin))
  }
}

export interface RestartOptions {
  /** Steps of the first period. */
  T0: number
  /** Each period is this times as long as the one before, a whole number. Default 1. */
  Tmult?: number
  /** The least factor: PyTorch's eta_min divided by the rate. Default 0. */
  etaMin?: number
}

/** Half a cosine again and again: SGDR, Loshchilov and Hutter 2017. PyTorch's CosineAnnealingWarmRestarts. */
export function cosineRestarts({ T0, Tmult = 1, etaMin = 0 }: RestartOptions): Schedule {
  requireNumber('T0', T0, isCount(T0), 'a whole number from 1 on')
  requireNumber('Tmult', Tmult, isCount(Tmult), 'a whole number from 1 on')
  requireNumber('etaMin', etaMin, etaMin >= 0 && etaMin <= 1, 'in [0, 1]')
  return (at) => {
    let [now, length] = [at, T0]
    if (Tmult === 1) now %= T0
    else for (; now >= length; length *= Tmult) now -= length
    return etaMin + ((1 - etaMin) * (1 + cosPi(now / length))) / 2
  }
}

export const schedules = {
  ...trainingSchedules,
  ...{ step, multistep, exponential, onecycle, cosineRestarts },
} as const
