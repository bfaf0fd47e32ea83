// sin, cos, tan, their inverses and those of sinh, cosh, tanh, from + - * / and bit moves: the engines' Math functions differ in their last bits.
// Taylor series on short intervals, so every coefficient explains itself; within 2 ULP in float64, tan, asin, acos 3.
import { log, log1p } from './math.js'

/** pi/2 in pieces of 33 bits, so that a count below 2^20 times a piece is exact, and the rest. */
const P1 = 1.5707963267341256
const P2 = 6.077100506303966e-11
const P3 = 2.0222662487111665e-21
const P4 = 8.4784276603689e-32
const PIO2 = Math.PI / 2
const PIO2_LO = 6.123233995736766e-17
const CUT = 2 ** 20

/** floor(2/pi * 2^1216) and floor(pi/2 * 2^160): enough for the largest double. */
const TWO_OVER_PI = BigInt(
  '0xa2f9836e4e441529fc2757d1f534ddc0db6295993c439041fe5163abdebbc561b7246e3a424dd2e006492eea' +
    '09d1921cfe1deb1cb129a73ee88235f52ebb4484e99c7026b45f7e413991d639835339f49c845f8bbdf9283b' +
    '1ff897ffde05980fef2f118b5a0a6d1f6d367ecf27cb09b74f463f669e5fea2d7527bac7ebe5f17b3d0739f7' +
    '8a5292ea6bfb5fb11f8d5d0856033046fc7b6bab',
)
const HALF_PI = 0x1921fb54442d18469898cc51701b839a252049c11n
const BITS = 160

const f64 = new Float64Array(1)
const u64 = new BigUint64Array(f64.buffer)

interface Reduced {
  /** The quadrant, 0 to 3. */
  quadrant: number
  /** x - quadrant * pi/2 (and whole turns) = hi + lo, |hi| <= pi/4. */
  hi: number
  lo: number
}

/** Filled by reduce(): sin and cos are called for each element of a tensor. */
const reduced: Reduced = { quadrant: 0, hi: 0, lo: 0 }

function put(quadrant: number, hi: number, lo: number): void {
  reduced.quadrant = quadrant
  reduced.hi = hi
  reduced.lo = lo
}

/** The remainder of x by pi/2. Cody and Waite 1980 up to 2^20, exact integers beyond (after Payne and Hanek 1983). */
function reduce(x: number): void {
  const a = Math.abs(x)
  if (a <= Math.PI / 4) put(0, x, 0)
  else if (a < CUT) reduceSmall(x)
  else reduceLarge(x)
}

function reduceSmall(x: number): void {
  const k = Math.floor(x * (1 / PIO2) + 0.5)
  const a = x - k * P1
  const b = k * P2
  const c = a - b
  const d = k * P3
  const hi = c - d
  // What the two subtractions rounded away (Knuth's two-sum), and the last piece.
  const cb = a - c
  const rest = a - (c + cb) + (cb - b)
  const hd = c - hi
  const lo = rest + (c - (hi + hd) + (hd - d)) - k * P4
  const sum = hi + lo
  put(k & 3, sum, hi - sum + lo)
}

function reduceLarge(x: number): void {
  f64[0] = Math.abs(x)
  const exponent = Number(u64[0] >> 52n) - 1075
  const mantissa = (u64[0] & 0xfffffffffffffn) | 0x10000000000000n
  const shift = BigInt(1216 - exponent)
  const turns = mantissa * TWO_OVER_PI
  let quadrant = Number((turns >> shift) & 3n)
  // The fraction of a quarter turn, in [-1/2, 1/2), to BITS bits.
  let part = (turns & ((1n << shift) - 1n)) >> (shift - BigInt(BITS))
  if (part >> BigInt(BITS - 1)) {
    part -= 1n << BigInt(BITS)
    quadrant++
  }
  const angle = (part * HALF_PI) >> BigInt(BITS)
  const hi = Number(angle)
  const lo = Number(angle - BigInt(hi)) * 2 ** -BITS
  const sign = x < 0 ? -1 : 1
  put((sign * quadrant) & 3, sign * hi * 2 ** -BITS, sign * lo)
}

/** sin(x + y) for |x| <= pi/4 and a y far below: x - x^3/3! + ... + x^17/17!. */
function sinSeries(x: number, y: number): number {
  const z = x * x
  const r =
    1 / 120 -
    z * (1 / 5040 - z * (1 / 362880 - z * (1 / 39916800 - z * (1 / 6227020800 - z / 1307674368000))))
  // cos x is about 1 - z/2: what y adds.
  return x - (x * z * (1 / 6 - z * r) - y * (1 - 0.5 * z))
}

/** cos(x + y): 1 - x^2/2! + ... + x^16/16!. */
function cosSeries(x: number, y: number): number {
  const z = x * x
  const r =
    z *
    z *
    (1 / 24 -
      z *
        (1 / 720 -
          z *
            (1 / 40320 -
              z * (1 / 3628800 - z * (1 / 479001600 - z * (1 / 87178291200 - z / 20922789888000))))))
  const half = 0.5 * z
  const w = 1 - half
  // 1 - w - half: what w was rounded by.
  return w + (1 - w - half + (r - x * y))
}

