// Sums along a contiguous run: four lanes over fixed blocks, blocks added in float64. One order, whoever computes it.
import { loadTail, madd, maxLanes, minLanes, splat, sumLanes } from './simd'

/** Elements whose partial sums stay in float32. */
export const BLOCK: i32 = 512

/** What is added up: */
const PLAIN: i32 = 0 // x
const DEVIATION: i32 = 1 // (x - c)^2
const PRODUCT: i32 = 2 // x y
const SHIFTED: i32 = 3 // x (y - c)

// @ts-ignore: decorator
@inline
function term(kind: i32, sum: v128, x: v128, y: v128, c: v128): v128 {
  if (kind == PLAIN) return f32x4.add(sum, x)
  if (kind == PRODUCT) return madd(x, y, sum)
  if (kind == SHIFTED) return madd(x, f32x4.sub(y, c), sum)
  const d = f32x4.sub(x, c)
  return madd(d, d, sum)
}

// @ts-ignore: decorator
@inline
function total(kind: i32, x: usize, y: usize, center: f32, n: i32): f64 {
  const c = splat(center)
  let all: f64 = 0
  for (; n > 0; n -= BLOCK) {
    const count = min(n, BLOCK)
    const end = x + <usize>(count & ~3) * 4
    let sum = splat(0), other = splat(0)
    for (; x + 16 < end; x += 32, y += 32) {
      sum = term(kind, sum, v128.load(x), kind >= PRODUCT ? v128.load(y) : c, c)
      other = term(kind, other, v128.load(x, 16), kind >= PRODUCT ? v128.load(y, 16) : c, c)
    }
    if (x < end) {
      sum = term(kind, sum, v128.load(x), kind >= PRODUCT ? v128.load(y) : c, c)
      x += 16
      y += 16
    }
    const rest = count & 3
    if (rest) {
      // The lanes past the end add nothing.
      const xs = loadTail(x, rest, kind == DEVIATION ? c : splat(0))
      other = term(kind, other, xs, kind >= PRODUCT ? loadTail(y, rest, splat(0)) : c, c)
    }
    all += sumLanes(f32x4.add(sum, other))
  }
  return all
}

export function sumRun(x: usize, n: i32): f64 {
  return total(PLAIN, x, 0, 0, n)
}

/** Sum of (x - center)^2. */
export function deviationRun(x: usize, center: f32, n: i32): f64 {
  return total(DEVIATION, x, 0, center, n)
}

export function dotRun(x: usize, y: usize, n: i32): f64 {
  return total(PRODUCT, x, y, 0, n)
}

/** Sum of x (y - shift). */
export function shiftedRun(x: usize, y: usize, shift: f32, n: i32): f64 {
  return total(SHIFTED, x, y, shift, n)
}

/** Sum of squares in float64 throughout. */
export function sumSquares(x: usize, n: i32): f64 {
  const end = x + <usize>(n & ~3) * 4
  let a = f64x2.splat(0), b = f64x2.splat(0)
  for (; x != end; x += 16) {
    const v = v128.load(x)
    const low = f64x2.promote_low_f32x4(v)
    const high = f64x2.promote_low_f32x4(v128.shuffle<f32>(v, v, 2, 3, 0, 1))
    a = f64x2.add(a, f64x2.mul(low, low))
    b = f64x2.add(b, f64x2.mul(high, high))
  }
  a = f64x2.add(a, b)
  let sum = f64x2.extract_lane(a, 0) + f64x2.extract_lane(a, 1)
  for (let i = 0; i < (n & 3); i++, x += 4) sum += <f64>load<f32>(x) * <f64>load<f32>(x)
  return sum
}

/** The largest element that is a number, -Infinity where there is none. Cheaper than maxRun. */
export function topRun(x: usize, n: i32): f32 {
  const lowest = splat(f32.NEGATIVE_INFINITY)
  let a = lowest, b = lowest
  for (const end = x + <usize>(n & ~7) * 4; x != end; x += 32) {
    a = f32x4.pmax(a, v128.load(x))
    b = f32x4.pmax(b, v128.load(x, 16))
  }
  if (n & 4) {
    a = f32x4.pmax(a, v128.load(x))
    x += 16
  }
  if (n & 3) b = f32x4.pmax(b, loadTail(x, n & 3, lowest))
  return maxLanes(f32x4.pmax(a, b))
}

/** The largest element; NaN where there is one. */
export function maxRun(x: usize, n: i32): f32 {
  const end = x + <usize>(n & ~3) * 4
  const lowest = splat(f32.NEGATIVE_INFINITY)
  let m = lowest
  for (; x != end; x += 16) m = f32x4.max(m, v128.load(x))
  if (n & 3) m = f32x4.max(m, loadTail(x, n & 3, lowest))
  return maxLanes(m)
}

