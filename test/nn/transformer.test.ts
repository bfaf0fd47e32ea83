// A whole transformer with the KD loss: its gradient for all parameters against differences along random directions,
// memory over real training steps, and the way to disk and back.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { tensor } from '../../src/autograd/create.js'
import { noGrad } from '../../src/autograd/graph.js'
import { randomScope } from '../../src/autograd/random.js'
import { kdLoss } from '../../src/distill/losses/kd.js'
import { loadTextModel, saveTextModel } from '../../src/files/models/on-disk.js'
import { TextClassifier } from '../../src/nn/models/classifier.js'
import { textData } from '../../src/text/dataset.js'
import { WordTokenizer } from '../../src/text/tokenizer.js'
import { predict } from '../../src/train/predict.js'
import { train } from '../../src/train/tasks.js'
import '../../src/index.js'
import { keyOf, normalAt } from '../../src/tensor/rng.js'
import { memory } from '../../src/tensor/storage.js'
import { settled } from '../settled.js'

const config = {
  vocabSize: 30,
  classes: 4,
  width: 12,
  layers: 2,
  heads: 3,
  maxLength: 7,
  padId: 0,
  inner: 20,
}
const build = (more = {}) =>
  randomScope(keyOf(3), () => new TextClassifier({ ...config, dropout: 0.1, ...more }))
const input = {
  inputIds: tensor([5, 9, 3, 7, 2, 8, 1, 0, 0, 0, 4, 6, 29, 0, 0], { shape: [3, 5], dtype: 'int32' }),
  attentionMask: tensor([1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0], { shape: [3, 5], dtype: 'int32' }),
}

describe('a whole transformer with the KD loss', () => {
  const cases = (['post', 'pre'] as const).flatMap((norm) =>
    (['gelu', 'gelu_new'] as const).map((activation) => ({ norm, activation })),
  )
  it.each(cases)('directional derivative over all parameters, $norm-norm, $activation', (options) => {
    const model = build(options).to('float64')
    // Tables of a trained size: a layer norm over rows of 0.02 would bend too sharply for differences.
    for (const { weight } of [model.wordEmbeddings, model.positionEmbeddings]) {
      for (let i = 0; i < weight.numel; i++) weight.elements[i] *= 30
    }
    const teacher = tensor(
      Array.from({ length: 12 }, (_, i) => normalAt(keyOf(5), i) * 3),
      { shape: [3, 4], dtype: 'float64' },
    )
    const labels = tensor([1, 3, 0], { dtype: 'int32' })
    const loss = () =>
      randomScope(keyOf(9), () => kdLoss(model.forward(input).logits, teacher, labels, { T: 3, alpha: 0.7 }))
    loss().backward()
    const params = model.parameters()
    expect(params.every((p) => p.grad !== null)).toBe(true)
    const at = params.map((p) => Float64Array.from(p.data))
    for (let d = 0; d < 5; d++) {
      const direction = at.map((x, k) => x.map((_, i) => normalAt(keyOf(d, k), i)))
      const value = (h: number) => {
        params.forEach((p, k) => {
          p.set(at[k].map((x, i) => x + h * direction[k][i]))
        })
        return noGrad(loss).item()
      }
      const h = 2e-4
      const difference = (8 * (value(h) - value(-h)) - (value(2 * h) - value(-2 * h))) / (12 * h)
      value(0)
      const slope = params.reduce(
        (sum, p, k) => sum + Array.from(p.grad!.data).reduce((s, g, i) => s + g * direction[k][i], 0),
        0,
      )
      expect(Math.abs(difference - slope) / Math.max(1, Math.abs(slope))).toBeLessThan(1e-7)
    }
  })

  it('a padded text has the logits of the same text alone', () => {
    const model = build().eval()
    const together = noGrad(() => model.forward(input).logits)
    const alone = noGrad(
      () =>
        model.forward({
          inputIds: tensor([[8, 1]], { dtype: 'int32' }),
          attentionMask: tensor([[1, 1]], { dtype: 'int32' }),
        }).logits,
    )
    alone.data.forEach((x, c) => {
      expect(Math.abs(x - together.data[4 + c])).toBeLessThan(1e-6)
    })
  })

  it('refuses a text that is too long', () => {
    const inputIds = tensor(new Int32Array(8), { shape: [1, 8] })
    expect(() => build().forward({ inputIds, attentionMask: inputIds })).toThrow(
      'TextClassifier: 8 tokens a text, the model takes 7. Cut the texts with the tokenizer',
    )
  })
})

