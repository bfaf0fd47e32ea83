// One training step (forward, backward, clipped AdamW over all parameters, dropout on) and one forward pass, 16 x 64
// tokens, and the forward pass of one text of 16 tokens, at 1 thread and at as many as there are processors. With PyTorch in the same run, A B A B, where python3
// (or the one that PYTHON names) imports torch and transformers.
// usage: npm run bench:step [-- --json] [-- --profile]
import { availableParallelism } from 'node:os'
import { crossEntropy, manualSeed, memory, noGrad, optim, setThreads, tensor, tidy } from '../dist/index.js'
import { TextClassifier } from '../dist/models/index.js'
import { kernelsFor } from '../dist/tensor/backend.js'
import { hasTorch, runPython } from './peers/python.mjs'

const shapes = {
  'TinyBERT-4L-312': { layers: 4, width: 312, heads: 12, inner: 1200 },
  'MiniLM-6L-384': { layers: 6, width: 384, heads: 12, inner: 1536 },
}
const [B, T, VOCABULARY] = [16, 64, 30522]
/** Tokens of the one text whose latency is measured. */
const SHORT = 16
const STEPS = 6
const ROUNDS = 2

const median = (x) => x.toSorted((a, b) => a - b)[x.length >> 1]

function prepare(shape) {
  manualSeed(1)
  const model = new TextClassifier({
    ...shape,
    ...{ vocabSize: VOCABULARY, classes: 2, maxLength: 512, padId: 0, dropout: 0.1, eps: 1e-12 },
  })
  const ids = Int32Array.from({ length: B * T }, (_, i) => 1 + ((i * 7919) % (VOCABULARY - 1)))
  const input = {
    inputIds: tensor(ids, { shape: [B, T] }),
    attentionMask: tensor(new Int32Array(B * T).fill(1), { shape: [B, T] }),
  }
  const single = {
    inputIds: tensor(ids.slice(0, SHORT), { shape: [1, SHORT] }),
    attentionMask: tensor(new Int32Array(SHORT).fill(1), { shape: [1, SHORT] }),
  }
  const labels = tensor(Int32Array.from({ length: B }, (_, i) => i % 2))
  const optimizer = new optim.AdamW(model.parameters(), { lr: 1e-4 })
  return {
    step() {
      model.train()
      tidy(() => {
        crossEntropy(model.forward(input).logits, labels).backward()
      })
      optimizer.step({ maxNorm: 1 })
      optimizer.zeroGrad()
    },
    latency() {
      model.eval()
      tidy(() => noGrad(() => void model.forward(single)))
    },
    forward() {
      model.eval()
      tidy(() => noGrad(() => void model.forward(input)))
    },
  }
}

function time(fn) {
  fn()
  return Array.from({ length: STEPS }, () => {
    const start = performance.now()
    fn()
    return performance.now() - start
  })
}

/** {step, forward, latency}: milliseconds of each run. */
function torch(shape, threads) {
  const { layers, width, heads, inner } = shape
  return runPython('step.py', [layers, width, heads, inner, VOCABULARY, B, T, SHORT, threads, STEPS])
}

/** Milliseconds a step by kernel and size, where it is called often. */
function profile(run) {
  const kernels = kernelsFor('float32')
  const spent = new Map()
  const plain = { ...kernels }
  for (const [name, fn] of Object.entries(plain)) {
    kernels[name] = (...args) => {
      const start = performance.now()
      const result = fn(...args)
      const detail =
        name === 'matmul' ? args.slice(3, 7).join('x') : typeof args[0] === 'string' ? args[0] : ''
      const key = `${name} ${detail}`.trim()
      const [ms, calls] = spent.get(key) ?? [0, 0]
      spent.set(key, [ms + performance.now() - start, calls + 1])
      return result
    }
  }
  for (let i = 0; i < STEPS; i++) run()
  Object.assign(kernels, plain)
  return [...spent]
    .map(([kernel, [ms, calls]]) => ({ kernel, ms: ms / STEPS, calls: calls / STEPS }))
    .sort((a, b) => b.ms - a.ms)
}

const whats = ['step', 'forward', 'latency']
const rows = []
const counts = [...new Set([1, availableParallelism()])]
for (const [name, shape] of Object.entries(shapes)) {
  const work = prepare(shape)
  const seen = new Map()
  const note = (key, ms) => seen.set(key, [...(seen.get(key) ?? []), ...ms])
  for (let round = 0; round < ROUNDS; round++) {
    for (const threads of counts) {
      setThreads(threads)
      for (const what of whats) note(`${what} ${threads} tinystill`, time(work[what]))
      if (!hasTorch) continue
      const times = torch(shape, threads)
      for (const what of whats) note(`${what} ${threads} PyTorch`, times[what])
    }
  }
  for (const what of whats) {
    for (const threads of counts) {
      const ours = median(seen.get(`${what} ${threads} tinystill`))
      const theirs = hasTorch ? median(seen.get(`${what} ${threads} PyTorch`)) : null
      rows.push({ model: name, what, threads, ms: ours, pytorch: theirs, ratio: theirs && ours / theirs })
    }
  }
  if (process.argv.includes('--profile')) {
    setThreads(1)
    console.log(`${name}: where a step's time goes on one thread, ms`)
    for (const { kernel, ms, calls } of profile(work.step).slice(0, 24))
      console.log(`  ${ms.toFixed(1).padStart(7)}  ${String(calls).padStart(4)} x ${kernel}`)
  }
}
const resident = process.memoryUsage().rss
if (process.argv.includes('--json')) {
  console.log(JSON.stringify({ node: process.version, resident, memory: memory(), rows }, null, 2))
} else {
  for (const { model, what, threads, ms, pytorch, ratio } of rows) {
    const peer = pytorch === null ? '' : `   PyTorch ${pytorch.toFixed(1)} ms, ratio ${ratio.toFixed(2)}`
    console.log(
      `${model} ${what}, ${threads} ${threads === 1 ? 'thread' : 'threads'}: ${ms.toFixed(1)} ms${peer}`,
    )
  }
  console.log(`resident memory at the end: ${(resident / 1e6).toFixed(0)} MB, both models`)
}
