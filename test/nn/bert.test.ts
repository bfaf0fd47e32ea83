// A BERT classifier put together from our layers against PyTorch's: logits, hidden states, gradients, 20 training steps.
import { readFileSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'
import '../../src/index.js'
import { arange } from '../../src/autograd/create.js'
import { crossEntropy } from '../../src/autograd/ops/losses.js'
import { EncoderBlock } from '../../src/nn/encoder.js'
import { readSafetensors } from '../../src/nn/io/safetensors.js'
import { Embedding, LayerNorm, Linear } from '../../src/nn/layers.js'
import { Module } from '../../src/nn/module.js'
import { AdamW } from '../../src/nn/optim/adam.js'
import { type BackendName, setBackend } from '../../src/tensor/backend.js'
import type { Tensor } from '../../src/tensor/tensor.js'

const read = (name: string) =>
  readSafetensors(readFileSync(new URL(`../golden/bert/${name}.safetensors`, import.meta.url)), {
    file: name,
  }).tensors
const golden = read('golden')
const eps = 1e-12

/** BertForSequenceClassification of transformers, dropout 0. */
class Bert extends Module {
  words = new Embedding(61, 24)
  places = new Embedding(12, 24)
  types = new Embedding(2, 24)
  norm = new LayerNorm(24, { eps })
  layer = [0, 1].map(() => new EncoderBlock({ width: 24, heads: 3, inner: 40, eps }))
  pooler = new Linear(24, 24)
  classifier = new Linear(24, 3)

  forward(ids: Tensor, attentionMask: Tensor, types: Tensor): { logits: Tensor; hidden: Tensor[] } {
    const [B, T] = ids.shape
    const sum = this.words.forward(ids).add(this.places.forward(arange(0, T, 1, { dtype: 'int32' })))
    const hidden = [this.norm.forward(sum.add(this.types.forward(types)))]
    for (const block of this.layer) hidden.push(block.forward(hidden.at(-1)!, { attentionMask }))
    const first = hidden.at(-1)!.slice(1, 0, 1).reshape([B, 24])
    return { logits: this.classifier.forward(this.pooler.forward(first).tanh()), hidden }
  }
}

/** Our names -> transformers'. */
const names: [RegExp, string][] = [
  [/^words/, 'bert.embeddings.word_embeddings'],
  [/^places/, 'bert.embeddings.position_embeddings'],
  [/^types/, 'bert.embeddings.token_type_embeddings'],
  [/^norm/, 'bert.embeddings.LayerNorm'],
  [/^layer/, 'bert.encoder.layer'],
  [/^pooler/, 'bert.pooler.dense'],
  [/attention\.(query|key|value)/, 'attention.self.$1'],
  [/attention\.out/, 'attention.output.dense'],
  [/attentionNorm/, 'attention.output.LayerNorm'],
  [/\.up/, '.intermediate.dense'],
  [/\.down/, '.output.dense'],
  [/outputNorm/, 'output.LayerNorm'],
]
const theirs = (name: string) => names.reduce((n, [from, to]) => n.replace(from, to), name)

function load(): Bert {
  const weights = read('model')
  const model = new Bert()
  model.loadStateDict(new Map([...model.stateDict().keys()].map((n) => [n, weights.get(theirs(n))!])))
  return model
}

const g = (name: string) => golden.get(name)!
const run = (model: Bert) => model.forward(g('in.input_ids'), g('in.attention_mask'), g('in.token_type_ids'))

/** The largest difference, relative to the largest absolute value in `want`; a key's bias has none but rounding's. */
function error(got: Tensor, want: Tensor): number {
  expect(got.shape).toEqual(want.shape)
  const largest = Math.max(...Array.from(want.data, Math.abs))
  return Math.max(...Array.from(want.data, (w, i) => Math.abs(got.data[i] - w))) / Math.max(largest, 1e-2)
}

describe.each<BackendName>(['js', 'wasm'])('a BERT classifier on %s', (backend) => {
  afterAll(() => setBackend('auto'))

  it('has the logits and hidden states of PyTorch', () => {
    setBackend(backend)
    const { logits, hidden } = run(load())
    expect(error(logits, g('out.logits'))).toBeLessThan(1e-5)
    hidden.forEach((h, i) => {
      expect(error(h, g(`out.hidden.${i}`))).toBeLessThan(1e-5)
    })
  })

  it('has its loss and the gradient of every parameter', () => {
    setBackend(backend)
    const model = load()
    const loss = crossEntropy(run(model).logits, g('in.labels'))
    expect(error(loss, g('out.loss'))).toBeLessThan(1e-5)
    loss.backward()
    for (const [name, p] of model.namedParameters())
      expect(error(p.grad!, g(`grad.${theirs(name)}`)), name).toBeLessThan(5e-5)
  })

  it('has its 20 training steps', () => {
    setBackend(backend)
    const model = load()
    const optimizer = new AdamW(model.parameters(), { lr: 2e-3, betas: [0.9, 0.98], weightDecay: 0.05 })
    for (let t = 0; t < 20; t++) {
      const loss = crossEntropy(run(model).logits, g('in.labels'))
      expect(Math.abs(loss.item() - g('train.losses').data[t]), `loss ${t}`).toBeLessThan(1e-4)
      loss.backward()
      const lrScale = Math.min(1, (t + 1) / 5) * Math.max(0, (20 - t) / 20)
      const norm = optimizer.step({ lrScale, maxNorm: 1 })
      expect(Math.abs(norm / g('train.grad_norms').data[t] - 1), `norm ${t}`).toBeLessThan(1e-3)
      optimizer.zeroGrad()
    }
    expect(error(run(model).logits, g('train.final_logits'))).toBeLessThan(1e-4)
  })
})
