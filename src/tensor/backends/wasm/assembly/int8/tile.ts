// The innermost whole-number product: a tile of C held in registers while k passes, eight k at a time. Ways to the same
// sums: 16-bit operands (no relaxed SIMD), 8-bit ones by dots of 16 bits, 8-bit ones by a dot that adds into 32; the latter
// two on vectors of 4 numbers, and on those that the engine pairs.

/** Rows of the tile. More would spill; fewer of the dot that adds would wait for each other. */
// @ts-ignore: decorator
@inline
export const ROWS: i32 = DOT == 2 && WIDE ? 6 : 3
/** Columns of a packed panel, whatever the build: weights are packed once, and a build may be chosen later. */
// @ts-ignore: decorator
@inline
export const PANEL: i32 = 16
/** Bytes of a number of A: 16 bits where the product takes 16-bit operands. DOT comes from --use. */
// @ts-ignore: decorator
@inline
export const A_BYTES: i32 = DOT ? 1 : 2

/** Bytes of a panel over eight k: [2][PANEL][4]. */
// @ts-ignore: decorator
@inline
const STEP: usize = 128

/** Loaded, not a constant: Node 24 makes a v128 constant anew at each use. */
const ONES = memory.data<i16>([1, 1, 1, 1, 1, 1, 1, 1])

/**
 * c (int32, row stride ldc bytes) = A B over `steps` times eight k. Rows of A lie aRow bytes apart; b is a panel
 * [k / 8][2][PANEL][4]. `eight`: weights of 8 bits, else of 7. Writes ROWS x PANEL.
 */
// @ts-ignore: decorator
@inline
export function tile(c: usize, ldc: usize, a: usize, aRow: usize, b: usize, steps: i32, eight: i32): void {
  // @ts-ignore: DOT and WIDE come from --use
  if (DOT == 2) {
    // @ts-ignore: as above
    if (WIDE) dots6(c, ldc, a, aRow, b, steps)
    else dots3(c, ldc, a, aRow, b, steps)
  } else if (DOT) {
    // @ts-ignore: as above
    if (WIDE) {
      if (eight) wide8(c, ldc, a, aRow, b, steps)
      else wide7(c, ldc, a, aRow, b, steps)
    } else if (eight) {
      narrow8(c, ldc, a, aRow, b, steps)
      narrow8(c + 32, ldc, a, aRow, b + 32, steps)
    } else {
      narrow7(c, ldc, a, aRow, b, steps)
      narrow7(c + 32, ldc, a, aRow, b + 32, steps)
    }
  } else {
    words(c, ldc, a, aRow, b, steps)
    words(c + 32, ldc, a, aRow, b + 32, steps)
  }
}

/**
 * Eight products of 7-bit weights in one: the sum of two i16 dots is at most 4 x 127 x 64 = 32,512, which fits, so one
 * widening serves both. The weights come first: the second operand must be 0 to 127, which is all that is portable.
 */
// @ts-ignore: decorator
@inline
function add7(c: v128, b0: v128, b1: v128, a0: v128, a1: v128, ones: v128): v128 {
  return i32x4.add(
    c,
    i32x4.dot_i16x8_s(i16x8.add(v128.relaxed_dot<i16>(b0, a0), v128.relaxed_dot<i16>(b1, a1)), ones),
  )
}

/** Of 8-bit weights one dot fits alone: 2 x 127 x 128 = 32,512. */
// @ts-ignore: decorator
@inline
function add8(c: v128, b: v128, a: v128, ones: v128): v128 {
  return i32x4.add(c, i32x4.dot_i16x8_s(v128.relaxed_dot<i16>(b, a), ones))
}

