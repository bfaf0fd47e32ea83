// Module: names, state, modes and dtypes, on a small encoder and an MLP.
import { describe, expect, it } from 'vitest'
import { tensor, zeros } from '../../src/autograd/create.js'
import { manualSeed, randomScope } from '../../src/autograd/random.js'
import { EncoderBlock } from '../../src/nn/encoder.js'
import { xavierUniform } from '../../src/nn/init.js'
import { Dropout, Embedding, LayerNorm, Linear } from '../../src/nn/layers.js'
import { Mlp } from '../../src/nn/models/mlp.js'
import { Module } from '../../src/nn/module.js'
import { keyOf } from '../../src/tensor/rng.js'
import '../../src/autograd/methods.js'

const seeded = <T>(fn: () => T) => randomScope(keyOf(7), fn)

describe('Module', () => {
  it('names parameters by their path', () => {
    const names = [...new Mlp({ sizes: [3, 4, 2] }).namedParameters()].map(([name]) => name)
    expect(names).toEqual(['layers.0.weight', 'layers.0.bias', 'layers.1.weight', 'layers.1.bias'])
    const block = new EncoderBlock({ width: 4, heads: 2 })
    expect([...block.namedParameters()].map(([name, p]) => `${name} ${p.shape}`)).toEqual([
      ...['query', 'key', 'value', 'out'].flatMap((n) => [
        `attention.${n}.weight 4,4`,
        `attention.${n}.bias 4`,
      ]),
      ...['attentionNorm.weight 4', 'attentionNorm.bias 4'],
      ...['up.weight 16,4', 'up.bias 16', 'down.weight 4,16', 'down.bias 4'],
      ...['outputNorm.weight 4', 'outputNorm.bias 4'],
    ])
    expect(block.countParameters()).toBe(4 * 20 + 8 + 80 + 68 + 8)
  })

  it('gives a shared parameter once', () => {
    class Tied extends Module {
      table = new Embedding(3, 2)
      head = new Linear(2, 3, { bias: false })
    }
    const model = new Tied()
    model.head.weight = model.table.weight
    expect([...model.namedParameters()].map(([name]) => name)).toEqual(['table.weight'])
    expect(model.to('float64').head.weight).toBe(model.table.weight)
  })

  it('is a function of the seed', () => {
    const bits = () => [...new EncoderBlock({ width: 4, heads: 2 }).parameters()].map((p) => [...p.data])
    expect(seeded(bits)).toEqual(seeded(bits))
    manualSeed(8)
    expect(bits()).not.toEqual(seeded(bits))
  })

  it('loads a state dict by value, and touches what a graph has saved', () => {
    const [a, b] = seeded(() => [new Mlp({ sizes: [2, 3, 2] }), new Mlp({ sizes: [2, 3, 2] })])
    const y = b.forward(tensor([[1, 2]])).logits.sum()
    b.loadStateDict(a.stateDict())
    expect([...b.layers[1].weight.data]).toEqual([...a.layers[1].weight.data])
    expect(b.layers[1].weight).not.toBe(a.layers[1].weight)
    expect(() => y.backward()).toThrow('changed in place')
  })

  it('keeps a snapshot apart from the model', () => {
    const model = new Linear(1, 1)
    const before = model.snapshot()
    const value = model.weight.item()
    model.weight.live[0] = 5
    expect(before.get('weight')?.item()).toBe(value)
    model.loadStateDict(before)
    expect(model.weight.item()).toBe(value)
  })

  it('tells everything that does not fit at once and loads nothing', () => {
    const model = new Mlp({ sizes: [2, 3, 2] })
    const before = model.snapshot()
    const state = new Map(new Mlp({ sizes: [4, 3, 2] }).stateDict())
    state.delete('layers.1.bias')
    state.set('extra', zeros([1]))
    state.set('__proto__', zeros([1]))
    expect(() => model.loadStateDict(state, { from: 'a.safetensors' })).toThrow(
      'a.safetensors: does not fit the model: 1 missing: layers.1.bias; 2 unexpected: extra, __proto__; ' +
        '1 of another shape: layers.0.weight is [3, 4], the model needs [3, 2]. ' +
        'Nothing was loaded. Build the model from the config saved beside the weights',
    )
    for (const [name, p] of model.namedParameters()) expect([...p.data]).toEqual([...before.get(name)!.data])
  })

  it('drops in training only', () => {
    const drop = new Dropout(0.5)
    const x = tensor(new Float32Array(64).fill(1))
    expect([...drop.eval().forward(x).data]).toEqual([...x.data])
    const seen = new Set(drop.train().forward(x).data)
    expect(seen).toEqual(new Set([0, 2]))
    expect(() => new Dropout(1.5)).toThrow('p must lie in [0, 1], got 1.5')
  })

  it('converts to float64 and back without a change', () => {
    const model = seeded(() => new EncoderBlock({ width: 4, heads: 2 }))
    const before = model.snapshot()
    model.up.weight.requiresGrad = false
    model.to('float64')
    expect(new Set(model.parameters().map((p) => p.dtype))).toEqual(new Set(['float64']))
    expect(model.up.weight.requiresGrad).toBe(false)
    expect(model.down.weight.requiresGrad).toBe(true)
    model.to('float32')
    for (const [name, p] of model.namedParameters()) expect([...p.data]).toEqual([...before.get(name)!.data])
  })
})

describe('initial values', () => {
  it('are those of PyTorch', () => {
    const { weight, bias } = seeded(() => new Linear(100, 50))
    for (const p of [weight, bias!]) {
      expect(Math.max(...p.data)).toBeLessThan(0.1)
      expect(Math.min(...p.data)).toBeGreaterThanOrEqual(-0.1)
    }
    const variance = (x: ArrayLike<number>) => Array.from(x).reduce((s, v) => s + v * v, 0) / x.length
    expect(variance(weight.data)).toBeCloseTo(0.01 / 3, 4)
    expect(variance(seeded(() => xavierUniform([50, 100])).data)).toBeCloseTo(2 / 150, 3)
    const table = seeded(() => new Embedding(200, 50, { paddingIdx: 3 })).weight
    expect(variance(table.data)).toBeCloseTo(1, 1)
    expect([...table.data.slice(150, 200)].every((v) => v === 0)).toBe(true)
    const norm = new LayerNorm(3)
    expect([...norm.weight.data, ...norm.bias!.data]).toEqual([1, 1, 1, 0, 0, 0])
  })

  it('heads must divide the width', () => {
    expect(() => new EncoderBlock({ width: 10, heads: 3 })).toThrow(
      'the width 10 does not divide into 3 heads',
    )
  })
})
