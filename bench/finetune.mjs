// npm run bench:finetune: a saved encoder becomes a classifier, ours and PyTorch's: the same ids in the same batches, the
// same schedule. Both drop and draw their new layers by generators of their own.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { loadTokenizer, readTexts } from '../dist/files/index.js'
import { keyOf } from '../dist/tensor/rng.js'
import { textData } from '../dist/text/index.js'
import { engine, hasTorch, node, python, runOnce } from './duel.mjs'
import { fail, readArgs } from './lib/args.mjs'
import { plural } from './lib/format.mjs'
import { describe, machine } from './lib/machine.mjs'
import { writeResults } from './lib/results.mjs'

/** Three epochs of some ten thousand texts, on a slow machine. */
const LONG_MS = 3 * 3600e3
/** Steps of a short run that are not counted: engines compile meanwhile. */
const WARM = 3
const recipe = { lr: 3e-5, weightDecay: 0.01, warmup: 0.1, batch: 32, maxNorm: 1, longest: 64 }

const COMMAND = 'npm run bench:finetune'
const args = readArgs(COMMAND, 'fine-tuning beside PyTorch', {
  model: { value: 'DIR', help: 'of a model of the BERT family and its tokenizer' },
  train: { value: 'FILE', help: 'texts and labels' },
  dev: { value: 'FILE', help: 'the same' },
  test: { value: 'FILE', help: 'the same' },
  epochs: { value: 'N', fallback: 3, help: 'default 3' },
  threads: { value: 'N', fallback: availableParallelism(), help: 'default as many as processors' },
  seed: { value: 'N', fallback: 1, help: 'default 1' },
  limit: { value: 'N', help: `only N steps, of which the first ${WARM} do not count, and no test` },
  json: { value: 'FILE', help: 'writes the results there' },
})
for (const name of ['model', 'train', 'dev', 'test'])
  if (!args[name]) fail(`${COMMAND}: no --${name}. See ${COMMAND} -- --help`, 2)
if (args.limit <= WARM) fail(`${COMMAND}: --limit must be above ${WARM}, whose steps do not count`, 2)

const { epochs, threads, seed, limit = null } = args
const model = resolve(args.model)
const folder = mkdtempSync(join(tmpdir(), 'tinystill-finetune-'))
const sides = [
  { name: 'tinystill', command: [node, 'finetune_ours.mjs'], limitMs: LONG_MS },
  ...(hasTorch ? [{ name: 'PyTorch', command: [python, 'finetune.py'], limitMs: LONG_MS }] : []),
]
const results = []
try {
  const tokenizer = loadTokenizer(model)
  const train = readTexts(args.train)
  const { labelNames } = train
  const parts = {
    train,
    dev: readTexts(args.dev, { labelNames }),
    test: readTexts(args.test, { labelNames }),
  }
  const sets = Object.entries(parts).map(([name, { texts, pairs, labels }]) => {
    if (pairs !== null) throw new Error(`${args[name]} has pairs of texts, this bench takes single ones`)
    const ids = texts.map((text) =>
      Array.from(tokenizer.encode(text, null, { maxLength: recipe.longest }).ids),
    )
    return [name, { texts, ids, labels: Array.from(labels) }]
  })
  const { batches } = textData(train.texts, train.labels, tokenizer, recipe.longest)
  // As fit draws them.
  const order = Array.from({ length: epochs }, (_, i) =>
    batches(recipe.batch, keyOf(seed, 'order', i + 1)).map((rows) => Array.from(rows)),
  )
  const work = { model, labelNames, order, epochs, threads, seed, limit, padId: tokenizer.padId, ...recipe }
  const file = join(folder, 'work.json')
  writeFileSync(file, JSON.stringify({ ...work, ...Object.fromEntries(sets) }))
  console.log(describe(machine(engine())))
  const steps = limit ?? order.flat().length
  console.log(
    `${basename(model)}, ${plural(train.texts.length, 'text')}, ${plural(steps, 'step')}, ${plural(threads, 'thread')}`,
  )
  if (!hasTorch) console.log('PyTorch: python3, or what PYTHON names, does not import torch and transformers')
  for (const { name, ...side } of sides) {
    const { split, ...told } = runOnce(side, file)
    const counted = split.slice(limit === null ? 0 : WARM)
    const [forward, backward, optimizer] = [0, 1, 2].map(
      (part) => counted.reduce((sum, ms) => sum + ms[part], 0) / counted.length,
    )
    const msPerStep = forward + backward + optimizer
    const seconds = (msPerStep * counted.length) / 1000
    results.push({ name, ...told, seconds, msPerStep, forward, backward, optimizer })
  }
} catch (error) {
  fail(`${COMMAND}: ${error.message}`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

const percent = (x) => `${(100 * x).toFixed(2)}%`
const [ours] = results
for (const result of results) {
  const { name, seconds, msPerStep, forward, backward, optimizer, loss, dev, test } = result
  const told = [
    `${name}: ${test === null ? '' : `test accuracy ${percent(test)}, dev ${percent(dev)}, `}${seconds.toFixed(1)} s`,
    `${msPerStep.toFixed(0)} ms a step (forward ${forward.toFixed(0)}, backward ${backward.toFixed(0)}, optimizer ${optimizer.toFixed(0)})`,
    `mean loss ${loss.toFixed(4)}`,
    ...(result === ours ? [] : [`ratio ${(ours.seconds / seconds).toFixed(2)}`]),
  ]
  console.log(told.join(', '))
}
if (args.json) {
  const data = { train: basename(args.train), dev: basename(args.dev), test: basename(args.test) }
  writeResults(
    args.json,
    { model: basename(model), ...data, epochs, threads, seed, limit, results },
    engine(),
  )
}
