// Convolutional layers: names, shapes, initial values, running statistics, what a call leaves behind, learning.
import { afterAll, describe, expect, it } from 'vitest'
import {
  conv2d,
  crossEntropy,
  grad,
  manualSeed,
  maxPool2d,
  memory,
  nn,
  noGrad,
  optim,
  rand,
  randn,
  setBackend,
  setThreads,
  type Tensor,
  tensor,
  tidy,
} from '../../src/index.js'

class Net extends nn.Module {
  conv = new nn.Conv2d(1, 4, 3, { padding: 1, bias: false })
  norm = new nn.BatchNorm2d(4)
  pool = new nn.MaxPool2d(2)
  second = new nn.Conv2d(4, 6, 3, { padding: 'same', groups: 2 })
  group = new nn.GroupNorm(3, 6)
  all = new nn.AdaptiveAvgPool2d(1)
  out = new nn.Linear(6, 2)

  forward(x: Tensor): Tensor {
    const h = this.pool.forward(this.norm.forward(this.conv.forward(x)).relu())
    const g = this.all.forward(this.group.forward(this.second.forward(h)).relu())
    return this.out.forward(g.reshape([x.shape[0], 6]))
  }
}

describe('layers', () => {
  it("have PyTorch's names and shapes", () => {
    const shapes = Object.fromEntries(Array.from(new Net().stateDict(), ([k, t]) => [k, t.shape]))
    expect(shapes).toEqual({
      'conv.weight': [4, 1, 3, 3],
      'norm.weight': [4],
      'norm.bias': [4],
      'norm.running_mean': [4],
      'norm.running_var': [4],
      'norm.num_batches_tracked': [],
      'second.weight': [6, 2, 3, 3],
      'second.bias': [6],
      'group.weight': [6],
      'group.bias': [6],
      'out.weight': [2, 6],
      'out.bias': [2],
    })
  })

  it('start uniform below 1 / sqrt(what a filter reads)', () => {
    manualSeed(1)
    const { weight, bias } = new nn.Conv2d(8, 64, 3, { groups: 2 })
    const bound = 1 / Math.sqrt(4 * 9)
    const largest = (t: Tensor) => t.abs().max().item()
    expect(largest(weight)).toBeLessThanOrEqual(bound)
    expect(largest(weight)).toBeGreaterThan(0.99 * bound)
    expect(largest(bias!)).toBeLessThanOrEqual(bound)
    // The variance of a uniform number, bound^2 / 3.
    expect(weight.mul(weight).mean().item() / (bound ** 2 / 3)).toBeCloseTo(1, 1)
  })

  it('tell which channels do not fit', () => {
    expect(() => new nn.Conv2d(3, 4, 3, { groups: 2 })).toThrow(
      'Conv2d: 3 input channels do not divide into 2 groups',
    )
    expect(() => new nn.BatchNorm2d(3).forward(randn([2, 4, 2, 2]))).toThrow(
      'BatchNorm2d: the input must be [N, 3, H, W], got [2, 4, 2, 2]',
    )
    expect(() => new nn.BatchNorm1d(3).forward(randn([1, 3]))).toThrow(
      'batchNorm: training needs more than one number a channel, got the input [1, 3]',
    )
    expect(() => conv2d(randn([1, 1, 4, 4]), randn([1, 1, 3, 3]), null, { stride: 0 })).toThrow(
      'conv2d: stride must be a whole number from 1, or two of them, got 0',
    )
    expect(() =>
      conv2d(randn([1, 1, 4, 4]), randn([1, 1, 3, 3]), null, { padding: 'same', stride: 2 }),
    ).toThrow("conv2d: padding 'same' needs a stride of 1. Give the padding as a number")
    expect(() => maxPool2d(randn([1, 1, 4, 4]), 2, { padding: 2 })).toThrow('more than half of the window')
  })
})

