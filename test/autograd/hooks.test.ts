// Hooks on gradients, and results that keep theirs.
import { describe, expect, it } from 'vitest'
import { embedding, grad, memory, noGrad, ones, type Tensor, tensor, tidy } from '../../src/index.js'

const leaf = (values: number[]) => tensor(values, { requiresGrad: true })

describe('registerHook', () => {
  it('sees the complete gradient of a result, once, and may replace it', () => {
    const x = leaf([1, 2])
    const y = x.mul(3)
    const seen: unknown[] = []
    y.registerHook((g) => {
      seen.push(g.toArray())
      return g.mul(10)
    })
    y.mul(y).add(y).sum().backward()
    expect(seen).toEqual([[7, 13]])
    expect(x.grad!.toArray()).toEqual([210, 390])
  })

  it('sees each backward of a leaf, before it is added', () => {
    const x = leaf([1, 2])
    const seen: unknown[] = []
    const remove = x.registerHook((g) => {
      seen.push(g.toArray())
      return g.mul(2)
    })
    x.mul(3).sum().backward()
    x.mul(x).sum().backward()
    expect(seen).toEqual([
      [3, 3],
      [2, 4],
    ])
    expect(x.grad!.toArray()).toEqual([10, 14])
    remove()
    x.mul(3).sum().backward()
    expect(seen.length).toBe(2)
    expect(x.grad!.toArray()).toEqual([13, 17])
  })

  it('runs several in order, and one may remove itself', () => {
    const x = leaf([1])
    const order: string[] = []
    const once = x.registerHook((g) => {
      order.push('once')
      once()
      return g.add(1)
    })
    x.registerHook((g) => void order.push(`then ${g.item()}`))
    x.mul(2).sum().backward()
    x.mul(2).sum().backward()
    expect(order).toEqual(['once', 'then 3', 'then 2'])
    expect(x.grad!.item()).toBe(5)
  })

  it('is heeded by grad(), at the root and at leaves that are added to in place', () => {
    const x = leaf([1, 2])
    const y = x.mul(2).sum()
    y.registerHook((g) => g.mul(5))
    expect(grad(y, [x])[0].toArray()).toEqual([10, 10])
    const table = tensor([[1, 2]], { requiresGrad: true })
    table.registerHook((g) => g.mul(3))
    embedding(table, tensor(Int32Array.of(0, 0)))
      .sum()
      .backward()
    expect(table.grad!.toArray()).toEqual([[6, 6]])
  })

  it('may be differentiated through', () => {
    const x = tensor([2], { dtype: 'float64', requiresGrad: true })
    const y = x.mul(x)
    y.registerHook((g) => g.mul(x))
    const [first] = grad(y.mul(y), [x], { createGraph: true }) // 2 x^2 * x * 2x = 4 x^4
    expect(first.item()).toBe(64)
    // The hook holds in the second backward too: 8 x^3 by x alone, 8 x^3 * x through y. As in PyTorch.
    expect(grad(first, [x])[0].item()).toBe(192)
  })

  it('hands out gradients that stay what they were', () => {
    const kept: Tensor[] = []
    const x = leaf([1, 2])
    const y = x.mul(3)
    y.registerHook((g) => void kept.push(g))
    x.registerHook((g) => void kept.push(g))
    y.add(y).sum().backward()
    x.mul(100).sum().backward()
    ones([2]).mul(7)
    expect(kept.map((g) => g.toArray())).toEqual([
      [2, 2],
      [6, 6],
      [100, 100],
    ])
    expect(x.grad!.toArray()).toEqual([106, 106])
  })

  it('refuses what does not fit', () => {
    const x = leaf([1, 2])
    const remove = x.registerHook(() => ones([3]))
    expect(() => x.mul(2).sum().backward()).toThrow('the hook returned [3] for a gradient [2]')
    remove()
    x.registerHook(() => ones([2], { dtype: 'float64' }))
    expect(() => x.mul(2).sum().backward()).toThrow('the hook returned float64 for a gradient of float32')
    expect(() => tensor([1]).registerHook(() => undefined)).toThrow('does not require a gradient')
    expect(() => noGrad(() => x.mul(2)).retainGrad()).toThrow('does not require a gradient')
  })

  it('leaves no buffer behind in tidy', () => {
    const x = leaf([1, 2])
    const y = () => {
      const h = x.mul(2)
      h.registerHook((g) => g.mul(2))
      h.retainGrad()
      h.mul(h).sum().backward()
      x.grad!.dispose()
      x.grad = null
    }
    const before = memory().buffers
    tidy(y)
    expect(memory().buffers).toBe(before)
  })
})

describe('retainGrad', () => {
  it('keeps the gradient of a result, and adds up', () => {
    const x = leaf([1, 2])
    const y = x.mul(3)
    y.retainGrad()
    const z = y.mul(y).sum()
    z.backward(undefined, { retainGraph: true })
    expect(y.grad!.toArray()).toEqual([6, 12])
    z.backward()
    expect(y.grad!.toArray()).toEqual([12, 24])
    expect(x.grad!.toArray()).toEqual([36, 72])
  })

  it('keeps what a hook made of it, and nothing of grad()', () => {
    const x = leaf([1, 2])
    const y = x.mul(3)
    y.retainGrad()
    y.registerHook((g) => g.mul(2))
    grad(y.sum(), [x], { retainGraph: true })
    expect(y.grad).toBe(null)
    y.sum().backward()
    expect(y.grad!.toArray()).toEqual([2, 2])
  })

  it('gives a result without it none', () => {
    const x = leaf([1, 2])
    const y = x.mul(3)
    y.sum().backward()
    expect(y.grad).toBe(null)
  })
})
