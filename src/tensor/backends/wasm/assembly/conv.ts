// Convolutions as matrix products without a matrix of unfolded images: panels of B (gemm.ts) are packed straight out of
// the image, a few at a time, and multiplied while they lie in cache.
import { copyRun } from './copy'
import { gemmRows, packB, panelsOf, ROWS_SCRATCH } from './gemm'
import { COLS } from './tile'

/** Numbers of the table that conv.ts one folder up writes, int32. Channels and filters are those of one group. */
const C: i32 = 0, H: i32 = 1, W: i32 = 2, O: i32 = 3, KH: i32 = 4, KW: i32 = 5, OH: i32 = 6, OW: i32 = 7
const SH: i32 = 8, SW: i32 = 9, DH: i32 = 10, DW: i32 = 11, TOP: i32 = 12, LEFT: i32 = 13, GROUPS: i32 = 14
/** Height and width of what is read of an image, padding included; whether that lies in the image as it is. */
const PH: i32 = 15, PW: i32 = 16, WHOLE: i32 = 17
/** Panels at a time, and for gradients rows of the output at a time. */
const STEP: i32 = 18, ROWS_AT_ONCE: i32 = 19

// @ts-ignore: decorator
@inline
function num(t: usize, i: i32): i32 {
  return load<i32>(t + <usize>i * 4)
}

/** Channels of an image [H, W] each to `to` [PH, PW] each: padded with zeros, or cut where a padding is negative. */
function pad(to: usize, x: usize, channels: i32, t: usize): void {
  const h = num(t, H), w = num(t, W), ph = num(t, PH), pw = num(t, PW), top = num(t, TOP), left = num(t, LEFT)
  const before = min(pw, max(0, left))
  const count = max(0, min(pw, w + left) - before)
  for (let c = 0; c < channels; c++, x += <usize>h * w * 4) {
    for (let y = 0; y < ph; y++, to += <usize>pw * 4) {
      const from = y - top
      if (count == 0 || from < 0 || from >= h) {
        memory.fill(to, 0, <usize>pw * 4)
        continue
      }
      for (let i = 0; i < before; i++) store<f32>(to + <usize>i * 4, 0)
      copyRun(to + <usize>before * 4, x + <usize>(from * w + before - left) * 4, <usize>count * 4)
      for (let i = before + count; i < pw; i++) store<f32>(to + <usize>i * 4, 0)
    }
  }
}

/** Where output place l reads first, in bytes from the start of a channel whose rows have rowBytes. */
// @ts-ignore: decorator
@inline
function placeOf(l: i32, t: usize, rowBytes: usize): usize {
  const ow = num(t, OW)
  return <usize>(l / ow * num(t, SH)) * rowBytes + <usize>(l % ow * num(t, SW)) * 4
}

/** Four lanes of a panel, at `off` behind src. */
// @ts-ignore: decorator
@inline
function lanes(dst: usize, src: usize, off: usize): void {
  store<f32>(dst, load<f32>(src + load<u32>(off)))
  store<f32>(dst, load<f32>(src + load<u32>(off, 4)), 4)
  store<f32>(dst, load<f32>(src + load<u32>(off, 8)), 8)
  store<f32>(dst, load<f32>(src + load<u32>(off, 12)), 12)
}

/** One panel [C KH KW][COLS] of the unfolded image, its lanes the places from l on. off: room for COLS numbers. */
function packPlaces(dst: usize, img: usize, plane: usize, rowBytes: usize, l: i32, t: usize, off: usize): void {
  const last = num(t, OH) * num(t, OW) - 1
  let straight = true
  for (let i = 0; i < COLS; i++) {
    store<u32>(off + <usize>i * 4, <u32>placeOf(min(l + i, last), t, rowBytes))
  }
  for (let i: usize = 0; i < <usize>COLS * 4; i += 16) {
    if (load<u32>(off + i, 12) - load<u32>(off + i) != 12) straight = false
  }
  const channels = num(t, C), kh = num(t, KH), kw = num(t, KW)
  const down = <usize>num(t, DH) * rowBytes, right = <usize>num(t, DW) * 4
  const o0 = <usize>load<u32>(off), o1 = <usize>load<u32>(off, 16)
  // @ts-ignore: WIDE comes from --use
  const o2 = WIDE ? <usize>load<u32>(off, 32) : 0
  // @ts-ignore: WIDE comes from --use
  const o3 = WIDE ? <usize>load<u32>(off, 48) : 0
  for (let c = 0; c < channels; c++, img += plane) {
    let row = img
    for (let y = 0; y < kh; y++, row += down) {
      let src = row
      for (let x = 0; x < kw; x++, src += right, dst += COLS * 4) {
        if (straight) {
          v128.store(dst, v128.load(src + o0))
          v128.store(dst, v128.load(src + o1), 16)
          // @ts-ignore: WIDE comes from --use
          if (WIDE) {
            v128.store(dst, v128.load(src + o2), 32)
            v128.store(dst, v128.load(src + o3), 48)
          }
        } else for (let i: usize = 0; i < <usize>COLS * 4; i += 16) lanes(dst + i, src, off + i)
      }
    }
  }
}

