// einsum, vector products and plain losses beside PyTorch (test/golden/products_losses.py), values and gradients; the
// losses' reductions; what they refuse.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import * as ts from '../../src/index.js'
import { ShapeError, type Tensor, tensor, zeros } from '../../src/index.js'

interface Numbers {
  shape: number[]
  data: number[]
  int: boolean
}

interface Case {
  call: string
  options: Record<string, unknown>
  inputs: Numbers[]
  out: Numbers
  weights: Numbers
  grads: Record<string, Numbers>
}

const cases: Case[] = JSON.parse(
  readFileSync(new URL('../golden/products_losses.json', import.meta.url), 'utf8'),
)

type Loss = (...args: unknown[]) => Tensor

/** How many of the inputs are arguments; the rest are weights by option. */
const losses: Record<string, [Loss, number]> = {
  bceWithLogits: [ts.bceWithLogits as Loss, 2],
  bce: [ts.bce as Loss, 2],
  l1: [ts.l1 as Loss, 2],
  smoothL1: [ts.smoothL1 as Loss, 2],
  huber: [ts.huber as Loss, 2],
  nll: [ts.nll as Loss, 2],
  marginRanking: [ts.marginRanking as Loss, 3],
  hingeEmbedding: [ts.hingeEmbedding as Loss, 2],
  tripletMargin: [ts.tripletMargin as Loss, 3],
}

const products: Record<string, (t: Tensor[], options: Case['options']) => Tensor> = {
  einsum: (t, { equation }) => ts.einsum(equation as string, ...t),
  matmul: ([a, b]) => a.matmul(b),
  dot: ([a, b]) => ts.dot(a, b),
  outer: ([a, b]) => ts.outer(a, b),
  bmm: ([a, b]) => ts.bmm(a, b),
  tensordot: ([a, b], { dims }) => ts.tensordot(a, b, dims as number),
}

function run({ call, options: { weights, ...options } }: Case, t: Tensor[]): Tensor {
  if (call in products) return products[call](t, options)
  const [loss, count] = losses[call]
  const [weight, posWeight] = t.slice(count)
  return loss(...t.slice(0, count), {
    ...options,
    ...(weights === true && { weight }),
    ...(posWeight && { posWeight }),
  })
}

function expectNear(got: Tensor, want: Numbers, bar: number): void {
  expect(got.shape).toEqual(want.shape)
  const scale = Math.max(...want.data.map(Math.abs), 1e-30)
  got.data.forEach((x, i) => {
    expect(Math.abs(x - want.data[i]) / scale).toBeLessThanOrEqual(bar)
  })
}

describe('as PyTorch has them', () => {
  it.each(cases.map((c, i) => [`${i} ${c.call} ${JSON.stringify(c.options)}`, c] as const))('%s', (_, c) => {
    const made = (dtype: 'float32' | 'float64') =>
      c.inputs.map(({ data, shape, int }) => tensor(data, { shape, dtype: int ? 'int32' : dtype }))
    const inputs = made('float64')
    for (const i of Object.keys(c.grads)) inputs[+i].requiresGrad = true
    const y = run(c, inputs)
    expectNear(y, c.out, 1e-12)
    y.mul(tensor(c.weights.data, { shape: c.weights.shape, dtype: 'float64' }))
      .sum()
      .backward()
    for (const [i, want] of Object.entries(c.grads)) expectNear(inputs[+i].grad!, want, 1e-12)
    expectNear(run(c, made('float32')), c.out, 1e-6)
  })
})

describe('losses', () => {
  it.each(Object.entries(losses))(
    '%s: reductions are checked by name, shapes for equality',
    (name, [loss, count]) => {
      const args = Array.from({ length: count }, () => zeros([3]))
      expect(() => loss(...args, { reduction: 'avg' })).toThrow(
        new RangeError(`${name}: reduction must be one of mean, sum, none, got 'avg'`),
      )
      expect(() => loss(...args.slice(1), zeros([2]))).toThrow(ShapeError)
    },
  )

  it('bceWithLogits is exact where the sigmoid is 1', () => {
    const x = tensor([30, 90, -200], { requiresGrad: true })
    const loss = ts.bceWithLogits(x, tensor([1, 1, 0]), { reduction: 'none' })
    expect(loss.data[0] / Math.exp(-30)).toBeCloseTo(1, 6)
    expect(loss.data[1] / Math.exp(-90)).toBeCloseTo(1, 1)
    loss.sum().backward()
    expect(x.grad!.data[0] / -Math.exp(-30)).toBeCloseTo(1, 5)
  })

  it('nll of ignored rows alone is NaN in the mean and 0 in the sum', () => {
    const [logp, labels] = [zeros([1, 2]), tensor([-100], { dtype: 'int32' })]
    expect(ts.nll(logp, labels).item()).toBeNaN()
    expect(ts.nll(logp, labels, { reduction: 'sum' }).item()).toBe(0)
  })

  it.each([
    [
      'nll: label 3 in row 0 is not below the 2 classes, nor the ignore index -100',
      () => ts.nll(zeros([1, 2]), tensor([3], { dtype: 'int32' })),
    ],
    [
      'nll: log-probabilities [1, 2] need labels of [1], got [2]',
      () => ts.nll(zeros([1, 2]), tensor([1, 1], { dtype: 'int32' })),
    ],
    [
      'l1: the input is [2], the target [2, 1]. Both must have one shape',
      () => ts.l1(zeros([2]), zeros([2, 1])),
    ],
    [
      'smoothL1: beta must be a number from 0, got -1',
      () => ts.smoothL1(zeros([2]), zeros([2]), { beta: -1 }),
    ],
    ['huber: delta must be above 0, got 0', () => ts.huber(zeros([2]), zeros([2]), { delta: 0 })],
    ['matmul: inner sizes differ, [3] x [2, 3]: 3 != 2', () => zeros([3]).matmul(zeros([2, 3]))],
    ['matmul: a number is no matrix, [] x [2]. Use mul()', () => zeros([]).matmul(zeros([2]))],
    [
      'bmm: needs two batches of as many matrices, got [2, 3] x [2, 3, 4]. matmul() broadcasts',
      () => ts.bmm(zeros([2, 3]), zeros([2, 3, 4])),
    ],
    ['tensordot: dims [0] of [2] do not fit dims [0] of [3]', () => ts.tensordot(zeros([2]), zeros([3]), 1)],
  ])('%s', (text, call) => {
    expect(call).toThrow(text)
  })
})
