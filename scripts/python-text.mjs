// The second half of npm run check:python: classifiers saved with their tokenizer. Python's AutoTokenizer gives the same ids
// for texts and pairs, its AutoModelForSequenceClassification the same logits, and what it saves loads here again.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { predict } from '../dist/distill/index.js'
import * as models from '../dist/files/models/index.js'
import { manualSeed, randn } from '../dist/index.js'
import { textData, trainWordPiece } from '../dist/text/index.js'

const BAR = 1e-5
const LONGEST = 24
const python = process.env.PYTHON
// python.mjs has said why it skipped.
if (!python || spawnSync(python, ['-c', 'import transformers, torch']).status !== 0) process.exit(0)

const texts = [
  'a',
  'Crème brûlée, naïve façade; the total is $1,299.99!',
  '',
  "Don't stop: it's 3.14 [MASK] e-mail someone@example.com",
  '東京 is not 北京, Straße not Strasse',
  'one two three four five six seven eight nine ten '.repeat(4),
  '🎉 party\ttime\nnow',
  'supercalifragilisticexpialidocious',
]
const pairs = [
  'b',
  'a total of nothing',
  'only the second',
  '',
  'Tokyo',
  'eleven twelve '.repeat(9),
  'what?',
  '42',
]
const corpus = [...texts, ...pairs, 'the small dog sees a large cat while one or two birds sing of spring']

const classes = new Map(Object.entries(models))

/** A model with weights that are no longer its first ones: every term must show. */
function drawn(name, settings, seed) {
  manualSeed(seed)
  const model = new (classes.get(name))({
    width: 20,
    layers: 2,
    heads: 4,
    inner: 36,
    maxLength: 32,
    ...settings,
  })
  for (const p of model.parameters()) p.set(randn(p.shape).mul(0.3).add(p).data)
  return model.eval()
}

function small(name, options, labels) {
  const tokenizer = trainWordPiece(corpus, { size: 150, minCount: 1, ...options })
  const model = drawn(name, { vocabSize: tokenizer.vocabSize, labels }, tokenizer.vocabSize)
  return { name: `${name} ${JSON.stringify(options)}`, model, tokenizer }
}

async function withFreshHead(folder) {
  manualSeed(5)
  const { model, tokenizer } = await models.fromPretrained(folder, { labels: ['bad', 'so so', 'good'] })
  return { name: 'all-MiniLM-L6-v2 with a new classifier', model, tokenizer }
}

const labels = ['no', 'yes', 'perhaps']
const minilm = fileURLToPath(new URL('../models/all-MiniLM-L6-v2', import.meta.url))
const cases = [
  small('BertForSequenceClassification', {}, labels),
  small('BertForSequenceClassification', { lowercase: false }, labels),
  small('BertForSequenceClassification', { stripAccents: false, chineseChars: false }, labels),
  small('DistilBertForSequenceClassification', {}, labels),
]
if (existsSync(join(minilm, 'model.safetensors'))) cases.push(await withFreshHead(minilm))
else console.log('without all-MiniLM-L6-v2, which npm run fetch:minilm gets')

/** Ids and token types of texts alone and of pairs, both uncut and cut, and logits of the cut ones. */
function resultOf({ model, tokenizer }) {
  const results = { ids: [], types: [], logits: [] }
  for (const second of [null, pairs]) {
    for (const maxLength of [Infinity, LONGEST]) {
      const encoded = texts.map((text, i) => tokenizer.encode(text, second?.[i] ?? null, { maxLength }))
      results.ids.push(...encoded.map(({ ids }) => Array.from(ids)))
      results.types.push(...encoded.map(({ typeIds }) => Array.from(typeIds)))
    }
    const data = textData(texts, null, tokenizer, LONGEST, { pairs: second })
    results.logits.push(...predict(model, data))
  }
  return results
}

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b)
const apart = (a, b) => a.reduce((worst, x, i) => Math.max(worst, Math.abs(x - b[i])), 0)
/** Where token types are of no use Python's tokenizer gives none. */
const sameIds = (a, b) => same(a.ids, b.ids) && (a.types.length === 0 || same(a.types, b.types))

const root = mkdtempSync(join(tmpdir(), 'tinystill-python-'))
let failed = 0
try {
  for (const [i, { model, tokenizer }] of cases.entries()) {
    mkdirSync(join(root, `${i}`))
    await models.savePretrained(join(root, `${i}/saved`), { model, tokenizer })
  }
  writeFileSync(
    join(root, 'work.json'),
    JSON.stringify({ texts, pairs, longest: LONGEST, count: cases.length }),
  )
  const script = fileURLToPath(new URL('python_text.py', import.meta.url))
  const { status, stdout } = spawnSync(python, [script, root], {
    ...{ stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 2 ** 26 },
  })
  if (status !== 0) throw new Error(`${script} failed`)
  const theirs = JSON.parse(stdout.toString())
  for (const [i, { name, ...ours }] of cases.entries()) {
    const here = resultOf(ours)
    const there = theirs[i]
    const loaded = await models.fromPretrained(join(root, `${i}/back`))
    const back = resultOf(loaded)
    const wrong = [
      ...there.keys,
      ...loaded.info.fresh,
      ...loaded.info.unused,
      ...(sameIds(there, here) ? [] : ['other ids there']),
      ...(same(back.ids, here.ids) && same(back.types, here.types) ? [] : ['other ids back']),
      ...(same(there.labels, loaded.config.labels) && same(there.labels, ours.model.config.labels)
        ? []
        : ['other labels']),
    ]
    const errors = [apart(there.logits, here.logits), apart(back.logits, there.logits)]
    const good = Math.max(...errors) < BAR && wrong.length === 0
    if (!good) failed++
    const [far, near] = errors.map((e) => e.toExponential(1))
    console.log(
      `${good ? 'ok    ' : 'FAILED'} ${name}: ${there.tokenizer}, there ${far}, back ${near} ${wrong.join(', ')}`,
    )
  }
} finally {
  rmSync(root, { recursive: true })
}
console.log(`${cases.length - failed} passed, ${failed} failed`)
process.exit(failed > 0 ? 1 : 0)
