// What a Module finds and what it does not; buffers, hooks, containers, printing, and initial values.
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import '../../src/index.js'
import { ones, randn, tensor, zeros } from '../../src/autograd/create.js'
import { noGrad } from '../../src/autograd/graph.js'
import { embedding } from '../../src/autograd/ops/indexing/rows.js'
import { randomScope } from '../../src/autograd/random.js'
import * as nn from '../../src/nn/index.js'
import { AdamW } from '../../src/nn/optim/adam.js'
import { keyOf } from '../../src/tensor/rng.js'
import type { Tensor } from '../../src/tensor/tensor.js'

const { Linear, Module } = nn
const names = (model: nn.Module) => Array.from(model.namedParameters(), ([name]) => name)
const leaf = (n: number) => ones([n], { requiresGrad: true })

describe('a module finds', () => {
  it('tensors and layers in arrays, objects, Maps and Sets, however deep', () => {
    class Net extends Module {
      ws = [leaf(1), [leaf(2)]]
      parts = { a: new Linear(1, 1, { bias: false }), b: { c: leaf(3) } }
      map = new Map<string, nn.Module | Tensor>([
        ['first', leaf(4)],
        ['second', new Linear(1, 1)],
      ])
      set = new Set([leaf(5)])
      blocks = [[new Linear(1, 1, { bias: false })], [new Linear(1, 1, { bias: false })]]
      text = ['not', 'these']
      numbers = new Float32Array(3)
    }
    const net = new Net()
    expect(names(net)).toEqual([
      ...['ws.0', 'ws.1.0', 'parts.b.c', 'map.first', 'set.0'],
      ...['parts.a.weight', 'map.second.weight', 'map.second.bias', 'blocks.0.0.weight', 'blocks.1.0.weight'],
    ])
    expect([...net.stateDict().keys()]).toEqual(names(net))
    net.eval()
    expect(net.modules().every((m) => !m.training)).toBe(true)
    net.to('float64')
    expect(new Set(net.parameters().map((p) => p.dtype))).toEqual(new Set(['float64']))
  })

  it('frozen parameters, and no kept activations, constants or frozen results', () => {
    class Net extends Module {
      layer = new Linear(2, 2)
      table = zeros([3])
      last: Tensor | null = null
      seen: Tensor[] = []
      forward(x: Tensor): Tensor {
        const h = this.layer.forward(x)
        this.last = h
        this.seen.push(
          h,
          noGrad(() => h.mul(2)),
        )
        return h
      }
    }
    const net = new Net()
    net
      .forward(ones([1, 2]))
      .sum()
      .backward()
    net.layer.weight.requiresGrad = false
    expect([net.countParameters(), names(net)]).toEqual([6, ['layer.weight', 'layer.bias']])
    expect(new AdamW(net.parameters()).slots.length).toBe(2)
  })

  it('what is registered from private fields, and refuses names that are taken', () => {
    class Net extends Module {
      readonly #inner = new Linear(1, 2, { bias: false })
      constructor() {
        super()
        this.registerModule('inner', this.#inner)
        this.registerParameter('scale', ones([2]))
      }
    }
    const net = new Net()
    expect(names(net)).toEqual(['scale', 'inner.weight'])
    for (const name of ['train', 'training', 'a.b', ''])
      expect(() => net.registerParameter(name, ones([1])), name).toThrow('is no free name of a Net')
    expect(() => net.registerParameter('w', leaf(1).mul(2))).toThrow(
      'w is the result of mul, and only a leaf can learn',
    )
  })

  it('a module once, where a parent is kept too', () => {
    class Child extends Module {
      w = leaf(1)
      constructor(readonly parent: nn.Module) {
        super()
      }
    }
    class Parent extends Module {
      child = new Child(this)
      again = this.child
    }
    const parent = new Parent()
    expect(names(parent)).toEqual(['child.w'])
    expect(Array.from(parent.namedModules(), ([name]) => name)).toEqual(['', 'child'])
    expect(`${parent}`).toBe('Parent(\n  (child): Child(\n    (parent): Parent(...)\n  )\n)')
    const order: string[] = []
    parent.apply((m) => order.push(m.constructor.name))
    expect(order).toEqual(['Child', 'Parent'])
  })

  it('two tensors of one name, and says so', () => {
    class Net extends Module {
      map = new Map<unknown, Tensor>([
        [1, leaf(1)],
        ['1', leaf(1)],
      ])
    }
    expect(() => new Net().stateDict()).toThrow('Net: two of its tensors are called map.1')
  })

  it('a strided parameter when it loads', () => {
    class Net extends Module {
      w: Tensor
      constructor() {
        super()
        this.w = tensor([
          [1, 2],
          [3, 4],
        ]).t()
        this.w.requiresGrad = true
      }
    }
    const net = new Net()
    net.loadStateDict(
      new Map([
        [
          'w',
          tensor([
            [5, 6],
            [7, 8],
          ]),
        ],
      ]),
    )
    expect(net.w.toArray()).toEqual([
      [5, 6],
      [7, 8],
    ])
    const gone = ones([2, 2])
    gone.dispose()
    expect(() => net.loadStateDict(new Map([['w', gone]]))).toThrow('1 disposed: w')
  })
})

describe('buffers', () => {
  class Norm extends Module {
    weight = leaf(2)
    runningMean = this.registerBuffer('runningMean', zeros([2]))
    count = this.registerBuffer('count', tensor(Int32Array.of(0)))
    cache = this.registerBuffer('cache', ones([1]), { persistent: false })
  }
  class Net extends Module {
    norms = [new Norm()]
  }

  it('are in the state, moved and not trained', () => {
    const net = new Net()
    expect(names(net)).toEqual(['norms.0.weight'])
    expect(Array.from(net.namedBuffers(), ([n]) => n)).toEqual([
      'norms.0.runningMean',
      'norms.0.count',
      'norms.0.cache',
    ])
    expect([...net.stateDict().keys()]).toEqual(['norms.0.weight', 'norms.0.runningMean', 'norms.0.count'])
    net.norms[0].runningMean = ones([2])
    const kept = net.snapshot()
    net.norms[0].runningMean = zeros([2])
    net.loadStateDict(kept)
    expect(net.norms[0].runningMean.toArray()).toEqual([1, 1])
    net.to('float64')
    expect(net.buffers().map((b) => b.dtype)).toEqual(['float64', 'int32', 'float64'])
    expect(() => net.registerBuffer('x', leaf(1).mul(2))).toThrow('registerBuffer: x is the result of mul')
    expect(() => net.to('int32')).toThrow('parameters are float32 or float64, got int32')
  })
})

describe('hooks', () => {
  it('see and change what goes in and what comes out, until they are removed', () => {
    const layer = new nn.Identity()
    const outer = new nn.Sequential(layer)
    const seen: unknown[] = []
    const off = layer.registerForwardHook((module, [x], y) => {
      seen.push([module === layer, x.item(), y.item()])
      return y.mul(10)
    })
    const offPre = layer.registerForwardPreHook((_, [x]) => x.add(1))
    expect(outer.forward(tensor([1])).item()).toBe(20)
    expect(seen).toEqual([[true, 2, 2]])
    off()
    off()
    expect(outer.forward(tensor([1])).item()).toBe(2)
    offPre()
    expect(outer.forward(tensor([1])).item()).toBe(1)
    expect(Object.hasOwn(layer, 'forward')).toBe(false)
    expect(() => new nn.ModuleList().registerForwardHook(() => undefined)).toThrow(
      'there is no forward() to hook into',
    )
  })
})

describe('containers', () => {
  it('Sequential', () => {
    const net = new nn.Sequential(new Linear(4, 3), new nn.ReLU(), new Linear(3, 2))
    expect(names(net)).toEqual(['0.weight', '0.bias', '2.weight', '2.bias'])
    const x = randn([5, 4])
    const by = (net.at(-1) as nn.Linear).forward((net.at(0) as nn.Linear).forward(x).relu())
    expect(net.forward(x).toArray()).toEqual(by.toArray())
    expect(names(new nn.Sequential({ fc: new Linear(1, 1), act: new nn.Tanh() }))).toEqual([
      'fc.weight',
      'fc.bias',
    ])
    expect(new nn.Sequential([new nn.Tanh(), new nn.Sigmoid()]).append(new nn.ReLU()).length).toBe(3)
    expect([...new nn.Sequential(new nn.Tanh())].length).toBe(1)
    expect(() => new nn.Sequential(nn.ReLU as unknown as nn.Layer)).toThrow(
      'Sequential: layer 0 must be a module, got the function ReLU',
    )
    expect(() => net.at(3)).toThrow('there is no module 3, there are 3')
    expect(new nn.Sequential().forward(x)).toBe(x)
  })

  it('ModuleList and ModuleDict', () => {
    class Net extends Module {
      list = new nn.ModuleList([new Linear(1, 1), new Linear(1, 1)])
      heads = new nn.ModuleDict({ a: new Linear(1, 2, { bias: false }) })
    }
    const net = new Net()
    net.list.append(new Linear(1, 1, { bias: false }))
    net.heads.set('b', new Linear(1, 3, { bias: false }))
    expect(names(net)).toEqual([
      ...['list.0.weight', 'list.0.bias', 'list.1.weight', 'list.1.bias', 'list.2.weight'],
      ...['heads.a.weight', 'heads.b.weight'],
    ])
    expect([net.list.length, net.list.at(-1) === [...net.list][2], net.heads.has('b')]).toEqual([
      3,
      true,
      true,
    ])
    expect(net.heads.get('a').forward(ones([1, 1])).shape).toEqual([1, 2])
    expect(() => net.heads.get('c')).toThrow('ModuleDict: there is no c, there are a, b')
    expect(() => net.heads.set('a.b', new nn.Tanh() as unknown as nn.Linear)).toThrow('a word without dots')
    expect([net.heads.delete('a'), [...net.heads.keys()]]).toEqual([true, ['b']])
  })

  it('print as in PyTorch', () => {
    const net = new nn.Sequential(
      new nn.Embedding(9, 4, { paddingIdx: -1 }),
      new nn.ModuleDict({ n: new nn.LayerNorm(4) }) as unknown as nn.Layer,
      new nn.ModuleList([new Linear(4, 4), new Linear(4, 4), new nn.Dropout(0.1)]) as unknown as nn.Layer,
      new nn.Flatten(),
    )
    const text = `Sequential(
  (0): Embedding(9, 4, paddingIdx=8)
  (1): ModuleDict(
    (n): LayerNorm([4], eps=0.00001)
  )
  (2): ModuleList(
    (0-1): 2 x Linear(inFeatures=4, outFeatures=4, bias=true)
    (2): Dropout(p=0.1)
  )
  (3): Flatten(startDim=1, endDim=-1)
)`
    expect(`${net}`).toBe(text)
    expect(inspect(net)).toBe(text)
  })

  it('summary', () => {
    const net = new nn.Sequential(new Linear(4, 3), new nn.ReLU())
    ;(net.at(0) as nn.Linear).bias!.requiresGrad = false
    const { rows, count, trainable, ...rest } = nn.summary(net)
    expect(rows).toEqual([
      { name: '0', type: 'Linear', shapes: { weight: [3, 4], bias: [3] }, count: 15, trainable: 12 },
      { name: '1', type: 'ReLU', shapes: {}, count: 0, trainable: 0 },
    ])
    expect([count, trainable]).toEqual([15, 12])
    expect(rest.toString().split('\n')).toEqual([
      'name   type    parameters               count  trainable',
      '0      Linear  weight [3, 4], bias [3]     15         12',
      '1      ReLU                                 0          0',
      'total                                      15         12',
    ])
  })

  it('activations are the ops', () => {
    const x = randn([2, 3, 4])
    const same = (a: Tensor, b: Tensor) => expect(a.toArray()).toEqual(b.toArray())
    same(new nn.ReLU().forward(x), x.relu())
    same(new nn.GELU().forward(x), x.gelu())
    same(new nn.GELU({ approximate: 'tanh' }).forward(x), x.gelu({ approximate: 'tanh' }))
    same(new nn.Tanh().forward(x), x.tanh())
    same(new nn.Sigmoid().forward(x), x.sigmoid())
    same(new nn.Softmax(1).forward(x), x.softmax(1))
    same(new nn.LogSoftmax().forward(x), x.logSoftmax(-1))
    expect(new nn.Flatten().forward(x).shape).toEqual([2, 12])
    expect(new nn.Flatten(0, 1).forward(x).shape).toEqual([6, 4])
    expect(() => new nn.Flatten(2, 1).forward(x)).toThrow('startDim 2 comes after endDim 1')
  })
})

describe('layers at their limits', () => {
  it('Dropout(1) leaves zeros, and no gradient', () => {
    const x = tensor([1, -2, Number.NaN], { requiresGrad: true })
    const y = new nn.Dropout(1).forward(x)
    expect(y.toArray()).toEqual([0, 0, 0])
    y.sum().backward()
    expect(x.grad?.toArray()).toEqual([0, 0, 0])
    expect(
      new nn.Dropout(1)
        .forward(ones([40]), ones([40]))
        .sum()
        .item(),
    ).toBe(40)
  })

  it('paddingIdx counts from the end, or is refused', () => {
    const table = new nn.Embedding(4, 2, { paddingIdx: -1 })
    expect(table.paddingIdx).toBe(3)
    expect(table.weight.slice(0, 3).toArray()).toEqual([[0, 0]])
    table
      .forward(tensor(Int32Array.of(3, 1)))
      .sum()
      .backward()
    expect(table.weight.grad?.toArray()).toEqual([
      [0, 0],
      [1, 1],
      [0, 0],
      [0, 0],
    ])
    for (const paddingIdx of [4, -5])
      expect(() => new nn.Embedding(4, 2, { paddingIdx })).toThrow(
        `paddingIdx must be a whole number from -4 to 3, got ${paddingIdx}`,
      )
    for (const paddingIdx of [1.5, Number.NaN])
      expect(() => new nn.Embedding(4, 2, { paddingIdx })).toThrow('paddingIdx must be a whole number')
    const w = ones([3, 1], { requiresGrad: true })
    embedding(w, tensor(Int32Array.of(2, 1)), { paddingIdx: -1 })
      .sum()
      .backward()
    expect(w.grad?.toArray()).toEqual([[0], [1], [0]])
  })
})

describe('initial values', () => {
  const drawn = <T>(fn: () => T) => randomScope(keyOf(5), fn)
  const moment = (t: Tensor, k: number) => Array.from(t.data).reduce((s, x) => s + x ** k, 0) / t.numel
  const largest = (t: Tensor) => Math.max(...Array.from(t.data, Math.abs))

  it.each<[string, () => Tensor, number, number]>([
    ['kaimingUniform', () => nn.init.kaimingUniform([64, 32, 3]), 2 / 96, Math.sqrt(6 / 96)],
    [
      'kaimingUniform fanOut',
      () => nn.init.kaimingUniform([64, 96], { mode: 'fanOut', nonlinearity: 'tanh' }),
      25 / 9 / 64,
      Math.sqrt((3 * 25) / 9 / 64),
    ],
    [
      'kaimingUniform a',
      () => nn.init.kaimingUniform([64, 96], { a: Math.sqrt(5) }),
      1 / 3 / 96,
      Math.sqrt(1 / 96),
    ],
    ['kaimingNormal', () => nn.init.kaimingNormal([96, 64], { nonlinearity: 'relu' }), 2 / 64, Infinity],
    ['xavierNormal', () => nn.init.xavierNormal([96, 64], { gain: 2 }), (4 * 2) / 160, Infinity],
    ['xavierUniform', () => nn.init.xavierUniform([96, 64]), 2 / 160, Math.sqrt(6 / 160)],
  ])('%s', (_, make, variance, bound) => {
    const t = drawn(make)
    expect(moment(t, 2) / variance).toBeGreaterThan(0.94)
    expect(moment(t, 2) / variance).toBeLessThan(1.06)
    expect(largest(t)).toBeLessThanOrEqual(bound * (1 + 1e-6))
    expect(t.requiresGrad).toBe(true)
  })

  it.each([[[5, 3]], [[3, 5]], [[4, 4]], [[3, 2, 2]]])('orthogonal %j', (shape) => {
    const w = drawn(() => nn.init.orthogonal(shape, { gain: 2 })).reshape([shape[0], -1])
    const product = shape[0] <= w.shape[1] ? w.matmul(w.t()) : w.t().matmul(w)
    const n = product.shape[0]
    for (const [i, x] of product.data.entries()) expect(x).toBeCloseTo(i % (n + 1) === 0 ? 4 : 0, 5)
  })

  it('truncNormal stays within its bounds', () => {
    const t = drawn(() => nn.init.truncNormal([20000], { a: -1, b: 2 }))
    expect(Math.min(...t.data)).toBeGreaterThanOrEqual(-1)
    expect(Math.max(...t.data)).toBeLessThanOrEqual(2)
    // Of N(0, 1) within [-1, 2]: (phi(-1) - phi(2)) / (Phi(2) - Phi(-1)), and 1 + (a phi(a) - b phi(b)) / Z.
    expect(moment(t, 1)).toBeCloseTo(0.2296, 1)
    expect(moment(t, 2)).toBeCloseTo(0.5721, 1)
    expect(() => nn.init.truncNormal([1], { a: 2, b: 1 })).toThrow('a below b')
    expect(() => nn.init.truncNormal([1], { mean: 100 })).toThrow(
      'nothing of N(100, 1^2) lies between -2 and 2',
    )
  })

  it('refuses what it cannot mean', () => {
    expect(() => nn.init.kaimingNormal([3])).toThrow('a weight is [out, in, ...], got [3]')
    expect(() => nn.init.kaimingNormal([3, 3], { mode: 'fan' as 'fanIn' })).toThrow(
      "mode must be one of fanIn, fanOut, got 'fan'",
    )
    expect(() => nn.init.gain('swish' as 'relu')).toThrow('nonlinearity must be one of linear')
    expect(nn.init.gain('leakyRelu', 0.2)).toBeCloseTo(Math.sqrt(2 / 1.04), 12)
  })
})
