// Figures over seeds, and whether a gain is more than chance: that of seeds, and that of the rows it was measured on.
import { exp, log, pow } from '../tensor/math.js'
import { tCritical, tTail } from '../tensor/student-t.js'

export const mean = (x: readonly number[]): number => x.reduce((a, b) => a + b, 0) / x.length

/** Standard deviation of a sample. NaN for fewer than 2. */
export function spread(x: readonly number[]): number {
  const m = mean(x)
  return Math.sqrt(x.reduce((s, v) => s + (v - m) ** 2, 0) / (x.length - 1))
}

/**
 * One entry a seed: a figure, or a list of figures with one for each test row (1 where the model is right, else 0),
 * in the same order of rows for all.
 */
export type SeedFigures = readonly (number | ArrayLike<number>)[]

/** Whether a difference between two models is shown, and how large it is. */
export interface Verdict {
  /** Mean over seeds of the difference, in the figure's own unit. */
  gain: number
  /** Standard deviation of the differences over seeds. NaN with one seed. */
  spread: number
  seeds: number
  /** Test rows. null: figures of rows were not given, and chance is that of seeds alone. */
  rows: number | null
  /** Holds the true gain in 95 of 100 experiments. null: cannot be told. */
  interval: readonly [number, number] | null
  /** Chance of a difference this large or larger where there is none, times Holm's factor where several are compared. */
  p: number | null
  /** With how many others it was judged, itself included. */
  comparisons: number
  /** p is at most 0.05. false: not shown, which is not to say that there is no gain. null: cannot be told. */
  largerThanSeedNoise: boolean | null
  /**
   * What would show a gain of this size in 4 of 5 experiments: this many seeds on these rows, or where no number of seeds
   * would, more than so many rows. null where it is shown, or cannot be told.
   */
  toShow: { seeds: number } | { rows: number } | null
}

const LEVEL = 0.05
/** P(|T| > t) = 0.4 is the one-sided 20% of experiments that may miss the gain. */
const MISSED = 0.4
const FEWEST_SEEDS = 3
/** Gains that differ by less, beside the figures that they are differences of, differ by rounding. */
const ROUNDING = 1e-12
const MOST_SEEDS = 1e6

interface Differences {
  /** Mean difference of each seed. */
  gains: number[]
  /** Of all figures, the largest. */
  scale: number
  rows: number | null
  /** Variance of the differences between rows: what is left of it however many seeds there are. */
  betweenRows: number
}

/** The variances of a crossed design without repetition, rows by seeds: Searle, Casella and McCulloch 1992, 4.3. */
function varianceBetweenRows(differences: readonly Float64Array[], gains: readonly number[]): number {
  const seeds = differences.length
  const rows = differences[0].length
  const gain = mean(gains)
  let between = 0
  let rest = 0
  for (let r = 0; r < rows; r++) {
    let row = 0
    for (const d of differences) row += d[r]
    row /= seeds
    between += (row - gain) ** 2
    for (let s = 0; s < seeds; s++) rest += (differences[s][r] - gains[s] - row + gain) ** 2
  }
  const own = between / (rows - 1)
  const interaction = rest / ((seeds - 1) * (rows - 1))
  return Math.max(0, own - interaction / seeds)
}

function differencesOf(ours: SeedFigures, theirs: SeedFigures): Differences {
  if (ours.length !== theirs.length || ours.length === 0)
    throw new RangeError(
      `judgeGain: both models need figures of the same seeds, got ${ours.length} and ${theirs.length}`,
    )
  const all = [...ours, ...theirs]
  const numbers = all.filter((x): x is number => typeof x === 'number')
  if (numbers.length === all.length)
    return {
      gains: numbers.slice(0, ours.length).map((x, i) => x - numbers[ours.length + i]),
      ...{ scale: Math.max(...numbers.map(Math.abs)), rows: null, betweenRows: 0 },
    }
  const lists = all as ArrayLike<number>[]
  const rows = lists[0].length
  if (numbers.length > 0 || !(rows > 0) || lists.some((x) => x.length !== rows))
    throw new RangeError('judgeGain: either each seed has one figure, or each has one for every row')
  let scale = 0
  const differences = ours.map((_, s) => {
    const [a, b] = [lists[s], lists[ours.length + s]]
    const d = new Float64Array(rows)
    for (let r = 0; r < rows; r++) {
      d[r] = a[r] - b[r]
      scale = Math.max(scale, Math.abs(a[r]), Math.abs(b[r]))
    }
    return d
  })
  const gains = differences.map((d) => d.reduce((sum, x) => sum + x, 0) / rows)
  const several = rows > 1 && ours.length > 1
  return { gains, scale, rows, betweenRows: several ? varianceBetweenRows(differences, gains) : 0 }
}

