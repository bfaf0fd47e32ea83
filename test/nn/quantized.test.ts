// Quantized layers and models: what they compute, what becomes of the float ones, and what is refused.
import { describe, expect, it } from 'vitest'
import { randn } from '../../src/autograd/create.js'
import { randomScope } from '../../src/autograd/random.js'
import { DTypeError, GradError, memory, nn, noGrad, ShapeError, tensor, tidy } from '../../src/index.js'
import { BertForMaskedLM, BertForSequenceClassification } from '../../src/nn/models/bert.js'
import { TextClassifier } from '../../src/nn/models/classifier.js'
import { setBackend, setDeterministic, setThreads } from '../../src/tensor/backend.js'
import { keyOf } from '../../src/tensor/rng.js'
import type { Tensor } from '../../src/tensor/tensor.js'

const { Linear, Embedding, Sequential, ReLU, ModuleList, ModuleDict, quantize, isQuantized, countWeights } =
  nn
const seeded = <T>(make: () => T, seed = 3): T => randomScope(keyOf(seed), make)
const settings = {
  vocabSize: 40,
  width: 24,
  layers: 2,
  heads: 2,
  inner: 40,
  maxLength: 12,
  labels: ['a', 'b', 'c'],
}
const classifier = () => seeded(() => new BertForSequenceClassification(settings).eval())
const ids = (...rows: number[][]) => tensor(rows, { dtype: 'int32' })
const logits = (model: BertForSequenceClassification, inputIds: Tensor) =>
  tidy(() => [...noGrad(() => model.forward({ inputIds })).logits.data])

function far(a: readonly number[], b: readonly number[]): number {
  const norm = (x: readonly number[]) => Math.hypot(...x)
  return norm(a.map((x, i) => x - b[i])) / norm(b)
}

describe('a quantized layer', () => {
  it.each([7, 8] as const)('computes what its rounded weight does, %i bits', (bits) => {
    const layer = seeded(() => new Linear(50, 30))
    const x = seeded(() => randn([4, 3, 50]))
    const want = [...layer.forward(x).data]
    const rounded = nn.QuantizedLinear.of(layer.weight, layer.bias, bits)
    expect(far([...rounded.weight.data], [...layer.weight.data])).toBeLessThan(bits === 7 ? 0.011 : 0.006)
    const got = noGrad(() => rounded.forward(x))
    expect(got.shape).toEqual([4, 3, 30])
    expect(far([...got.data], want)).toBeLessThan(0.03)
    const gelu = noGrad(() => rounded.forward(x, 'gelu'))
    expect(far([...gelu.data], [...noGrad(() => layer.forward(x, 'gelu')).data])).toBeLessThan(0.03)
  })

  it('takes views, single rows and none', () => {
    const layer = nn.QuantizedLinear.of(
      seeded(() => randn([7, 10])),
      null,
      7,
    )
    const x = seeded(() => randn([10, 6]))
    const rows = [...layer.forward(tensor(x.t().toArray() as number[][])).data]
    expect([...layer.forward(x.t()).data]).toEqual(rows)
    expect([...layer.forward(x.t().slice(0, 1, 4)).data]).toEqual(rows.slice(7, 28))
    expect([...layer.forward(x.t().slice(0, 2, 3).reshape([10])).data]).toEqual(rows.slice(14, 21))
    expect(layer.forward(randn([0, 10])).shape).toEqual([0, 7])
  })

  it('gives rows of its table', () => {
    const table = seeded(() => new Embedding(20, 9, { paddingIdx: 0 }))
    const own = nn.QuantizedEmbedding.of(table.weight, table.paddingIdx)
    const index = ids([0, 3], [19, 3])
    expect(far([...own.forward(index).data], [...table.forward(index).data])).toBeLessThan(0.01)
    expect([...own.forward(ids([0])).data]).toEqual(new Array(9).fill(0))
    expect(() => own.forward(ids([20]))).toThrow('int8Embedding: index 20 at place 0 is outside [0, 20)')
    expect(() => own.forward(tensor([1]))).toThrow(DTypeError)
  })

  it('refuses what it cannot do, by name', () => {
    const layer = nn.QuantizedLinear.of(randn([3, 4]), null, 7)
    expect(() => layer.forward(randn([2, 5]))).toThrow(ShapeError)
    expect(() => layer.forward(randn([2, 4]).to('float64'))).toThrow('the input must be float32, got float64')
    expect(() => layer.forward(randn([2, 4], { requiresGrad: true }))).toThrow(GradError)
    expect(noGrad(() => layer.forward(randn([2, 4], { requiresGrad: true }))).shape).toEqual([2, 3])
  })
})

