// One measurement of bench:check in a process of its own, since the oracle's speed depends on what V8 has seen before.
// usage: check-one.mjs CASE; prints how many times faster than the js oracle the wasm kernel is
import { manualSeed, setBackend, setThreads } from '../dist/index.js'
import { kernelCases } from './cases/kernels.mjs'
import { median } from './lib/stats.mjs'

const TIMES = 5
const ROUNDS = 10
const SLICE_MS = 4

/** Calls a millisecond over a slice of time. */
function rate(fn) {
  let calls = 0
  const start = performance.now()
  let now = start
  do {
    fn()
    calls++
    now = performance.now()
  } while (now - start < SLICE_MS)
  return calls / (now - start)
}

/** Of the best slices of each, taken in turn: other work on the machine only ever makes a slice slower. */
function ratio(fn) {
  const best = { js: 0, wasm: 0 }
  for (let round = 0; round < ROUNDS; round++) {
    for (const backend of ['js', 'wasm']) {
      setBackend(backend)
      best[backend] = Math.max(best[backend], rate(fn))
    }
  }
  return best.wasm / best.js
}

setThreads(1)
manualSeed(1)
const fn = kernelCases.find((c) => c.name === process.argv[2]).setup()
ratio(fn)
console.log(median(Array.from({ length: TIMES }, () => ratio(fn))))
