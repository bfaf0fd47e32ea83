// Randomness without state: word i of a stream is a pure function of (key, i). Threefry-2x32, 20 rounds:
// Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3". Its known answers are in the tests.
import { log } from './math.js'

export type Key = readonly [number, number]

const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24] as const

/** One block: two 32-bit words from a two-word key and a two-word counter, written to out[at], out[at + 1]. */
export function threefry(k0: number, k1: number, c0: number, c1: number, out: Uint32Array, at = 0): void {
  const k2 = 0x1bd11bda ^ k0 ^ k1
  let x0 = (c0 + k0) | 0
  let x1 = (c1 + k1) | 0
  for (let round = 0; round < 20; round++) {
    const r = ROTATIONS[round & 7]
    x0 = (x0 + x1) | 0
    x1 = ((x1 << r) | (x1 >>> (32 - r))) ^ x0
    if ((round & 3) === 3) {
      const s = (round >> 2) + 1
      x0 = (x0 + (s % 3 === 0 ? k0 : s % 3 === 1 ? k1 : k2)) | 0
      x1 = (x1 + ((s + 1) % 3 === 0 ? k0 : (s + 1) % 3 === 1 ? k1 : k2) + s) | 0
    }
  }
  out[at] = x0
  out[at + 1] = x1
}

const pair = new Uint32Array(2)

/** Derives a new key from a key and a place: a whole number or a name. Different places give unrelated streams. */
export function fold(key: Key, place: number | string): Key {
  let lo = 0
  let hi = 0
  if (typeof place === 'number') {
    lo = place | 0
    hi = Math.floor(place / 4294967296) | 0
  } else {
    // FNV-1a, and the length, so that a name and a number do not meet.
    lo = 0x811c9dc5 | 0
    for (let i = 0; i < place.length; i++) lo = Math.imul(lo ^ place.charCodeAt(i), 0x01000193)
    hi = 0x40000000 | place.length
  }
  // The high counter word 0x8000.... keeps folds apart from the words that streams hand out.
  threefry(key[0], key[1], lo, hi ^ 0x80000000, pair)
  return [pair[0], pair[1]]
}

/** The key of a seed: any whole number. `keyOf(7, 'dropout', 3)` folds the places in turn. */
export function keyOf(seed: number, ...places: (number | string)[]): Key {
  let key: Key = [seed >>> 0, Math.floor(seed / 4294967296) >>> 0]
  for (const p of places) key = fold(key, p)
  return key
}

/** Words 0 .. n-1 of the stream: word i is half i & 1 of block i >> 1. */
export function words(key: Key, n: number): Uint32Array {
  const out = new Uint32Array(n + (n & 1))
  for (let i = 0; i < n; i += 2) threefry(key[0], key[1], i >> 1, 0, out, i)
  return out.subarray(0, n)
}

/** Uniform on [0, 1), 53 bits from two words; number i of the stream. */
export function uniformAt(key: Key, i: number): number {
  threefry(key[0], key[1], i, 0, pair)
  return ((pair[0] >>> 5) * 67108864 + (pair[1] >>> 6)) / 9007199254740992
}

/** A whole number in [0, n), number i of the stream. */
export function integerAt(key: Key, i: number, n: number): number {
  return Math.floor(uniformAt(key, i) * n)
}

/** Standard normal, number i of the stream: the inverse distribution function of one uniform. */
export function normalAt(key: Key, i: number): number {
  threefry(key[0], key[1], i, 0, pair)
  // Half a unit away from both ends, so that neither infinity occurs.
  return normalQuantile(((pair[0] >>> 5) * 67108864 + (pair[1] >>> 6) + 0.5) / 9007199254740992)
}

/** A permutation of 0 .. n-1 (Fisher-Yates). */
export function permutation(key: Key, n: number): Int32Array {
  const out = Int32Array.from({ length: n }, (_, i) => i)
  for (let i = n - 1; i > 0; i--) {
    const j = integerAt(key, i, i + 1)
    const t = out[i]
    out[i] = out[j]
    out[j] = t
  }
  return out
}

function ratio(r: number, p: readonly number[], q: readonly number[]): number {
  let a = 0
  let b = 0
  for (let i = 7; i >= 0; i--) {
    a = a * r + p[i]
    b = b * r + q[i]
  }
  return a / b
}

// Wichura 1988, algorithm AS 241 (PPND16): relative error about 1e-16.
const A = [
  3.387132872796366608, 133.14166789178437745, 1971.5909503065514427, 13731.693765509461125,
  45921.953931549871457, 67265.770927008700853, 33430.575583588128105, 2509.0809287301226727,
]
const B = [
  1, 42.313330701600911252, 687.1870074920579083, 5394.1960214247511077, 21213.794301586595867,
  39307.89580009271061, 28729.085735721942674, 5226.495278852545925,
]
const C = [
  1.42343711074968357734, 4.6303378461565452959, 5.7694972214606914055, 3.64784832476320460504,
  1.27045825245236838258, 0.24178072517745061177, 0.0227238449892691845833, 7.7454501427834140764e-4,
]
const D = [
  1, 2.05319162663775882187, 1.6763848301838038494, 0.68976733498510000455, 0.14810397642748007459,
  0.0151986665636164571966, 5.475938084995344946e-4, 1.05075007164441684324e-9,
]
const E = [
  6.6579046435011037772, 5.4637849111641143699, 1.7848265399172913358, 0.29656057182850489123,
  0.026532189526576123093, 0.0012426609473880784386, 2.71155556874348757815e-5, 2.01033439929228813265e-7,
]
const F = [
  1, 0.59983220655588793769, 0.13692988092273580531, 0.0148753612908506148525, 7.868691311456132591e-4,
  1.8463183175100546818e-5, 1.4215117583164458887e-7, 2.04426310338993978564e-15,
]

/** The x with P(N(0, 1) < x) = p, for 0 < p < 1. */
export function normalQuantile(p: number): number {
  const q = p - 0.5
  if (Math.abs(q) <= 0.425) return q * ratio(0.180625 - q * q, A, B)
  const r = Math.sqrt(-log(q < 0 ? p : 1 - p))
  const x = r <= 5 ? ratio(r - 1.6, C, D) : ratio(r - 5, E, F)
  return q < 0 ? -x : x
}
