// Encoder blocks that compute their activations again: bits, memory, and what config.json says of it.
import { describe, expect, it } from 'vitest'
import { BertForSequenceClassification, TextClassifier } from '../../src/files/models/index.js'
import { configText } from '../../src/formats/config.js'
import {
  crossEntropy,
  manualSeed,
  optim,
  peakMemory,
  resetPeakMemory,
  tensor,
  tidy,
} from '../../src/index.js'
import type { TextInput } from '../../src/nn/models/input.js'
import type { Module } from '../../src/nn/module.js'
import type { Tensor } from '../../src/tensor/tensor.js'

type Model = Module & { checkpointing: boolean; forward(input: TextInput): { logits: Tensor } }

const [B, T] = [8, 16]
const sizes = { vocabSize: 50, layers: 6, width: 32, heads: 4, maxLength: T, padId: 0, dropout: 0.1 }
const makers: Record<string, () => Model> = {
  TextClassifier: () => new TextClassifier({ ...sizes, classes: 2 }),
  BertForSequenceClassification: () => new BertForSequenceClassification({ ...sizes, inner: 128 }),
}

/** Losses and weights of three steps, and the most that activations took in one more backward. */
function train(
  make: () => Model,
  checkpointing: boolean,
  afterwards: (model: Model) => void = () => undefined,
) {
  manualSeed(3)
  const model = make()
  model.checkpointing = checkpointing
  expect(model.checkpointing).toBe(checkpointing)
  const optimizer = new optim.AdamW(model.parameters(), { lr: 1e-2 })
  const inputIds = tensor(
    Int32Array.from({ length: B * T }, (_, i) => 1 + ((i * 31) % 49)),
    { shape: [B, T] },
  )
  const attentionMask = tensor(
    Int32Array.from({ length: B * T }, (_, i) => Number(i % T < 12)),
    { shape: [B, T] },
  )
  const labels = tensor(Int32Array.from({ length: B }, (_, i) => i % 2))
  const losses: number[] = []
  const step = () =>
    tidy(() => {
      model.train()
      const loss = crossEntropy(model.forward({ inputIds, attentionMask }).logits, labels)
      afterwards(model)
      loss.backward()
      losses.push(loss.item())
    })
  for (let i = 0; i < 3; i++) {
    step()
    optimizer.step({ maxNorm: 1 })
    optimizer.zeroGrad()
  }
  const weights = model.parameters().map((p) => p.toArray())
  step()
  resetPeakMemory()
  const before = peakMemory()
  step()
  return { losses, weights, peak: peakMemory() - before, model }
}

describe.each(Object.entries(makers))('%s', (_, make) => {
  it('learns the same bits with half the activations', () => {
    const [plain, less] = [train(make, false), train(make, true)]
    expect(less.losses).toEqual(plain.losses)
    expect(less.weights).toEqual(plain.weights)
    expect(less.peak).toBeLessThan(0.5 * plain.peak)
  })

  it('drops in the second run what it dropped in the first, whatever the mode has become', () => {
    const eager = train(make, true, (model) => model.eval())
    expect(eager.weights).toEqual(train(make, false).weights)
  })
})

describe('checkpointing', () => {
  it('is no setting of the model', () => {
    const model = new BertForSequenceClassification({ ...sizes, inner: 128 })
    const text = configText(model)
    model.checkpointing = true
    expect(configText(model)).toBe(text)
    expect(text).not.toMatch(/checkpoint/)
    expect([...model.stateDict().keys()].filter((name) => /checkpoint/.test(name))).toEqual([])
  })

  it('keeps what is asked to be seen', () => {
    const model = new BertForSequenceClassification({ ...sizes, inner: 128 })
    model.checkpointing = true
    const inputIds = tensor(new Int32Array(B * T).fill(2), { shape: [B, T] })
    const attentionMask = tensor(new Int32Array(B * T).fill(1), { shape: [B, T] })
    const out = model.forward(
      { inputIds, attentionMask },
      { attentionProbs: true, qkv: true, hiddenStates: true },
    )
    expect(out.attentionProbs!.every((p) => p.toString().length > 0)).toBe(true)
    expect(out.qkv!.every(({ q }) => q.toString().length > 0)).toBe(true)
    expect(out.hiddenStates!.length).toBe(7)
  })
})
