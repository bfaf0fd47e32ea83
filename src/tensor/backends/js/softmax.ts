// softmax, log-softmax and cross entropy over rows, with their gradients.
import type { Kernels } from '../../kernels.js'
import { exp, log } from '../../math.js'
import type { Floats } from '../../storage.js'

function rowMax(x: Floats, at: number, n: number): number {
  let m = -Infinity
  for (let i = 0; i < n; i++) m = Math.max(m, x[at + i])
  return m
}

/** log(sum(exp(x * invT))) of a row whose maximum `m` is finite. */
function logSumExp(x: Floats, at: number, n: number, m: number, invT: number): number {
  let s = 0
  for (let i = 0; i < n; i++) s += exp((x[at + i] - m) * invT)
  return m * invT + log(s)
}

type Softmaxes = Pick<Kernels, 'softmax' | 'softmaxGrad' | 'logSoftmax' | 'logSoftmaxGrad' | 'crossEntropy' | 'crossEntropyGrad'>

export const softmaxes: Softmaxes = {
  softmax(out, x, rows, n, invT) {
    for (let at = 0; at < rows * n; at += n) {
      const m = rowMax(x, at, n)
      if (m === -Infinity) {
        out.fill(0, at, at + n)
        continue
      }
      let s = 0
      for (let i = 0; i < n; i++) s += exp((x[at + i] - m) * invT)
      for (let i = 0; i < n; i++) out[at + i] = exp((x[at + i] - m) * invT) / s
    }
  },

  softmaxGrad(out, y, dy, rows, n, invT) {
    for (let at = 0; at < rows * n; at += n) {
      let dot = 0
      for (let i = 0; i < n; i++) dot += y[at + i] * dy[at + i]
      for (let i = 0; i < n; i++) out[at + i] = y[at + i] * (dy[at + i] - dot) * invT
    }
  },

  logSoftmax(out, x, rows, n, invT) {
    for (let at = 0; at < rows * n; at += n) {
      const m = rowMax(x, at, n)
      if (m === -Infinity) {
        out.fill(-Infinity, at, at + n)
        continue
      }
      let s = 0
      for (let i = 0; i < n; i++) s += exp((x[at + i] - m) * invT)
      const l = log(s)
      for (let i = 0; i < n; i++) out[at + i] = (x[at + i] - m) * invT - l
    }
  },

  logSoftmaxGrad(out, y, dy, rows, n, invT) {
    for (let at = 0; at < rows * n; at += n) {
      let sum = 0
      for (let i = 0; i < n; i++) sum += dy[at + i]
      for (let i = 0; i < n; i++) out[at + i] = (dy[at + i] - exp(y[at + i]) * sum) * invT
    }
  },

  crossEntropy(out, x, labels, rows, n, ignore, smoothing) {
    for (let r = 0, at = 0; r < rows; r++, at += n) {
      if (labels[r] === ignore) {
        out[r] = 0
        continue
      }
      const lse = logSumExp(x, at, n, rowMax(x, at, n), 1)
      let spread = 0
      // Without smoothing the other classes have no say: a masked logit of -Infinity must not make NaN of 0 * Infinity.
      if (smoothing > 0) for (let i = 0; i < n; i++) spread += lse - x[at + i]
      out[r] = (1 - smoothing) * (lse - x[at + labels[r]]) + (smoothing / n) * spread
    }
  },

  crossEntropyGrad(out, x, labels, dy, rows, n, ignore, smoothing) {
    for (let r = 0, at = 0; r < rows; r++, at += n) {
      if (labels[r] === ignore) {
        out.fill(0, at, at + n)
        continue
      }
      const lse = logSumExp(x, at, n, rowMax(x, at, n), 1)
      for (let i = 0; i < n; i++) {
        const target = smoothing / n + (i === labels[r] ? 1 - smoothing : 0)
        out[at + i] = dy[r] * (exp(x[at + i] - lse) - target)
      }
    }
  },
}
