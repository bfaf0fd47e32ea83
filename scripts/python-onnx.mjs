// Part of npm run check:python: what exportOnnx() writes passes onnx.checker, and in onnxruntime gives our logits, at six
// shapes; what torch.onnx.export writes is read here. PYTHON names a Python that has onnx and onnxruntime.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readBytes } from '../dist/files/index.js'
import * as models from '../dist/files/models/index.js'
import { importOnnx } from '../dist/files/onnx/import.js'
import { readSafetensors, writeSafetensors } from '../dist/formats/safetensors/index.js'
import { manualSeed, nn, noGrad, randn, tensor } from '../dist/index.js'

const python = process.env.PYTHON
if (!python || spawnSync(python, ['-c', 'import onnx, onnxruntime']).status !== 0) {
  console.log('check:python skipped for ONNX: set PYTHON to a Python that has onnx and onnxruntime')
  process.exit(0)
}

/** Largest difference of a logit, by how weights are stored; of float16 and of whole numbers beside the float model's. */
const bars = { fp32: 1e-5, fp16: 2e-2, q8: 0.2 }
const size = { vocabSize: 43, width: 32, layers: 2, heads: 4, inner: 48, maxLength: 40 }
const labels = ['no', 'yes', 'perhaps']
const own = { vocabSize: 43, classes: 3, layers: 2, maxLength: 40, padId: 0, width: 32, heads: 4 }
// A near layer sees 9 of 40 words.
const rotary = { theta: 500, nearTheta: 30, window: 8, every: 2, near: null }
const deberta = { relative: { buckets: 8, farthest: 30 } }
const modern = { layers: 3, padId: 0, rotary }
const mobile = {
  ...{ embedding: 10, activation: 'relu' },
  bottleneck: {
    ...{ inside: 16, narrowValues: false, networks: 4, plainNorms: true, neighbours: true, pooler: false },
  },
}
const cases = [
  ['Bert', {}],
  ['BertForSequenceClassification', { labels }],
  ['BertForSequenceClassification', { labels: ['score'], problemType: 'regression', activation: 'relu' }],
  [
    'BertForSequenceClassification',
    { labels, problemType: 'multi_label_classification', activation: 'gelu_new' },
  ],
  ['BertForMaskedLM', {}],
  ['BertForMaskedLM', { tied: false, activation: 'silu' }],
  ['BertForTokenClassification', { labels, activation: 'quick_gelu' }],
  ['DistilBert', { activation: 'mish' }],
  ['DistilBertForSequenceClassification', { labels }],
  ['DistilBertForMaskedLM', { activation: 'relu6' }],
  ['DistilBertForTokenClassification', { labels, activation: 'tanh' }],
  ['RobertaForSequenceClassification', { labels, padId: 4 }],
  ['RobertaForMaskedLM', { activation: 'relu' }],
  ['ElectraForSequenceClassification', { labels, embedding: 10 }],
  ['ElectraForMaskedLM', { embedding: 10 }],
  ['AlbertForSequenceClassification', { labels, embedding: 10, layers: 3 }],
  ['AlbertForMaskedLM', { embedding: 10 }],
  ['MPNetForSequenceClassification', { labels }],
  ['MPNet', {}],
  ['ModernBertForSequenceClassification', { ...modern, labels }],
  ['ModernBertForSequenceClassification', { ...modern, labels, textState: 'mean' }],
  ['ModernBertForMaskedLM', { ...modern, tied: false }],
  ['ModernBertForTokenClassification', { ...modern, labels }],
  ['DebertaV2ForSequenceClassification', { ...deberta, labels }],
  ['DebertaV2ForMaskedLM', { ...deberta, tied: false }],
  ['DebertaV2', deberta],
  ['MobileBertForSequenceClassification', { ...mobile, labels }],
  [
    'MobileBertForSequenceClassification',
    {
      ...{ ...mobile, labels },
      bottleneck: { ...mobile.bottleneck, narrowValues: true, plainNorms: false, networks: 1, pooler: true },
    },
  ],
  ['MobileBertForMaskedLM', mobile],
  ['MobileBertForMaskedLM', { ...mobile, tied: false, bottleneck: { ...mobile.bottleneck, networks: 2 } }],
  [
    'MobileBertForTokenClassification',
    { ...mobile, labels, bottleneck: { ...mobile.bottleneck, inside: null, neighbours: false } },
  ],
  ['MobileBert', mobile],
  ['BiLstmForSequenceClassification', { layers: 1, heads: 1, embedding: 10, labels }],
  ['TextClassifier', own],
  ['TextClassifier', { ...own, norm: 'pre', activation: 'sigmoid' }],
]
const shapes = [[1], [16], [40], [9, 4, 1], [3, 3], [40, 7, 22, 1, 13, 40, 2, 30]]

const rows = (lengths, value) =>
  tensor(
    lengths.map((n, b) => Array.from({ length: Math.max(...lengths) }, (_, t) => (t < n ? value(b, t) : 0))),
    { dtype: 'int32' },
  )
