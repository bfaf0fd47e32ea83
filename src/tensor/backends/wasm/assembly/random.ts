// The generator of ../../../rng.ts (Threefry-2x32, 20 rounds) on four counters at once, and dropout by it.
import { put, splat, take } from './simd'

/** x rotated left by r bits, then xor y. */
// @ts-ignore: decorator
@inline
function mix(x: v128, r: i32, y: v128): v128 {
  return v128.xor(v128.or(i32x4.shl(x, r), i32x4.shr_u(x, 32 - r)), y)
}

/**
 * Words 2 * block .. 2 * block + 15 of the stream (k0, k1), to dst. Two fours of counters side by side: each round
 * waits for the one before it, and the other four fill the wait. Which counters they are makes their words alternate in
 * memory, and there is no loop: so the wide build makes one vector of both.
 */
// @ts-ignore: decorator
@inline
function sixteenWords(dst: usize, k0: i32, k1: i32, block: i32): void {
  const k2 = 0x1bd11bda ^ k0 ^ k1
  let f = i32x4.splat(block + k0), g = i32x4.splat(k1)
  let a = i32x4.add(f, i32x4(0, 1, 4, 5)), d = i32x4.add(f, i32x4(2, 3, 6, 7))
  let b = g, e = g
  a = i32x4.add(a, b); d = i32x4.add(d, e); b = mix(b, 13, a); e = mix(e, 13, d)
  a = i32x4.add(a, b); d = i32x4.add(d, e); b = mix(b, 15, a); e = mix(e, 15, d)
  a = i32x4.add(a, b); d = i32x4.add(d, e); b = mix(b, 26, a); e = mix(e, 26, d)
  a = i32x4.add(a, b); d = i32x4.add(d, e); b = mix(b, 6, a); e = mix(e, 6, d)
  f = i32x4.splat(k1); g = i32x4.splat(k2 + 1)
  a = i32x4.add(a, f); d = i32x4.add(d, f); b = i32x4.add(b, g); e = i32x4.add(e, g)
  a = i32x4.add(a, b); d = i32x4.add(d, e); b = mix(b, 17, a); e = mix(e, 17, d)
  a = i32x4.add(a, b); d = i32x4.add(d, e); b = mix(b, 29, a); e = mix(e, 29, d)
  a = i32x4.add(a, b); d = i32x4.add(d, e); b = mix(b, 16, a); e = mix(e, 16, d)
  a = i32x4.add(a, b); d = i32x4.add(d, e); b = mix(b, 24, a); e = mix(e, 24, d)
  f = i32x4.splat(k2); g = i32x4.splat(k0 + 2)
  a = i32x4.add(a, f); d = i32x4.add(d, f); b = i32x4.add(b, g); e = i32x4.add(e, g)
  a = i32x4.add(a, b); d = i32x4.add(d, e); b = mix(b, 13, a); e = mix(e, 13, d)
  a = i32x4.add(a, b); d = i32x4.add(d, e); b = mix(b, 15, a); e = mix(e, 15, d)
  a = i32x4.add(a, b); d = i32x4.add(d, e); b = mix(b, 26, a); e = mix(e, 26, d)
  a = i32x4.add(a, b); d = i32x4.add(d, e); b = mix(b, 6, a); e = mix(e, 6, d)
  f = i32x4.splat(k0); g = i32x4.splat(k1 + 3)
  a = i32x4.add(a, f); d = i32x4.add(d, f); b = i32x4.add(b, g); e = i32x4.add(e, g)
  a = i32x4.add(a, b); d = i32x4.add(d, e); b = mix(b, 17, a); e = mix(e, 17, d)
  a = i32x4.add(a, b); d = i32x4.add(d, e); b = mix(b, 29, a); e = mix(e, 29, d)
  a = i32x4.add(a, b); d = i32x4.add(d, e); b = mix(b, 16, a); e = mix(e, 16, d)
  a = i32x4.add(a, b); d = i32x4.add(d, e); b = mix(b, 24, a); e = mix(e, 24, d)
  f = i32x4.splat(k1); g = i32x4.splat(k2 + 4)
  a = i32x4.add(a, f); d = i32x4.add(d, f); b = i32x4.add(b, g); e = i32x4.add(e, g)
  a = i32x4.add(a, b); d = i32x4.add(d, e); b = mix(b, 13, a); e = mix(e, 13, d)
  a = i32x4.add(a, b); d = i32x4.add(d, e); b = mix(b, 15, a); e = mix(e, 15, d)
  a = i32x4.add(a, b); d = i32x4.add(d, e); b = mix(b, 26, a); e = mix(e, 26, d)
  a = i32x4.add(a, b); d = i32x4.add(d, e); b = mix(b, 6, a); e = mix(e, 6, d)
  f = i32x4.splat(k2); g = i32x4.splat(k0 + 5)
  a = i32x4.add(a, f); d = i32x4.add(d, f); b = i32x4.add(b, g); e = i32x4.add(e, g)
  v128.store(dst, v128.shuffle<i32>(a, b, 0, 4, 1, 5))
  v128.store(dst, v128.shuffle<i32>(d, e, 0, 4, 1, 5), 16)
  v128.store(dst, v128.shuffle<i32>(a, b, 2, 6, 3, 7), 32)
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

/**
 * Elements from `from`, a multiple of 16, of x; those whose word is below `limit` are dropped. Plus those of `residual`
 * (0: none). aside: 64 bytes.
 */
export function dropout(
  out: usize, x: usize, from: i32, count: i32, limit: i32, factor: f32, k0: i32, k1: i32, residual: usize, aside: usize,
): void {
  if (residual) dropoutRun(true, out, x, from, count, limit, factor, k0, k1, residual, aside)
  else dropoutRun(false, out, x, from, count, limit, factor, k0, k1, x, aside)
}

// @ts-ignore: decorator
@inline
function plus(more: bool, y: v128, r: v128): v128 {
  return more ? f32x4.add(y, r) : y
}

// @ts-ignore: decorator
@inline
function dropoutRun(
  more: bool, out: usize, x: usize, from: i32, count: i32, limit: i32, factor: f32, k0: i32, k1: i32, residual: usize, aside: usize,
): void {
  const f = splat(factor)
  const to = from + count
  out += <usize>from * 4
  x += <usize>from * 4
  residual += <usize>from * 4
  for (; from + 16 <= to; from += 16, x += 64, out += 64, residual += 64) {
    sixteenWords(aside, k0, k1, from >> 1)
    const a = v128.load(x), b = v128.load(x, 16), c = v128.load(x, 32), d = v128.load(x, 48)
    const k = below(v128.load(aside), limit), l = below(v128.load(aside, 16), limit)
    const m = below(v128.load(aside, 32), limit), n = below(v128.load(aside, 48), limit)
    const p = v128.load(residual), q = v128.load(residual, 16), r = v128.load(residual, 32), s = v128.load(residual, 48)
    v128.store(out, plus(more, v128.andnot(f32x4.mul(a, f), k), p))
    v128.store(out, plus(more, v128.andnot(f32x4.mul(b, f), l), q), 16)
    v128.store(out, plus(more, v128.andnot(f32x4.mul(c, f), m), r), 32)
    v128.store(out, plus(more, v128.andnot(f32x4.mul(d, f), n), s), 48)
  }
  if (from < to) sixteenWords(aside, k0, k1, from >> 1)
  for (; from < to; from += 4, x += 16, out += 16, residual += 16, aside += 16) {
    const rest = to - from < 4 ? to - from : 0
    const y = v128.andnot(f32x4.mul(take(x, rest), f), below(v128.load(aside), limit))
    put(out, plus(more, y, take(residual, rest)), rest)
  }
}
