// Matrix product: panels of COLS columns of B, rows of A, and a tile of C held in registers (tile.ts).
// Every element of C is one chain over k in order, whatever the strides, tiles or threads: same numbers, same bits.
import { unary } from './elementwise'
import { madd, splat } from './simd'
import { COLS, ROWS, tile } from './tile'

/** Rows of A taken at a time, and the most steps of k before C is put down: A's block stays in L2, B's panel in L1. */
const MC: i32 = 60
const KC: i32 = 384
/** A packed block of A. The last pack of 4 lanes may write past it. */
const BLOCK: usize = <usize>MC * <usize>KC * 4 + 64
/** Scratch of gemmRows: packed A, then one tile. */
export const ROWS_SCRATCH: i32 = <i32>BLOCK + ROWS * COLS * 4
/** A row of COLS zeros, where no kernel writes: what a product without bias starts from. */
const ZEROS: usize = 512

/** Chunks of rows that are a multiple of this leave no tile half empty. */
export function tileRows(): i32 {
  return ROWS
}

export function rowsScratch(): i32 {
  return ROWS_SCRATCH
}

/** Panels of n columns. */
export function panelsOf(n: i32): i32 {
  return (n + COLS - 1) / COLS
}

/** Bytes of B [k, n] packed. */
export function packedBytes(n: i32, k: i32): usize {
  return <usize>panelsOf(n) * <usize>k * COLS * 4
}

/**
 * Packs 4 lanes (rows of A, columns of B) over k: dst moves by dstStep a k. A lane lies laneStride bytes after the one
 * before it, a k kStride. Lanes past `lanes` repeat the last one: their results are never stored.
 */
