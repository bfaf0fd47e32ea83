// Attention for a range of (batch, head) pairs: scores by the matmul tile, softmax in place, probabilities never kept.
// Queries go in blocks; the gradient computes each block's probabilities anew.
import { gemmRows, packB, packedBytes, panelsOf, ROWS_SCRATCH } from './gemm'
import { below, wordsFrom } from './random'
import { softmaxGradRow, softmaxRow } from './rows'
import { loadTail, splat, storeTail } from './simd'

/** As ../attention.ts writes it. Strides in bytes. */
@unmanaged
export class Args {
  H: i32
  S: i32
  T: i32
  D: i32
  qB: usize
  qH: usize
  qS: usize
  kB: usize
  kH: usize
  kT: usize
  vB: usize
  vH: usize
  vT: usize
  oB: usize
  oH: usize
  oS: usize
  scale: f32
  causal: i32
  /** [B, T] int32, 0: none. */
  mask: usize
  /** [B + 1] int32, 0: none. With it S and T are the longest segment, and the batch strides are unused. */
  starts: usize
  k0: i32
  k1: i32
  /** 0: no dropout. 1: words below `limit` drop. 2: all drop. */
  drop: i32
  limit: i32
  keep: f32
  q: usize
  k: usize
  v: usize
  out: usize
  dq: usize
  dk: usize
  dv: usize
}

/** Queries at a time. */
const QUERIES: i32 = 64

// @ts-ignore: decorator
@inline
function align(bytes: usize): usize {
  return (bytes + 63) & ~63
}

/** One [queries, T] block: scores, gradients, or dropout words with their slack. */
// @ts-ignore: decorator
@inline
function blockBytes(a: Args): usize {
  return align(<usize>min(a.S, QUERIES) * a.T * 4 + 128)
}

/** Scratch of attention and attentionGrad together. */
export function attentionScratch(S: i32, T: i32, D: i32): usize {
  const block = align(<usize>min(S, QUERIES) * T * 4 + 128)
  const wide = align(packedBytes(T, D)) * 2 + align(packedBytes(D, T)) + align(packedBytes(D, QUERIES))
  return align(ROWS_SCRATCH) + align(<usize>T * 4) + block * 3 + wide
}

/** How many of the `rows` there are of batch b. */
// @ts-ignore: decorator
@inline
function sizeOf(a: Args, b: i32, rows: i32): i32 {
  const at = a.starts + <usize>b * 4
  return a.starts ? load<i32>(at, 4) - load<i32>(at) : rows
}

/** Bytes from the first row to that of head h of batch b. */
// @ts-ignore: decorator
@inline
function headAt(a: Args, b: i32, h: i32, perBatch: usize, perHead: usize, perRow: usize): usize {
  const batch = a.starts ? <usize>load<u32>(a.starts + <usize>b * 4) * perRow : <usize>b * perBatch
  return batch + <usize>h * perHead
}

/** Visible keys of batch b as a row of bit masks. */
function visible(row: usize, a: Args, b: i32): void {
  for (let t = 0; t < a.T; t++) {
    const at = a.mask + (<usize>b * a.T + t) * 4
    const seen = a.mask == 0 || load<i32>(at) != 0
    store<i32>(row + <usize>t * 4, seen ? -1 : 0)
  }
}

/** Probabilities of queries [s0, s0 + count) of S over T keys from their scores, in place. */
function probabilities(p: usize, seen: usize, a: Args, S: i32, T: i32, s0: i32, count: i32): void {
  const none = splat(f32.NEGATIVE_INFINITY)
  for (let s = s0; s < s0 + count; s++, p += <usize>T * 4) {
    if (a.mask) {
      let i = 0
      for (; i + 4 <= T; i += 4) {
        const at = p + <usize>i * 4
        v128.store(at, v128.bitselect(v128.load(at), none, v128.load(seen + <usize>i * 4)))
      }
      for (; i < T; i++) if (!load<i32>(seen + <usize>i * 4)) store<f32>(p + <usize>i * 4, f32.NEGATIVE_INFINITY)
    }
    if (a.causal) {
      // Queries are the last S of the T positions.
      for (let t = max(0, s + T - S + 1); t < T; t++) store<f32>(p + <usize>t * 4, f32.NEGATIVE_INFINITY)
    }
    softmaxRow(p, p, T, a.scale)
  }
}