describe('batch norm', () => {
  it('moves its statistics in training only, and evaluates by them', () => {
    const norm = new nn.BatchNorm1d(2)
    const x = tensor([
      [1, 10],
      [3, 30],
    ])
    norm.forward(x)
    norm.forward(x)
    // 0.1 * 2 + 0.9 * 0.1 * 2, and the variance divided by n - 1: 2 and 200.
    expect(norm.running_mean!.toArray()).toEqual([expect.closeTo(0.38, 6), expect.closeTo(3.8, 5)])
    expect(norm.running_var!.toArray()).toEqual([expect.closeTo(1.19, 5), expect.closeTo(38.81, 4)])
    expect(norm.num_batches_tracked!.item()).toBe(2)
    norm.eval()
    const y = norm.forward(x)
    expect(norm.num_batches_tracked!.item()).toBe(2)
    expect(y.toArray()).toEqual([
      [expect.closeTo(0.62 / Math.sqrt(1.19001), 5), expect.closeTo(6.2 / Math.sqrt(38.81001), 4)],
      [expect.closeTo(2.62 / Math.sqrt(1.19001), 5), expect.closeTo(26.2 / Math.sqrt(38.81001), 4)],
    ])
  })

  it('with momentum null keeps the mean of all batches', () => {
    const norm = new nn.BatchNorm1d(1, { momentum: null })
    for (const m of [1, 5, 9]) norm.forward(tensor([[m], [m + 2]]))
    expect(norm.running_mean!.item()).toBeCloseTo(6, 5)
  })

  it('does not train its statistics, and does not count them as learnt', () => {
    const norm = new nn.BatchNorm2d(2)
    expect(norm.running_mean!.requiresGrad).toBe(false)
    grad(norm.forward(randn([2, 2, 3, 3])).sum(), [norm.weight!, norm.bias!])
  })
})

/** Buffers that `fn` makes, freed ones left out; all go back afterwards. */
function made(fn: () => unknown): number {
  return tidy(() => {
    const before = memory().buffers
    fn()
    return memory().buffers - before
  })
}

describe('a call leaves behind', () => {
  it.each(['js', 'wasm'] as const)('its result alone, on %s', (backend) => {
    setBackend(backend)
    const [x, w, b] = [randn([3, 2, 6, 6]), randn([4, 2, 3, 3]), randn([4])]
    for (const t of [x, w, b]) t.requiresGrad = true
    const norm = new nn.BatchNorm2d(2)
    expect(made(() => conv2d(x, w, b, { padding: 1 }))).toBe(1)
    expect(made(() => norm.forward(x))).toBe(1)
    expect(made(() => noGrad(() => new nn.MaxPool2d(2).forward(x)))).toBe(2) // the places are a tensor too
    expect(made(() => new nn.AvgPool2d(2).forward(x))).toBe(1)
    const y = conv2d(x, w, b, { padding: 1 })
    const dy = randn(y.shape)
    expect(made(() => grad(y, [x, w, b], { gradient: dy, retainGraph: true }))).toBe(3)
    setBackend('auto')
  })
})

describe('threads', () => {
  afterAll(() => setThreads(1))
  it('do not change a bit', () => {
    const x = randn([8, 6, 20, 21])
    const [w, v] = [randn([8, 6, 3, 3]), randn([8, 3, 3, 3])]
    for (const t of [x, w, v]) t.requiresGrad = true
    const run = () => {
      const out: number[][] = []
      for (const [weight, options] of [
        [w, { padding: 1 }],
        [v, { padding: 1, stride: 2, groups: 2 }],
      ] as const) {
        const y = conv2d(x, weight, null, options)
        out.push(Array.from(y.data), ...grad(y.mul(y).sum(), [x, weight]).map((g) => Array.from(g.data)))
      }
      return out
    }
    setThreads(1)
    const one = run()
    setThreads(3)
    expect(run()).toEqual(one)
  })
})

describe('a small network', () => {
  it('learns which half of an image is bright', () => {
    manualSeed(3)
    const net = new Net()
    const learnt = net.parameters().filter((p) => p.requiresGrad)
    const adam = new optim.AdamW(learnt, { lr: 0.02 })
    const batch = () => {
      const labels = Int32Array.from({ length: 16 }, (_, i) => i % 2)
      const x = rand([16, 1, 6, 6])
      for (let i = 0; i < 16; i++)
        for (let at = 0; at < 36; at++) if (at % 6 < 3 === (labels[i] === 0)) x.elements[i * 36 + at] += 1
      return { x, labels: tensor(labels) }
    }
    for (let step = 0; step < 60; step++) {
      tidy(() => {
        const { x, labels } = batch()
        crossEntropy(net.forward(x), labels).backward()
        adam.step()
        adam.zeroGrad()
      })
    }
    net.eval()
    const { x, labels } = batch()
    const guesses = noGrad(() => net.forward(x)).argmax(-1)
    expect(Array.from(guesses.data)).toEqual(Array.from(labels.data))
  })
})
