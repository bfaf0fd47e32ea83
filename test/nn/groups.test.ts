// Which parameters decay, at which rate they learn, and which are frozen: decided by modules, whatever their names.
import { describe, expect, it } from 'vitest'
import '../../src/index.js'
import { tensor } from '../../src/autograd/create.js'
import { EncoderBlock } from '../../src/nn/encoder.js'
import { Embedding, LayerNorm, Linear } from '../../src/nn/layers.js'
import { TextClassifier } from '../../src/nn/models/classifier.js'
import { Mlp } from '../../src/nn/models/mlp.js'
import { Module } from '../../src/nn/module.js'
import { AdamW } from '../../src/nn/optim/adam.js'
import { decayGroups, freeze, parameterGroups, parameterTable } from '../../src/nn/optim/groups.js'
import { SGD } from '../../src/nn/optim/sgd.js'
import type { Tensor } from '../../src/tensor/tensor.js'

/** An encoder inside a model with heads, its tables tied, under Hugging Face's DistilBERT names. */
class Encoder extends Module {
  words = new Embedding(7, 4)
  norm = new LayerNorm(4)
  layers = Array.from({ length: 12 }, () => new EncoderBlock({ width: 4, heads: 1, inner: 4 }))
  pooler = new Linear(4, 4)
}

class Model extends Module {
  base = new Encoder()
  transform = new Linear(4, 4)
  transformNorm = new LayerNorm(4)
  decoder = new Linear(4, 7)

  constructor() {
    super()
    this.decoder.weight = this.base.words.weight
  }

  override *namedParameters(): Generator<[string, Tensor]> {
    for (const [name, p] of super.namedParameters())
      yield [name.replace('base.layers', 'distilbert.layer').replace('attentionNorm', 'sa_layer_norm'), p]
  }
}

/** A norm that is not ours, and a vector that is neither bias nor norm. */
class Other extends Module {
  weight = tensor([1, 2], { requiresGrad: true })
  bias = tensor([0, 0], { requiresGrad: true })
}
class Strange extends Module {
  LayerNorm = new Other()
  scale = new Other()
}

const table = (model: Module) => new Map(parameterTable(model).map((r) => [r.name, r]))

describe('parameterTable', () => {
  const rows = table(new Model())
  const row = (name: string) => {
    const { part, depth, decays } = rows.get(name)!
    return [part, depth, decays]
  }

  it('names every parameter once, as the model does', () => {
    expect([...rows.keys()].sort()).toEqual(Array.from(new Model().namedParameters(), ([n]) => n).sort())
  })

  it.each([
    ['base.words.weight', 'embeddings', 0, true],
    ['base.norm.weight', 'embeddings', 0, false],
    ['distilbert.layer.0.attention.query.weight', 'layer', 1, true],
    ['distilbert.layer.0.attention.query.bias', 'layer', 1, false],
    ['distilbert.layer.1.sa_layer_norm.weight', 'layer', 2, false],
    ['distilbert.layer.11.outputNorm.bias', 'layer', 12, false],
    ['base.pooler.weight', 'pooler', 13, true],
    ['transform.weight', 'head', 14, true],
    ['transformNorm.weight', 'head', 14, false],
    ['decoder.bias', 'head', 14, false],
  ])('%s is of the %s', (name, ...want) => {
    expect(row(name)).toEqual(want)
  })

  it('goes by the name where the module is not ours', () => {
    const decays = [...table(new Strange())].map(([name, r]) => [name, r.decays])
    expect(decays).toEqual([
      ['LayerNorm.weight', false],
      ['LayerNorm.bias', false],
      ['scale.weight', true],
      ['scale.bias', false],
    ])
  })

  it('a stack of linear layers ends in the head; a single layer is one', () => {
    const parts = (model: Module) => parameterTable(model).map((r) => `${r.part} ${r.depth}`)
    expect(parts(new Mlp({ sizes: [2, 3, 3, 2] }))).toEqual([
      'layer 1',
      'layer 1',
      'layer 2',
      'layer 2',
      'head 4',
      'head 4',
    ])
    expect(parts(new Linear(2, 2))).toEqual(['head 2', 'head 2'])
  })
})