/** to = from * factor, where dropped 0. `words`: the words, overwritten where it is also `to`. */
function drop(to: usize, from: usize, words: usize, n: i32, a: Args): void {
  const keep = splat(a.keep)
  const all = a.drop == 2
  const bytes = <usize>n * 4
  for (let i: usize = 0; i < bytes; i += 16) {
    const rest = bytes - i < 16 ? n & 3 : 0
    const x = rest ? loadTail(from + i, rest, splat(0)) : v128.load(from + i)
    const gone = all ? i32x4.splat(-1) : below(v128.load(words + i), a.limit)
    const y = v128.andnot(f32x4.mul(x, keep), gone)
    if (rest) storeTail(to + i, y, rest)
    else v128.store(to + i, y)
  }
}

/**
 * Dropout of queries [s, s + count) of head i: `to` from p, [count, T] each, and dp in place (0: none). `words`: a block
 * for the words, which may be `to`: what is written there never runs ahead of what is read.
 */
function dropBlock(to: usize, p: usize, dp: usize, words: usize, a: Args, i: i32, s: i32, count: i32, T: i32): void {
  // Rows of a segment shorter than the longest do not follow each other in the stream.
  const run = T == a.T ? count * T : T
  for (let at = 0; at < count * T; at += run) {
    const here = <usize>at * 4
    const first = <u32>(i * a.S + s + at / T) * <u32>a.T
    const w = a.drop == 1 ? wordsFrom(words + here, a.k0, a.k1, first, run) : words + here
    if (dp) drop(dp + here, dp + here, w, run, a)
    drop(to + here, p + here, w, run, a)
  }
}

/** Whether all elements are finite: only then is 0 * x the nothing that a hidden key should give. */
function finite(p: usize, rows: i32, row: usize, D: i32): bool {
  let sum = splat(0)
  for (let r = 0; r < rows; r++, p += row) {
    let i = 0
    for (; i + 4 <= D; i += 4) sum = f32x4.add(sum, f32x4.mul(v128.load(p + <usize>i * 4), splat(0)))
    if (i < D) sum = f32x4.add(sum, f32x4.mul(loadTail(p + <usize>i * 4, D - i, splat(0)), splat(0)))
  }
  return !v128.any_true(f32x4.ne(sum, splat(0)))
}

/** `heads` heads of B * H. false: not computed, because v holds something infinite or NaN. */
export function attention(a: Args, from: i32, heads: i32, scratch: usize): bool {
  const D = a.D
  const seen = scratch + align(ROWS_SCRATCH)
  const p = seen + align(<usize>a.T * 4)
  const words = p + blockBytes(a)
  const keys = words + blockBytes(a)
  const values = keys + align(packedBytes(a.T, D))
  for (let i = from; i < from + heads; i++) {
    const b = i / a.H, h = i % a.H
    const S = sizeOf(a, b, a.S), T = sizeOf(a, b, a.T)
    if (T == 0) continue
    const q = a.q + headAt(a, b, h, a.qB, a.qH, a.qS)
    const v = a.v + headAt(a, b, h, a.vB, a.vH, a.vT)
    if (!finite(v, T, a.vT, D)) return false
    visible(seen, a, b)
    packB(keys, a.k + headAt(a, b, h, a.kB, a.kH, a.kT), 4, a.kT, T, D, 0, panelsOf(T))
    packB(values, v, a.vT, 4, D, T, 0, panelsOf(D))
    for (let s = 0; s < S; s += QUERIES) {
      const count = min(QUERIES, S - s)
      gemmRows(p, <usize>T * 4, q + <usize>s * a.qS, a.qS, 4, keys, count, T, D, 0, false, -1, scratch)
      probabilities(p, seen, a, S, T, s, count)
      if (a.drop) dropBlock(p, p, 0, words, a, i, s, count, T)
      const out = a.out + headAt(a, b, h, a.oB, a.oH, a.oS) + <usize>s * a.oS
      gemmRows(out, a.oS, p, <usize>T * 4, 4, values, count, D, T, 0, false, -1, scratch)
    }
  }
  return true
}

