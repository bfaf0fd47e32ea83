// C = act(A W^T + bias) of quantized rows and packed weights: whole-number tiles, then a pass that makes floats of them.
// That pass is its own: inside the tile's function V8 would spill. Its operations are strict, so that all builds give the
// same bits.
import { gelu4, geluTanh4 } from '../math'
import { loadTail, splat, storeTail } from '../simd'
import { A_BYTES, PANEL, ROWS, tile } from './tile'

/** Rows of A taken at a time, a multiple of ROWS: its block and one panel of weights stay in the near caches. */
const MC: i32 = 48

export function int8TileRows(): i32 {
  return ROWS
}

/** Bytes of a row of quantized A. */
export function int8ARow(k: i32): i32 {
  return ((k + 7) & ~7) * A_BYTES
}

/** Scratch of a thread in int8Product: one tile. */
export function int8Aside(): i32 {
  return ROWS * PANEL * 4
}

/** Eight columns of whole numbers to floats, in place: scale_a scale_w (sum - zero_a sum_w) + bias. */
function scale8(c: usize, ldc: usize, rows: i32, params: usize, scales: usize, sums: usize, bias: usize): void {
  const w0 = v128.load(scales), w1 = v128.load(scales, 16)
  const s0 = v128.load(sums), s1 = v128.load(sums, 16)
  let b0 = splat(0), b1 = b0
  if (bias) {
    b0 = v128.load(bias)
    b1 = v128.load(bias, 16)
  }
  for (; rows > 0; rows--, c += ldc, params += 8) {
    const x0 = v128.load(c), x1 = v128.load(c, 16)
    const scale = v128.load32_splat(params), zero = v128.load32_splat(params, 4)
    const y0 = f32x4.convert_i32x4_s(i32x4.sub(x0, i32x4.mul(zero, s0)))
    const y1 = f32x4.convert_i32x4_s(i32x4.sub(x1, i32x4.mul(zero, s1)))
    const z0 = f32x4.add(f32x4.mul(y0, f32x4.mul(scale, w0)), b0)
    const z1 = f32x4.add(f32x4.mul(y1, f32x4.mul(scale, w1)), b1)
    v128.store(c, z0)
    v128.store(c, z1, 16)
  }
}

/** The same of fewer columns. */
function scaleFew(
  c: usize, ldc: usize, rows: i32, cols: i32, params: usize, scales: usize, sums: usize, bias: usize,
): void {
  for (; rows > 0; rows--, c += ldc, params += 8) {
    const scale = load<f32>(params), zero = load<i32>(params, 4)
    for (let j: usize = 0; j < <usize>cols * 4; j += 4) {
      const y = <f32>(load<i32>(c + j) - zero * load<i32>(sums + j))
      store<f32>(c + j, y * (scale * load<f32>(scales + j)) + (bias ? load<f32>(bias + j) : 0))
    }
  }
}

// @ts-ignore: decorator
@inline
function activationOf(fn: i32, x: v128): v128 {
  if (fn == 0) return f32x4.max(x, splat(0))
  if (fn == 1) return gelu4(x)
  return geluTanh4(x)
}

// @ts-ignore: decorator
@inline
function activateRow(fn: i32, c: usize, n: i32): void {
  // Two vectors a turn, which the wide build makes one.
  for (const end = c + <usize>(n & ~7) * 4; c != end; c += 32) {
    const a = v128.load(c), b = v128.load(c, 16)
    const y = activationOf(fn, a), z = activationOf(fn, b)
    v128.store(c, y)
    v128.store(c, z, 16)
  }
  if (n & 4) {
    v128.store(c, activationOf(fn, v128.load(c)))
    c += 16
  }
  const rest = n & 3
  if (rest) storeTail(c, activationOf(fn, loadTail(c, rest, splat(0))), rest)
}

function activate(fn: i32, c: usize, ldc: usize, rows: i32, n: i32): void {
  if (fn == 0) for (; rows > 0; rows--, c += ldc) activateRow(0, c, n)
  else if (fn == 1) for (; rows > 0; rows--, c += ldc) activateRow(1, c, n)
  else for (; rows > 0; rows--, c += ldc) activateRow(2, c, n)
}

/** The part of a tile that lies in C. */
function copyOut(c: usize, ldc: usize, t: usize, rows: i32, cols: i32): void {
  for (; rows > 0; rows--, c += ldc, t += PANEL * 4) memory.copy(c, t, <usize>cols * 4)
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
  for (let i0 = 0; i0 < m; i0 += MC) {
    const mc = min(MC, m - i0)
    const block = a + <usize>i0 * aRow
    const top = c + <usize>i0 * ldc
    const own = params + <usize>i0 * 8
    for (let j = 0; j < n; j += PANEL) {
      const panel = w + <usize>j * steps * 8
      const strip = top + <usize>j * 4
      const cols = min(PANEL, n - j)
      for (let i = 0; i < mc; i += ROWS) {
        const rows = block + <usize>i * aRow
        const at = strip + <usize>i * ldc
        if (i + ROWS <= mc && cols == PANEL) tile(at, ldc, rows, aRow, panel, steps, eight)
        else {
          tile(aside, PANEL * 4, rows, aRow, panel, steps, eight)
          copyOut(at, ldc, aside, min(ROWS, mc - i), cols)
        }
      }
      const s = scales + <usize>j * 4, t = sums + <usize>j * 4
      const b = bias ? bias + <usize>j * 4 : 0
      if (cols == PANEL) {
        scale8(strip, ldc, mc, own, s, t, b)
        scale8(strip + 32, ldc, mc, own, s + 32, t + 32, b ? b + 32 : 0)
      } else scaleFew(strip, ldc, mc, cols, own, s, t, b)
    }
    if (act >= 0) activate(act, top, ldc, mc, n)
  }
}
