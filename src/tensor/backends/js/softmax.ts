// Softmax, its logarithm and the cross entropy on top, over rows of n. The row's maximum is taken off first,
// so that exp does not overflow; a row of all -Infinity has no maximum to take off and is named in each kernel.
import type { Kernels } from '../../kernels.js'
import { exp, log } from '../../math.js'
import type { Floats } from '../../storage.js'

/** The largest of the row times invT, NaN if any is NaN, -Infinity for an empty row. */
function rowMax(x: Floats, start: number, n: number, invT: number): number {
  let max = -Infinity
  for (let i = 0; i < n; i++) max = Math.max(max, x[start + i] * invT)
  return max
}

function sumExp(x: Floats, start: number, n: number, invT: number, max: number): number {
  let sum = 0
  for (let i = 0; i < n; i++) sum += exp(x[start + i] * invT - max)
  return sum
}

export const softmax: Kernels['softmax'] = (out, x, rows, n, invT) => {
  for (let at = 0; at < rows * n; at += n) {
    const max = rowMax(x, at, n, invT)
    const sum = sumExp(x, at, n, invT, max)
    for (let i = at; i < at + n; i++) out[i] = max === -Infinity ? 0 : exp(x[i] * invT - max) / sum
  }
}

export const softmaxGrad: Kernels['softmaxGrad'] = (out, y, dy, rows, n, invT) => {
  for (let at = 0; at < rows * n; at += n) {
    let dot = 0
    // Rounded y does not add up to 1, which shows where dy differs little from its mean.
    let sum = 0
    for (let i = at; i < at + n; i++) {
      dot += y[i] * dy[i]
      sum += y[i]
    }
    const mean = sum === 0 ? 0 : dot / sum
    for (let i = at; i < at + n; i++) out[i] = y[i] * (dy[i] - mean) * invT
  }
}

export const logSoftmax: Kernels['logSoftmax'] = (out, x, rows, n, invT) => {
  for (let at = 0; at < rows * n; at += n) {
    const max = rowMax(x, at, n, invT)
    const logSum = log(sumExp(x, at, n, invT, max))
    for (let i = at; i < at + n; i++) out[i] = max === -Infinity ? -Infinity : x[i] * invT - max - logSum
  }
}

export const logSoftmaxGrad: Kernels['logSoftmaxGrad'] = (out, y, dy, rows, n, invT) => {
  for (let at = 0; at < rows * n; at += n) {
    let sum = 0
    for (let i = at; i < at + n; i++) sum += dy[i]
    for (let i = at; i < at + n; i++) out[i] = (dy[i] - exp(y[i]) * sum) * invT
  }
}

export const crossEntropy: Kernels['crossEntropy'] = (out, x, labels, rows, n, ignore, smoothing) => {
  for (let r = 0; r < rows; r++) {
    out[r] = 0
    if (labels[r] === ignore) continue
    const at = r * n
    const max = rowMax(x, at, n, 1)
    const logSum = log(sumExp(x, at, n, 1, max))
    const logp = (i: number) => (max === -Infinity ? -Infinity : x[at + i] - max - logSum)
    let loss = -(1 - smoothing) * logp(labels[r])
    // Without smoothing a class at -Infinity must not make 0 * -Infinity.
    if (smoothing > 0) for (let i = 0; i < n; i++) loss -= (smoothing / n) * logp(i)
    out[r] = loss
  }
}

export const crossEntropyGrad: Kernels['crossEntropyGrad'] = (
  out,
  x,
  labels,
  dy,
  rows,
  n,
  ignore,
  smoothing,
) => {
  softmax(out, x, rows, n, 1)
  for (let r = 0; r < rows; r++) {
    const at = r * n
    for (let i = 0; i < n; i++) {
      const target = smoothing / n + (i === labels[r] ? 1 - smoothing : 0)
      out[at + i] = labels[r] === ignore ? 0 : dy[r] * (out[at + i] - target)
    }
  }
}
