// exp, log, tanh, erf and their kin on four float32 lanes, within about 2 ULP, from + - * / and bit moves only.
// exp, log, tanh: coefficients of Cephes (Moshier). erf and the normal tail: rational fits made for this file.
import { madd, num, splat } from './simd'

// @ts-ignore: decorator
@inline
function abs4(x: v128): v128 {
  return v128.and(x, i32x4.splat(0x7fffffff))
}

// @ts-ignore: decorator
@inline
function withSignOf(magnitude: v128, x: v128): v128 {
  return v128.or(magnitude, v128.and(x, i32x4.splat(0x80000000)))
}

/** Lowest and highest x, log2 e, 1.5 * 2^23, ln 2 in two parts (the second negative), then the polynomial. */
const EXP = memory.data<f32>([
  -104, 89, 1.44269504, 12582912, 0.693359375, 2.12194440e-4,
  1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1, 1,
])

/** e^(x + rest), rest a small correction of x. Gradual underflow; NaN stays NaN. */
// @ts-ignore: decorator
@inline
function expOfSum(x: v128, rest: v128): v128 {
  // pmin and pmax give back their first argument when it is NaN.
  x = f32x4.pmin(f32x4.pmax(x, num(EXP, 0)), num(EXP, 1))
  // Adding 1.5 * 2^23 rounds to a whole number and leaves it in the low bits.
  const magic = num(EXP, 3)
  const t = madd(x, num(EXP, 2), magic)
  const k = f32x4.sub(t, magic)
  let r = f32x4.sub(x, f32x4.mul(k, num(EXP, 4))) // this product is exact
  r = f32x4.add(madd(k, num(EXP, 5), r), rest)
  let p = madd(num(EXP, 6), r, num(EXP, 7))
  p = madd(p, r, num(EXP, 8))
  p = madd(p, r, num(EXP, 9))
  p = madd(p, r, num(EXP, 10))
  p = madd(p, r, num(EXP, 11))
  p = f32x4.add(madd(p, f32x4.mul(r, r), r), num(EXP, 12))
  // 2^k in two factors: k runs from -150 to 128. 127 in the exponent is 1.
  const n = i32x4.sub(t, magic)
  const half = i32x4.shr_s(n, 1)
  const f = i32x4.add(i32x4.shl(half, 23), num(EXP, 12))
  const g = i32x4.add(i32x4.shl(i32x4.sub(n, half), 23), num(EXP, 12))
  return f32x4.mul(f32x4.mul(p, f), g)
}

// @ts-ignore: decorator
@inline
export function exp4(x: v128): v128 {
  return expOfSum(x, splat(0))
}

// @ts-ignore: decorator
@inline
export function log4(x: v128): v128 {
  const tiny = f32x4.lt(x, splat(1.17549435e-38))
  const scaled = v128.bitselect(f32x4.mul(x, splat(16777216)), x, tiny)
  // scaled = 2^e m, sqrt(1/2) <= m < sqrt(2)
  const i = i32x4.sub(scaled, i32x4.splat(0x3f3504f3))
  const exponent = i32x4.sub(i32x4.shr_s(i, 23), v128.and(tiny, i32x4.splat(24)))
  const e = f32x4.convert_i32x4_s(exponent)
  const m = i32x4.add(v128.and(i, i32x4.splat(0x7fffff)), i32x4.splat(0x3f3504f3))
  const f = f32x4.sub(m, splat(1))
  const z = f32x4.mul(f, f)
  let p = madd(splat(7.0376836292e-2), f, splat(-1.1514610310e-1))
  p = madd(p, f, splat(1.1676998740e-1))
  p = madd(p, f, splat(-1.2420140846e-1))
  p = madd(p, f, splat(1.4249322787e-1))
  p = madd(p, f, splat(-1.6668057665e-1))
  p = madd(p, f, splat(2.0000714765e-1))
  p = madd(p, f, splat(-2.4999993993e-1))
  p = madd(p, f, splat(3.3333331174e-1))
  let y = f32x4.mul(f32x4.mul(p, z), f)
  y = madd(e, splat(-2.12194440e-4), y)
  y = madd(z, splat(-0.5), y)
  y = madd(e, splat(0.693359375), f32x4.add(f, y))
  const infinity = splat(f32.POSITIVE_INFINITY)
  y = v128.bitselect(x, y, f32x4.eq(x, infinity))
  y = v128.bitselect(splat(f32.NEGATIVE_INFINITY), y, f32x4.eq(x, splat(0)))
  // All ones is a NaN: where x < 0 or x is NaN.
  return v128.or(y, v128.not(f32x4.ge(x, splat(0))))
}

