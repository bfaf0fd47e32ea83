// A part of `npm run fuzz`: some files of one target, on a thread of its own that run.mjs can end.
import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parentPort, workerData } from 'node:worker_threads'
import '../../src/index.js'
import { dice } from '../io/mutants.js'
import { tried, type Verdict } from './target.js'
import { targets } from './targets/index.js'

interface Task {
  target: string
  seed: number
  from: number
  to: number
  folder: string
  /** Holds the number of the file that is being read. */
  clock: Int32Array
  /** A Python that has safetensors; null where there is none. */
  python: string | null
  show: boolean
}

const LIMIT_MS = 1000

const { target: name, seed, from, to, folder: root, clock, python, show } = workerData as Task
const target = targets.find((t) => t.name === name)
if (target === undefined) throw new RangeError(`no target ${name}: ${targets.map((t) => t.name).join(', ')}`)
const folder = join(root, `${name}-${from}`)
mkdirSync(folder)
const reader = target.open(folder)

function timed(bytes: Uint8Array): { verdict: Verdict; ms: number } {
  const began = performance.now()
  const verdict = tried(reader, folder, bytes)
  return { verdict, ms: performance.now() - began }
}

const result = { accepted: 0, refused: 0, slowest: 0, slowestAt: -1, wrong: [] as [number, string][] }
const read: [number, Uint8Array][] = []
for (let i = from; i < to; i++) {
  Atomics.store(clock, 0, i)
  const bytes = reader.make(dice(seed, name, i))
  if (show) console.log(JSON.stringify(Buffer.from(bytes).toString('latin1')))
  let { verdict, ms } = timed(bytes)
  // A second look, because the machine may have been busy elsewhere.
  if (ms > LIMIT_MS) ms = Math.min(ms, timed(bytes).ms)
  if (verdict.accepted) result.accepted++
  else result.refused++
  if (ms > result.slowest) Object.assign(result, { slowest: ms, slowestAt: i })
  if (ms > LIMIT_MS) result.wrong.push([i, `takes ${Math.round(ms)} ms`])
  if (verdict.wrong !== null) result.wrong.push([i, verdict.wrong])
  if (verdict.accepted && name === 'safetensors' && python !== null) read.push([i, bytes])
}
if (read.length > 0) result.wrong.push(...refusedByPython(read))
parentPort?.postMessage(result)

/** Those of the files that Python's safetensors does not read. */
function refusedByPython(files: readonly [number, Uint8Array][]): [number, string][] {
  const script = fileURLToPath(new URL('../../../../golden/safetensors_verdicts.py', import.meta.url))
  const input = Buffer.concat(
    files.flatMap(([, bytes]) => [new Uint8Array(BigUint64Array.of(BigInt(bytes.length)).buffer), bytes]),
  )
  const { status, stdout, stderr } = spawnSync(python as string, [script], { input, maxBuffer: 2 ** 30 })
  const lines = stdout?.toString().trimEnd().split('\n').slice(1)
  if (status !== 0 || lines.length !== files.length) return [[from, `Python ends with ${status}: ${stderr}`]]
  return files.flatMap(([i], k) => (lines[k] === 'null' ? [[i, 'is read, and Python refuses it']] : []))
}
