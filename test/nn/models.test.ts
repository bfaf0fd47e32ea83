// The models of the BERT family by themselves: what forward shows on request, dropout, the tied decoder, initial values.
import { describe, expect, it } from 'vitest'
import '../../src/index.js'
import { tensor } from '../../src/autograd/create.js'
import { noGrad } from '../../src/autograd/graph.js'
import { crossEntropy } from '../../src/autograd/ops/losses/losses.js'
import { randomScope } from '../../src/autograd/random.js'
import { tidy } from '../../src/autograd/tidy.js'
import { constant } from '../../src/nn/init.js'
import { Linear } from '../../src/nn/layers.js'
import {
  Bert,
  BertForMaskedLM,
  BertForSequenceClassification,
  BertForTokenClassification,
  DistilBert,
  DistilBertForMaskedLM,
  DistilBertForSequenceClassification,
} from '../../src/nn/models/bert.js'
import type { ModelInput } from '../../src/nn/models/input.js'
import type { ModelOutput, Pretrained } from '../../src/nn/models/pretrained.js'
import { AdamW } from '../../src/nn/optim/adam.js'
import { kernelsFor } from '../../src/tensor/backend.js'
import { keyOf, normalAt } from '../../src/tensor/rng.js'
import { memory } from '../../src/tensor/storage.js'
import type { Tensor } from '../../src/tensor/tensor.js'
import { textData } from '../../src/text/dataset.js'
import { WordTokenizer } from '../../src/text/tokenizer.js'
import { predict } from '../../src/train/predict.js'
import { train } from '../../src/train/tasks.js'

const size = { vocabSize: 19, width: 12, layers: 2, heads: 3, inner: 16, maxLength: 8 }
const int = (rows: number[][]) => tensor(rows, { dtype: 'int32' })
const input: ModelInput = {
  inputIds: int([
    [4, 7, 7, 2, 9],
    [5, 3, 0, 0, 0],
  ]),
  attentionMask: int([
    [1, 1, 1, 1, 1],
    [1, 1, 0, 0, 0],
  ]),
  tokenTypeIds: int([
    [0, 0, 1, 1, 1],
    [0, 1, 0, 0, 0],
  ]),
}
const everything = { hiddenStates: true, attentionScores: true, attentionProbs: true, qkv: true }
const seeded = <T>(make: () => T): T => randomScope(keyOf(3), make)

/** Weights large enough that attention prefers some words. */
function grown<M extends Pretrained>(model: M): M {
  for (const p of model.parameters()) if (p.rank === 2) p.set(p.data.map((x) => 15 * x))
  return model
}

const largest = (a: Tensor, b: Tensor) =>
  Math.max(...Array.from(a.data, (x, i) => Math.abs(x - b.data[i])), a.numel === b.numel ? 0 : Infinity)

