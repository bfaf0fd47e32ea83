// Each gradient has one owner: under createGraph as without, in a tidy, with a seed, with views as gradients.
import { describe, expect, it } from 'vitest'
import { backward } from '../../src/autograd/backward.js'
import { makeOp } from '../../src/autograd/op.js'
import { embedding, full, grad, memory, ones, optim, type Tensor, tensor, tidy } from '../../src/index.js'

const graph = { createGraph: true }
const leaf = (values: number[]) => tensor(values, { requiresGrad: true })

function expectOwners(...owned: Tensor[]): void {
  expect(new Set(owned.map((t) => t.storage)).size).toBe(owned.length)
  expect(owned.map((t) => t.isContiguous)).toEqual(owned.map(() => true))
}

describe('backward with createGraph', () => {
  it('gives two leaves a gradient each, and adds to it', () => {
    const [a, b] = [leaf([1, 2, 3]), leaf([4, 5, 6])]
    a.add(b).sum().backward(undefined, graph)
    expectOwners(a.grad!, b.grad!)
    a.add(b).sum().backward()
    expect([a.grad!.toArray(), b.grad!.toArray()]).toEqual([
      [2, 2, 2],
      [2, 2, 2],
    ])
    optim.zeroGrad([a])
    expect(b.grad!.toArray()).toEqual([2, 2, 2])
  })

  it('leaves the seed alone', () => {
    const a = leaf([1, 2, 3])
    const seed = ones([3])
    const run = (options = {}) => a.add(1).backward(seed, options)
    run(graph)
    run()
    expect([seed.toArray(), a.grad!.toArray()]).toEqual([
      [1, 1, 1],
      [2, 2, 2],
    ])
    optim.zeroGrad([a])
    expect(seed.toArray()).toEqual([1, 1, 1])
    a.backward(seed, graph)
    expectOwners(a.grad!, seed)
    const [g] = grad(a.add(1), [a], { gradient: seed, createGraph: true })
    const [h] = grad(a.mul(1), [a], { gradient: seed, createGraph: true })
    expectOwners(g, h, seed, a)
  })

  it('adds into a new tensor, so that the first gradient stays what it was', () => {
    const a = leaf([2])
    a.mul(a).backward(undefined, graph)
    const first = a.grad!
    a.mul(a).backward(undefined, graph)
    expect([first.item(), a.grad!.item()]).toEqual([4, 8])
    const [second] = grad(a.grad!, [a])
    expect(second.item()).toBe(4)
  })

  it('keeps the gradients of a tidy for as long as their leaf lives', () => {
    const [a, b] = [leaf([1, 2]), leaf([3, 4])]
    const before = memory().buffers
    tidy(() => a.mul(b).sum().backward(undefined, graph))
    tidy(() => a.mul(b).sum().backward(undefined, graph))
    expect([a.grad!.toArray(), b.grad!.toArray()]).toEqual([
      [6, 8],
      [2, 4],
    ])
    optim.zeroGrad([a, b])
    // The first gradients wait for the collector, as PyTorch's do.
    expect(memory().buffers - before).toBeLessThanOrEqual(2)
  })

  it('gives grad() of two inputs one tensor each', () => {
    const [a, b] = [leaf([1, 2]), leaf([3, 4])]
    expectOwners(...grad(a.add(b).sum(), [a, b], graph))
  })
})

describe("a gradient of one's own that lies on itself", () => {
  it('is added to, not written into', () => {
    const p = full([80], 1, { requiresGrad: true })
    const around = full([80], 7)
    p.grad = tensor([1]).expand([80])
    p.mul(2).sum().backward()
    expect(p.grad!.toArray()).toEqual(Array.from({ length: 80 }, () => 3))
    expect(around.toArray()).toEqual(Array.from({ length: 80 }, () => 7))
  })

  it('of an embedding too', () => {
    const w = full([3, 2], 1, { requiresGrad: true })
    w.grad = tensor([1]).expand([3, 2])
    embedding(w, tensor([1, 1], { dtype: 'int32' }))
      .sum()
      .backward()
    expect(w.grad!.toArray()).toEqual([
      [1, 1],
      [3, 3],
      [1, 1],
    ])
  })
})

describe('second derivatives', () => {
  it('pass through an embedding: none to the padding row', () => {
    const w = tensor(
      [
        [1, 2],
        [3, 4],
      ],
      { requiresGrad: true, dtype: 'float64' },
    )
    const y = embedding(w, tensor([0, 1, 1], { dtype: 'int32' }), { paddingIdx: 0 })
    const [g] = grad(y.mul(y).mul(y).sum(), [w], graph)
    expect(g.toArray()).toEqual([
      [0, 0],
      [54, 96],
    ])
    const [h] = grad(g.sum(), [w])
    expect(h.toArray()).toEqual([
      [0, 0],
      [36, 48],
    ])
  })

  it('are refused where an op says that it has none', () => {
    const op = makeOp<null>({
      name: 'once',
      doc: 'The same.',
      math: 'y = x',
      takes: ['float'],
      shape: ([x]) => x,
      view: (x) => x.viewAs(x.shape, x.strides),
      save: () => [],
      backward: ({ dy }) => [dy],
      twice: false,
      samples: () => [],
      errors: () => [],
      edge: () => [],
    })
    const x = leaf([1])
    expect(() => backward(op([x], null), undefined, graph)).toThrow('once has no second derivative')
  })
})
