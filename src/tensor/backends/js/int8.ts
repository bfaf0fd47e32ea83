// Products of whole numbers out of floats: each row of x becomes 7-bit numbers with a scale and a zero point of its own,
// the weights are whole numbers already, and their exact sums become floats again. In float32 steps, because every backend
// must give the same bits.
import { type Int8Bits, type Int8Input, int8Layout } from '../../int8.js'
import type { Int8Kernels } from '../../kernels.js'
import { singleActivations } from './single.js'

const f = Math.fround
/** Adding it rounds a float32 to a whole number, halves to even. */
const MAGIC = 1.5 * 2 ** 23
const SMALLEST = 2 ** -120
const OUTSIDE = 512

interface QuantizedRow {
  /** 0 to 127. */
  q: Int32Array
  scale: number
  zero: number
}

/** A row of k numbers from place `at`. A row that is not finite has the scale NaN. */
function quantizeRow(x: ArrayLike<number>, at: number, k: number): QuantizedRow {
  let [lo, hi] = [0, 0]
  for (let i = at; i < at + k; i++) {
    lo = Math.min(lo, x[i])
    hi = Math.max(hi, x[i])
  }
  const q = new Int32Array(k)
  const scale = f(f(hi - lo) / 127)
  if (scale < SMALLEST) return { q, scale: 1, zero: 0 }
  if (!Number.isFinite(scale)) return { q, scale: Number.NaN, zero: 0 }
  const whole = (value: number) => f(f(value) + MAGIC) - MAGIC
  const zero = whole(f(-lo / scale))
  const inverse = f(1 / scale)
  for (let i = 0; i < k; i++) q[i] = Math.min(127, Math.max(0, whole(f(x[at + i] * inverse)) + zero))
  return { q, scale, zero }
}

/** By a scale and a zero point that are known before: what lies outside is cut. */
function fixedRow(x: ArrayLike<number>, at: number, k: number, { scale, zero }: Int8Input): QuantizedRow {
  const inverse = f(1 / scale)
  const q = new Int32Array(k)
  let finite = true
  for (let i = 0; i < k; i++) {
    finite &&= Number.isFinite(x[at + i])
    const t = Math.max(-OUTSIDE, Math.min(OUTSIDE, f(x[at + i] * inverse)))
    q[i] = Math.min(127, Math.max(0, f(t + MAGIC) - MAGIC + zero))
  }
  return { q, scale: finite ? scale : Number.NaN, zero }
}

const int8Linear: Int8Kernels['int8Linear'] = (
  out,
  x,
  rowStride,
  weight,
  scales,
  sums,
  m,
  n,
  k,
  _bits: Int8Bits,
  bias,
  activation,
  input,
) => {
  const bytes = new Int8Array(weight.buffer, weight.byteOffset, weight.byteLength)
  const place = int8Layout(k)
  const act = activation === null ? null : singleActivations[activation]
  for (let r = 0; r < m; r++) {
    const { q, scale, zero } =
      input === null ? quantizeRow(x, r * rowStride, k) : fixedRow(x, r * rowStride, k, input)
    for (let c = 0; c < n; c++) {
      let sum = 0
      for (let j = 0; j < k; j++) sum += q[j] * bytes[place(c, j)]
      const y = f(f(f(sum - zero * sums[c]) * f(scale * scales[c])) + (bias === null ? 0 : bias[c]))
      out[r * n + c] = act === null ? y : act(y)
    }
  }
}

const int8Gather: Int8Kernels['int8Gather'] = (out, table, scales, index, width) => {
  const bytes = new Int8Array(table.buffer, table.byteOffset, table.byteLength)
  const stride = Math.ceil(width / 4) * 4
  for (const [i, id] of index.entries())
    for (let j = 0; j < width; j++) out[i * width + j] = f(bytes[id * stride + j] * scales[id])
}

export const jsInt8Kernels: Int8Kernels = { int8Linear, int8Gather }
