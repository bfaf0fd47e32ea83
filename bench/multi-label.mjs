// A multi-label teacher distilled into a student, here and in PyTorch, with the same data, weights at the start and settings:
// usage: node bench/multi-label.mjs [python] (built first: npm run build). The macro F1 of both students on the test rows.
// Texts are made of invented words; a text is of a class by three of the class's words, one of them told in noise.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const python = process.argv[2] ?? 'python3'
const folder = mkdtempSync(join(tmpdir(), 'multi-label-'))
const at = (name) => join(folder, name)
const cli = (...args) =>
  execFileSync(process.execPath, [join(here, '../dist/cli/bin.js'), ...args, '--quiet', '--json'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })

let state = 12345
const draw = (n) => {
  state = (Math.imul(state, 1103515245) + 12345) >>> 0
  return Math.floor((state / 2 ** 32) * n)
}
const syllables = ['ba', 'ko', 'li', 'mu', 'ne', 'pra', 'su', 'to', 'vi', 'za']
const word = (k) => [k % 10, Math.floor(k / 10) % 10, (k * 7) % 10].map((i) => syllables[i]).join('')
const classes = ['joy', 'fear', 'anger', 'news', 'spam']
const share = [40, 30, 25, 15, 10]
const words = Array.from({ length: 400 }, (_, k) => word(k))
function row() {
  const labels = classes.filter((_, c) => draw(100) < share[c])
  const told = labels.flatMap((name) => [0, 1].map(() => words[300 + 15 * classes.indexOf(name) + draw(15)]))
  // Of each class three in a hundred are told wrong, as people's are.
  const noisy = classes.filter((name) => labels.includes(name) !== draw(100) < 3)
  // All of one length: batches of like length would otherwise be batches of like labels.
  const text = [...told, ...Array.from({ length: 14 - told.length }, () => words[draw(300)])]
  for (let i = text.length - 1; i > 0; i--) {
    const j = draw(i + 1)
    ;[text[i], text[j]] = [text[j], text[i]]
  }
  return JSON.stringify({ text: text.join(' '), labels: noisy })
}
for (const [name, n] of Object.entries({ train: 4000, test: 1500 }))
  writeFileSync(at(`${name}.jsonl`), Array.from({ length: n }, row).join('\n'))
const config = (layers, width) =>
  JSON.stringify({
    ...{ model_type: 'distilbert', dim: width, n_layers: layers, n_heads: 2, hidden_dim: 2 * width },
    ...{
      max_position_embeddings: 64,
      dropout: 0,
      attention_dropout: 0,
      seq_classif_dropout: 0,
      initializer_range: 0.1,
    },
  })
writeFileSync(at('teacher.json'), config(2, 64))
writeFileSync(at('student.json'), config(1, 32))
const data = ['--train', at('train.jsonl')]
cli(
  ...['train', '--task', 'multi-label', '--model', at('teacher.json'), ...data, '--out', at('teacher')],
  ...['--epochs', '8', '--lr', '2e-3', '--vocab-size', '600', '--max-length', '64'],
)
// The student's first weights as a folder, for both sides: a training of rate 0.
cli(
  ...['train', '--task', 'multi-label', '--model', at('student.json'), '--tokenizer', at('teacher'), ...data],
  ...['--out', at('start'), '--epochs', '1', '--lr', '0', '--max-length', '64', '--keep', 'last'],
)
const settings = {
  T: 2,
  alpha: 0.7,
  epochs: 8,
  lr: 2e-3,
  batchSize: 32,
  warmup: 0.1,
  weightDecay: 0.01,
  seeds: 3,
}
writeFileSync(at('settings.json'), JSON.stringify(settings))
const { T, alpha, seeds, ...fit } = settings
writeFileSync(at('plan.json'), JSON.stringify({ ...fit, keep: 'last' }))
const ours = JSON.parse(
  cli(
    ...[
      'distill',
      '--recipe',
      'hinton',
      '--teacher',
      at('teacher'),
      '--student',
      at('start'),
      ...data,
      '--baseline',
    ],
    ...[
      '--test',
      at('test.jsonl'),
      '--out',
      at('student'),
      '--T',
      `${T}`,
      '--alpha',
      `${alpha}`,
      '--seeds',
      `${seeds}`,
    ],
    ...['--config', at('plan.json'), '--max-length', '64', '--force'],
  ),
)
const theirs = JSON.parse(
  execFileSync(python, [join(here, 'peers/multi_label.py'), folder], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }),
)
const f1 = (name) => ours.models[name].seeds.map((s) => s.macroF1)
const mean = (x) => x.reduce((a, b) => a + b, 0) / x.length
const shown = (x) => `${(100 * mean(x)).toFixed(2)}% (${x.map((v) => (100 * v).toFixed(2)).join(', ')})`
console.log(
  `macro F1 on ${readFileSync(at('test.jsonl'), 'utf8').split('\n').length} rows, mean of ${seeds} seeds`,
)
console.log(`teacher    tinystill ${shown(f1('teacher'))}   PyTorch ${shown([theirs.teacher])}`)
console.log(`alone      tinystill ${shown(f1('alone'))}   PyTorch ${shown(theirs.alone)}`)
console.log(`distilled  tinystill ${shown(f1('distilled'))}   PyTorch ${shown(theirs.distilled)}`)
