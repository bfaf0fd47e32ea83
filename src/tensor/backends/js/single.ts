// Activations in float32 steps, in the order of the int8 modules' own (assembly/int8/gelu.ts, assembly/math.ts): their
// products must give the same bits wherever they run.
import type { ProductActivation } from '../../kernel-args.js'

const f = Math.fround
const singles = (list: readonly number[]) => list.map(f)
const madd = (a: number, b: number, c: number) => f(f(a * b) + c)

const word = new Float32Array(1)
const bits = new Int32Array(word.buffer)
const bitsOf = (x: number) => {
  word[0] = x
  return bits[0]
}
const ofBits = (i: number) => {
  bits[0] = i
  return word[0]
}

/** pmin and pmax of SIMD: the first where it is NaN. */
const pmin = (a: number, b: number) => (b < a ? b : a)
const pmax = (a: number, b: number) => (a < b ? b : a)

const EXP = singles([
  ...[-104, 89, Math.LOG2E, 12582912, 0.693359375, 2.1219444e-4],
  ...[1.98756915e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1, 1],
])

/** e^(x + rest), rest a small correction of x. */
function expOfSum(given: number, rest: number): number {
  const x = pmin(pmax(given, EXP[0]), EXP[1])
  const t = madd(x, EXP[2], EXP[3])
  const k = f(t - EXP[3])
  const r = f(madd(k, EXP[5], f(x - f(k * EXP[4]))) + rest)
  let p = madd(EXP[6], r, EXP[7])
  for (let i = 8; i < 12; i++) p = madd(p, r, EXP[i])
  p = f(madd(p, f(r * r), r) + EXP[12])
  const n = (bitsOf(t) - bitsOf(EXP[3])) | 0
  const half = n >> 1
  const one = bitsOf(1)
  return f(f(p * ofBits(((half << 23) + one) | 0)) * ofBits((((n - half) << 23) + one) | 0))
}

/** From the highest coefficient down: of assembly/int8/gelu.ts. */
const P = singles([
  ...[2.274976651506222e-8, 6.352083346428117e-6, 0.00016882068302948028, 0.004677229560911655],
  ...[0.03385215625166893, 0.398942232131958],
])
const Q = singles([
  ...[1.1975132565567037e-6, 7.364591147052124e-5, 0.0018844162113964558, 0.0286455899477005],
  ...[0.25152069330215454, 1],
])

const polynomial = (coefficients: readonly number[], z: number) =>
  coefficients.slice(1).reduce((sum, c) => madd(sum, z, c), coefficients[0])

/** x Phi(x), within 2.5e-7 max(|x|, 1). */
function gelu(given: number): number {
  const x = pmax(given, -100)
  const a = Math.abs(x)
  const t = pmin(a, 5.5)
  const z = f(t * t)
  const e = pmin(f(f(t * polynomial(P, z)) / polynomial(Q, z)), 0.5)
  return f(f(x * 0.5) + f(a * e))
}

function sigmoid(x: number): number {
  const e = expOfSum(-Math.abs(x), 0)
  return f((x < 0 ? e : 1) / f(1 + e))
}

const TANH_FORM = singles([1.5957691216057308, 0.044715, 100])

function geluTanh(x: number): number {
  const [slope, cube, flat] = TANH_FORM
  const c = pmin(pmax(x, -flat), flat)
  const y = f(f(c * slope) * madd(f(c * c), cube, 1))
  return f(pmax(x, -flat) * sigmoid(y))
}

/** By name. */
export const singleActivations: Record<ProductActivation, (x: number) => number> = {
  relu: (x) => Math.max(x, 0),
  gelu,
  geluTanh,
}
