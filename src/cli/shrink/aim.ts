// How many heads and neurons stay for an aim: a binary search over the order of what they are worth.
import { TinystillError } from '../../errors.js'
import type { Pretrained } from '../../nn/models/pretrained.js'
import { lessIsBetter } from '../../train/keeper.js'
import type { Figures } from '../../train/reports.js'
import { tasks } from '../../train/tasks.js'
import type { Context } from '../shared/command.js'
import { answersOf, type CompareRules, type Rows, type Side, timedSide } from '../shared/compare.js'
import { measureRatio } from '../shared/speed.js'
import { bytes, count } from '../shared/table.js'
import type { ShrinkOptions } from './options.js'
import type { Aim } from './parts.js'

/** Shares that are tried are multiples of 1 / STEPS. */
const STEPS = 64

/** The largest n in [1, STEPS] that fits, or 0; what fits at n fits below. */
async function largest(fits: (n: number) => Promise<boolean>): Promise<number> {
  let [low, high] = [0, STEPS]
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (await fits(middle)) low = middle
    else high = middle - 1
  }
  return low
}

export interface Candidate {
  side: Side
  model: Pretrained
  dispose(): void
}

export interface Search {
  /** The whole model. */
  before: Side | null
  /** What is left at a share of heads and neurons. */
  at(aim: Aim): Candidate
  bytesOf(model: Pretrained): number
  dev: Rows | null
  rows: Rows | null
  rules: CompareRules | null
}

/** What the deciding figure lost, in points; of errors (mse) a rise counts. */
export function pointsLost(metric: string, before: Figures, after: Figures): number {
  const fall = before[metric] - after[metric]
  return 100 * (lessIsBetter(metric) ? -fall : fall)
}

/**
 * The share that an aim leaves; null: there is no aim. Throws TinystillError where an aim cannot be met by heads and neurons
 * alone.
 */
export async function aimFor(options: ShrinkOptions, search: Search, context: Context): Promise<Aim | null> {
  const { parameters, size, latency, tolerance } = options
  const { output, progress } = context
  const { before, rules } = search
  const tell = (aim: Aim, line: string) =>
    output.info(`${(100 * aim.share).toFixed(1)}% of heads and neurons: ${line}`)
  const tried = async <T>(
    n: number,
    look: (candidate: Candidate, aim: Aim) => Promise<T> | T,
  ): Promise<T> => {
    const aim = { share: n / STEPS }
    const candidate = search.at(aim)
    try {
      return await look(candidate, aim)
    } finally {
      candidate.dispose()
    }
  }
  const below = async (
    most: number,
    of: (c: Candidate) => number,
    shown: (n: number) => string,
    flag: string,
  ) => {
    const n = await largest((step) =>
      tried(step, (candidate, aim) => {
        const own = of(candidate)
        tell(aim, shown(own))
        return own <= most
      }),
    )
    if (n > 0) return { share: n / STEPS }
    const least = await tried(1, of)
    throw new TinystillError(
      `shrink: ${flag} asks for ${shown(most)}, and with next to no heads and neurons it is ${shown(least)}`,
      'Nothing was written. Cut words (--vocabulary), layers or width as well',
    )
  }
  if (parameters !== undefined)
    return below(
      parameters,
      ({ model }) => model.countParameters(),
      (n) => `${count(n)} parameters`,
      '--parameters',
    )
  if (size !== undefined) return below(size, ({ model }) => search.bytesOf(model), bytes, '--size')
  if (before === null || rules === null) return null
  if (latency !== undefined) {
    const rows = search.rows as Rows
    const ratioAt = (n: number) =>
      tried(n, async ({ side }, aim) => {
        const [whole, cut] = [before, side].map((own) => timedSide(own, rows, rules))
        const ratio = await measureRatio(whole, cut, context)
        tell(aim, `${ratio.toFixed(3)} of the time of a text`)
        return ratio
      })
    const n = await largest(async (step) => (await ratioAt(step)) <= latency)
    if (n > 0) return { share: n / STEPS }
    throw new TinystillError(
      `shrink: --latency ${latency} is not reached, with next to no heads and neurons a text takes ${(await ratioAt(1)).toFixed(2)} of the time`,
      'Nothing was written. Cut layers or width as well',
    )
  }
  if (tolerance === undefined) return null
  const dev = search.dev as Rows
  const [metric] = tasks[rules.problemType].metrics
  const whole = (await answersOf(before, dev, rules, context)).figures
  const lostAt = (n: number) =>
    tried(n, async ({ side }, aim) => {
      const { figures } = await answersOf(side, dev, rules, context)
      const lost = pointsLost(metric, whole, figures)
      tell(aim, `${metric} of --dev ${lost >= 0 ? 'falls' : 'rises'} by ${Math.abs(lost).toFixed(2)} points`)
      return lost
    })
  // Counted in parts that go: what is lost grows with them.
  const gone = await largest(async (cut) => cut < STEPS && (await lostAt(STEPS - cut)) <= tolerance)
  progress.finish('')
  if (gone === 0) {
    const lost = await lostAt(STEPS)
    if (lost > tolerance)
      throw new TinystillError(
        `shrink: ${metric} falls by ${lost.toFixed(2)} points with all heads and neurons, and --tolerance allows ${tolerance}`,
        'Nothing was written. Cut fewer layers, or less of the width and ranks, or allow more',
      )
  }
  return { share: (STEPS - gone) / STEPS }
}
