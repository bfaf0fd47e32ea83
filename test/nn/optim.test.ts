// Optimizers against their papers' formulas in float64, schedules against Hugging Face's, clipping and accumulation.
import { describe, expect, it } from 'vitest'
import { tensor } from '../../src/autograd/create.js'
import { Linear } from '../../src/nn/layers.js'
import { Adam, AdamW } from '../../src/nn/optim/adam.js'
import { gradNorm } from '../../src/nn/optim/gradients.js'
import { decayGroups } from '../../src/nn/optim/groups.js'
import type { Optimizer } from '../../src/nn/optim/optimizer.js'
import { schedules } from '../../src/nn/optim/schedule.js'
import { SGD } from '../../src/nn/optim/sgd.js'
import type { Tensor } from '../../src/tensor/tensor.js'
import '../../src/autograd/methods.js'

const start = [1, -2, 3]
const gradients = [
  [0.5, -1, 2],
  [0.1, 0.3, -4],
  [-2, 0.01, 1],
]

function run(make: (p: Tensor) => Optimizer, options = {}): number[] {
  const p = tensor(start, { dtype: 'float64', requiresGrad: true })
  const optimizer = make(p)
  for (const g of gradients) {
    p.grad = tensor(g, { dtype: 'float64' })
    optimizer.step(options)
  }
  return [...p.data]
}

/** The papers' algorithms, element by element. */
function expected(update: (p: number, g: number, t: number, state: number[]) => number): number[] {
  return start.map((p0, i) => {
    const state = [0, 0]
    return gradients.reduce((p, g, t) => update(p, g[i], t + 1, state), p0)
  })
}

function near(a: number[], b: number[]): void {
  a.forEach((x, i) => {
    expect(Math.abs(x - b[i])).toBeLessThan(1e-14)
  })
}

function adam(lr: number, wd: number, decoupled: boolean, [b1, b2] = [0.9, 0.999], eps = 1e-8) {
  return (p: number, g: number, t: number, s: number[]) => {
    const grad = decoupled ? g : g + wd * p
    s[0] = b1 * s[0] + (1 - b1) * grad
    s[1] = b2 * s[1] + (1 - b2) * grad * grad
    const step = s[0] / (1 - b1 ** t) / (Math.sqrt(s[1] / (1 - b2 ** t)) + eps)
    return p - lr * (step + (decoupled ? wd * p : 0))
  }
}