const texts = Array.from({ length: 64 }, (_, i) => (i % 2 ? `red apple ${i}` : `blue sea and sky ${i}`))
const labels = texts.map((_, i) => i % 2)
const tokenizer = WordTokenizer.build(texts)
const data = textData(texts, labels, tokenizer, 7)
const small = () => build({ vocabSize: tokenizer.size, classes: 2 })

describe('training', () => {
  it('2,000 steps leave memory where step 100 had it', async () => {
    await settled()
    const seen: number[] = []
    await train(small(), data, {
      ...{ epochs: 250, batchSize: 8, lr: 1e-3, seed: 1 },
      onStep: ({ step }) => {
        if (step % 100 === 0) seen.push(memory().buffers)
      },
    })
    expect(seen.length).toBe(20)
    expect(Math.max(...seen)).toBe(seen[0])
  })

  it('is the same bits again, whatever was drawn before', async () => {
    const bits = async () => {
      const model = small()
      await train(model, data, { epochs: 2, batchSize: 16, lr: 1e-2, seed: 4 })
      return model.parameters().map((p) => [...p.data])
    }
    const first = await bits()
    randomScope(keyOf(77), () => build())
    expect(await bits()).toEqual(first)
  })

  it('learns, stops early and keeps the best epoch', async () => {
    const model = small()
    const scores = [0.5, 0.9, 0.7, 0.8, 0.95]
    const weights: number[] = []
    const result = await train(model, data, {
      ...{ epochs: 5, batchSize: 16, lr: 1e-2, seed: 1, patience: 2 },
      evaluate: () => {
        weights.push(model.classifier.weight.data[0])
        return scores[weights.length - 1]
      },
    })
    expect(result.epochs.map((e) => e.best)).toEqual([true, true, false, false])
    expect(result.best.epoch).toBe(2)
    expect(model.classifier.weight.data[0]).toBe(weights[1])
    expect(model.training).toBe(false)
    const logits = predict(model, data)
    const right = labels.filter((y, i) => (logits[2 * i + 1] > logits[2 * i] ? 1 : 0) === y).length
    expect(right).toBe(64)
  })

  it('a NaN loss stops before the step is taken', async () => {
    const model = small()
    const before = [...model.classifier.bias!.data]
    model.wordEmbeddings.weight.set(Number.NaN)
    await expect(train(model, data, { epochs: 1, lr: 1e-2, seed: 1 })).rejects.toThrow(
      'training: the loss became NaN at step 1 of 1, epoch 1, in rows ',
    )
    expect([...model.classifier.bias!.data]).toEqual(before)
  })
})

describe('a model folder', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tinystill-folder-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const model = small().eval()
  const classes = ['sea', 'fruit']
  saveTextModel(folder, { model, tokenizer, classes })

  it('comes back with the same logits', () => {
    const back = loadTextModel(folder)
    expect(back.classes).toEqual(classes)
    expect(predict(back.model, textData(texts, null, back.tokenizer, 7))).toEqual(predict(model, data))
  })

  const spoil = (file: string, change: (text: string) => string) => () => {
    const path = join(folder, file)
    const before = readFileSync(path)
    writeFileSync(path, change(before.toString()))
    try {
      loadTextModel(folder)
    } finally {
      writeFileSync(path, before)
    }
  }

  it.each([
    ['config.json', (t: string) => t.slice(1), 'config.json: is not JSON'],
    ['config.json', () => '[]', 'config.json: must hold one JSON object'],
    [
      'config.json',
      (t: string) => t.replace('12', '"12"'),
      'hidden_size must be a whole number from 1 to 65536, it is "12"',
    ],
    [
      'config.json',
      (t: string) => t.replace('"hidden_size": 12', '"hidden_size": 15'),
      'config.json asks for',
    ],
    [
      'config.json',
      (t: string) => t.replace('_heads": 3', '_heads": 5'),
      'num_attention_heads must be a divisor of 12, it is 5',
    ],
    ['config.json', (t: string) => t.replace('"post"', '"side"'), 'norm must be post or pre, it is "side"'],
    [
      'config.json',
      (t: string) => t.replace('tinystill-text', 'bert'),
      'model_type must be tinystill-text-classifier',
    ],
    [
      'config.json',
      (t: string) => t.replace('"vocab_size": ', '"vocab_size": 9'),
      'config.json says vocab_size',
    ],
    [
      'tokenizer.json',
      (t: string) => t.replace('WordLevel', 'BPE'),
      'tokenizer.json: model.type must be WordLevel',
    ],
    ['model.safetensors', (t: string) => t.slice(0, 50), 'model.safetensors: '],
  ])('%s spoilt is refused (%#)', (file, change, text) => {
    expect(spoil(file, change)).toThrow(text)
  })
})
