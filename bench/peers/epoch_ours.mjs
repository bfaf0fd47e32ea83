// Our own epoch: batches of like length. usage: epoch_ours.mjs FILE, as epoch.py
import { readFileSync } from 'node:fs'
import { setThreads, tensor } from '../../dist/index.js'
import { lengthBatches, padBatch } from '../../dist/text/index.js'
import { build, trainer } from '../model.mjs'

const { ids, labels, batch, threads, vocabulary, shape } = JSON.parse(readFileSync(process.argv[2], 'utf8'))
setThreads(threads)
const texts = ids.map((row) => Int32Array.from(row))
const model = build(shape, { vocabSize: vocabulary })
const train = trainer(model)
const step = (rows) => {
  const input = padBatch(texts, rows, 0)
  const loss = train(input, tensor(Int32Array.from(rows, (row) => labels[row])))
  return { loss, tokens: input.inputIds.numel }
}

const batches = lengthBatches(
  texts.map((row) => row.length),
  batch,
  [1, 2],
)
step(batches[0])
let [losses, tokens] = [0, 0]
const start = performance.now()
for (const rows of batches) {
  const done = step(rows)
  losses += done.loss
  tokens += done.tokens
}
console.log(JSON.stringify({ ms: [performance.now() - start], loss: losses / batches.length, tokens }))