export function minRun(x: usize, n: i32): f32 {
  const end = x + <usize>(n & ~3) * 4
  const highest = splat(f32.POSITIVE_INFINITY)
  let m = highest
  for (; x != end; x += 16) m = f32x4.min(m, v128.load(x))
  if (n & 3) m = f32x4.min(m, loadTail(x, n & 3, highest))
  return minLanes(m)
}

/** Rows added in float32 before they go to the total, which is float64: rounding grows with this alone. */
const ROWS: i32 = 64

// @ts-ignore: decorator
@inline
function fold(fn: i32, a: v128, b: v128): v128 {
  return fn == 0 ? f32x4.add(a, b) : fn == 1 ? f32x4.max(a, b) : f32x4.min(a, b)
}

// @ts-ignore: decorator
@inline
function first(fn: i32): v128 {
  return splat(fn == 0 ? 0 : fn == 1 ? f32.NEGATIVE_INFINITY : f32.POSITIVE_INFINITY)
}

// @ts-ignore: decorator
@inline
function addLow(total: v128, x: v128): v128 {
  return f64x2.add(total, f64x2.promote_low_f32x4(x))
}

// @ts-ignore: decorator
@inline
function addHigh(total: v128, x: v128): v128 {
  return f64x2.add(total, f64x2.promote_low_f32x4(v128.shuffle<f32>(x, x, 2, 3, 0, 1)))
}

// @ts-ignore: decorator
@inline
function narrow(low: v128, high: v128): v128 {
  return v128.shuffle<f64>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 2)
}

/** `width` columns (16: four vectors at once; 4; 1) of x [n, inner], n rows of `row` bytes, each to one number. */
// @ts-ignore: decorator
@inline
function strip(fn: i32, width: i32, out: usize, x: usize, n: i32, row: usize): void {
  // Low and high halves; the others stay unused where they are not wanted.
  let t0 = splat(0), t1 = splat(0), t2 = splat(0), t3 = splat(0)
  let h0 = splat(0), h1 = splat(0), h2 = splat(0), h3 = splat(0)
  let a = first(fn), b = first(fn), c = first(fn), d = first(fn)
  for (; n > 0; n -= ROWS) {
    for (let i = min(n, ROWS); i > 0; i--, x += row) {
      a = fold(fn, a, width == 1 ? v128.load32_splat(x) : v128.load(x))
      if (width == 16) {
        b = fold(fn, b, v128.load(x, 16))
        c = fold(fn, c, v128.load(x, 32))
        d = fold(fn, d, v128.load(x, 48))
      }
    }
    if (fn != 0) continue
    t0 = addLow(t0, a)
    if (width > 1) h0 = addHigh(h0, a)
    if (width == 16) {
      t1 = addLow(t1, b)
      h1 = addHigh(h1, b)
      t2 = addLow(t2, c)
      h2 = addHigh(h2, c)
      t3 = addLow(t3, d)
      h3 = addHigh(h3, d)
    }
    a = splat(0)
    b = splat(0)
    c = splat(0)
    d = splat(0)
  }
  if (fn == 0) {
    a = narrow(t0, h0)
    b = narrow(t1, h1)
    c = narrow(t2, h2)
    d = narrow(t3, h3)
  }
  if (width == 1) {
    store<f32>(out, f32x4.extract_lane(a, 0))
    return
  }
  v128.store(out, a)
  if (width == 16) {
    v128.store(out, b, 16)
    v128.store(out, c, 32)
    v128.store(out, d, 48)
  }
}

// @ts-ignore: decorator
@inline
function columns(fn: i32, out: usize, x: usize, n: i32, inner: i32, row: usize): void {
  let j = 0
  for (; j + 16 <= inner; j += 16) strip(fn, 16, out + j * 4, x + j * 4, n, row)
  for (; j + 4 <= inner; j += 4) strip(fn, 4, out + j * 4, x + j * 4, n, row)
  for (; j < inner; j++) strip(fn, 1, out + j * 4, x + j * 4, n, row)
}

/** fn 0 sum, 1 max, 2 min over n > 0 of x [outer, n, inner]. Rows of inner lie `row` bytes after one another. */
export function reduce(fn: i32, out: usize, x: usize, outer: i32, n: i32, inner: i32, row: usize): void {
  for (let o = 0; o < outer; o++) {
    if (row == 4) {
      store<f32>(out, fn == 0 ? <f32>sumRun(x, n) : fn == 1 ? maxRun(x, n) : minRun(x, n))
    } else if (fn == 0) {
      columns(0, out, x, n, inner, row)
    } else if (fn == 1) {
      columns(1, out, x, n, inner, row)
    } else {
      columns(2, out, x, n, inner, row)
    }
    out += <usize>inner * 4
    x += <usize>n * row
  }
}
