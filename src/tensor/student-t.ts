// Student's t for whole degrees of freedom, from the incomplete beta function.
import { exp, log, log1p } from './math.js'
import { normalQuantile } from './rng.js'

/** From here on the series below is exact to 1e-14. */
const LARGE = 100
/** Gamma((v + 1) / 2) / Gamma(v / 2) is sqrt(v / 2) times this series in 1 / v. Stirling's, for a half step. */
const SERIES = [1, -1 / 4, 1 / 32, 5 / 128, -21 / 2048, -399 / 8192, 869 / 65536]

/** Gamma((v + 1) / 2) / Gamma(v / 2). */
function gammaStep(df: number): number {
  if (df > LARGE) return Math.sqrt(df / 2) * SERIES.reduceRight((sum, c) => sum / df + c, 0)
  let ratio = 1 / Math.sqrt(Math.PI)
  // The ratios of v and v + 1 multiply to v / 2.
  for (let v = 1; v < df; v++) ratio = v / 2 / ratio
  return ratio
}

const TINY = 1e-300

/** The continued fraction of I_x(a, b) by Lentz's method; converges fast for x < (a + 1) / (a + b + 2). DLMF 8.17.22. */
function fraction(x: number, a: number, b: number): number {
  const away = (y: number) => (Math.abs(y) < TINY ? TINY : y)
  let c = 1
  let d = 1 / away(1 - ((a + b) * x) / (a + 1))
  let value = d
  for (let m = 1; m < 10000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))
    d = 1 / away(1 + even * d)
    c = away(1 + even / c)
    value *= d * c
    d = 1 / away(1 + odd * d)
    c = away(1 + odd / c)
    value *= d * c
    if (Math.abs(d * c - 1) < 1e-16) break
  }
  return value
}

function checkFreedom(df: number): void {
  if (!(Number.isInteger(df) && df > 0))
    throw new RangeError(`Student's t: degrees of freedom are a whole number above 0, got ${df}`)
}

/** P(|T| > |t|), the two-sided tail of Student's t. Throws RangeError for degrees of freedom below 1 or not whole. */
export function tTail(t: number, df: number): number {
  checkFreedom(df)
  if (!(Math.abs(t) < 1e150)) return Number.isNaN(t) ? t : 0
  const square = t * t
  if (square === 0) return 1
  const [a, b] = [df / 2, 0.5]
  const x = df / (df + square)
  const rest = square / (df + square)
  // x^a (1 - x)^b / B(a, b)
  const front = (exp(-a * log1p(square / df)) * Math.sqrt(rest) * gammaStep(df)) / Math.sqrt(Math.PI)
  return x < (a + 1) / (a + b + 2) ? (front * fraction(x, a, b)) / a : 1 - (front * fraction(rest, b, a)) / b
}

/** The t with P(|T| > t) = level: 4.303 for 0.05 and 2 degrees. Throws RangeError as tTail, and for a level not in (0, 1]. */
export function tCritical(level: number, df: number): number {
  checkFreedom(df)
  if (!(level > 0 && level <= 1)) throw new RangeError(`tCritical: level is in (0, 1], got ${level}`)
  if (level === 1) return 0
  const target = log(level)
  const peak = gammaStep(df) / Math.sqrt(df * Math.PI)
  // log P falls ever faster with log t: from any start Newton's steps come down to the root from above.
  let y = log(-normalQuantile(level / 2))
  for (let i = 0; i < 100; i++) {
    const t = exp(y)
    const tail = tTail(t, df)
    const density = peak * exp((-(df + 1) / 2) * log1p((t * t) / df))
    const step = ((log(tail) - target) * tail) / (2 * density * t)
    y += step
    if (Math.abs(step) < 1e-15) break
  }
  return exp(y)
}
