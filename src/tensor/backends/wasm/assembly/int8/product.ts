// C = act(A W^T + bias) of quantized rows and packed weights: a strip of whole-number tiles that stays in the nearest cache,
// then passes over it that make floats of them. Those are their own functions: inside the tile's V8 would spill. Their
// operations are strict, so that all builds give the same bits.
import { geluTanh4 } from '../math'
import { splat } from '../simd'
import { gelu4 } from './gelu'
import { A_BYTES, PANEL, ROWS, tile } from './tile'

/** Rows of A taken at a time, a multiple of ROWS: its block and one panel of weights stay in the near caches. */
const MC: i32 = 48
/** Bytes of a row of the strip. */
const LINE: usize = PANEL * 4
/** The strip, with what the last tile writes past it; then a panel's scales, sums and bias where it is the last one. */
const STRIP: usize = <usize>(MC + ROWS) * LINE

export function int8TileRows(): i32 {
  return ROWS
}

/** Bytes of a row of quantized A. */
export function int8ARow(k: i32): i32 {
  return ((k + 7) & ~7) * A_BYTES
}

/** Scratch of a thread in int8Product. */
export function int8Aside(): i32 {
  return <i32>(STRIP + 3 * LINE)
}

/** Eight columns of whole numbers in `t` to floats in c: scale_a scale_w (sum - zero_a sum_w) + bias. */
function scale8(c: usize, ldc: usize, t: usize, rows: i32, params: usize, scales: usize, sums: usize, bias: usize): void {
  const w0 = v128.load(scales), w1 = v128.load(scales, 16)
  const s0 = v128.load(sums), s1 = v128.load(sums, 16)
  let b0 = splat(0), b1 = b0
  if (bias) {
    b0 = v128.load(bias)
    b1 = v128.load(bias, 16)
  }
  for (; rows > 0; rows--, c += ldc, t += LINE, params += 8) {
    const x0 = v128.load(t), x1 = v128.load(t, 16)
    const scale = v128.load32_splat(params), zero = v128.load32_splat(params, 4)
    const y0 = f32x4.convert_i32x4_s(i32x4.sub(x0, i32x4.mul(zero, s0)))
    const y1 = f32x4.convert_i32x4_s(i32x4.sub(x1, i32x4.mul(zero, s1)))
    const z0 = f32x4.add(f32x4.mul(y0, f32x4.mul(scale, w0)), b0)
    const z1 = f32x4.add(f32x4.mul(y1, f32x4.mul(scale, w1)), b1)
    v128.store(c, z0)
    v128.store(c, z1, 16)
  }
}

// @ts-ignore: decorator
@inline
function activationOf(fn: i32, x: v128): v128 {
  if (fn == 0) return f32x4.max(x, splat(0))
  if (fn == 1) return gelu4(x)
  return geluTanh4(x)
}

/** Eight columns of the strip through the function, to c. */
// @ts-ignore: decorator
@inline
function activate8(fn: i32, c: usize, ldc: usize, t: usize, rows: i32): void {
  // Two vectors a turn, which the wide build makes one.
  for (; rows > 0; rows--, c += ldc, t += LINE) {
    const a = v128.load(t), b = v128.load(t, 16)
    const y = activationOf(fn, a), z = activationOf(fn, b)
    v128.store(c, y)
    v128.store(c, z, 16)
  }
}

function activate(fn: i32, c: usize, ldc: usize, t: usize, rows: i32): void {
  if (fn == 0) activate8(0, c, ldc, t, rows)
  else if (fn == 1) activate8(1, c, ldc, t, rows)
  else activate8(2, c, ldc, t, rows)
}

/** A strip's part that lies in C. */
function copyOut(c: usize, ldc: usize, t: usize, rows: i32, cols: i32): void {
  for (; rows > 0; rows--, c += ldc, t += LINE) memory.copy(c, t, <usize>cols * 4)
}

/**
 * C [m, n] (row stride ldc bytes) = act(A W^T + bias). a and params: what int8Quantize made of m rows, with ROWS - 1 rows
 * of any content behind them. w: panels [n / 16][k / 8][2][16][4]; scales and sums [n]; bias [n] or 0. act: -1 none, 0
 * relu, 1 gelu, 2 its tanh form. eight: weights of 8 bits. aside: int8Aside() bytes.
 */
export function int8Product(
  c: usize, ldc: usize, a: usize, params: usize, w: usize, scales: usize, sums: usize, bias: usize, act: i32,
  m: i32, n: i32, k: i32, eight: i32, aside: usize,
): void {
  const steps = (k + 7) >> 3
  const aRow = <usize>steps * 8 * A_BYTES
  const padded = aside + STRIP
  for (let i0 = 0; i0 < m; i0 += MC) {
    const mc = min(MC, m - i0)
    const block = a + <usize>i0 * aRow
    const top = c + <usize>i0 * ldc
    const own = params + <usize>i0 * 8
    for (let j = 0; j < n; j += PANEL) {
      const panel = w + <usize>j * steps * 8
      for (let i = 0; i < mc; i += ROWS)
        tile(aside + <usize>i * LINE, LINE, block + <usize>i * aRow, aRow, panel, steps, eight)
      const cols = min(PANEL, n - j)
      const whole = cols == PANEL
      let s = scales + <usize>j * 4, t = sums + <usize>j * 4
      let b = bias ? bias + <usize>j * 4 : 0
      if (!whole) {
        memory.copy(padded, s, <usize>cols * 4)
        memory.copy(padded + LINE, t, <usize>cols * 4)
        s = padded
        t = padded + LINE
        if (b) {
          memory.copy(padded + 2 * LINE, b, <usize>cols * 4)
          b = padded + 2 * LINE
        }
      }
      // Straight to C where it is whole and nothing else is to be done.
      const strip = top + <usize>j * 4
      const done = whole && act < 0
      const to = done ? strip : aside
      const ldTo = done ? ldc : LINE
      scale8(to, ldTo, aside, mc, own, s, t, b)
      scale8(to + 32, ldTo, aside + 32, mc, own, s + 32, t + 32, b ? b + 32 : 0)
      if (act >= 0) {
        const end = whole ? strip : aside
        const ldEnd = whole ? ldc : LINE
        activate(act, end, ldEnd, aside, mc)
        activate(act, end + 32, ldEnd, aside + 32, mc)
      }
      if (!whole) copyOut(strip, ldc, aside, mc, cols)
    }
  }
}