/** The odd polynomial near 0, then 1, 2 and the end of "near". */
const TANH = memory.data<f32>([
  -5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1, 1, 2, 0.625,
])

// @ts-ignore: decorator
@inline
export function tanh4(x: v128): v128 {
  const a = abs4(x)
  const z = f32x4.mul(x, x)
  let p = madd(num(TANH, 0), z, num(TANH, 1))
  p = madd(p, z, num(TANH, 2))
  p = madd(p, z, num(TANH, 3))
  p = madd(p, z, num(TANH, 4))
  const near = withSignOf(madd(f32x4.mul(p, z), x, x), x) // of -0 too
  const e = exp4(f32x4.add(a, a))
  const far = f32x4.sub(num(TANH, 5), f32x4.div(num(TANH, 6), f32x4.add(e, num(TANH, 5))))
  // Not less than 0.625 holds for NaN too, whose far is NaN.
  // near has the sign of x already, but for -0.
  return withSignOf(v128.bitselect(near, far, f32x4.lt(a, num(TANH, 7))), x)
}

// @ts-ignore: decorator
@inline
export function sigmoid4(x: v128): v128 {
  const e = exp4(v128.or(x, i32x4.splat(0x80000000)))
  const numerator = v128.bitselect(e, splat(1), f32x4.lt(x, splat(0)))
  return f32x4.div(numerator, f32x4.add(splat(1), e))
}

/** e^(-u^2 / 2), u >= 0. The square is split in two, so that its rounding does not reach the exponent. */
// @ts-ignore: decorator
@inline
function bell(u: v128): v128 {
  const head = v128.and(u, i32x4.splat(0xfffff000))
  const rest = f32x4.mul(f32x4.sub(head, u), f32x4.add(head, u))
  return expOfSum(f32x4.mul(f32x4.mul(head, head), splat(-0.5)), f32x4.mul(rest, splat(0.5)))
}

/** P, then Q, whose last coefficient is 1. Then 15, 1 / sqrt(2 pi), -15. */
const TAIL = memory.data<f32>([
  0.00415119256323, 0.0408703085951, 0.183941398677, 0.439252731585, 0.500000002942,
  0.0104053852388, 0.102452779181, 0.471334152226, 1.20544391655, 1.67639045312, 1,
  15, 0.3989422804014327, -15,
])

/** P(N(0, 1) < -u) / e^(-u^2 / 2) for 0 <= u <= 15, relative error 7e-9: P / Q with positive coefficients only. */
// @ts-ignore: decorator
@inline
function tailRatio(u: v128): v128 {
  let p = madd(num(TAIL, 0), u, num(TAIL, 1))
  p = madd(p, u, num(TAIL, 2))
  p = madd(p, u, num(TAIL, 3))
  p = madd(p, u, num(TAIL, 4))
  let q = madd(num(TAIL, 5), u, num(TAIL, 6))
  q = madd(q, u, num(TAIL, 7))
  q = madd(q, u, num(TAIL, 8))
  q = madd(q, u, num(TAIL, 9))
  q = madd(q, u, num(TAIL, 10))
  return f32x4.div(p, q)
}

// Past 15 standard deviations the tail is 0 in float32; NaN stays.
// @ts-ignore: decorator
@inline
function deviation(x: v128): v128 {
  return f32x4.pmin(abs4(x), num(TAIL, 11))
}

/**
 * The odd polynomial near 0, whose last coefficient is 2 / sqrt(pi) - 1, so that the largest term is x itself. Then 10,
 * where erf is 1 in float32, sqrt(2) and the end of "near".
 */
const ERF = memory.data<f32>([
  -0.00060910900458, 0.00501212587664, -0.0267790413047, 0.112821455083, -0.376125239531, 0.12837915407,
  10, 1.41421356237, 0.9,
])

