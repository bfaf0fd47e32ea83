// A B A B: tinystill, a peer, tinystill, the peer ... on the same work, each time in a process of its own, so that
// threads, memory and the state of an engine are its own and a slow moment of the machine meets both.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { fail } from './lib/args.mjs'
import { summary } from './lib/stats.mjs'

const peersFolder = fileURLToPath(new URL('./peers/', import.meta.url))
/** Slower work than this a run is not repeated in a second round. */
const LONG_MS = 3000
const LIMIT_MS = 600000

export const node = process.env.TINYSTILL_NODE ?? process.execPath
/** Its versions, or undefined where it is this process's own. */
export function engine() {
  if (node === process.execPath) return undefined
  const { status, stdout } = spawnSync(node, ['-p', 'JSON.stringify(process.versions)'], { encoding: 'utf8' })
  if (status !== 0)
    fail(`TINYSTILL_NODE=${node} does not run. Name a Node of 20 or later, or leave it unset`, 2)
  return JSON.parse(stdout)
}

export const python = process.env.PYTHON ?? 'python3'

export const hasTorch = spawnSync(python, ['-c', 'import torch, transformers']).status === 0

/** The last line of an error that says something. */
const reason = (text) =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => /\S/.test(line) && !/^(at |Node\.js|[~^{}]+$)/.test(line))
    .findLast((line) => /error|cannot|not /i.test(line)) ?? 'no reason given'

/** What one process says of the work, JSON or the name of a file: { ms: [...], rss, ... }. Throws with one line. */
export function runOnce({ command, env = {}, limitMs = LIMIT_MS }, work) {
  const [program, ...args] = command
  const { stdout, stderr, status, signal } = spawnSync(
    program,
    [...args, typeof work === 'string' ? work : JSON.stringify(work)],
    {
      ...{ cwd: peersFolder, encoding: 'utf8', timeout: limitMs, maxBuffer: 1 << 26 },
      env: { ...process.env, ...env },
    },
  )
  if (signal) throw new Error(`ended by ${signal}, after ${limitMs / 60000} minutes at the latest`)
  if (status !== 0) throw new Error(reason(stderr))
  return JSON.parse(stdout.trim().split('\n').at(-1))
}

export const tinystill = { name: 'tinystill', command: [node, 'tinystill.mjs'] }

// WebAssembly has 128-bit vectors and its reference machine AVX2: the second row asks PyTorch to stay there too.
const avx2 = { ATEN_CPU_CAPABILITY: 'avx2', MKL_ENABLE_INSTRUCTIONS: 'AVX2', ONEDNN_MAX_CPU_ISA: 'AVX2' }
export const torchPeers = [
  { name: 'PyTorch', command: [python, 'torch_peer.py'] },
  { name: 'PyTorch, AVX2 only', command: [python, 'torch_peer.py'], env: avx2 },
]

/** { ours, peer: {median, spread, least, samples, rss, ...}, ratio } with ratio = our time by the peer's; throws. peerWork: where the peer does other work. */
export function duel(peer, work, rounds, peerWork = work) {
  const seen = { ours: [], peer: [] }
  for (let round = 0; round < rounds; round++) {
    // The peer first: when it can't run, nothing is lost.
    seen.peer.push(runOnce(peer, peerWork))
    seen.ours.push(runOnce(tinystill, work))
    if (seen.peer[0].ms[0] > LONG_MS) break
  }
  const [ours, theirs] = [seen.ours, seen.peer].map((runs) => ({
    ...summary(runs.flatMap((run) => run.ms)),
    rssMB: Math.round(Math.max(...runs.map((run) => run.rss)) / 1e6),
  }))
  const off = (a, b) => Math.max(...a.map((x, i) => Math.abs(x - b[i])))
  const [a, b] = [seen.ours[0].logits, seen.peer[0].logits]
  const agrees = a && b ? { logitsDiffer: off(a, b) } : {}
  return { ours, peer: theirs, ratio: ours.median / theirs.median, ...agrees }
}
