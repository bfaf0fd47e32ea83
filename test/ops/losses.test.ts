// Losses at their edges: class weights of any layout, rows all ignored, names of reductions, vectors of zeros.
import { describe, expect, it } from 'vitest'
import { cosineSimilarity, crossEntropy, grad, klDiv, mse, type Tensor, tensor } from '../../src/index.js'

const logits = (dtype: 'float32' | 'float64' = 'float32') =>
  tensor(
    [
      [1, 2, 3],
      [0, 1, 0],
    ],
    { requiresGrad: true, dtype },
  )
const labels = (values: number[]) => tensor(values, { dtype: 'int32' })

describe('crossEntropy', () => {
  // PyTorch 2.15 in float64.
  it('divides the mean by the class weights, however they lie in memory', () => {
    const table = tensor([
      [1, 9],
      [2, 9],
      [3, 9],
    ])
    const column = table.slice(1, 0, 1).reshape([3])
    const of = (weight: Tensor, options = {}) =>
      crossEntropy(logits(), labels([1, 2]), { weight, ...options }).item()
    expect(of(column)).toBeCloseTo(1.4939, 4)
    expect(of(tensor([0.5]).expand([3]))).toBeCloseTo(1.4795, 4)
    for (const options of [{}, { labelSmoothing: 0.2 }, { reduction: 'sum' }, { ignoreIndex: 1 }])
      expect(of(column, options)).toBe(of(tensor([1, 2, 3]), options))
    expect(() => crossEntropy(logits(), labels([1, 3]), { weight: column })).toThrow(
      'crossEntropy: label 3 in row 1 is not below the 3 classes',
    )
  })

  it('passes no gradient where all labels are ignored, by either backward, weighted or not', () => {
    for (const options of [{}, { weight: tensor([1, 2, 3]) }, { labelSmoothing: 0.1 }]) {
      for (const createGraph of [false, true]) {
        const x = logits()
        const loss = crossEntropy(x, labels([-100, -100]), options)
        expect(loss.item()).toBeNaN()
        const [g] = grad(loss, [x], { createGraph })
        expect([...g.data]).toEqual([0, 0, 0, 0, 0, 0])
      }
    }
  })

  it('looks at no ignored row, whatever it holds', () => {
    for (const createGraph of [false, true]) {
      const x = tensor(
        [
          [NaN, Infinity],
          [0, 0],
        ],
        { requiresGrad: true },
      )
      const [g] = grad(crossEntropy(x, labels([-100, 1])), [x], { createGraph })
      expect([...g.data]).toEqual([0, 0, 0.5, -0.5])
      if (createGraph) expect([...grad(g.slice(1, 0, 1).sum(), [x])[0].data]).toEqual([0, 0, 0.25, -0.25])
    }
  })
})

it('a reduction that there is not is refused', () => {
  const x = logits()
  const avg = { reduction: 'avg' as 'mean' }
  expect(() => crossEntropy(x, labels([1, 2]), avg)).toThrow(
    "crossEntropy: reduction must be one of mean, sum, none, got 'avg'",
  )
  expect(() => crossEntropy(x, x.softmax(-1), avg)).toThrow('reduction must be one of')
  expect(() => mse(x, x, avg)).toThrow("mse: reduction must be one of mean, sum, none, got 'avg'")
  expect(() => klDiv(x.logSoftmax(-1), x.softmax(-1), avg)).toThrow(
    "klDiv: reduction must be one of mean, sum, none, batchmean, got 'avg'",
  )
})

describe('cosineSimilarity', () => {
  it('is 0 beside a vector of zeros, whatever eps, with a gradient of numbers', () => {
    for (const eps of [1e-8, 1e-30]) {
      const a = tensor([0, 0], { requiresGrad: true })
      const b = tensor([3, 4], { requiresGrad: true })
      const y = cosineSimilarity(a, b, { eps })
      expect(y.item()).toBe(0)
      y.backward()
      expect(b.grad!.toArray()).toEqual([0, 0])
      expect([...a.grad!.data].every(Number.isFinite)).toBe(true)
      const zero = tensor([0, 0], { requiresGrad: true })
      const both = cosineSimilarity(a, zero, { eps })
      expect(both.item()).toBe(0)
      both.backward()
      expect(zero.grad!.toArray()).toEqual([0, 0])
    }
  })

  it('sees the angle between vectors whose squares overflow or vanish', () => {
    const of = (s: number, eps?: number) =>
      cosineSimilarity(
        tensor([3 * s, 4 * s]),
        tensor([4 * s, 3 * s]),
        eps === undefined ? {} : { eps },
      ).item()
    expect(of(1)).toBeCloseTo(0.96, 6)
    expect(of(1e25)).toBeCloseTo(0.96, 6)
    expect(of(1e-25, 1e-30)).toBeCloseTo(0.96, 6)
  })
})