describe('quantize', () => {
  it('keeps the forward, frees the floats, and lets no gradient pass', () => {
    const model = classifier()
    const weight = model.base.layers[0].up.weight
    const input = ids([1, 5, 7, 2], [3, 9, 9, 30])
    const want = logits(model, input)
    const count = model.countParameters()
    const { bytes } = memory()
    expect(quantize(model)).toBe(model)
    expect(memory().bytes).toBeLessThan(bytes * 0.8)
    expect(weight.disposed).toBe(true)
    expect(isQuantized(model)).toBe(true)
    expect(countWeights(model)).toBe(count)
    expect(far(logits(model, input), want)).toBeLessThan(0.05)
    expect(model.parameters().some((p) => p.requiresGrad)).toBe(false)
    // Outside noGrad() too.
    expect([...model.forward({ inputIds: input }).logits.data]).toEqual(logits(model, input))
    model.base.norm!.weight.requiresGrad = true
    expect(() => model.forward({ inputIds: input })).toThrow('a quantized layer is for inference')
    expect(() => quantize(model)).toThrow('Is it quantized already?')
    expect(`${model}`).toContain('QuantizedLinear(inFeatures=24, outFeatures=40, bias=true, bits=7)')
  })

  it('leaves the tables of places and types, and what it is told to keep', () => {
    const model = quantize(classifier(), { bits: 8, keep: (name) => name === 'classifier' })
    const left = Array.from(model.namedModules())
      .filter(([, m]) => m instanceof Linear || m instanceof Embedding)
      .map(([name]) => name)
    expect(left).toEqual(['base.positions', 'base.types', 'classifier'])
  })

  it('answers a text alike in any batch', () => {
    const model = quantize(classifier())
    const [a, b] = [
      [1, 5, 7, 2],
      [3, 9, 9, 30],
    ]
    const both = logits(model, ids(a, b))
    expect([...logits(model, ids(a)), ...logits(model, ids(b))]).toEqual(both)
  })

  it('has the same bits in the build that runs here as in the strict one, and one more hook changes nothing', () => {
    const model = quantize(classifier())
    const texts = ids([1, 5, 7, 2], [3, 9, 9, 30])
    const usual = logits(model, texts)
    try {
      setDeterministic(true)
      expect(logits(model, texts)).toEqual(usual)
    } finally {
      setDeterministic(false)
    }
    const float = classifier()
    const remove = model.registerForwardHook(() => {
      expect(logits(float, texts)).not.toEqual(usual)
    })
    expect(logits(model, texts)).toEqual(usual)
    remove()
    expect(logits(model, texts)).toEqual(usual)
  })

  it('reaches layers in containers, lists and maps, and shared ones once', () => {
    const shared = new Linear(4, 4)
    class Odd extends nn.Module {
      list = [shared, { deep: new Linear(4, 2) }]
      map = new Map<unknown, nn.Module>([
        ['a', new Linear(4, 4)],
        [3, shared],
      ])
      stack = new Sequential(new Linear(4, 4), new ReLU(), shared)
      items = new ModuleList([new Linear(4, 4)])
      named = new ModuleDict({ one: new Linear(4, 4) })
    }
    const odd = new Odd()
    const x = randn([2, 4])
    const want = [...odd.stack.forward(x).data]
    quantize(odd)
    expect(odd.modules().filter((m) => m instanceof Linear)).toEqual([])
    expect(odd.modules().filter((m) => m instanceof nn.QuantizedLinear).length).toBe(6)
    expect(odd.stack.at(2)).toBe(odd.list[0])
    expect(odd.map.get(3)).toBe(odd.list[0])
    expect(far([...odd.stack.forward(x).data], want)).toBeLessThan(0.1)
    expect(() => odd.replaceModule('nothing', shared)).toThrow("a Odd holds no module 'nothing'")
  })

  it('goes by ranges that were measured', () => {
    const model = classifier()
    const input = ids([1, 5, 7, 2], [3, 9, 9, 30])
    const want = logits(model, input)
    for (const method of ['min-max', 'percentile', 'kl'] as const) {
      const float = classifier()
      const ranges = nn.calibrate(float, () => void float.forward({ inputIds: input }), method)
      expect([...ranges.keys()].length).toBe(14)
      const [lo, hi] = ranges.get('base.layers.0.up') as [number, number]
      expect(lo).toBeLessThan(0)
      expect(hi).toBeGreaterThan(0)
      const own = quantize(float, { ranges })
      expect(own.base.layers[0].up.extraRepr()).toContain('range=')
      expect(far(logits(own, input), want)).toBeLessThan(method === 'min-max' ? 0.08 : 0.4)
    }
    expect(() => nn.calibrate(model, () => {})).toThrow('no linear layer was run')
    expect(() => nn.calibrate(model, () => {}, 'all' as 'kl')).toThrow('min-max, percentile, kl')
    expect(() => quantize(model, { ranges: [] as never })).toThrow('ranges must be a Map')
  })

  it('takes other models too', () => {
    const own = seeded(() => new TextClassifier({ ...settings, classes: 3, padId: 0 }).eval())
    const input = { inputIds: ids([1, 2, 3]), attentionMask: ids([1, 1, 1]) }
    const want = [...noGrad(() => own.forward(input)).logits.data]
    expect(far([...noGrad(() => quantize(own).forward(input)).logits.data], want)).toBeLessThan(0.05)
    const words = seeded(() => new BertForMaskedLM(settings).eval())
    const before = [...noGrad(() => words.forward({ inputIds: input.inputIds })).logits.data]
    const after = [...noGrad(() => quantize(words).forward({ inputIds: input.inputIds })).logits.data]
    expect(far(after, before)).toBeLessThan(0.05)
  })

  it('refuses options and weights by name, and changes nothing then', () => {
    const model = classifier()
    expect(() => quantize(model, { bits: 4 as 7 })).toThrow('quantize: bits must be 7 or 8, got 4')
    expect(() => quantize(model, { bit: 7 } as object)).toThrow('there is no option bit')
    expect(() => quantize(new ReLU())).toThrow('no linear layer')
    model.classifier.weight.elements[1] = Number.NaN
    expect(() => quantize(model)).toThrow('QuantizedLinear: a weight is NaN')
    expect(isQuantized(model)).toBe(false)
    expect(model.base.words.weight.disposed).toBe(false)
  })
})

describe('bits', () => {
  it('of a product are the same on every backend and number of threads', () => {
    const x = seeded(() => randn([70, 96]))
    const results: number[][] = []
    try {
      for (const backend of ['js', 'wasm'] as const)
        for (const deterministic of [false, true])
          for (const threads of [1, 2, 4]) {
            setBackend(backend)
            setDeterministic(deterministic)
            setThreads(threads)
            const layer = nn.QuantizedLinear.of(
              seeded(() => randn([130, 96])),
              null,
              7,
            )
            results.push([...layer.forward(x, 'gelu').data])
          }
    } finally {
      setBackend('auto')
      setDeterministic(false)
      setThreads(2)
    }
    for (const result of results) expect(result).toEqual(results[0])
  })
})
