// Layers of training with quantization: where they stand, what their grids are, what is left when they are taken out again.
import { describe, expect, it } from 'vitest'
import { noGrad } from '../../src/autograd/graph.js'
import { binarize, ternarize } from '../../src/autograd/ops/quantization/few-values.js'
import { randomScope } from '../../src/autograd/random.js'
import { tidy } from '../../src/autograd/tidy.js'
import { type Tensor, tensor } from '../../src/index.js'
import { ReLU } from '../../src/nn/activations.js'
import { ModuleDict, ModuleList, Sequential } from '../../src/nn/containers.js'
import { Embedding, Linear } from '../../src/nn/layers.js'
import {
  BertForMaskedLM,
  BertForSequenceClassification,
  DistilBertForSequenceClassification,
} from '../../src/nn/models/bert.js'
import { Module } from '../../src/nn/module.js'
import { parameterGroups } from '../../src/nn/optim/groups.js'
import { FakeQuantAttention } from '../../src/nn/quantize-aware/attention.js'
import { AverageRangeQuantizer } from '../../src/nn/quantize-aware/average-range.js'
import { FakeQuantEmbedding, FakeQuantLinear } from '../../src/nn/quantize-aware/layers.js'
import { LearnedStepQuantizer } from '../../src/nn/quantize-aware/learned-step.js'
import {
  quantizationIn,
  quantizeAware,
  settleOnGrid,
  stateOnGrid,
} from '../../src/nn/quantize-aware/prepare.js'
import { type SchemeName, schemeNames } from '../../src/nn/quantize-aware/schemes.js'
import { splitWeight } from '../../src/nn/quantize-aware/split.js'
import { quantize } from '../../src/nn/quantized/quantize.js'
import { plainAgain } from '../../src/nn/stand-ins/ready.js'
import { keyOf } from '../../src/tensor/rng.js'
import { memory } from '../../src/tensor/storage.js'
import { flatBatch } from '../../src/text/batches.js'

const size = { vocabSize: 40, maxLength: 12, layers: 2, width: 12, heads: 3, inner: 20, labels: ['a', 'b'] }
const drawn = (make: () => BertForSequenceClassification) => randomScope(keyOf(3), make)
const bert = () => drawn(() => new BertForSequenceClassification({ ...size, std: 0.2 }).eval())

const texts = [Int32Array.of(5, 6, 7, 8, 9), Int32Array.of(10, 11, 12), Int32Array.of(13, 14, 15, 16, 17, 18)]
const unpadded = () => flatBatch(texts, Int32Array.of(0, 1, 2))
function padded() {
  const T = 6
  const ids = texts.flatMap((t) => [...t, ...new Array<number>(T - t.length).fill(0)])
  return {
    inputIds: tensor(Int32Array.from(ids), { shape: [3, T] }),
    attentionMask: tensor(
      Int32Array.from(ids, (id) => (id === 0 ? 0 : 1)),
      { shape: [3, T] },
    ),
  }
}

const names = (model: Module, of: new (...args: never[]) => Module) =>
  Array.from(model.namedModules()).flatMap(([name, m]) => (m instanceof of ? [name] : []))
const far = (a: Tensor, b: Tensor) => Math.max(...a.data.map((x, i) => Math.abs(x - b.data[i])))
const values = (t: Tensor) => new Set(t.data).size

