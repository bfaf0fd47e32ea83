// Layer normalization and dropout.
import type { Kernels } from '../../kernels.js'
import { type Key, threefry } from '../../rng.js'
import type { Floats } from '../../storage.js'
import { meanOf } from './reduce.js'

/** Mean and 1 / sqrt(variance + eps) of a row; the variance is the biased one. */
function moments(x: Floats, at: number, n: number, eps: number): [number, number] {
  const mean = meanOf(x, at, n, 1)
  let variance = 0
  for (let i = 0; i < n; i++) variance += (x[at + i] - mean) ** 2 / n
  return [mean, 1 / Math.sqrt(variance + eps)]
}

export const layerNorm: Kernels['layerNorm'] = (out, x, weight, bias, rows, n, eps) => {
  for (let r = 0; r < rows; r++) {
    const at = r * n
    const [mean, scale] = moments(x, at, n, eps)
    for (let i = 0; i < n; i++) out[at + i] = (x[at + i] - mean) * scale * weight[i] + bias[i]
  }
}

export const layerNormGrad: Kernels['layerNormGrad'] = (dx, dWeight, dBias, x, weight, dy, rows, n, eps) => {
  const dw = new Float64Array(n)
  const db = new Float64Array(n)
  for (let r = 0; r < rows; r++) {
    const at = r * n
    const [mean, scale] = moments(x, at, n, eps)
    // With h the normalized row and g = dy * weight: dx = scale * (g - mean(g) - h * mean(g * h)).
    let meanG = 0
    let meanGH = 0
    for (let i = 0; i < n; i++) {
      const h = (x[at + i] - mean) * scale
      const g = dy[at + i] * weight[i]
      meanG += g / n
      meanGH += (g * h) / n
      dw[i] += dy[at + i] * h
      db[i] += dy[at + i]
    }
    for (let i = 0; i < n; i++) {
      const h = (x[at + i] - mean) * scale
      dx[at + i] = scale * (dy[at + i] * weight[i] - meanG - h * meanGH)
    }
  }
  dWeight.set(dw)
  dBias.set(db)
}

/** The factor of element i under dropout: 0, or 1 / (1 - p) so that the mean stays. Fastest when i goes up. */
export function dropoutFactor(p: number, key: Key): (i: number) => number {
  const words = new Uint32Array(2)
  const keep = 1 / (1 - p)
  let block = -1
  return (i) => {
    if (i >>> 1 !== block) {
      block = i >>> 1
      threefry(key[0], key[1], block, 0, words)
    }
    return words[i & 1] < p * 4294967296 ? 0 : keep
  }
}

export const dropout: Kernels['dropout'] = (out, x, p, key, residual) => {
  const factor = dropoutFactor(p, key)
  // A float32 tensor is scaled by a float32, as everywhere else.
  const round = out instanceof Float32Array ? Math.fround : Number
  for (let i = 0; i < out.length; i++) {
    const f = factor(i)
    // What is dropped is gone, even NaN.
    const kept = f === 0 ? 0 : round(x[i] * round(f))
    out[i] = residual === null ? kept : kept + residual[i]
  }
}
