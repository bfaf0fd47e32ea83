// exp, log, tanh, erf from + - * / and bit moves, at most 2 ULP in float64: the engines' Math functions differ.
// Methods and coefficients: fdlibm (Sun 1993) for exp, log and erf; Cephes (Moshier) for tanh near zero.

const f64 = new Float64Array(1)
const u32 = new Uint32Array(f64.buffer)
// Which half of the double holds the sign and exponent depends on the machine's byte order.
f64[0] = 1
const HI = u32[1] !== 0 ? 1 : 0
const LO = 1 - HI

const LN2_HI = 6.9314718036912381649e-1
const LN2_LO = 1.90821492927058770002e-10
const INV_LN2 = Math.LOG2E

/** x * 2^k for any k that keeps the result finite or lets it underflow step by step. */
function scalb(x: number, k: number): number {
  if (k > 1023) return x * 2 ** 1023 * pow2(k - 1023)
  if (k < -1022) return x * pow2(k + 54) * 2 ** -54
  return x * pow2(k)
}

function pow2(k: number): number {
  u32[HI] = (k + 1023) << 20
  u32[LO] = 0
  return f64[0]
}

/** The c of e^r = 1 + r + r c / (2 - c), |r| <= ln2 / 2: what exp and expm1 share. */
function restOf(r: number): number {
  const t = r * r
  return (
    r -
    t *
      (1.66666666666666019037e-1 +
        t *
          (-2.77777777770155933842e-3 +
            t *
              (6.61375632143793436117e-5 + t * (-1.6533902205465251539e-6 + t * 4.13813679705723846039e-8))))
  )
}

/** e^x. */
export function exp(x: number): number {
  if (!(x < 709.782712893384)) return x > 0 ? Infinity : x
  if (x < -745.1332191019411) return 0
  // x = k ln2 + r, |r| <= ln2 / 2; e^r = 1 + 2r / (R - r) with R = r + r * (expansion in r^2)
  const k = Math.floor(x * INV_LN2 + 0.5)
  const hi = x - k * LN2_HI
  const lo = k * LN2_LO
  const r = hi - lo
  const c = restOf(r)
  return scalb(1 - (lo - (r * c) / (2 - c) - hi), k)
}

/** Natural logarithm. */
export function log(x: number): number {
  if (x === 0) return -Infinity
  if (!(x > 0)) return NaN
  if (x === Infinity) return x
  let k = 0
  if (x < 2.2250738585072014e-308) {
    k = -54
    x *= 2 ** 54
  }
  // x = 2^k * m, sqrt(1/2) <= m < sqrt(2); log m = f - s (f - R), s = f / (2 + f), f = m - 1
  f64[0] = x
  k += (u32[HI] >>> 20) - 1023
  u32[HI] = (u32[HI] & 0xfffff) | 0x3ff00000
  let m = f64[0]
  if (m > Math.SQRT2) {
    m *= 0.5
    k++
  }
  const f = m - 1
  const s = f / (2 + f)
  const z = s * s
  const w = z * z
  const even = w * (3.999999999940941908e-1 + w * (2.222219843214978396e-1 + w * 1.531383769920937332e-1))
  const odd =
    z *
    (6.66666666666673513e-1 +
      w * (2.857142874366239149e-1 + w * (1.818357216161805012e-1 + w * 1.479819860511658591e-1)))
  const half = 0.5 * f * f
  return k * LN2_HI - (half - (s * (half + even + odd) + k * LN2_LO) - f)
}

/** Hyperbolic tangent. */
export function tanh(x: number): number {
  const a = Math.abs(x)
  if (x === 0) return x // keeps the sign of -0
  if (a < 0.625) {
    const z = x * x
    const p = (-9.64399179425052238628e-1 * z - 9.92877231001918586564e1) * z - 1.61468768441708447952e3
    const q = ((z + 1.12811678491632931402e2) * z + 2.23548839060100448583e3) * z + 4.84406305325125486048e3
    return x + x * ((z * p) / q)
  }
  const y = a > 22 ? 1 : 1 - 2 / (exp(2 * a) + 1)
  return x < 0 ? -y : y
}

