// Matrix product: panels of 8 columns of B and 4 rows of A, and a 4x8 tile of C held in registers.
// Every element of C is one chain over k in order, whatever the strides, tiles or threads: same numbers, same bits.
import { madd, splat } from './simd'

/** Rows of A packed at a time, and steps of k before C is put down: A's block stays in L2, B's panel in L1. */
export const MC: i32 = 64
export const KC: i32 = 256
/** Scratch of gemmRows: packed A, then one tile. */
export const ROWS_SCRATCH: i32 = MC * KC * 4 + 128

/**
 * One 4x8 tile over packed panels: c (row stride ldc bytes) = init + A B. init: 0 for zeros, else the address of 8
 * columns with row stride ldi (0: one row of bias for all). Not unrolled and no wider, because V8 then spills
 * registers and loses half the speed.
 */
export function tile(c: usize, ldc: usize, a: usize, b: usize, k: i32, init: usize, ldi: usize): void {
  let c00 = splat(0), c01 = splat(0), c10 = splat(0), c11 = splat(0)
  let c20 = splat(0), c21 = splat(0), c30 = splat(0), c31 = splat(0)
  if (init) {
    c00 = v128.load(init)
    c01 = v128.load(init, 16)
    init += ldi
    c10 = v128.load(init)
    c11 = v128.load(init, 16)
    init += ldi
    c20 = v128.load(init)
    c21 = v128.load(init, 16)
    init += ldi
    c30 = v128.load(init)
    c31 = v128.load(init, 16)
  }
  const end = b + <usize>k * 32
  while (b != end) {
    const b0 = v128.load(b)
    const b1 = v128.load(b, 16)
    let s = v128.load32_splat(a)
    c00 = madd(s, b0, c00)
    c01 = madd(s, b1, c01)
    s = v128.load32_splat(a, 4)
    c10 = madd(s, b0, c10)
    c11 = madd(s, b1, c11)
    s = v128.load32_splat(a, 8)
    c20 = madd(s, b0, c20)
    c21 = madd(s, b1, c21)
    s = v128.load32_splat(a, 12)
    c30 = madd(s, b0, c30)
    c31 = madd(s, b1, c31)
    a += 16
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

/**
 * Packs 4 lanes (rows of A, columns of B) over k: dst moves by dstStep a k. A lane lies laneStride bytes after the one
 * before it, a k kStride. Lanes past `lanes` repeat the last one: their results are never stored.
 */
export function pack4(dst: usize, dstStep: usize, src: usize, laneStride: usize, kStride: usize, lanes: i32, k: i32): void {
  const s1 = lanes > 1 ? laneStride : 0
  const s2 = lanes > 2 ? s1 + laneStride : s1
  const s3 = lanes > 3 ? s2 + laneStride : s2
  if (laneStride == 4 && lanes >= 4) {
    for (let i = 0; i < k; i++) {
      v128.store(dst, v128.load(src))
      src += kStride
      dst += dstStep
    }
    return
  }
  if (kStride == 4) {
    for (; k >= 4; k -= 4) {
      const r0 = v128.load(src), r1 = v128.load(src + s1), r2 = v128.load(src + s2), r3 = v128.load(src + s3)
      const t0 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5), t1 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5)
      const t2 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7), t3 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7)
      v128.store(dst, v128.shuffle<i64>(t0, t1, 0, 2))
      dst += dstStep
      v128.store(dst, v128.shuffle<i64>(t0, t1, 1, 3))
      dst += dstStep
      v128.store(dst, v128.shuffle<i64>(t2, t3, 0, 2))
      dst += dstStep
      v128.store(dst, v128.shuffle<i64>(t2, t3, 1, 3))
      dst += dstStep
      src += 16
    }
  }
  for (; k > 0; k--) {
    store<f32>(dst, load<f32>(src))
    store<f32>(dst, load<f32>(src + s1), 4)
    store<f32>(dst, load<f32>(src + s2), 8)
    store<f32>(dst, load<f32>(src + s3), 12)
    src += kStride
    dst += dstStep
  }
}

/** Packs panels [from, to) of B [k, n], each [k][8], one after the other. */
export function packB(dst: usize, b: usize, rowStride: usize, colStride: usize, n: i32, k: i32, from: i32, to: i32): void {
  for (let j = from; j < to; j++) {
    const p = dst + <usize>j * <usize>k * 32
    const s = b + <usize>j * 8 * colStride
    const cols = n - j * 8
    pack4(p, 32, s, colStride, rowStride, cols, k)
    if (cols > 4) pack4(p + 16, 32, s + 4 * colStride, colStride, rowStride, cols - 4, k)
  }
}

