// npm run fuzz: 1,000,000 files gone wrong, dealt to the readers by their shares, on a thread for each core. A file is read
// as a plain reader would read it or refused in one line that names it, within a second; else it is named with its number.
// usage: npm run fuzz [-- --target NAME] [--only NUMBER | --from NUMBER] [--count N] [--seed N] [--threads N]
// TINYSTILL_FUZZ=N: as many for each target. PYTHON: one that has safetensors, to judge what is read of weight files.
import { spawnSync } from 'node:child_process'
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'

const TOTAL = 1_000_000
const CHUNK = 10_000
/** A file that has been read for so long is given up and its thread ended. */
const PATIENCE_MS = 20_000
const TICK_MS = 200

const here = fileURLToPath(new URL('.', import.meta.url))
const { values: options } = parseArgs({
  options: Object.fromEntries(
    ['target', 'only', 'from', 'count', 'seed', 'threads'].map((name) => [name, { type: 'string' }]),
  ),
})
const whole = (name, otherwise) => {
  if (options[name] === undefined) return otherwise
  if (/^\d{1,9}$/.test(options[name])) return Number(options[name])
  console.error(`fuzz: --${name} takes a whole number`)
  process.exit(2)
}

const tsc = join(here, '../../node_modules/typescript/bin/tsc')
if (spawnSync(process.execPath, [tsc, '-p', here], { stdio: 'inherit' }).status !== 0) process.exit(1)
const { targets } = await import('./built/test/fuzz/targets/index.js')

const seed = whole('seed', 1)
const only = whole('only', null)
const chosen = targets.filter(({ name }) => options.target === undefined || name === options.target)
if (chosen.length === 0 || (only !== null && options.target === undefined)) {
  console.error(`fuzz: --target is one of ${targets.map((t) => t.name).join(', ')}`)
  process.exit(2)
}
const shares = chosen.reduce((n, { share }) => n + share, 0)
const each = process.env.TINYSTILL_FUZZ ? Number(process.env.TINYSTILL_FUZZ) : null
const countOf = ({ share }) => each ?? Math.ceil((whole('count', TOTAL) * share) / shares)

const python = process.env.PYTHON ?? 'python3'
const hasPython = spawnSync(python, ['-c', 'import safetensors']).status === 0
if (!hasPython)
  console.log(`fuzz: ${python} has no package safetensors, weight files that are read go unjudged`)

/** Memory where there is some: nothing here needs a disk. */
function folderFor() {
  try {
    accessSync('/dev/shm', constants.W_OK)
    return '/dev/shm'
  } catch {
    return tmpdir()
  }
}
const root = mkdtempSync(join(folderFor(), 'tinystill-fuzz-'))

const tasks = chosen.flatMap((target) => {
  const from = only ?? whole('from', 0)
  const to = only === null ? from + countOf(target) : only + 1
  const starts = Array.from({ length: Math.ceil((to - from) / CHUNK) }, (_, i) => from + i * CHUNK)
  return starts.map((start) => ({ target: target.name, from: start, to: Math.min(to, start + CHUNK) }))
})
const totals = new Map(
  chosen.map(({ name }) => [name, { files: 0, accepted: 0, refused: 0, slowest: 0, slowestAt: -1 }]),
)
let [passed, failed] = [0, 0]
function fail(target, number, what) {
  failed++
  console.log(`FAILED ${target} ${number}: ${what}`)
  console.log(`       npm run fuzz -- --seed ${seed} --target ${target} --only ${number}`)
}

/** Runs one task on a thread. Gives what is left of it where a file had to be given up. */
function run(task) {
  return new Promise((resolve) => {
    const clock = new Int32Array(new SharedArrayBuffer(4)).fill(task.from)
    const worker = new Worker(new URL('./built/test/fuzz/worker.js', import.meta.url), {
      workerData: {
        ...task,
        seed,
        folder: root,
        clock,
        python: hasPython ? python : null,
        show: only !== null,
      },
    })
    let [last, since, done] = [-1, performance.now(), false]
    const total = totals.get(task.target)
    const end = (rest) => {
      if (done) return
      done = true
      clearInterval(watch)
      worker.terminate().then(() => resolve(rest))
    }
    /** The file that is being read has ended or stopped the thread. */
    const giveUp = (what) => {
      const at = Atomics.load(clock, 0)
      total.files += at + 1 - task.from
      passed += at - task.from
      fail(task.target, at, what)
      end(at + 1 < task.to ? { ...task, from: at + 1 } : null)
    }
    const watch = setInterval(() => {
      const at = Atomics.load(clock, 0)
      const now = performance.now()
      if (at !== last) [last, since] = [at, now]
      else if (now - since > PATIENCE_MS) giveUp(`is read for more than ${PATIENCE_MS / 1000} s`)
    }, TICK_MS)
    worker.on('error', (error) => giveUp(`ends the thread: ${error.stack ?? error}`))
    worker.on('exit', (code) => {
      if (!done) giveUp(`ends the thread with code ${code}`)
    })
    worker.on('message', ({ wrong, ...found }) => {
      const files = task.to - task.from
      total.files += files
      total.accepted += found.accepted
      total.refused += found.refused
      if (found.slowest > total.slowest)
        Object.assign(total, found.slowest > 0 && { slowest: found.slowest, slowestAt: found.slowestAt })
      const bad = new Set(wrong.map(([i]) => i))
      passed += files - bad.size
      for (const i of bad)
        fail(
          task.target,
          i,
          wrong
            .filter(([j]) => j === i)
            .map(([, what]) => what)
            .join('; '),
        )
      end(null)
    })
  })
}

const began = performance.now()
const seconds = () => Math.round((performance.now() - began) / 1000)
async function work() {
  for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) {
    const rest = await run(task)
    if (rest !== null) tasks.unshift(rest)
    if (only === null)
      console.log(
        `${String(seconds()).padStart(4)} s  ${task.target} to ${task.to}, ${tasks.length} parts to go`,
      )
  }
}
try {
  await Promise.all(Array.from({ length: whole('threads', availableParallelism()) }, work))
} finally {
  rmSync(root, { recursive: true, force: true })
}

for (const [name, { files, accepted, refused, slowest, slowestAt }] of totals)
  console.log(
    `${name.padEnd(17)} ${String(files).padStart(7)} files, ${String(accepted).padStart(6)} accepted, ${String(refused).padStart(6)} refused, slowest ${slowest.toFixed(0)} ms (${slowestAt})`,
  )
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed > 0 || passed === 0 ? 1 : 0)