// @ts-ignore: decorator
@inline
export function erf4(x: v128): v128 {
  const z = f32x4.mul(x, x)
  let p = madd(num(ERF, 0), z, num(ERF, 1))
  p = madd(p, z, num(ERF, 2))
  p = madd(p, z, num(ERF, 3))
  p = madd(p, z, num(ERF, 4))
  p = madd(p, z, num(ERF, 5))
  const near = madd(p, x, x)
  // NaN stays.
  const a = f32x4.pmin(abs4(x), num(ERF, 6))
  const u = deviation(f32x4.mul(a, num(ERF, 7)))
  const head = v128.and(a, i32x4.splat(0xfffff000))
  const rest = f32x4.mul(f32x4.sub(head, a), f32x4.add(head, a))
  const tail = f32x4.mul(expOfSum(f32x4.neg(f32x4.mul(head, head)), rest), tailRatio(u))
  const far = f32x4.sub(num(TAIL, 10), f32x4.add(tail, tail))
  return v128.bitselect(near, withSignOf(far, x), f32x4.lt(a, num(ERF, 8)))
}

/** x Phi(x). */
// @ts-ignore: decorator
@inline
export function gelu4(x: v128): v128 {
  const u = deviation(x)
  const tail = f32x4.mul(bell(u), tailRatio(u))
  const phi = v128.bitselect(tail, f32x4.sub(num(TAIL, 10), tail), f32x4.lt(x, splat(0)))
  // Below -15 the product is -0, as at -Infinity.
  return f32x4.mul(f32x4.pmax(x, num(TAIL, 13)), phi)
}

/** Phi(x) + x phi(x). */
// @ts-ignore: decorator
@inline
export function geluGrad4(x: v128): v128 {
  const u = deviation(x)
  const b = bell(u)
  const tail = f32x4.mul(b, tailRatio(u))
  const slope = f32x4.mul(f32x4.mul(u, num(TAIL, 12)), b)
  // With s = tail - u phi(u): s where x < 0, 1 - s where not.
  const s = f32x4.sub(tail, slope)
  return v128.bitselect(s, f32x4.sub(num(TAIL, 10), s), f32x4.lt(x, splat(0)))
}

const SQRT_8_OVER_PI: f32 = 1.5957691216057308
const GELU_C: f32 = 0.044715

/** Where the tanh form of gelu is 0 or x to the last bit; keeps x^3 finite. */
const FLAT: f32 = 100

/** x sigmoid(2 sqrt(2 / pi) (x + 0.044715 x^3)), which is the tanh form. */
// @ts-ignore: decorator
@inline
export function geluTanh4(x: v128): v128 {
  const c = f32x4.pmin(f32x4.pmax(x, splat(-FLAT)), splat(FLAT))
  const z = f32x4.mul(c, c)
  const y = f32x4.mul(f32x4.mul(c, splat(SQRT_8_OVER_PI)), madd(z, splat(GELU_C), splat(1)))
  return f32x4.mul(f32x4.pmax(x, splat(-FLAT)), sigmoid4(y))
}

// @ts-ignore: decorator
@inline
export function geluTanhGrad4(x: v128): v128 {
  const c = f32x4.pmin(f32x4.pmax(x, splat(-FLAT)), splat(FLAT))
  const z = f32x4.mul(c, c)
  const y = f32x4.mul(f32x4.mul(c, splat(SQRT_8_OVER_PI)), madd(z, splat(GELU_C), splat(1)))
  const s = sigmoid4(y)
  const slope = f32x4.mul(splat(SQRT_8_OVER_PI), madd(z, splat(3 * GELU_C), splat(1)))
  // s + x s (1 - s) y', and 1 - s = sigmoid(-y)
  return madd(f32x4.mul(f32x4.mul(c, s), f32x4.sub(splat(1), s)), slope, s)
}

/** The log of ../../../math.ts for finite x >= 1. asc's own keeps a table in memory, where our arguments lie. */
export function log64(x: f64): f64 {
  const bits = reinterpret<u64>(x)
  let k = <i32>(bits >> 52) - 1023
  let m = reinterpret<f64>((bits & 0x000fffffffffffff) | 0x3ff0000000000000)
  if (m > 1.4142135623730951) {
    m *= 0.5
    k++
  }
  const f = m - 1
  const s = f / (2 + f)
  const z = s * s
  const w = z * z
  const even = w * (3.999999999940941908e-1 + w * (2.222219843214978396e-1 + w * 1.531383769920937332e-1))
  const odd =
    z * (6.66666666666673513e-1 +
      w * (2.857142874366239149e-1 + w * (1.818357216161805012e-1 + w * 1.479819860511658591e-1)))
  const half = 0.5 * f * f
  return <f64>k * 6.9314718036912381649e-1 - (half - (s * (half + even + odd) + <f64>k * 1.90821492927058770002e-10) - f)
}
