// Kernels over flat arrays: optimizer steps, the sum of squares, dropout.
import type { Kernels } from '../../kernels.js'
import { ASIDE, at, staged } from './memory.js'
import type { Exports } from './module.js'

export function flatKernels(
  w: Exports,
  js: Kernels,
  self: () => Kernels,
): Pick<Kernels, 'adam' | 'sgd' | 'sumSquares' | 'dropout'> {
  return {
    adam(p, g, m, v, a) {
      const pAt = at(p)
      const gAt = at(g)
      const mAt = at(m)
      const vAt = at(v)
      if (Math.min(pAt, gAt, mAt, vAt) < 0) return staged('adam', self(), js, [p, g, m, v, a])
      const l2 = a.decoupled ? 0 : a.weightDecay
      const keep = a.decoupled ? 1 - a.lr * a.weightDecay : 1
      const correct = 1 / Math.sqrt(a.correction2)
      w.adam(
        pAt,
        gAt,
        mAt,
        vAt,
        p.length,
        a.beta1,
        1 - a.beta1,
        a.beta2,
        1 - a.beta2,
        a.lr / a.correction1,
        correct,
        a.eps,
        l2,
        keep,
        a.gradScale,
      )
    },

    sgd(p, g, buf, lr, momentum, weightDecay, nesterov, gradScale) {
      const pAt = at(p)
      const gAt = at(g)
      const bAt = at(buf)
      if (Math.min(pAt, gAt, bAt) < 0) {
        return staged('sgd', self(), js, [p, g, buf, lr, momentum, weightDecay, nesterov, gradScale])
      }
      w.sgd(pAt, gAt, bAt, p.length, lr, momentum, weightDecay, nesterov ? 1 : 0, gradScale)
    },

    sumSquares(x) {
      const a = at(x)
      return a < 0 ? staged('sumSquares', self(), js, [x]) : w.sumSquares(a, x.length)
    },

    dropout(out, x, p, key) {
      const o = at(out)
      const a = at(x)
      if (Math.min(o, a) < 0) return staged('dropout', self(), js, [out, x, p, key])
      // 2^32 does not fit the limit: without survivors, js.
      if (!(p >= 0 && p < 1)) return js.dropout(out, x, p, key)
      w.dropout(o, a, 0, out.length, Math.ceil(p * 4294967296), 1 / (1 - p), key[0], key[1], ASIDE)
    },
  }
}
