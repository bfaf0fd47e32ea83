// What one step of a recurrent layer does to each unit, after the products: LSTM and GRU, and their gradients.
import { binaryRun, unary } from './elementwise'
import { tanh4 } from './math'
import { madd, put, splat, take } from './simd'

// As elementwise.ts numbers them.
const ADD: i32 = 0
const MUL: i32 = 2
const TANH: i32 = 6
const SIGMOID: i32 = 7

/** s (1 - s) */
// @ts-ignore: decorator
@inline
function sigmoidSlope(s: v128): v128 {
  return f32x4.mul(s, f32x4.sub(splat(1), s))
}

/** 1 - t^2 */
// @ts-ignore: decorator
@inline
function tanhSlope(t: v128): v128 {
  return f32x4.sub(splat(1), f32x4.mul(t, t))
}

/** Rows after rows of functions, each a run of its own: what lies between is in the first cache. */
export function lstmStep(h: usize, c: usize, act: usize, gx: usize, gh: usize, cPrev: usize, rows: i32, n: i32): void {
  const row = <usize>n * 4
  for (; rows > 0; rows--) {
    binaryRun(ADD, act, gx, 16, gh, 16, 4 * n)
    unary(SIGMOID, act, act, 2 * n)
    unary(TANH, act + 2 * row, act + 2 * row, n)
    unary(SIGMOID, act + 3 * row, act + 3 * row, n)
    for (let j: usize = 0; j < row; j += 16) {
      const rest = j + 16 > row ? n & 3 : 0
      const i = take(act + j, rest), f = take(act + row + j, rest), g = take(act + 2 * row + j, rest)
      put(c + j, madd(f, take(cPrev + j, rest), f32x4.mul(i, g)), rest)
    }
    unary(TANH, h, c, n)
    binaryRun(MUL, h, h, 16, act + 3 * row, 16, n)
    h += row
    c += row
    cPrev += row
    act += 4 * row
    gx += 4 * row
    gh += 4 * row
  }
}

// @ts-ignore: decorator
@inline
function lstmGradAt(dGates: usize, dc: usize, dh: usize, act: usize, c: usize, cPrev: usize, row: usize, rest: i32): void {
  const i = take(act, rest), f = take(act + row, rest)
  const g = take(act + 2 * row, rest), o = take(act + 3 * row, rest)
  const t = tanh4(take(c, rest)), dy = take(dh, rest)
  const d = madd(f32x4.mul(dy, o), tanhSlope(t), take(dc, rest))
  put(dGates, f32x4.mul(f32x4.mul(d, g), sigmoidSlope(i)), rest)
  put(dGates + row, f32x4.mul(f32x4.mul(d, take(cPrev, rest)), sigmoidSlope(f)), rest)
  put(dGates + 2 * row, f32x4.mul(f32x4.mul(d, i), tanhSlope(g)), rest)
  put(dGates + 3 * row, f32x4.mul(f32x4.mul(dy, t), sigmoidSlope(o)), rest)
  put(dc, f32x4.mul(d, f), rest)
}

export function lstmStepGrad(
  dGates: usize, dc: usize, dh: usize, act: usize, c: usize, cPrev: usize, rows: i32, n: i32,
): void {
  const row = <usize>n * 4, whole = <usize>(n & ~3) * 4
  for (; rows > 0; rows--) {
    for (let j: usize = 0; j < whole; j += 16) lstmGradAt(dGates + j, dc + j, dh + j, act + j, c + j, cPrev + j, row, 0)
    if (n & 3) lstmGradAt(dGates + whole, dc + whole, dh + whole, act + whole, c + whole, cPrev + whole, row, n & 3)
    dc += row
    dh += row
    c += row
    cPrev += row
    act += 4 * row
    dGates += 4 * row
  }
}

export function gruStep(h: usize, act: usize, gx: usize, gh: usize, hPrev: usize, rows: i32, n: i32): void {
  const row = <usize>n * 4
  for (; rows > 0; rows--) {
    binaryRun(ADD, act, gx, 16, gh, 16, 2 * n)
    unary(SIGMOID, act, act, 2 * n)
    for (let j: usize = 0; j < row; j += 16) {
      const rest = j + 16 > row ? n & 3 : 0
      const inner = take(gh + 2 * row + j, rest)
      put(act + 3 * row + j, inner, rest)
      put(act + 2 * row + j, madd(take(act + j, rest), inner, take(gx + 2 * row + j, rest)), rest)
    }
    unary(TANH, act + 2 * row, act + 2 * row, n)
    for (let j: usize = 0; j < row; j += 16) {
      const rest = j + 16 > row ? n & 3 : 0
      const z = take(act + row + j, rest), fresh = take(act + 2 * row + j, rest)
      put(h + j, madd(z, take(hPrev + j, rest), f32x4.mul(f32x4.sub(splat(1), z), fresh)), rest)
    }
    h += row
    hPrev += row
    act += 4 * row
    gx += 3 * row
    gh += 3 * row
  }
}

// @ts-ignore: decorator
@inline
function gruGradAt(dGx: usize, dGh: usize, dh: usize, act: usize, hPrev: usize, row: usize, rest: i32): void {
  const r = take(act, rest), z = take(act + row, rest)
  const fresh = take(act + 2 * row, rest), inner = take(act + 3 * row, rest)
  const d = take(dh, rest)
  const dFresh = f32x4.mul(f32x4.mul(d, f32x4.sub(splat(1), z)), tanhSlope(fresh))
  const dReset = f32x4.mul(f32x4.mul(dFresh, inner), sigmoidSlope(r))
  const dZ = f32x4.mul(f32x4.mul(d, f32x4.sub(take(hPrev, rest), fresh)), sigmoidSlope(z))
  put(dGx, dReset, rest)
  put(dGx + row, dZ, rest)
  put(dGx + 2 * row, dFresh, rest)
  put(dGh, dReset, rest)
  put(dGh + row, dZ, rest)
  put(dGh + 2 * row, f32x4.mul(dFresh, r), rest)
  put(dh, f32x4.mul(d, z), rest)
}

export function gruStepGrad(dGx: usize, dGh: usize, dh: usize, act: usize, hPrev: usize, rows: i32, n: i32): void {
  const row = <usize>n * 4, whole = <usize>(n & ~3) * 4
  for (; rows > 0; rows--) {
    for (let j: usize = 0; j < whole; j += 16) gruGradAt(dGx + j, dGh + j, dh + j, act + j, hPrev + j, row, 0)
    if (n & 3) gruGradAt(dGx + whole, dGh + whole, dh + whole, act + whole, hPrev + whole, row, n & 3)
    dh += row
    hPrev += row
    act += 4 * row
    dGx += 3 * row
    dGh += 3 * row
  }
}
