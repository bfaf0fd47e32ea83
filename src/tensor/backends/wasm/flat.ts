// Kernels over flat arrays: optimizer steps, the sum of squares, dropout.
import type { Kernels } from '../../kernels.js'
import { at, type Scratch, staged } from './memory.js'
import type { Exports } from './module.js'
import type { Pool } from './pool.js'

export function flatKernels(
  w: Exports,
  scratch: Scratch,
  pool: Pool,
  js: Kernels,
  self: () => Kernels,
): Pick<Kernels, 'adam' | 'sgd' | 'sumSquares' | 'dropout'> {
  /** Elements a chunk, a multiple of 64; ns: for one. */
  const pieces = (n: number, ns: number) => Math.ceil(n / pool.chunksFor(n * ns) / 64) * 64

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
      const betas = [a.beta1, 1 - a.beta1, a.beta2, 1 - a.beta2]
      const rates = [a.lr / a.correction1, correct, a.eps, l2, keep, a.gradScale]
      const chunk = pieces(p.length, 1.5)
      const step = chunk * 4
      pool.run({
        fn: 'adam',
        args: [pAt, gAt, mAt, vAt, p.length, ...betas, ...rates],
        steps: { 0: step, 1: step, 2: step, 3: step },
        ...{ countAt: 4, total: p.length, chunk, inPlace: true },
      })
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

    dropout(out, x, p, key, residual) {
      const o = at(out)
      const a = at(x)
      const r = residual === null ? 0 : at(residual)
      if (Math.min(o, a, r) < 0) return staged('dropout', self(), js, [out, x, p, key, residual])
      // 2^32 does not fit the limit: without survivors, js.
      if (!(p >= 0 && p < 1)) return js.dropout(out, x, p, key, residual)
      const chunk = pieces(out.length, 2)
      const room = scratch.reserve(128 * pool.size())
      if (room < 0) return js.dropout(out, x, p, key, residual)
      pool.run({
        fn: 'dropout',
        args: [o, a, 0, out.length, Math.ceil(p * 4294967296), 1 / (1 - p), key[0], key[1], r, room],
        steps: { 2: chunk, 9: 128 },
        ...{ countAt: 3, total: out.length, chunk, scratchAt: 9, inPlace: o === a || o === r },
      })
    },
  }
}
