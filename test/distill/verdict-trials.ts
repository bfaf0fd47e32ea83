// Experiments whose true gain is known: two models, several seeds, the same test rows, answers right or wrong.
import { judgeGain, type Verdict } from '../../src/distill/verdict.js'
import { erf } from '../../src/tensor/math.js'
import { fold, type Key, keyOf, normalAt, words } from '../../src/tensor/rng.js'

/**
 * A model answers right with chance Phi(ability + seed + row + its own liking of the row), the last three normal with these
 * standard deviations. Answers beside that are the interaction of seeds and rows.
 */
export interface World {
  /** Of the abilities of seeds, of each model its own. */
  seeds: number
  /** Of how easy rows are, for both models alike. */
  rows: number
  /** Of rows that one model finds easier than the other. */
  liking: number
}

export const worlds: Readonly<Record<string, World>> = {
  'answers only': { seeds: 0, rows: 2, liking: 0 },
  'seeds scatter': { seeds: 0.3, rows: 2, liking: 0 },
  'rows differ': { seeds: 0, rows: 2, liking: 1 },
  both: { seeds: 0.12, rows: 2, liking: 0.6 },
}

const END = 8
const STEPS = 4096
const normal = (x: number) => 0.5 * (1 + erf(x * Math.SQRT1_2))
const table = Float64Array.from({ length: STEPS * 2 + 1 }, (_, i) => normal(((i - STEPS) * END) / STEPS))
/** Phi by the nearest entry: within 4e-4, and right on average. */
const chance = (x: number) => table[Math.round(Math.max(-1, Math.min(1, x / END)) * STEPS) + STEPS]

/** A chance of 0.84 standard deviations is 80% right. */
const ABILITY = 0.84

/** One model's answers, a list a seed: with the ability of 80% right, and the same draws with `shift` more. */
function answers(key: Key, shift: number, world: World, seeds: number, ease: Float64Array) {
  const n = ease.length
  const total = Math.sqrt(1 + world.seeds ** 2 + world.rows ** 2 + world.liking ** 2)
  const own = world.liking > 0 ? ease.map((x, r) => x + world.liking * normalAt(key, r)) : ease
  const plain: Uint8Array[] = []
  const shifted: Uint8Array[] = []
  for (let s = 0; s < seeds; s++) {
    const at = ABILITY * total + world.seeds * normalAt(fold(key, 'seeds'), s)
    // Two draws a word: 16 bits are a hundredth of what the intervals resolve.
    const draws = new Uint16Array(words(fold(key, s), (n >> 1) + 1).slice().buffer)
    const [a, b] = [new Uint8Array(n), new Uint8Array(n)]
    for (let r = 0; r < n; r++) {
      const draw = (draws[r] + 0.5) / 65536
      if (draw < chance(at + own[r])) a[r] = 1
      if (draw < chance(at + own[r] + shift * total)) b[r] = 1
    }
    plain.push(a)
    shifted.push(b)
  }
  return { plain, shifted }
}

export interface Counts {
  /** Verdicts 'yes', of all trials. */
  yes: number
  /** Intervals, and those that hold the true gain. */
  intervals: number
  hold: number
}

/** Trials without a gain, and with one of `shift`, on the same draws. Deterministic. */
export function trials(world: World, shift: number, seeds: number, rows: number, n: number) {
  const gain = normal(ABILITY + shift) - normal(ABILITY)
  const none: Counts = { yes: 0, intervals: 0, hold: 0 }
  const some: Counts = { yes: 0, intervals: 0, hold: 0 }
  const add = (counts: Counts, truth: number, { interval, largerThanSeedNoise }: Verdict) => {
    if (largerThanSeedNoise) counts.yes++
    if (interval === null) return
    counts.intervals++
    if (interval[0] <= truth && truth <= interval[1]) counts.hold++
  }
  for (let i = 0; i < n; i++) {
    const key = keyOf(i, 'verdicts', seeds, rows)
    const own = fold(key, 'rows')
    const ease = Float64Array.from({ length: rows }, (_, r) => world.rows * normalAt(own, r))
    const theirs = answers(fold(key, 'theirs'), 0, world, seeds, ease).plain
    const ours = answers(fold(key, 'ours'), shift, world, seeds, ease)
    add(none, 0, judgeGain(ours.plain, theirs))
    add(some, gain, judgeGain(ours.shifted, theirs))
  }
  return { none, some }
}
