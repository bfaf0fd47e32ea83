// Matrix multiplication, the plain three loops: row of a, along k, across the row of b.
import type { Kernels } from '../../kernels.js'
import { unaryTable } from './elementwise.js'

export const matmul: Kernels['matmul'] = (out, a, b, batch, m, n, k, bias, activation = null) => {
  const f = activation === null ? null : unaryTable[activation]
  // A float32 result is rounded before it is activated, as where that is a pass of its own.
  const round = out instanceof Float32Array ? Math.fround : Number
  const row = new Float64Array(n)
  for (let i = 0; i < batch; i++) {
    for (let r = 0; r < m; r++) {
      if (bias === null) row.fill(0)
      else row.set(bias)
      for (let j = 0; j < k; j++) {
        const x = a.data[a.offsets[i] + r * a.rowStride + j * a.colStride]
        const at = b.offsets[i] + j * b.rowStride
        for (let c = 0; c < n; c++) row[c] += x * b.data[at + c * b.colStride]
      }
      if (f !== null) for (let c = 0; c < n; c++) row[c] = f(round(row[c]))
      out.set(row, (i * m + r) * n)
    }
  }
}
