// npm run bench:step: a training step (forward, backward, clipped AdamW over all parameters, dropout on), a forward
// pass and one short text, beside PyTorch where python3 (or PYTHON) imports torch and transformers. --profile says where
// a step's time goes.
import { duel, engine, hasTorch, runOnce, tinystill, torchPeers } from './duel.mjs'
import { readArgs } from './lib/args.mjs'
import { ms, plural } from './lib/format.mjs'
import { describe, machine } from './lib/machine.mjs'
import { writeResults } from './lib/results.mjs'
import { summary } from './lib/stats.mjs'
import { bilstmWork, models, modelWork, threadCounts, VOCABULARY } from './shapes.mjs'

const args = readArgs(
  'npm run bench:step',
  'training step, forward pass and latency, beside PyTorch in turn',
  {
    profile: { help: 'only where the time of a training step goes, by kernel' },
    work: { value: 'WORK', choices: ['step', 'forward', 'int8', 'bilstm'], help: 'one kind of work' },
    threads: { value: 'N', help: 'this number only; default 1 and all' },
    rounds: { value: 'N', fallback: 3, help: 'how often each has its turn, default 3' },
    json: { value: 'FILE', help: 'also writes the results there' },
  },
)

/** Here and not in a process of its own, since it looks into the engine. */
async function profiles() {
  const { manualSeed, setThreads } = await import('../dist/index.js')
  const { prepare } = await import('./model.mjs')
  const { profile, profileTable } = await import('./profile.mjs')
  const threads = args.threads ?? 1
  setThreads(threads)
  return Object.entries(models).map(([name, shape]) => {
    manualSeed(1)
    const found = profile(prepare(shape, 16, 64).step)
    console.log(`\n${name}, a training step of ${ms(found.total)} ms on ${plural(threads, 'thread')}:`)
    console.log(profileTable(found))
    return { model: name, threads, ...found }
  })
}

function alone(work) {
  const run = runOnce(tinystill, work)
  return { ours: { ...summary(run.ms), rssMB: Math.round(run.rss / 1e6) } }
}

function times() {
  const rows = []
  if (!hasTorch) console.log('PyTorch: python3, or what PYTHON names, does not import torch and transformers')
  for (const { title, ...work } of [...Object.keys(models).flatMap(modelWork), bilstmWork]) {
    if (args.work && args.work !== work.what) continue
    for (const threads of args.threads ? [args.threads] : threadCounts) {
      const asked = { ...work, threads, vocabulary: VOCABULARY }
      // Whole numbers stand beside PyTorch's floats: what a user has who does not quantize.
      const theirs = { ...asked, what: work.what === 'int8' ? 'forward' : work.what }
      const row = hasTorch ? duel(torchPeers[0], asked, args.rounds, theirs) : alone(asked)
      rows.push({ title, threads, ...row })
      const { ours, peer, ratio } = row
      const beside = peer ? `   PyTorch ${ms(peer.median)} ms, ratio ${ratio.toFixed(2)}` : ''
      console.log(
        `${title}, ${plural(threads, 'thread')}: ${ms(ours.median)} ms, peak ${ours.rssMB} MB${beside}`,
      )
    }
  }
  return rows
}

const versions = args.profile ? undefined : engine()
console.log(describe(machine(versions)))
const results = args.profile ? { profiles: await profiles() } : { rows: times() }
if (args.json) writeResults(args.json, results, versions)
