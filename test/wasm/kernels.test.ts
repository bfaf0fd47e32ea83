// The wasm kernels, strict and relaxed, against the js ones in float64: odd sizes, offsets, strides, arrays outside
// the shared memory.
import { describe, expect, it } from 'vitest'
import { jsKernels } from '../../src/tensor/backends/js/index.js'
import { createWasmKernels } from '../../src/tensor/backends/wasm/index.js'
import type { MatrixBatch, UnaryName } from '../../src/tensor/kernel-args.js'
import type { Kernels } from '../../src/tensor/kernels.js'
import { keyOf, normalAt } from '../../src/tensor/rng.js'
import { type Floats, Storage } from '../../src/tensor/storage.js'
import { builds } from './builds.js'

const sizes = [...Array.from({ length: 21 }, (_, i) => i), 33, 257, 1030]
const EPS = 2 ** -24

/** On the shared memory, or an array of its own, which the wrappers have to copy in and out. */
type Place = 'heap' | 'own'
const storages: Storage[] = []

function array(values: ArrayLike<number>, place: Place): Float32Array {
  if (place === 'own') return Float32Array.from(values)
  const storage = new Storage('float32', values.length)
  storages.push(storage)
  storage.data.set(values)
  return storage.data as Float32Array
}

const draw = (n: number, seed: number) =>
  Float32Array.from({ length: n }, (_, i) => normalAt(keyOf(seed), i) * 2)
const exact = (x: Float32Array) => Float64Array.from(x)

function near(got: Floats, want: Floats, bar: number, what: string): void {
  const scale = Array.from(want).reduce((m, x) => Math.max(m, Math.abs(x)), 1e-20)
  got.forEach((x, i) => {
    if (!(Math.abs(x - want[i]) <= bar * scale))
      throw new Error(`${what}: element ${i} of ${got.length} is ${x}, should be ${want[i]}`)
  })
}

/** Runs one kernel on both, and compares what it wrote to its first argument. */
function compare(
  fast: Kernels,
  place: Place,
  n: number,
  inputs: readonly Float32Array[],
  call: (k: Kernels, out: Floats, x: Floats[]) => void,
  bar: number,
  what: string,
): void {
  const want = new Float64Array(n)
  call(jsKernels, want, inputs.map(exact))
  const got = array(new Float32Array(n).fill(7), place)
  call(
    fast,
    got,
    inputs.map((x) => array(x, place)),
  )
  near(got, want, bar, what)
}

const unary: UnaryName[] = [
  ...(['neg', 'abs', 'sign', 'exp', 'tanh', 'sigmoid', 'erf', 'relu', 'gelu', 'geluTanh'] as const),
]

