// The elementwise part of a recurrent step, in chunks of rows.
import type { Kernels } from '../../kernels.js'
import { at, staged } from './memory.js'
import type { Exports } from './module.js'
import type { Pool } from './pool.js'

/** Nanoseconds a unit of a step, which takes three to five exponentials, and of its gradient. */
const STEP = 6
const GRAD = 3

export function recurrentKernels(
  pool: Pool,
  js: Kernels,
  self: () => Kernels,
): Pick<Kernels, 'lstmStep' | 'lstmStepGrad' | 'gruStep' | 'gruStepGrad'> {
  /** Argument k moves on by each[k] * n elements a row; the last two arguments are rows and n. */
  function byRows(
    fn: keyof Exports,
    addresses: number[],
    each: number[],
    rows: number,
    n: number,
    ns: number,
    inPlace = false,
  ): void {
    const chunk = Math.max(1, Math.ceil(rows / pool.chunksFor(rows * n * ns)))
    pool.run({
      fn,
      args: [...addresses, rows, n],
      steps: Object.fromEntries(each.map((e, k) => [k, chunk * e * n * 4])),
      ...{ countAt: addresses.length, total: rows, chunk, inPlace },
    })
  }

  return {
    lstmStep(h, c, act, gx, gh, cPrev, rows, n) {
      const all = [h, c, act, gx, gh, cPrev].map(at)
      if (Math.min(...all) < 0) return staged('lstmStep', self(), js, [h, c, act, gx, gh, cPrev, rows, n])
      byRows('lstmStep', all, [1, 1, 4, 4, 4, 1], rows, n, STEP)
    },

    lstmStepGrad(dGates, dc, dh, act, c, cPrev, rows, n) {
      const all = [dGates, dc, dh, act, c, cPrev].map(at)
      if (Math.min(...all) < 0)
        return staged('lstmStepGrad', self(), js, [dGates, dc, dh, act, c, cPrev, rows, n])
      byRows('lstmStepGrad', all, [4, 1, 1, 4, 1, 1], rows, n, GRAD, true)
    },

    gruStep(h, act, gx, gh, hPrev, rows, n) {
      const all = [h, act, gx, gh, hPrev].map(at)
      if (Math.min(...all) < 0) return staged('gruStep', self(), js, [h, act, gx, gh, hPrev, rows, n])
      byRows('gruStep', all, [1, 4, 3, 3, 1], rows, n, STEP)
    },

    gruStepGrad(dGx, dGh, dh, act, hPrev, rows, n) {
      const all = [dGx, dGh, dh, act, hPrev].map(at)
      if (Math.min(...all) < 0) return staged('gruStepGrad', self(), js, [dGx, dGh, dh, act, hPrev, rows, n])
      byRows('gruStepGrad', all, [3, 3, 1, 4, 1], rows, n, GRAD, true)
    },
  }
}