function pack4(dst: usize, dstStep: usize, src: usize, laneStride: usize, kStride: usize, lanes: i32, k: i32): void {
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

/**
 * Packs `lanes` lanes, at most `width` of them, as [k][width]. From the last four to the first, because those of a tile
 * with 6 overlap. What is left of the width becomes 0: rubbish there might be denormal, and slow to multiply by.
 */
// @ts-ignore: decorator
@inline
function pack(dst: usize, width: i32, src: usize, laneStride: usize, kStride: usize, lanes: i32, k: i32): void {
  const step = <usize>width * 4
  for (let at = (width - 1) & ~3; at >= 0; at -= 4) {
    let to = dst + <usize>at * 4
    if (at < lanes) pack4(to, step, src + <usize>at * laneStride, laneStride, kStride, lanes - at, k)
    else for (let i = 0; i < k; i++, to += step) v128.store(to, i32x4.splat(0))
  }
}

/** Packs `count` panels of B [k, n] from the panel `from`, each [k][COLS], to their places behind dst. */
export function packB(dst: usize, b: usize, rowStride: usize, colStride: usize, n: i32, k: i32, from: i32, count: i32): void {
  for (let j = from; j < from + count; j++) {
    const first = <usize>j * COLS
    pack(dst + first * k * 4, COLS, b + first * colStride, colStride, rowStride, n - j * COLS, k)
  }
}

/** Rows of `cols` numbers. */
function copyRows(to: usize, ldTo: usize, from: usize, ldFrom: usize, rows: i32, cols: i32): void {
  for (; rows > 0; rows--, to += ldTo, from += ldFrom) {
    let j = 0
    for (; j + 4 <= cols; j += 4) v128.store(to + <usize>j * 4, v128.load(from + <usize>j * 4))
    for (; j < cols; j++) store<f32>(to + <usize>j * 4, load<f32>(from + <usize>j * 4))
  }
}

/** A tile that sticks out of C: computed aside at `t`, and its valid part copied. */
function edge(
  c: usize, ldc: usize, rows: i32, cols: i32, a: usize, aRow: usize, aStep: usize, b: usize, k: i32, init: usize, ldi: usize, t: usize,
): void {
  const ldt: usize = COLS * 4
  if (init != ZEROS) {
    memory.fill(t, 0, ROWS * ldt)
    copyRows(t, ldt, init, ldi, ldi ? rows : 1, cols)
    init = t
    if (ldi) ldi = ldt
  }
  tile(t, ldt, a, aRow, aStep, b, k, init, ldi)
  copyRows(c, ldc, t, ldt, rows, cols)
}

/** A function over rows of C that were just written, in place; `act` is its number in ./elementwise, -1 none. */
// @ts-ignore: decorator
@inline
function activate(act: i32, c: usize, ldc: usize, rows: i32, n: i32): void {
  if (act >= 0) for (; rows > 0; rows--, c += ldc) unary(act, c, c, n)
}

/**
 * C [m, n] = A [m, k] B, plus bias [n] (0: none), or plus C where `add`, then `act`. B is packed by packB. Strides are in
 * bytes. scratch: ROWS_SCRATCH bytes.
 */
export function gemmRows(
  c: usize, ldc: usize, a: usize, rowStride: usize, colStride: usize, b: usize,
  m: i32, n: i32, k: i32, bias: usize, add: bool, act: i32, scratch: usize,
): void {
  const aside = scratch + BLOCK
  const parts = max(1, (k + KC - 1) / KC)
  const most = (k + parts - 1) / parts
  for (let i0 = 0; i0 < m; i0 += MC) {
    const mc = min(MC, m - i0)
    // Rows that lie together along k are read where they are; others, and too few for a tile, are packed.
    const direct = colStride == 4 ? mc - (mc % ROWS) : 0
    let p0 = 0
    do {
      const kc = min(most, k - p0)
      const block = a + <usize>i0 * rowStride + <usize>p0 * colStride
      for (let i = direct; i < mc; i += ROWS) {
        pack(scratch + <usize>i * kc * 4, ROWS, block + <usize>i * rowStride, rowStride, colStride, mc - i, kc)
      }
      const resume = p0 > 0 || add
      for (let j = 0; j < n; j += COLS) {
        const panel = b + <usize>j * k * 4 + <usize>p0 * COLS * 4
        for (let i = 0; i < mc; i += ROWS) {
          const at = c + <usize>(i0 + i) * ldc + <usize>j * 4
          const init = resume ? at : bias ? bias + <usize>j * 4 : ZEROS
          const ldi = resume ? ldc : 0
          const packed = i >= direct
          const rows = packed ? scratch + <usize>i * kc * 4 : block + <usize>i * rowStride
          const aRow = packed ? 4 : rowStride
          const aStep = packed ? ROWS * 4 : 4
          if (i + ROWS <= mc && j + COLS <= n) tile(at, ldc, rows, aRow, aStep, panel, kc, init, ldi)
          else edge(at, ldc, min(ROWS, mc - i), min(COLS, n - j), rows, aRow, aStep, panel, kc, init, ldi, aside)
        }
      }
      p0 += most
    } while (p0 < k)
    activate(act, c + <usize>i0 * ldc, ldc, mc, n)
  }
}

/**
 * Panels of B in cache while all rows pass them: columns [n] are taken so many at a time that they fit in this.
 */
const B_BYTES: usize = 4 << 20

/** How many columns of B [k, n] are packed at a time. */
export function columnsAtOnce(n: i32, k: i32): i32 {
  return min(panelsOf(n), max(1, <i32>(B_BYTES / (<usize>max(k, 1) * COLS * 4)))) * COLS
}

/** Scratch of gemmOne and of gemmBatch. */
export function batchScratch(n: i32, k: i32): usize {
  return ROWS_SCRATCH + packedBytes(columnsAtOnce(n, k), k)
}

/** C [m, n] (row stride ldc) = A B, plus bias [n] (0: none), then `act`. Strides are in bytes. scratch: batchScratch(n, k). */
export function gemmOne(
  c: usize, ldc: usize, a: usize, aRow: usize, aCol: usize, b: usize, bRow: usize, bCol: usize,
  m: i32, n: i32, k: i32, bias: usize, act: i32, scratch: usize,
): void {
  const panels = scratch + ROWS_SCRATCH
  const step = columnsAtOnce(n, k)
  for (let j = 0; j < n; j += step) {
    const cols = min(step, n - j)
    packB(panels, b + <usize>j * bCol, bRow, bCol, cols, k, 0, panelsOf(cols))
    gemmRows(c + <usize>j * 4, ldc, a, aRow, aCol, panels, m, cols, k, bias ? bias + <usize>j * 4 : 0, false, act, scratch)
  }
}

/** out [batch, m, n]; pairs: for each matrix the addresses of A and B. */
export function gemmBatch(
  out: usize, pairs: usize, batch: i32, aRow: usize, aCol: usize, bRow: usize, bCol: usize,
  m: i32, n: i32, k: i32, bias: usize, act: i32, scratch: usize,
): void {
  for (let i = 0; i < batch; i++) {
    const a = <usize>load<u32>(pairs + i * 8), b = <usize>load<u32>(pairs + i * 8, 4)
    gemmOne(out + <usize>i * m * n * 4, <usize>n * 4, a, aRow, aCol, b, bRow, bCol, m, n, k, bias, act, scratch)
  }
}

/** Scratch of gemmTurned. */
export function turnedScratch(m: i32, k: i32): usize {
  return <usize>(ROWS * COLS * 8) + <usize>k * ROWS * 4 + 64 + packedBytes(m, k)
}

/**
 * The same product turned: C^T = B^T A^T, for few rows of A and a B whose columns lie along k (a weight [out, in]). A is
 * packed, B is read in place, once: packing it would cost as much as multiplying by it. scratch: turnedScratch(m, k).
 */
export function gemmTurned(
  c: usize, ldc: usize, a: usize, aRow: usize, aCol: usize, b: usize, bCol: usize,
  m: i32, n: i32, k: i32, bias: usize, act: i32, scratch: usize,
): void {
  const ldt: usize = COLS * 4
  const start = scratch + ROWS * ldt
  const last = start + ROWS * ldt
  const panels = last + <usize>k * ROWS * 4 + 64
  packB(panels, a, aCol, aRow, m, k, 0, panelsOf(m))
  for (let i = 0; i < n; i += ROWS) {
    const rows = min(ROWS, n - i)
    const whole = rows == ROWS
    let w = b + <usize>i * bCol
    if (!whole) {
      pack(last, ROWS, w, bCol, 4, rows, k)
      w = last
    }
    if (bias) {
      for (let r = 0; r < rows; r++) {
        const x = v128.load32_splat(bias + <usize>(i + r) * 4)
        for (let at: usize = 0; at < ldt; at += 16) v128.store(start + r * ldt + at, x)
      }
    }
    for (let j = 0; j < m; j += COLS) {
      const panel = panels + <usize>j * k * 4
      tile(scratch, ldt, w, whole ? bCol : 4, whole ? 4 : ROWS * 4, panel, k, bias ? start : ZEROS, bias ? ldt : 0)
      for (let t = min(COLS, m - j) - 1; t >= 0; t--) {
        const to = c + <usize>(j + t) * ldc + <usize>i * 4
        for (let r = 0; r < rows; r++) store<f32>(to + r * 4, load<f32>(scratch + r * ldt + t * 4))
      }
    }
  }
  activate(act, c, ldc, m, n)
}

/** Columns of B that gemvTurned takes at a time. */
const LANES: i32 = 8

/** Numbers p .. p + 3 of k, of four columns of B, by k: lane r is of column r. */
// @ts-ignore: decorator
@inline
function four(acc: v128, b: usize, bCol: usize, x0: v128, x1: v128, x2: v128, x3: v128): v128 {
  const r0 = v128.load(b), r1 = v128.load(b + bCol), r2 = v128.load(b + bCol * 2), r3 = v128.load(b + bCol * 3)
  const t0 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5), t1 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5)
  const t2 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7), t3 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7)
  acc = madd(x0, v128.shuffle<i64>(t0, t1, 0, 2), acc)
  acc = madd(x1, v128.shuffle<i64>(t0, t1, 1, 3), acc)
  acc = madd(x2, v128.shuffle<i64>(t2, t3, 0, 2), acc)
  return madd(x3, v128.shuffle<i64>(t2, t3, 1, 3), acc)
}

