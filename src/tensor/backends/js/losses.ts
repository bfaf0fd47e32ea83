// Losses of single numbers.
import type { Kernels } from '../../kernels.js'
import { exp, log } from '../../math.js'

/** ln(1 + e), 0 <= e <= 1, to the last bits: log's argument has lost some of e, which the quotient gives back. */
function log1p(e: number): number {
  const u = 1 + e
  return u === 1 ? e : (log(u) * e) / (u - 1)
}

export const logisticLoss: Kernels['logisticLoss'] = (out, x) => {
  for (let i = 0; i < out.length; i++) out[i] = Math.max(-x[i], 0) + log1p(exp(-Math.abs(x[i])))
}

export const bce: Kernels['bce'] = (out, p, y) => {
  const cut = (v: number) => Math.max(log(v), -100)
  for (let i = 0; i < out.length; i++) out[i] = -(y[i] * cut(p[i]) + (1 - y[i]) * cut(1 - p[i]))
}
