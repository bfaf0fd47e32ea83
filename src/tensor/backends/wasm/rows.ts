// Kernels over rows: reductions, the softmax family, layer normalization, rows by index.
import type { Kernels } from '../../kernels.js'
import { at, type Scratch, staged } from './memory.js'
import type { Exports } from './module.js'

type Rows = Pick<
  Kernels,
  | 'reduce'
  | 'softmax'
  | 'softmaxGrad'
  | 'logSoftmax'
  | 'logSoftmaxGrad'
  | 'crossEntropy'
  | 'crossEntropyGrad'
  | 'layerNorm'
  | 'layerNormGrad'
  | 'indexSelect'
  | 'indexAdd'
>

const foldCode = { sum: 0, max: 1, min: 2 } as const

/** For which the largest x is also the largest x / T. */
function isTemperature(invT: number): boolean {
  return invT > 0 && invT < Infinity
}

export function rowKernels(w: Exports, scratch: Scratch, js: Kernels, self: () => Kernels): Rows {
  return {
    reduce(fn, out, x, outer, n, inner) {
      const o = at(out)
      const a = at(x)
      if (Math.min(o, a) < 0) return staged('reduce', self(), js, [fn, out, x, outer, n, inner])
      if (n === 0 || (fn === 'logsumexp' && inner !== 1)) return js.reduce(fn, out, x, outer, n, inner)
      if (fn === 'logsumexp') w.logsumexp(o, a, outer, n)
      else w.reduce(foldCode[fn], o, a, outer, n, inner)
    },

    softmax(out, x, rows, n, invT) {
      const o = at(out)
      const a = at(x)
      if (Math.min(o, a) < 0) return staged('softmax', self(), js, [out, x, rows, n, invT])
      if (!isTemperature(invT)) return js.softmax(out, x, rows, n, invT)
      w.softmax(o, a, rows, n, invT)
    },

    softmaxGrad(out, y, dy, rows, n, invT) {
      const o = at(out)
      const a = at(y)
      const d = at(dy)
      if (Math.min(o, a, d) < 0) return staged('softmaxGrad', self(), js, [out, y, dy, rows, n, invT])
      w.softmaxGrad(o, a, d, rows, n, invT)
    },

    logSoftmax(out, x, rows, n, invT) {
      const o = at(out)
      const a = at(x)
      if (Math.min(o, a) < 0) return staged('logSoftmax', self(), js, [out, x, rows, n, invT])
      if (!isTemperature(invT)) return js.logSoftmax(out, x, rows, n, invT)
      w.logSoftmax(o, a, rows, n, invT)
    },

    logSoftmaxGrad(out, y, dy, rows, n, invT) {
      const o = at(out)
      const a = at(y)
      const d = at(dy)
      if (Math.min(o, a, d) < 0) return staged('logSoftmaxGrad', self(), js, [out, y, dy, rows, n, invT])
      w.logSoftmaxGrad(o, a, d, rows, n, invT)
    },

    crossEntropy(out, x, labels, rows, n, ignore, smoothing) {
      const o = at(out)
      const a = at(x)
      const l = at(labels)
      if (Math.min(o, a, l) < 0) {
        return staged('crossEntropy', self(), js, [out, x, labels, rows, n, ignore, smoothing])
      }
      if (!w.indexFits(l, rows, n, ignore)) return js.crossEntropy(out, x, labels, rows, n, ignore, smoothing)
      w.crossEntropy(o, a, l, rows, n, ignore, smoothing)
    },

    crossEntropyGrad(out, x, labels, dy, rows, n, ignore, smoothing) {
      const o = at(out)
      const a = at(x)
      const l = at(labels)
      const d = at(dy)
      if (Math.min(o, a, l, d) < 0) {
        return staged('crossEntropyGrad', self(), js, [out, x, labels, dy, rows, n, ignore, smoothing])
      }
      if (!w.indexFits(l, rows, n, ignore)) {
        return js.crossEntropyGrad(out, x, labels, dy, rows, n, ignore, smoothing)
      }
      w.crossEntropyGrad(o, a, l, d, rows, n, ignore, smoothing)
    },

    layerNorm(out, x, weight, bias, rows, n, eps) {
      const o = at(out)
      const a = at(x)
      const g = at(weight)
      const b = at(bias)
      if (Math.min(o, a, g, b) < 0)
        return staged('layerNorm', self(), js, [out, x, weight, bias, rows, n, eps])
      w.layerNorm(o, a, g, b, rows, n, eps)
    },

    layerNormGrad(dx, dWeight, dBias, x, weight, dy, rows, n, eps) {
      const dxAt = at(dx)
      const dwAt = at(dWeight)
      const dbAt = at(dBias)
      const a = at(x)
      const g = at(weight)
      const d = at(dy)
      if (Math.min(dxAt, dwAt, dbAt, a, g, d) < 0) {
        return staged('layerNormGrad', self(), js, [dx, dWeight, dBias, x, weight, dy, rows, n, eps])
      }
      const room = scratch.reserve(w.normScratch(rows, n))
      if (room < 0) return js.layerNormGrad(dx, dWeight, dBias, x, weight, dy, rows, n, eps)
      w.layerNormGrad(dxAt, dwAt, dbAt, a, g, d, rows, n, eps, room)
    },

    indexSelect(out, x, index, outer, n, inner) {
      const o = at(out)
      const a = at(x)
      const i = at(index)
      // A copy through a copy gains nothing.
      if (
        Math.min(o, a, i) < 0 ||
        out.constructor !== x.constructor ||
        !w.indexFits(i, index.length, n, -1)
      ) {
        return js.indexSelect(out, x, index, outer, n, inner)
      }
      w.indexSelect(o, a, i, outer, n, index.length, inner)
    },

    indexAdd(out, src, index, outer, n, inner, skip) {
      const o = at(out)
      const s = at(src)
      const i = at(index)
      if (Math.min(o, s, i) < 0 || !w.indexFits(i, index.length, n, skip)) {
        return js.indexAdd(out, src, index, outer, n, inner, skip)
      }
      w.indexAdd(o, s, i, outer, n, index.length, inner, skip)
    },
  }
}