function narrow7(c: usize, ldc: usize, a: usize, aRow: usize, b: usize, steps: i32): void {
  const ones = v128.load(ONES)
  let c00 = i32x4.splat(0), c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00
  const row2 = aRow * 2
  for (const end = b + <usize>steps * STEP; b != end; b += STEP, a += 8) {
    const b00 = v128.load(b), b01 = v128.load(b, 16), b10 = v128.load(b, 64), b11 = v128.load(b, 80)
    let s = v128.load32_splat(a), t = v128.load32_splat(a, 4)
    c00 = add7(c00, b00, b10, s, t, ones)
    c01 = add7(c01, b01, b11, s, t, ones)
    s = v128.load32_splat(a + aRow)
    t = v128.load32_splat(a + aRow, 4)
    c10 = add7(c10, b00, b10, s, t, ones)
    c11 = add7(c11, b01, b11, s, t, ones)
    s = v128.load32_splat(a + row2)
    t = v128.load32_splat(a + row2, 4)
    c20 = add7(c20, b00, b10, s, t, ones)
    c21 = add7(c21, b01, b11, s, t, ones)
  }
  store3x8(c, ldc, c00, c01, c10, c11, c20, c21)
}

function narrow8(c: usize, ldc: usize, a: usize, aRow: usize, b: usize, steps: i32): void {
  const ones = v128.load(ONES)
  let c00 = i32x4.splat(0), c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00
  const row2 = aRow * 2
  // A panel's half step is 64 bytes and 4 k.
  for (const end = b + <usize>steps * STEP; b != end; b += 64, a += 4) {
    const b0 = v128.load(b), b1 = v128.load(b, 16)
    let s = v128.load32_splat(a)
    c00 = add8(c00, b0, s, ones)
    c01 = add8(c01, b1, s, ones)
    s = v128.load32_splat(a + aRow)
    c10 = add8(c10, b0, s, ones)
    c11 = add8(c11, b1, s, ones)
    s = v128.load32_splat(a + row2)
    c20 = add8(c20, b0, s, ones)
    c21 = add8(c21, b1, s, ones)
  }
  store3x8(c, ldc, c00, c01, c10, c11, c20, c21)
}

// @ts-ignore: decorator
@inline
function store3x8(c: usize, ldc: usize, c00: v128, c01: v128, c10: v128, c11: v128, c20: v128, c21: v128): void {
  v128.store(c, c00)
  v128.store(c, c01, 16)
  c += ldc
  v128.store(c, c10)
  v128.store(c, c11, 16)
  c += ldc
  v128.store(c, c20)
  v128.store(c, c21, 16)
}

/** 12 accumulators of 4 numbers, which the engine holds as 6 of 8. */
function wide7(c: usize, ldc: usize, a: usize, aRow: usize, b: usize, steps: i32): void {
  const ones = v128.load(ONES)
  let c00 = i32x4.splat(0), c01 = c00, c02 = c00, c03 = c00
  let c10 = c00, c11 = c00, c12 = c00, c13 = c00
  let c20 = c00, c21 = c00, c22 = c00, c23 = c00
  const row2 = aRow * 2
  for (const end = b + <usize>steps * STEP; b != end; b += STEP, a += 8) {
    const b00 = v128.load(b), b01 = v128.load(b, 16), b02 = v128.load(b, 32), b03 = v128.load(b, 48)
    const b10 = v128.load(b, 64), b11 = v128.load(b, 80), b12 = v128.load(b, 96), b13 = v128.load(b, 112)
    let s = v128.load32_splat(a), t = v128.load32_splat(a, 4)
    c00 = add7(c00, b00, b10, s, t, ones)
    c01 = add7(c01, b01, b11, s, t, ones)
    c02 = add7(c02, b02, b12, s, t, ones)
    c03 = add7(c03, b03, b13, s, t, ones)
    s = v128.load32_splat(a + aRow)
    t = v128.load32_splat(a + aRow, 4)
    c10 = add7(c10, b00, b10, s, t, ones)
    c11 = add7(c11, b01, b11, s, t, ones)
    c12 = add7(c12, b02, b12, s, t, ones)
    c13 = add7(c13, b03, b13, s, t, ones)
    s = v128.load32_splat(a + row2)
    t = v128.load32_splat(a + row2, 4)
    c20 = add7(c20, b00, b10, s, t, ones)
    c21 = add7(c21, b01, b11, s, t, ones)
    c22 = add7(c22, b02, b12, s, t, ones)
    c23 = add7(c23, b03, b13, s, t, ones)
  }
  store3x16(c, ldc, c00, c01, c02, c03, c10, c11, c12, c13, c20, c21, c22, c23)
}

