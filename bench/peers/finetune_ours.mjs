// Our side of bench:finetune. usage: finetune_ours.mjs FILE, as finetune.py
import { readFileSync } from 'node:fs'
import { classification, predict, train } from '../../dist/distill/index.js'
import { fromPretrained } from '../../dist/files/models/index.js'
import { manualSeed, optim, setThreads } from '../../dist/index.js'
import { textData } from '../../dist/text/index.js'

const work = JSON.parse(readFileSync(process.argv[2], 'utf8'))
setThreads(work.threads)
manualSeed(work.seed)
const { model, tokenizer } = await fromPretrained(work.model, {
  as: 'sequence-classification',
  labels: work.labelNames,
})
const dataOf = ({ texts, labels }) => textData(texts, labels, tokenizer, work.longest)

/** When each part of the steps began: the input, the optimizer, and when that was done. */
const marks = { input: [], optimizer: [], done: [] }
const forwards = []
const data = dataOf(work.train)
const { input } = data
data.input = (rows) => {
  marks.input.push(performance.now())
  return input(rows)
}
const { forward } = model
model.forward = (...given) => {
  const out = forward.apply(model, given)
  forwards.push(performance.now())
  return out
}
const { step } = optim.AdamW.prototype
optim.AdamW.prototype.step = function (...given) {
  marks.optimizer.push(performance.now())
  return step.apply(this, given)
}

const losses = []
const ENOUGH = Symbol('enough')
try {
  await train(model, data, {
    ...{ epochs: work.epochs, seed: work.seed, batchSize: work.batch, lr: work.lr },
    ...{ weightDecay: work.weightDecay, warmup: work.warmup, maxNorm: work.maxNorm },
    onStep({ loss }) {
      marks.done.push(performance.now())
      losses.push(loss)
      if (losses.length === work.limit) throw ENOUGH
    },
  })
} catch (error) {
  if (error !== ENOUGH) throw error
}
const split = losses.map((_, i) => [
  forwards[i] - marks.input[i],
  marks.optimizer[i] - forwards[i],
  marks.done[i] - marks.optimizer[i],
])
model.forward = forward
const accuracy = (set) => {
  const logits = predict(model, dataOf(set))
  return classification(logits, set.labels, work.labelNames.length).accuracy
}
const [dev, test] = work.limit === null ? [accuracy(work.dev), accuracy(work.test)] : [null, null]
console.log(
  JSON.stringify({
    split,
    loss: losses.reduce((a, b) => a + b, 0) / losses.length,
    first: losses[0],
    dev,
    test,
  }),
)
process.exit(0)
