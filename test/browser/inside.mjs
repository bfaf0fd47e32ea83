// What runs inside the browser, in a page or in a dedicated worker: each function gives plain data for run.mjs to judge.
import { keptArrays } from '../../bench/kept.mjs'
import * as tinystill from '../../dist/index.js'
import { trainingBits } from './bits.mjs'
import { chunksTaken, doom, doomed, terminateAll, untilUp, workersStarted } from './watch.mjs'
import { hash, kernelHashes, trainingHash } from './work.mjs'

const { backendReport, manualSeed, memory, optim, randn, setBackend, setDeterministic, setThreads, tidy } =
  tinystill

const rest = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

const kit = {
  report: () => ({
    ...backendReport(),
    kernels: undefined,
    isolated: globalThis.crossOriginIsolated,
    node: typeof process !== 'undefined',
    workers: workersStarted(),
    sharedBytes: memory().reserved,
  }),

  choose: ({ backend = 'auto', deterministic = false }) => {
    setBackend(backend)
    setDeterministic(deterministic)
  },

  setThreads: (n) => setThreads(n),

  kernels: (threads) => kernelHashes(threads),
  training: (threads) => trainingHash(threads),
  bits: (threads) => trainingBits(threads),

  /** The lines of bench/kept.mjs that tell of arrays that changed. */
  kept: async (arrays) => {
    const lines = []
    await keptArrays(tinystill, arrays, (line) => lines.push(line))
    return lines.filter((line) => line.startsWith('FAILED'))
  },

  /** Starts `threads`, 2 or more, the caller included. Gives how many workers came up, and the chunks they took of 20 products. */
  up: async (threads) => {
    setThreads(threads)
    const workers = await untilUp(threads, product)
    if (workers === 0) return { workers, taken: 0 }
    const before = chunksTaken()
    for (let i = 0; i < 20; i++) product()
    await callsUntil(() => chunksTaken() > before, product)
    return { workers, taken: chunksTaken() - before }
  },

  /** Milliseconds of a large product, the best of several. */
  speed: (threads) => {
    setThreads(threads)
    manualSeed(3)
    return tidy(() => {
      const [a, b] = [randn([1024, 312]), randn([312, 1200])]
      const times = Array.from({ length: 15 }, () => timed(() => tidy(() => void a.matmul(b))).ms)
      return Math.min(...times)
    })
  },

  /** Calls while a thread `fate`s: whether it came to that, the longest call, whether all were right, and errors. */
  lose: async ({ fate, inPlace }) => {
    const work = inPlace ? adam : product
    await kit.up(3)
    const seen = await newWitness(work)
    doom(fate)
    const hit = await callsUntil(() => !doomed(), seen.call)
    for (let i = 0; i < 5; i++) await seen.call()
    await rest(50)
    return { hit, ...seen.told(), after: await kit.up(3) }
  },

  /** Calls while all workers are being ended from outside, which a browser takes its time for. */
  terminate: async () => {
    await kit.up(3)
    const seen = await newWitness(product)
    terminateAll()
    for (const end = performance.now() + 3000; performance.now() < end; await rest(1)) await seen.call()
    return seen.told()
  },
}

/** On a busy machine a worker comes too late for many a call, so patience is counted in seconds, not in calls. */
async function callsUntil(happened, call) {
  for (const end = performance.now() + 30_000; !happened() && performance.now() < end; ) await call()
  return happened()
}

function product() {
  manualSeed(1)
  return tidy(() =>
    randn([160, 200])
      .matmul(randn([200, 160]))
      .data.slice(),
  )
}

function adam() {
  manualSeed(2)
  return tidy(() => {
    const p = randn([100001], { requiresGrad: true })
    p.grad = randn([100001])
    new optim.AdamW([p], { lr: 1e-2 }).step()
    return p.data.slice()
  })
}

function timed(f) {
  const began = performance.now()
  const value = f()
  return { value, ms: performance.now() - began }
}

/** Makes calls of one kind and notes what became of them. */
async function newWitness(work) {
  const want = await hash([work()])
  const seen = { calls: 0, longest: 0, wrong: 0, errors: [] }
  return {
    call: async () => {
      const began = performance.now()
      seen.calls++
      try {
        const got = work()
        seen.longest = Math.max(seen.longest, performance.now() - began)
        if ((await hash([got])) !== want) seen.wrong++
      } catch (error) {
        seen.longest = Math.max(seen.longest, performance.now() - began)
        seen.errors.push(`${error.name}: ${error.message}`)
      }
    },
    told: () => seen,
  }
}

export const run = async (name, argument) => kit[name](argument)

// In a worker the page sends what to run.
if (typeof document === 'undefined') {
  addEventListener('message', async ({ data: { name, argument } }) => {
    try {
      postMessage({ value: await run(name, argument) })
    } catch (error) {
      postMessage({ error: error.stack })
    }
  })
  postMessage({ value: 'ready' })
}
