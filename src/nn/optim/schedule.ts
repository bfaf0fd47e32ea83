// Learning-rate schedules: factors of the base rate as pure functions of the step, which a resumed run needs nothing to know of.
import { ArgumentError, got } from '../../errors.js'
import { type Kinds, numberArg, optionsArg } from '../../tensor/check.js'
import { cosPi, pow } from '../../tensor/math.js'

/** The factor for step 0, 1, 2, ... */
export type Schedule = (step: number) => number

/** Of schedules with a warm-up. */
export interface ScheduleOptions {
  /** Optimizer steps in all. */
  total: number
  /** Steps of linear rise at the start: 0.06 of the total where below 1, else a count. Default 0. */
  warmup?: number
}

/** Of options all of which are required or have a default, once they are known and of their kinds. */
function read<T extends object>(name: string, options: T, kinds: Kinds<T>): Partial<T> {
  const names = Object.keys(kinds).join(', ')
  if (options === undefined)
    throw new ArgumentError(`schedules.${name}`, 'options are missing', `They are { ${names} }`)
  return optionsArg(`schedules.${name}`, options, kinds)
}

/** A schedule that is asked for numbers only. */
function of(name: string, factor: Schedule): Schedule {
  return (step) => factor(numberArg(`schedules.${name}`, 'the step', step))
}

const warmupKinds: Kinds<ScheduleOptions> = { total: 'finite', warmup: 'finite' }

/** From 0 up to 1 over the warm-up, as Hugging Face's schedules: the first step of a warm-up moves nothing. */
function withWarmup(name: string, options: ScheduleOptions, after: (progress: number) => number): Schedule {
  const { total = Number.NaN, warmup = 0 } = read(name, options, warmupKinds)
  if (!(total > 0 && warmup >= 0)) {
    throw new RangeError(
      `schedules.${name}: total must be positive and warmup not negative, got ${total} and ${warmup}`,
    )
  }
  const rise = warmup < 1 ? Math.round(warmup * total) : warmup
  return of(name, (step) =>
    step < rise ? step / rise : after(Math.min(1, (step - rise) / Math.max(1, total - rise))),
  )
}

export const constant = (options: ScheduleOptions): Schedule => withWarmup('constant', options, () => 1)

/** Down to 0 in a straight line. BERT's. */
export const linear = (options: ScheduleOptions): Schedule => withWarmup('linear', options, (p) => 1 - p)

/** Down to 0 along half a cosine. Loshchilov and Hutter 2017, eq. 5 without restarts. */
export const cosine = (options: ScheduleOptions): Schedule =>
  withWarmup('cosine', options, (p) => (1 + cosPi(p)) / 2)

/** Those that need to know the length of a training and no more: what fit() and the command line offer. */
export const trainingSchedules = { constant, linear, cosine } as const

function requireNumber(
  name: string,
  x: unknown,
  holds: (x: number) => boolean,
  must: string,
): asserts x is number {
  if (!(typeof x === 'number' && Number.isFinite(x) && holds(x)))
    throw new RangeError(`schedules.${name} must be ${must}, got ${got(x)}`)
}

const isCount = (x: number) => Number.isInteger(x) && x >= 1
const notNegative = (x: number) => x >= 0
const positive = (x: number) => x > 0
const isShare = (x: number) => x >= 0 && x <= 1

/** gamma^(floor(step / stepSize)). PyTorch's StepLR. Default gamma 0.1. */
export function step(options: { stepSize: number; gamma?: number }): Schedule {
  const { stepSize, gamma = 0.1 } = read('step', options, { stepSize: 'any', gamma: 'any' })
  requireNumber('step: stepSize', stepSize, isCount, 'a whole number from 1 on')
  requireNumber('step: gamma', gamma, notNegative, '0 or more')
  return of('step', (at) => pow(gamma, Math.floor(at / stepSize)))
}