function poly(x: number, c: readonly number[]): number {
  let y = 0
  for (let i = c.length - 1; i >= 0; i--) y = y * x + c[i]
  return y
}

const PP = [
  1.28379167095512558561e-1, -3.2504210724700149937e-1, -2.84817495755985104766e-2,
  -5.77027029648944159157e-3, -2.37630166566501626084e-5,
]
const QQ = [
  1, 3.97917223959155352819e-1, 6.50222499887672944485e-2, 5.08130628187576562776e-3,
  1.32494738004321644526e-4, -3.9602282787753681232e-6,
]
const PA = [
  -2.36211856075265944077e-3, 4.14856118683748331666e-1, -3.72207876035701323847e-1,
  3.18346619901161753674e-1, -1.10894694282396677476e-1, 3.54783043256182359371e-2, -2.166375594868790843e-3,
]
const QA = [
  1, 1.06420880400844228286e-1, 5.40397917702171048937e-1, 7.18286544141962662868e-2,
  1.26171219808761642112e-1, 1.36370839120290507362e-2, 1.1984499846799107417e-2,
]
const RA = [
  -9.86494403484714822705e-3, -6.93858572707181764372e-1, -1.05586262253232909814e1,
  -6.23753324503260060396e1, -1.62396669462573470355e2, -1.84605092906711035994e2, -8.12874355063065934246e1,
  -9.81432934416914548592,
]
const SA = [
  1, 1.96512716674392571292e1, 1.376577541435190426e2, 4.34565877475229228821e2, 6.45387271733267880336e2,
  4.29008140027567833386e2, 1.08635005541779435134e2, 6.57024977031928170135, -6.04244152148580987438e-2,
]
const RB = [
  -9.86494292470009928597e-3, -7.99283237680523006574e-1, -1.77579549177547519889e1,
  -1.60636384855821916062e2, -6.37566443368389627722e2, -1.02509513161107724954e3, -4.83519191608651397019e2,
]
const SB = [
  1, 3.03380607434824582924e1, 3.25792512996573918826e2, 1.53672958608443695994e3, 3.19985821950859553908e3,
  2.55305040643316442583e3, 4.74528541206955367215e2, -2.24409524465858183362e1,
]
const ERX = 8.45062911510467529297e-1

/** Error function, 2 / sqrt(pi) * integral of e^(-t^2) from 0 to x. */
export function erf(x: number): number {
  const a = Math.abs(x)
  if (a < 0.84375) {
    const z = x * x
    return x + x * (poly(z, PP) / poly(z, QQ))
  }
  let y: number
  if (a < 1.25) y = ERX + poly(a - 1, PA) / poly(a - 1, QA)
  else if (a < 6) {
    // a split into a short head z and a rest, so that -a*a is exact enough in the exponent.
    f64[0] = a
    u32[LO] = 0
    const z = f64[0]
    const s = 1 / (a * a)
    const tail = a < 1 / 0.35 ? poly(s, RA) / poly(s, SA) : poly(s, RB) / poly(s, SB)
    y = 1 - (exp(-z * z - 0.5625) * exp((z - a) * (z + a) + tail)) / a
  } else y = Number.isNaN(a) ? a : 1
  return x < 0 ? -y : y
}

