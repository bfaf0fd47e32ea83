// GFLOP/s of matrix products: js, wasm strict and relaxed on one thread and relaxed on all, in turn within one run,
// median and spread. With PyTorch in turn on one thread and on all, where python3 (or PYTHON) imports torch.
// usage: npm run bench [-- --json]
import { availableParallelism } from 'node:os'
import {
  backendReport,
  manualSeed,
  randn,
  setBackend,
  setDeterministic,
  setThreads,
  tidy,
} from '../dist/index.js'
import { hasTorch, runPython } from './peers/python.mjs'

const shapes = [
  [512, 512, 512],
  [1024, 312, 1200],
  [1024, 768, 3072],
  [832, 48, 192],
  [832, 192, 768],
]
const THREADS = availableParallelism()
const wasm = (deterministic, threads) => {
  setBackend('wasm')
  setDeterministic(deterministic)
  setThreads(threads)
}
const backends = {
  js: () => setBackend('js'),
  strict: () => wasm(true, 1),
  relaxed: () => wasm(false, 1),
  [`relaxed ${THREADS} threads`]: () => wasm(false, THREADS),
}
const ROUNDS = 7
const MS = 120

function rate(a, b, flops) {
  let n = 0
  const start = performance.now()
  do {
    tidy(() => void a.matmul(b))
    n++
  } while (performance.now() - start < MS)
  return (flops * n) / (performance.now() - start) / 1e6
}

manualSeed(1)
const rows = []
for (const [m, k, n] of shapes) {
  const [a, b] = [randn([m, k]), randn([k, n])]
  const seen = Object.fromEntries(Object.keys(backends).map((name) => [name, []]))
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, choose] of Object.entries(backends)) {
      if (name === 'js' && round > 2) continue
      choose()
      seen[name].push(rate(a, b, 2 * m * k * n))
    }
    if (!hasTorch) continue
    for (const threads of [1, THREADS]) {
      const name = `PyTorch ${threads}`
      seen[name] = [...(seen[name] ?? []), runPython('matmul.py', [m, k, n, threads, MS])]
    }
  }
  const row = { shape: `${m} x ${k} x ${n}` }
  for (const [name, rates] of Object.entries(seen)) {
    rates.sort((x, y) => x - y)
    row[name] = { median: rates[rates.length >> 1], least: rates[0], most: rates.at(-1) }
  }
  rows.push(row)
}
if (process.argv.includes('--json')) {
  console.log(
    JSON.stringify({ node: process.version, relaxed: backendReport().relaxed, gflops: rows }, null, 2),
  )
} else {
  console.log('matmul m x k x n, GFLOP/s: median (least - most)')
  for (const { shape, ...rates } of rows) {
    const cells = Object.entries(rates).map(
      ([name, r]) => `${name} ${r.median.toFixed(1)} (${r.least.toFixed(1)} - ${r.most.toFixed(1)})`,
    )
    console.log(`  ${shape.padEnd(18)} ${cells.join('   ')}`)
  }
}
