// Softmax and what follows from it, row by row: softmax, logSoftmax, logsumexp, cross entropy, and their gradients.
import { exp4, log64 } from './math'
import { loadTail, madd, put, splat, storeTail, sumLanes } from './simd'
import { BLOCK, dotRun, maxRun, shiftedRun, sumRun, topRun } from './sums'

// @ts-ignore: decorator
@inline
function promoteSum(v: v128): v128 {
  return f64x2.add(f64x2.promote_low_f32x4(v), f64x2.promote_low_f32x4(v128.shuffle<f32>(v, v, 2, 3, 2, 3)))
}

/** out = e^((x - max) * invT), and its sum: four lanes over blocks, blocks in float64. */
function expRun(out: usize, x: usize, n: i32, max: f32, invT: f32): f64 {
  const m = splat(max), scale = splat(invT)
  let all: f64 = 0
  for (; n > 0; n -= BLOCK) {
    const count = min(n, BLOCK)
    let s = splat(0), t = splat(0)
    // Two vectors a turn, which the wide build makes one.
    for (const end = x + <usize>(count & ~7) * 4; x != end; x += 32, out += 32) {
      const a = v128.load(x), b = v128.load(x, 16)
      const c = exp4(f32x4.mul(f32x4.sub(a, m), scale)), d = exp4(f32x4.mul(f32x4.sub(b, m), scale))
      s = f32x4.add(s, c)
      t = f32x4.add(t, d)
      v128.store(out, c)
      v128.store(out, d, 16)
    }
    for (let left = count & 7; left > 0; left -= 4, x += 16, out += 16) {
      const rest = left < 4 ? left : 0
      // e^-Infinity: the lanes past the end add nothing.
      const a = rest ? loadTail(x, rest, splat(f32.NEGATIVE_INFINITY)) : v128.load(x)
      const c = exp4(f32x4.mul(f32x4.sub(a, m), scale))
      s = f32x4.add(s, c)
      put(out, c, rest)
    }
    all += sumLanes(f32x4.add(s, t))
  }
  return all
}

/**
 * The sum of e^((x - max) * invT) in float64: that of a confident row is 1 and a little, and that little is its loss.
 */
function expSum(x: usize, n: i32, max: f32, invT: f32): f64 {
  const m = splat(max), scale = splat(invT)
  const end = x + <usize>(n & ~3) * 4
  let sum = f64x2.splat(0)
  for (; x != end; x += 16) {
    const e = exp4(f32x4.mul(f32x4.sub(v128.load(x), m), scale))
    sum = f64x2.add(sum, promoteSum(e))
  }
  const rest = n & 3
  if (rest) {
    // e^-Infinity: the lanes past the end add nothing.
    const e = exp4(f32x4.mul(f32x4.sub(loadTail(x, rest, splat(f32.NEGATIVE_INFINITY)), m), scale))
    sum = f64x2.add(sum, promoteSum(e))
  }
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1)
}

/** out = x * scale + shift. */
export function affineRun(out: usize, x: usize, n: i32, scale: f32, shift: f32): void {
  const s = splat(scale), t = splat(shift)
  for (const end = x + <usize>(n & ~7) * 4; x != end; x += 32, out += 32) {
    const a = v128.load(x), b = v128.load(x, 16)
    v128.store(out, madd(a, s, t))
    v128.store(out, madd(b, s, t), 16)
  }
  if (n & 4) {
    v128.store(out, madd(v128.load(x), s, t))
    x += 16
    out += 16
  }
  const rest = n & 3
  if (rest) storeTail(out, madd(loadTail(x, rest, splat(0)), s, t), rest)
}

function fillRun(out: usize, n: i32, value: f32): void {
  for (let i = 0; i < n; i++) store<f32>(out + <usize>i * 4, value)
}

/** A softmax row, in place or not; a row of all -Infinity gives zeros. */
export function softmaxRow(out: usize, x: usize, n: i32, invT: f32): void {
  const max = topRun(x, n)
  if (max == f32.NEGATIVE_INFINITY && maxRun(x, n) == max) {
    fillRun(out, n, 0)
    return
  }
  affineRun(out, out, n, <f32>(1 / expRun(out, x, n, max, invT)), 0)
}

export function softmax(out: usize, x: usize, rows: i32, n: i32, invT: f32): void {
  const row = <usize>n * 4
  for (let r = 0; r < rows; r++, x += row, out += row) softmaxRow(out, x, n, invT)
}

/**
 * dx = y * (dy - sum(y dy)) * scale. Where y is close to one word's alone, dy minus its mean is all rounding, and of y
 * that y does not add up to 1: the mean of what is left takes both away.
 */
export function softmaxGradRow(dx: usize, y: usize, dy: usize, n: i32, scale: f32): void {
  const mean = <f32>dotRun(y, dy, n)
  const d = splat(mean), e = splat(<f32>shiftedRun(y, dy, mean, n)), s = splat(scale)
  const end = y + <usize>(n & ~3) * 4
  for (; y != end; y += 16, dy += 16, dx += 16) {
    const v = f32x4.sub(f32x4.sub(v128.load(dy), d), e)
    v128.store(dx, f32x4.mul(f32x4.mul(v128.load(y), v), s))
  }
  const rest = n & 3
  if (rest) {
    const v = f32x4.sub(f32x4.sub(loadTail(dy, rest, splat(0)), d), e)
    storeTail(dx, f32x4.mul(f32x4.mul(loadTail(y, rest, splat(0)), v), s), rest)
  }
}

