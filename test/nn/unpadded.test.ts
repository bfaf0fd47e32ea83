// Unpadded texts give what padded ones give: logits, loss and the gradient of every parameter. And no padding is computed.
import { afterAll, describe, expect, it } from 'vitest'
import { tensor } from '../../src/autograd/create.js'
import { crossEntropy } from '../../src/autograd/ops/losses/losses.js'
import { randomScope } from '../../src/autograd/random.js'
import { MultiHeadAttention } from '../../src/nn/attention.js'
import { Dropout } from '../../src/nn/layers.js'
import { TextClassifier } from '../../src/nn/models/classifier.js'
import type { TextInput } from '../../src/nn/models/input.js'
import { flatBatch, padBatch } from '../../src/text/batches.js'
import { textData } from '../../src/text/dataset.js'
import { WordTokenizer } from '../../src/text/tokenizer.js'
import { predict } from '../../src/train/predict.js'
import { train } from '../../src/train/tasks.js'
import '../../src/index.js'
import { type BackendName, kernelsFor, setBackend } from '../../src/tensor/backend.js'
import { integerAt, type Key, keyOf } from '../../src/tensor/rng.js'
import { memory } from '../../src/tensor/storage.js'
import type { Tensor } from '../../src/tensor/tensor.js'
import { settled } from '../settled.js'

const LONGEST = 40
const config = { vocabSize: 50, classes: 4, width: 24, layers: 2, heads: 3, maxLength: LONGEST, padId: 0 }

/** Drops attention probabilities, where asked to, but no hidden elements. */
function build(dropout: number, norm: 'post' | 'pre'): TextClassifier {
  return randomScope(keyOf(3), () => {
    const model = new TextClassifier({ ...config, dropout, norm })
    for (const layer of [model, ...model.encoder]) layer.drop = new Dropout(0)
    return model
  })
}

function textsOf(lengths: readonly number[]): Int32Array[] {
  return lengths.map((n, b) => Int32Array.from({ length: n }, (_, t) => 1 + integerAt(keyOf(4, b), t, 49)))
}

const drawn = (key: Key, count: number) => [
  1,
  ...Array.from({ length: count }, (_, i) => 1 + integerAt(key, i, LONGEST)),
]

interface Result {
  logits: Tensor
  loss: Tensor
  grads: [string, Tensor][]
}

function resultOf(model: TextClassifier, input: TextInput, classes: Tensor): Result {
  const { logits } = randomScope(keyOf(9), () => model.forward(input))
  const loss = crossEntropy(logits, classes)
  loss.backward()
  const grads = Array.from(model.namedParameters(), ([name, p]): [string, Tensor] => [name, p.grad as Tensor])
  for (const [, p] of model.namedParameters()) p.grad = null
  return { logits, loss, grads }
}

/** The largest difference, relative to the largest absolute value; a key's bias has no gradient but rounding's. */
function apart(a: Tensor, b: Tensor): number {
  expect(a.shape).toEqual(b.shape)
  const largest = Math.max(1e-2, ...Array.from(b.data, Math.abs))
  return Math.max(...Array.from(b.data, (x, i) => Math.abs(a.data[i] - x))) / largest
}

const cases: { lengths: number[]; dropout: number; norm: 'post' | 'pre' }[] = [
  { lengths: [1], dropout: 0, norm: 'post' },
  { lengths: [1, 1, 1], dropout: 0.2, norm: 'post' },
  { lengths: [9, 9, 9, 9], dropout: 0.2, norm: 'post' },
  { lengths: [3, LONGEST, 1, 17], dropout: 0, norm: 'pre' },
  ...[1, 2, 3].map((seed) => ({ lengths: drawn(keyOf(seed), 5), dropout: 0.2, norm: 'post' as const })),
]
const machines: [BackendName, 'float32' | 'float64', number][] = [
  ['js', 'float64', 1e-12],
  ['js', 'float32', 1e-5],
  ['auto', 'float32', 1e-5],
]

describe.each(machines)('unpadded texts on %s in %s', (backend, dtype, bar) => {
  afterAll(() => setBackend('auto'))

  it.each(cases)('lengths $lengths, attention dropout $dropout, $norm-norm', ({ lengths, dropout, norm }) => {
    setBackend(backend)
    const model = build(dropout, norm).to(dtype)
    const ids = textsOf(lengths)
    const rows = Int32Array.from(lengths.keys())
    const classes = tensor(rows.map((row) => row % 4))
    const padded = resultOf(model, padBatch(ids, rows, 0), classes)
    const flat = resultOf(model, flatBatch(ids, rows), classes)
    expect(apart(flat.logits, padded.logits)).toBeLessThan(bar)
    expect(apart(flat.loss, padded.loss)).toBeLessThan(bar)
    flat.grads.forEach(([name, g], i) => {
      expect(apart(g, padded.grads[i][1]), name).toBeLessThan(bar)
    })
  })
})

