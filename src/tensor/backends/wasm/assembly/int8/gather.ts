// Rows of an int8 table as floats.
import { put } from '../simd'

/** out [m, width] = scales[id] * row id, for the m int32 ids at `index`. Rows of the table lie `stride` bytes apart. */
export function int8Gather(
  out: usize, table: usize, scales: usize, index: usize, m: i32, width: i32, stride: usize,
): void {
  for (; m > 0; m--, index += 4) {
    const id = <usize>load<u32>(index)
    let row = table + id * stride
    const scale = v128.load32_splat(scales + id * 4)
    for (let left = width; left > 0; left -= 4, row += 4) {
      // A row is padded to whole words: the last one may be read whole.
      const bytes = v128.load32_zero(row)
      const y = f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(bytes))), scale)
      const n = min(left, 4)
      put(out, y, n == 4 ? 0 : n)
      out += <usize>n * 4
    }
  }
}