describe('forward', () => {
  // Without a padding word, whose states would change with its row though no gradient reaches that.
  const quiet = { ...size, dropout: 0, attentionDropout: 0, padId: null }
  const model = seeded(() => grown(new Bert(quiet))).to('float64')
  const out = noGrad(() => model.forward(input, everything)) as Required<ModelOutput>

  it('gives what is asked for, and nothing else', () => {
    expect(Object.keys(model.forward(input))).toEqual(['lastHiddenState', 'pooled'])
    expect(out.hiddenStates.map((h) => h.shape)).toEqual(new Array(3).fill([2, 5, 12]))
    expect(out.hiddenStates[2]).toBe(out.lastHiddenState)
    expect(out.pooled.shape).toEqual([2, 12])
    for (const list of [out.attentionScores, out.attentionProbs])
      expect(list.map((a) => a.shape)).toEqual(new Array(2).fill([2, 3, 5, 5]))
    for (const { q, k, v } of out.qkv) for (const t of [q, k, v]) expect(t.shape).toEqual([2, 3, 5, 4])
  })

  it('scores are q k^T / sqrt(D), less 10000 where a key is padding; probabilities their softmax', () => {
    const padding = tensor([0, 0, 0, 0, 0, 0, 0, -1e4, -1e4, -1e4], { shape: [2, 1, 1, 5], dtype: 'float64' })
    out.qkv.forEach(({ q, k }, i) => {
      const scores = q.matmul(k.transpose(-2, -1)).div(2).add(padding)
      expect(largest(out.attentionScores[i], scores)).toBeLessThan(1e-12)
      expect(largest(out.attentionProbs[i], out.attentionScores[i].softmax(-1))).toBeLessThan(1e-12)
      expect(out.attentionProbs[i].data[1 * 75 + 2]).toBe(0)
    })
  })

  it('is the same whatever is asked for, with dropout too', () => {
    const dropped = seeded(() => grown(new BertForSequenceClassification({ ...size, dropout: 0.3 })))
    const logits = (want = {}) => randomScope(keyOf(8), () => dropped.forward(input, want).logits)
    expect(largest(logits(), logits(everything))).toBeLessThan(1e-5)
    expect(largest(logits(), dropped.eval().forward(input).logits)).toBeGreaterThan(1e-2)
  })

  it('token types are 0 where none are given', () => {
    const { inputIds, attentionMask } = input
    const zeros = model.forward({
      inputIds,
      attentionMask,
      tokenTypeIds: tensor(new Int32Array(10), { shape: [2, 5] }),
    })
    expect(largest(model.forward({ inputIds, attentionMask }).pooled!, zeros.pooled!)).toBe(0)
  })

  it('the slope of a loss on all outputs is that of differences along random directions', () => {
    const loss = () => {
      const { hiddenStates, attentionScores, attentionProbs, qkv, pooled } = model.forward(
        input,
        everything,
      ) as Required<ModelOutput>
      const seen = attentionScores.map((a) => a.maximum(-100))
      const parts = [
        ...hiddenStates,
        ...seen,
        ...attentionProbs,
        pooled,
        ...qkv.flatMap(({ q, k, v }) => [q, k, v]),
      ]
      return parts.reduce(
        (sum, t, i) =>
          sum.add(
            t
              .mul(t)
              .mean()
              .mul(i + 1),
          ),
        tensor(0, { dtype: 'float64' }),
      )
    }
    loss().backward()
    const params = model.parameters()
    const at = params.map((p) => Float64Array.from(p.data))
    for (let d = 0; d < 3; d++) {
      const direction = at.map((x, k) => x.map((_, i) => normalAt(keyOf(d, k), i)))
      const value = (h: number) => {
        for (const [k, p] of params.entries()) p.set(at[k].map((x, i) => x + h * direction[k][i]))
        return noGrad(loss).item()
      }
      const h = 1e-4
      const difference = (8 * (value(h) - value(-h)) - (value(2 * h) - value(-2 * h))) / (12 * h)
      value(0)
      const slope = params.reduce(
        (sum, p, k) => sum + Array.from(p.grad!.data).reduce((s, g, i) => s + g * direction[k][i], 0),
        0,
      )
      expect(Math.abs(difference - slope) / Math.max(1, Math.abs(slope))).toBeLessThan(1e-7)
    }
  })

  it('refuses what does not fit', () => {
    const { inputIds, attentionMask } = input
    const flat = tensor(Int32Array.from([4, 7, 5]))
    const starts = (...at: number[]) => tensor(Int32Array.from(at))
    expect(() => model.forward({ inputIds: flat })).toThrow('Bert: ids must be [texts, tokens], got [3]')
    expect(() => model.forward({ inputIds, attentionMask: flat })).toThrow(
      'Bert: inputIds are [2, 5], attentionMask [3]',
    )
    expect(() => model.forward({ inputIds, attentionMask, tokenTypeIds: flat })).toThrow('tokenTypeIds [3]')
    expect(() => model.forward({ inputIds: int([[1, 2, 3, 4, 5, 6, 7, 8, 9]]) })).toThrow(
      'Bert: 9 tokens a text, the model takes 8. Cut the texts with the tokenizer',
    )
    expect(() => model.forward({ inputIds: int([[19]]) })).toThrow(
      'embedding: index 19 at place 0 is outside [0, 19)',
    )
    expect(() => model.forward({ inputIds: flat, starts: starts(0, 0, 3) })).toThrow('text 0 is empty')
    expect(() => model.forward({ inputIds: flat, starts: starts(0, 2) })).toThrow('starts must end with')
    expect(() => model.forward({ inputIds: flat, starts: starts(0, 3) }, { attentionProbs: true })).toThrow(
      'unpadded texts have no attention matrix of one shape. Pad the texts',
    )
    const { qkv } = model.forward({ inputIds: flat, starts: starts(0, 3) }, { qkv: true })
    expect(qkv![1].v.shape).toEqual([3, 3, 4])
  })
})

