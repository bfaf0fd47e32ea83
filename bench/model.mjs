// The models of the benches, and what is done with them.

import {
  BiLstmForSequenceClassification,
  Gpt2LMHeadModel,
  TextClassifier,
} from '../dist/files/models/index.js'
import { crossEntropy, manualSeed, nn, noGrad, optim, tensor, tidy } from '../dist/index.js'
import { generate } from '../dist/train/language/generate.js'
import { tokenIds, VOCABULARY } from './shapes.mjs'

/** The same weights at every call: BERT's shape and dropout. */
export function build(model, { vocabSize = VOCABULARY, classes = 2 } = {}) {
  manualSeed(1)
  const rest = { vocabSize, classes, maxLength: 512, padId: 0, dropout: 0.1, eps: 1e-12 }
  return new TextClassifier({ ...model, ...rest })
}

/** A linear layer, in floats or in whole numbers. */
export function linearLayer(k, n, what) {
  const layer = new nn.Linear(k, n)
  if (what === 'float') return layer
  return nn.QuantizedLinear.of(layer.weight, layer.bias, what === 'int8' ? 7 : 8)
}

/** `train(input, labels)` -> loss: forward, backward, clipped AdamW over all parameters of a model in training mode. */
export function trainer(model, lr = 1e-4) {
  const optimizer = new optim.AdamW(model.parameters(), { lr })
  return (input, labels) => {
    let value
    tidy(() => {
      const loss = crossEntropy(model.forward(input).logits, labels)
      loss.backward()
      value = loss.data[0]
    })
    optimizer.step({ maxNorm: 1 })
    optimizer.zeroGrad()
    return value
  }
}

function buildBilstm(shape) {
  manualSeed(1)
  return new BiLstmForSequenceClassification({ ...shape, vocabSize: VOCABULARY, dropout: 0.1 })
}

/** Each of `step`, `forward` and `logits` is for a batch without padding. int8: a quantized model, which has no step. */
export function prepare(shape, batch, tokens, { int8 = false, bilstm = false } = {}) {
  const made = bilstm ? buildBilstm(shape) : build(shape)
  const model = int8 ? nn.quantize(made) : made
  const input = {
    inputIds: tensor(tokenIds(batch, tokens), { shape: [batch, tokens] }),
    attentionMask: tensor(new Int32Array(batch * tokens).fill(1), { shape: [batch, tokens] }),
  }
  const labels = tensor(Int32Array.from({ length: batch }, (_, i) => i % 2))
  let train
  const forward = () => noGrad(() => model.eval().forward(input).logits)
  return {
    step() {
      // Not before: a process that only predicts has no optimizer's memory.
      train ??= trainer(model)
      model.train()
      train(input, labels)
    },
    forward: () => tidy(() => void forward()),
    logits: () => Array.from(forward().data),
  }
}

/** `write` gives so many new words, greedy, behind a prompt; `word` computes one more without its choice, again and again. */
export function writer(shape, { vocabulary, prompt, tokens }) {
  manualSeed(1)
  const model = new Gpt2LMHeadModel({ ...shape, vocabSize: vocabulary }).eval()
  const ids = tokenIds(1, prompt)
  const cache = model.newCache(1024)
  const forward = (own) => {
    const inputIds = tensor(own, { shape: [1, own.length] })
    tidy(() => [noGrad(() => void model.forward({ inputIds, cache })), cache])
  }
  return {
    write: async () => {
      for await (const _ of generate(model, ids, { maxNewTokens: tokens }));
    },
    word: () => forward(cache[0].length === 0 ? ids : Int32Array.of(7)),
  }
}
