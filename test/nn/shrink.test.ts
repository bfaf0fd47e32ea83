// Parts cut out of models: what is left answers as the whole with zeros in their place, and does all that a model does.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { loadPretrained, writePretrained } from '../../src/files/models/on-disk.js'
import '../../src/index.js'
import { tensor } from '../../src/autograd/create.js'
import { noGrad } from '../../src/autograd/graph.js'
import { randomScope } from '../../src/autograd/random.js'
import { fromLayers } from '../../src/distill/from-layers.js'
import type { Student } from '../../src/distill/plan/runner.js'
import { encoderWeights } from '../../src/formats/sizes.js'
import { countOf, footprintOfConfig, footprintOfModel } from '../../src/nn/footprint.js'
import { LowRankLinear } from '../../src/nn/layers.js'
import { makeModel } from '../../src/nn/models/bert.js'
import { withLayers } from '../../src/nn/models/config.js'
import { bert, distilbert, type Family, hasKind, type Kind, kinds } from '../../src/nn/models/family.js'
import type { ModelInput } from '../../src/nn/models/input.js'
import type { Pretrained } from '../../src/nn/models/pretrained.js'
import { parameterTable } from '../../src/nn/optim/groups.js'
import { quantizeAware } from '../../src/nn/quantize-aware/prepare.js'
import { quantize } from '../../src/nn/quantized/quantize.js'
import { baseOf, cutModel, maskModel } from '../../src/nn/shrink/cut.js'
import { symmetricEigen } from '../../src/nn/shrink/eigen.js'
import { allOf, best, bestOfLayers, type Kept } from '../../src/nn/shrink/kept.js'
import { lowRankModel, wholeModel } from '../../src/nn/shrink/low-rank.js'
import { summary } from '../../src/nn/summary.js'
import { keyOf } from '../../src/tensor/rng.js'
import type { Tensor } from '../../src/tensor/tensor.js'

const root = mkdtempSync(join(tmpdir(), 'tinystill-shrink-'))
afterAll(() => rmSync(root, { recursive: true }))

const sizes = {
  vocabSize: 40,
  width: 24,
  layers: 3,
  heads: 4,
  inner: 20,
  maxLength: 16,
  labels: ['a', 'b', 'c'],
}
const made = (family: Family, kind: Kind, seed = 1): Pretrained =>
  randomScope(keyOf(seed, 'test'), () => {
    const model = makeModel(family, kind, { ...sizes, std: 0.3 }).eval()
    // Biases that begin as 0 would hide a mistake.
    for (const p of model.parameters())
      if (p.rank === 1) p.elements.set(p.elements.map((_, i) => Math.sin(i + p.numel)))
    return model
  })

const ids = [1, 5, 9, 2, 1, 30, 31, 32, 2, 1, 7, 2]
const starts = Int32Array.of(0, 4, 9, 12)
const unpadded: ModelInput = { inputIds: tensor(Int32Array.from(ids)), starts: tensor(starts) }
const grid = (value: (b: number, t: number) => number) =>
  tensor(
    Int32Array.from({ length: 15 }, (_, i) => value(Math.floor(i / 5), i % 5)),
    { shape: [3, 5] },
  )
const real = (b: number, t: number) => starts[b] + t < starts[b + 1]
const padded: ModelInput = {
  inputIds: grid((b, t) => (real(b, t) ? ids[starts[b] + t] : 0)),
  attentionMask: grid((b, t) => Number(real(b, t))),
}

const answer = (model: Pretrained, input: ModelInput = unpadded): Tensor =>
  noGrad(() => {
    const { logits, lastHiddenState } = model.forward(input)
    return logits ?? lastHiddenState
  })
const far = (a: Tensor, b: Tensor) => {
  expect(a.shape).toEqual(b.shape)
  return Math.max(...Array.from(a.data, (x, i) => Math.abs(x - b.data[i])))
}

