// The memory of a training, told before it begins: the estimate beside what is measured, and what is refused.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import '../../src/index.js'
import { tensor } from '../../src/autograd/create.js'
import { crossEntropy } from '../../src/autograd/ops/losses/losses.js'
import { tidy } from '../../src/autograd/tidy.js'
import { BackendError } from '../../src/errors.js'
import { startModel } from '../../src/files/models/start.js'
import { countOf, footprintOfConfig, footprintOfModel } from '../../src/nn/footprint.js'
import { BertForMaskedLM, makeModel } from '../../src/nn/models/bert.js'
import { TextClassifier } from '../../src/nn/models/classifier.js'
import type { Bottleneck } from '../../src/nn/models/config.js'
import { bert, families, hasKind, kinds, mobilebert } from '../../src/nn/models/family.js'
import type { Module } from '../../src/nn/module.js'
import { AdamW } from '../../src/nn/optim/adam.js'
import { freeze } from '../../src/nn/optim/groups.js'
import { pruneAware } from '../../src/nn/prune/prepare.js'
import { quantizeAware } from '../../src/nn/quantize-aware/prepare.js'
import { schemeNames } from '../../src/nn/quantize-aware/schemes.js'
import { limitMemory, memory, memoryLimit } from '../../src/tensor/storage.js'
import { encodedData } from '../../src/text/dataset.js'
import { train } from '../../src/train/tasks.js'
import { requireTrainingRoom } from '../../src/train/trainer.js'
import { run } from '../cli/program.js'
import { watchKernels } from '../kernels.js'
import { settled } from '../settled.js'

const size = { vocabSize: 31, width: 8, layers: 3, heads: 2, inner: 20, maxLength: 9, padId: 1 }
const labels = ['a', 'b', 'c']

afterEach(() => limitMemory(Number.POSITIVE_INFINITY))

describe('parameters from a config', () => {
  it.each(
    families.flatMap((family) =>
      kinds.filter((kind) => hasKind(family, kind)).map((kind) => ({ family, kind, name: family.className })),
    ),
  )('$name, $kind: as many as the model has', ({ family, kind }) => {
    for (const tied of [true, false]) {
      const narrow = family === mobilebert ? { embedding: 5 } : {}
      const model = makeModel(family, kind, { ...size, ...narrow, labels, tied })
      expect(countOf(family, kind, model.config)).toBe(model.countParameters())
    }
  })

  const usual = mobilebert.defaults.bottleneck as Bottleneck
  it.each<Partial<Bottleneck>>([
    { inside: 6 },
    { inside: 6, narrowValues: true, networks: 1, pooler: false },
    { inside: null, neighbours: false, plainNorms: false },
  ])('with a bottleneck %o, and what a batch leaves', (more) => {
    const bottleneck = { ...usual, ...more }
    for (const kind of kinds.filter((kind) => hasKind(mobilebert, kind))) {
      const model = makeModel(mobilebert, kind, { ...size, embedding: 5, labels, bottleneck })
      expect(countOf(mobilebert, kind, model.config)).toBe(model.countParameters())
      const { total } = footprintOfConfig(mobilebert, kind, model.config, 100)
      expect(footprintOfModel(model, 100).total).toBe(total)
    }
  })
})

/** The most bytes in use while a step is taken, the model's and the optimizer's included. */
function peakOfStep(
  settings: object,
  kind: 'sequence-classification' | 'masked-lm',
  rows: number,
  T: number,
  prepare: (model: Module) => unknown = () => {},
) {
  const before = memory().bytes
  const model = makeModel(bert, kind, { ...bert.defaults, ...settings, labels })
  prepare(model)
  const optimizer = new AdamW(model.parameters())
  const words = rows * T
  const wordAt = (i: number) => 1 + ((i * 17) % (model.config.vocabSize - 1))
  const step = () => {
    tidy(() => {
      const inputIds = tensor(Int32Array.from({ length: words }, (_, i) => wordAt(i)))
      const starts = tensor(Int32Array.from({ length: rows + 1 }, (_, b) => b * T))
      const places = Int32Array.from({ length: Math.round(0.15 * words) }, (_, i) => Math.floor(i / 0.15))
      const masked = model instanceof BertForMaskedLM
      const input = { inputIds, starts }
      const out = masked ? model.forward(input, { at: tensor(places) }) : model.forward(input)
      const targets = masked ? places.map(wordAt) : new Int32Array(rows)
      crossEntropy(out.logits!, tensor(targets)).backward()
    })
    optimizer.step({ maxNorm: 1 })
    optimizer.zeroGrad()
  }
  let peak = 0
  watchKernels(() => {
    peak = Math.max(peak, memory().bytes - before)
  }, step)
  const estimates = [
    footprintOfModel(model, words, T).total,
    footprintOfConfig(bert, kind, model.config, words).total,
  ]
  optimizer.dispose()
  for (const p of model.parameters()) p.dispose()
  return { peak, estimates }
}

