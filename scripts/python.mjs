// npm run check:python: what savePretrained writes loads in Python's transformers without missing or unexpected keys and
// with the same logits, and what transformers writes of it loads here again. PYTHON names a Python that has transformers.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readBytes } from '../dist/files/index.js'
import * as models from '../dist/files/models/index.js'
import { readSafetensors, writeSafetensors } from '../dist/formats/safetensors/index.js'
import { manualSeed, noGrad, randn, tensor } from '../dist/index.js'

const BAR = 1e-5
const python = process.env.PYTHON
const has = python && spawnSync(python, ['-c', 'import transformers, torch, safetensors']).status === 0
if (!has) {
  console.log(
    `check:python skipped: ${python ? `${python} has no transformers` : 'set PYTHON to a Python that has transformers'}`,
  )
  process.exit(0)
}

const size = { vocabSize: 43, width: 20, layers: 2, heads: 4, inner: 36, maxLength: 12 }
const labels = ['no', 'yes', 'perhaps']
// A near layer sees 5 of 9 words.
const rotary = { theta: 500, nearTheta: 30, window: 4, every: 2, near: null }
const deberta = { relative: { buckets: 4, farthest: null } }
const modern = { heads: 2, layers: 3, padId: 0, rotary }
const bottleneck = {
  ...{ inside: 8, narrowValues: false, networks: 4, plainNorms: true, neighbours: true, pooler: false },
}
const cases = [
  ['Bert', {}],
  ['BertForSequenceClassification', { labels }],
  ['BertForSequenceClassification', { labels: ['score'], problemType: 'regression', activation: 'relu' }],
  ['BertForMaskedLM', {}],
  ['BertForMaskedLM', { tied: false, eps: 1e-5, activation: 'gelu_new' }],
  ['BertForTokenClassification', { labels, heads: 5, tokenTypes: 3, padId: 2 }],
  ['DistilBert', {}],
  ['DistilBertForSequenceClassification', { labels, headDropout: 0 }],
  ['DistilBertForMaskedLM', {}],
  ['DistilBertForMaskedLM', { tied: false, activation: 'gelu_pytorch_tanh' }],
  ['DistilBertForTokenClassification', { labels }],
  ['Roberta', {}],
  ['RobertaForSequenceClassification', { labels, eps: 1e-5 }],
  ['RobertaForMaskedLM', { padId: 4 }],
  ['RobertaForMaskedLM', { tied: false, activation: 'relu' }],
  ['RobertaForTokenClassification', { labels }],
  ['Electra', { embedding: 6 }],
  ['Electra', { embedding: 20 }],
  ['ElectraForSequenceClassification', { labels, embedding: 6 }],
  ['ElectraForMaskedLM', { embedding: 6 }],
  ['ElectraForMaskedLM', { embedding: 6, tied: false }],
  ['ElectraForTokenClassification', { labels, embedding: 6 }],
  ['Albert', { embedding: 6 }],
  ['AlbertForSequenceClassification', { labels, embedding: 20 }],
  ['AlbertForMaskedLM', { embedding: 6 }],
  ['AlbertForMaskedLM', { embedding: 6, tied: false }],
  ['AlbertForTokenClassification', { labels, embedding: 6 }],
  ['MPNet', {}],
  ['MPNetForSequenceClassification', { labels }],
  ['MPNetForMaskedLM', {}],
  ['MPNetForMaskedLM', { tied: false, eps: 1e-5 }],
  ['MPNetForTokenClassification', { labels }],
  ['Gpt2', {}],
  ['Gpt2LMHeadModel', {}],
  ['Gpt2LMHeadModel', { tied: false, activation: 'gelu', eps: 1e-6 }],
  ['Gpt2ForTokenClassification', { labels }],
  ['ModernBert', modern],
  ['ModernBertForSequenceClassification', { ...modern, labels }],
  ['ModernBertForSequenceClassification', { ...modern, labels, textState: 'mean', activation: 'silu' }],
  ['ModernBertForMaskedLM', modern],
  ['ModernBertForMaskedLM', { ...modern, tied: false, eps: 1e-6 }],
  [
    'ModernBertForTokenClassification',
    { ...modern, labels, rotary: { ...rotary, near: [false, true, false] } },
  ],
  ['DebertaV2', deberta],
  ['DebertaV2ForSequenceClassification', { ...deberta, labels }],
  ['DebertaV2ForMaskedLM', { ...deberta, relative: { buckets: 8, farthest: 6 } }],
  ['DebertaV2ForMaskedLM', { ...deberta, tied: false }],
  ['DebertaV2ForTokenClassification', { ...deberta, labels }],
  ['MobileBert', { embedding: 6, bottleneck: { ...bottleneck, pooler: true } }],
  ['MobileBertForSequenceClassification', { embedding: 6, labels, bottleneck }],
  [
    'MobileBertForSequenceClassification',
    { embedding: 6, labels, bottleneck: { ...bottleneck, pooler: true } },
  ],
  [
    'MobileBertForSequenceClassification',
    {
      ...{ embedding: 20, labels, activation: 'gelu' },
      bottleneck: { ...bottleneck, narrowValues: true, networks: 1, plainNorms: false },
    },
  ],
  ['MobileBertForMaskedLM', { embedding: 6, bottleneck }],
  ['MobileBertForMaskedLM', { embedding: 6, tied: false, bottleneck: { ...bottleneck, networks: 2 } }],
  [
    'MobileBertForTokenClassification',
    { embedding: 6, labels, bottleneck: { ...bottleneck, inside: null, neighbours: false } },
  ],
]