/** Where lane (c, y, x), counted in one, reads at place 0, in bytes. Lanes past the last repeat it. */
function tapOf(lane: i32, t: usize, plane: usize, rowBytes: usize): usize {
  const kw = num(t, KW), taps = num(t, KH) * kw
  const i = min(lane, num(t, C) * taps - 1)
  const at = i % taps
  return <usize>(i / taps) * plane + <usize>(at / kw * num(t, DH)) * rowBytes + <usize>(at % kw * num(t, DW)) * 4
}

/** One panel [places][COLS], its lanes (c, y, x) from `lane` on, of the places in `rows` rows of the output from oy on. */
function packTaps(dst: usize, img: usize, plane: usize, rowBytes: usize, lane: i32, oy: i32, rows: i32, t: usize): void {
  const ow = num(t, OW), down = <usize>num(t, SH) * rowBytes, right = <usize>num(t, SW) * 4
  for (let i = 0; i < COLS; i += 4) {
    let to = dst + <usize>i * 4
    const first = img + <usize>oy * down
    let p0 = first + tapOf(lane + i, t, plane, rowBytes), p1 = first + tapOf(lane + i + 1, t, plane, rowBytes)
    let p2 = first + tapOf(lane + i + 2, t, plane, rowBytes), p3 = first + tapOf(lane + i + 3, t, plane, rowBytes)
    for (let y = 0; y < rows; y++, p0 += down, p1 += down, p2 += down, p3 += down) {
      let x = 0
      let at: usize = 0
      if (right == 4) {
        for (; x + 4 <= ow; x += 4, at += 16) {
          const r0 = v128.load(p0 + at), r1 = v128.load(p1 + at), r2 = v128.load(p2 + at), r3 = v128.load(p3 + at)
          const t0 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5), t1 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5)
          const t2 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7), t3 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7)
          v128.store(to, v128.shuffle<i64>(t0, t1, 0, 2))
          v128.store(to, v128.shuffle<i64>(t0, t1, 1, 3), COLS * 4)
          v128.store(to, v128.shuffle<i64>(t2, t3, 0, 2), COLS * 8)
          v128.store(to, v128.shuffle<i64>(t2, t3, 1, 3), COLS * 12)
          to += COLS * 16
        }
      }
      for (; x < ow; x++, at += right, to += COLS * 4) {
        store<f32>(to, load<f32>(p0 + at))
        store<f32>(to, load<f32>(p1 + at), 4)
        store<f32>(to, load<f32>(p2 + at), 8)
        store<f32>(to, load<f32>(p3 + at), 12)
      }
    }
  }
}

/**
 * out [count, groups O, OH, OW] of x [count, groups C, H, W], w [groups O, C, KH, KW], bias (0: none), table t.
 * scratch: ROWS_SCRATCH, 64 bytes, STEP panels of C KH KW, one group of a padded image.
 */
