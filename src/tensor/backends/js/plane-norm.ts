// Norms over planes: channels over a batch, or groups of channels of each image, each with its own mean and variance.

import type { PlaneNormArgs } from '../../kernel-args.js'
import type { Kernels } from '../../kernels.js'
import type { Floats } from '../../storage.js'

/** Calls visit(plane) for each plane of set s. */
function eachPlane({ setStep, runStep, runs }: PlaneNormArgs, s: number, visit: (q: number) => void): void {
  for (let r = 0; r < runs; r++) visit(s * setStep + r * runStep)
}

function moments(x: Floats, s: number, a: PlaneNormArgs): [mean: number, variance: number] {
  const { L } = a
  let sum = 0
  eachPlane(a, s, (q) => {
    for (let i = q * L; i < (q + 1) * L; i++) sum += x[i]
  })
  const mean = sum / (a.runs * L)
  let squares = 0
  eachPlane(a, s, (q) => {
    for (let i = q * L; i < (q + 1) * L; i++) squares += (x[i] - mean) ** 2
  })
  return [mean, squares / (a.runs * L)]
}

export const planeNorm: Kernels['planeNorm'] = (out, means, variances, x, weight, bias, a) => {
  const { L, C } = a
  for (let s = 0; s < a.sets; s++) {
    const [mean, variance] = moments(x, s, a)
    means[s] = mean
    variances[s] = variance
    const scale = 1 / Math.sqrt(variance + a.eps)
    eachPlane(a, s, (q) => {
      const [w, b] = [weight[q % C] * scale, bias[q % C]]
      for (let i = q * L; i < (q + 1) * L; i++) out[i] = (x[i] - mean) * w + b
    })
  }
}

export const planeNormGrad: Kernels['planeNormGrad'] = (dx, dWeights, dBiases, x, weight, dy, a) => {
  const { L, C } = a
  for (let s = 0; s < a.sets; s++) {
    const [mean, variance] = moments(x, s, a)
    const scale = 1 / Math.sqrt(variance + a.eps)
    let g = 0
    let gx = 0
    eachPlane(a, s, (q) => {
      let [sum, dot] = [0, 0]
      for (let i = q * L; i < (q + 1) * L; i++) {
        sum += dy[i]
        dot += dy[i] * (x[i] - mean) * scale
      }
      dWeights[q] = dot
      dBiases[q] = sum
      g += sum * weight[q % C]
      gx += dot * weight[q % C]
    })
    const n = a.runs * L
    eachPlane(a, s, (q) => {
      const w = weight[q % C]
      for (let i = q * L; i < (q + 1) * L; i++)
        dx[i] = scale * (dy[i] * w - g / n - ((x[i] - mean) * scale * gx) / n)
    })
  }
}
