// One vector at a time over contiguous runs: unary functions and their gradients, binary functions, where.
// Function numbers are positions in the name lists of ../names.ts.
import { erf4, exp4, gelu4, geluGrad4, geluTanh4, geluTanhGrad4, log4, sigmoid4, tanh4 } from './math'
import { loadTail, splat, storeTail } from './simd'

// @ts-ignore: decorator
@inline
function sign4(x: v128): v128 {
  const one = v128.or(splat(1), v128.and(x, i32x4.splat(0x80000000)))
  // x + 0 where it is NaN or 0: 0 for -0.
  return v128.bitselect(one, f32x4.add(x, splat(0)), f32x4.gt(f32x4.abs(x), splat(0)))
}

// @ts-ignore: decorator
@inline
function unaryOf(fn: i32, x: v128): v128 {
  if (fn == 0) return f32x4.neg(x)
  if (fn == 1) return f32x4.abs(x)
  if (fn == 2) return sign4(x)
  if (fn == 3) return f32x4.sqrt(x)
  if (fn == 4) return exp4(x)
  if (fn == 5) return log4(x)
  if (fn == 6) return tanh4(x)
  if (fn == 7) return sigmoid4(x)
  if (fn == 8) return erf4(x)
  if (fn == 9) return f32x4.max(x, splat(0))
  if (fn == 10) return gelu4(x)
  return geluTanh4(x)
}

// @ts-ignore: decorator
@inline
function mapRun(fn: i32, out: usize, x: usize, n: i32): void {
  // Two vectors a turn, which the wide build makes one.
  for (const end = x + <usize>(n & ~7) * 4; x != end; x += 32, out += 32) {
    const a = v128.load(x), b = v128.load(x, 16)
    const c = unaryOf(fn, a), d = unaryOf(fn, b)
    v128.store(out, c)
    v128.store(out, d, 16)
  }
  if (n & 4) {
    v128.store(out, unaryOf(fn, v128.load(x)))
    x += 16
    out += 16
  }
  const rest = n & 3
  if (rest) storeTail(out, unaryOf(fn, loadTail(x, rest, splat(0))), rest)
}

export function unary(fn: i32, out: usize, x: usize, n: i32): void {
  switch (fn) {
    case 0: return mapRun(0, out, x, n)
    case 1: return mapRun(1, out, x, n)
    case 2: return mapRun(2, out, x, n)
    case 3: return mapRun(3, out, x, n)
    case 4: return mapRun(4, out, x, n)
    case 5: return mapRun(5, out, x, n)
    case 6: return mapRun(6, out, x, n)
    case 7: return mapRun(7, out, x, n)
    case 8: return mapRun(8, out, x, n)
    case 9: return mapRun(9, out, x, n)
    case 10: return mapRun(10, out, x, n)
    default: return mapRun(11, out, x, n)
  }
}

// @ts-ignore: decorator
@inline
function gradOf(fn: i32, s: v128, dy: v128): v128 {
  if (fn == 0) return f32x4.mul(dy, f32x4.sub(splat(1), f32x4.mul(s, s)))
  if (fn == 1) return f32x4.mul(dy, f32x4.mul(s, f32x4.sub(splat(1), s)))
  if (fn == 2) return v128.and(dy, f32x4.gt(s, splat(0)))
  if (fn == 3) return f32x4.mul(dy, geluGrad4(s))
  return f32x4.mul(dy, geluTanhGrad4(s))
}

// @ts-ignore: decorator
@inline
function gradRun(fn: i32, out: usize, s: usize, dy: usize, n: i32): void {
  for (const end = s + <usize>(n & ~7) * 4; s != end; s += 32, dy += 32, out += 32) {
    const a = v128.load(s), b = v128.load(s, 16), g = v128.load(dy), h = v128.load(dy, 16)
    const c = gradOf(fn, a, g), d = gradOf(fn, b, h)
    v128.store(out, c)
    v128.store(out, d, 16)
  }
  if (n & 4) {
    v128.store(out, gradOf(fn, v128.load(s), v128.load(dy)))
    s += 16
    dy += 16
    out += 16
  }
  const rest = n & 3
  if (rest) storeTail(out, gradOf(fn, loadTail(s, rest, splat(0)), loadTail(dy, rest, splat(0))), rest)
}

export function unaryGrad(fn: i32, out: usize, s: usize, dy: usize, n: i32): void {
  switch (fn) {
    case 0: return gradRun(0, out, s, dy, n)
    case 1: return gradRun(1, out, s, dy, n)
    case 2: return gradRun(2, out, s, dy, n)
    case 3: return gradRun(3, out, s, dy, n)
    default: return gradRun(4, out, s, dy, n)
  }
}

// @ts-ignore: decorator
@inline
function binaryOf(fn: i32, a: v128, b: v128): v128 {
  if (fn == 0) return f32x4.add(a, b)
  if (fn == 1) return f32x4.sub(a, b)
  if (fn == 2) return f32x4.mul(a, b)
  if (fn == 3) return f32x4.div(a, b)
  if (fn == 4) return f32x4.max(a, b)
  if (fn == 5) return f32x4.min(a, b)
  const one = splat(1)
  if (fn == 6) return v128.and(one, f32x4.eq(a, b))
  if (fn == 7) return v128.and(one, f32x4.ne(a, b))
  if (fn == 8) return v128.and(one, f32x4.gt(a, b))
  if (fn == 9) return v128.and(one, f32x4.ge(a, b))
  if (fn == 10) return v128.and(one, f32x4.lt(a, b))
  return v128.and(one, f32x4.le(a, b))
}

