// Kernels that fold one dim away. Everything is seen as [outer, n, inner] and folded over n, in order, in double.

import type { ReduceName } from '../../kernel-args.js'
import type { Kernels } from '../../kernels.js'
import { exp, log, pow } from '../../math.js'
import type { Floats, TypedArray } from '../../storage.js'

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

function eachLane(fold: Fold, out: Floats, x: Floats, outer: number, n: number, inner: number): void {
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) out[o * inner + i] = fold(x, o * n * inner + i, n, inner)
  }
}

export const reduce: Kernels['reduce'] = (fn, out, x, outer, n, inner) => {
  eachLane(folds[fn], out, x, outer, n, inner)
}

/** The place of what `folded` finds in each lane. */
function places(find: Fold): Kernels['argmax'] {
  return (out, x, outer, n, inner) => {
    for (let o = 0; o < outer; o++) {
      for (let i = 0; i < inner; i++) out[o * inner + i] = find(x, o * n * inner + i, n, inner)
    }
  }
}

export const argmax = places((x, start, n, step) => {
  let best = 0
  // Not `<=` rather than `>`: true for NaN too. A NaN already found stays.
  for (let j = 1; j < n; j++) {
    const leader = x[start + best * step]
    if (Number.isNaN(leader)) break
    if (!(x[start + j * step] <= leader)) best = j
  }
  return best
})

export const argmin = places((x, start, n, step) => {
  let best = 0
  for (let j = 1; j < n; j++) {
    const leader = x[start + best * step]
    if (Number.isNaN(leader)) break
    if (!(x[start + j * step] >= leader)) best = j
  }
  return best
})

export const argmedian = places((x, start, n, step) => {
  const order = new Int32Array(n)
  for (let j = 0; j < n; j++) {
    if (Number.isNaN(x[start + j * step])) return j
    order[j] = j
  }
  order.sort((a, b) => x[start + a * step] - x[start + b * step] || a - b)
  const middle = x[start + order[(n - 1) >>> 1] * step]
  return order.find((j) => x[start + j * step] === middle) ?? 0
})

/** The mean: of equal numbers that very number, which takes a second look at what the first left over. */
export const meanOf: Fold = (x, start, n, step) => {
  const mean = sum(x, start, n, step) / n
  let rest = 0
  for (let i = 0; i < n; i++) rest += x[start + i * step] - mean
  // Infinity - Infinity is no correction.
  return Number.isFinite(rest) ? mean + rest / n : mean
}

export const variance: Kernels['variance'] = (out, x, outer, n, inner, correction) => {
  const squares: Fold = (x, start, n, step) => {
    const mean = meanOf(x, start, n, step)
    let s = 0
    for (let i = 0; i < n; i++) s += (x[start + i * step] - mean) ** 2
    // Fewer elements than the correction: 0 / 0, as in PyTorch.
    return s / Math.max(0, n - correction)
  }
  eachLane(squares, out, x, outer, n, inner)
}

/** (sum |x / unit|^p)^(1/p). */
function root(x: Floats, start: number, n: number, step: number, p: number, unit: number): number {
  let s = 0
  for (let i = 0; i < n; i++) {
    const a = Math.abs(x[start + i * step]) / unit
    s += p === 2 ? a * a : p === 1 ? a : pow(a, p)
  }
  return p === 2 ? Math.sqrt(s) : p === 1 ? s : pow(s, 1 / p)
}

export const norm: Kernels['norm'] = (out, x, outer, n, inner, p) => {
  const extreme = p < 0 ? Math.min : Math.max
  const longest: Fold = (x, start, n, step) => {
    let m = p < 0 ? Infinity : 0
    for (let i = 0; i < n; i++) m = extreme(m, Math.abs(x[start + i * step]))
    return m
  }
  const length: Fold = (x, start, n, step) => {
    const plain = root(x, start, n, step, p, 1)
    if (plain > 1e-100 && plain < 1e100) return plain
    // Out of range on the way, or truly 0, infinite or NaN: measured in its own largest (smallest) element.
    const unit = longest(x, start, n, step)
    return unit === 0 || !Number.isFinite(unit) ? unit : unit * root(x, start, n, step, p, unit)
  }
  const count: Fold = (x, start, n, step) => nonzero(x, start, n, step)
  eachLane(p === 0 ? count : Math.abs(p) === Infinity ? longest : length, out, x, outer, n, inner)
}

function nonzero(x: TypedArray, start: number, n: number, step: number): number {
  let count = 0
  for (let i = 0; i < n; i++) if (x[start + i * step] !== 0) count++
  return count
}

export const countNonzero: Kernels['countNonzero'] = (out, x, outer, n, inner) => {
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) out[o * inner + i] = nonzero(x, o * n * inner + i, n, inner)
  }
}

export const cumsum: Kernels['cumsum'] = (out, x, outer, n, inner, reverse) => {
  const last = (n - 1) * inner
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      const at = o * n * inner + i
      let s = 0
      for (let j = 0; j <= last; j += inner) {
        const here = at + (reverse ? last - j : j)
        s += x[here]
        out[here] = s
      }
    }
  }
}