/** Squared standard errors: by seeds, with what only one seed gives on one row, and by rows. */
interface Errors {
  seeds: number
  bySeeds: number
  rows: number | null
  byRows: number
}

/**
 * How many standard errors an interval reaches: between Student's t for seeds and for rows, by the seeds' share of the
 * variance. At 5% that is the weighted mean of Cochran and Cox 1950, with a little less weight on few seeds, which holds 94.9
 * to 96.7% for 3 seeds where theirs holds up to 97.1; Satterthwaite's degrees of freedom hold 92.2 there. At the smaller
 * levels of several comparisons the mean would be too short, and goes over into the root mean square. Both by integration.
 */
function quantile(level: number, { seeds, bySeeds, rows, byRows }: Errors): number {
  const seedsOnly = tCritical(level, seeds - 1)
  if (rows === null || byRows === 0) return seedsOnly
  const rowsOnly = tCritical(level, rows - 1)
  const near = Math.min(1, level / LEVEL)
  const share = bySeeds / (bySeeds + byRows)
  const weight = share * (1 - (near / 2) * (1 - share) ** 3)
  const power = 2 - near
  return pow(weight * pow(seedsOnly, power) + (1 - weight) * pow(rowsOnly, power), 1 / power)
}

const standardError = ({ bySeeds, byRows }: Errors) => Math.sqrt(bySeeds + byRows)

/** No p is told outside of these. */
const SMALLEST = 1e-15
const LARGEST = 1 - 1e-9

/** The level at which the interval ends at 0. */
function levelOf(gain: number, errors: Errors): number {
  const wanted = Math.abs(gain) / standardError(errors)
  if (errors.byRows === 0) return Math.max(SMALLEST, tTail(wanted, errors.seeds - 1))
  // False position (Illinois) on the logarithms of both, which lie close to a line.
  const off = (at: number) => log(quantile(exp(at), errors)) - log(wanted)
  let [low, high] = [log(SMALLEST), log(LARGEST)]
  let [offLow, offHigh] = [off(low), off(high)]
  if (!(offLow > 0)) return SMALLEST
  if (!(offHigh < 0)) return 1
  let at = low
  for (let i = 0; i < 100; i++) {
    const next = (low * offHigh - high * offLow) / (offHigh - offLow)
    if (Math.abs(next - at) < 1e-12) break
    const before = at
    at = next
    const offAt = off(at)
    if (offAt > 0) {
      ;[low, offLow] = [at, offAt]
      if (before < at) offHigh /= 2
    } else {
      ;[high, offHigh] = [at, offAt]
      if (before > at) offLow /= 2
    }
  }
  return exp(at)
}

/** Seeds or rows for a power of 80%, if the true gain were `gain`. null: more than a million seeds. */
function needed(gain: number, now: Errors, comparisons: number): Verdict['toShow'] {
  const level = LEVEL / comparisons
  const shows = (seeds: number) => {
    const then = { ...now, seeds, bySeeds: (now.bySeeds * now.seeds) / seeds }
    return Math.abs(gain) >= (quantile(level, then) + quantile(MISSED, then)) * standardError(then)
  }
  if (gain === 0) return null
  if (now.rows !== null) {
    const least = tCritical(level, now.rows - 1) + tCritical(MISSED, now.rows - 1)
    const share = (least ** 2 * now.byRows) / gain ** 2
    if (share >= 1) return { rows: Math.ceil(now.rows * share) }
  }
  let enough = Math.max(now.seeds, FEWEST_SEEDS)
  while (!shows(enough)) {
    enough *= 2
    if (enough > MOST_SEEDS) return null
  }
  let few = Math.max(enough >> 1, FEWEST_SEEDS - 1)
  while (enough - few > 1) {
    const middle = (few + enough) >> 1
    if (shows(middle)) enough = middle
    else few = middle
  }
  return { seeds: enough }
}

