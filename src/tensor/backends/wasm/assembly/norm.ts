// Layer normalization over rows. Gradients of weight and bias are summed over blocks of rows, then over blocks.
import { loadTail, madd, put, splat, storeTail, sumLanes, take } from './simd'
import { deviationRun, reduce, sumRun } from './sums'

/** Below this many times its mean a row's spread is lost in the mean's rounding. */
const NARROW: f64 = 1.0 / 64.0

/**
 * Whether a row with this mean and sum of squared deviations is one for float64: as good as constant, or its squares
 * are too large or too small for float32.
 */
// @ts-ignore: decorator
@inline
function extreme(mean: f32, deviation: f64, n: i32): bool {
  const m = NARROW * <f64>mean
  return !(deviation >= m * m * <f64>n && deviation >= 1e-30 && deviation < Infinity)
}

function exactMean(x: usize, n: i32): f64 {
  let sum: f64 = 0
  for (let i = 0; i < n; i++) sum += <f64>load<f32>(x + <usize>i * 4)
  return sum / <f64>n
}

function exactScale(x: usize, mean: f64, n: i32, eps: f64): f64 {
  let sum: f64 = 0
  for (let i = 0; i < n; i++) {
    const d = <f64>load<f32>(x + <usize>i * 4) - mean
    sum += d * d
  }
  return 1 / Math.sqrt(sum / <f64>n + eps)
}

/** One row in float64 throughout, as the js backend computes all of them. */
function exactRow(out: usize, x: usize, weight: usize, bias: usize, n: i32, eps: f64): void {
  const mean = exactMean(x, n)
  const scale = exactScale(x, mean, n, eps)
  for (let i: usize = 0; i < <usize>n * 4; i += 4) {
    const h = (<f64>load<f32>(x + i) - mean) * scale
    store<f32>(out + i, <f32>(h * <f64>load<f32>(weight + i) + <f64>load<f32>(bias + i)))
  }
}

export function layerNorm(out: usize, x: usize, weight: usize, bias: usize, rows: i32, n: i32, eps: f64): void {
  for (let r = 0; r < rows; r++) {
    const mean = <f32>(sumRun(x, n) / <f64>n)
    const deviation = deviationRun(x, mean, n)
    if (extreme(mean, deviation, n)) {
      exactRow(out, x, weight, bias, n, eps)
      x += <usize>n * 4
      out += <usize>n * 4
      continue
    }
    const m = splat(mean)
    const rstd = splat(<f32>(1 / Math.sqrt(deviation / <f64>n + eps)))
    const end = x + <usize>(n & ~3) * 4
    let w = weight, b = bias
    for (; x != end; x += 16, out += 16, w += 16, b += 16) {
      v128.store(out, madd(f32x4.mul(f32x4.sub(v128.load(x), m), rstd), v128.load(w), v128.load(b)))
    }
    const rest = n & 3
    if (rest) {
      const zero = splat(0)
      const h = f32x4.mul(f32x4.sub(loadTail(x, rest, zero), m), rstd)
      storeTail(out, madd(h, loadTail(w, rest, zero), loadTail(b, rest, zero)), rest)
      x += <usize>rest * 4
      out += <usize>rest * 4
    }
  }
}

/** Rows whose weight gradients are added to one another before they go to the total. */
const NORM_ROWS: i32 = 64

/** One row of dx in float64, adding the row's part to dWeight and dBias. */
function exactGradRow(dx: usize, dw: usize, db: usize, x: usize, w: usize, dy: usize, n: i32, eps: f64): void {
  const mean = exactMean(x, n)
  const scale = exactScale(x, mean, n, eps)
  let sum: f64 = 0, dot: f64 = 0
  for (let i: usize = 0; i < <usize>n * 4; i += 4) {
    const d = <f64>load<f32>(dy + i)
    const h = (<f64>load<f32>(x + i) - mean) * scale
    const g = d * <f64>load<f32>(w + i)
    sum += g
    dot += g * h
    store<f32>(dw + i, <f32>(<f64>load<f32>(dw + i) + d * h))
    store<f32>(db + i, <f32>(<f64>load<f32>(db + i) + d))
  }
  const a = sum / <f64>n, b = dot / <f64>n
  for (let i: usize = 0; i < <usize>n * 4; i += 4) {
    const h = (<f64>load<f32>(x + i) - mean) * scale
    store<f32>(dx + i, <f32>(scale * (<f64>load<f32>(dy + i) * <f64>load<f32>(w + i) - a - h * b)))
  }
}

