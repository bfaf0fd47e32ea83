// Fake quantization against PyTorch, test/golden/quantization.py; and that the suite holds a straight-through gradient to its
// surrogate: one that is wrong is found.
import { readFileSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'
import { makeOp } from '../../src/autograd/op.js'
import type { KernelOp } from '../../src/autograd/record.js'
import {
  binarize,
  checkOp,
  fakeQuantize,
  grad,
  gradcheck,
  learnedStep,
  setBackend,
  type Tensor,
  tensor,
  ternarize,
} from '../../src/index.js'
import type { DType } from '../../src/tensor/storage.js'

interface Packed {
  shape: number[]
  data: number[]
}

interface Case {
  op: string
  in: Packed[]
  options: Record<string, unknown>
  out: Packed
  grad: (Packed | null)[]
}

const cases: Case[] = JSON.parse(
  readFileSync(new URL('../golden/quantization.json', import.meta.url), 'utf8'),
)

const ops: Record<string, (inputs: Tensor[], options: never) => Tensor> = {
  fakeQuantize: ([x, scale], options) => fakeQuantize(x, scale, options),
  learnedStep: ([x, step], options) => learnedStep(x, step, options),
  ternarize: ([x], options) => ternarize(x, options),
  binarize: ([x], options) => binarize(x, options),
}

const unpack = ({ shape, data }: Packed, dtype: DType, requiresGrad = false) =>
  tensor(Float64Array.from(data), { shape, dtype, requiresGrad })

/** The largest difference, relative to the largest number. */
function off(got: Tensor, want: Packed): number {
  expect(got.shape).toEqual(want.shape)
  const scale = Math.max(1, ...want.data.map(Math.abs))
  return Math.max(...want.data.map((w, i) => Math.abs(got.data[i] - w))) / scale
}

afterAll(() => setBackend('auto'))

describe.each<[DType, 'js' | 'auto', number]>([
  ['float64', 'auto', 1e-14],
  ['float32', 'js', 1e-6],
  ['float32', 'auto', 1e-6],
])('PyTorch, %s on %s', (dtype, backend, bar) => {
  it.each(cases.map((c, i) => [`${c.op} ${JSON.stringify(c.options)}`, i] as const))('%s', (_, i) => {
    setBackend(backend)
    const c = cases[i]
    const inputs = c.in.map((p, k) => unpack(p, dtype, c.grad[k] !== null))
    const { zeroPoint } = c.options
    const options = { ...c.options, ...(zeroPoint === '$2' && { zeroPoint: inputs[2] }) }
    const y = ops[c.op](inputs, options as never)
    expect(off(y, c.out)).toBeLessThan(bar)
    const w = Float64Array.from(y.data, (_, k) => 0.1 * (k + 1))
    const learnt = inputs.filter((_, k) => c.grad[k] !== null)
    const grads = grad(y.mul(tensor(w, { shape: y.shape, dtype })).sum(), learnt)
    c.grad
      .filter((g) => g !== null)
      .forEach((want, k) => {
        expect(off(grads[k], want)).toBeLessThan(bar)
      })
  })
})

describe('a surrogate', () => {
  const record: KernelOp<object> = {
    ...{ name: 'my.round', doc: 'Rounds.', math: 'y = x', takes: ['float'], twice: true },
    shape: ([x]) => x,
    kernel: (_, out, [x]) => {
      for (let i = 0; i < out.numel; i++) out.raw[i] = Math.round(x.elements[i])
    },
    save: () => [],
    backward: ({ dy }) => [dy],
    surrogate: ([x]) => x,
    samples: () => [{ inputs: [{ shape: [2, 3], domain: { lo: -2, hi: 2 } }], attrs: {} }],
    errors: () => [],
    edge: () => [],
  }

  it('is what the gradient of an op that rounds is held to', () => {
    expect(checkOp(makeOp(record))).toMatchObject({ derivatives: 'second' })
    expect(() => checkOp(makeOp({ ...record, backward: ({ dy }) => [dy.mul(2)] }))).toThrow(
      /my.round: gradcheck: the gradient of input 0, element \d, is .* finite differences say/,
    )
    const { surrogate: _, ...without } = record
    expect(() => checkOp(makeOp(without))).toThrow(/finite differences say/)
  })

  it('is an option of gradcheck', () => {
    const x = tensor([0.2, 0.7, -1.4], { dtype: 'float64' })
    const through = (t: Tensor) => fakeQuantize(t, 0.5)
    expect(() => gradcheck(through, [x])).toThrow(/gradcheck: the gradient/)
    expect(gradcheck(through, [x], { surrogate: (t) => t }).error).toBeLessThan(1e-8)
  })
})