describe('optimizers', () => {
  it('SGD is g times lr', () => {
    near(
      run((p) => new SGD([p], { lr: 0.1 })),
      expected((p, g) => p - 0.1 * g),
    )
  })

  it.each([false, true])('SGD with momentum, Nesterov %s', (nesterov) => {
    near(
      run((p) => new SGD([p], { lr: 0.1, momentum: 0.9, weightDecay: 0.01, nesterov })),
      expected((p, g, _, s) => {
        const grad = g + 0.01 * p
        s[0] = 0.9 * s[0] + grad
        return p - 0.1 * (nesterov ? grad + 0.9 * s[0] : s[0])
      }),
    )
  })

  it('Adam, its weight decay in the gradient', () => {
    near(
      run((p) => new Adam([p], { lr: 0.01, weightDecay: 0.1 })),
      expected(adam(0.01, 0.1, false)),
    )
  })

  it('AdamW, its weight decay beside the gradient', () => {
    near(
      run((p) => new AdamW([p], { lr: 0.01, weightDecay: 0.1, betas: [0.8, 0.98], eps: 1e-6 })),
      expected(adam(0.01, 0.1, true, [0.8, 0.98], 1e-6)),
    )
  })

  it('without bias correction the moments are used as they are', () => {
    near(
      run((p) => new AdamW([p], { lr: 0.01, weightDecay: 0, biasCorrection: false })),
      expected((p, g, _, s) => {
        s[0] = 0.9 * s[0] + 0.1 * g
        s[1] = 0.999 * s[1] + 0.001 * g * g
        return p - (0.01 * s[0]) / (Math.sqrt(s[1]) + 1e-8)
      }),
    )
  })

  it('lrScale scales the rate and gradScale the gradient', () => {
    near(
      run((p) => new SGD([p], { lr: 0.1 }), { lrScale: 0.5, gradScale: 0.25 }),
      expected((p, g) => p - 0.0125 * g),
    )
  })

  it('clips all gradients by their one norm, and tells the norm before', () => {
    const [a, b] = [
      tensor([3], { dtype: 'float64', requiresGrad: true }),
      tensor([0, 0], { dtype: 'float64', requiresGrad: true }),
    ]
    a.grad = tensor([3], { dtype: 'float64' })
    b.grad = tensor([0, 4], { dtype: 'float64' })
    expect(gradNorm([a, b])).toBe(5)
    expect(new SGD([a, b], { lr: 1 }).step({ maxNorm: 1 })).toBe(5)
    near([...a.data, ...b.data], [3 - 3 / 5.000001, 0, -4 / 5.000001])
    expect([...a.grad.data]).toEqual([3])
  })

  it('clips each gradient by its own norm, as BERT did', () => {
    const [a, b] = [3, 0.5].map((x) => tensor([x], { dtype: 'float64', requiresGrad: true }))
    a.grad = tensor([6], { dtype: 'float64' })
    b.grad = tensor([1], { dtype: 'float64' })
    const norm = new SGD([a, b], { lr: 1 }).step({ maxNorm: 1, clip: 'each', gradScale: 0.5 })
    near([norm, a.item(), b.item()], [Math.hypot(3, 0.5), 3 - 3 / 3.000001, 0])
  })

  it('accumulates: two halves of a batch give the step of the whole', () => {
    const x = tensor(
      [
        [1, 2],
        [3, -4],
        [0.5, 1],
        [2, 2],
      ],
      { dtype: 'float64' },
    )
    const step = (parts: number) => {
      const p = tensor([[0.3], [-0.2]], { dtype: 'float64', requiresGrad: true })
      const optimizer = new AdamW([p])
      for (let i = 0; i < parts; i++) {
        const rows = x.slice(0, (i * 4) / parts, ((i + 1) * 4) / parts)
        rows.matmul(p).tanh().mean().backward()
      }
      optimizer.step({ gradScale: 1 / parts })
      return [...p.data]
    }
    near(step(2), step(1))
  })

  it('groups keep their own settings', () => {
    const model = new Linear(2, 3)
    const before = [...(model.bias as Tensor).data]
    const optimizer = new AdamW(decayGroups(model, 0.5), { lr: 0.1 })
    for (const p of model.parameters()) p.grad = tensor(new Float32Array(p.numel), { shape: p.shape })
    const weight = [...model.weight.data]
    optimizer.step()
    expect([...(model.bias as Tensor).data]).toEqual(before)
    near(
      [...model.weight.data].map((w, i) => w / weight[i]).map((r) => Math.fround(r * 1e5) / 1e5),
      weight.map(() => Math.fround(0.95 * 1e5) / 1e5),
    )
  })

  it('leaves parameters without a gradient alone, and zeroGrad gives the buffers back', () => {
    const p = tensor([1], { requiresGrad: true })
    const other = tensor([1], { requiresGrad: true })
    const optimizer = new SGD([p, other], { lr: 1, weightDecay: 1 })
    other.mul(2).sum().backward()
    optimizer.step()
    expect([p.item(), other.item()]).toEqual([1, -2])
    p.mul(2).sum().backward()
    const grad = p.grad as Tensor
    optimizer.zeroGrad()
    expect([p.grad, grad.disposed]).toEqual([null, true])
  })

  it('refuses what cannot be meant', () => {
    const p = tensor([1], { requiresGrad: true })
    expect(() => new SGD([p, p], { lr: 1 })).toThrow('optimizer: the parameter [1] came twice')
    expect(() => new SGD([], { lr: 1 })).toThrow('there are no parameters')
    expect(() => new SGD([p], { lr: -1 })).toThrow('lr must be 0 or more, got -1')
    expect(() => new Adam([p], { betas: [0.9, 1] })).toThrow('betas must lie in [0, 1), got [0.9, 1]')
  })
})

describe('schedules', () => {
  const at = (s: (step: number) => number) => [0, 1, 2, 4, 6, 9, 10, 12].map(s)

  it('constant, linear and cosine rise over the warm-up and fall to 0', () => {
    const options = { total: 10, warmup: 2 }
    near(at(schedules.constant(options)), [0, 0.5, 1, 1, 1, 1, 1, 1])
    near(at(schedules.linear(options)), [0, 0.5, 1, 0.75, 0.5, 0.125, 0, 0])
    const cos = (p: number) => (1 + Math.cos(Math.PI * p)) / 2
    near(at(schedules.cosine(options)), [0, 0.5, 1, cos(0.25), cos(0.5), cos(0.875), 0, 0])
  })

  it('a warm-up below 1 is a share of the total', () => {
    expect(schedules.linear({ total: 100, warmup: 0.06 })(3)).toBe(0.5)
    expect(() => schedules.linear({ total: 0 })).toThrow('total must be positive')
  })
})
