// Attention by segments on the wasm kernels: against js in float64, and the same bits as the dense layout where every
// segment has the same length.
import { afterAll, describe, expect, it } from 'vitest'
import { jsKernels } from '../../src/tensor/backends/js/index.js'
import { createWasmKernels } from '../../src/tensor/backends/wasm/index.js'
import type { AttentionArgs } from '../../src/tensor/kernel-args.js'
import type { Kernels } from '../../src/tensor/kernels.js'
import { integerAt, type Key, keyOf, normalAt } from '../../src/tensor/rng.js'
import { type Floats, Storage } from '../../src/tensor/storage.js'
import { builds } from './builds.js'

const storages: Storage[] = []
afterAll(() => {
  for (const s of storages) s.dispose()
})

function onHeap(values: ArrayLike<number>): Float32Array {
  const storage = new Storage('float32', values.length)
  storages.push(storage)
  storage.data.set(values)
  return storage.data as Float32Array
}

const [H, D] = [3, 10]

/** Arguments for segments of these lengths. */
function argsFor(lengths: readonly number[], more: Partial<AttentionArgs> = {}): AttentionArgs {
  const starts = new Int32Array(lengths.length + 1)
  lengths.forEach((length, b) => {
    starts[b + 1] = starts[b] + length
  })
  const longest = Math.max(0, ...lengths)
  const strides = [0, D, H * D]
  return {
    ...{ B: lengths.length, H, S: longest, T: longest, D, starts, mask: null },
    ...{ q: strides, k: strides, v: strides, out: strides },
    ...{ scale: 0.3, causal: false, p: 0, key: [1, 2], ...more },
  }
}

const inputs = (n: number) =>
  [1, 2, 3, 4].map((seed) => Float32Array.from({ length: n }, (_, i) => normalAt(keyOf(seed), i)))

/** The output and the three gradients. */
function run(kernels: Kernels, a: AttentionArgs, n: number, make: (x: Float32Array) => Floats): Floats[] {
  const [q, k, v, dout] = inputs(n).map(make)
  const [out, dq, dk, dv] = Array.from({ length: 4 }, () => make(new Float32Array(n).fill(7)))
  kernels.attention(out, q, k, v, a)
  kernels.attentionGrad(dq, dk, dv, dout, q, k, v, a)
  return [out, dq, dk, dv]
}

const exact = (x: Float32Array) => Float64Array.from(x)

function farthest(got: Floats, want: Floats): number {
  const scale = Array.from(want).reduce((m, x) => Math.max(m, Math.abs(x)), 1e-20)
  return Array.from(want).reduce((m, x, i) => Math.max(m, Math.abs(got[i] - x) / scale), 0)
}

const drawnLengths = (key: Key, count: number, below: number) =>
  Array.from({ length: count }, (_, i) => integerAt(key, i, below))

const layouts = [
  [1],
  [1, 1, 1],
  [0, 5, 0, 0, 3, 0],
  [64, 65, 130, 1],
  [7, 7, 7],
  ...[1, 2, 3, 4].map((seed) => drawnLengths(keyOf(seed), 9, 40)),
]

describe.each(builds)('attention by segments, %s build', (build) => {
  const fast = createWasmKernels(jsKernels, { build }) as Kernels

  it.each(layouts.map((lengths) => ({ lengths })))('$lengths is that of js', ({ lengths }) => {
    for (const more of [{}, { causal: true }, { p: 0.3 }, { p: 1 }]) {
      const a = argsFor(lengths, more)
      const n = lengths.reduce((x, y) => x + y) * H * D
      const want = run(jsKernels, a, n, exact)
      run(fast, a, n, onHeap).forEach((got, i) => {
        expect(farthest(got, want[i]), `array ${i} with ${JSON.stringify(more)}`).toBeLessThan(2e-6)
      })
    }
  })

  it('of equal segments has the bits of the dense layout', () => {
    const [B, T] = [4, 70]
    const strides = [T * H * D, D, H * D]
    for (const p of [0, 0.3]) {
      const a = argsFor(new Array(B).fill(T), { p })
      const dense = { ...a, q: strides, k: strides, v: strides, out: strides, starts: null }
      const n = B * T * H * D
      expect(run(fast, a, n, onHeap)).toEqual(run(fast, dense, n, onHeap))
    }
  })
})