describe('quantizeAware', () => {
  it.each<[SchemeName, { linear: number; tables: number; attention: number }]>([
    ['int8', { linear: 14, tables: 1, attention: 0 }],
    ['q8bert', { linear: 14, tables: 3, attention: 0 }],
    ['lsq', { linear: 13, tables: 1, attention: 0 }],
    ['ternary', { linear: 13, tables: 1, attention: 2 }],
    ['binary', { linear: 13, tables: 1, attention: 2 }],
    ['binary-split', { linear: 13, tables: 1, attention: 2 }],
  ])('%s: layers in the places of the plain ones, and out again', (scheme, counts) => {
    const model = bert()
    const before = model.snapshot()
    const parameters = new Map(model.namedParameters())
    expect(quantizeAware(model, scheme)).toBe(model)
    expect(quantizationIn(model)?.scheme).toBe(scheme)
    expect({
      linear: names(model, FakeQuantLinear).length,
      tables: names(model, FakeQuantEmbedding).length,
      attention: names(model, FakeQuantAttention).length,
    }).toEqual(counts)
    // The same tensors under the same names: an optimizer made before goes on.
    for (const [name, p] of parameters) expect(new Map(model.namedParameters()).get(name), name).toBe(p)
    const logits = noGrad(() => model.forward(unpadded()).logits)
    expect(logits.data.every(Number.isFinite)).toBe(true)
    expect(
      far(
        logits,
        noGrad(() => bert().forward(unpadded()).logits),
      ),
    ).toBeGreaterThan(0)

    const state = stateOnGrid(model)
    expect([...state.keys()]).toEqual([...before.keys()])
    if (scheme !== 'binary-split') {
      plainAgain(model)
      for (const [name, t] of model.stateDict()) expect(far(t, before.get(name) as Tensor), name).toBe(0)
      quantizeAware(model, scheme)
    }
    settleOnGrid(model)
    expect(quantizationIn(model)).toBe(null)
    expect(names(model, FakeQuantLinear)).toEqual([])
    expect(names(model, FakeQuantAttention)).toEqual([])
    for (const [name, t] of model.stateDict()) expect(far(t, state.get(name) as Tensor), name).toBe(0)
    expect(settleOnGrid(model)).toBe(model)
  })

  it.each<[SchemeName, number, number, number]>([
    // Values of a row of a matrix, of the matrix, of a row of the word table.
    ['int8', 12, 144, 12],
    ['q8bert', 12, 255, 12],
    ['lsq', 12, 16, 12],
    ['ternary', 3, 3, 3],
    ['binary', 2, 2, 2],
    ['binary-split', 4, 4, 4],
  ])('%s: so many values', (scheme, row, matrix, word) => {
    const state = stateOnGrid(quantizeAware(bert(), scheme))
    const query = state.get('bert.encoder.layer.0.attention.self.query.weight') as Tensor
    const words = state.get('bert.embeddings.word_embeddings.weight') as Tensor
    const [first, name] = [query, words].map((t) => tensor(t.data.slice(24, 36)))
    expect([values(first) <= row, values(query) <= matrix, values(name) <= word]).toEqual([true, true, true])
  })

  // PyTorch's largest number is half a level beyond the highest: its grid is another one the next time.
  it.each(schemeNames.filter((name) => !/split|lsq|torch/.test(name)))(
    '%s: what stands on its grid stays where it is when it is made ready again',
    (scheme) => {
      const model = settleOnGrid(quantizeAware(bert(), scheme))
      const state = model.snapshot()
      for (const [name, t] of stateOnGrid(quantizeAware(model, scheme)))
        expect(far(t, state.get(name) as Tensor), name).toBeLessThan(1e-7)
    },
  )

  it('int8: a text does not depend on its batch, nor on padding', () => {
    const model = quantizeAware(bert(), 'int8')
    const all = noGrad(() => model.forward(unpadded()).logits)
    expect(
      far(
        all,
        noGrad(() => model.forward(padded()).logits),
      ),
    ).toBeLessThan(1e-5)
    const one = noGrad(() => model.forward(flatBatch(texts, Int32Array.of(1))).logits)
    expect(Math.abs(one.data[0] - all.data[2])).toBeLessThan(1e-6)
  })

  it('int8: trains for what quantize() computes', () => {
    const model = quantizeAware(bert(), 'int8')
    const trained = noGrad(() => model.forward(unpadded()).logits)
    const whole = quantize(settleOnGrid(model))
    const computed = noGrad(() => whole.forward(unpadded()).logits)
    expect(far(trained, computed)).toBeLessThan(1e-5)
  })

  it('ternary: unpadded texts are attended to as padded ones, and scores and probabilities are told', () => {
    const model = quantizeAware(bert(), 'ternary')
    const want = { attentionScores: true, attentionProbs: true, qkv: true }
    const out = noGrad(() => model.forward(padded(), want))
    // Padding has a part in the range of a tensor.
    expect(
      far(
        out.logits,
        noGrad(() => model.forward(unpadded()).logits),
      ),
    ).toBeLessThan(0.02)
    expect(out.attentionScores?.map((t) => t.shape)).toEqual([
      [3, 3, 6, 6],
      [3, 3, 6, 6],
    ])
    const [probs] = out.attentionProbs as Tensor[]
    expect(probs.data[5]).toBe(0)
    expect(out.qkv?.[0].q.shape).toEqual([3, 3, 6, 4])
    expect(() => model.forward(unpadded(), want)).toThrow(/unpadded texts have no attention matrix/)
  })

  it('leaves what shares its weight with the word table, and the head where the scheme says so', () => {
    const words = randomScope(keyOf(1), () => new BertForMaskedLM(size))
    quantizeAware(words, 'int8')
    expect(words.decoder.constructor).toBe(Linear)
    expect(words.decoder.weight).toBe(words.base.words.weight)
    const distil = randomScope(keyOf(1), () => new DistilBertForSequenceClassification(size))
    quantizeAware(distil, 'lsq')
    expect(distil.classifier.constructor).toBe(Linear)
    expect(distil.pooler).toBeInstanceOf(FakeQuantLinear)
  })

  it('finds layers in lists, objects, Maps, Sets, containers, and itself', () => {
    class Odd extends Module {
      list = [new Linear(2, 2), { deep: new Linear(2, 2) }]
      map = new Map([['a', new Linear(2, 2)]])
      set = new Set([new Linear(2, 2), new Linear(2, 2)])
      dict = new ModuleDict({ b: new Linear(2, 2) })
      rest = new ModuleList([new Linear(2, 2)])
      row = new Sequential(new Linear(2, 2), new ReLU(), new Linear(2, 2))
      shared = this.rest.at(0)
    }
    const odd = new Odd()
    const before = Array.from(odd.namedParameters(), ([name]) => name)
    quantizeAware(odd, 'int8')
    expect(names(odd, FakeQuantLinear)).toHaveLength(9)
    expect(odd.shared).toBe(odd.rest.at(0))
    expect(Array.from(odd.namedParameters(), ([name]) => name)).toEqual(before)
    expect(odd.row.forward(tensor([[1, 2]])).shape).toEqual([1, 2])
    const layer = quantizeAware(new Linear(3, 2), 'int8')
    expect(layer).toBeInstanceOf(FakeQuantLinear)
    expect(settleOnGrid(layer).constructor).toBe(Linear)
  })

  it('refuses what it cannot do', () => {
    const model = quantizeAware(bert(), 'int8')
    expect(() => quantizeAware(model, 'lsq')).toThrow(
      'quantizeAware: the model is ready already, by the scheme int8',
    )
    expect(() => quantizeAware(new ReLU(), 'lsq')).toThrow('quantizeAware: a ReLU has no layer to quantize')
    expect(() => quantizeAware(bert(), 'int4' as SchemeName)).toThrow(
      /scheme must be int8, onnxruntime, .*got/,
    )
    expect(() => quantizeAware(bert(), 'ternary', { weightBits: 4 })).toThrow(/fixed number of values/)
    expect(() => quantizeAware(bert(), 'lsq', { weightBits: 1 })).toThrow(/weightBits/)
    expect(() => quantizeAware(bert(), 'lsq', { inputBits: 9 })).toThrow(/inputBits/)
    class Hidden extends Module {
      readonly #layer = new Linear(2, 2)
      override *holdings(): Generator<[string, Tensor | Module]> {
        yield ['layer', this.#layer]
      }
    }
    expect(() => quantizeAware(new Hidden(), 'int8')).toThrow(
      /a Hidden holds no module 'layer' in a place of its own/,
    )
  })
})

describe('grids', () => {
  it('an average range begins with the first batch, follows the next, and stands in evaluation', () => {
    const range = new AverageRangeQuantizer(127, 0.9)
    range.forward(tensor([1, -2]))
    expect(range.range.item()).toBe(2)
    const y = range.forward(tensor([4, 1]))
    expect(range.range.item()).toBeCloseTo(2.2, 6)
    expect(y.data[0]).toBeCloseTo(2.2, 6)
    range.eval().forward(tensor([100]))
    expect(range.range.item()).toBeCloseTo(2.2, 6)
    expect([...range.stateDict().keys()]).toEqual(['range'])
  })

  it('a learned step begins by the mean of what it sees first, and is no weight that decays', () => {
    const step = new LearnedStepQuantizer(4)
    step.forward(tensor([1, -3]))
    expect(step.step.item()).toBeCloseTo((2 * 2) / Math.sqrt(7), 6)
    const least = new LearnedStepQuantizer(2, { fromLeast: true })
    const y = least.forward(tensor([10, 11, 30]))
    expect(least.step.item()).toBeCloseTo((4 * 17) / Math.sqrt(3), 5)
    expect(y.data[0]).toBe(10)
    const model = quantizeAware(bert(), 'lsq')
    const groups = parameterGroups(model, { weightDecay: 0.01, apartScale: 5, decayAll: true })
    const steps = groups.filter(({ lrScale }) => lrScale === 5)
    expect(steps.map(({ weightDecay }) => weightDecay)).toEqual([0])
    expect([...steps[0].params]).toHaveLength(27)
  })

  it.each([false, true])('a split weight adds up, latent and in its few values; rows %s', (rows) => {
    const w = randomScope(keyOf(8), () => new Linear(7, 5)).weight.data
    w.fill(0, 0, 7)
    const first = tensor(Float64Array.from(w), { shape: [5, 7], requiresGrad: true })
    const three = ternarize(first, { rows })
    const second = splitWeight(first, rows)
    expect(far(first.add(second), tensor(Float64Array.from(w), { shape: [5, 7] }))).toBeLessThan(1e-15)
    const sum = noGrad(() => binarize(first, { rows }).add(binarize(second, { rows })))
    expect(far(sum, three)).toBeLessThan(1e-15)
  })

  it('a table gives gradients to the rows that are asked for, none to padding', () => {
    const table = new Embedding(6, 4, { paddingIdx: 0 })
    const ready = quantizeAware(table, 'ternary')
    ready
      .forward(tensor(Int32Array.of(0, 2, 2)))
      .sum()
      .backward()
    const { data } = ready.weight.grad as Tensor
    expect([data[0], data[8], data[12]]).toEqual([0, 2, 0])
  })
})

describe('answers of a model on grids', () => {
  /** Bytes that a forward pass holds when it has come to its end. */
  function held(layers: number, scheme: SchemeName | null): number {
    const make = () => new BertForSequenceClassification({ ...size, layers })
    const model = randomScope(keyOf(3), make).eval()
    if (scheme !== null) quantizeAware(model, scheme).eval()
    const pass = () =>
      tidy(() =>
        noGrad(() => {
          const before = memory().bytes
          model.forward(unpadded())
          return memory().bytes - before
        }),
      )
    pass()
    return pass()
  }

  // A batch of 64 texts of MiniLM held 2 GB by ternary, and what did not fit into the shared memory was left to plain loops.
  it.each(schemeNames)('%s: what a layer makes on the way goes before the next one', (scheme) => {
    const ofLayer = (own: SchemeName | null) => (held(5, own) - held(1, own)) / 4
    expect(ofLayer(scheme)).toBeLessThanOrEqual(1.5 * ofLayer(null))
  })
})
