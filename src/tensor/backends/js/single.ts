// Activations in float32 steps, in the order of the wasm kernels' own (assembly/math.ts without fused multiply-add): the
// int8 products must give the same bits wherever they run.
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

const TAIL = singles([
  ...[0.00415119256323, 0.0408703085951, 0.183941398677, 0.439252731585, 0.500000002942],
  ...[0.0104053852388, 0.102452779181, 0.471334152226, 1.20544391655, 1.67639045312, 1, 15, 0, -15],
])

/** x Phi(x). */
function gelu(x: number): number {
  const u = pmin(Math.abs(x), TAIL[11])
  const head = ofBits(bitsOf(u) & 0xfffff000)
  const rest = f(f(head - u) * f(head + u))
  const bell = expOfSum(f(f(head * head) * -0.5), f(rest * 0.5))
  let p = madd(TAIL[0], u, TAIL[1])
  for (let i = 2; i < 5; i++) p = madd(p, u, TAIL[i])
  let q = madd(TAIL[5], u, TAIL[6])
  for (let i = 7; i < 11; i++) q = madd(q, u, TAIL[i])
  const tail = f(bell * f(p / q))
  return f(pmax(x, TAIL[13]) * (x < 0 ? tail : f(1 - tail)))
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
