// Reading and adding by index.
import type { Kernels } from '../../kernels.js'

type Indexing = Pick<Kernels, 'indexSelect' | 'indexAdd' | 'gather' | 'scatterAdd'>

export const indexing: Indexing = {
  indexSelect(out, x, index, outer, n, inner) {
    const m = index.length
    for (let o = 0; o < outer; o++) {
      for (let j = 0; j < m; j++) {
        const from = (o * n + index[j]) * inner
        out.set(x.subarray(from, from + inner), (o * m + j) * inner)
      }
    }
  },

  indexAdd(out, src, index, outer, n, inner, skip) {
    const m = index.length
    for (let o = 0; o < outer; o++) {
      for (let j = 0; j < m; j++) {
        if (index[j] === skip) continue
        const to = (o * n + index[j]) * inner
        const from = (o * m + j) * inner
        for (let i = 0; i < inner; i++) out[to + i] += src[from + i]
      }
    }
  },

  gather(out, x, index, outer, n, inner) {
    const m = outer * inner === 0 ? 0 : index.length / (outer * inner)
    for (let o = 0; o < outer; o++) {
      for (let j = 0; j < m; j++) {
        for (let i = 0; i < inner; i++) {
          const at = (o * m + j) * inner + i
          out[at] = x[(o * n + index[at]) * inner + i]
        }
      }
    }
  },

  scatterAdd(out, src, index, outer, n, inner) {
    const m = outer * inner === 0 ? 0 : index.length / (outer * inner)
    for (let o = 0; o < outer; o++) {
      for (let j = 0; j < m; j++) {
        for (let i = 0; i < inner; i++) {
          const at = (o * m + j) * inner + i
          out[(o * n + index[at]) * inner + i] += src[at]
        }
      }
    }
  },
}