const lengths = [9, 4, 1]
const rows = (value) =>
  tensor(
    lengths.map((n, b) => Array.from({ length: 9 }, (_, t) => (t < n ? value(b, t) : 0))),
    { dtype: 'int32' },
  )
const input = {
  inputIds: rows((b, t) => 3 + ((7 * b + 5 * t) % 40)),
  attentionMask: rows(() => 1),
  tokenTypeIds: rows((_, t) => (t > 4 ? 1 : 0)),
}
const mask = input.attentionMask.data
const resultOf = (model) =>
  noGrad(() => {
    const out = model.forward(input)
    return out.logits ?? out.lastHiddenState
  })

const root = mkdtempSync(join(tmpdir(), 'tinystill-python-'))
let failed = 0
try {
  const ours = []
  const classes = new Map(Object.entries(models))
  for (const [i, [name, settings]] of cases.entries()) {
    manualSeed(i)
    const model = new (classes.get(name))({ ...size, ...settings }).eval()
    for (const p of model.parameters()) p.set(randn(p.shape).mul(0.3).add(p).data)
    const folder = join(root, `${i}`)
    await models.savePretrained(folder, { model })
    mkdirSync(join(folder, 'check'))
    writeFileSync(
      join(folder, 'check/in.safetensors'),
      writeSafetensors([...Object.entries(input), ['result', resultOf(model)]]),
    )
    ours.push(resultOf(model))
  }
  const script = fileURLToPath(new URL('python.py', import.meta.url))
  const { status, stdout } = spawnSync(python, [script, root], { stdio: ['ignore', 'pipe', 'inherit'] })
  if (status !== 0) throw new Error(`${script} failed`)
  const there = JSON.parse(stdout.toString())
  for (const [i, [name, settings]] of cases.entries()) {
    const back = await models.fromPretrained(join(root, `${i}/back`))
    const theirs = readSafetensors(readBytes(join(root, `${i}/check/out.safetensors`))).tensors.get('result')
    // What a word of padding gets, which may see no other one, is nobody's business.
    const isWord = (t, k) => t.rank < 3 || mask[Math.floor(k / t.shape[2])] === 1
    // States grow without norms: beyond 1 errors are shares of the largest.
    const apart = (a, b) => {
      const scale = b.data.reduce((most, x, k) => (isWord(b, k) ? Math.max(most, Math.abs(x)) : most), 1)
      const errors = a.data.map((x, k) => (isWord(b, k) ? Math.abs(x - b.data[k]) : 0))
      return errors.reduce((worst, e) => Math.max(worst, e), 0) / scale
    }
    const errors = { there: apart(theirs, ours[i]), back: apart(resultOf(back.model), theirs) }
    const keys = [...there[i].keys, ...back.info.fresh, ...back.info.unused]
    const sameLabels = there[i].labels === null || there[i].labels.join() === back.config.labels.join()
    const good = Math.max(...Object.values(errors)) < BAR && keys.length === 0 && sameLabels
    if (!good) failed++
    const figures = Object.entries(errors).map(([way, e]) => `${way} ${e.toExponential(1)}`)
    console.log(
      `${good ? 'ok    ' : 'FAILED'} ${name} ${JSON.stringify(settings)}: ${figures.join(', ')} ${keys.join(' ')}`,
    )
  }
} finally {
  rmSync(root, { recursive: true })
}
console.log(`${cases.length - failed} passed, ${failed} failed`)
process.exit(failed > 0 ? 1 : 0)