describe('a batch without padding', () => {
  const lengths = [11, 3, 8, 1]
  const [N, B] = [23, 4]
  const ids = textsOf(lengths)
  const rows = Int32Array.from(lengths.keys())

  it('has no row computed but the words', () => {
    const seen: [string, number][] = []
    const kernels = kernelsFor('float32')
    const { matmul, layerNorm, layerNormGrad, unary, attention, attentionGrad } = kernels
    Object.assign(kernels, {
      // Rows of a layer, or what a weight's gradient sums over.
      matmul: (...args: Parameters<typeof matmul>) => {
        const [, , , , m, , k] = args
        seen.push(['matmul', [N, B].includes(m) ? m : k])
        matmul(...args)
      },
      layerNorm: (...args: Parameters<typeof layerNorm>) => {
        seen.push(['layerNorm', args[4]])
        layerNorm(...args)
      },
      layerNormGrad: (...args: Parameters<typeof layerNormGrad>) => {
        seen.push(['layerNormGrad', args[6]])
        layerNormGrad(...args)
      },
      unary: (...args: Parameters<typeof unary>) => {
        if (args[0] === 'gelu') seen.push(['gelu', args[1].length / (4 * config.width)])
        unary(...args)
      },
      attention: (...args: Parameters<typeof attention>) => {
        seen.push(['attention', args[4].starts?.[B] ?? 0])
        attention(...args)
      },
      attentionGrad: (...args: Parameters<typeof attentionGrad>) => {
        seen.push(['attentionGrad', args[7].starts?.[B] ?? 0])
        attentionGrad(...args)
      },
    })
    try {
      resultOf(build(0.1, 'post'), flatBatch(ids, rows), tensor(rows))
    } finally {
      Object.assign(kernels, { matmul, layerNorm, layerNormGrad, unary, attention, attentionGrad })
    }
    const count = (name: string) => seen.filter(([n]) => n === name).map(([, size]) => size)
    // Six layers a block and the classifier, each once forward and twice backward.
    expect(count('matmul').sort((a, b) => a - b)).toEqual([B, B, B, ...new Array(36).fill(N)])
    expect(count('layerNorm')).toEqual(new Array(5).fill(N))
    expect(count('layerNormGrad')).toEqual(new Array(5).fill(N))
    for (const name of ['gelu', 'attention', 'attentionGrad'])
      expect(count(name), name).toEqual(new Array(2).fill(N))
  })

  it('is refused where it does not fit', () => {
    const model = build(0, 'post')
    const { inputIds } = flatBatch(ids, rows)
    const of = (starts: number[]) => () =>
      model.forward({ inputIds, starts: tensor(starts, { dtype: 'int32' }) })
    expect(of([0, 11, 14, 22])).toThrow('TextClassifier: starts must end with the number of rows, 23, got 22')
    expect(of([0, 24, 14, 23])).toThrow('TextClassifier: starts must not fall, at place 2 from 24 to 14')
    const long = textsOf([LONGEST + 1])
    expect(() => model.forward(flatBatch(long, Int32Array.of(0)))).toThrow(
      'TextClassifier: 41 tokens a text, the model takes 40. Cut the texts with the tokenizer',
    )
    const starts = tensor([0, 23], { dtype: 'int32' })
    expect(() => model.forward({ inputIds: inputIds.reshape([1, 23]), starts })).toThrow(
      'TextClassifier: unpadded ids must be [N], got [1, 23]',
    )
    const mask = tensor(new Int32Array(23).fill(1), { shape: [1, 23] })
    expect(() =>
      new MultiHeadAttention(4, 2).forward(tensor(new Float32Array(92), { shape: [1, 23, 4] }), { starts }),
    ).toThrow(
      'MultiHeadAttention: starts go with unpadded rows [N, 4], no attentionMask and no cache, got [1, 23, 4]',
    )
    expect(() => model.forward({ inputIds, starts, attentionMask: mask })).toThrow('no attentionMask')
  })
})

const texts = Array.from({ length: 64 }, (_, i) => `${'red apple and blue sea '.repeat(1 + (i % 3))}${i}`)
const labels = texts.map((_, i) => i % 2)
const tokenizer = WordTokenizer.build(texts)
const sets = [true, false].map((padding) => textData(texts, labels, tokenizer, 20, { padding }))
const small = () =>
  randomScope(keyOf(3), () => {
    const more = { vocabSize: tokenizer.size, classes: 2, maxLength: 20, dropout: 0.1 }
    return new TextClassifier({ ...config, ...more })
  })

describe('a data set of texts', () => {
  it('is predicted alike, padded and unpadded', () => {
    const [padded, flat] = sets.map((data) => predict(small(), data))
    flat.forEach((x, i) => {
      expect(Math.abs(x - padded[i])).toBeLessThan(1e-5)
    })
  })

  it.each([true, false])(
    '200 training steps, padding %s, leave memory where step 20 had it',
    async (padding) => {
      await settled()
      const seen: number[] = []
      await train(small(), textData(texts, labels, tokenizer, 20, { padding }), {
        ...{ epochs: 25, batchSize: 8, lr: 1e-3, seed: 1 },
        onStep: ({ step }) => {
          if (step % 20 === 0) seen.push(memory().buffers)
        },
      })
      expect(seen.length).toBe(10)
      expect(Math.max(...seen)).toBe(seen[0])
    },
  )
})
