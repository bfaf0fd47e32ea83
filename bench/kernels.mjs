// GFLOP/s of matrix products: js, wasm strict and wasm relaxed in turn within one run, median and spread.
// usage: npm run bench [-- --json]
import { backendReport, manualSeed, randn, setBackend, setDeterministic, tidy } from '../dist/index.js'

const shapes = [
  [512, 512, 512],
  [1024, 312, 1200],
  [1024, 768, 3072],
  [832, 48, 192],
  [832, 192, 768],
]
const wasm = (deterministic) => {
  setBackend('wasm')
  setDeterministic(deterministic)
}
const backends = { js: () => setBackend('js'), strict: () => wasm(true), relaxed: () => wasm(false) }
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
  console.log('matmul m x k x n, GFLOP/s on one thread: median (least - most)')
  for (const { shape, ...rates } of rows) {
    const cells = Object.entries(rates).map(
      ([name, r]) => `${name} ${r.median.toFixed(1)} (${r.least.toFixed(1)} - ${r.most.toFixed(1)})`,
    )
    console.log(`  ${shape.padEnd(18)} ${cells.join('   ')}`)
  }
}