const cutOf = (model: Pretrained): Kept => ({
  ...allOf(model.config),
  heads: [[0, 2, 3], [1], [0, 3]],
  neurons: [[0, 3, 4, 19], [7], Array.from({ length: 13 }, (_, i) => i)],
})
const uneven = (family: Family, kind: Kind) => {
  const model = made(family, kind)
  return cutModel(model, cutOf(model))
}
const all = [bert, distilbert].flatMap((family) =>
  kinds.filter((kind) => hasKind(family, kind)).map((kind) => [family.modelType, kind, family] as const),
)

describe.each(all)('%s, %s', (_, kind, family) => {
  it('answers without heads and neurons as with zeros in their place, padded or not', () => {
    const model = made(family, kind)
    const cut = cutModel(model, cutOf(model))
    const whole = answer(model)
    maskModel(model, cutOf(model))
    for (const input of [unpadded, padded]) {
      const b = answer(model, input)
      expect(far(answer(cut, input), b)).toBeLessThan(1e-5)
    }
    expect(far(answer(model), whole)).toBeGreaterThan(1e-3)
    expect(cut.config.blocks?.map(({ heads, headSize, inner }) => [heads, headSize, inner])).toEqual([
      [3, 6, 4],
      [1, 6, 1],
      [2, 6, 13],
    ])
    expect(cut.config).toMatchObject({ heads: 3, inner: 13 })
  })

  it('answers without a layer as with one that gives back what it gets', () => {
    const model = made(family, kind)
    const cut = cutModel(model, { ...allOf(model.config), layers: [0, 2] })
    expect(cut.config).toMatchObject({ layers: 2, blocks: null })
    baseOf(model).layers[1].registerForwardHook<Tensor>((_block, [x]) => x)
    expect(far(answer(cut), answer(model))).toBeLessThan(1e-5)
  })

  it('answers with the words that it needs as with all', () => {
    const model = made(family, kind)
    const words = [...new Set([0, ...ids])].sort((a, b) => a - b)
    const cut = cutModel(model, { ...allOf(model.config), words })
    expect(cut.config).toMatchObject({ vocabSize: words.length, padId: 0 })
    const own = { ...unpadded, inputIds: tensor(Int32Array.from(ids, (id) => words.indexOf(id))) }
    const [got, want] = [answer(cut, own), answer(model)]
    if (kind !== 'masked-lm') expect(got.data).toEqual(want.data)
    else {
      const rows = Array.from({ length: ids.length }, (_, i) =>
        words.map((id) => want.data[i * 40 + id]),
      ).flat()
      expect(Math.max(...rows.map((x, i) => Math.abs(x - got.data[i])))).toBeLessThan(1e-5)
    }
  })

  it('is of full rank what it was, and smaller of a lower one', () => {
    const model = uneven(family, kind)
    const full = lowRankModel(model, { rank: 1000 }).model
    for (const input of [unpadded, padded])
      expect(far(answer(full, input), answer(model, input))).toBeLessThan(1e-5)
    expect(full.countParameters()).toBeGreaterThan(model.countParameters())
    const half = lowRankModel(made(family, kind), { share: 0.5 }).model
    expect(half.countParameters()).toBeLessThan(made(family, kind).countParameters())
    expect(far(answer(wholeModel(half)), answer(half))).toBeLessThan(1e-5)
    expect(wholeModel(half).config.blocks).toBeNull()
  })

  it('is saved and loaded, counted and estimated', () => {
    const folder = join(root, `${family.modelType}-${kind}`)
    const low = lowRankModel(uneven(family, kind), { share: 0.6 }).model
    writePretrained(folder, { model: low })
    const { model, info } = loadPretrained(folder)
    expect(info).toEqual({ fresh: [], unused: [], notes: [] })
    expect(model.kind).toBe(kind)
    expect(answer(model).data).toEqual(answer(low).data)
    expect(model.config.blocks).toEqual(low.config.blocks)
    expect(countOf(family, kind, model.config)).toBe(model.countParameters())
    expect(footprintOfModel(model, 100).total).toBeCloseTo(
      footprintOfConfig(family, kind, model.config, 100).total,
      -1,
    )
    expect(summary(model).count).toBe(model.countParameters())
    const matrices = [...baseOf(model).namedParameters()].filter(
      ([name, p]) => p.rank === 2 && !name.includes('pooler'),
    )
    expect(encoderWeights(model.config)).toBe(matrices.reduce((n, [, p]) => n + p.numel, 0))
    expect(new Set(parameterTable(model).map(({ depth }) => depth))).toContain(3)
    expect([...low.stateDict().keys()].find((name) => name.includes('reduce'))).toMatch(
      /layer\.\d\..*\.reduce\.weight$/,
    )
  })
})

