// Kernels that fold one dim away. Everything is seen as [outer, n, inner] and folded over n, in order, in double.
import type { Kernels, ReduceName } from '../../kernels.js'
import { exp, log } from '../../math.js'
import type { Floats } from '../../storage.js'

/** Folds the n elements at start, start + step, ... */
type Fold = (x: Floats, start: number, n: number, step: number) => number

// Math.max and Math.min answer NaN when either side is NaN.
const max: Fold = (x, start, n, step) => {
  let m = -Infinity
  for (let i = 0; i < n; i++) m = Math.max(m, x[start + i * step])
  return m
}

const min: Fold = (x, start, n, step) => {
  let m = Infinity
  for (let i = 0; i < n; i++) m = Math.min(m, x[start + i * step])
  return m
}

const sum: Fold = (x, start, n, step) => {
  let s = 0
  for (let i = 0; i < n; i++) s += x[start + i * step]
  return s
}

const logsumexp: Fold = (x, start, n, step) => {
  const m = max(x, start, n, step)
  // Infinity - Infinity would be NaN; the limit is the infinity itself.
  if (!Number.isFinite(m)) return m
  let s = 0
  for (let i = 0; i < n; i++) s += exp(x[start + i * step] - m)
  return m + log(s)
}

const folds: Record<ReduceName, Fold> = { sum, max, min, logsumexp }

export const reduce: Kernels['reduce'] = (fn, out, x, outer, n, inner) => {
  const fold = folds[fn]
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) out[o * inner + i] = fold(x, o * n * inner + i, n, inner)
  }
}

export const argmax: Kernels['argmax'] = (out, x, outer, n, inner) => {
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      const start = o * n * inner + i
      let best = 0
      // Not `<=` rather than `>`: true for NaN too. A NaN already found stays.
      for (let j = 1; j < n; j++) {
        const leader = x[start + best * inner]
        if (Number.isNaN(leader)) break
        if (!(x[start + j * inner] <= leader)) best = j
      }
      out[o * inner + i] = best
    }
  }
}
