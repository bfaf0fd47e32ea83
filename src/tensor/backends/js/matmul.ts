// Matrix multiplication, the plain three loops: row of a, along k, across the row of b.
import type { Kernels } from '../../kernels.js'

export const matmul: Kernels['matmul'] = (out, a, b, batch, m, n, k, bias) => {
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
      out.set(row, (i * m + r) * n)
    }
  }
}
