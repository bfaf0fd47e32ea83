// Scaled dot-product attention (Vaswani et al. 2017), one query at a time with a single row of probabilities.
// The gradient computes that row anew instead of keeping [B, H, S, T].

import type { AttentionArgs } from '../../kernel-args.js'
import type { Kernels } from '../../kernels.js'
import { exp } from '../../math.js'
import type { Floats } from '../../storage.js'
import { dropoutFactor } from './normalize.js'

function dot(x: Floats, xAt: number, y: Floats, yAt: number, n: number): number {
  let sum = 0
  for (let i = 0; i < n; i++) sum += x[xAt + i] * y[yAt + i]
  return sum
}

/** y += c * x, over n elements. */
function axpy(c: number, x: Floats, xAt: number, y: Floats, yAt: number, n: number): void {
  for (let i = 0; i < n; i++) y[yAt + i] += c * x[xAt + i]
}

/** Where row (b, h, row) starts. */
function place(a: AttentionArgs, strides: readonly number[], b: number, h: number, row: number): number {
  const batch = a.starts === null ? b * strides[0] : a.starts[b] * strides[2]
  return batch + h * strides[1] + row * strides[2]
}

/** Queries and keys of batch b. */
function sizes(a: AttentionArgs, b: number): [S: number, T: number] {
  if (a.starts === null) return [a.S, a.T]
  const length = a.starts[b + 1] - a.starts[b]
  return [length, length]
}

/** Fills `row` with the softmax of query (b, h, s) over its keys. Hidden keys get 0; with none visible all do. */
function probabilities(
  row: Floats,
  q: Floats,
  k: Floats,
  b: number,
  h: number,
  s: number,
  a: AttentionArgs,
): void {
  const [S, T] = sizes(a, b)
  let max = -Infinity
  for (let t = 0; t < T; t++) {
    // Queries are the last S of the T positions.
    const hidden = (a.mask !== null && a.mask[b * T + t] === 0) || (a.causal && t > s + T - S)
    row[t] = hidden ? -Infinity : a.scale * dot(q, place(a, a.q, b, h, s), k, place(a, a.k, b, h, t), a.D)
    max = Math.max(max, row[t])
  }
  if (max === -Infinity) {
    row.fill(0)
    return
  }
  let sum = 0
  for (let t = 0; t < T; t++) {
    row[t] = exp(row[t] - max)
    sum += row[t]
  }
  for (let t = 0; t < T; t++) row[t] /= sum
}

export const attention: Kernels['attention'] = (out, q, k, v, a) => {
  const row = new Float64Array(a.T)
  const acc = new Float64Array(a.D)
  const factor = dropoutFactor(a.p, a.key)
  for (let b = 0; b < a.B; b++) {
    const [S, T] = sizes(a, b)
    for (let h = 0; h < a.H; h++) {
      for (let s = 0; s < S; s++) {
        probabilities(row, q, k, b, h, s, a)
        const first = ((b * a.H + h) * a.S + s) * a.T
        acc.fill(0)
        for (let t = 0; t < T; t++) {
          const p = row[t] * factor(first + t)
          if (p !== 0) axpy(p, v, place(a, a.v, b, h, t), acc, 0, a.D)
        }
        out.set(acc, place(a, a.out, b, h, s))
      }
    }
  }
}

export const attentionGrad: Kernels['attentionGrad'] = (dq, dk, dv, dout, q, k, v, a) => {
  const row = new Float64Array(a.T)
  const dRow = new Float64Array(a.T)
  const dQuery = new Float64Array(a.D)
  const dKeys = new Float64Array(a.T * a.D)
  const dValues = new Float64Array(a.T * a.D)
  const factor = dropoutFactor(a.p, a.key)
  for (let b = 0; b < a.B; b++) {
    const [S, T] = sizes(a, b)
    for (let h = 0; h < a.H; h++) {
      dKeys.fill(0)
      dValues.fill(0)
      for (let s = 0; s < S; s++) {
        probabilities(row, q, k, b, h, s, a)
        const first = ((b * a.H + h) * a.S + s) * a.T
        const dOutAt = place(a, a.out, b, h, s)
        let mean = 0
        for (let t = 0; t < T; t++) {
          // 0 where nothing passed forward, whatever v holds there.
          const f = row[t] === 0 ? 0 : factor(first + t)
          dRow[t] = f === 0 ? 0 : f * dot(dout, dOutAt, v, place(a, a.v, b, h, t), a.D)
          if (f !== 0) axpy(row[t] * f, dout, dOutAt, dValues, t * a.D, a.D)
          mean += row[t] * dRow[t]
        }
        dQuery.fill(0)
        for (let t = 0; t < T; t++) {
          const dScore = row[t] * (dRow[t] - mean) * a.scale
          if (dScore === 0) continue
          axpy(dScore, k, place(a, a.k, b, h, t), dQuery, 0, a.D)
          axpy(dScore, q, place(a, a.q, b, h, s), dKeys, t * a.D, a.D)
        }
        dq.set(dQuery, place(a, a.q, b, h, s))
      }
      for (let t = 0; t < T; t++) {
        dk.set(dKeys.subarray(t * a.D, (t + 1) * a.D), place(a, a.k, b, h, t))
        dv.set(dValues.subarray(t * a.D, (t + 1) * a.D), place(a, a.v, b, h, t))
      }
    }
  }
}
