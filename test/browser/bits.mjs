// A training whose bits are known: 200 steps of a small BERT with dropout, clipping, a schedule and AdamW, its batches by
// turns padded and unpadded. Under setDeterministic(true) every engine, thread count and machine must end with the same
// weights and moments: those of test/golden/bits.json. A model in whole numbers has its bits without that too. Runs in Node,
// in a page and in a worker.

import { BertForSequenceClassification } from '../../dist/files/models/index.js'
import {
  crossEntropy,
  manualSeed,
  nn,
  optim,
  setDeterministic,
  setThreads,
  tensor,
  tidy,
} from '../../dist/index.js'
import { hash } from './work.mjs'

const STEPS = 200
const [VOCAB, CLASSES, B, LONGEST] = [300, 5, 8, 32]

/** Texts of 12 to 32 words. */
const lengthOf = (step, row) => LONGEST - ((step * 3 + row * 5) % 21)
const wordOf = (step, row, place) => 1 + ((row * 7919 + place * 131 + step * 104729) % (VOCAB - 1))

function padded(step) {
  const cells = (value) =>
    tensor(
      Int32Array.from({ length: B * LONGEST }, (_, i) => {
        const [row, place] = [Math.floor(i / LONGEST), i % LONGEST]
        return place < lengthOf(step, row) ? value(row, place) : 0
      }),
      { shape: [B, LONGEST] },
    )
  return { inputIds: cells((row, place) => wordOf(step, row, place)), attentionMask: cells(() => 1) }
}

function unpadded(step) {
  const starts = [0]
  const ids = []
  for (let row = 0; row < B; row++) {
    for (let place = 0; place < lengthOf(step, row); place++) ids.push(wordOf(step, row, place))
    starts.push(ids.length)
  }
  return { inputIds: tensor(Int32Array.from(ids)), starts: tensor(Int32Array.from(starts)) }
}

/** -> the last loss, SHA-256 of the weights and of AdamW's moments. `rest` is awaited now and then: threads come up only while it runs. */
export async function trainingBits(threads, rest = () => new Promise((resolve) => setTimeout(resolve, 0))) {
  setDeterministic(true)
  setThreads(threads)
  manualSeed(11)
  const model = new BertForSequenceClassification({
    ...{ vocabSize: VOCAB, width: 64, layers: 2, heads: 4, inner: 128, maxLength: LONGEST },
    ...{ labels: Array.from({ length: CLASSES }, (_, i) => `${i}`), dropout: 0.1, attentionDropout: 0.1 },
  })
  const optimizer = new optim.AdamW(optim.decayGroups(model, 0.05), { lr: 3e-3 })
  const schedule = optim.schedules.cosine({ total: STEPS, warmup: 0.1 })
  let loss = 0
  for (let step = 0; step < STEPS; step++) {
    tidy(() => {
      const labels = tensor(Int32Array.from({ length: B }, (_, row) => wordOf(step, row, 0) % CLASSES))
      const { logits } = model.forward(step % 2 === 0 ? padded(step) : unpadded(step))
      const total = crossEntropy(logits, labels)
      loss = total.item()
      total.backward()
    })
    optimizer.step({ lrScale: schedule(step), maxNorm: 1 })
    optimizer.zeroGrad()
    if (step % 10 === 0) await rest()
  }
  const elements = (tensors) => tensors.map((t) => t.data.slice())
  const bits = {
    loss,
    weights: await hash(elements(model.parameters())),
    moments: await hash(elements(optimizer.slots.flatMap(({ state }) => state))),
  }
  bits.int8 = await quantizedBits(model)
  optimizer.dispose()
  for (const p of model.parameters()) p.dispose()
  return bits
}

/** Of the trained model's logits in whole numbers, padded and not, by the build that this engine takes by itself. */
async function quantizedBits(model) {
  setDeterministic(false)
  nn.quantize(model)
  const logits = [padded(0), unpadded(1)].map((input) => tidy(() => model.forward(input).logits.data))
  return hash(logits)
}

/** What differs from the bits in test/golden/bits.json, in words; null where nothing does. */
export function otherBits(got, golden) {
  const names = Object.keys(golden).filter((name) => got[name] !== golden[name])
  return names.length === 0
    ? null
    : `other bits: ${names.map((n) => `${n} ${got[n]}, not ${golden[n]}`).join('; ')}`
}
