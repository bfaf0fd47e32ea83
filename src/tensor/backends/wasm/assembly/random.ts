// The generator of ../../../rng.ts (Threefry-2x32, 20 rounds) on four counters at once, and dropout by it.
import { loadTail, splat, storeTail } from './simd'

// @ts-ignore: decorator
@inline
function rotate(x: v128, r: i32): v128 {
  return v128.or(i32x4.shl(x, r), i32x4.shr_u(x, 32 - r))
}

/** What is added to the first word after group `s` of four rounds, and (plus s) to the second. */
// @ts-ignore: decorator
@inline
function keyAfter(s: i32, k0: i32, k1: i32): i32 {
  const t = s % 3
  return t == 0 ? k0 : t == 1 ? k1 : 0x1bd11bda ^ k0 ^ k1
}

/**
 * Words 2 * block .. 2 * block + 15 of the stream (k0, k1), to dst. Two fours of counters side by side: each round
 * waits for the one before it, and the other four fill the wait.
 */
// @ts-ignore: decorator
@inline
function sixteenWords(dst: usize, k0: i32, k1: i32, block: i32): void {
  const c = i32x4.add(i32x4.splat(block), i32x4(0, 1, 2, 3))
  let a = i32x4.add(c, i32x4.splat(k0)), d = i32x4.add(a, i32x4.splat(4))
  let b = i32x4.splat(k1), e = b
  for (let s = 1; s <= 5; s++) {
    const odd = (s & 1) != 0
    a = i32x4.add(a, b)
    d = i32x4.add(d, e)
    b = v128.xor(odd ? rotate(b, 13) : rotate(b, 17), a)
    e = v128.xor(odd ? rotate(e, 13) : rotate(e, 17), d)
    a = i32x4.add(a, b)
    d = i32x4.add(d, e)
    b = v128.xor(odd ? rotate(b, 15) : rotate(b, 29), a)
    e = v128.xor(odd ? rotate(e, 15) : rotate(e, 29), d)
    a = i32x4.add(a, b)
    d = i32x4.add(d, e)
    b = v128.xor(odd ? rotate(b, 26) : rotate(b, 16), a)
    e = v128.xor(odd ? rotate(e, 26) : rotate(e, 16), d)
    a = i32x4.add(a, b)
    d = i32x4.add(d, e)
    b = v128.xor(odd ? rotate(b, 6) : rotate(b, 24), a)
    e = v128.xor(odd ? rotate(e, 6) : rotate(e, 24), d)
    const first = i32x4.splat(keyAfter(s, k0, k1)), second = i32x4.splat(keyAfter(s + 1, k0, k1) + s)
    a = i32x4.add(a, first)
    d = i32x4.add(d, first)
    b = i32x4.add(b, second)
    e = i32x4.add(e, second)
  }
  v128.store(dst, v128.shuffle<i32>(a, b, 0, 4, 1, 5))
  v128.store(dst, v128.shuffle<i32>(a, b, 2, 6, 3, 7), 16)
  v128.store(dst, v128.shuffle<i32>(d, e, 0, 4, 1, 5), 32)
  v128.store(dst, v128.shuffle<i32>(d, e, 2, 6, 3, 7), 48)
}

/** Puts words start .. start + n - 1 into memory and gives the address of the first. buffer: n + 30 words. */
export function wordsFrom(buffer: usize, k0: i32, k1: i32, start: u32, n: i32): usize {
  const aligned = start & ~15
  const count = <i32>(start - aligned) + n
  for (let i = 0; i < count; i += 16) sixteenWords(buffer + <usize>i * 4, k0, k1, <i32>((aligned + i) >> 1))
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

/** Elements from `from`, a multiple of 16, of x; those whose word is below `limit` are dropped. aside: 64 bytes. */
export function dropout(out: usize, x: usize, from: i32, count: i32, limit: i32, factor: f64, k0: i32, k1: i32, aside: usize): void {
  const to = from + count
  for (let i = from; i < to; i += 16) {
    sixteenWords(aside, k0, k1, i >> 1)
    for (let part = 0; part < 16; part += 4) {
      const left = to - i - part
      if (left <= 0) return
      const words = v128.load(aside + part * 4)
      const at = <usize>(i + part) * 4
      if (left >= 4) v128.store(out + at, kept(v128.load(x + at), words, limit, factor))
      else storeTail(out + at, kept(loadTail(x + at, left, splat(0)), words, limit, factor), left)
    }
  }
}