/** gamma for each milestone that is passed. PyTorch's MultiStepLR. Default gamma 0.1. */
export function multistep(options: { milestones: readonly number[]; gamma?: number }): Schedule {
  const { milestones, gamma = 0.1 } = read('multistep', options, { milestones: 'any', gamma: 'any' })
  if (!Array.isArray(milestones))
    throw new ArgumentError(
      'schedules.multistep',
      `milestones must be a list of steps, got ${got(milestones)}`,
    )
  const list: readonly number[] = Array.from(milestones as readonly number[])
  for (const m of list)
    requireNumber('multistep: a milestone', m, (x) => Number.isInteger(x) && x >= 0, 'a whole number')
  requireNumber('multistep: gamma', gamma, notNegative, '0 or more')
  return of('multistep', (at) => pow(gamma, list.filter((m) => at >= m).length))
}

/** gamma^step. PyTorch's ExponentialLR. */
export function exponential(options: { gamma: number }): Schedule {
  const { gamma } = read('exponential', options, { gamma: 'any' })
  requireNumber('exponential: gamma', gamma, notNegative, '0 or more')
  return of('exponential', (at) => pow(gamma, at))
}

/** Of the one-cycle schedule. */
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

const oneCycleKinds: Kinds<OneCycleOptions> = {
  ...{ total: 'any', pctStart: 'any', divFactor: 'any', finalDivFactor: 'any' },
  ...{ annealStrategy: ['cos', 'linear'], threePhase: 'boolean' },
}

/**
 * Up to the optimizer's lr and down again to almost 0: Smith and Topin 2017. PyTorch's OneCycleLR where lr is its max_lr, without
 * its cycle of momentum. Throws RangeError for settings that mean nothing; beyond the last step it stays there.
 */
export function onecycle(options: OneCycleOptions): Schedule {
  const given = read('onecycle', options, oneCycleKinds)
  const { total, pctStart = 0.3, annealStrategy = 'cos', divFactor = 25, finalDivFactor = 1e4 } = given
  requireNumber('onecycle: total', total, isCount, 'a whole number from 1 on')
  requireNumber('onecycle: pctStart', pctStart, isShare, 'in [0, 1]')
  requireNumber('onecycle: divFactor', divFactor, positive, 'above 0')
  requireNumber('onecycle: finalDivFactor', finalDivFactor, positive, 'above 0')
  const first = 1 / divFactor
  const last = first / finalDivFactor
  const top = pctStart * total - 1
  const phases: [end: number, from: number, to: number][] = given.threePhase
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
  return of('onecycle', (at) => {
    const now = Math.min(at, total - 1)
    const phase = phases.findIndex(([end], i) => now <= end || i === phases.length - 1)
    const begin = phase === 0 ? 0 : phases[phase - 1][0]
    const [end, from, to] = phases[phase]
    return blend(from, to, end === begin ? 1 : (now - begin) / (end - begin))
  })
}

/** Of the cosine schedule with restarts. */
export interface RestartOptions {
  /** Steps of the first period. */
  T0: number
  /** Each period is this times as long as the one before, a whole number. Default 1. */
  Tmult?: number
  /** The least factor: PyTorch's eta_min divided by the rate. Default 0. */
  etaMin?: number
}

/** Half a cosine again and again: SGDR, Loshchilov and Hutter 2017. PyTorch's CosineAnnealingWarmRestarts. */
export function cosineRestarts(options: RestartOptions): Schedule {
  const kinds: Kinds<RestartOptions> = { T0: 'any', Tmult: 'any', etaMin: 'any' }
  const { T0, Tmult = 1, etaMin = 0 } = read('cosineRestarts', options, kinds)
  requireNumber('cosineRestarts: T0', T0, isCount, 'a whole number from 1 on')
  requireNumber('cosineRestarts: Tmult', Tmult, isCount, 'a whole number from 1 on')
  requireNumber('cosineRestarts: etaMin', etaMin, isShare, 'in [0, 1]')
  return of('cosineRestarts', (at) => {
    let [now, length] = [at, T0]
    if (Tmult === 1) now %= T0
    else for (; now >= length; length *= Tmult) now -= length
    return etaMin + ((1 - etaMin) * (1 + cosPi(now / length))) / 2
  })
}

export const schedules = {
  ...trainingSchedules,
  ...{ step, multistep, exponential, onecycle, cosineRestarts },
} as const