/** Four numbers `step` bytes apart, one a lane. */
// @ts-ignore: decorator
@inline
function gather(p: usize, step: usize): v128 {
  let v = v128.load32_zero(p)
  v = v128.load_lane<f32>(p + step, v, 1)
  v = v128.load_lane<f32>(p + step * 2, v, 2)
  return v128.load_lane<f32>(p + step * 3, v, 3)
}

// @ts-ignore: decorator
@inline
function scatter(p: usize, step: usize, v: v128): void {
  v128.store_lane<f32>(p, v, 0)
  v128.store_lane<f32>(p + step, v, 1)
  v128.store_lane<f32>(p + step * 2, v, 2)
  v128.store_lane<f32>(p + step * 3, v, 3)
}

/**
 * The same for one row of A: each column of B is read once, from memory as fast as it comes, and nothing is packed. Lanes are
 * columns, so that each element is the chain over k that the tile has. They are n / LANES columns apart and not neighbours: so
 * each lane reads on and on from where it is, as hardware fetches ahead, and does not jump at the end of a column, which is a
 * third slower. Where n is no multiple of LANES each lane ends with columns that the next began
 * with, and of fewer than LANES columns all lanes have the same. k: by fours.
 */
export function gemvTurned(
  c: usize, a: usize, aCol: usize, b: usize, bCol: usize, n: i32, k: i32, bias: usize, act: i32,
): void {
  const block = n / LANES
  const own = <usize>block * 4, apart = <usize>block * bCol, step = bias ? own : 0
  for (let i = 0; i < n - (LANES - 1) * block; i++) {
    const at = <usize>i * 4
    let w = b + <usize>i * bCol
    let x = a
    const from = bias ? bias + at : ZEROS
    let lo = gather(from, step), hi = gather(from + step * 4, step)
    for (let p = 0; p < k; p += 4) {
      const x0 = v128.load32_splat(x), x1 = v128.load32_splat(x + aCol)
      const x2 = v128.load32_splat(x + aCol * 2), x3 = v128.load32_splat(x + aCol * 3)
      lo = four(lo, w, apart, x0, x1, x2, x3)
      hi = four(hi, w + apart * 4, apart, x0, x1, x2, x3)
      w += 16
      x += aCol * 4
    }
    scatter(c + at, own, lo)
    scatter(c + at + own * 4, own, hi)
  }
  activate(act, c, 0, 1, n)
}