/** A tile that sticks out of C: computed aside at `t` (128 bytes), and its valid part copied. */
function edge(
  c: usize, ldc: usize, rows: i32, cols: i32, a: usize, b: usize, k: i32, init: usize, ldi: usize, t: usize,
): void {
  if (init) {
    for (let r = 0; r < rows; r++) {
      for (let j = 0; j < cols; j++) store<f32>(t + r * 32 + j * 4, load<f32>(init + r * ldi + j * 4))
    }
  }
  tile(t, 32, a, b, k, init ? t : 0, 32)
  for (let r = 0; r < rows; r++) {
    for (let j = 0; j < cols; j++) store<f32>(c + r * ldc + j * 4, load<f32>(t + r * 32 + j * 4))
  }
}

/**
 * C [m, n] = A [m, k] B, plus bias [n] (0: none), or plus C where `add`. B is packed by packB. Strides are in bytes.
 * scratch: ROWS_SCRATCH bytes.
 */
export function gemmRows(
  c: usize, ldc: usize, a: usize, rowStride: usize, colStride: usize, b: usize,
  m: i32, n: i32, k: i32, bias: usize, add: bool, scratch: usize,
): void {
  const aside = scratch + MC * KC * 4
  for (let i0 = 0; i0 < m; i0 += MC) {
    const mc = min(MC, m - i0)
    let p0 = 0
    do {
      const kc = min(KC, k - p0)
      const block = a + <usize>i0 * rowStride + <usize>p0 * colStride
      for (let i = 0; i < mc; i += 4) {
        pack4(scratch + <usize>i * kc * 4, 16, block + <usize>i * rowStride, rowStride, colStride, mc - i, kc)
      }
      const resume = p0 > 0 || add
      for (let j = 0; j < n; j += 8) {
        const panel = b + <usize>j * k * 4 + <usize>p0 * 32
        for (let i = 0; i < mc; i += 4) {
          const at = c + <usize>(i0 + i) * ldc + <usize>j * 4
          const init = resume ? at : bias ? bias + <usize>j * 4 : 0
          const ldi = resume ? ldc : 0
          const rows = scratch + <usize>i * kc * 4
          if (i + 4 <= mc && j + 8 <= n) tile(at, ldc, rows, panel, kc, init, ldi)
          else edge(at, ldc, min(4, mc - i), min(8, n - j), rows, panel, kc, init, ldi, aside)
        }
      }
      p0 += KC
    } while (p0 < k)
  }
}

/** Bytes of B [k, n] packed. */
// @ts-ignore: decorator
@inline
export function packedBytes(n: i32, k: i32): usize {
  return <usize>((n + 7) >> 3) * <usize>k * 32
}

/** A whole small product: packs B after gemmRows' scratch, so scratch is ROWS_SCRATCH + packedBytes(n, k). */
export function gemm(
  c: usize, ldc: usize, a: usize, aRow: usize, aCol: usize, b: usize, bRow: usize, bCol: usize,
  m: i32, n: i32, k: i32, add: bool, scratch: usize,
): void {
  const panels = scratch + ROWS_SCRATCH
  packB(panels, b, bRow, bCol, n, k, 0, (n + 7) >> 3)
  gemmRows(c, ldc, a, aRow, aCol, panels, m, n, k, 0, add, scratch)
}

/** A panel of B should stay in cache while all rows pass it: columns are taken this many bytes of B at a time. */
const B_BYTES: usize = 4 << 20

// @ts-ignore: decorator
@inline
export function columnsAtOnce(n: i32, k: i32): i32 {
  return min((n + 7) & ~7, max(8, <i32>(B_BYTES / (<usize>max(k, 1) * 32)) * 8))
}

/** Scratch of gemmBatch. */
export function batchScratch(n: i32, k: i32): usize {
  return ROWS_SCRATCH + packedBytes(columnsAtOnce(n, k), k)
}

/** C [m, n] (row stride ldc) = A B, plus bias [n] (0: none). Strides are in bytes. scratch: batchScratch(n, k). */
export function gemmOne(
  c: usize, ldc: usize, a: usize, aRow: usize, aCol: usize, b: usize, bRow: usize, bCol: usize,
  m: i32, n: i32, k: i32, bias: usize, scratch: usize,
): void {
  const panels = scratch + ROWS_SCRATCH
  const step = columnsAtOnce(n, k)
  for (let j = 0; j < n; j += step) {
    const cols = min(step, n - j)
    packB(panels, b + <usize>j * bCol, bRow, bCol, cols, k, 0, (cols + 7) >> 3)
    gemmRows(c + <usize>j * 4, ldc, a, aRow, aCol, panels, m, cols, k, bias ? bias + <usize>j * 4 : 0, false, scratch)
  }
}

/** out [batch, m, n]; pairs: for each matrix the addresses of A and B. */
export function gemmBatch(
  out: usize, pairs: usize, batch: i32, aRow: usize, aCol: usize, bRow: usize, bCol: usize,
  m: i32, n: i32, k: i32, bias: usize, scratch: usize,
): void {
  for (let i = 0; i < batch; i++) {
    const a = <usize>load<u32>(pairs + i * 8), b = <usize>load<u32>(pairs + i * 8, 4)
    gemmOne(out + <usize>i * m * n * 4, <usize>n * 4, a, aRow, aCol, b, bRow, bCol, m, n, k, bias, scratch)
  }
}