describe('dropout', () => {
  it.each([
    ['BERT: embeddings, two places a layer, the head', () => new BertForSequenceClassification(size), 6],
    ['BERT of tokens: the same', () => new BertForTokenClassification(size), 6],
    ['DistilBERT: one place a layer', () => new DistilBertForSequenceClassification(size), 4],
  ])('%s', (_, make, count) => {
    const kernels = kernelsFor('float32')
    const { dropout } = kernels
    const seen: number[] = []
    Object.assign(kernels, {
      dropout: (...args: Parameters<typeof dropout>) => {
        seen.push(args[2])
        dropout(...args)
      },
    })
    try {
      const model = make()
      model.forward(input)
      model.eval().forward(input)
    } finally {
      Object.assign(kernels, { dropout })
    }
    const head = make().config.headDropout ?? 0.1
    expect(seen).toEqual([...new Array(count - 1).fill(0.1), head])
  })
})

describe('masked words', () => {
  const labels = int([
    [-100, 7, -100, 3, -100],
    [-100, 8, -100, -100, -100],
  ])
  const words = tensor(Int32Array.from([1, 3, 6]))
  const noDrop = { ...size, dropout: 0, attentionDropout: 0 }

  it.each([true, false])('of some places alone: the same loss and gradients, tied %s', (tied) => {
    const results = [true, false].map((some) => {
      const model = seeded(() => grown(new BertForMaskedLM({ ...noDrop, tied })))
      const { logits } = model.forward(input, some ? { at: words } : {})
      expect(logits.shape).toEqual(some ? [3, 19] : [2, 5, 19])
      const loss = crossEntropy(logits, some ? tensor(Int32Array.from([7, 3, 8])) : labels)
      loss.backward()
      return { loss, grads: model.parameters().map((p) => p.grad!) }
    })
    expect(largest(results[0].loss, results[1].loss)).toBeLessThan(1e-5)
    results[0].grads.forEach((g, i) => void expect(largest(g, results[1].grads[i])).toBeLessThan(1e-5))
    expect(() => new BertForMaskedLM(noDrop).forward(input, { at: tensor(Int32Array.of(10)) })).toThrow(
      'index 10 at place 0 is outside [0, 10)',
    )
  })

  it.each([BertForMaskedLM, DistilBertForMaskedLM])(
    '%o: a tied table gets the gradients of both its uses',
    (Model) => {
      const [tied, apart] = [true, false].map((tied) => seeded(() => grown(new Model({ ...noDrop, tied }))))
      // All else is drawn before the decoder, and so the same.
      apart.decoder.weight.set(tied.base.words.weight.data)
      for (const model of [tied, apart]) crossEntropy(model.forward(input).logits, labels).backward()
      expect(tied.stateDict().size).toBe(apart.stateDict().size - 1)
      const sum = apart.base.words.weight.grad!.add(apart.decoder.weight.grad!)
      expect(largest(tied.base.words.weight.grad!, sum)).toBeLessThan(1e-6)
      // Of the padding word's row only the decoder's part.
      expect(apart.base.words.weight.grad!.data.slice(0, 12)).toEqual(new Float32Array(12))
      expect(tied.base.words.weight.grad!.data.slice(0, 12).every((x) => x !== 0)).toBe(true)
    },
  )

  it('training leaves memory where step 5 had it, whatever is asked for', () => {
    const model = seeded(() => new BertForMaskedLM(size))
    const optimizer = new AdamW(model.parameters(), { lr: 1e-3 })
    const seen: number[] = []
    for (let step = 0; step < 20; step++) {
      tidy(() => {
        const { logits, attentionScores, hiddenStates } = model.forward(input, everything)
        const loss = crossEntropy(logits, labels).add(hiddenStates![1].mul(hiddenStates![1]).mean())
        loss.add(attentionScores![0].maximum(-100).mean()).backward()
      })
      optimizer.step({ maxNorm: 1 })
      optimizer.zeroGrad()
      if (step >= 5) seen.push(memory().buffers)
    }
    expect(new Set(seen).size).toBe(1)
  })
})