export function conv(out: usize, x: usize, w: usize, bias: usize, t: usize, count: i32, scratch: usize): void {
  const c = num(t, C), o = num(t, O), size = num(t, OH) * num(t, OW), k = c * num(t, KH) * num(t, KW)
  const step = num(t, STEP), whole = num(t, WHOLE) != 0, groups = num(t, GROUPS)
  const off = scratch + ROWS_SCRATCH, panels = off + 64
  const panel = <usize>k * COLS * 4
  const padded = panels + <usize>step * panel
  const rowBytes = <usize>num(t, whole ? W : PW) * 4
  const plane = <usize>num(t, whole ? H : PH) * rowBytes
  for (let i = 0; i < count * groups; i++) {
    const g = i % groups
    const img = whole ? x : padded
    if (!whole) pad(padded, x, c, t)
    if (bias) {
      for (let r = 0; r < o; r++) {
        const b = load<f32>(bias + <usize>(g * o + r) * 4)
        const row = out + <usize>(r * size) * 4
        for (let j = 0; j < size; j++) store<f32>(row + <usize>j * 4, b)
      }
    }
    const weights = w + <usize>(g * o * k) * 4
    for (let l = 0; l < size; l += step * COLS) {
      const cols = min(step * COLS, size - l)
      for (let j = 0; j < panelsOf(cols); j++) {
        packPlaces(panels + <usize>j * panel, img, plane, rowBytes, l + j * COLS, t, off)
      }
      gemmRows(
        out + <usize>l * 4, <usize>size * 4, weights, <usize>k * 4, 4, panels, o, cols, k, 0, bias != 0, -1, scratch,
      )
    }
    x += <usize>(c * num(t, H) * num(t, W)) * 4
    out += <usize>(o * size) * 4
  }
}

/** c (row stride ldc) += x [rows, cols]. */
function addRows(c: usize, ldc: usize, x: usize, rows: i32, cols: i32): void {
  for (; rows > 0; rows--, c += ldc) {
    let j = 0
    for (; j + 4 <= cols; j += 4, x += 16) {
      const to = c + <usize>j * 4
      v128.store(to, f32x4.add(v128.load(to), v128.load(x)))
    }
    for (; j < cols; j++, x += 4) store<f32>(c + <usize>j * 4, load<f32>(c + <usize>j * 4) + load<f32>(x))
  }
}

/**
 * dw [groups O, C, KH, KW], of its panels (groups times panelsOf(C KH KW)) those from `from` on, summed over n images.
 * scratch: ROWS_SCRATCH, STEP panels of ROWS_AT_ONCE OW, their sums [O, STEP COLS], one group of a padded image.
 */
export function convWeight(dw: usize, x: usize, dy: usize, t: usize, n: i32, from: i32, count: i32, scratch: usize): void {
  const c = num(t, C), o = num(t, O), oh = num(t, OH), ow = num(t, OW), taps = num(t, KH) * num(t, KW), k = c * taps
  const step = num(t, STEP), rows = num(t, ROWS_AT_ONCE), whole = num(t, WHOLE) != 0, groups = num(t, GROUPS)
  const each = panelsOf(k), image = <usize>(num(t, H) * num(t, W)) * 4
  const panels = scratch + ROWS_SCRATCH
  const panel = <usize>(rows * ow) * COLS * 4
  const aside = panels + <usize>step * panel
  const padded = aside + <usize>(o * step * COLS) * 4
  const rowBytes = <usize>num(t, whole ? W : PW) * 4
  const plane = <usize>num(t, whole ? H : PH) * rowBytes
  const end = from + count
  for (let i = 0; i < n; i++) {
    for (let g = from / each; g * each < end; g++) {
      const first = max(from, g * each) - g * each, last = min(end, (g + 1) * each) - g * each
      // Of the channels only those that these panels read.
      const c0 = first * COLS / taps, c1 = min(c, (last * COLS + taps - 1) / taps)
      const source = x + <usize>(i * groups + g) * c * image
      if (!whole) pad(padded + <usize>c0 * plane, source + <usize>c0 * image, c1 - c0, t)
      const img = whole ? source : padded
      const grad = dy + <usize>((i * groups + g) * o) * (oh * ow) * 4
      for (let p = first; p < last; p += step) {
        const now = min(step, last - p)
        for (let y = 0; y < oh; y += rows) {
          const high = min(rows, oh - y)
          const places = high * ow
          for (let j = 0; j < now; j++) {
            packTaps(panels + <usize>(j * places) * COLS * 4, img, plane, rowBytes, (p + j) * COLS, y, high, t)
          }
          const cols = min(now * COLS, k - p * COLS)
          const to = dw + <usize>(g * o * k + p * COLS) * 4
          const from = grad + <usize>(y * ow) * 4, fromRow = <usize>(oh * ow) * 4
          // One chain over all places of all images would lose digits: each block's sum is made aside, then added.
          const start = i + y == 0
          const sums = start ? to : aside, row = start ? <usize>k * 4 : <usize>cols * 4
          gemmRows(sums, row, from, fromRow, 4, panels, o, cols, places, 0, false, -1, scratch)
          if (!start) addRows(to, <usize>k * 4, aside, o, cols)
        }
      }
    }
  }
}

