// Rows of floats as whole numbers from 0 to 127, each row with a scale and a zero point of its own. Every operation is
// strict: the same numbers in every engine, and those of ../../../js/int8.ts.
import { loadTail, maxLanes, minLanes, splat } from '../simd'
import { A_BYTES } from './tile'

/** 1.5 * 2^23: adding it rounds to a whole number, halves to even, and leaves it in the low bits. */
const MAGIC: f32 = 12582912
/** Below this a row counts as zeros: 1 / scale would overflow. 2^-120. */
const SMALLEST: f32 = 7.52316384526264e-37

/** Four numbers, at most 127. Those below 0 are cut by the caller's narrowing. */
// @ts-ignore: decorator
@inline
function quantize4(x: v128, inv: v128, magic: v128, shift: v128, most: v128): v128 {
  return i32x4.min_s(i32x4.sub(f32x4.add(f32x4.mul(x, inv), magic), shift), most)
}

/** Four of them to their place. */
// @ts-ignore: decorator
@inline
function put4(dst: usize, x: v128): void {
  const narrow = v128.narrow<i32>(x, x)
  // @ts-ignore: DOT comes from --use
  if (DOT) v128.store_lane<i32>(dst, v128.narrow<i16>(narrow, narrow), 0)
  else v128.store_lane<i64>(dst, i16x8.max_s(narrow, i16x8.splat(0)), 0)
}

/**
 * m rows of k numbers, rowStride bytes apart, to `dst` (rows of k rounded up to 8) and `params`: for each row its scale
 * (float32) and zero point (int32). The range of a row includes 0. A row that is not finite has the scale NaN.
 */
export function int8Quantize(dst: usize, params: usize, x: usize, rowStride: usize, m: i32, k: i32): void {
  const padded = (k + 7) & ~7
  const whole = <usize>(k & ~7) * 4
  for (; m > 0; m--, x += rowStride, dst += <usize>padded * A_BYTES, params += 8) {
    let lo0 = splat(0), lo1 = lo0, hi0 = lo0, hi1 = lo0
    let p = x
    for (const end = x + whole; p != end; p += 32) {
      const a = v128.load(p), b = v128.load(p, 16)
      lo0 = f32x4.min(lo0, a)
      lo1 = f32x4.min(lo1, b)
      hi0 = f32x4.max(hi0, a)
      hi1 = f32x4.max(hi1, b)
    }
    let rest = k & 7
    if (rest >= 4) {
      const a = v128.load(p)
      lo0 = f32x4.min(lo0, a)
      hi0 = f32x4.max(hi0, a)
      p += 16
      rest -= 4
    }
    if (rest) {
      const a = loadTail(p, rest, splat(0))
      lo0 = f32x4.min(lo0, a)
      hi0 = f32x4.max(hi0, a)
    }
    const lo = minLanes(f32x4.min(lo0, lo1)), hi = maxLanes(f32x4.max(hi0, hi1))
    let scale: f32 = (hi - lo) / 127
    if (scale < SMALLEST) {
      store<f32>(params, 1)
      store<i32>(params, 0, 4)
      memory.fill(dst, 0, <usize>padded * A_BYTES)
      continue
    }
    let zero: i32 = 0
    let inv: f32 = 0
    // A NaN's bits differ between machines: of a row that is not finite nothing but NaN is left.
    if (scale - scale != 0) scale = NaN
    else {
      zero = <i32>nearest<f32>(-lo / scale)
      inv = 1 / scale
    }
    store<f32>(params, scale)
    store<i32>(params, zero, 4)
    const inv4 = splat(inv), magic = splat(MAGIC), most = i32x4.splat(127)
    const shift = i32x4.splat(reinterpret<i32>(MAGIC) - zero)
    let to = dst
    p = x
    for (const end = x + <usize>(k & ~15) * 4; p != end; p += 64, to += 16 * A_BYTES) {
      const a = v128.load(p), b = v128.load(p, 16), c = v128.load(p, 32), d = v128.load(p, 48)
      const q = v128.narrow<i32>(quantize4(a, inv4, magic, shift, most), quantize4(b, inv4, magic, shift, most))
      const r = v128.narrow<i32>(quantize4(c, inv4, magic, shift, most), quantize4(d, inv4, magic, shift, most))
      // @ts-ignore: DOT comes from --use
      if (DOT) v128.store(to, i8x16.narrow_i16x8_u(q, r))
      else {
        v128.store(to, i16x8.max_s(q, i16x8.splat(0)))
        v128.store(to, i16x8.max_s(r, i16x8.splat(0)), 16)
      }
    }
    let left = k & 15
    for (; left >= 4; left -= 4, p += 16, to += 4 * A_BYTES) put4(to, quantize4(v128.load(p), inv4, magic, shift, most))
    if (left) {
      put4(to, quantize4(loadTail(p, left, splat(0)), inv4, magic, shift, most))
      to += 4 * A_BYTES
    }
    // Against weights of 0: any number would do, but rubbish differs from run to run.
    memory.fill(to, 0, dst + <usize>padded * A_BYTES - to)
  }
}
