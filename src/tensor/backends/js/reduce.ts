// Reductions of the middle dim of [outer, n, inner], and argmax. Sums run in float64, whatever the dtype.
import type { Kernels, ReduceName } from '../../kernels.js'
import { exp, log } from '../../math.js'
import type { Floats } from '../../storage.js'

/** One lane: n elements from `at`, `step` apart. */
type Lane = (x: Floats, at: number, n: number, step: number) => number

const lanes: Record<ReduceName, Lane> = {
  sum(x, at, n, step) {
    let s = 0
    for (let i = 0; i < n; i++) s += x[at + i * step]
    return s
  },
  max(x, at, n, step) {
    let m = -Infinity
    for (let i = 0; i < n; i++) m = Math.max(m, x[at + i * step])
    return m
  },
  min(x, at, n, step) {
    let m = Infinity
    for (let i = 0; i < n; i++) m = Math.min(m, x[at + i * step])
    return m
  },
  logsumexp(x, at, n, step) {
    const m = lanes.max(x, at, n, step)
    // All -Infinity, or one +Infinity: m - m would be NaN.
    if (m === -Infinity || m === Infinity) return m
    let s = 0
    for (let i = 0; i < n; i++) s += exp(x[at + i * step] - m)
    return m + log(s)
  },
}

export const reductions: Pick<Kernels, 'reduce' | 'argmax' | 'sumSquares'> = {
  reduce(fn, out, x, outer, n, inner) {
    const lane = lanes[fn]
    for (let o = 0; o < outer; o++) {
      for (let i = 0; i < inner; i++) out[o * inner + i] = lane(x, o * n * inner + i, n, inner)
    }
  },

  argmax(out, x, outer, n, inner) {
    for (let o = 0; o < outer; o++) {
      for (let i = 0; i < inner; i++) {
        const at = o * n * inner + i
        let best = 0
        for (let j = 1; j < n; j++) {
          const v = x[at + j * inner]
          const top = x[at + best * inner]
          // NaN counts as largest; the first one wins.
          if (v > top || (v !== v && top === top)) best = j
        }
        out[o * inner + i] = best
      }
    }
  },

  sumSquares(x) {
    let s = 0
    for (let i = 0; i < x.length; i++) s += x[i] * x[i]
    return s
  },
}