/** aStep, bStep: 16, or 0 for an operand that is four times the same number. */
// @ts-ignore: decorator
@inline
function pairRun(fn: i32, out: usize, a: usize, aStep: usize, b: usize, bStep: usize, n: i32): void {
  const end = out + <usize>(n & ~3) * 4
  for (; out != end; out += 16, a += aStep, b += bStep) {
    v128.store(out, binaryOf(fn, v128.load(a), v128.load(b)))
  }
  const rest = n & 3
  if (rest) storeTail(out, binaryOf(fn, loadTail(a, rest, splat(1)), loadTail(b, rest, splat(1))), rest)
}

/** n elements; aStep and bStep as in pairRun. */
export function binaryRun(fn: i32, out: usize, a: usize, aStep: usize, b: usize, bStep: usize, n: i32): void {
  switch (fn) {
    case 0: return pairRun(0, out, a, aStep, b, bStep, n)
    case 1: return pairRun(1, out, a, aStep, b, bStep, n)
    case 2: return pairRun(2, out, a, aStep, b, bStep, n)
    case 3: return pairRun(3, out, a, aStep, b, bStep, n)
    case 4: return pairRun(4, out, a, aStep, b, bStep, n)
    case 5: return pairRun(5, out, a, aStep, b, bStep, n)
    case 6: return pairRun(6, out, a, aStep, b, bStep, n)
    case 7: return pairRun(7, out, a, aStep, b, bStep, n)
    case 8: return pairRun(8, out, a, aStep, b, bStep, n)
    case 9: return pairRun(9, out, a, aStep, b, bStep, n)
    case 10: return pairRun(10, out, a, aStep, b, bStep, n)
    default: return pairRun(11, out, a, aStep, b, bStep, n)
  }
}

/**
 * An operand of a walk is a run of `stride` 4, or one number (stride 0) that is put four times at `aside`. Gives the
 * address to read from.
 */
// @ts-ignore: decorator
@inline
function operand(p: usize, stride: usize, aside: usize): usize {
  if (stride) return p
  v128.store(aside, v128.load32_splat(p))
  return aside
}

/** Walk: 4 dims, then for each operand 4 strides in bytes; the last stride is 4 or 0. out is contiguous. */
export function binary(fn: i32, out: usize, a: usize, b: usize, walk: usize, aside: usize): void {
  const n0 = load<i32>(walk), n1 = load<i32>(walk, 4), n2 = load<i32>(walk, 8), n = load<i32>(walk, 12)
  const aLast = load<u32>(walk, 28), bLast = load<u32>(walk, 44)
  for (let i = 0; i < n0; i++) {
    for (let j = 0; j < n1; j++) {
      let pa = a + i * load<u32>(walk, 16) + j * load<u32>(walk, 20)
      let pb = b + i * load<u32>(walk, 32) + j * load<u32>(walk, 36)
      for (let k = 0; k < n2; k++) {
        binaryRun(fn, out, operand(pa, aLast, aside), aLast * 4, operand(pb, bLast, aside + 16), bLast * 4, n)
        pa += load<u32>(walk, 24)
        pb += load<u32>(walk, 40)
        out += <usize>n * 4
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function truth(c: v128, whole: bool): v128 {
  return whole ? i32x4.ne(c, i32x4.splat(0)) : f32x4.ne(c, splat(0))
}

// @ts-ignore: decorator
@inline
function whereRun(whole: bool, out: usize, c: usize, cStep: usize, a: usize, aStep: usize, b: usize, bStep: usize, n: i32): void {
  const end = out + <usize>(n & ~3) * 4
  for (; out != end; out += 16, c += cStep, a += aStep, b += bStep) {
    v128.store(out, v128.bitselect(v128.load(a), v128.load(b), truth(v128.load(c), whole)))
  }
  const rest = n & 3
  if (rest) {
    const zero = splat(0)
    const mask = truth(loadTail(c, rest, zero), whole)
    storeTail(out, v128.bitselect(loadTail(a, rest, zero), loadTail(b, rest, zero), mask), rest)
  }
}

/** As binary, with three operands. whole: the condition is int32. */
export function where(whole: bool, out: usize, c: usize, a: usize, b: usize, walk: usize, aside: usize): void {
  const n0 = load<i32>(walk), n1 = load<i32>(walk, 4), n2 = load<i32>(walk, 8), n = load<i32>(walk, 12)
  const cLast = load<u32>(walk, 28), aLast = load<u32>(walk, 44), bLast = load<u32>(walk, 60)
  for (let i = 0; i < n0; i++) {
    for (let j = 0; j < n1; j++) {
      let pc = c + i * load<u32>(walk, 16) + j * load<u32>(walk, 20)
      let pa = a + i * load<u32>(walk, 32) + j * load<u32>(walk, 36)
      let pb = b + i * load<u32>(walk, 48) + j * load<u32>(walk, 52)
      for (let k = 0; k < n2; k++) {
        const vc = operand(pc, cLast, aside)
        const va = operand(pa, aLast, aside + 16)
        const vb = operand(pb, bLast, aside + 32)
        if (whole) whereRun(true, out, vc, cLast * 4, va, aLast * 4, vb, bLast * 4, n)
        else whereRun(false, out, vc, cLast * 4, va, aLast * 4, vb, bLast * 4, n)
        pc += load<u32>(walk, 24)
        pa += load<u32>(walk, 40)
        pb += load<u32>(walk, 56)
        out += <usize>n * 4
      }
    }
  }
}

/** Four bytes an element: `bits` are a float32's or an int32's. */
export function fill(out: usize, bits: i32, n: i32): void {
  const v = i32x4.splat(bits)
  const end = out + <usize>(n & ~3) * 4
  for (; out != end; out += 16) v128.store(out, v)
  if (n & 3) storeTail(out, v, n & 3)
}