describe.each(builds)('wasm kernels, %s build', (build) => {
  const fast = createWasmKernels(jsKernels, { build }) as Kernels

  it.each(['heap', 'own'] as const)('elementwise and rows, arrays on %s', (place) => {
    for (const n of sizes) {
      const [x, y, z] = [draw(n, 1), draw(n, 2), draw(n, 3)]
      for (const fn of unary)
        compare(fast, place, n, [x], (k, o, [a]) => k.unary(fn, o, a), 8 * EPS, `${fn} ${n}`)
      for (const fn of ['add', 'sub', 'mul', 'div', 'maximum', 'minimum', 'lt', 'ge'] as const)
        compare(
          fast,
          place,
          n,
          [x, y],
          (k, o, [a, b]) => k.binary(fn, [n], o, a, [1], b, [1]),
          2 * EPS,
          `${fn} ${n}`,
        )
      for (const fn of ['tanh', 'sigmoid', 'relu', 'gelu', 'geluTanh'] as const)
        compare(
          fast,
          place,
          n,
          [x, y],
          (k, o, [a, b]) => k.unaryGrad(fn, o, a, b),
          16 * EPS,
          `${fn} grad ${n}`,
        )
      if (n === 0) continue
      const rows = 3
      const [X, Y] = [draw(rows * n, 4), draw(rows * n, 5)]
      for (const fn of ['softmax', 'logSoftmax'] as const)
        compare(fast, place, rows * n, [X], (k, o, [a]) => k[fn](o, a, rows, n, 0.5), 16 * EPS, `${fn} ${n}`)
      for (const fn of ['sum', 'max', 'min', 'logsumexp'] as const)
        compare(fast, place, rows, [X], (k, o, [a]) => k.reduce(fn, o, a, rows, n, 1), 8 * EPS, `${fn} ${n}`)
      compare(
        fast,
        place,
        n,
        [X],
        (k, o, [a]) => k.reduce('sum', o, a, 1, rows, n),
        8 * EPS,
        `sum over rows ${n}`,
      )
      compare(
        fast,
        place,
        rows * n,
        [X, z, y],
        (k, o, [a, g, b]) => k.layerNorm(o, a, g, b, rows, n, 1e-3),
        64 * EPS,
        `layerNorm ${n}`,
      )
      const grad = (k: Kernels, o: Floats, [a, g, d]: Floats[]) => {
        const parts = [0, 1].map(() =>
          o instanceof Float64Array ? new Float64Array(n) : array(new Float32Array(n), place),
        )
        const dx = o.subarray(0, rows * n)
        k.layerNormGrad(dx, parts[0], parts[1], a, g, d, rows, n, 1e-3)
        o.set(parts[0], rows * n)
        o.set(parts[1], rows * n + n)
      }
      compare(fast, place, rows * n + 2 * n, [X, z, Y], grad, 128 * EPS, `layerNorm grad ${n}`)
    }
  })

  it('sums of squares, Adam and SGD', () => {
    for (const n of sizes) {
      const x = draw(n, 1)
      const want = jsKernels.sumSquares(exact(x))
      expect(Math.abs(fast.sumSquares(array(x, 'heap')) - want)).toBeLessThanOrEqual(4 * EPS * want)
      const args = { lr: 0.1, beta1: 0.9, beta2: 0.99, eps: 1e-8, correction1: 0.1, correction2: 0.01 }
      const adam = (k: Kernels, p: Floats, [p0, g, m, v]: Floats[]) => {
        p.set(p0)
        k.adam(p, g, m, v.map(Math.abs) as Floats, {
          ...args,
          weightDecay: 0.1,
          decoupled: true,
          gradScale: 0.5,
        })
      }
      compare(fast, 'own', n, [x, draw(n, 2), draw(n, 3), draw(n, 4)], adam, 16 * EPS, `adam ${n}`)
      const sgd = (k: Kernels, p: Floats, [p0, g, b]: Floats[]) => {
        p.set(p0)
        k.sgd(p, g, b, 0.1, 0.9, 0.01, true, 0.5)
      }
      compare(fast, 'heap', n, [x, draw(n, 2), draw(n, 3)], sgd, 8 * EPS, `sgd ${n}`)
    }
  })

  it('dropout and copies are the bits of js', () => {
    for (const n of sizes) {
      const x = draw(n, 1)
      for (const residual of [null, draw(n, 2)]) {
        const [a, b] = [new Float32Array(n), array(new Float32Array(n), 'heap')]
        jsKernels.dropout(a, x, 0.3, [5, 6], residual)
        fast.dropout(b, array(x, 'heap'), 0.3, [5, 6], residual && array(residual, 'heap'))
        expect([...b]).toEqual([...a])
      }
    }
    const [rows, cols] = [37, 23]
    const x = array(draw(rows * cols, 1), 'heap')
    const [a, b] = [new Float32Array(rows * cols), array(new Float32Array(rows * cols), 'heap')]
    jsKernels.copy([cols, rows], a, [rows, 1], x, [1, cols])
    fast.copy([cols, rows], b, [rows, 1], x, [1, cols])
    expect([...b]).toEqual([...a])
  })

  // |error| <= k * 2^-24 * (|a| x |b|), the bound of a float32 sum of k products, element by element.
  it('matrix products of all layouts stay within the bound of float32 sums', () => {
    const shapes = [...[1, 3, 4, 5, 8, 17, 70].flatMap((m) => [1, 7, 8, 9, 33].map((n) => [m, n, 13]))]
    shapes.push([1, 1, 300], [66, 10, 257], [5, 5, 0], [130, 70, 520])
    for (const [m, n, k] of shapes) {
      const [A, B, bias] = [draw(2 * m * k, 1), draw(2 * k * n, 2), draw(n, 3)]
      for (const layout of [0, 1, 2, 3]) {
        for (const shared of [false, true]) {
          const side = (data: Floats, r: number, c: number, turned: boolean, same: boolean): MatrixBatch => ({
            data,
            offsets: Int32Array.of(0, same ? 0 : r * c),
            ...(turned ? { rowStride: 1, colStride: r } : { rowStride: c, colStride: 1 }),
          })
          const product = (kernels: Kernels, out: Floats, a: Floats, b: Floats, c: Floats | null) =>
            kernels.matmul(
              out,
              side(a, m, k, (layout & 1) === 1, false),
              side(b, k, n, (layout & 2) === 2, shared),
              2,
              m,
              n,
              k,
              c,
            )
          const [want, bound] = [new Float64Array(2 * m * n), new Float64Array(2 * m * n)]
          product(jsKernels, want, exact(A), exact(B), exact(bias))
          product(jsKernels, bound, exact(A).map(Math.abs), exact(B).map(Math.abs), exact(bias).map(Math.abs))
          const got = array(new Float32Array(2 * m * n), 'heap')
          product(fast, got, array(A, 'heap'), array(B, 'heap'), array(bias, 'heap'))
          got.forEach((x, i) => {
            if (!(Math.abs(x - want[i]) <= (k + 2) * EPS * bound[i]))
              throw new Error(
                `[${m}, ${k}] x [${k}, ${n}] layout ${layout}: element ${i} is ${x}, not ${want[i]}`,
              )
          })
        }
      }
    }
  })

  it('gives the same bits again', () => {
    const [a, b] = [array(draw(70 * 130, 1), 'heap'), array(draw(130 * 90, 2), 'heap')]
    const run = () => {
      const out = array(new Float32Array(70 * 90), 'heap')
      const matrix = (data: Floats, rowStride: number) => ({ data, offsets: [0], rowStride, colStride: 1 })
      fast.matmul(out, matrix(a, 130), matrix(b, 90), 1, 70, 90, 130, null)
      return [...out]
    }
    expect(run()).toEqual(run())
  })
})
