// How fast models answer, measured so that they can be compared: in rounds in which each has its turn, because what else the
// machine does changes from minute to minute, and with the spread that is left.
import type { DataSet } from '../../nn/data.js'
import type { TextInput } from '../../nn/models/input.js'
import { breathe } from '../../train/pace.js'
import { type Classifier, predict } from '../../train/predict.js'
import type { Context } from './command.js'

/** Medians of the rounds; each spread is half of their interquartile range. */
export interface Speed {
  /** One text at a time. */
  msPerExample: number
  msSpread: number
  /** In batches. */
  examplesPerSecond: number
  examplesSpread: number
  speedRounds: number
}

export interface Timed {
  model: Classifier<TextInput>
  /** The first n of the texts, the same for all. */
  few(n: number): DataSet<TextInput>
  /** Default: as predict() has it. */
  batchSize?: number
}

/** Texts that a turn answers one by one, and in batches. */
const SINGLE = 50
const BATCHED = 128
/** Texts before those, which do not count: after a large model a small one is slower by half, until its caches are its own. */
const WARM = 5
const ROUNDS = 5

/** Of sorted numbers, between two of them on a straight line. */
function quantile(sorted: Float64Array, q: number): number {
  const place = q * (sorted.length - 1)
  const [low, high] = [Math.floor(place), Math.ceil(place)]
  return sorted[low] + (place - low) * (sorted[high] - sorted[low])
}

export function medianAndSpread(values: readonly number[]): [median: number, spread: number] {
  const sorted = Float64Array.from(values).sort()
  return [quantile(sorted, 0.5), (quantile(sorted, 0.75) - quantile(sorted, 0.25)) / 2]
}

/** '1.92 ± 0.08' */
export const shownSpeed = ({ msPerExample, msSpread }: Pick<Speed, 'msPerExample' | 'msSpread'>): string =>
  `${msPerExample.toFixed(2)} ± ${msSpread.toFixed(2)}`

/** What the figures are, for people. */
export const SPEED_METHOD = `the median of ${ROUNDS} rounds in which all models took turns, ± half of their interquartile range`

/** Who comes when: in each round another order, so that nobody always comes after the largest. */
function turns<T>(models: readonly T[], round: number): T[] {
  const at = Math.floor(round / 2) % Math.max(1, models.length)
  const order = [...models.slice(at), ...models.slice(0, at)]
  return round % 2 === 0 ? order : order.reverse()
}

/** Of each round: milliseconds of a text alone, and texts a second in batches. */
interface Rounds {
  ms: number[]
  rates: number[]
}

/** All models in turn, round after round; a first round does not count. */
async function measureRounds(
  models: ReadonlyMap<string, Timed>,
  { now, progress }: Pick<Context, 'now' | 'progress'>,
): Promise<Map<string, Rounds>> {
  const timed = Array.from(models, ([name, { few, ...own }]) => ({
    ...{ name, ...own, sets: [WARM, SINGLE, BATCHED].map(few) },
    ...{ ms: [] as number[], rates: [] as number[] },
  }))
  let done = 0
  for (let round = 0; round <= ROUNDS; round++) {
    for (const { model, batchSize, sets, ms, rates } of turns(timed, round)) {
      const [warm, single, batched] = sets
      predict(model, warm, { batchSize: 1 })
      const began = now()
      predict(model, single, { batchSize: 1 })
      const between = now()
      predict(model, batched, batchSize === undefined ? {} : { batchSize })
      const end = now()
      if (round > 0) {
        ms.push((between - began) / single.size)
        rates.push((1000 * batched.size) / (end - between))
      }
      progress.aside('measuring speed', ++done, (ROUNDS + 1) * timed.length)
      await breathe()
    }
  }
  progress.finish('')
  return new Map(timed.map(({ name, ms, rates }) => [name, { ms, rates }]))
}

/** All models in turn: see medianAndSpread(). */
export async function measureSpeeds(
  models: ReadonlyMap<string, Timed>,
  context: Pick<Context, 'now' | 'progress'>,
): Promise<Map<string, Speed>> {
  const rounds = await measureRounds(models, context)
  return new Map(
    Array.from(rounds, ([name, { ms, rates }]) => {
      const [[msPerExample, msSpread], [examplesPerSecond, examplesSpread]] = [ms, rates].map(medianAndSpread)
      return [name, { msPerExample, msSpread, examplesPerSecond, examplesSpread, speedRounds: ROUNDS }]
    }),
  )
}

/**
 * The share of `before`'s time that a text alone takes of `after`: the median of the rounds' own ratios, which what else the
 * machine does meets less than either time.
 */
export async function measureRatio(
  before: Timed,
  after: Timed,
  context: Pick<Context, 'now' | 'progress'>,
): Promise<number> {
  const rounds = await measureRounds(new Map(Object.entries({ before, after })), context)
  const of = (name: string) => (rounds.get(name) as Rounds).ms
  return medianAndSpread(of('after').map((ms, i) => ms / of('before')[i]))[0]
}