/** The sine of x in radians. */
export function sin(x: number): number {
  if (x === 0 || !Number.isFinite(x)) return x === 0 ? x : NaN
  reduce(x)
  const { quadrant, hi, lo } = reduced
  const y = quadrant & 1 ? cosSeries(hi, lo) : sinSeries(hi, lo)
  return quadrant & 2 ? -y : y
}

/** The cosine of x in radians. */
export function cos(x: number): number {
  if (!Number.isFinite(x)) return NaN
  reduce(x)
  const { quadrant, hi, lo } = reduced
  const y = quadrant & 1 ? sinSeries(hi, lo) : cosSeries(hi, lo)
  return (quadrant + 1) & 2 ? -y : y
}

/** The tangent of x in radians. */
export function tan(x: number): number {
  if (x === 0 || !Number.isFinite(x)) return x === 0 ? x : NaN
  reduce(x)
  const { quadrant, hi, lo } = reduced
  const s = sinSeries(hi, lo)
  const c = cosSeries(hi, lo)
  return quadrant & 1 ? -c / s : s / c
}

/** atan(k / 8) for k = 0 to 8, and what a double loses of it. */
const ATAN = [
  0, 0.12435499454676144, 0.24497866312686414, 0.35877067027057225, 0.4636476090008061, 0.5585993153435624,
  0.6435011087932844, 0.7188299996216245, 0.7853981633974483,
]
const ATAN_LO = [
  0, -3.1253241424539383e-18, 1.0698755618734451e-17, -2.4623815582638635e-17, 2.2698777452961687e-17,
  -5.4556305485916264e-18, 1.5834785051444286e-17, -2.1478388444456983e-17, 3.061616997868383e-17,
]

/** The arc tangent, in [-pi/2, pi/2]. */
export function atan(x: number): number {
  if (x === 0 || Number.isNaN(x)) return x
  const a = Math.abs(x)
  const beyond = a > 1
  // atan a = atan(k/8) + atan t, |t| <= 1/16; above 1 of 1/a, from pi/2.
  const k = Math.floor((beyond ? 8 / a : 8 * a) + 0.5)
  const c = k / 8
  const t = beyond ? (a === Infinity ? 0 : (1 - c * a) / (a + c)) : (a - c) / (1 + c * a)
  const z = t * t
  const tail =
    t * z * (1 / 3 - z * (1 / 5 - z * (1 / 7 - z * (1 / 9 - z * (1 / 11 - z * (1 / 13 - z / 15))))))
  const y = beyond
    ? PIO2 - (ATAN[k] - (PIO2_LO - ATAN_LO[k] - (t - tail)))
    : ATAN[k] + (t - (tail - ATAN_LO[k]))
  return x < 0 ? -y : y
}

/** The angle of the point (x, y), in [-pi, pi]. */
export function atan2(y: number, x: number): number {
  if (Number.isNaN(x) || Number.isNaN(y)) return NaN
  const left = x < 0 || Object.is(x, -0)
  let angle: number
  if (y === 0) angle = left ? Math.PI : 0
  else if (x === 0) angle = PIO2
  else if (!Number.isFinite(x) && !Number.isFinite(y)) angle = left ? 3 * (Math.PI / 4) : Math.PI / 4
  else {
    angle = atan(Math.abs(y / x))
    if (left) angle = Math.PI - (angle - 2 * PIO2_LO)
  }
  return y < 0 || Object.is(y, -0) ? -angle : angle
}

/** The arc sine, in [-pi/2, pi/2]; NaN outside [-1, 1]. */
export function asin(x: number): number {
  return Math.abs(x) <= 1 ? atan2(x, Math.sqrt((1 - x) * (1 + x))) : NaN
}

/** The arc cosine, in [0, pi]; NaN outside [-1, 1]. */
export function acos(x: number): number {
  return Math.abs(x) <= 1 ? 2 * atan2(Math.sqrt(1 - x), Math.sqrt(1 + x)) : NaN
}

/** The inverse of sinh. */
export function asinh(x: number): number {
  const a = Math.abs(x)
  if (x === 0) return x
  const y = a > 2 ** 28 ? log(a) + Math.LN2 : log1p(a + (a * a) / (1 + Math.sqrt(a * a + 1)))
  return x < 0 ? -y : y
}

/** The inverse of cosh, from 0 up; NaN below 1. */
export function acosh(x: number): number {
  if (x > 2 ** 28) return log(x) + Math.LN2
  const t = x - 1
  return t >= 0 ? log1p(t + Math.sqrt(2 * t + t * t)) : NaN
}

/** The inverse of tanh; NaN outside [-1, 1]. */
export function atanh(x: number): number {
  const a = Math.abs(x)
  if (x === 0) return x
  const y = a <= 1 ? 0.5 * log1p((2 * a) / (1 - a)) : NaN
  return x < 0 ? -y : y
}