/** x^y. Whole exponents up to 64 by repeated squaring, 0.5 by sqrt; otherwise exp(y log x). */
export function pow(x: number, y: number): number {
  if (y === 0) return 1
  if (y === 0.5 && x !== -Infinity) return Math.sqrt(x) + 0 // pow(-0, 0.5) is +0
  if (Number.isInteger(y) && Math.abs(y) <= 64) {
    let n = Math.abs(y)
    let base = x
    let out = 1
    for (; n > 0; n = n >> 1, base *= base) if (n & 1) out *= base
    return y < 0 ? 1 / out : out
  }
  if (Number.isNaN(x) || Number.isNaN(y)) return NaN
  if (x < 0 && !Number.isInteger(y) && Number.isFinite(x) && Number.isFinite(y)) return NaN
  if (x === 0 || !Number.isFinite(x) || !Number.isFinite(y)) return x ** y // exact cases only: 0, 1 or Infinity
  const magnitude = exp(y * log(Math.abs(x)))
  return x < 0 && y % 2 !== 0 ? -magnitude : magnitude
}

export function sigmoid(x: number): number {
  // The form whose exp does not overflow.
  const e = exp(-Math.abs(x))
  return x >= 0 ? 1 / (1 + e) : e / (1 + e)
}

const SQRT_HALF = Math.SQRT1_2
const INV_SQRT_2PI = 0.3989422804014327
const SQRT_2_OVER_PI = 0.7978845608028654
const GELU_C = 0.044715

/** x * Phi(x). Hendrycks and Gimpel 2016. */
export function gelu(x: number): number {
  // -Infinity * 0 is NaN; the limit is -0.
  return x === -Infinity ? -0 : 0.5 * x * (1 + erf(x * SQRT_HALF))
}

/** d gelu / dx = Phi(x) + x phi(x). */
export function geluGrad(x: number): number {
  if (Number.isNaN(x)) return x
  if (!Number.isFinite(x)) return x > 0 ? 1 : 0
  return 0.5 * (1 + erf(x * SQRT_HALF)) + x * INV_SQRT_2PI * exp(-0.5 * x * x)
}

/** gelu's tanh form, GPT-2's and "gelu_new": 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))). */
export function geluTanh(x: number): number {
  return x === -Infinity ? -0 : 0.5 * x * (1 + tanh(SQRT_2_OVER_PI * (x + GELU_C * x * x * x)))
}

export function geluTanhGrad(x: number): number {
  if (Number.isNaN(x)) return x
  if (Math.abs(x) > 1e6) return x > 0 ? 1 : 0
  const t = tanh(SQRT_2_OVER_PI * (x + GELU_C * x * x * x))
  return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * SQRT_2_OVER_PI * (1 + 3 * GELU_C * x * x)
}

/** cos(pi x) for x in [0, 1], within 1e-15. */
export function cosPi(x: number): number {
  if (x > 0.5) return -cosPi(1 - x)
  const t = (Math.PI * x) ** 2
  let sum = 0
  // The Taylor series; at x = 1/2 its term 12 is below 1e-18.
  for (let n = 11; n >= 0; n--) sum = 1 - (t / ((2 * n + 1) * (2 * n + 2))) * sum
  return sum
}

/** e^x - 1, without cancellation near 0. */
export function expm1(x: number): number {
  if (x === 0 || !(x < 37)) return x === 0 ? x : exp(x)
  if (x < -40) return -1
  const k = Math.floor(x * INV_LN2 + 0.5)
  const hi = x - k * LN2_HI
  const lo = k * LN2_LO
  const r = hi - lo
  const c = restOf(r)
  // exp's e^r - 1, scaled with the 1 taken off 2^k instead: exact.
  const e = hi - (lo - (r * c) / (2 - c))
  return k === 0 ? e : pow2(k) * e + (pow2(k) - 1)
}

/** log(1 + x), without cancellation near 0: what 1 + x rounded away is divided out. Kahan, after HP-15C. */
export function log1p(x: number): number {
  const u = 1 + x
  if (u === 1) return x
  return u === Infinity || u === 0 || Number.isNaN(u) ? log(u) : log(u) * (x / (u - 1))
}

const INV_LN2_LO = 2.0355273740931033e-17
const LOG10_2_HI = 0.30102999560767785
const LOG10_2_LO = 5.630334806675098e-11

