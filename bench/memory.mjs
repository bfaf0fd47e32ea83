// Memory over 10,100 training steps of a small transformer with texts of changing length: fails when buffers, bytes or
// the shared memory at the end are more than at step 100. usage: npm run check:memory
import { crossEntropy, manualSeed, memory, optim, tensor, tidy } from '../dist/index.js'
import { TextClassifier } from '../dist/models/index.js'

const [B, WORDS, LONGEST] = [8, 500, 24]
manualSeed(1)
const model = new TextClassifier({
  ...{
    vocabSize: WORDS,
    classes: 5,
    width: 48,
    layers: 2,
    heads: 4,
    maxLength: LONGEST,
    padId: 0,
    dropout: 0.1,
  },
})
const optimizer = new optim.AdamW(model.parameters(), { lr: 1e-3 })

function step(i) {
  const T = 1 + ((i * 7) % LONGEST)
  tidy(() => {
    const inputIds = tensor(
      Int32Array.from({ length: B * T }, (_, j) => 1 + ((i * 31 + j * 17) % (WORDS - 1))),
      { shape: [B, T] },
    )
    const attentionMask = tensor(new Int32Array(B * T).fill(1), { shape: [B, T] })
    const labels = tensor(Int32Array.from({ length: B }, (_, j) => (i + j) % 5))
    crossEntropy(model.forward({ inputIds, attentionMask }).logits, labels).backward()
  })
  optimizer.step({ maxNorm: 1 })
  optimizer.zeroGrad()
}

const seen = new Map()
for (let i = 1; i <= 10100; i++) {
  step(i)
  if (i === 100 || i % 2500 === 100) {
    const rss = process.memoryUsage().rss
    seen.set(i, memory())
    const { buffers, bytes, reserved } = memory()
    console.log(
      `step ${i}: ${buffers} buffers, ${bytes} bytes in use, ${reserved} reserved, ${(rss / 1e6).toFixed(0)} MB resident`,
    )
  }
}
const [first, last] = [seen.get(100), seen.get(10100)]
const grown = Object.keys(first).filter((key) => last[key] > first[key])
console.log(grown.length === 0 ? 'no growth' : `grown: ${grown.join(', ')}`)
process.exitCode = grown.length === 0 ? 0 : 1
