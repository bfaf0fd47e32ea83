// Memory over 10,100 training steps of a small transformer with texts of changing length, on every backend that runs here:
// the counters of step 10,100 must be those of step 100. usage: npm run check:memory [-- js strict fastest gpu]

import { TextClassifier } from '../dist/files/models/index.js'
import {
  BackendError,
  backendReport,
  crossEntropy,
  manualSeed,
  memory,
  optim,
  setBackend,
  setDeterministic,
  tensor,
  tidy,
} from '../dist/index.js'

const [FIRST, LAST] = [100, 10100]

const small = { B: 4, vocabSize: 100, longest: 8, width: 16, layers: 1, heads: 2 }
const larger = { B: 8, vocabSize: 500, longest: 24, width: 48, layers: 2, heads: 4 }

/** js is some 50 times slower; a gpu that computes in software, too. */
const backends = {
  js: { choose: () => setBackend('js'), size: small },
  strict: { choose: () => setDeterministic(true), size: larger },
  fastest: { choose: () => setBackend('wasm'), size: larger },
  gpu: { choose: () => setBackend('gpu'), size: small },
}

function* steps({ B, longest, vocabSize, ...size }) {
  manualSeed(1)
  const model = new TextClassifier({
    ...size,
    vocabSize,
    classes: 5,
    maxLength: longest,
    padId: 0,
    dropout: 0.1,
  })
  const optimizer = new optim.AdamW(model.parameters(), { lr: 1e-3 })
  try {
    for (let i = 1; ; i++) {
      const T = 1 + ((i * 7) % longest)
      tidy(() => {
        const inputIds = tensor(
          Int32Array.from({ length: B * T }, (_, j) => 1 + ((i * 31 + j * 17) % (vocabSize - 1))),
          { shape: [B, T] },
        )
        const attentionMask = tensor(new Int32Array(B * T).fill(1), { shape: [B, T] })
        const labels = tensor(Int32Array.from({ length: B }, (_, j) => (i + j) % 5))
        crossEntropy(model.forward({ inputIds, attentionMask }).logits, labels).backward()
      })
      optimizer.step({ maxNorm: 1 })
      optimizer.zeroGrad()
      yield i
    }
  } finally {
    optimizer.dispose()
    for (const p of model.parameters()) p.dispose()
  }
}

const told = ({ buffers, bytes, reserved }) =>
  `${buffers} buffers, ${bytes} bytes in use, ${reserved} reserved`

/** The counters at FIRST, and what differs from them at LAST; less memory reserved is impossible, more is growth. */
function run(size) {
  let first = null
  for (const step of steps(size)) {
    if (step === FIRST) first = memory()
    if (step < LAST) continue
    const last = memory()
    return { first, changed: Object.keys(first).filter((key) => last[key] !== first[key]), last }
  }
}

let passed = 0
let failed = 0
const wanted = process.argv.slice(2)
for (const [name, { choose, size }] of Object.entries(backends)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  setBackend('auto')
  setDeterministic(false)
  try {
    choose()
  } catch (error) {
    if (!(error instanceof BackendError)) throw error
    console.log(`        ${name} is not here: ${error.message.split('\n')[0]}`)
    continue
  }
  const { build, gpu } = backendReport()
  if (gpu?.software && wanted.length === 0) {
    console.log('        gpu computes in software here: npm run test:gpu takes 1,000 steps on it')
    continue
  }
  const before = memory()
  const { first, last, changed } = run(size)
  if (memory().buffers !== before.buffers) changed.push('buffers after the end')
  if (changed.length === 0) passed++
  else failed++
  const rss = `${(process.memoryUsage().rss / 1e6).toFixed(0)} MB resident`
  const where = build === null || name === 'gpu' ? name : `wasm, ${build}`
  console.log(
    changed.length === 0
      ? `ok      ${where}: ${told(last)} at step ${LAST}, as at ${FIRST}; ${rss}`
      : `FAILED  ${where}: ${changed.join(', ')} changed: ${told(first)}; then ${told(last)}`,
  )
}
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed > 0 || passed === 0 ? 1 : 0)
