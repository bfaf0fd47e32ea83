// The innermost product: a tile of C held in registers while k passes, one multiply-add an element and k.
// Two sizes: what 16 registers of 4 numbers hold, and what they hold where the engine makes them 8 numbers wide.
import { madd } from './simd'

/** Rows and columns of the tile. WIDE comes from --use: for engines that pair 128-bit operations into 256-bit ones. */
// @ts-ignore: decorator
@inline
export const ROWS: i32 = WIDE ? 6 : 4
// @ts-ignore: decorator
@inline
export const COLS: i32 = WIDE ? 16 : 8

/**
 * c (row stride ldc bytes) = init (row stride ldi; 0 repeats one row) + A B over k. Element (r, k) of A lies at
 * a + r aRow + k aStep, a panel of B is [k][COLS]. Each element is one chain over k in order. Neither unrolled nor
 * larger: V8 then spills registers and loses half the speed.
 */
// @ts-ignore: decorator
@inline
export function tile(
  c: usize, ldc: usize, a: usize, aRow: usize, aStep: usize, b: usize, k: i32, init: usize, ldi: usize,
): void {
  // @ts-ignore: WIDE comes from --use
  if (WIDE) tile6x16(c, ldc, a, aRow, aStep, b, k, init, ldi)
  else tile4x8(c, ldc, a, aRow, aStep, b, k, init, ldi)
}

/** 8 accumulators of 4 numbers: as much as fits beside two vectors of B and one of A. */
function tile4x8(
  c: usize, ldc: usize, a: usize, aRow: usize, aStep: usize, b: usize, k: i32, init: usize, ldi: usize,
): void {
  let c00 = v128.load(init), c01 = v128.load(init, 16)
  init += ldi
  let c10 = v128.load(init), c11 = v128.load(init, 16)
  init += ldi
  let c20 = v128.load(init), c21 = v128.load(init, 16)
  init += ldi
  let c30 = v128.load(init), c31 = v128.load(init, 16)
  const row2 = aRow * 2, row3 = aRow * 3
  const end = b + <usize>k * 32
  while (b != end) {
    const b0 = v128.load(b), b1 = v128.load(b, 16)
    let s = v128.load32_splat(a)
    c00 = madd(s, b0, c00)
    c01 = madd(s, b1, c01)
    s = v128.load32_splat(a + aRow)
    c10 = madd(s, b0, c10)
    c11 = madd(s, b1, c11)
    s = v128.load32_splat(a + row2)
    c20 = madd(s, b0, c20)
    c21 = madd(s, b1, c21)
    s = v128.load32_splat(a + row3)
    c30 = madd(s, b0, c30)
    c31 = madd(s, b1, c31)
    a += aStep
    b += 32
  }
  v128.store(c, c00)
  v128.store(c, c01, 16)
  c += ldc
  v128.store(c, c10)
  v128.store(c, c11, 16)
  c += ldc
  v128.store(c, c20)
  v128.store(c, c21, 16)
  c += ldc
  v128.store(c, c30)
  v128.store(c, c31, 16)
}

/** 24 accumulators of 4 numbers, which the engine holds as 12 of 8. On 4-wide registers it would spill. */
function tile6x16(
  c: usize, ldc: usize, a: usize, aRow: usize, aStep: usize, b: usize, k: i32, init: usize, ldi: usize,
): void {
  let c00 = v128.load(init), c01 = v128.load(init, 16), c02 = v128.load(init, 32), c03 = v128.load(init, 48)
  init += ldi
  let c10 = v128.load(init), c11 = v128.load(init, 16), c12 = v128.load(init, 32), c13 = v128.load(init, 48)
  init += ldi
  let c20 = v128.load(init), c21 = v128.load(init, 16), c22 = v128.load(init, 32), c23 = v128.load(init, 48)
  init += ldi
  let c30 = v128.load(init), c31 = v128.load(init, 16), c32 = v128.load(init, 32), c33 = v128.load(init, 48)
  init += ldi
  let c40 = v128.load(init), c41 = v128.load(init, 16), c42 = v128.load(init, 32), c43 = v128.load(init, 48)
  init += ldi
  let c50 = v128.load(init), c51 = v128.load(init, 16), c52 = v128.load(init, 32), c53 = v128.load(init, 48)
  const row2 = aRow * 2, row3 = aRow * 3, row4 = aRow * 4, row5 = aRow * 5
  const end = b + <usize>k * 64
  while (b != end) {
    const b0 = v128.load(b), b1 = v128.load(b, 16), b2 = v128.load(b, 32), b3 = v128.load(b, 48)
    let s = v128.load32_splat(a)
    c00 = madd(s, b0, c00)
    c01 = madd(s, b1, c01)
    c02 = madd(s, b2, c02)
    c03 = madd(s, b3, c03)
    s = v128.load32_splat(a + aRow)
    c10 = madd(s, b0, c10)
    c11 = madd(s, b1, c11)
    c12 = madd(s, b2, c12)
    c13 = madd(s, b3, c13)
    s = v128.load32_splat(a + row2)
    c20 = madd(s, b0, c20)
    c21 = madd(s, b1, c21)
    c22 = madd(s, b2, c22)
    c23 = madd(s, b3, c23)
    s = v128.load32_splat(a + row3)
    c30 = madd(s, b0, c30)
    c31 = madd(s, b1, c31)
    c32 = madd(s, b2, c32)
    c33 = madd(s, b3, c33)
    s = v128.load32_splat(a + row4)
    c40 = madd(s, b0, c40)
    c41 = madd(s, b1, c41)
    c42 = madd(s, b2, c42)
    c43 = madd(s, b3, c43)
    s = v128.load32_splat(a + row5)
    c50 = madd(s, b0, c50)
    c51 = madd(s, b1, c51)
    c52 = madd(s, b2, c52)
    c53 = madd(s, b3, c53)
    a += aStep
    b += 64
  }
  v128.store(c, c00)
  v128.store(c, c01, 16)
  v128.store(c, c02, 32)
  v128.store(c, c03, 48)
  c += ldc
  v128.store(c, c10)
  v128.store(c, c11, 16)
  v128.store(c, c12, 32)
  v128.store(c, c13, 48)
  c += ldc
  v128.store(c, c20)
  v128.store(c, c21, 16)
  v128.store(c, c22, 32)
  v128.store(c, c23, 48)
  c += ldc
  v128.store(c, c30)
  v128.store(c, c31, 16)
  v128.store(c, c32, 32)
  v128.store(c, c33, 48)
  c += ldc
  v128.store(c, c40)
  v128.store(c, c41, 16)
  v128.store(c, c42, 32)
  v128.store(c, c43, 48)
  c += ldc
  v128.store(c, c50)
  v128.store(c, c51, 16)
  v128.store(c, c52, 32)
  v128.store(c, c53, 48)
}