const inputs = shapes.map((lengths) => ({
  inputIds: rows(lengths, (b, t) => 3 + ((7 * b + 5 * t) % 40)),
  attentionMask: rows(lengths, () => 1),
  tokenTypeIds: rows(lengths, (_, t) => (t > 4 ? 1 : 0)),
}))
const resultOf = (model, input) =>
  noGrad(() => {
    const out = model.forward(input)
    return out.logits ?? out.lastHiddenState
  })

const classes = new Map(Object.entries(models))
const root = mkdtempSync(join(tmpdir(), 'tinystill-onnx-'))
let failed = 0
try {
  const work = []
  for (const [i, [name, settings]] of cases.entries()) {
    manualSeed(i)
    const Class = classes.get(name)
    const model = new Class(name === 'TextClassifier' ? settings : { ...size, ...settings }).eval()
    for (const p of model.parameters()) p.set(randn(p.shape).mul(0.1).add(p).data)
    const folder = join(root, `${i}`)
    mkdirSync(folder)
    const results = inputs.map((input) => resultOf(model, input))
    writeFileSync(join(folder, 'fp32.onnx'), models.exportOnnx(model))
    writeFileSync(join(folder, 'fp16.onnx'), models.exportOnnx(model, { dtype: 'fp16' }))
    writeFileSync(join(folder, 'q8.onnx'), models.exportOnnx(nn.quantize(model)))
    const ours = inputs.map((input) => resultOf(model, input))
    inputs.forEach((input, s) => {
      writeFileSync(join(folder, `${s}.safetensors`), writeSafetensors(Object.entries(input)))
    })
    work.push({ name: `${name} ${JSON.stringify(settings)}`, results, int8: ours })
  }
  const script = fileURLToPath(new URL('python_onnx.py', import.meta.url))
  const { status } = spawnSync(python, [script, root, `${cases.length}`, `${shapes.length}`], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  if (status !== 0) throw new Error(`${script} failed`)
  for (const [i, { name, results, int8 }] of work.entries()) {
    const worst = { fp32: 0, fp16: 0, q8: 0, 'q8 to our int8': 0 }
    for (let s = 0; s < shapes.length; s++) {
      // What a word of padding gets, which may see no other one, is nobody's business.
      const mask = inputs[s].attentionMask.data
      const isWord = (t, k) => t.rank < 3 || mask[Math.floor(k / t.shape[2])] === 1
      const apart = (a, b) =>
        a.data.reduce((most, x, k) => (isWord(b, k) ? Math.max(most, Math.abs(x - b.data[k])) : most), 0)
      const { tensors } = readSafetensors(readBytes(join(root, `${i}/${s}.out.safetensors`)))
      for (const dtype of Object.keys(bars))
        worst[dtype] = Math.max(worst[dtype], apart(tensors.get(dtype), results[s]))
      worst['q8 to our int8'] = Math.max(worst['q8 to our int8'], apart(tensors.get('q8'), int8[s]))
    }
    const good = Object.entries(bars).every(([dtype, bar]) => worst[dtype] < bar)
    if (!good) failed++
    const figures = Object.entries(worst).map(([dtype, e]) => `${dtype} ${e.toExponential(1)}`)
    console.log(`${good ? 'ok    ' : 'FAILED'} ${name}: ${figures.join(', ')}`)
  }

  if (spawnSync(python, ['-c', 'import torch, transformers, onnxscript']).status !== 0)
    console.log('without what torch.onnx.export writes: it takes torch, transformers and onnxscript')
  else
    for (const name of ['BertForSequenceClassification', 'DistilBertForSequenceClassification']) {
      const folder = join(root, name)
      manualSeed(7)
      const model = new (classes.get(name))({ ...size, labels }).eval()
      for (const p of model.parameters()) p.set(randn(p.shape).mul(0.1).add(p).data)
      await models.savePretrained(join(folder, 'model'), { model })
      const importer = fileURLToPath(new URL('python_onnx_import.py', import.meta.url))
      const made = spawnSync(python, [importer, folder], { stdio: ['ignore', 'ignore', 'pipe'] })
      if (made.status !== 0) throw new Error(`${importer} failed: ${made.stderr}`)
      for (const way of ['dynamo', 'script-14', 'script-18']) {
        const out = join(folder, way, 'back')
        const found = importOnnx({
          file: join(folder, way, 'model.onnx'),
          out,
          config: join(folder, 'model'),
        })
        const { model: back } = await models.fromPretrained(out)
        const there = back.stateDict()
        const same = [...model.stateDict()].every(([key, t]) =>
          t.data.every((x, i) => x === there.get(key).data[i]),
        )
        if (!same) failed++
        const { producer, opset } = found
        console.log(
          `${same ? 'ok    ' : 'FAILED'} import of ${name}, ${way}: ${producer}, opset ${opset}, to the bit`,
        )
      }
    }
} finally {
  rmSync(root, { recursive: true })
}
console.log(`${failed} failed`)
process.exit(failed > 0 ? 1 : 0)
