// Convolutions, pools and norms against PyTorch's values: test/golden/conv.py.
import { readFileSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'
import { grad } from '../../src/autograd/backward.js'
import { readSafetensors } from '../../src/formats/safetensors/safetensors.js'
import type { Tensor } from '../../src/index.js'
import * as ts from '../../src/index.js'
import type { DType } from '../../src/tensor/storage.js'

const at = (name: string) => readFileSync(new URL(`../golden/conv/${name}`, import.meta.url))
const { tensors: golden } = readSafetensors(at('golden.safetensors'), { file: 'golden' })
const cases = JSON.parse(at('options.json').toString()) as Record<
  string,
  { op: string; options: Record<string, unknown> }
>

type Inputs = { x: Tensor; weight?: Tensor; bias?: Tensor }
type Options = never

/** Our call of each op, from its inputs by name. */
const calls: Record<string, (t: Inputs, options: Options, running: () => ts.RunningStats) => Tensor> = {
  conv1d: ({ x, weight, bias }, o) => ts.conv1d(x, weight!, bias ?? null, o),
  conv2d: ({ x, weight, bias }, o) => ts.conv2d(x, weight!, bias ?? null, o),
  convTranspose2d: ({ x, weight, bias }, o) => ts.convTranspose2d(x, weight!, bias ?? null, o),
  maxPool1d: ({ x }, { kernelSize, ...o }: { kernelSize: number }) => ts.maxPool1d(x, kernelSize, o),
  maxPool2d: ({ x }, { kernelSize, ...o }: { kernelSize: number }) => ts.maxPool2d(x, kernelSize, o),
  avgPool1d: ({ x }, { kernelSize, ...o }: { kernelSize: number }) => ts.avgPool1d(x, kernelSize, o),
  avgPool2d: ({ x }, { kernelSize, ...o }: { kernelSize: number }) => ts.avgPool2d(x, kernelSize, o),
  adaptiveAvgPool2d: ({ x }, o: { outputSize: number }) => ts.adaptiveAvgPool2d(x, o.outputSize),
  batchNorm: ({ x, ...affine }, o: object, running) => ts.batchNorm(x, running(), { ...affine, ...o }),
  groupNorm: ({ x, ...affine }, o: { numGroups: number }) => ts.groupNorm(x, o.numGroups, affine),
  rmsNorm: ({ x, weight }, o) => ts.rmsNorm(x, weight ?? null, o),
}

function near(got: Tensor, want: Tensor, bar: number, what: string): void {
  expect(got.shape, what).toEqual(want.shape)
  const [a, b] = [got.data, Array.from(want.data)]
  const scale = b.reduce((m, v) => Math.max(m, Math.abs(v)), 0)
  const worst = b.reduce((m, v, i) => Math.max(m, Math.abs(a[i] - v)), 0) / scale
  expect(worst, what).toBeLessThan(bar)
}

const bars: [DType, number][] = [
  ['float64', 1e-12],
  ['float32', 1e-6],
]

describe.each(['js', 'wasm'] as const)('as PyTorch computes them, on %s', (backend) => {
  afterAll(() => ts.setBackend('auto'))
  describe.each(bars)('%s', (dtype, bar) => {
    it.each(Object.entries(cases))('%s', (name, { op, options }) => {
      ts.setBackend(backend)
      const prefix = `${name}.in.`
      const names = [...golden.keys()].flatMap((k) => (k.startsWith(prefix) ? [k.slice(prefix.length)] : []))
      const leaf = (k: string) => {
        const t = golden.get(prefix + k)!
        return ts.tensor(t.data.slice(), { shape: t.shape, dtype: 'float64' }).to(dtype).clone()
      }
      const inputs = Object.fromEntries(names.map((k) => [k, leaf(k)]))
      for (const t of Object.values(inputs)) {
        t.node = null
        t.requiresGrad = true
      }
      const running = {
        mean: golden.get('running.mean')!.to(dtype).clone(),
        variance: golden.get('running.var')!.to(dtype).clone(),
      }
      const y = calls[op](inputs as unknown as Inputs, options as Options, () => running)
      near(y, golden.get(`${name}.out`)!, bar, 'output')
      const grads = grad(
        y,
        names.map((k) => inputs[k]),
        { gradient: golden.get(`${name}.dy`)!.to(dtype) },
      )
      names.forEach((k, i) => {
        near(grads[i], golden.get(`${name}.grad.${k}`)!, bar, `gradient of ${k}`)
      })
      if (op !== 'batchNorm') return
      near(running.mean, golden.get(`${name}.mean`)!, bar, 'running mean')
      near(running.variance, golden.get(`${name}.var`)!, bar, 'running variance')
    })
  })
})
