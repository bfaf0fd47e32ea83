// Kernels that move elements: fill, strided copy, and reading or adding at given places.
import type { Kernels } from '../../kernels.js'
import { copyLoop } from '../../tensor.js'

export const fill: Kernels['fill'] = (out, value) => {
  out.fill(value)
}

export const copy: Kernels['copy'] = copyLoop

export const indexSelect: Kernels['indexSelect'] = (out, x, index, outer, n, inner) => {
  const m = index.length
  for (let o = 0; o < outer; o++) {
    for (let j = 0; j < m; j++) {
      const from = (o * n + index[j]) * inner
      const to = (o * m + j) * inner
      for (let i = 0; i < inner; i++) out[to + i] = x[from + i]
    }
  }
}

export const indexAdd: Kernels['indexAdd'] = (out, src, index, outer, n, inner, skip) => {
  const m = index.length
  for (let o = 0; o < outer; o++) {
    for (let j = 0; j < m; j++) {
      if (index[j] === skip) continue
      const from = (o * m + j) * inner
      const to = (o * n + index[j]) * inner
      for (let i = 0; i < inner; i++) out[to + i] += src[from + i]
    }
  }
}

/** Calls visit(at in [outer, m, inner], at in [outer, n, inner]) for every element of an index [outer, m, inner]. */
function eachPlace(
  index: Int32Array,
  outer: number,
  n: number,
  inner: number,
  visit: (dense: number, indexed: number) => void,
): void {
  const m = index.length === 0 ? 0 : index.length / (outer * inner)
  for (let o = 0, at = 0; o < outer; o++) {
    for (let j = 0; j < m; j++) {
      for (let i = 0; i < inner; i++, at++) visit(at, (o * n + index[at]) * inner + i)
    }
  }
}

export const gather: Kernels['gather'] = (out, x, index, outer, n, inner) => {
  eachPlace(index, outer, n, inner, (dense, indexed) => {
    out[dense] = x[indexed]
  })
}

export const scatterAdd: Kernels['scatterAdd'] = (out, src, index, outer, n, inner) => {
  eachPlace(index, outer, n, inner, (dense, indexed) => {
    out[indexed] += src[dense]
  })
}

export const argsort: Kernels['argsort'] = (out, x, outer, n, inner, descending) => {
  const order = new Int32Array(n)
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      const start = o * n * inner + i
      const sign = descending ? -1 : 1
      for (let j = 0; j < n; j++) order[j] = j
      order.sort((p, q) => {
        const [a, b] = [x[start + p * inner], x[start + q * inner]]
        if (a < b) return -sign
        if (a > b) return sign
        // Equal, or one is NaN: the largest.
        const nan = Number(Number.isNaN(a)) - Number(Number.isNaN(b))
        return nan === 0 ? p - q : nan * sign
      })
      for (let j = 0; j < n; j++) out[start + j * inner] = order[j]
    }
  }
}