/** One row of dx, adding the row's part to dWeight and dBias. */
function gradRow(dx: usize, dw: usize, db: usize, x: usize, w: usize, dy: usize, n: i32, eps: f64): void {
  const mean = <f32>(sumRun(x, n) / <f64>n)
  const deviation = deviationRun(x, mean, n)
  if (extreme(mean, deviation, n)) {
    exactGradRow(dx, dw, db, x, w, dy, n, eps)
    return
  }
  const m = splat(mean)
  const r = <f32>(1 / Math.sqrt(deviation / <f64>n + eps))
  const rstd = splat(r)
  const whole = <usize>(n & ~3) * 4
  const rest = n & 3
  let sum = splat(0), dot = splat(0)
  for (let i: usize = 0; i < whole; i += 16) {
    const d = v128.load(dy + i)
    const h = f32x4.mul(f32x4.sub(v128.load(x + i), m), rstd)
    const g = f32x4.mul(d, v128.load(w + i))
    sum = f32x4.add(sum, g)
    dot = madd(g, h, dot)
    v128.store(dw + i, madd(d, h, v128.load(dw + i)))
    v128.store(db + i, f32x4.add(d, v128.load(db + i)))
  }
  if (rest) {
    const d = loadTail(dy + whole, rest, splat(0))
    const h = f32x4.mul(f32x4.sub(loadTail(x + whole, rest, m), m), rstd)
    const g = f32x4.mul(d, loadTail(w + whole, rest, splat(0)))
    sum = f32x4.add(sum, g)
    dot = madd(g, h, dot)
    storeTail(dw + whole, madd(d, h, loadTail(dw + whole, rest, splat(0))), rest)
    storeTail(db + whole, f32x4.add(d, loadTail(db + whole, rest, splat(0))), rest)
  }
  const a = splat(-sumLanes(sum) / <f32>n), b = splat(-sumLanes(dot) / <f32>n)
  for (let i: usize = 0; i < whole + rest * 4; i += 16) {
    const t = i < whole ? 0 : rest
    const h = f32x4.mul(f32x4.sub(take(x + i, t), m), rstd)
    const g = madd(take(dy + i, t), take(w + i, t), a)
    put(dx + i, f32x4.mul(madd(h, b, g), rstd), t)
  }
}

/** Rows in blocks of NORM_ROWS, the weight gradients of each block to its own partial [2, n]. */
export function layerNormGradRows(
  dx: usize, partial: usize, x: usize, weight: usize, dy: usize, rows: i32, n: i32, eps: f64,
): void {
  const row = <usize>n * 4
  for (let r = 0; r < rows; r++) {
    if (r > 0 && r % NORM_ROWS == 0) partial += row * 2
    if (r % NORM_ROWS == 0) memory.fill(partial, 0, row * 2)
    const at = <usize>r * row
    gradRow(dx + at, partial, partial + row, x + at, weight, dy + at, n, eps)
  }
}

// @ts-ignore: decorator
@inline
function blocksOf(rows: i32): i32 {
  return (rows + NORM_ROWS - 1) / NORM_ROWS
}

/** Scratch of layerNormGrad. */
export function normScratch(rows: i32, n: i32): usize {
  return <usize>(blocksOf(rows) + 1) * <usize>n * 8
}

/** Puts dWeight and dBias together from the partial sums of all blocks. */
export function layerNormGradEnd(dWeight: usize, dBias: usize, rows: i32, n: i32, scratch: usize): void {
  const blocks = blocksOf(rows)
  const row = <usize>n * 4
  const sums = scratch + <usize>blocks * row * 2
  reduce(0, sums, scratch, 1, blocks, 2 * n, row * 2)
  memory.copy(dWeight, sums, row)
  memory.copy(dBias, sums + row, row)
}