/** dx of `rows` output rows from oy on, added to the padded image: cols [C KH KW, rows OW]. */
function scatter(img: usize, cols: usize, oy: i32, rows: i32, t: usize): void {
  const ow = num(t, OW), kh = num(t, KH), kw = num(t, KW), pw = num(t, PW), sh = num(t, SH), dh = num(t, DH)
  const right = <usize>num(t, SW) * 4
  const plane = <usize>(num(t, PH) * pw) * 4
  for (let c = 0; c < num(t, C); c++, img += plane) {
    for (let y = 0; y < kh; y++) {
      for (let x = 0; x < kw; x++) {
        for (let r = 0; r < rows; r++) {
          let to = img + <usize>(((oy + r) * sh + y * dh) * pw + x * num(t, DW)) * 4
          let i = 0
          if (right == 4) {
            for (; i + 4 <= ow; i += 4, to += 16, cols += 16) {
              v128.store(to, f32x4.add(v128.load(to), v128.load(cols)))
            }
          }
          for (; i < ow; i++, to += right, cols += 4) store<f32>(to, load<f32>(to) + load<f32>(cols))
        }
      }
    }
  }
}

/** The inside of a padded image back to [C, H, W]; 0 where nothing read it. */
function unpad(x: usize, img: usize, t: usize): void {
  const h = num(t, H), w = num(t, W), ph = num(t, PH), pw = num(t, PW), top = num(t, TOP), left = num(t, LEFT)
  const count = max(0, min(w, pw - left))
  for (let c = 0; c < num(t, C); c++, img += <usize>(ph * pw) * 4) {
    for (let y = 0; y < h; y++, x += <usize>w * 4) {
      const read = y + top < ph ? count : 0
      copyRun(x, img + <usize>((y + top) * pw + left) * 4, <usize>read * 4)
      for (let i = read; i < w; i++) store<f32>(x + <usize>i * 4, 0)
    }
  }
}

/**
 * dx [count, groups C, H, W] of dy [count, groups O, OH, OW] and w, for paddings from 0. scratch: ROWS_SCRATCH, panels of
 * dy's ROWS_AT_ONCE OW columns, their product [C KH KW, ROWS_AT_ONCE OW], one group of a padded image.
 */
export function convInput(dx: usize, dy: usize, w: usize, t: usize, count: i32, scratch: usize): void {
  const c = num(t, C), o = num(t, O), oh = num(t, OH), ow = num(t, OW), k = c * num(t, KH) * num(t, KW)
  const rows = num(t, ROWS_AT_ONCE), groups = num(t, GROUPS)
  const panels = scratch + ROWS_SCRATCH
  const cols = panels + <usize>panelsOf(rows * ow) * o * COLS * 4
  const padded = cols + <usize>(k * rows * ow) * 4
  const image = <usize>(c * num(t, PH) * num(t, PW)) * 4
  for (let i = 0; i < count * groups; i++) {
    memory.fill(padded, 0, image)
    for (let y = 0; y < oh; y += rows) {
      const places = min(rows, oh - y) * ow
      packB(panels, dy + <usize>(y * ow) * 4, <usize>(oh * ow) * 4, 4, places, o, 0, panelsOf(places))
      gemmRows(
        cols, <usize>places * 4, w + <usize>(i % groups * o * k) * 4, 4, <usize>k * 4,
        panels, k, places, o, 0, false, -1, scratch,
      )
      scatter(padded, cols, y, min(rows, oh - y), t)
    }
    unpad(dx, padded, t)
    dx += <usize>(c * num(t, H) * num(t, W)) * 4
    dy += <usize>(o * oh * ow) * 4
  }
}

/** w [groups O, C, taps] to [groups C, O, taps] with the taps in reverse: what takes gradients of a step of 1 back. */
export function convTurn(out: usize, w: usize, groups: i32, o: i32, c: i32, taps: i32): void {
  for (let g = 0; g < groups; g++, w += <usize>(o * c * taps) * 4) {
    for (let i = 0; i < c; i++) {
      for (let j = 0; j < o; j++) {
        const from = w + <usize>((j * c + i) * taps) * 4
        for (let k = taps - 1; k >= 0; k--, out += 4) store<f32>(out, load<f32>(from + <usize>k * 4))
      }
    }
  }
}
