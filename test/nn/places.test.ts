// Places that no table has, ModernBERT's and DeBERTa's, as far as PyTorch's values of golden/family do not show them.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import '../../src/index.js'
import { randn, tensor } from '../../src/autograd/create.js'
import { noGrad } from '../../src/autograd/graph.js'
import { attention } from '../../src/autograd/ops/products/attention.js'
import { segmentAttention } from '../../src/autograd/ops/products/segments.js'
import { manualSeed, randomScope } from '../../src/autograd/random.js'
import { distilbertOf, fromLayers } from '../../src/distill/from-layers.js'
import type { Student } from '../../src/distill/plan/runner.js'
import { storedName } from '../../src/formats/stored.js'
import { RotaryEmbedding } from '../../src/nn/decoder/positions.js'
import { footprintOfConfig, footprintOfModel } from '../../src/nn/footprint.js'
import { makeModel } from '../../src/nn/models/bert.js'
import { nearLayers, type Rotary, type TransformerConfig } from '../../src/nn/models/config.js'
import { debertaV2, type Family, hasKind, type Kind, kinds, modernbert } from '../../src/nn/models/family.js'
import type { Pretrained, Settings } from '../../src/nn/models/pretrained.js'
import { Normalize, SentenceEncoder } from '../../src/nn/models/sentence.js'
import type { Transformer } from '../../src/nn/models/transformer.js'
import { relativeBucket } from '../../src/nn/places/relative.js'
import { Angles } from '../../src/nn/places/rotary.js'
import { quantizeAware } from '../../src/nn/quantize-aware/prepare.js'
import { cutModel } from '../../src/nn/shrink/cut.js'
import { allOf } from '../../src/nn/shrink/kept.js'
import { keyOf } from '../../src/tensor/rng.js'
import type { Tensor } from '../../src/tensor/tensor.js'

const labels = ['a', 'b', 'c']
const sizes = { vocabSize: 40, width: 24, layers: 4, heads: 4, inner: 32, maxLength: 30, padId: 1, labels }
const rotary = { ...(modernbert.defaults.rotary as Rotary), window: 4 }
const own = new Map<Family, Settings>([
  [modernbert, { rotary }],
  [debertaV2, { relative: { buckets: 4, farthest: 9 } }],
])
const made = (family: Family, kind: Kind, more: Settings = {}): Pretrained =>
  randomScope(keyOf(1, 'places'), () =>
    makeModel(family, kind, { ...sizes, ...own.get(family), std: 0.3, ...more }).eval(),
  )

/** Texts of these lengths, padded and not. */
function batch(lengths: readonly number[]) {
  const longest = Math.max(...lengths)
  const id = (b: number, t: number) => 2 + ((7 * b + 5 * t) % 38)
  const rows = (value: (b: number, t: number) => number, rest: number) =>
    tensor(
      lengths.map((n, b) => Array.from({ length: longest }, (_, t) => (t < n ? value(b, t) : rest))),
      { dtype: 'int32' },
    )
  const starts = [...lengths, 0].map((_, b) => lengths.slice(0, b).reduce((sum, n) => sum + n, 0))
  const ids = lengths.flatMap((n, b) => Array.from({ length: n }, (_, t) => id(b, t)))
  return {
    padded: { inputIds: rows(id, 1), attentionMask: rows(() => 1, 0) },
    flat: { inputIds: tensor(Int32Array.from(ids)), starts: tensor(Int32Array.from(starts)) },
    words: lengths.flatMap((n, b) => Array.from({ length: n }, (_, t) => b * longest + t)),
  }
}

const apart = (a: Tensor, b: Tensor) => {
  const own = b.data
  return Array.from(a.data).reduce((most, x, i) => Math.max(most, Math.abs(x - own[i])), 0)
}

