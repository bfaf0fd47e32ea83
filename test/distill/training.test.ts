// fit() against PyTorch: 20 steps of a small classifier, plain, with all that parameter groups and class weights do, and
// accumulated from uneven batches.
import { readFileSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'
import '../../src/index.js'
import { tensor } from '../../src/autograd/create.js'
import { crossEntropy } from '../../src/autograd/ops/losses/losses.js'
import { readSafetensors } from '../../src/formats/safetensors/safetensors.js'
import { cut, type DataSet, inOrder } from '../../src/nn/data.js'
import { TextClassifier } from '../../src/nn/models/classifier.js'
import { freeze } from '../../src/nn/optim/groups.js'
import { type BackendName, setBackend } from '../../src/tensor/backend.js'
import type { Tensor } from '../../src/tensor/tensor.js'
import { balancedWeights, labelLoss } from '../../src/train/labels.js'
import { predict } from '../../src/train/predict.js'
import { train } from '../../src/train/tasks.js'
import { type FitOptions, fit } from '../../src/train/trainer.js'

const file = readFileSync(new URL('../golden/training/golden.safetensors', import.meta.url))
const { tensors: golden } = readSafetensors(file, { file: 'golden' })
const g = (name: string) => golden.get(name) as Tensor
const labels = g('data.labels').data as Int32Array
const [N, T] = g('data.ids').shape

type Input = Parameters<TextClassifier['forward']>[0]

function build(): TextClassifier {
  const model = new TextClassifier({
    ...{
      vocabSize: 37,
      classes: 3,
      layers: 2,
      maxLength: T,
      padId: 0,
      width: 16,
      heads: 2,
      inner: 24,
      eps: 1e-5,
    },
  })
  const init = [...golden].filter(([name]) => name.startsWith('init.'))
  model.loadStateDict(new Map(init.map(([name, t]) => [name.slice(5), t])))
  return model
}

/** Batches in the order that PyTorch drew, or one a whole step of `merge` batches. */
function dataOf(run: string, merge = 1): DataSet<Input> {
  const order = g(`${run}.order`).data as Int32Array
  let epoch = 0
  return {
    ...{ size: N, labels },
    batches: (size, key) => {
      if (key === null) return cut(inOrder(N), size)
      const rows = order.slice(epoch * N, ++epoch * N) as Int32Array
      return cut(rows, size * merge)
    },
    input: (rows) => {
      const all = new Int32Array(rows.length * T)
      rows.forEach((row, i) => {
        all.set(g('data.ids').data.subarray(row * T, (row + 1) * T) as Int32Array, i * T)
      })
      const inputIds = tensor(all, { shape: [rows.length, T] })
      const attentionMask = tensor(
        all.map((id) => (id === 0 ? 0 : 1)),
        { shape: [rows.length, T] },
      )
      return { inputIds, attentionMask }
    },
    tokens: (rows) => rows.length,
  }
}

const common = { lr: 5e-3, seed: 1, batchSize: 6, maxNorm: 1, weightDecay: 0.05 }
const grouped = { ...common, groups: { layerDecay: 0.9 }, warmup: 2, schedule: 'linear' } as const
const weighted = { classWeights: 'balanced' } as const

describe.each<BackendName>(['js', 'wasm'])('20 steps of PyTorch on %s', (backend) => {
  afterAll(() => setBackend('auto'))

  async function check(run: string, frozen: boolean, options: FitOptions & Parameters<typeof train>[2]) {
    setBackend(backend)
    const model = build()
    if (frozen)
      expect(freeze(model, { prefixes: ['positionEmbeddings'] })).toEqual(['positionEmbeddings.weight'])
    const losses: number[] = []
    const norms: number[] = []
    await train(model, dataOf(run), {
      ...options,
      onStep: (s) => {
        losses.push(s.loss)
        if (s.gradNorm > 0) norms.push(s.gradNorm)
      },
    })
    expect(losses.length).toBe(g(`${run}.losses`).numel)
    const off = Math.max(...losses.map((x, i) => Math.abs(x - g(`${run}.losses`).data[i])))
    expect(off).toBeLessThan(1e-5)
    expect(norms.length).toBe(20)
    norms.forEach((x, i) => {
      expect(Math.abs(x / g(`${run}.norms`).data[i] - 1)).toBeLessThan(1e-4)
    })
    const logits = predict(model, dataOf(run))
    logits.forEach((x, i) => {
      expect(Math.abs(x - g(`${run}.final`).data[i])).toBeLessThan(1e-4)
    })
    return off
  }

  it('AdamW under a cosine, clipped', async () => {
    await check('plain', false, { ...common, epochs: 5, warmup: 3, schedule: 'cosine' })
  })

  it('rates by layer, decay by kind, class weights, label smoothing, something frozen', async () => {
    await check('groups', true, { ...grouped, ...weighted, epochs: 5, labelSmoothing: 0.1 })
  })

  it('two uneven batches a step are the large batch', async () => {
    await check('accumulated', true, { ...grouped, ...weighted, epochs: 10, accumulate: 2 })
  })
})

describe('accumulation in float64', () => {
  async function weights(merge: number, accumulate: number, options = {}, mean = false) {
    const model = build().to('float64')
    const data = dataOf('accumulated', merge)
    const rule = mean
      ? ({ logits }: { logits: Tensor }, rows: Int32Array) =>
          crossEntropy(logits, tensor(rows.map((r) => labels[r])))
      : labelLoss(data, options)
    // The data set cuts larger batches itself: fit() only counts them.
    const batchSize = 6 * merge
    const source = { ...data, batches: () => data.batches(6, [0, 0]) }
    await fit(model, source, rule, { ...grouped, batchSize, accumulate, epochs: 3 })
    return model.parameters().flatMap((p) => [...p.data])
  }

  it.each([
    ['rows', {}, true],
    ['labels', {}, false],
    ['class weights', { classWeights: [1, 2.5, 7], labelSmoothing: 0.2 }, false],
  ])('batches of 6, 6 and 6, 2 by %s give the steps of 12 and 8', async (_, options, mean) => {
    const [large, small] = [await weights(2, 1, options, mean), await weights(1, 2, options, mean)]
    expect(large.length).toBe(build().countParameters())
    large.forEach((x, i) => {
      expect(Math.abs(x - small[i])).toBeLessThan(1e-12)
    })
  })
})

it('balanced weights are those of scikit-learn', () => {
  balancedWeights(labels, 3).forEach((w, c) => {
    expect(w).toBeCloseTo(g('balanced').data[c], 6)
  })
})
