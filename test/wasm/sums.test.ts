// Sums down many rows and norms of rows as good as constant: in each build as exact as the js backend has them.
import { afterAll, describe, expect, it } from 'vitest'
import { full, setBackend, setDeterministic, setThreads, tensor } from '../../src/index.js'
import { jsKernels } from '../../src/tensor/backends/js/index.js'
import { createWasmKernels } from '../../src/tensor/backends/wasm/index.js'
import type { Kernels } from '../../src/tensor/kernels.js'
import { keyOf, uniformAt } from '../../src/tensor/rng.js'
import { Storage } from '../../src/tensor/storage.js'
import { builds } from './builds.js'

const storages: Storage[] = []

function heap(values: ArrayLike<number>): Float32Array {
  const storage = new Storage('float32', values.length)
  storages.push(storage)
  storage.data.set(values)
  return storage.data as Float32Array
}

const rowOf = (n: number, f: (i: number) => number) => Float32Array.from({ length: n }, (_, i) => f(i))

describe.each(builds)('%s build', (build) => {
  const fast = createWasmKernels(jsKernels, { build }) as Kernels

  it('adds up columns as the js backend does', () => {
    for (const [outer, n, inner] of [
      [1, 200_000, 2],
      [1, 100_000, 5],
      [2, 20_001, 21],
      [1, 65, 16],
    ]) {
      const x = rowOf(outer * n * inner, (i) => (i % 7 === 0 ? 0.3 : 0.1))
      const want = new Float64Array(outer * inner)
      jsKernels.reduce('sum', want, Float64Array.from(x), outer, n, inner)
      const got = heap(new Float32Array(outer * inner))
      fast.reduce('sum', got, heap(x), outer, n, inner)
      got.forEach((s, i) => {
        expect(Math.abs(s / want[i] - 1)).toBeLessThan(1e-6)
      })
    }
  })

  it('norms rows of equal numbers to the bias, and gives them no gradient', () => {
    for (const n of [1, 3, 64, 384, 513, 768, 1024]) {
      for (const value of [0.7, 3.3, -1e-3, 1e6, 0]) {
        for (const eps of [1e-12, 1e-5]) {
          const x = heap(new Float32Array(2 * n).fill(value))
          const [w, b, y] = [heap(rowOf(n, () => 2)), heap(rowOf(n, (i) => i)), heap(new Float32Array(2 * n))]
          fast.layerNorm(y, x, w, b, 2, n, eps)
          expect(y.every((v, i) => v === i % n)).toBe(true)
          const [dx, dw, db] = [new Float32Array(2 * n), new Float32Array(n), new Float32Array(n)].map(heap)
          fast.layerNormGrad(dx, dw, db, x, w, heap(rowOf(2 * n, () => 1)), 2, n, eps)
          expect([dw.every((v) => v === 0), db.every((v) => v === 2)]).toEqual([true, true])
          expect(Math.max(...dx.map(Math.abs)) * Math.sqrt(eps)).toBeLessThan(1e-6)
        }
      }
    }
  })

  it('norms rows of little spread, and huge and tiny ones, as the js backend does', () => {
    const noise = (i: number) => 2 * uniformAt(keyOf(1), i) - 1
    const rows = [
      [1e20, -1e20, 2e20, 0],
      [3e38, -3e38, 1e38, 0],
      [1e-25, -1e-25, 2e-25, 0],
      rowOf(768, (i) => 1000 + noise(i)),
      rowOf(384, (i) => 0.7 + 1e-5 * noise(i)),
      rowOf(65, (i) => -3 + 1e-3 * noise(i)),
    ]
    for (const row of rows) {
      const n = row.length
      const [ones, zeros] = [new Float32Array(n).fill(1), new Float32Array(n)]
      const want = new Float64Array(n)
      jsKernels.layerNorm(want, Float64Array.from(row), ones, zeros, 1, n, 1e-60)
      const got = heap(zeros)
      fast.layerNorm(got, heap(row), heap(ones), heap(zeros), 1, n, 1e-60)
      got.forEach((y, i) => {
        expect(Math.abs(y - want[i])).toBeLessThan(1e-6)
      })
    }
  })
})

describe('through tensors', () => {
  afterAll(() => {
    setThreads(1)
    setBackend('auto')
    setDeterministic(false)
  })

  it('sums, means and variances down a million rows are right to float32', () => {
    const x = full([1_000_000, 2], 0.1)
    const exact = Math.fround(0.1) * 1e6
    for (const s of x.sum(0).data) expect(Math.abs(s / exact - 1)).toBeLessThan(1e-6)
    for (const m of x.mean(0).data) expect(Math.abs(m - 0.1)).toBeLessThan(1e-7)
    expect(x.var(0).toArray()).toEqual([0, 0])
    const middle = full([2, 100_000, 3], 0.1).sum(1).data
    for (const s of middle) expect(Math.abs(s / (exact / 10) - 1)).toBeLessThan(1e-6)
  })

  it('have the same bits on 1 thread and on more', () => {
    const x = tensor(
      rowOf(70_000 * 34, (i) => uniformAt(keyOf(3), i)),
      { shape: [70_000, 34] },
    )
    const y = x.reshape([10, 7000, 34])
    const bits = [1, 2, 4, 8].map((threads) => {
      setThreads(threads)
      return [...x.sum(0).data, ...y.sum(1).data, ...y.sum([0, 1]).data]
    })
    for (const other of bits.slice(1)) expect(other).toEqual(bits[0])
  })

  it.each(['js', 'auto'] as const)('constant rows norm to 0 on %s, gradients of gradients too', (backend) => {
    setBackend(backend)
    for (const n of [3, 64, 768]) {
      for (const dtype of ['float32', 'float64'] as const) {
        const x = full([2, n], 0.7, { dtype, requiresGrad: true })
        const [w, b] = [full([n], 1, { dtype, requiresGrad: true }), full([n], 0, { dtype })]
        const y = x.layerNorm(w, b, { eps: 1e-12 })
        expect(y.data.every((v) => v === 0)).toBe(true)
        y.sum().backward(undefined, { createGraph: true })
        expect(w.grad!.data.every((g) => Math.abs(g) < 1e-6)).toBe(true)
      }
    }
  })
})