describe.each([modernbert, debertaV2])('$modelType', (family) => {
  it('answers alike for padded and unpadded texts, of one word and of many', () => {
    const model = made(family, 'base')
    const { padded, flat, words } = batch([1, 30, 7, 12, 2])
    const [a, b] = [padded, flat].map((x) => noGrad(() => model.forward(x)).lastHiddenState)
    const rows = a.reshape([-1, sizes.width]).indexSelect(0, tensor(Int32Array.from(words)))
    expect(apart(rows, b)).toBeLessThan(1e-5)
    const alone = noGrad(() => model.forward(batch([30]).flat)).lastHiddenState
    expect(apart(alone, noGrad(() => model.forward(batch([30]).padded)).lastHiddenState)).toBeLessThan(1e-5)
  })

  it('gives the same gradients through checkpointed layers', () => {
    const gradients = (checkpointing: boolean) => {
      const model = made(family, 'token-classification')
      model.checkpointing = checkpointing
      model
        .forward(batch([12, 3]).flat)
        .logits!.square()
        .mean()
        .backward()
      return Array.from(model.namedParameters(), ([name, p]) => [name, p.grad?.data])
    }
    expect(gradients(true)).toEqual(gradients(false))
  })

  it('of a sentence encoder is the same for padded and unpadded texts', () => {
    const encoder = new SentenceEncoder(made(family, 'base') as Transformer, { steps: [new Normalize()] })
    const { padded, flat } = batch([9, 4, 13])
    const [a, b] = [padded, flat].map((x) => noGrad(() => encoder.forward(x)).embedding)
    expect(apart(a, b)).toBeLessThan(1e-6)
  })

  it.each(kinds.filter((kind) => hasKind(family, kind)))('%s counts its weights', (kind) => {
    for (const more of [{}, { tied: false, layers: 2, rotary: family === modernbert ? rotary : null }]) {
      const model = made(family, kind, more)
      const { weights, activations } = footprintOfConfig(family, kind, model.config, 100)
      expect(weights).toBe(4 * model.countParameters())
      expect(footprintOfModel(model, 100).activations).toBe(activations)
    }
  })

  it.each(['int8', 'ternary', 'q8bert', 'onnxruntime'] as const)('trains on grids by %s', (scheme) => {
    const model = made(family, 'sequence-classification')
    const before = noGrad(() => model.forward(batch([12, 3]).flat).logits!)
    const { padded, flat } = batch([12, 3])
    // Of few values answers may be anything; of 8 bits they stay near.
    quantizeAware(model, scheme)
    const [a, b] = [padded, flat].map((x) => noGrad(() => model.forward(x)).logits!)
    expect(a.data.every(Number.isFinite)).toBe(true)
    if (scheme === 'int8') {
      expect(apart(a, b)).toBeLessThan(1e-4)
      expect(apart(b, before) / Math.max(...before.data.map(Math.abs))).toBeLessThan(0.5)
    }
    model.train()
    model.forward(flat).logits!.square().mean().backward()
    for (const [name, p] of model.namedParameters()) expect(p.grad, name).not.toBe(null)
  })
})

describe('a window', () => {
  /** Scores outside of it, set to what no softmax sees. */
  const far = (T: number, window: number) =>
    tensor(
      Array.from({ length: 2 }, () =>
        Array.from({ length: T }, (_, i) =>
          Array.from({ length: T }, (_, j) => (Math.abs(i - j) > window ? -1e9 : 0)),
        ),
      ),
    )
  const qkv = (shape: readonly number[]) => {
    manualSeed(3)
    const draw = () => randn([...shape])
    return [draw(), draw(), draw()] as const
  }

  it('hides keys farther away, on both sides', () => {
    const x = qkv([2, 2, 7, 4])
    for (const window of [0, 1, 3, 5])
      expect(apart(attention(...x, { window }), attention(...x, { bias: far(7, window) }))).toBeLessThan(1e-6)
    // One that is as wide as the text hides nothing: the fused kernel.
    expect(attention(...x, { window: 6 }).data).toEqual(attention(...x).data)
    const rows = qkv([9, 2, 4])
    const starts = tensor(Int32Array.of(0, 2, 9))
    const own = segmentAttention(...rows, starts, { window: 2 })
    expect(apart(own, segmentAttention(...rows, starts, { bias: far(7, 2) }))).toBeLessThan(1e-6)
    expect(segmentAttention(...rows, starts, { window: 6 }).data).toEqual(
      segmentAttention(...rows, starts).data,
    )
  })

  it('of a wrong kind is refused, and so is a bias', () => {
    const x = qkv([2, 2, 3, 4])
    expect(() => attention(...x, { window: -1 })).toThrow('attention: window must be a whole number')
    expect(() => attention(...x, { bias: () => randn([2, 3, 2]) })).toThrow(
      'the bias must be [heads, queries, keys] = [2, 3, 3], or one for each text, got [2, 3, 2]',
    )
    expect(() => attention(...x, { bias: 3 as never })).toThrow('bias must be a tensor')
  })
})

