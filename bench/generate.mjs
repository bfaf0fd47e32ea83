// npm run bench:generate: words a second of GPT-2's shape with random weights, one text, greedy, with a key and value cache,
// beside transformers' generate() in turn, where python3 (or PYTHON) imports torch and transformers.
import { duel, engine, hasTorch, runOnce, tinystill, torchPeers } from './duel.mjs'
import { readArgs } from './lib/args.mjs'
import { describe, machine } from './lib/machine.mjs'
import { writeResults } from './lib/results.mjs'
import { summary } from './lib/stats.mjs'

const args = readArgs('npm run bench:generate', 'words a second of GPT-2, beside PyTorch in turn', {
  profile: { help: 'only where the time goes, by kernel' },
  threads: { value: 'N', fallback: 1, help: 'default 1' },
  rounds: { value: 'N', fallback: 3, help: 'how often each has its turn, default 3' },
  prompt: { value: 'N', fallback: 32, help: 'tokens to go on from, default 32' },
  json: { value: 'FILE', help: 'also writes the results there' },
})

/** What is measured is a call that writes so many words, the reading of the prompt with it. */
const TOKENS = 16
const shape = { layers: 12, width: 768, heads: 12, inner: 3072 }
const work = {
  what: 'generate',
  threads: args.threads,
  shape,
  tokens: TOKENS,
  prompt: args.prompt,
  vocabulary: 50257,
}

async function profiles() {
  const { setThreads } = await import('../dist/index.js')
  const { writer } = await import('./model.mjs')
  const { profile, profileTable } = await import('./profile.mjs')
  setThreads(args.threads)
  const { word } = writer(shape, work)
  word()
  const found = profile(word, 20)
  console.log(profileTable(found))
  return found
}

function times() {
  const row = hasTorch
    ? duel(torchPeers[0], work, args.rounds)
    : { ours: summary(runOnce(tinystill, work).ms) }
  const { ours, peer } = row
  const rate = ({ median }) => `${((TOKENS * 1000) / median).toFixed(1)} tokens a second`
  const beside = peer ? `; PyTorch ${rate(peer)}, ours ${(peer.median / ours.median).toFixed(2)} of it` : ''
  console.log(
    `GPT-2, behind ${args.prompt} tokens, ${args.threads} thread: ${rate(ours)}, peak ${ours.rssMB} MB${beside}`,
  )
  return row
}

const versions = args.profile ? undefined : engine()
console.log(describe(machine(versions)))
const results = args.profile ? await profiles() : times()
if (args.json) writeResults(args.json, results, versions)
