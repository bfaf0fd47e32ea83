// The generator of ../../../rng.ts (Threefry-2x32, 20 rounds) on four counters at once, and dropout by it.
import { loadTail, splat, storeTail } from './simd'

// @ts-ignore: decorator
@inline
function rotate(x: v128, r: i32): v128 {
  return v128.or(i32x4.shl(x, r), i32x4.shr_u(x, 32 - r))
}

/** Words 2 * block .. 2 * block + 7 of the stream (k0, k1), to dst. */
// @ts-ignore: decorator
@inline
function eightWords(dst: usize, k0: i32, k1: i32, block: i32): void {
  const k2 = 0x1bd11bda ^ k0 ^ k1
  const c = i32x4.add(i32x4.splat(block), i32x4(0, 1, 2, 3))
  let a = i32x4.add(c, i32x4.splat(k0))
  let b = i32x4.splat(k1)
  for (let s = 1; s <= 5; s++) {
    const odd = (s & 1) != 0
    a = i32x4.add(a, b)
    b = v128.xor(odd ? rotate(b, 13) : rotate(b, 17), a)
    a = i32x4.add(a, b)
    b = v128.xor(odd ? rotate(b, 15) : rotate(b, 29), a)
    a = i32x4.add(a, b)
    b = v128.xor(odd ? rotate(b, 26) : rotate(b, 16), a)
    a = i32x4.add(a, b)
    b = v128.xor(odd ? rotate(b, 6) : rotate(b, 24), a)
    const t = s % 3
    a = i32x4.add(a, i32x4.splat(t == 0 ? k0 : t == 1 ? k1 : k2))
    b = i32x4.add(b, i32x4.splat((t == 0 ? k1 : t == 1 ? k2 : k0) + s))
  }
  v128.store(dst, v128.shuffle<i32>(a, b, 0, 4, 1, 5))
  v128.store(dst, v128.shuffle<i32>(a, b, 2, 6, 3, 7), 16)
}

/** Puts words start .. start + n - 1 into memory and gives the address of the first. buffer: n + 14 words. */
export function wordsFrom(buffer: usize, k0: i32, k1: i32, start: u32, n: i32): usize {
  const aligned = start & ~7
  const count = <i32>(start - aligned) + n
  for (let i = 0; i < count; i += 8) eightWords(buffer + <usize>i * 4, k0, k1, <i32>((aligned + i) >> 1))
  return buffer + <usize>(start - aligned) * 4
}

/** All ones where a word is below `limit`, an unsigned number. */
// @ts-ignore: decorator
@inline
export function below(words: v128, limit: i32): v128 {
  return i32x4.lt_u(words, i32x4.splat(limit))
}

/** x * factor, by way of doubles as the js kernel does it, 0 where dropped. */
// @ts-ignore: decorator
@inline
function kept(x: v128, words: v128, limit: i32, factor: f64): v128 {
  const f = f64x2.splat(factor)
  const low = f32x4.demote_f64x2_zero(f64x2.mul(f64x2.promote_low_f32x4(x), f))
  const upper = f64x2.promote_low_f32x4(v128.shuffle<f32>(x, x, 2, 3, 0, 1))
  const high = f32x4.demote_f64x2_zero(f64x2.mul(upper, f))
  return v128.andnot(v128.shuffle<i64>(low, high, 0, 2), below(words, limit))
}

/** Elements from `from`, a multiple of 8, of x; those whose word is below `limit` are dropped. aside: 32 bytes. */
export function dropout(out: usize, x: usize, from: i32, count: i32, limit: i32, factor: f64, k0: i32, k1: i32, aside: usize): void {
  const to = from + count
  for (let i = from; i < to; i += 8) {
    eightWords(aside, k0, k1, i >> 1)
    for (let half = 0; half < 8; half += 4) {
      const left = to - i - half
      if (left <= 0) return
      const words = v128.load(aside + half * 4)
      const at = <usize>(i + half) * 4
      if (left >= 4) v128.store(out + at, kept(v128.load(x + at), words, limit, factor))
      else storeTail(out + at, kept(loadTail(x + at, left, splat(0)), words, limit, factor), left)
    }
  }
}