it('angles are those of rotary positions, rounded as Python has them, whatever length came first', () => {
  const { cos, sin } = new RotaryEmbedding(64, { maxLength: 1000 })
  const angles = new Angles(32, 10_000)
  angles.upTo(3)
  const places = Int32Array.from({ length: 1000 }, (_, t) => t)
  const [ours, theirs] = [angles.at(places, 'float64'), [cos, sin]]
  for (const i of [0, 1]) {
    expect(apart(ours[i], theirs[i])).toBeLessThan(1e-4)
    expect(apart(ours[i], theirs[i])).toBeGreaterThan(1e-6)
  }
  expect(angles.at(Int32Array.of(7, 3), 'float32')[0].shape).toEqual([2, 32])
})

it("kinds of distances are PyTorch's", () => {
  const golden = join(import.meta.dirname, '../golden/deberta-v2.json')
  const { buckets: cases } = JSON.parse(readFileSync(golden, 'utf8')) as {
    buckets: [number, number, number[]][]
  }
  for (const [buckets, farthest, kinds] of cases)
    for (const [n, kind] of kinds.entries()) {
      expect(relativeBucket(n, { buckets, farthest }), `${n} of ${buckets}, ${farthest}`).toBe(kind)
      if (n > 0) expect(relativeBucket(-n, { buckets, farthest })).toBe(-kind)
    }
})

it('parameters that are one matrix in Python are told by its name', () => {
  const names = Array.from(made(modernbert, 'masked-lm').namedParameters(), ([name]) => name)
  const theirs = [...new Set(names.map((name) => storedName(modernbert, name)))]
  const own = theirs.filter((name) => name.startsWith('model.layers.1.')).sort()
  expect(own).toEqual(
    ['attn.Wo', 'attn.Wqkv', 'attn_norm', 'mlp.Wi', 'mlp.Wo', 'mlp_norm'].map(
      (name) => `model.layers.1.${name}.weight`,
    ),
  )
  expect(storedName(debertaV2, 'cls.predictions.bias')).toBe('cls.predictions.bias')
})

describe('layers of a ModernBERT', () => {
  const teacher = made(modernbert, 'sequence-classification') as Student
  const near = ({ config }: { config: TransformerConfig }) => nearLayers(config)

  it('keep what they see', () => {
    expect(near(teacher)).toEqual([false, true, true, false])
    expect(near(fromLayers(teacher, [0, 3]))).toEqual([false, false])
    expect(near(distilbertOf(teacher, [0, 2, 3], 'sequence-classification', labels))).toEqual([
      false,
      true,
      false,
    ])
    expect(near(cutModel(teacher, { ...allOf(teacher.config), layers: [0, 3] }))).toEqual([false, false])
    // What is as usual is said so.
    expect(fromLayers(teacher, [0, 1, 2]).config.rotary?.near).toBe(null)
  })

  it('begin with the first, which has no norm', () => {
    for (const layers of [
      [1, 2],
      [1, 0],
    ])
      expect(() => fromLayers(teacher, layers)).toThrow(
        'from-layers: the first layer of a ModernBert has no norm before its attention, and no other can stand there. Name layer 0 first',
      )
    expect(() => fromLayers(teacher, [0, 0])).toThrow('layer 0 of a ModernBert can stand first alone')
    expect(() => cutModel(teacher, { ...allOf(teacher.config), layers: [2, 3] })).toThrow(
      'cutModel: the first layer of a ModernBert has no norm before its attention',
    )
  })
})

it.each<[Family, Settings, string]>([
  [modernbert, { rotary: null }, 'ModernBert: rotary must be there, got null'],
  [modernbert, { rotary: { ...rotary, near: [true] } }, 'ModernBert: rotary must be of 4 layers'],
  [modernbert, { dropout: 0.1 }, 'ModernBert: dropout must be 0, as in Python (mlp_dropout), got 0.1'],
  [modernbert, { heads: 8 }, 'ModernBert: heads must be of an even width each, got 8'],
  [debertaV2, { rotary }, 'DebertaV2: rotary must be null'],
  [
    debertaV2,
    { relative: { buckets: 1, farthest: null } },
    'relative must be of buckets a whole number from 2',
  ],
])('of a $modelType, %o is refused', (family, settings, message) => {
  expect(() => made(family, 'base', settings)).toThrow(message)
})
