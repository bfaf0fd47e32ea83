// Sums and softmaxes along contiguous rows. Sums run over fixed blocks in four lanes, blocks are added in float64.
import { exp4 } from './math'
import { loadTail, madd, maxLanes, minLanes, splat, storeTail, sumLanes } from './simd'

/** Elements of a row whose partial sums stay in float32. */
const BLOCK: i32 = 512

export function sumRow(x: usize, n: i32): f64 {
  let total: f64 = 0
  for (; n >= 4; n -= BLOCK) {
    const end = x + <usize>(min(n, BLOCK) & ~3) * 4
    let a = splat(0), b = splat(0)
    for (; x + 16 < end; x += 32) {
      a = f32x4.add(a, v128.load(x))
      b = f32x4.add(b, v128.load(x, 16))
    }
    if (x < end) {
      a = f32x4.add(a, v128.load(x))
      x += 16
    }
    total += sumLanes(f32x4.add(a, b))
  }
  for (let i = n > 0 ? 0 : 4; i < (n & 3); i++, x += 4) total += load<f32>(x)
  return total
}
