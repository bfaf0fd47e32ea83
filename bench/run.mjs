// npm run bench: every case of the table by two runners in turn, and a table of what they found.
import { availableParallelism } from 'node:os'
import { renderTable } from '../dist/cli/shared/table.js'
import { backendReport, manualSeed, setBackend, setDeterministic, setThreads } from '../dist/index.js'
import { cases, groups } from './cases/index.mjs'
import { fail, readArgs } from './lib/args.mjs'
import { ms, percent, plural, right } from './lib/format.mjs'
import { describe, machine } from './lib/machine.mjs'
import { writeResults } from './lib/results.mjs'
import { median, summary } from './lib/stats.mjs'
import { microKernelLimit } from './limit.mjs'
import { runners } from './runners.mjs'

const args = readArgs('npm run bench', 'kernels, ops, a training step, inference and the main job', {
  only: { value: 'GROUP', choices: groups, help: 'one group of cases' },
  quick: { help: 'short samples, and not the main job' },
  backend: { value: 'NAME', choices: ['js', 'wasm', 'gpu'], fallback: 'wasm', help: 'default wasm' },
  threads: { value: 'N', fallback: 1, help: 'threads of a kernel, default 1' },
  strict: { help: 'the same bits everywhere: no relaxed SIMD' },
  json: { value: 'FILE', help: 'also writes the results there' },
})
if (args.backend === 'gpu') {
  const { gpuBench } = await import('./gpu.mjs')
  await gpuBench(args.json, args)
  process.exit(0)
}
const BUDGET = args.quick ? 60 : 250
/** Runners that differ by more are measured again, and flagged when they still do. */
const TOLERANCE = 0.1
const TRIES = 3

try {
  setDeterministic(args.strict === true)
  setBackend(args.backend)
  setThreads(args.threads)
} catch (error) {
  fail(`npm run bench: ${error.message}`)
}

function measure({ setup, heavy, threads }) {
  manualSeed(1)
  setThreads(threads === 'all' ? availableParallelism() : args.threads)
  const fn = setup()
  let best
  for (let i = 0; i < (heavy ? 1 : TRIES); i++) {
    const samples = { benchmark: [], tinybench: [] }
    for (let round = 0; round < (heavy ? 1 : 2); round++)
      for (const name of Object.keys(samples))
        samples[name].push(...runners[name](fn, { budget: BUDGET, heavy }))
    const agreement = median(samples.benchmark) / median(samples.tinybench)
    const off = Math.abs(Math.log(agreement))
    if (best === undefined || off < best.off) best = { samples, agreement, off }
    if (off <= Math.log(1 + TOLERANCE)) break
  }
  const { samples, agreement, off } = best
  const all = summary([...samples.benchmark, ...samples.tinybench])
  return { ...all, agreement, flagged: off > Math.log(1 + TOLERANCE) }
}

const { build, backend } = backendReport()
const found = backend === 'wasm' ? await microKernelLimit(build) : 'plain js has no micro kernel'
const limit = typeof found === 'number' ? found : null
const kind = backend === 'wasm' ? `wasm, ${build} build` : backend
console.log(describe(machine()))
console.log(
  `${kind}, ${plural(args.threads, 'thread')}; micro kernel's limit on one thread: ${limit === null ? found : `${limit.toFixed(1)} GFLOP/s`}`,
)

const columns = [
  { title: 'case' },
  ...['median, ms', 'spread', 'samples', 'GFLOP/s', 'of limit', 'agreement'].map(right),
]
const results = []
for (const group of groups) {
  if (args.only ? group !== args.only : args.quick && group === 'demo') continue
  const rows = []
  for (const one of cases.filter((c) => c.group === group)) {
    const { flops, threads = args.threads } = one
    const figures = measure(one)
    const gflops = flops === undefined ? null : flops / figures.median / 1e6
    const share = gflops === null || limit === null ? null : gflops / (limit * threads)
    results.push({ group, name: one.name, ...figures, gflops, share })
    rows.push([
      ...[one.name, ms(figures.median), `±${percent(figures.spread)}`, String(figures.samples)],
      ...[gflops === null ? '' : gflops.toFixed(1), share === null ? '' : percent(share)],
      `${figures.agreement.toFixed(2)}${figures.flagged ? ' !' : ''}`,
    ])
  }
  console.log(`\n${group}\n${renderTable(columns, rows)}`)
}
const flagged = results.filter((r) => r.flagged).length
console.log(
  `\nspread: half the middle half's range. agreement: benchmark's median over tinybench's. ${
    flagged === 0
      ? 'The runners agree within 10% everywhere'
      : `${plural(flagged, 'case')} marked ! differ${flagged === 1 ? 's' : ''} by more than 10%: run again on a quiet machine`
  }.`,
)
if (args.json)
  writeResults(args.json, { backend: kind, threads: args.threads, microKernelGflops: limit, cases: results })