describe('the trainer', () => {
  it.each([
    ['BERT', BertForSequenceClassification],
    ['DistilBERT', DistilBertForSequenceClassification],
  ])('teaches %s, padded or not', async (_, Model) => {
    const texts = Array.from({ length: 48 }, (_, i) => (i % 2 ? `red apple ${i}` : `blue sea and sky ${i}`))
    const labels = texts.map((_, i) => i % 2)
    const tokenizer = WordTokenizer.build(texts)
    for (const padding of [true, false]) {
      const data = textData(texts, labels, tokenizer, 7, { padding })
      const model = seeded(() => new Model({ ...size, vocabSize: tokenizer.size }))
      await train(model, data, { epochs: 8, batchSize: 8, lr: 1e-2, seed: 1 })
      const logits = predict(model, data)
      expect(labels.filter((y, i) => y === Number(logits[2 * i + 1] > logits[2 * i])).length).toBe(48)
    }
  })
})

describe('a new model', () => {
  it('starts as in BERT: N(0, 0.02^2), biases 0, layer norms 1 and 0, the padding word 0', () => {
    const model = seeded(() => new BertForMaskedLM({ ...size, width: 60, padId: 4, tied: false }))
    for (const [name, p] of model.namedParameters()) {
      const x = Array.from(p.data)
      if (name.endsWith('LayerNorm.weight')) expect(new Set(x), name).toEqual(new Set([1]))
      else if (p.rank === 1) expect(new Set(x), name).toEqual(new Set([0]))
      else expect(Math.sqrt(x.reduce((s, v) => s + v * v, 0) / x.length) / 0.02, name).toBeCloseTo(1, 0)
    }
    const { data } = model.base.words.weight
    expect(new Set(data.slice(240, 300))).toEqual(new Set([0]))
    expect(data.slice(180, 240).every((x) => x !== 0)).toBe(true)
  })

  it('is a function of the seed', () => {
    const [a, b] = [0, 1].map(() => seeded(() => new DistilBert(size)).parameters())
    a.forEach((p, i) => void expect(p.data).toEqual(b[i].data))
  })

  it.each([
    [{ heads: 5 }, 'Bert: heads must be a divisor of 12, got 5'],
    [{ layers: 1.5 }, 'Bert: layers must be a whole number from 0 to 1000, got 1.5'],
    [{ dropout: 1 }, 'Bert: dropout must be a number from 0 to below 1, got 1'],
    [{ padId: 19 }, "Bert: padId must be below the vocabulary's 19, got 19"],
    [{ labels: [] }, 'Bert: labels must be at least one name'],
    [{ activation: 'sine' as 'relu' }, 'Bert: activation must be gelu or gelu_python or'],
  ])('with %o is refused', (more, text) => {
    expect(() => new Bert({ ...size, ...more })).toThrow(text)
  })

  it('that was extended keeps its names for what it adds', () => {
    class Fitted extends DistilBert {
      fit = new Linear(12, 4)
      scale = constant([1], 2)
    }
    const names = [...new Fitted(size).stateDict().keys()]
    expect(names.slice(0, 2)).toEqual(['scale', 'embeddings.word_embeddings.weight'])
    expect(names.slice(-2)).toEqual(['fit.weight', 'fit.bias'])
  })

  it('has a pooler or not', () => {
    const bare = new Bert(size, { pooler: false })
    expect([...bare.stateDict().keys()].some((name) => name.startsWith('pooler'))).toBe(false)
    expect(bare.forward(input).pooled).toBeUndefined()
  })
})