function wide8(c: usize, ldc: usize, a: usize, aRow: usize, b: usize, steps: i32): void {
  const ones = v128.load(ONES)
  let c00 = i32x4.splat(0), c01 = c00, c02 = c00, c03 = c00
  let c10 = c00, c11 = c00, c12 = c00, c13 = c00
  let c20 = c00, c21 = c00, c22 = c00, c23 = c00
  const row2 = aRow * 2
  for (const end = b + <usize>steps * STEP; b != end; b += 64, a += 4) {
    const b0 = v128.load(b), b1 = v128.load(b, 16), b2 = v128.load(b, 32), b3 = v128.load(b, 48)
    let s = v128.load32_splat(a)
    c00 = add8(c00, b0, s, ones)
    c01 = add8(c01, b1, s, ones)
    c02 = add8(c02, b2, s, ones)
    c03 = add8(c03, b3, s, ones)
    s = v128.load32_splat(a + aRow)
    c10 = add8(c10, b0, s, ones)
    c11 = add8(c11, b1, s, ones)
    c12 = add8(c12, b2, s, ones)
    c13 = add8(c13, b3, s, ones)
    s = v128.load32_splat(a + row2)
    c20 = add8(c20, b0, s, ones)
    c21 = add8(c21, b1, s, ones)
    c22 = add8(c22, b2, s, ones)
    c23 = add8(c23, b3, s, ones)
  }
  store3x16(c, ldc, c00, c01, c02, c03, c10, c11, c12, c13, c20, c21, c22, c23)
}

// @ts-ignore: decorator
@inline
function store3x16(
  c: usize, ldc: usize, c00: v128, c01: v128, c02: v128, c03: v128,
  c10: v128, c11: v128, c12: v128, c13: v128, c20: v128, c21: v128, c22: v128, c23: v128,
): void {
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
}

/** Without relaxed SIMD: 16-bit operands. A vector holds two columns, each in two parts that are added at the end. */
function words(c: usize, ldc: usize, a: usize, aRow: usize, b: usize, steps: i32): void {
  let c00 = i32x4.splat(0), c01 = c00, c02 = c00, c03 = c00
  let c10 = c00, c11 = c00, c12 = c00, c13 = c00
  let c20 = c00, c21 = c00, c22 = c00, c23 = c00
  const row2 = aRow * 2
  for (const end = b + <usize>steps * STEP; b != end; b += 64, a += 8) {
    const s0 = v128.load64_splat(a), s1 = v128.load64_splat(a + aRow), s2 = v128.load64_splat(a + row2)
    let w = v128.load_ext<i8>(b)
    c00 = i32x4.add(c00, i32x4.dot_i16x8_s(s0, w))
    c10 = i32x4.add(c10, i32x4.dot_i16x8_s(s1, w))
    c20 = i32x4.add(c20, i32x4.dot_i16x8_s(s2, w))
    w = v128.load_ext<i8>(b, 8)
    c01 = i32x4.add(c01, i32x4.dot_i16x8_s(s0, w))
    c11 = i32x4.add(c11, i32x4.dot_i16x8_s(s1, w))
    c21 = i32x4.add(c21, i32x4.dot_i16x8_s(s2, w))
    w = v128.load_ext<i8>(b, 16)
    c02 = i32x4.add(c02, i32x4.dot_i16x8_s(s0, w))
    c12 = i32x4.add(c12, i32x4.dot_i16x8_s(s1, w))
    c22 = i32x4.add(c22, i32x4.dot_i16x8_s(s2, w))
    w = v128.load_ext<i8>(b, 24)
    c03 = i32x4.add(c03, i32x4.dot_i16x8_s(s0, w))
    c13 = i32x4.add(c13, i32x4.dot_i16x8_s(s1, w))
    c23 = i32x4.add(c23, i32x4.dot_i16x8_s(s2, w))
  }
  v128.store(c, halves(c00, c01))
  v128.store(c, halves(c02, c03), 16)
  c += ldc
  v128.store(c, halves(c10, c11))
  v128.store(c, halves(c12, c13), 16)
  c += ldc
  v128.store(c, halves(c20, c21))
  v128.store(c, halves(c22, c23), 16)
}

