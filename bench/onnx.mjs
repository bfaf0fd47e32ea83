// npm run check:onnx: a model's folder, exported in each dtype, in the engines that people load it with. onnxruntime-node and
// -web give our logits at six shapes; transformers.js's pipeline gives predict's probabilities; how many answers of a data file
// each dtype changes; and with PYTHON, how fast the graph is beside what torch.onnx.export makes of the same folder.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { renderTable } from '../dist/cli/shared/table.js'
import { predict } from '../dist/distill/index.js'
import { loadClassifier, readTexts } from '../dist/files/index.js'
import * as models from '../dist/files/models/index.js'
import { exportFolder } from '../dist/files/onnx/export.js'
import { manualSeed, noGrad, randn, tensor } from '../dist/index.js'
import { textData, trainWordPiece } from '../dist/text/index.js'
import { findChromium } from '../test/browser/chromium.mjs'
import { installPeers } from './install-peers.mjs'
import { fail, readArgs } from './lib/args.mjs'
import { right } from './lib/format.mjs'
import { describe, machine } from './lib/machine.mjs'
import { chromiumAnswers } from './onnx-chromium.mjs'

const args = readArgs('npm run check:onnx', 'exported models in onnxruntime and transformers.js', {
  model: { value: 'DIR', help: 'folder of a classifier; default three small ones, with random weights' },
  data: { value: 'FILE', help: 'texts whose answers are compared; default a few' },
  rows: { value: 'N', fallback: 2000, help: 'of the file, the first N; default 2000' },
})

/** Largest difference of a logit, and of a probability of transformers.js. */
const BARS = { logit: 1e-5, probability: 1e-4 }
const variants = [
  { name: 'fp32', dtype: 'fp32' },
  { name: 'fp16', dtype: 'fp16' },
  { name: 'q8', dtype: 'q8' },
  { name: 'q8, --inputs tensor', dtype: 'q8', inputs: 'tensor' },
]

const few = [
  'a fine film with a great cast',
  "Don't stop: it's 3.14, someone@example.com",
  'dull',
  'Crème brûlée, naïve façade; the total is $1,299.99!',
  'one two three four five six seven eight nine ten '.repeat(3),
  'not a weak story, and not a cold one',
]

/** Small classifiers, one a head and family. */
async function smallOnes(root) {
  const tokenizer = trainWordPiece([...few, 'the small dog sees a large cat'], { size: 120, minCount: 1 })
  const common = { vocabSize: tokenizer.vocabSize, width: 48, layers: 2, heads: 4, inner: 96, maxLength: 64 }
  const all = [
    ['BertForSequenceClassification', { labels: ['no', 'yes', 'perhaps'] }],
    ['DistilBertForSequenceClassification', { labels: ['no', 'yes'] }],
    ['BertForSequenceClassification', { labels: ['a', 'b', 'c'], problemType: 'multi_label_classification' }],
  ]
  const folders = []
  for (const [i, [name, settings]] of all.entries()) {
    manualSeed(i)
    const Class = new Map(Object.entries(models)).get(name)
    const model = new Class({ ...common, ...settings })
    for (const p of model.parameters()) p.set(randn(p.shape).mul(0.2).add(p).data)
    folders.push(join(root, `model-${i}`))
    await models.savePretrained(folders[i], { model: model.eval(), tokenizer })
  }
  return folders
}

const softmax = (row) => {
  const most = Math.max(...row)
  const powers = row.map((x) => Math.exp(x - most))
  const sum = powers.reduce((a, b) => a + b, 0)
  return powers.map((p) => p / sum)
}
const sigmoid = (row) => row.map((x) => 1 / (1 + Math.exp(-x)))
const chunks = (flat, n) =>
  Array.from({ length: flat.length / n }, (_, i) => Array.from(flat.slice(i * n, (i + 1) * n)))
const apart = (a, b) =>
  a
    .flat(3)
    .reduce(
      (most, x, i) => Math.max(most, Math.abs(x - b.flat(3)[i])),
      a.flat(3).length === b.flat(3).length ? 0 : Infinity,
    )

/** Padded ids of six shapes, and our logits for them. */
function shapesOf({ model, maxLength }) {
  const { vocabSize } = model.config
  const lengths = [[1], [16], [Math.min(64, maxLength)], [9, 4, 1], [3, 3], [40, 7, 22, 1, 13, 40, 2, 30]]
  return lengths.map((row) => {
    const ns = row.map((n) => Math.min(n, maxLength))
    const longest = Math.max(...ns)
    const fill = (value) =>
      ns.map((n, b) => Array.from({ length: longest }, (_, t) => (t < n ? value(b, t) : 0)))
    const ids = fill((b, t) => (7 + 31 * b + 17 * t * t) % vocabSize)
    const mask = fill(() => 1)
    const int32 = (values) => tensor(values, { dtype: 'int32' })
    const logits = noGrad(() => model.forward({ inputIds: int32(ids), attentionMask: int32(mask) }).logits)
    return { ids, mask, logits: Array.from(logits.data) }
  })
}

