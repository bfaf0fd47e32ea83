// Reductions and their first and second gradients against PyTorch's, test/golden/reductions.py.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Found } from '../../src/autograd/ops/reductions/order.js'
import { full, grad, type Tensor, tensor } from '../../src/index.js'

type Numbers = (number | string)[]

interface Args {
  p?: number | string
  dim?: number | number[] | null
  keepdim?: boolean
  correction?: number
}

interface Case {
  op: string
  args: Args
  shape: number[]
  x: Numbers
  y: Numbers
}

interface Gradients extends Case {
  grad: Numbers
  second: Numbers | null
}

const { cases, places }: { cases: Gradients[]; places: Case[] } = JSON.parse(
  readFileSync(new URL('../golden/reductions.json', import.meta.url), 'utf8'),
)

function run(x: Tensor, op: string, { p, dim, ...options }: Args): Tensor {
  const dims = dim ?? undefined
  if (op === 'norm') return x.norm(Number(p), dims, options)
  if (op === 'std' || op === 'var') return x[op](dims, options)
  if (op.endsWith('WithIndices')) return (x[op as 'maxWithIndices'](dims as number, options) as Found).values
  if (op === 'cumsum' || op === 'cumprod') return x[op](dims as number)
  return (x[op as 'sum'] as (dim?: number | number[], keep?: object) => Tensor).call(x, dims, options)
}

function input({ shape, x }: Case, dtype: 'float32' | 'float64', requiresGrad = false): Tensor {
  return tensor(x.map(Number), { shape, dtype, requiresGrad })
}

function expectNear(got: Tensor, want: Numbers, bar: number): void {
  const scale = want.reduce(
    (m: number, x) => Math.max(m, Number.isFinite(Number(x)) ? Math.abs(Number(x)) : 0),
    1,
  )
  const values = [...got.data]
  expect(values.length).toBe(want.length)
  values.forEach((v, i) => {
    const w = Number(want[i])
    if (!(Object.is(v, w) || Math.abs(v - w) <= bar * scale))
      throw new Error(`element ${i} is ${v}, PyTorch says ${w}`)
  })
}

/** sum(t f(0), f(1), ...) as the script has it. */
function weighted(t: Tensor, f: (i: number) => number): Tensor {
  return t
    .mul(
      tensor(
        Array.from({ length: t.numel }, (_, i) => f(i)),
        { shape: t.shape, dtype: t.dtype },
      ),
    )
    .sum()
}

describe('as in PyTorch', () => {
  it.each(cases.map((c, i) => ({ title: `${i} ${c.op} ${JSON.stringify(c.args)}`, c })))(
    '$title',
    ({ c }) => {
      const x = input(c, 'float64', true)
      const y = run(x, c.op, c.args)
      expectNear(y, c.y, 1e-12)
      const [g] = grad(weighted(y, Math.cos), [x], { createGraph: true })
      expectNear(g, c.grad, 1e-12)
      if (c.second !== null) {
        const [h] = !g.requiresGrad
          ? [null]
          : grad(
              weighted(g, (i) => Math.sin(i + 1)),
              [x],
              { allowUnused: true },
            )
        expectNear(h ?? x.detach().mul(0), c.second, 1e-12)
      }
      expectNear(run(input(c, 'float32'), c.op, c.args), c.y, 1e-6)
    },
  )

  it.each(places.map((c, i) => ({ title: `${i} ${c.op} ${JSON.stringify(c.args)}`, c })))(
    '$title',
    ({ c }) => {
      for (const dtype of ['float32', 'float64'] as const)
        expectNear(run(input(c, dtype), c.op, c.args), c.y, 0)
    },
  )
})

describe('reductions', () => {
  it('give values with their places, the gradient to that place', () => {
    const x = tensor(
      [
        [1, 5, 5],
        [7, 2, 7],
      ],
      { requiresGrad: true },
    )
    const { values, indices } = x.maxWithIndices(1)
    expect([values.toArray(), indices.toArray(), indices.dtype]).toEqual([[5, 7], [1, 0], 'int32'])
    values.sum().backward()
    expect(x.grad!.toArray()).toEqual([
      [0, 1, 0],
      [1, 0, 0],
    ])
    expect(x.minWithIndices(0, { keepdim: true }).indices.toArray()).toEqual([[0, 1, 0]])
    expect(x.medianWithIndices(-1).indices.toArray()).toEqual([1, 0])
  })

  it('count int32 and what comparisons gave', () => {
    const x = tensor([0, 3, -1, 0], { dtype: 'int32' })
    expect([x.countNonzero().item(), x.any().item(), x.all().item()]).toEqual([2, 1, 0])
    expect(tensor([1, 2]).gt(0).all().item()).toBe(1)
    expect(full([0, 2], 1).all(0).toArray()).toEqual([1, 1])
  })

  it('have 0 as the spread of equal numbers, and as its gradient', () => {
    for (const dtype of ['float32', 'float64'] as const) {
      for (const n of [3, 64, 1000]) {
        const x = full([n], 0.7, { dtype, requiresGrad: true })
        expect([x.var().item(), x.std().item()]).toEqual([0, 0])
        x.std().backward()
        expect(x.grad!.data.every((g) => g === 0)).toBe(true)
      }
    }
  })

  it('name what they cannot do', () => {
    const x = full([0, 2], 1)
    expect(() => x.argmin(0)).toThrow('argmin: dim 0 has no elements')
    expect(() => x.median()).toThrow('median: the tensor has no elements')
    expect(() => x.minWithIndices(0)).toThrow('argmin: dim 0 has no elements')
    expect(() => x.norm(Infinity, 0)).toThrow('norm: dim 0 has no elements')
    expect(() => x.cumsum(2)).toThrow('cumsum: dim 2 is out of range for rank 2')
    expect(() => x.prod([0, 0])).toThrow('prod: dim 0 is named twice')
  })
})
