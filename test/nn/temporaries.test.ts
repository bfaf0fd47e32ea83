// No temporary where a result can be had in place: counted in buffers that a call leaves in its arena.
import { describe, expect, it } from 'vitest'
import { randn } from '../../src/autograd/create.js'
import { noGrad } from '../../src/autograd/graph.js'
import { dropout } from '../../src/autograd/ops/normalize.js'
import { activatedLinear } from '../../src/autograd/ops/products/activated.js'
import { tidy } from '../../src/autograd/tidy.js'
import { AdamW } from '../../src/nn/optim/adam.js'
import { memory } from '../../src/tensor/storage.js'
import type { Tensor } from '../../src/tensor/tensor.js'
import '../../src/autograd/methods.js'

/** Buffers that `fn` makes, freed ones left out; all go back afterwards. */
function made(fn: () => unknown): number {
  return tidy(() => {
    const before = memory().buffers
    fn()
    return memory().buffers - before
  })
}

const leaf = (shape: number[]): Tensor => randn(shape, { requiresGrad: true })

describe('buffers of a call', () => {
  it('a layer, its bias and its activation: the result alone', () => {
    const [x, w, b] = [randn([5, 4]), leaf([3, 4]), leaf([3])]
    expect(made(() => noGrad(() => activatedLinear(x, w, b, 'gelu')))).toBe(1)
    // Where a gradient is wanted, what lies between is kept for it.
    expect(made(() => activatedLinear(x, w, b, 'gelu'))).toBe(2)
  })

  it('dropout and the residual: the result alone', () => {
    const [x, residual] = [leaf([5, 4]), leaf([5, 4])]
    expect(made(() => dropout(x, 0.5, { residual }))).toBe(1)
  })

  it('gradients of a tensor used many times are added in place', () => {
    const x = leaf([5, 4])
    const uses = (n: number) =>
      tidy(() => {
        // Of every use a node, and one gradient for x.
        const y = Array.from({ length: n }, () => x.mul(x)).reduce((a, b) => a.add(b))
        const total = y.sum()
        const count = made(() => total.backward())
        x.grad = null
        return count
      })
    expect(uses(10)).toBe(uses(2))
  })

  it('an optimizer step with clipping makes nothing', () => {
    const params = [leaf([7, 3]), leaf([3])]
    const optimizer = new AdamW(params)
    params[0].mul(2).sum().add(params[1].sum()).backward()
    expect(made(() => optimizer.step({ maxNorm: 0.1 }))).toBe(0)
  })
})