// @ts-ignore: decorator
@inline
function halves(x: v128, y: v128): v128 {
  return i32x4.add(v128.shuffle<i32>(x, y, 0, 2, 4, 6), v128.shuffle<i32>(x, y, 1, 3, 5, 7))
}

/**
 * Four products of 8 bits, added to 32: one instruction with AVX-VNNI and on Arm, three elsewhere on x64. V8's baseline
 * compiler computed it wrong before version 12, so that a build with it is for those who look first.
 */
// @ts-ignore: decorator
@inline
function dot(b: v128, a: v128, c: v128): v128 {
  return v128.relaxed_dot_add<i32>(b, a, c)
}

function dots3(c: usize, ldc: usize, a: usize, aRow: usize, b: usize, steps: i32): void {
  let c00 = i32x4.splat(0), c01 = c00, c02 = c00, c03 = c00
  let c10 = c00, c11 = c00, c12 = c00, c13 = c00
  let c20 = c00, c21 = c00, c22 = c00, c23 = c00
  const row2 = aRow * 2
  for (const end = b + <usize>steps * STEP; b != end; b += 64, a += 4) {
    const b0 = v128.load(b), b1 = v128.load(b, 16), b2 = v128.load(b, 32), b3 = v128.load(b, 48)
    let s = v128.load32_splat(a)
    c00 = dot(b0, s, c00)
    c01 = dot(b1, s, c01)
    c02 = dot(b2, s, c02)
    c03 = dot(b3, s, c03)
    s = v128.load32_splat(a + aRow)
    c10 = dot(b0, s, c10)
    c11 = dot(b1, s, c11)
    c12 = dot(b2, s, c12)
    c13 = dot(b3, s, c13)
    s = v128.load32_splat(a + row2)
    c20 = dot(b0, s, c20)
    c21 = dot(b1, s, c21)
    c22 = dot(b2, s, c22)
    c23 = dot(b3, s, c23)
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
}

/** 24 accumulators of 4 numbers, which the engine holds as 12 of 8. Weights of 7 and of 8 bits alike. */
function dots6(c: usize, ldc: usize, a: usize, aRow: usize, b: usize, steps: i32): void {
  let c00 = i32x4.splat(0), c01 = c00, c02 = c00, c03 = c00
  let c10 = c00, c11 = c00, c12 = c00, c13 = c00
  let c20 = c00, c21 = c00, c22 = c00, c23 = c00
  let c30 = c00, c31 = c00, c32 = c00, c33 = c00
  let c40 = c00, c41 = c00, c42 = c00, c43 = c00
  let c50 = c00, c51 = c00, c52 = c00, c53 = c00
  const row2 = aRow * 2
  const row3 = aRow * 3
  const row4 = aRow * 4
  const row5 = aRow * 5
  for (const end = b + <usize>steps * STEP; b != end; b += 64, a += 4) {
    const b0 = v128.load(b), b1 = v128.load(b, 16), b2 = v128.load(b, 32), b3 = v128.load(b, 48)
    let s = v128.load32_splat(a)
    c00 = dot(b0, s, c00)
    c01 = dot(b1, s, c01)
    c02 = dot(b2, s, c02)
    c03 = dot(b3, s, c03)
    s = v128.load32_splat(a + aRow)
    c10 = dot(b0, s, c10)
    c11 = dot(b1, s, c11)
    c12 = dot(b2, s, c12)
    c13 = dot(b3, s, c13)
    s = v128.load32_splat(a + row2)
    c20 = dot(b0, s, c20)
    c21 = dot(b1, s, c21)
    c22 = dot(b2, s, c22)
    c23 = dot(b3, s, c23)
    s = v128.load32_splat(a + row3)
    c30 = dot(b0, s, c30)
    c31 = dot(b1, s, c31)
    c32 = dot(b2, s, c32)
    c33 = dot(b3, s, c33)
    s = v128.load32_splat(a + row4)
    c40 = dot(b0, s, c40)
    c41 = dot(b1, s, c41)
    c42 = dot(b2, s, c42)
    c43 = dot(b3, s, c43)
    s = v128.load32_splat(a + row5)
    c50 = dot(b0, s, c50)
    c51 = dot(b1, s, c51)
    c52 = dot(b2, s, c52)
    c53 = dot(b3, s, c53)
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
