// npm run bench:distill: `tinystill distill` as a user runs it, from its start to the saved student, beside PyTorch's script of
// the same work: the teacher's logits of every text, made ones too, as many steps of the same student, the dev set after each
// epoch. The command besides judges its teacher, trains the linear line, times both models and writes the report.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { varyTexts } from '../dist/distill/augment/vary.js'
import { readTexts } from '../dist/files/data/texts.js'
import { engine, hasTorch, node, python, runOnce } from './duel.mjs'
import { fail, readArgs } from './lib/args.mjs'
import { describe, machine } from './lib/machine.mjs'
import { writeResults } from './lib/results.mjs'
import { summary } from './lib/stats.mjs'

const COMMAND = 'npm run bench:distill'
const LONG_MS = 3600e3
const args = readArgs(COMMAND, 'the default distillation beside PyTorch', {
  teacher: { value: 'DIR', help: 'of a classifier of the BERT family and its tokenizer' },
  train: { value: 'FILE', help: 'texts and labels, as classify takes them' },
  dev: { value: 'FILE', help: 'the same' },
  student: { value: 'NAME', fallback: 'tiny', help: 'a size, default tiny' },
  threads: { value: 'N', fallback: availableParallelism(), help: 'default as many as processors' },
  rounds: { value: 'N', fallback: 2, help: 'how often each has its turn, default 2' },
  json: { value: 'FILE', help: 'writes the results there' },
})
for (const name of ['teacher', 'train', 'dev'])
  if (!args[name]) fail(`${COMMAND}: no --${name}. See ${COMMAND} -- --help`, 2)
if (!hasTorch)
  fail(`${COMMAND}: python3, or what PYTHON names, does not import torch and transformers. Install them`)

const { threads, rounds } = args
const [teacher, train, dev] = [args.teacher, args.train, args.dev].map((path) => resolve(path))
const bin = fileURLToPath(new URL('../dist/cli/bin.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'tinystill-distill-'))

/** One run of the command: seconds of the whole process, and what it did. */
function ours(round) {
  const out = join(folder, `round-${round}`)
  const given = { teacher, train, dev, student: args.student, out, threads, recipe: 'hinton' }
  const options = Object.entries(given).flatMap(([name, value]) => [`--${name}`, String(value)])
  const start = performance.now()
  const { status, stderr } = spawnSync(node, [bin, 'distill', ...options, '--quiet'], { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr.trim().split('\n').at(-1))
  const seconds = (performance.now() - start) / 1000
  const lines = readFileSync(join(out, 'metrics.jsonl'), 'utf8').trim().split('\n').map(JSON.parse)
  const steps = lines.filter(({ type }) => type === 'step')
  const { epoch: epochs } = steps.at(-1)
  const accuracy = Math.max(...lines.flatMap(({ figures }) => figures?.accuracy ?? []))
  const { counts } = JSON.parse(readFileSync(join(out, 'run.json'), 'utf8'))
  return {
    ...{ seconds, counts },
    steps: steps.length,
    epochs,
    accuracy,
    config: JSON.parse(readFileSync(join(out, 'config.json'), 'utf8')),
  }
}

/** What PyTorch is to do, once the command has told its steps and how many texts it made. */
function workOf(config, { epochs, counts }) {
  const { texts } = readTexts(train)
  const rows = texts.map((text) => ({ text, textB: null }))
  const more = join(folder, 'made.json')
  writeFileSync(more, JSON.stringify(varyTexts(rows, counts.variedRows, 1).map(({ text }) => text)))
  const settings = { batch: 32, longest: 128, lr: 5e-4, T: 2, alpha: 0.9 }
  return { teacher, train, dev, more, threads, config, epochs, ...settings }
}

const seen = { tinystill: [], PyTorch: [] }
let work
try {
  for (let round = 1; round <= rounds; round++) {
    const { config, ...told } = ours(round)
    seen.tinystill.push(told)
    work ??= workOf(config, told)
    const start = performance.now()
    const peer = runOnce({ command: [python, 'distill.py'], limitMs: LONG_MS }, work)
    seen.PyTorch.push({ ...peer, seconds: (performance.now() - start) / 1000 })
  }
} catch (error) {
  fail(`${COMMAND}: ${error.message}`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

console.log(describe(machine(engine())))
const results = Object.entries(seen).map(([name, runs]) => {
  const { steps, accuracy } = runs[0]
  return { name, steps, accuracy, ...summary(runs.map(({ seconds }) => seconds)) }
})
for (const { name, steps, accuracy, median, least } of results)
  console.log(
    `${name}: ${median.toFixed(1)} s (least ${least.toFixed(1)}), ${steps} steps, dev accuracy ${(100 * accuracy).toFixed(2)}%`,
  )
const [mine, theirs] = results
console.log(
  `ratio ${(mine.median / theirs.median).toFixed(2)}, of the least times ${(mine.least / theirs.least).toFixed(2)}; ${threads} threads, ${args.student}, ${basename(train)}`,
)
if (args.json)
  writeResults(args.json, { train: basename(train), student: args.student, threads, results }, engine())