export function softmaxGrad(dx: usize, y: usize, dy: usize, rows: i32, n: i32, invT: f32): void {
  const row = <usize>n * 4
  for (let r = 0; r < rows; r++, dx += row, y += row, dy += row) {
    softmaxGradRow(dx, y, dy, n, invT)
  }
}

export function logSoftmax(out: usize, x: usize, rows: i32, n: i32, invT: f32): void {
  const row = <usize>n * 4
  for (let r = 0; r < rows; r++, x += row, out += row) {
    const max = maxRun(x, n)
    if (max == f32.NEGATIVE_INFINITY) {
      fillRun(out, n, max)
      continue
    }
    const shift = <f32>log64(expSum(x, n, max, invT))
    const m = splat(max), s = splat(shift), scale = splat(invT)
    let from = x, to = out
    const end = x + <usize>(n & ~3) * 4
    for (; from != end; from += 16, to += 16) {
      v128.store(to, f32x4.sub(f32x4.mul(f32x4.sub(v128.load(from), m), scale), s))
    }
    const rest = n & 3
    if (rest) storeTail(to, f32x4.sub(f32x4.mul(f32x4.sub(loadTail(from, rest, m), m), scale), s), rest)
  }
}

/** dx = (dy - exp(y) * sum(dy)) * invT. */
export function logSoftmaxGrad(dx: usize, y: usize, dy: usize, rows: i32, n: i32, invT: f32): void {
  const scale = splat(invT)
  for (let r = 0; r < rows; r++) {
    const total = splat(<f32>sumRun(dy, n))
    const end = y + <usize>(n & ~3) * 4
    for (; y != end; y += 16, dy += 16, dx += 16) {
      v128.store(dx, f32x4.mul(f32x4.sub(v128.load(dy), f32x4.mul(exp4(v128.load(y)), total)), scale))
    }
    const rest = n & 3
    if (rest) {
      const e = f32x4.mul(exp4(loadTail(y, rest, splat(0))), total)
      storeTail(dx, f32x4.mul(f32x4.sub(loadTail(dy, rest, splat(0)), e), scale), rest)
      y += <usize>rest * 4
      dy += <usize>rest * 4
      dx += <usize>rest * 4
    }
  }
}

/** log(sum(e^x)) of each row of x [rows, n]. */
export function logsumexp(out: usize, x: usize, rows: i32, n: i32): void {
  const row = <usize>n * 4
  for (let r = 0; r < rows; r++, x += row, out += 4) {
    const max = maxRun(x, n)
    // Infinite: the answer already, and Infinity - Infinity is none.
    const finite = max - max == 0
    store<f32>(out, finite ? <f32>(<f64>max + log64(expSum(x, n, max, 1))) : max)
  }
}

export function crossEntropy(
  out: usize, x: usize, labels: usize, rows: i32, n: i32, ignore: i32, smoothing: f64,
): void {
  const row = <usize>n * 4
  for (let r = 0; r < rows; r++, x += row, labels += 4, out += 4) {
    const label = load<i32>(labels)
    if (label == ignore) {
      store<f32>(out, 0)
      continue
    }
    const max = maxRun(x, n)
    if (max == f32.NEGATIVE_INFINITY) {
      store<f32>(out, <f32>((1 - smoothing) * Infinity))
      continue
    }
    const log = log64(expSum(x, n, max, 1))
    let loss = (1 - smoothing) * (<f64>max - <f64>load<f32>(x + <usize>label * 4) + log)
    if (smoothing > 0) loss += smoothing * (<f64>max - sumRun(x, n) / <f64>n + log)
    store<f32>(out, <f32>loss)
  }
}

/** dx = dy[row] * (softmax(x) - target). */
export function crossEntropyGrad(
  dx: usize, x: usize, labels: usize, dy: usize, rows: i32, n: i32, ignore: i32, smoothing: f64,
): void {
  const row = <usize>n * 4
  for (let r = 0; r < rows; r++, x += row, dx += row, labels += 4, dy += 4) {
    const label = load<i32>(labels)
    if (label == ignore) {
      fillRun(dx, n, 0)
      continue
    }
    const g = <f64>load<f32>(dy)
    const max = maxRun(x, n)
    let sum: f64 = 1
    if (max == f32.NEGATIVE_INFINITY) fillRun(dx, n, 0)
    else {
      sum = expSum(x, n, max, 1)
      expRun(dx, x, n, max, 1)
    }
    const at = dx + <usize>label * 4
    const hit = (<f64>load<f32>(at) / sum - smoothing / <f64>n - (1 - smoothing)) * g
    affineRun(dx, dx, n, <f32>(g / sum), <f32>(-g * smoothing / <f64>n))
    store<f32>(at, <f32>hit)
  }
}
