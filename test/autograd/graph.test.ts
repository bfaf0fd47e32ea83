// The graph itself: accumulation, freeing, second derivatives, depth, memory, and its errors.
import { describe, expect, it } from 'vitest'
import { addInPlace } from '../../src/autograd/graph.js'
import { grad, manualSeed, memory, noGrad, ones, randn, tensor, tidy } from '../../src/index.js'

describe('backward', () => {
  it('runs the example of the README', () => {
    const a = tensor(
      [
        [1, 2],
        [3, 4],
      ],
      { requiresGrad: true },
    )
    a.matmul(a.t()).softmax(-1, { T: 2 }).log().sum().backward()
    expect(a.grad!.shape).toEqual([2, 2])
    expect(a.grad!.data.every(Number.isFinite)).toBe(true)
  })

  it('adds up over uses and over calls', () => {
    const x = tensor([3], { requiresGrad: true })
    x.mul(x).add(x).backward()
    expect(x.grad!.item()).toBe(7)
    x.mul(2).backward()
    expect(x.grad!.item()).toBe(9)
  })

  it('does not let leaves share a gradient buffer', () => {
    const [a, b] = [tensor([1], { requiresGrad: true }), tensor([2], { requiresGrad: true })]
    a.add(b).backward()
    a.add(b).backward()
    expect([a.grad!.item(), b.grad!.item()]).toEqual([2, 2])
  })

  it('takes third derivatives', () => {
    const x = tensor([2], { dtype: 'float64', requiresGrad: true })
    const first = grad(x.pow(4), [x], { createGraph: true })[0]
    const second = grad(first, [x], { createGraph: true })[0]
    const third = grad(second, [x])[0]
    expect([first.item(), second.item(), third.item()]).toEqual([32, 48, 48])
  })

  it('differentiates a chain of 100,000 nodes', () => {
    const x = tensor([1], { requiresGrad: true })
    let y = x
    for (let i = 0; i < 100_000; i++) y = y.add(1)
    y.backward()
    expect(x.grad!.item()).toBe(1)
  })

  it('names what went wrong', () => {
    const x = tensor([1, 2], { requiresGrad: true })
    expect(() => x.mul(2).backward()).toThrow('the tensor has 2 elements, shape [2]')
    expect(() => tensor([1]).backward()).toThrow('does not require a gradient')
    const y = x.mul(x).sum()
    y.backward()
    expect(() => y.backward()).toThrow('freed by an earlier backward()')
    const z = x.mul(x).sum()
    addInPlace(x, ones([2]))
    expect(() => z.backward()).toThrow('changed in place after the forward pass')
    const w = tensor([1], { requiresGrad: true })
    expect(() => grad(x.sum(), [w])).toThrow('does not depend on input 0')
    expect(() => noGrad(() => Promise.resolve(1))).toThrow('returned a promise')
  })
})

describe('memory', () => {
  it('has as many buffers after step 2,000 as after step 100', () => {
    manualSeed(1)
    const w = randn([8, 8], { requiresGrad: true })
    const counts: number[] = []
    for (let step = 1; step <= 2000; step++) {
      tidy(() => {
        const x = randn([4, 8])
        x.matmul(w.t()).gelu().softmax(-1).log().mean().backward()
      })
      if (step % 100 === 0) counts.push(memory().buffers)
    }
    expect(new Set(counts).size).toBe(1)
  })

  it('returns to the baseline when a step throws', () => {
    const before = memory().buffers
    expect(() =>
      tidy(() => {
        ones([4]).add(ones([3]))
      }),
    ).toThrow('cannot broadcast')
    expect(memory().buffers).toBe(before)
  })

  it('keeps what tidy returns', () => {
    const { y } = tidy(() => ({ y: ones([3]).mul(2) }))
    expect(y.toArray()).toEqual([2, 2, 2])
  })
})

describe('randomness', () => {
  it('starts again from the seed', () => {
    const draw = () => {
      manualSeed(5)
      return [randn([2]).toArray(), ones([8]).dropout(0.5).toArray()]
    }
    expect(draw()).toEqual(draw())
  })
})
