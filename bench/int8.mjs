// npm run bench:int8: whole numbers beside floats in turn, in one process: layers, forward passes, one short text.
import { backendReport, noGrad, randn, setThreads, tidy } from '../dist/index.js'
import { int8Build } from '../dist/tensor/backend.js'
import { readArgs } from './lib/args.mjs'
import { ms, plural } from './lib/format.mjs'
import { describe, machine } from './lib/machine.mjs'
import { writeResults } from './lib/results.mjs'
import { summary } from './lib/stats.mjs'
import { linearLayer, prepare } from './model.mjs'
import { layerShapes, models, threadCounts } from './shapes.mjs'

const args = readArgs('npm run bench:int8', 'int8 layers and models beside float ones in turn', {
  threads: { value: 'N', help: 'this number only; default 1 and all' },
  rounds: { value: 'N', fallback: 40, help: 'how often each has its turn, default 40' },
  json: { value: 'FILE', help: 'also writes the results there' },
})

/** Work of both: [title, operations or null, what -> function]. */
function* works() {
  for (const [m, k, n] of layerShapes) {
    const x = randn([m, k])
    const make = (what) => {
      const layer = linearLayer(k, n, what)
      return () => tidy(() => noGrad(() => void layer.forward(x)))
    }
    yield [`linear ${m}x${k}x${n}`, 2 * m * k * n, make]
  }
  for (const [name, shape] of Object.entries(models))
    for (const [batch, tokens] of [
      [16, 64],
      [1, 16],
    ]) {
      const make = (what) => prepare(shape, batch, tokens, { int8: what !== 'float' }).forward
      yield [`${name}, forward, ${batch} x ${tokens}`, null, make]
    }
}

console.log(describe(machine()))
console.log(`floats: ${backendReport().build}, whole numbers: ${int8Build()}`)
const rows = []
for (const [title, operations, make] of works()) {
  const sides = ['float', 'int8'].map((what) => ({ what, fn: make(what), times: [] }))
  for (const threads of args.threads ? [args.threads] : threadCounts) {
    setThreads(threads)
    for (const side of sides) side.times = []
    for (let round = -3; round < args.rounds; round++)
      for (const { fn, times } of sides) {
        const start = performance.now()
        fn()
        if (round >= 0) times.push(performance.now() - start)
      }
    const [float, int8] = sides.map(({ times }) => summary(times))
    const rates = operations
      ? ` (${[float, int8].map((s) => (operations / s.median / 1e6).toFixed(0)).join(' and ')} GOP/s)`
      : ''
    console.log(
      `${title}, ${plural(threads, 'thread')}: float ${ms(float.median)} ms, int8 ${ms(int8.median)}${rates}, ratio ${(int8.median / float.median).toFixed(3)}; of the least ${(int8.least / float.least).toFixed(3)}`,
    )
    rows.push({ title, threads, float, int8, ratio: int8.median / float.median })
  }
}
if (args.json) writeResults(args.json, { build: backendReport().build, int8: int8Build(), rows })
