// npm run bench -- --backend gpu: matrix products by size on a gpu and beside it on wasm, uploads, computing and read-back
// apart, and a training step. From the table one reads the size from which the gpu is faster, if there is one.
import { createRequire } from 'node:module'
import { renderTable } from '../dist/cli/shared/table.js'
import { backendReport, closeGpu, openGpu, randn, setBackend, tidy } from '../dist/index.js'
import { currentGpu } from '../dist/tensor/backend.js'
import { fail } from './lib/args.mjs'
import { ms, right } from './lib/format.mjs'
import { describe, machine } from './lib/machine.mjs'
import { writeResults } from './lib/results.mjs'
import { median } from './lib/stats.mjs'
import { prepare } from './model.mjs'
import { models } from './shapes.mjs'

const SIDES = [64, 128, 256, 512, 1024, 2048]
/** Layers of the two models over 16 x 64 tokens. */
const LAYERS = [
  [1024, 312, 1200],
  [1024, 384, 1536],
]
const REPEATS = 5
/** A product that takes longer is measured once, and larger ones are left out. */
const SLOW = 2000

/** Of this package, else what `npm run test:gpu` installed. */
function whereGpuJs() {
  for (const from of ['../package.json', '../test/gpu/package.json']) {
    try {
      return { gpujs: createRequire(new URL(from, import.meta.url)).resolve('gpu.js') }
    } catch {}
  }
  return {}
}

/** One operand as new as a batch, the other kept as a weight is. */
function measure(m, k, n) {
  const parts = { upload: [], compute: [], read: [] }
  const weight = randn([k, n])
  const whole = []
  const turn = (keep) => {
    const batch = randn([m, k])
    const began = performance.now()
    tidy(() => void batch.matmul(weight))
    if (keep) whole.push(performance.now() - began)
    batch.dispose()
  }
  turn(false)
  for (let i = 0; i < REPEATS && (i === 0 || whole[0] < SLOW); i++) turn(true)
  const gpu = currentGpu()
  if (gpu !== null && backendReport().backend === 'gpu') {
    gpu.onTimes = (times) => {
      for (const name of Object.keys(parts)) parts[name].push(times[name])
    }
    for (let i = 0; i < Math.min(REPEATS, whole.length); i++) turn(false)
    gpu.onTimes = null
  }
  weight.dispose()
  return {
    ms: median(whole),
    ...Object.fromEntries(Object.entries(parts).map(([p, x]) => [p, x.length ? median(x) : null])),
  }
}

function step(batch, tokens) {
  const [name, shape] = Object.entries(models)[0]
  const { step } = prepare(shape, batch, tokens)
  step()
  const times = Array.from({ length: 2 }, () => {
    const began = performance.now()
    step()
    return performance.now() - began
  })
  return { name: `${name}, training step, ${batch} x ${tokens} tokens`, ms: Math.min(...times) }
}

export async function gpuBench(json, { quick }) {
  let report
  try {
    report = await openGpu(whereGpuJs())
  } catch (error) {
    fail(`npm run bench: ${error.message}`)
  }
  const { mode, driver, software } = report
  console.log(describe(machine()))
  console.log(`${mode}: ${driver}${software ? '; this renderer computes on the processor' : ''}`)
  const shapes = [...SIDES.map((s) => [s, s, s]), ...LAYERS]
  const rows = []
  let slow = false
  for (const [m, k, n] of quick ? shapes.slice(0, 3) : shapes) {
    if (slow && m * k * n > 2 ** 29) continue
    const flops = 2 * m * k * n
    setBackend('wasm')
    const wasm = measure(m, k, n)
    setBackend('gpu')
    const gpu = measure(m, k, n)
    slow ||= gpu.ms > SLOW
    rows.push({ shape: `${m}x${k}x${n}`, flops, wasm: wasm.ms, gpu: gpu.ms, ...gpu })
  }
  const rate = (flops, time) => (flops / time / 1e6).toPrecision(3)
  console.log(
    `\n${renderTable(
      [
        { title: 'matmul' },
        ...['wasm, ms', 'GFLOP/s', 'gpu, ms', 'GFLOP/s', 'upload', 'compute', 'read back', 'gpu / wasm'].map(
          right,
        ),
      ],
      rows.map((r) => [
        ...[r.shape, ms(r.wasm), rate(r.flops, r.wasm), ms(r.gpu), rate(r.flops, r.gpu)],
        ...[ms(r.upload), ms(r.compute), ms(r.read), (r.wasm / r.gpu).toPrecision(2)],
      ]),
    )}`,
  )
  const from = rows.filter((r) => r.gpu < r.wasm).sort((a, b) => a.flops - b.flops)[0]
  console.log(
    `\ngpu: one operand is sent, the other lies there; the result is read back. ${from ? `The gpu is faster from ${from.shape} on.` : 'The gpu is slower at every size.'}`,
  )
  // A renderer in software takes minutes for more.
  const size = software ? [2, 8] : [16, 64]
  const steps = (quick ? [] : ['wasm', 'gpu']).map((backend) => {
    setBackend(backend)
    return { backend, ...step(...size) }
  })
  for (const { backend, name, ms: time } of steps) console.log(`${name}: ${ms(time)} ms on ${backend}`)
  closeGpu()
  if (json) writeResults(json, { mode, driver, software, matmul: rows, steps })
}