/** The binary exponent k of a positive x = 2^k m, sqrt(1/2) <= m < sqrt(2). */
function exponentOf(x: number): number {
  if (x < 2.2250738585072014e-308) return exponentOf(x * 2 ** 54) - 54
  f64[0] = x
  const k = (u32[HI] >>> 20) - 1023
  u32[HI] = (u32[HI] & 0xfffff) | 0x3ff00000
  return f64[0] > Math.SQRT2 ? k + 1 : k
}

/** Logarithm to base 2, exact for powers of 2. */
export function log2(x: number): number {
  if (!(x > 0) || x === Infinity) return log(x)
  const k = exponentOf(x)
  const l = log(scalb(x, -k))
  return k + (l * INV_LN2 + l * INV_LN2_LO)
}

/** Logarithm to base 10. */
export function log10(x: number): number {
  if (!(x > 0) || x === Infinity) return log(x)
  const k = exponentOf(x)
  return k * LOG10_2_HI + (k * LOG10_2_LO + log(scalb(x, -k)) * Math.LOG10E)
}

/** 2^x. */
export function exp2(x: number): number {
  if (!(Math.abs(x) < 1100)) return x > 0 ? Infinity : x < 0 ? 0 : x
  const k = Math.floor(x + 0.5)
  return scalb(exp((x - k) * Math.LN2), k)
}

/** Hyperbolic sine. */
export function sinh(x: number): number {
  const a = Math.abs(x)
  let y: number
  if (a < 1) {
    const t = expm1(a)
    y = 0.5 * (t + t / (t + 1))
  } else if (a < 22) {
    const e = exp(a)
    y = 0.5 * (e - 1 / e)
  } else y = halfExp(a)
  return x === 0 ? x : x < 0 ? -y : y
}

/** Hyperbolic cosine. */
export function cosh(x: number): number {
  const a = Math.abs(x)
  if (!(a < 22)) return halfExp(a)
  const e = exp(a)
  return 0.5 * e + 0.5 / e
}

/** e^x / 2, which overflows later than e^x. */
function halfExp(x: number): number {
  if (!(x > 709)) return 0.5 * exp(x)
  return exp(x - 1024 * LN2_HI - 1024 * LN2_LO) * 2 ** 1023
}

/** round to the nearest whole number, halves to the even one, as IEEE and PyTorch. */
export function roundHalfEven(x: number): number {
  const down = Math.floor(x)
  const part = x - down
  const y = part < 0.5 || (part === 0.5 && down % 2 === 0) ? down : part >= 0.5 ? down + 1 : x
  return y === 0 && (x < 0 || Object.is(x, -0)) ? -0 : y
}

/** a - b floor(a / b): the sign of b, as Python's. NaN for b = 0. */
export function remainder(a: number, b: number): number {
  const r = a % b
  return r !== 0 && r < 0 !== b < 0 ? r + b : r
}

/** floor(a / b) of the exact quotient; a / b for b = 0. */
export function floorDivide(a: number, b: number): number {
  if (b === 0) return a / b
  const r = a % b
  const q = (a - r) / b - (r !== 0 && r < 0 !== b < 0 ? 1 : 0)
  if (q === 0) return a / b < 0 ? -0 : 0
  const whole = Math.floor(q)
  return q - whole > 0.5 ? whole + 1 : whole
}

/** sqrt(a^2 + b^2), without overflow or underflow between. */
export function hypot(a: number, b: number): number {
  const [large, small] = [Math.max(Math.abs(a), Math.abs(b)), Math.min(Math.abs(a), Math.abs(b))]
  if (Math.abs(a) === Infinity || Math.abs(b) === Infinity) return Infinity
  if (!(large > 0)) return large
  const r = small / large
  return large > 1e150 || large < 1e-150
    ? large * Math.sqrt(1 + r * r)
    : Math.sqrt(large * large + small * small)
}