function answersOf(folder, variant, work) {
  const script = fileURLToPath(new URL('./peers/onnx_check.mjs', import.meta.url))
  const input = join(folder, 'work.json')
  writeFileSync(input, JSON.stringify(work))
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, folder, variant.dtype, input], {
    ...{ encoding: 'utf8', maxBuffer: 2 ** 28 },
  })
  if (status !== 0)
    fail(`npm run check:onnx: transformers.js failed: ${stderr.trim().split('\n').slice(-6).join('\n')}`)
  return JSON.parse(stdout)
}

const chromium = findChromium()
if (chromium === null) console.log('without Chromium: CHROMIUM names one')
let wrong = 0
const root = mkdtempSync(join(tmpdir(), 'tinystill-check-onnx-'))
try {
  installPeers()
  console.log(describe(machine()))
  const folders = args.model === undefined ? await smallOnes(root) : [resolve(args.model)]
  for (const folder of folders) {
    const loaded = loadClassifier(folder)
    const { model, tokenizer, classes, problemType, usualLength } = loaded
    const texts =
      args.data === undefined ? few : readTexts(args.data, { labels: 'none' }).texts.slice(0, args.rows)
    const data = textData(texts, null, tokenizer, usualLength)
    const ours = chunks(predict(model, data), classes.length)
    const shares = ours.map(problemType === 'multi_label_classification' ? sigmoid : softmax)
    const shapes = shapesOf(loaded)
    const best = (row) => row.indexOf(Math.max(...row))
    const rows = []
    for (const variant of variants) {
      const out = join(root, `${folders.indexOf(folder)}-${variant.name.replace(/\W+/g, '-')}`)
      exportFolder({ model: folder, out, dtype: variant.dtype, inputs: variant.inputs })
      const { versions, logits, answers } = answersOf(out, variant, { texts, shapes, classes })
      if (rows.length === 0) {
        const engines = Object.entries(versions).map((pair) => pair.join(' '))
        console.log(`\n${folder}: ${model.constructor.name}, ${engines.join(', ')}`)
      }
      const add = (engine, error, bar, changed = '') => {
        const good = variant.dtype !== 'fp32' || error < bar
        if (!good) wrong++
        rows.push([variant.name, engine, error.toExponential(1), changed, good ? '' : 'FAILED'])
      }
      for (const [engine, given] of Object.entries(logits)) {
        const want = shapes.map((shape) => shape.logits)
        add(`${engine}, a logit`, apart(given, want), BARS.logit)
      }
      const compare = (name, given) => {
        const changed = given.filter((row, i) => best(row) !== best(shares[i])).length
        add(`${name}, a probability`, apart(given, shares), BARS.probability, `${changed} of ${texts.length}`)
      }
      compare('transformers.js', answers)
      if (chromium !== null) {
        const work = { texts, dtype: variant.dtype, classes }
        compare('transformers.js in Chromium', (await chromiumAnswers(chromium, out, work)).rows)
      }
    }
    const titles = ['largest change', 'answers changed']
    console.log(renderTable([{ title: 'dtype' }, { title: 'of' }, ...titles.map(right), { title: '' }], rows))
    const python = process.env.PYTHON
    if (python && spawnSync(python, ['-c', 'import torch, onnxruntime, onnxscript']).status === 0) {
      const script = fileURLToPath(new URL('./peers/onnx_torch.py', import.meta.url))
      mkdirSync(join(root, 'torch'), { recursive: true })
      const graphs = variants.map(({ name, dtype }) => {
        const file = { fp32: 'model', fp16: 'model_fp16', q8: 'model_quantized' }[dtype]
        return `${name}=${join(root, `${folders.indexOf(folder)}-${name.replace(/\W+/g, '-')}`, 'onnx', `${file}.onnx`)}`
      })
      spawnSync(python, [script, folder, join(root, 'torch'), ...graphs], {
        stdio: ['ignore', 'inherit', 'inherit'],
      })
    } else
      console.log(
        'beside torch.onnx.export: set PYTHON to a Python that has torch, onnxruntime and onnxscript',
      )
  }
} finally {
  if (existsSync(root)) rmSync(root, { recursive: true })
}
process.exit(wrong > 0 ? 1 : 0)