/** Before other comparisons are known. */
interface Found {
  verdict: Verdict
  errors: Errors | null
}

function find(ours: SeedFigures, theirs: SeedFigures): Found {
  const { gains, scale, rows, betweenRows } = differencesOf(ours, theirs)
  const seeds = gains.length
  const gain = mean(gains)
  const range = Math.max(...gains) - Math.min(...gains)
  // Rounded differences of equal gains are no spread: a test of them would find anything.
  const s = range <= ROUNDING * scale ? spread(gains.map(() => 0)) : spread(gains)
  const verdict: Verdict = {
    ...{ gain, spread: s, seeds, rows, interval: null, p: null },
    ...{ comparisons: 1, largerThanSeedNoise: null, toShow: null },
  }
  if (seeds < FEWEST_SEEDS || !(s > 0)) return { verdict, errors: null }
  const errors = { seeds, bySeeds: s ** 2 / seeds, rows, byRows: rows === null ? 0 : betweenRows / rows }
  const reach = quantile(LEVEL, errors) * standardError(errors)
  return {
    verdict: { ...verdict, interval: [gain - reach, gain + reach], p: levelOf(gain, errors) },
    errors,
  }
}

/** p values for as many comparisons as there are: Holm 1979. In the order given. */
function holm(p: readonly number[]): number[] {
  const order = [...p.keys()].sort((a, b) => p[a] - p[b])
  const out = [...p]
  let least = 0
  order.forEach((i, rank) => {
    least = Math.max(least, Math.min(1, p[i] * (p.length - rank)))
    out[i] = least
  })
  return out
}

/**
 * Pairs of models, each seed by seed, as judgeGains: the pairs may be of different seeds, and Holm's correction is for all of
 * them. Throws RangeError as it does.
 */
export function judgePairs(
  pairs: Readonly<Record<string, readonly [ours: SeedFigures, theirs: SeedFigures]>>,
): Record<string, Verdict> {
  const found = Object.entries(pairs).map(([name, [ours, theirs]]) => ({ name, ...find(ours, theirs) }))
  const judged = found.filter(({ errors }) => errors !== null)
  const adjusted = holm(judged.map(({ verdict }) => verdict.p as number))
  judged.forEach((one, i) => {
    const larger = adjusted[i] <= LEVEL
    one.verdict = {
      ...one.verdict,
      ...{ p: adjusted[i], comparisons: judged.length, largerThanSeedNoise: larger },
      toShow: larger ? null : needed(one.verdict.gain, one.errors as Errors, judged.length),
    }
  })
  return Object.fromEntries(found.map(({ name, verdict }) => [name, verdict]))
}

/**
 * One model against several, seed by seed: the gain over each with its 95% interval, and with Holm's correction whether it is
 * more than chance. The variance of a mean gain over seeds s and rows r of a two-way random effects model is
 * var(gains of seeds) / S + var(rows) / N, the second without what the interaction of both puts into it; its quantile lies
 * between Student's t for S - 1 and for N - 1 degrees of freedom, by the shares of those two. No verdict from fewer than 3
 * seeds, from a spread of 0, or from figures that are not finite.
 *
 * Throws RangeError: for figures of other seeds or rows than ours.
 */
export function judgeGains(
  ours: SeedFigures,
  others: Readonly<Record<string, SeedFigures>>,
): Record<string, Verdict> {
  return judgePairs(
    Object.fromEntries(Object.entries(others).map(([name, theirs]) => [name, [ours, theirs] as const])),
  )
}

/** judgeGains with one other: `judgeGain([0.82, 0.81, 0.84], [0.8, 0.8, 0.81])`, or lists of row figures for the numbers. */
export function judgeGain(ours: SeedFigures, theirs: SeedFigures): Verdict {
  return judgeGains(ours, { theirs }).theirs
}
