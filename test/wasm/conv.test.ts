// Convolutions of the wasm backend against the plain loops in float64: odd sizes, steps, groups, one thread and several.
import { describe, expect, it } from 'vitest'
import { jsKernels } from '../../src/tensor/backends/js/index.js'
import { createWasmKernels } from '../../src/tensor/backends/wasm/index.js'
import type { ConvArgs } from '../../src/tensor/kernel-args.js'
import type { Kernels } from '../../src/tensor/kernels.js'
import { keyOf, normalAt } from '../../src/tensor/rng.js'
import { type Floats, Storage } from '../../src/tensor/storage.js'
import { builds } from './builds.js'

const storages: Storage[] = []

function onHeap(values: ArrayLike<number>): Float32Array {
  const storage = new Storage('float32', values.length)
  storages.push(storage)
  storage.data.set(values)
  return storage.data as Float32Array
}

const draw = (n: number, seed: number) => Float32Array.from({ length: n }, (_, i) => normalAt(keyOf(seed), i))

type Two = [number, number]
type Case = [x: number[], w: number[], stride: Two, padding: Two, dilation: Two, groups: number]

const cases: Case[] = [
  [[1, 1, 4, 4], [1, 1, 1, 1], [1, 1], [0, 0], [1, 1], 1],
  [[2, 3, 7, 5], [4, 3, 3, 3], [1, 1], [1, 1], [1, 1], 1],
  [[2, 4, 9, 8], [6, 2, 3, 2], [2, 1], [1, 0], [1, 2], 2],
  [[3, 6, 11, 13], [6, 1, 3, 3], [2, 2], [1, 1], [1, 1], 6],
  [[2, 5, 28, 28], [7, 5, 3, 3], [1, 1], [1, 1], [1, 1], 1],
  [[2, 5, 28, 28], [9, 5, 5, 5], [2, 2], [2, 2], [1, 1], 1],
  [[1, 3, 33, 47], [10, 3, 7, 7], [2, 2], [3, 3], [1, 1], 1],
  [[4, 17, 1, 40], [8, 17, 1, 5], [1, 1], [0, 4], [1, 2], 1],
  [[2, 8, 14, 14], [16, 8, 1, 1], [1, 1], [0, 0], [1, 1], 1],
  [[2, 8, 14, 14], [16, 4, 1, 1], [2, 2], [0, 0], [1, 1], 2],
  // More padding than the filter is large, steps past it, and more columns than are taken at a time.
  [[1, 2, 5, 5], [3, 2, 3, 3], [1, 1], [4, 3], [1, 1], 1],
  [[1, 2, 9, 9], [3, 2, 3, 3], [3, 3], [0, 0], [1, 1], 1],
  [[1, 60, 40, 40], [8, 60, 3, 3], [2, 2], [1, 1], [1, 1], 1],
]

function argsOf([x, w, stride, padding, dilation, groups]: Case): ConvArgs {
  const [N, C, H, W] = x
  const [O, , kH, kW] = w
  const out = (d: 0 | 1) =>
    Math.floor((x[2 + d] + 2 * padding[d] - dilation[d] * (w[2 + d] - 1) - 1) / stride[d]) + 1
  return { ...{ N, C, H, W, O, kH, kW, oH: out(0), oW: out(1) }, stride, padding, dilation, groups }
}

const kernels: Record<string, (k: Kernels, out: Floats, t: Record<string, Floats>, a: ConvArgs) => void> = {
  conv: (k, out, { x, w, b }, a) => k.conv(out, x, w, b, a),
  'conv without bias': (k, out, { x, w }, a) => k.conv(out, x, w, null, a),
  convInput: (k, out, { dy, w }, a) => k.convInput(out, dy, w, a),
  convWeight: (k, out, { x, dy }, a) => k.convWeight(out, x, dy, a),
}

describe.each(builds)('convolutions, %s build', (build) => {
  const one = createWasmKernels(jsKernels, { build }) as Kernels
  const three = createWasmKernels(jsKernels, { build, threads: () => 3 }) as Kernels
  it.each(cases)('x %j, w %j, stride %j, padding %j, dilation %j, %i groups', (...c) => {
    const a = argsOf(c)
    const outs = a.N * a.O * a.oH * a.oW
    const [xs, ws] = [c[0], c[1]].map((s) => s.reduce((p, n) => p * n, 1))
    const inputs = { x: draw(xs, 1), w: draw(ws, 2), b: draw(a.O, 3), dy: draw(outs, 4) }
    const by = (make: (v: Float32Array) => Floats) =>
      Object.fromEntries(Object.entries(inputs).map(([name, v]) => [name, make(v)]))
    for (const [name, run] of Object.entries(kernels)) {
      const size = name === 'convInput' ? xs : name === 'convWeight' ? ws : outs
      const want = new Float64Array(size)
      run(jsKernels, want, by(Float64Array.from.bind(Float64Array) as (v: Float32Array) => Floats), a)
      const scale = want.reduce((m, v) => Math.max(m, Math.abs(v)), 0)
      const got = [one, three].map((k) => {
        const out = onHeap(new Float32Array(size).fill(7))
        run(k, out, by(onHeap), a)
        return out
      })
      const worst = want.reduce((m, v, i) => Math.max(m, Math.abs(got[0][i] - v)), 0) / scale
      expect(worst, name).toBeLessThan(32 * 2 ** -24)
      expect(got[1], `${name}, three threads`).toEqual(got[0])
    }
  })
})
