// Moving 4-byte elements between layouts, and rows by index.

/** The 4x4 block at src (row stride s bytes) to dst, transposed. */
// @ts-ignore: decorator
@inline
function transpose4(dst: usize, d: usize, src: usize, s: usize): void {
  const r0 = v128.load(src), r1 = v128.load(src + s), r2 = v128.load(src + s * 2), r3 = v128.load(src + s * 3)
  const t0 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5), t1 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5)
  const t2 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7), t3 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7)
  v128.store(dst, v128.shuffle<i64>(t0, t1, 0, 2))
  v128.store(dst + d, v128.shuffle<i64>(t0, t1, 1, 3))
  v128.store(dst + d * 2, v128.shuffle<i64>(t2, t3, 0, 2))
  v128.store(dst + d * 3, v128.shuffle<i64>(t2, t3, 1, 3))
}

/** A block is one cache line each way. */
const BLOCK: i32 = 16

/** dst [rows, cols] (row stride d, columns next to each other) from src whose rows are next to each other (column stride s). */
function transpose(dst: usize, d: usize, src: usize, s: usize, rows: i32, cols: i32): void {
  for (let i0 = 0; i0 < rows; i0 += BLOCK) {
    const iEnd = min(i0 + BLOCK, rows)
    for (let j0 = 0; j0 < cols; j0 += BLOCK) {
      const jEnd = min(j0 + BLOCK, cols)
      for (let i = i0; i < iEnd; i += 4) {
        for (let j = j0; j < jEnd; j += 4) {
          const to = dst + <usize>i * d + <usize>j * 4
          const from = src + <usize>i * 4 + <usize>j * s
          if (i + 4 <= iEnd && j + 4 <= jEnd) {
            transpose4(to, d, from, s)
          } else {
            for (let r = 0; r < min(4, iEnd - i); r++) {
              for (let c = 0; c < min(4, jEnd - j); c++) {
                store<u32>(to + <usize>r * d + <usize>c * 4, load<u32>(from + <usize>r * 4 + <usize>c * s))
              }
            }
          }
        }
      }
    }
  }
}

/** Short runs: a call of memory.copy costs more than they do. */
// @ts-ignore: decorator
@inline
export function copyRun(dst: usize, src: usize, bytes: usize): void {
  if (bytes > 1024) {
    memory.copy(dst, src, bytes)
    return
  }
  const end = src + (bytes & ~15)
  for (; src != end; src += 16, dst += 16) v128.store(dst, v128.load(src))
  if (bytes & 8) {
    store<u64>(dst, load<u64>(src))
    dst += 8
    src += 8
  }
  if (bytes & 4) store<u32>(dst, load<u32>(src))
}

/** The last two dims of a copy, strides in bytes. */
function plane(dst: usize, d2: usize, d3: usize, src: usize, s2: usize, s3: usize, n2: i32, n3: i32): void {
  if (d3 == 4 && s3 == 4) {
    for (let i = 0; i < n2; i++) copyRun(dst + <usize>i * d2, src + <usize>i * s2, <usize>n3 * 4)
  } else if (d3 == 4 && s2 == 4) {
    transpose(dst, d2, src, s3, n2, n3)
  } else {
    for (let i = 0; i < n2; i++) {
      let to = dst + <usize>i * d2
      let from = src + <usize>i * s2
      for (let j = 0; j < n3; j++, to += d3, from += s3) store<u32>(to, load<u32>(from))
    }
  }
}

/** Walk: 4 dims, 4 strides of dst, 4 of src, in bytes. */
export function copy(dst: usize, src: usize, walk: usize): void {
  const n0 = load<i32>(walk), n1 = load<i32>(walk, 4), n2 = load<i32>(walk, 8), n3 = load<i32>(walk, 12)
  const d0 = load<u32>(walk, 16), d1 = load<u32>(walk, 20), d2 = load<u32>(walk, 24), d3 = load<u32>(walk, 28)
  const s0 = load<u32>(walk, 32), s1 = load<u32>(walk, 36), s2 = load<u32>(walk, 40), s3 = load<u32>(walk, 44)
  for (let i = 0; i < n0; i++) {
    for (let j = 0; j < n1; j++) {
      plane(dst + <usize>i * d0 + <usize>j * d1, d2, d3, src + <usize>i * s0 + <usize>j * s1, s2, s3, n2, n3)
    }
  }
}

/** Whether all of index [m] lie in [0, n) or equal `skip`. */
export function indexFits(index: usize, m: i32, n: i32, skip: i32): bool {
  for (let i = 0; i < m; i++) {
    const at = load<i32>(index + <usize>i * 4)
    if (<u32>at >= <u32>n && at != skip) return false
  }
  return true
}

/** x [outer, n, inner], index [m] -> out [outer, m, inner]. */
export function indexSelect(out: usize, x: usize, index: usize, outer: i32, n: i32, m: i32, inner: i32): void {
  const row = <usize>inner * 4
  for (let o = 0; o < outer; o++) {
    const from = x + <usize>o * <usize>n * row
    for (let i = 0; i < m; i++, out += row) copyRun(out, from + <usize>load<u32>(index + <usize>i * 4) * row, row)
  }
}

/** out [outer, n, inner] += src [outer, m, inner] at index [m], in the order of index; rows at `skip` are left out. */
export function indexAdd(out: usize, src: usize, index: usize, outer: i32, n: i32, m: i32, inner: i32, skip: i32): void {
  const row = <usize>inner * 4
  for (let o = 0; o < outer; o++) {
    const base = out + <usize>o * <usize>n * row
    for (let i = 0; i < m; i++) {
      const at = load<i32>(index + <usize>i * 4)
      if (at == skip) {
        src += row
        continue
      }
      let to = base + <usize>at * row
      const end = to + <usize>(inner & ~3) * 4
      for (; to != end; to += 16, src += 16) v128.store(to, f32x4.add(v128.load(to), v128.load(src)))
      for (let j = 0; j < (inner & 3); j++, to += 4, src += 4) store<f32>(to, load<f32>(to) + load<f32>(src))
    }
  }
}
