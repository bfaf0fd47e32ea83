// npm run bench:epoch: a training epoch over texts of mixed length, ours in batches of like length, PyTorch's padded in
// the order of the data set, the same token ids for both.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { WordTokenizer } from '../dist/text/index.js'
import { engine, hasTorch, node, python, runOnce, torchPeers } from './duel.mjs'
import { fail, readArgs } from './lib/args.mjs'
import { plural } from './lib/format.mjs'
import { describe, machine } from './lib/machine.mjs'
import { stored, writeResults } from './lib/results.mjs'
import { summary } from './lib/stats.mjs'
import { models, VOCABULARY } from './shapes.mjs'

const MODEL = 'TinyBERT-4L-312'
const LONGEST = 128

const args = readArgs('npm run bench:epoch', `${MODEL} over lines of a file, text TAB label`, {
  data: { value: 'FILE', help: 'texts and labels 0 or 1, a tab between them' },
  rows: { value: 'N', help: 'only the first N lines' },
  batch: { value: 'N', fallback: 32, help: 'texts a batch, default 32' },
  threads: { value: 'N', fallback: availableParallelism(), help: 'default as many as processors' },
  rounds: { value: 'N', fallback: 1, help: 'how often each has its turn, default 1' },
  store: { help: 'writes bench/results/epoch.json' },
  json: { value: 'FILE', help: 'writes the results there' },
})

function readRows(file) {
  if (!file) fail('npm run bench:epoch: no data. Name a file: npm run bench:epoch -- --data FILE.tsv', 2)
  let text
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    fail(`npm run bench:epoch: cannot read ${file}: ${error.message}. Name a file of lines text TAB label`)
  }
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  const rows = lines.slice(0, args.rows ?? lines.length).map((line, i) => {
    const [words, label, ...more] = line.trimEnd().split('\t')
    if (more.length > 0 || (label !== '0' && label !== '1'))
      fail(`npm run bench:epoch: ${file}, line ${i + 1}: expected text TAB 0 or 1`)
    return { words, label: Number(label) }
  })
  if (rows.length < args.batch)
    fail(`npm run bench:epoch: ${rows.length} lines are less than a batch. Use a smaller --batch`)
  return rows
}

const rows = readRows(args.data)
const tokenizer = WordTokenizer.build(
  rows.map(({ words }) => words),
  { size: VOCABULARY },
)
const ids = rows.map(({ words }) => Array.from(tokenizer.encode(words, null, { maxLength: LONGEST }).ids))
const folder = mkdtempSync(join(tmpdir(), 'tinystill-epoch-'))
const file = join(folder, 'work.json')
const sides = [
  { name: 'tinystill', command: [node, 'epoch_ours.mjs'] },
  ...(hasTorch ? torchPeers.map((torch) => ({ ...torch, command: [python, 'epoch.py'] })) : []),
]
const seen = new Map(sides.map(({ name }) => [name, []]))
try {
  writeFileSync(
    file,
    JSON.stringify({
      ...{ ids, labels: rows.map(({ label }) => label), batch: args.batch, threads: args.threads },
      // The whole table of embeddings, as the model has it, though these texts use a part.
      ...{ vocabulary: VOCABULARY, shape: models[MODEL] },
    }),
  )
  console.log(describe(machine(engine())))
  console.log(`${plural(rows.length, 'text')}, batches of ${args.batch}, ${plural(args.threads, 'thread')}`)
  if (!hasTorch) console.log('PyTorch: python3, or what PYTHON names, does not import torch and transformers')
  for (let round = 0; round < args.rounds; round++)
    for (const { name, ...side } of sides) seen.get(name).push(runOnce(side, file))
} catch (error) {
  fail(`npm run bench:epoch: ${error.message}`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

const results = [...seen].map(([name, runs]) => {
  const { median, spread } = summary(runs.flatMap((run) => run.ms))
  return { name, seconds: median / 1000, spread, tokens: runs[0].tokens, loss: runs[0].loss }
})
const [ours] = results
for (const result of results) {
  const ratio = result === ours ? '' : `, ratio ${(ours.seconds / result.seconds).toFixed(2)}`
  const { name, seconds, tokens, loss } = result
  console.log(
    `${name}: ${seconds.toFixed(1)} s, ${tokens} tokens computed, mean loss ${loss.toFixed(3)}${ratio}`,
  )
}
const { batch, threads } = args
const told = { model: MODEL, data: basename(args.data), texts: rows.length, batch, threads, results }
for (const file of [args.store && stored('epoch.json'), args.json])
  if (file) writeResults(file, told, engine())
