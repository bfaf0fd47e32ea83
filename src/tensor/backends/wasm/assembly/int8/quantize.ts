// Rows of floats as whole numbers from 0 to 127, each row with a scale and a zero point of its own. Every operation is
// strict: the same numbers in every engine, and those of ../../../js/int8.ts.
import { loadTail, maxLanes, minLanes, splat } from '../simd'
import { A_BYTES } from './tile'

/** 1.5 * 2^23: adding it rounds to a whole number, halves to even, and leaves it in the low bits. */
const MAGIC: f32 = 12582912
/** Below this a row counts as zeros: 1 / scale would overflow. 2^-120. */
const SMALLEST: f32 = 7.52316384526264e-37
/** Further from 0 than any number of 7 bits and any zero point. */
const OUTSIDE: f32 = 512

/** Four numbers, not cut to their range yet. */
// @ts-ignore: decorator
@inline
function quantize4(x: v128, inv: v128, magic: v128, shift: v128): v128 {
  return i32x4.sub(f32x4.add(f32x4.mul(x, inv), magic), shift)
}

/** Sixteen of 16 bits each as bytes from 0 to 127: narrowing cuts above, what is negative becomes 0. */
// @ts-ignore: decorator
@inline
function bytes16(q: v128, r: v128): v128 {
  return i8x16.max_s(i8x16.narrow_i16x8_s(q, r), i8x16.splat(0))
}

/** The same as eight of 16 bits. */
// @ts-ignore: decorator
@inline
function words8(q: v128): v128 {
  return i16x8.min_s(i16x8.max_s(q, i16x8.splat(0)), i16x8.splat(127))
}

/** Four of them to their place. */
// @ts-ignore: decorator
@inline
function put4(dst: usize, x: v128): void {
  const narrow = v128.narrow<i32>(x, x)
  // @ts-ignore: DOT comes from --use
  if (DOT) v128.store_lane<i32>(dst, bytes16(narrow, narrow), 0)
  else v128.store_lane<i64>(dst, words8(narrow), 0)
}

/**
 * A row by a scale and a zero point that are known before: what lies outside their range is cut. Not finite: as below.
 */
function fixedRow(dst: usize, params: usize, x: usize, k: i32, scale: f32, zero: i32, bytes: usize): void {
  const inv4 = splat(<f32>1 / scale), magic = splat(MAGIC), low = splat(-OUTSIDE), high = splat(OUTSIDE)
  const shift = i32x4.splat(reinterpret<i32>(MAGIC) - zero)
  let odd = splat(0)
  let to = dst
  for (let left = k; left > 0; left -= 4, x += 16, to += 4 * A_BYTES) {
    const a = left >= 4 ? v128.load(x) : loadTail(x, left, splat(0))
    odd = v128.or(odd, f32x4.sub(a, a))
    // In this order a NaN gives way.
    const t = f32x4.pmin(high, f32x4.pmax(low, f32x4.mul(a, inv4)))
    put4(to, i32x4.sub(f32x4.add(t, magic), shift))
  }
  memory.fill(to, 0, dst + bytes - to)
  store<f32>(params, v128.any_true(odd) ? <f32>NaN : scale)
  store<i32>(params, zero, 4)
}

/**
 * m rows of k numbers, rowStride bytes apart, to `dst` (rows of k rounded up to 8) and `params`: for each row its scale
 * (float32) and zero point (int32). The range of a row includes 0. A row that is not finite has the scale NaN. fixed: 0, or
 * the scale of all rows, with their zero point.
 */
export function int8Quantize(dst: usize, params: usize, x: usize, rowStride: usize, m: i32, k: i32, fixed: f32, fixedZero: i32): void {
  const padded = (k + 7) & ~7
  const whole = <usize>(k & ~7) * 4
  for (; m > 0; m--, x += rowStride, dst += <usize>padded * A_BYTES, params += 8) {
    if (fixed > 0) {
      fixedRow(dst, params, x, k, fixed, fixedZero, <usize>padded * A_BYTES)
      continue
    }
    // pmin and pmax are one instruction each, and pass a NaN by: x - x is 0 but for what is not finite.
    let lo0 = splat(0), lo1 = lo0, hi0 = lo0, hi1 = lo0, odd0 = lo0, odd1 = lo0
    let p = x
    for (const end = x + whole; p != end; p += 32) {
      const a = v128.load(p), b = v128.load(p, 16)
      lo0 = f32x4.pmin(lo0, a)
      lo1 = f32x4.pmin(lo1, b)
      hi0 = f32x4.pmax(hi0, a)
      hi1 = f32x4.pmax(hi1, b)
      odd0 = v128.or(odd0, f32x4.sub(a, a))
      odd1 = v128.or(odd1, f32x4.sub(b, b))
    }
    for (let rest = k & 7; rest > 0; rest -= 4, p += 16) {
      const a = rest >= 4 ? v128.load(p) : loadTail(p, rest, splat(0))
      lo0 = f32x4.pmin(lo0, a)
      hi0 = f32x4.pmax(hi0, a)
      odd0 = v128.or(odd0, f32x4.sub(a, a))
    }
    const lo = minLanes(f32x4.pmin(lo0, lo1)), hi = maxLanes(f32x4.pmax(hi0, hi1))
    const finite = !v128.any_true(v128.or(odd0, odd1))
    let scale: f32 = (hi - lo) / 127
    if (finite && scale < SMALLEST) {
      store<f32>(params, 1)
      store<i32>(params, 0, 4)
      memory.fill(dst, 0, <usize>padded * A_BYTES)
      continue
    }
    let zero: i32 = 0
    let inv: f32 = 0
    // A NaN's bits differ between machines: of a row that is not finite nothing but NaN is left.
    if (!finite || scale - scale != 0) scale = NaN
    else {
      zero = <i32>nearest<f32>(-lo / scale)
      inv = 1 / scale
    }
    store<f32>(params, scale)
    store<i32>(params, zero, 4)
    const inv4 = splat(inv), magic = splat(MAGIC)
    const shift = i32x4.splat(reinterpret<i32>(MAGIC) - zero)
    let to = dst
    p = x
    for (const end = x + <usize>(k & ~15) * 4; p != end; p += 64, to += 16 * A_BYTES) {
      const a = v128.load(p), b = v128.load(p, 16), c = v128.load(p, 32), d = v128.load(p, 48)
      const q = v128.narrow<i32>(quantize4(a, inv4, magic, shift), quantize4(b, inv4, magic, shift))
      const r = v128.narrow<i32>(quantize4(c, inv4, magic, shift), quantize4(d, inv4, magic, shift))
      // @ts-ignore: DOT comes from --use
      if (DOT) v128.store(to, bytes16(q, r))
      else {
        v128.store(to, words8(q))
        v128.store(to, words8(r), 16)
      }
    }
    let left = k & 15
    for (; left >= 4; left -= 4, p += 16, to += 4 * A_BYTES) put4(to, quantize4(v128.load(p), inv4, magic, shift))
    if (left) {
      put4(to, quantize4(loadTail(p, left, splat(0)), inv4, magic, shift))
      to += 4 * A_BYTES
    }
    // Against weights of 0: any number would do, but rubbish differs from run to run.
    memory.fill(to, 0, dst + <usize>padded * A_BYTES - to)
  }
}