describe('parameterGroups', () => {
  it('lowers the rate from the head to the embeddings as BAM and ELECTRA do', () => {
    const model = new TextClassifier({
      ...{ vocabSize: 9, classes: 2, layers: 3, maxLength: 4, padId: 0, width: 4, heads: 1 },
    })
    const optimizer = new AdamW(parameterGroups(model, { weightDecay: 0.1, layerDecay: 0.5 }), { lr: 8 })
    const of = (p: Tensor | null) => {
      const { lr, weightDecay } = optimizer.slots.find((s) => s.param === p)!.group
      return [lr, weightDecay]
    }
    expect(of(model.wordEmbeddings.weight)).toEqual([0.25, 0.1])
    expect(of(model.embeddingNorm.weight)).toEqual([0.25, 0])
    expect(model.encoder.map((b) => of(b.up.weight)[0])).toEqual([0.5, 1, 2])
    expect(of(model.classifier.weight)).toEqual([8, 0.1])
    expect(of(model.classifier.bias)).toEqual([8, 0])
    expect(optimizer.slots.length).toBe(model.parameters().length)
    expect(() => parameterGroups(model, { weightDecay: 0, layerDecay: 0 })).toThrow(
      'layerDecay must lie in (0, 1]',
    )
  })

  it('decayGroups are two', () => {
    const model = new Model()
    const groups = decayGroups(model, 0.1)
    expect(groups.map((g) => [g.weightDecay, g.lrScale])).toEqual([
      [0.1, 1],
      [0, 1],
    ])
    expect(groups.flatMap((g) => [...g.params]).length).toBe(model.parameters().length)
  })
})

describe('freeze', () => {
  it.each([
    [{ embeddings: true }, 3],
    [{ layers: 2 }, 2 * 16],
    [{ embeddings: true, layers: 2 }, 3 + 2 * 16],
    [{ allButHead: true }, 3 + 12 * 16],
    [{ prefixes: ['distilbert.layer.1'] }, 16],
    [{ prefixes: ['distilbert.layer.1.', 'decoder.bias'] }, 17],
  ])('%j', (rules, count) => {
    const model = new Model()
    const names = freeze(model, rules)
    expect(names.length).toBe(count)
    const frozen = Array.from(model.namedParameters()).filter(([, p]) => !p.requiresGrad)
    expect(frozen.map(([n]) => n).sort()).toEqual([...names].sort())
    // A frozen parameter has no moments, and is known to the optimizer for when it learns again.
    const { slots } = new AdamW(parameterGroups(model, { weightDecay: 0 }))
    expect(slots.length).toBe(model.parameters().length)
    expect(slots.filter((s) => s.state.length === 0).length).toBe(count)
  })

  it('refuses what no model part is meant by, and then freezes nothing', () => {
    const model = new Model()
    expect(() => freeze(model, { embeddings: true, prefixes: ['bert'] })).toThrow(
      "freeze: no parameter's name begins with bert, the first is base.words.weight",
    )
    expect(() => freeze(model, { layers: 13 })).toThrow('layers must be a whole number from 0 to 12, got 13')
    expect(() => freeze(new Encoder(), { allButHead: true })).toThrow('freeze: the model has no head')
    expect(model.parameters().every((p) => p.requiresGrad)).toBe(true)
    freeze(model, { prefixes: ['base', 'distilbert', 'transform', 'transformNorm', 'decoder'] })
    expect(() => new SGD(model.parameters(), { lr: 1 })).toThrow(
      'there are no parameters that are not frozen',
    )
  })

  it('drops the gradient that is there', () => {
    const model = new Linear(2, 2)
    model
      .forward(tensor([[1, 2]]))
      .sum()
      .backward()
    freeze(model, { prefixes: ['weight'] })
    expect(model.weight.grad).toBe(null)
    expect(model.bias?.grad).not.toBe(null)
  })
})
