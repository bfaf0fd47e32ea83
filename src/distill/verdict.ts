// Figures over seeds, and whether a gain is more than what seeds do anyway.

export const mean = (x: readonly number[]): number => x.reduce((a, b) => a + b, 0) / x.length

/** Standard deviation of a sample. NaN for fewer than 2. */
export function spread(x: readonly number[]): number {
  const m = mean(x)
  return Math.sqrt(x.reduce((s, v) => s + (v - m) ** 2, 0) / (x.length - 1))
}

/**
 * Two-sided 5% points of Student's t by degrees of freedom: with 3 seeds two standard errors would be too little, 4.3 are needed.
 */
const T95 = [12.71, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228]

export interface Verdict {
  /** Mean over seeds of the difference, in the figure's own unit. */
  gain: number
  /** Of the differences. NaN with one seed. */
  spread: number
  seeds: number
  /** null: one seed cannot tell. */
  largerThanSeedNoise: boolean | null
}

/** Differences of two models seed by seed: a paired t test at 5%. */
export function judgeGain(ours: readonly number[], theirs: readonly number[]): Verdict {
  const gains = ours.map((x, i) => x - theirs[i])
  const n = gains.length
  const s = spread(gains)
  const gain = mean(gains)
  const larger = n < 2 ? null : Math.abs(gain) > ((T95[n - 2] ?? 2.1) * s) / Math.sqrt(n) && gain !== 0
  return { gain, spread: s, seeds: n, largerThanSeedNoise: larger }
}

/** 'distilled is 1.20 points above alone over 3 seeds (spread 0.30); larger than seed noise: yes'. */
export function verdictText(ours: string, theirs: string, v: Verdict): string {
  const points = `${Math.abs(v.gain * 100).toFixed(2)} points ${v.gain < 0 ? 'below' : 'above'} ${theirs}`
  if (v.largerThanSeedNoise === null)
    return `${ours} is ${points} with one seed; larger than seed noise: unknown, --seeds 3 tells`
  const scatter = `over ${v.seeds} seeds (spread ${(v.spread * 100).toFixed(2)})`
  return `${ours} is ${points} ${scatter}; larger than seed noise: ${v.largerThanSeedNoise ? 'yes' : 'no'}`
}
