// Layer norm with its gradient, and dropout.
import type { Kernels } from '../../kernels.js'
import { threefry } from '../../rng.js'
import type { Floats } from '../../storage.js'

function moments(x: Floats, at: number, n: number, eps: number): [mean: number, rstd: number] {
  let mean = 0
  for (let i = 0; i < n; i++) mean += x[at + i]
  mean /= n
  let variance = 0
  for (let i = 0; i < n; i++) variance += (x[at + i] - mean) ** 2
  return [mean, 1 / Math.sqrt(variance / n + eps)]
}

const block = new Uint32Array(2)

/** Whether element i of the stream is dropped: word i (half i & 1 of block i >> 1) lies below p * 2^32. */
export function isDropped(key: readonly [number, number], i: number, p: number): boolean {
  threefry(key[0], key[1], i >>> 1, 0, block)
  return block[i & 1] < p * 4294967296
}

export const normalizations: Pick<Kernels, 'layerNorm' | 'layerNormGrad' | 'dropout'> = {
  layerNorm(out, x, weight, bias, rows, n, eps) {
    for (let at = 0; at < rows * n; at += n) {
      const [mean, rstd] = moments(x, at, n, eps)
      for (let i = 0; i < n; i++) out[at + i] = (x[at + i] - mean) * rstd * weight[i] + bias[i]
    }
  },

  layerNormGrad(dx, dWeight, dBias, x, weight, dy, rows, n, eps) {
    // Sums over rows run in float64 also for float32 tensors.
    const dw = new Float64Array(n)
    const db = new Float64Array(n)
    for (let at = 0; at < rows * n; at += n) {
      const [mean, rstd] = moments(x, at, n, eps)
      let sum = 0
      let dot = 0
      for (let i = 0; i < n; i++) {
        const xhat = (x[at + i] - mean) * rstd
        const g = dy[at + i] * weight[i]
        sum += g
        dot += g * xhat
        dw[i] += dy[at + i] * xhat
        db[i] += dy[at + i]
      }
      // dx = rstd * (g - mean(g) - xhat * mean(g * xhat))
      for (let i = 0; i < n; i++) {
        const xhat = (x[at + i] - mean) * rstd
        dx[at + i] = rstd * (dy[at + i] * weight[i] - sum / n - (xhat * dot) / n)
      }
    }
    dWeight.set(dw)
    dBias.set(db)
  },

  dropout(out, x, p, key) {
    const scale = 1 / (1 - p)
    for (let i = 0; i < out.length; i++) out[i] = isDropped(key, i, p) ? 0 : x[i] * scale
  },
}