describe('the estimate', () => {
  it.each([
    [
      'mostly weights',
      { vocabSize: 8000, width: 96, layers: 2, heads: 4, inner: 384 },
      'sequence-classification',
      2,
      20,
    ],
    [
      'mostly activations',
      { vocabSize: 200, width: 48, layers: 6, heads: 4, inner: 192 },
      'sequence-classification',
      32,
      24,
    ],
    ['masked words', { vocabSize: 4000, width: 64, layers: 2, heads: 4, inner: 100 }, 'masked-lm', 16, 40],
  ] as const)('%s: within a factor of 1.5 of the measured peak', (_, settings, kind, rows, T) => {
    const { peak, estimates } = peakOfStep(settings, kind, rows, T)
    for (const estimate of estimates) {
      expect(estimate / peak).toBeGreaterThan(1 / 1.5)
      expect(estimate / peak).toBeLessThan(1.5)
    }
  })

  it.each<[string, (model: Module) => unknown]>([
    ...schemeNames.map((name): [string, (model: Module) => unknown] => [name, (m) => quantizeAware(m, name)]),
    ['magnitude', (model) => pruneAware(model, 'magnitude', { sparsity: 0.5 })],
    ['movement', (model) => pruneAware(model, 'movement', { sparsity: 0.5 })],
  ])('of training on grids or with masks, %s: within a factor of 1.5', (_, prepare) => {
    const weights = { vocabSize: 2000, width: 96, layers: 2, heads: 4, inner: 384 }
    const words = { vocabSize: 200, width: 48, layers: 6, heads: 4, inner: 192 }
    for (const [settings, rows, T] of [[weights, 2, 20] as const, [words, 32, 24] as const]) {
      const { peak, estimates } = peakOfStep(settings, 'sequence-classification', rows, T, prepare)
      expect(estimates[0] / peak).toBeGreaterThan(1 / 1.5)
      expect(estimates[0] / peak).toBeLessThan(1.5)
    }
  })

  it('what is frozen has no gradient and no moments', () => {
    const model = makeModel(bert, 'sequence-classification', { ...size, labels })
    const { weights, gradients } = footprintOfModel(model, 10)
    expect(gradients).toBe(weights)
    freeze(model, { allButHead: true })
    const frozen = footprintOfModel(model, 10)
    expect(frozen.weights).toBe(weights)
    expect(frozen.gradients).toBeLessThan(weights / 5)
    expect(frozen.moments).toBe(2 * frozen.gradients)
  })
})

describe('too large a model', () => {
  it('a monstrous config.json is refused before anything is allocated', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tinystill-footprint-'))
    try {
      const file = join(folder, 'config.json')
      const monster = {
        model_type: 'bert',
        hidden_size: 65536,
        num_hidden_layers: 1000,
        num_attention_heads: 64,
      }
      writeFileSync(file, JSON.stringify({ ...monster, intermediate_size: 262144 }))
      writeFileSync(join(folder, 'train.tsv'), 'fine film\tgood\ndull film\tbad\n')
      await settled()
      const before = memory()
      const texts = ['fine film', 'dull film']
      expect(() => startModel(file, { as: 'sequence-classification', labels: ['a', 'b'], texts })).toThrow(
        BackendError,
      )
      const told = await run(
        'train',
        '--model',
        file,
        '--train',
        join(folder, 'train.tsv'),
        '--out',
        join(folder, 'out'),
      )
      expect(memory().bytes).toBeLessThanOrEqual(before.bytes)
      expect(memory().reserved).toBe(before.reserved)
      expect(told.code).toBe(1)
      expect(told.err).toMatch(
        /config\.json: training takes about \d.*GB \(weights .*, gradients .*, moments .*\), there is room for \d.*Use a model with fewer layers/,
      )
      expect(told.err.trim().split('\n').length).toBe(1)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('a batch that does not fit is refused by fit() before the first step, with the estimate', async () => {
    const model = new TextClassifier({ ...size, classes: 2, padId: 0 })
    const ids = { ids: Int32Array.of(1, 2, 3), typeIds: new Int32Array(3) }
    const data = { ...encodedData(new Array(4000).fill(ids), 0), labels: new Int32Array(4000) }
    const before = memory()
    limitMemory(before.bytes + 5e6)
    expect(memoryLimit()).toBe(before.bytes + 5e6)
    const options = { epochs: 1, lr: 1e-3, seed: 1 }
    await expect(train(model, data, { ...options, batchSize: 4000 })).rejects.toThrow(
      /^the model: training takes about 2\d MB of batches of 12,000 words \(weights 1 MB.*, activations 2\d MB\), there is room for [56] MB\. Use a smaller batch/,
    )
    // Less where it found dead tensors of earlier tests to let go of.
    expect(memory().bytes).toBeLessThanOrEqual(before.bytes)
    expect(() => requireTrainingRoom(model, data, 64)).not.toThrow()
    await train(model, data, { ...options, batchSize: 500 })
  })
})