/** dp = 0 where p is 0, whatever v holds there. */
function silence(dp: usize, p: usize, n: i32): void {
  let i = 0
  for (; i + 4 <= n; i += 4) {
    const at = <usize>i * 4
    v128.store(dp + at, v128.andnot(v128.load(dp + at), f32x4.eq(v128.load(p + at), splat(0))))
  }
  for (; i < n; i++) if (load<f32>(p + <usize>i * 4) == 0) store<f32>(dp + <usize>i * 4, 0)
}

/** As attention; a.out is the gradient of its result. */
export function attentionGrad(a: Args, from: i32, heads: i32, scratch: usize): bool {
  const D = a.D
  const seen = scratch + align(ROWS_SCRATCH)
  const p = seen + align(<usize>a.T * 4)
  const dp = p + blockBytes(a)
  const words = dp + blockBytes(a)
  const keys = words + blockBytes(a)
  const values = keys + align(packedBytes(a.T, D))
  const keyRows = values + align(packedBytes(a.T, D))
  const side = keyRows + align(packedBytes(D, a.T))
  const width = panelsOf(D)
  for (let i = from; i < from + heads; i++) {
    const b = i / a.H, h = i % a.H
    const S = sizeOf(a, b, a.S), T = sizeOf(a, b, a.T)
    if (T == 0) continue
    const row = <usize>T * 4
    const panels = panelsOf(T)
    const qAt = headAt(a, b, h, a.qB, a.qH, a.qS)
    const kAt = headAt(a, b, h, a.kB, a.kH, a.kT)
    const vAt = headAt(a, b, h, a.vB, a.vH, a.vT)
    const oAt = headAt(a, b, h, a.oB, a.oH, a.oS)
    const k = a.k + kAt
    if (!finite(k, T, a.kT, D) || !finite(a.q + qAt, S, a.qS, D) || !finite(a.out + oAt, S, a.oS, D)) return false
    visible(seen, a, b)
    packB(keys, k, 4, a.kT, T, D, 0, panels)
    packB(values, a.v + vAt, 4, a.vT, T, D, 0, panels)
    packB(keyRows, k, a.kT, 4, D, T, 0, width)
    for (let s = 0; s < S; s += QUERIES) {
      const count = min(QUERIES, S - s)
      const n = count * T
      const q = a.q + qAt + <usize>s * a.qS
      const dout = a.out + oAt + <usize>s * a.oS
      gemmRows(p, row, q, a.qS, 4, keys, count, T, D, 0, false, -1, scratch)
      probabilities(p, seen, a, S, T, s, count)
      gemmRows(dp, row, dout, a.oS, 4, values, count, T, D, 0, false, -1, scratch)
      let dropped = p
      if (a.drop) {
        dropBlock(words, p, dp, words, a, i, s, count, T)
        dropped = words
      }
      silence(dp, p, n)
      // dv += dropped^T dout
      packB(side, dout, a.oS, 4, D, count, 0, width)
      gemmRows(a.dv + vAt, a.vT, dropped, 4, row, side, T, D, count, 0, s > 0, -1, scratch)
      for (let r = 0; r < count; r++) {
        const at = <usize>r * row
        softmaxGradRow(dp + at, p + at, dp + at, T, a.scale)
      }
      gemmRows(a.dq + qAt + <usize>s * a.qS, a.qS, dp, row, 4, keyRows, count, D, T, 0, false, -1, scratch)
      // dk += dScores^T q
      packB(side, q, a.qS, 4, D, count, 0, width)
      gemmRows(a.dk + kAt, a.kT, dp, 4, row, side, T, D, count, 0, s > 0, -1, scratch)
    }
  }
  return true
}