describe('a cut model', () => {
  it('learns, with checkpointing to the same gradients', () => {
    const model = lowRankModel(uneven(bert, 'sequence-classification'), { share: 0.6 }).model
    const gradients = () => {
      for (const p of model.parameters()) p.grad = null
      model.forward(padded).logits?.square().sum().backward()
      return model.parameters().map((p) => Array.from(p.grad?.data ?? []))
    }
    const plain = gradients()
    expect(plain.every((g) => g.length > 0)).toBe(true)
    model.checkpointing = true
    expect(gradients()).toEqual(plain)
  })

  it('is quantized, saved and loaded', () => {
    const model = lowRankModel(uneven(bert, 'sequence-classification'), { share: 0.6 }).model
    const before = answer(model)
    const folder = join(root, 'int8')
    writePretrained(folder, { model: quantize(model) })
    const back = loadPretrained(folder).model
    expect(answer(back).data).toEqual(answer(model).data)
    expect(far(answer(back), before)).toBeLessThan(0.3)
  })

  it.each(['ternary', 'q8bert'] as const)('is trained with quantization: %s', (scheme) => {
    const model = quantizeAware(
      lowRankModel(uneven(bert, 'sequence-classification'), { share: 0.6 }).model,
      scheme,
    )
    const a = answer(model, padded)
    expect(a.data.every(Number.isFinite)).toBe(true)
    if (scheme === 'q8bert')
      expect(far(a, answer(uneven(bert, 'sequence-classification'), padded))).toBeLessThan(2)
  })

  it('gives its layers to a student, and can be cut again', () => {
    const model = uneven(bert, 'sequence-classification')
    const student = fromLayers(model as Student, [2, 0])
    expect(student.config.blocks?.map(({ heads }) => heads)).toEqual([2, 3])
    expect(withLayers(model.config, [1]).heads).toBe(1)
    const low = lowRankModel(model, { share: 0.9 }).model
    const again = cutModel(low, {
      ...allOf(low.config),
      heads: [[0, 1], [0], [1]],
      width: [...Array(20).keys()],
      pooled: [...Array(20).keys()],
    })
    expect(answer(again).data.every(Number.isFinite)).toBe(true)
    const config = join(root, 'again')
    writePretrained(config, { model: again })
    expect(answer(loadPretrained(config).model).data).toEqual(answer(again).data)
    expect(baseOf(low).layers.some(({ up }) => up instanceof LowRankLinear)).toBe(true)
  })

  it('is uniform again where what is left is', () => {
    const model = made(bert, 'sequence-classification')
    const neurons = sizes.layers
    const kept = {
      ...allOf(model.config),
      neurons: Array.from({ length: neurons }, (_, i) => [i, i + 1, i + 9]),
    }
    expect(cutModel(model, kept).config).toMatchObject({ inner: 3, blocks: null })
    const half = [...Array(12).keys()]
    const narrow = {
      ...kept,
      width: half,
      pooled: half,
      heads: [
        [0, 1],
        [1, 2],
        [2, 3],
      ],
    }
    expect(cutModel(model, narrow).config).toMatchObject({ width: 12, heads: 2, blocks: null })
  })

  it('refuses what is not there, and quantized models', () => {
    const model = made(bert, 'sequence-classification')
    const kept = allOf(model.config)
    expect(() => cutModel(model, { ...kept, heads: [[0], [4], [0]] })).toThrow('heads of layer 1')
    expect(() => cutModel(model, { ...kept, words: [3, 2] })).toThrow('rising order')
    expect(() => cutModel(model, { ...kept, width: [0] })).toThrow('as many')
    expect(() => cutModel(model, { ...kept, neurons: [[], [0], [0]] })).toThrow(
      'no neurons of layer 0 would be left',
    )
    expect(() => cutModel(quantize(made(bert, 'base')), kept)).toThrow('quantized')
  })
})

