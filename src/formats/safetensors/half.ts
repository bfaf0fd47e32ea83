// float16 and float32 as bit patterns, by integer arithmetic alone: the same bits in every engine, NaN payloads kept.

/** The float32 bits of float16 bits. Exact for all 65,536 of them. */
export function halfToSingle(half: number): number {
  const sign = (half & 0x8000) << 16
  const exponent = (half >>> 10) & 0x1f
  const fraction = half & 0x3ff
  if (exponent === 0x1f) return sign | 0x7f800000 | (fraction << 13)
  if (exponent > 0) return sign | ((exponent + 112) << 23) | (fraction << 13)
  if (fraction === 0) return sign
  // Subnormal: shift the leading one up to where float32 implies it.
  const shift = Math.clz32(fraction) - 21
  return sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13)
}

/** The float16 bits nearest to float32 bits, ties to even. From 65,520 on infinite, as in PyTorch and NumPy. */
export function singleToHalf(single: number): number {
  const sign = (single >>> 16) & 0x8000
  const magnitude = single & 0x7fffffff
  if (magnitude > 0x7f800000) return sign | 0x7c00 | ((magnitude >>> 13) & 0x3ff || 0x200)
  if (magnitude >= 0x477ff000) return sign | 0x7c00
  // Adding just under half a unit, and one more where the last kept bit is odd, carries exactly when rounding up.
  if (magnitude >= 0x38800000) {
    return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13)
  }
  // Subnormal: count units of 2^-24. Below 2^-25 there is nothing left.
  const shift = 126 - (magnitude >>> 23)
  if (shift > 24) return sign
  const significand = (magnitude & 0x7fffff) | 0x800000
  return sign | ((significand + (1 << (shift - 1)) - 1 + ((significand >>> shift) & 1)) >>> shift)
}
