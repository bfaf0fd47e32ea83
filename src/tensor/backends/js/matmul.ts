// Matrix multiplication, the textbook: each output element is one dot product, summed in float64.
import type { Kernels } from '../../kernels.js'

export const products: Pick<Kernels, 'matmul'> = {
  matmul(out, a, b, batch, m, n, k, bias) {
    for (let i = 0; i < batch; i++) {
      for (let r = 0; r < m; r++) {
        for (let c = 0; c < n; c++) {
          let s = bias === null ? 0 : bias[c]
          let ai = a.offsets[i] + r * a.rowStride
          let bi = b.offsets[i] + c * b.colStride
          for (let j = 0; j < k; j++) {
            s += a.data[ai] * b.data[bi]
            ai += a.colStride
            bi += b.rowStride
          }
          out[(i * m + r) * n + c] = s
        }
      }
    }
  },
}