describe('LowRankLinear', () => {
  it('is its two layers one after the other, and begins as large as a whole one', () => {
    const layer = randomScope(keyOf(3, 'test'), () => new LowRankLinear(60, 50, 8, { std: 0.02 }))
    const { weight, bias } = layer
    expect([weight.shape, bias?.shape, layer.inFeatures, layer.outFeatures, layer.rank]).toEqual([
      [50, 60],
      [50],
      60,
      50,
      8,
    ])
    const std = Math.sqrt(Array.from(weight.data).reduce((sum, w) => sum + w * w, 0) / weight.numel)
    expect(std).toBeGreaterThan(0.017)
    expect(std).toBeLessThan(0.023)
    const x = tensor(
      Float32Array.from({ length: 120 }, (_, i) => Math.sin(i)),
      { shape: [2, 60] },
    )
    expect(
      far(
        layer.forward(x, 'gelu'),
        x
          .matmul(weight.t())
          .add(bias as Tensor)
          .gelu(),
      ),
    ).toBeLessThan(1e-5)
    expect(String(layer)).toContain('rank=8')
    expect(() => new LowRankLinear(6, 5, 0)).toThrow('rank')
  })
})

describe('config.json of a cut model', () => {
  const folder = join(root, 'hostile')
  const file = join(folder, 'config.json')
  writePretrained(folder, {
    model: lowRankModel(uneven(bert, 'sequence-classification'), { share: 0.6 }).model,
  })
  const good = JSON.parse(readFileSync(file, 'utf8'))
  it.each<[string, unknown, string]>([
    ['a list', [], 'must be an object'],
    ['null', null, 'must be an object'],
    ['another field', { ...good.tinystill_blocks, widths: [1] }, 'and it has "widths"'],
    ['no heads', { ...good.tinystill_blocks, heads: undefined }, 'whose heads are a list'],
    ['a layer too few', { ...good.tinystill_blocks, heads: [3, 1] }, 'an item a layer'],
    ['a text', { ...good.tinystill_blocks, heads: ['3', 1, 2] }, 'whose heads are a list'],
    ['no head', { ...good.tinystill_blocks, heads: [3, 0, 2] }, 'a whole number from 1'],
    ['more than said', { ...good.tinystill_blocks, heads: [4, 1, 2] }, 'heads of up to 3 a layer'],
    ['others than said', { ...good.tinystill_blocks, inner: [4, 1, 12] }, 'inner layers of up to 13'],
    ['head size', { ...good.tinystill_blocks, head_size: 1.5 }, 'head_size must be a whole number'],
    ['ranks by number', { ...good.tinystill_blocks, ranks: [1, 2, 3] }, 'ranks are objects'],
    ['an unknown layer', { ...good.tinystill_blocks, ranks: [{ pooler: 1 }, {}, {}] }, 'ranks name query'],
    [
      '__proto__',
      { ...good.tinystill_blocks, ranks: [JSON.parse('{"__proto__":1}'), {}, {}] },
      'ranks name query',
    ],
    ['rank 0', { ...good.tinystill_blocks, ranks: [{ up: 0 }, {}, {}] }, 'each a whole number from 1'],
    [
      'a rank above all',
      { ...good.tinystill_blocks, ranks: [{ up: 5 }, {}, {}] },
      'the rank of up in layer 0',
    ],
    [
      'too many layers',
      { head_size: 6, heads: Array(2000).fill(3), inner: Array(2000).fill(13) },
      'one a layer, 3',
    ],
    ['huge layers', { head_size: 65536, heads: [3, 1, 2], inner: [4, 1, 13] }, 'in the encoder alone'],
    ['other weights', { ...good.tinystill_blocks, heads: [2, 1, 3] }, 'needs'],
  ])('refuses %s', (_, blocks, text) => {
    writeFileSync(file, JSON.stringify({ ...good, tinystill_blocks: blocks }))
    expect(() => loadPretrained(folder)).toThrow(text)
  })

  it('is as it was for a model that is whole', () => {
    const plain = join(root, 'plain')
    writePretrained(plain, { model: made(bert, 'base') })
    expect(readFileSync(join(plain, 'config.json'), 'utf8')).not.toContain('tinystill')
  })
})

