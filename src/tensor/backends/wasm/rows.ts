// Kernels over rows: reductions, the softmax family, layer normalization, rows by index.
import type { Kernels } from '../../kernels.js'
import { at, type Scratch, staged } from './memory.js'
import type { Exports } from './module.js'
import type { Pool } from './pool.js'

type Rows = Pick<
  Kernels,
  | 'reduce'
  | 'norm'
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

/** Nanoseconds an element of a sum, a maximum or a minimum. */
const FOLD = 0.2

/** Rows whose weight gradients layerNormGradRows adds up at a time: as assembly/norm.ts has it. */
const NORM_ROWS = 64

export function rowKernels(w: Exports, scratch: Scratch, pool: Pool, js: Kernels, self: () => Kernels): Rows {
  /** A kernel over rows: argument k moves on by moving[k] elements a row. ns: for one row. */
  function byRows(
    fn: keyof Exports,
    args: number[],
    moving: Record<number, number>,
    countAt: number,
    ns: number,
  ): void {
    const rows = args[countAt]
    const chunk = Math.max(1, Math.ceil(rows / pool.chunksFor(rows * ns)))
    const steps = Object.fromEntries(Object.entries(moving).map(([k, n]) => [k, chunk * n * 4]))
    pool.run({ fn, args, steps, countAt, total: rows, chunk })
  }

  const normalized =
    (fn: 'softmax' | 'logSoftmax'): Kernels['softmax'] =>
    (out, x, rows, n, invT) => {
      const o = at(out)
      const a = at(x)
      if (Math.min(o, a) < 0) return staged(fn, self(), js, [out, x, rows, n, invT])
      if (!isTemperature(invT)) return js[fn](out, x, rows, n, invT)
      byRows(fn, [o, a, rows, n, invT], { 0: n, 1: n }, 2, n * 2)
    }

  const normalizedGrad =
    (fn: 'softmaxGrad' | 'logSoftmaxGrad', ns: number): Kernels['softmaxGrad'] =>
    (out, y, dy, rows, n, invT) => {
      const o = at(out)
      const a = at(y)
      const d = at(dy)
      if (Math.min(o, a, d) < 0) return staged(fn, self(), js, [out, y, dy, rows, n, invT])
      byRows(fn, [o, a, d, rows, n, invT], { 0: n, 1: n, 2: n }, 3, n * ns)
    }

  return {
    reduce(fn, out, x, outer, n, inner) {
      const o = at(out)
      const a = at(x)
      if (Math.min(o, a) < 0) return staged('reduce', self(), js, [fn, out, x, outer, n, inner])
      if (n === 0 || (fn === 'logsumexp' && inner !== 1)) return js.reduce(fn, out, x, outer, n, inner)
      if (fn === 'logsumexp') w.logsumexp(o, a, outer, n)
      else if (outer > 1 || inner === 1) {
        const args = [foldCode[fn], o, a, outer, n, inner, inner * 4]
        byRows('reduce', args, { 1: inner, 2: n * inner }, 3, n * inner * FOLD)
      } else {
        const chunk = Math.ceil(inner / pool.chunksFor(n * inner * FOLD) / 16) * 16
        pool.run({
          fn: 'reduce',
          args: [foldCode[fn], o, a, outer, n, inner, inner * 4],
          steps: { 1: chunk * 4, 2: chunk * 4 },
          ...{ countAt: 5, total: inner, chunk },
        })
      }
    },

    norm(out, x, outer, n, inner, p) {
      const a = at(x)
      if (a < 0 || p !== 2 || inner !== 1) return js.norm(out, x, outer, n, inner, p)
      for (let o = 0; o < outer; o++) out[o] = Math.sqrt(w.sumSquares(a + o * n * 4, n))
    },

    softmax: normalized('softmax'),
    softmaxGrad: normalizedGrad('softmaxGrad', 0.6),
    logSoftmax: normalized('logSoftmax'),
    logSoftmaxGrad: normalizedGrad('logSoftmaxGrad', 2),

    crossEntropy(out, x, labels, rows, n, ignore, smoothing) {
      const o = at(out)
      const a = at(x)
      const l = at(labels)
      if (Math.min(o, a, l) < 0) {
        return staged('crossEntropy', self(), js, [out, x, labels, rows, n, ignore, smoothing])
      }
      if (!w.indexFits(l, rows, n, ignore)) return js.crossEntropy(out, x, labels, rows, n, ignore, smoothing)
      byRows('crossEntropy', [o, a, l, rows, n, ignore, smoothing], { 0: 1, 1: n, 2: 1 }, 3, n * 2)
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
      byRows(
        'crossEntropyGrad',
        [o, a, l, d, rows, n, ignore, smoothing],
        { 0: n, 1: n, 2: 1, 3: 1 },
        4,
        n * 3,
      )
    },

    layerNorm(out, x, weight, bias, rows, n, eps) {
      const o = at(out)
      const a = at(x)
      const g = at(weight)
      const b = at(bias)
      if (Math.min(o, a, g, b) < 0)
        return staged('layerNorm', self(), js, [out, x, weight, bias, rows, n, eps])
      byRows('layerNorm', [o, a, g, b, rows, n, eps], { 0: n, 1: n }, 4, n)
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
      // Blocks of rows, whoever takes them: the sums have one order.
      const blocks = Math.ceil(rows / NORM_ROWS / pool.chunksFor(rows * n * 2))
      const chunk = Math.max(1, blocks) * NORM_ROWS
      const step = chunk * n * 4
      pool.run({
        fn: 'layerNormGradRows',
        args: [dxAt, room, a, g, d, rows, n, eps],
        steps: { 0: step, 1: (step / NORM_ROWS) * 2, 2: step, 4: step },
        ...{ countAt: 5, total: rows, chunk },
      })
      w.layerNormGradEnd(dwAt, dbAt, rows, n, room)
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