describe('choice', () => {
  it('keeps the best of all layers, one at least in each, ties by place', () => {
    expect(best([1, 3, 3, 2], 2)).toEqual([1, 2])
    expect(best([1, 1, 1], 2)).toEqual([0, 1])
    const scores = [
      [9, 8, 7, 6],
      [1, 2, 1, 1],
    ]
    expect(bestOfLayers(scores, 0.5)).toEqual([[0, 1, 2], [1]])
    expect(bestOfLayers(scores, 0.01)).toEqual([[0], [1]])
    expect(bestOfLayers(scores, 1)).toEqual([
      [0, 1, 2, 3],
      [0, 1, 2, 3],
    ])
    expect(bestOfLayers(scores, 0.5, { even: true })).toEqual([
      [0, 1],
      [0, 1],
    ])
    const long = [Array.from({ length: 40 }, (_, i) => i), Array.from({ length: 40 }, (_, i) => i / 100)]
    expect(bestOfLayers(long, 0.5, { step: 8 }).map((own) => own.length)).toEqual([32, 8])
  })
})

describe('symmetricEigen', () => {
  it.each([1, 2, 3, 17, 60])('diagonalizes a matrix of %i rows', (n) => {
    const a = new Float64Array(n * n)
    for (let i = 0; i < n; i++)
      for (let j = 0; j <= i; j++) a[i * n + j] = a[j * n + i] = Math.sin(i * 7.3 + j * j * 1.7)
    const { values, vectors } = symmetricEigen(a, n)
    const row = (i: number) => vectors.subarray(i * n, (i + 1) * n)
    const dot = (x: Float64Array, y: Float64Array) => x.reduce((sum, v, i) => sum + v * y[i], 0)
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) expect(dot(row(i), row(j))).toBeCloseTo(Number(i === j), 12)
      for (let r = 0; r < n; r++)
        expect(dot(a.subarray(r * n, (r + 1) * n), row(i))).toBeCloseTo(values[i] * row(i)[r], 11)
      if (i > 0) expect(values[i]).toBeLessThanOrEqual(values[i - 1])
    }
  })

  it('takes zeros, equal values and what is diagonal, and refuses what is not finite', () => {
    expect([...symmetricEigen(new Float64Array(9), 3).values]).toEqual([0, 0, 0])
    expect([...symmetricEigen(Float64Array.of(2, 0, 0, 0, 5, 0, 0, 0, 2), 3).values]).toEqual([5, 2, 2])
    const { values } = symmetricEigen(new Float64Array(16).fill(1), 4)
    expect(values[0]).toBeCloseTo(4, 12)
    expect(Math.abs(values[3])).toBeLessThan(1e-12)
    expect(() => symmetricEigen(Float64Array.of(1, Number.NaN, Number.NaN, 1), 2)).toThrow('not finite')
  })
})
