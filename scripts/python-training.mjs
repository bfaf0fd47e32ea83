// Part of npm run check:python: what tinystill export-training writes trains in PyTorch as distill trains it here, in one
// process, in two and under accelerate; its student loads here; and what is torn, foreign or missing is told in one line.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { predict } from '../dist/distill/index.js'
import * as models from '../dist/files/models/index.js'
import { readSafetensors } from '../dist/formats/safetensors/index.js'
import { manualSeed, randn } from '../dist/index.js'
import { textData, trainWordPiece } from '../dist/text/index.js'

/** Between PyTorch and this package, and between one process and two. */
const [BAR, PROCESSES] = [1e-4, 1e-5]
const python = process.env.PYTHON
// python.mjs has said why it skipped.
if (!python || spawnSync(python, ['-c', 'import transformers, torch, safetensors']).status !== 0)
  process.exit(0)
const accelerate = spawnSync(python, ['-c', 'import accelerate']).status === 0

const path = (name) => fileURLToPath(new URL(name, import.meta.url))
const [half, tinystill] = [path('python_training.py'), path('../dist/cli/bin.js')]
const root = mkdtempSync(join(tmpdir(), 'tinystill-training-'))
const at = (name) => join(root, name)
// One thread a process, as torchrun has it.
const env = { ...process.env, OMP_NUM_THREADS: '1', PYTHONDONTWRITEBYTECODE: '1' }
const call = (command, args, input) =>
  spawnSync(command, args, { input, env, encoding: 'utf8', maxBuffer: 2 ** 28 })
const mustDo = (command, args, input) => {
  const done = call(command, args, input)
  if (done.status !== 0) throw new Error(`${args.join(' ')} failed: ${done.stderr}${done.stdout}`)
  return done.stdout
}
const ours = (...args) => mustDo(process.execPath, [tinystill, ...args, '--quiet'])

let failed = 0
function tell(good, what) {
  if (!good) failed++
  console.log(`${good ? 'ok    ' : 'FAILED'} training: ${what}`)
}
const apart = (a, b) => a.reduce((worst, x, i) => Math.max(worst, Math.abs(x - b[i])), 0)

const texts = Array.from(
  { length: 200 },
  (_, i) =>
    `the ${['film', 'story', 'cast'][i % 3]} ${i} was ${i % 2 ? 'fine' : 'dull'}${' and so on'.repeat(i % 4)}`,
)
const tokenizer = trainWordPiece(texts, { size: 120, minCount: 1 })
const classes = ['bad', 'good', 'so so']
const labels = {
  single_label_classification: (i) => classes[i % 3],
  multi_label_classification: (i) => classes.filter((_, c) => (i >> c) % 2 === 1).join(',') || 'bad',
  regression: (i) => `${(i % 7) / 3}`,
}
const config = (layers) => ({
  ...{ model_type: 'bert', hidden_size: 16, num_hidden_layers: layers, num_attention_heads: 2 },
  ...{
    intermediate_size: 24,
    max_position_embeddings: 40,
    hidden_dropout_prob: 0,
    attention_probs_dropout_prob: 0,
  },
})

async function writeTeacher(name, problemType) {
  manualSeed(1)
  const own = problemType === 'regression' ? ['score'] : classes
  const size = {
    vocabSize: tokenizer.vocabSize,
    width: 16,
    layers: 2,
    heads: 2,
    inner: 24,
    maxLength: 40,
    dropout: 0,
    attentionDropout: 0,
  }
  const model = new models.BertForSequenceClassification({ ...size, labels: own, problemType }).eval()
  for (const p of model.parameters()) p.set(randn(p.shape).mul(0.2).add(p).data)
  await models.savePretrained(at(name), { model, tokenizer })
  const rows = (from, to) =>
    texts
      .slice(from, to)
      .map((text, i) => `${text}\t${labels[problemType](i)}`)
      .join('\n')
  writeFileSync(at(`${name}.train.tsv`), rows(0, 90))
  writeFileSync(at(`${name}.dev.tsv`), rows(70, 120))
}

/** Losses, rates and norms of the steps, model by model. */
const stepsOf = (folder, names) =>
  readFileSync(join(folder, 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .filter(({ type, model }) => type === 'step' && (names === null || names.includes(model)))
    .flatMap(({ loss, lr, gradNorm }) => [loss, lr, gradNorm])
const scoresOf = (folder) =>
  readFileSync(join(folder, 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .filter(({ type }) => type === 'evaluation')
    .map(({ score }) => score)
const weightsOf = (folder) => readSafetensors(readFileSync(join(folder, 'model.safetensors'))).tensors
/** The keys' biases change nothing of attention: their gradients are rounding, of which Adam makes steps. */
const weightsApart = (a, b) => {
  const [x, y] = [weightsOf(a), weightsOf(b)]
  return Math.max(
    ...[...x]
      .filter(([name]) => !name.endsWith('key.bias'))
      .map(([name, t]) => apart(t.data, y.get(name).data)),
  )
}
const logitsHere = async (folder) => {
  const { model } = await models.fromPretrained(folder)
  return Array.from(predict(model, textData(texts, null, tokenizer, 40)))
}

/** Trained here and handed over, by the same options. */
function both(name, teacher, ...own) {
  const options = [
    ...['--teacher', at(teacher), '--train', at(`${teacher}.train.tsv`), '--dev', at(`${teacher}.dev.tsv`)],
    ...['--steps', '20', '--batch-size', '16', '--augment', '0', '--force', ...own],
  ]
  ours('distill', ...options, '--out', at(`${name}-ours`))
  ours('export-training', ...options, '--out', at(name))
}

const train = (name) => join(at(name), 'train.py')
const single = (name) => [train(name), '--out', at(`${name}-1`)]
/** Exit status and words of train.py, line after line in one process. */
const trainAll = (lines) => JSON.parse(mustDo(python, [half, 'train'], JSON.stringify(lines)))

async function compare(name, what, near = 1e-6) {
  const [here, there] = [at(`${name}-ours`), at(`${name}-1`)]
  const steps = [stepsOf(here, null), stepsOf(there, null)]
  const differ = [apart(steps[0], steps[1]), weightsApart(here, there)]
  const logits = apart(await logitsHere(here), await logitsHere(there))
  const good =
    steps[0].length === steps[1].length && steps[0].length >= 60 && Math.max(...differ, logits) < BAR
  const figures = ['losses, rates, norms', 'weights', 'logits'].map(
    (of, i) => `${of} ${[...differ, logits][i].toExponential(1)}`,
  )
  tell(good, `${what}, ${steps[0].length / 3} steps beside ours: ${figures.join(', ')}`)
  const scores = apart(scoresOf(here), scoresOf(there))
  tell(scores < near || scoresOf(here).every(Number.isNaN), `${what}: the same score on dev`)
}

try {
  for (const [name, problemType] of [
    ['teacher', 'single_label_classification'],
    ['sets', 'multi_label_classification'],
    ['numbers', 'regression'],
  ])
    await writeTeacher(name, problemType)
  writeFileSync(at('student.json'), JSON.stringify(config(1)))
  writeFileSync(
    at('more.txt'),
    texts
      .slice(60)
      .map((text) => `${text} more`)
      .join('\n'),
  )
  const student = ['--student', at('student.json')]

  both('hinton', 'teacher', '--recipe', 'hinton', ...student, '--transfer', at('more.txt'), '--alpha', '0.7')
  const odd = { accumulate: 2, clip: 'each', maxNorm: 0.2, schedule: 'cosine', lr: 1e-3, decayAll: true }
  writeFileSync(at('odd.json'), JSON.stringify(odd))
  both('annealing', 'teacher', '--recipe', 'annealing', '--from-layers', '0', '--config', at('odd.json'))
  const two = { generations: 2, controls: false, ensemble: false, alpha: 0.8 }
  writeFileSync(at('two.json'), JSON.stringify(two))
  both('born', 'teacher', '--recipe', 'born-again', '--config', at('two.json'))
  for (const name of ['sets', 'numbers'])
    both(`${name}-student`, name, '--recipe', 'hinton', ...student, '--alpha', '0.6')
  const trained = ['hinton', 'annealing', 'born', 'sets-student', 'numbers-student']
  for (const [status, words] of trainAll(trained.map(single))) if (status !== 0) throw new Error(words)
  await compare('hinton', 'hinton')
  await compare('annealing', 'annealing with rates by layer, two batches a step, each gradient clipped')
  await compare('born', 'born-again, two generations')
  await compare('sets-student', 'hinton on sets')
  // Of answers that are nearly equal rounding decides which comes first.
  await compare('numbers-student', 'hinton on numbers', 0.01)

  // Several processes.
  const torchrun = ['-m', 'torch.distributed.run', '--nproc-per-node', '2']
  mustDo(python, [...torchrun, train('annealing'), '--out', at('annealing-2'), '--device', 'cpu'])
  const pair = ['annealing-1', 'annealing-2'].map(at)
  const differ = [apart(...pair.map((folder) => stepsOf(folder, null))), weightsApart(...pair)]
  const [steps, weights] = differ.map((x) => x.toExponential(1))
  tell(Math.max(...differ) < PROCESSES, `two processes: losses ${steps}, weights ${weights} from one`)
  if (!accelerate) console.log('without accelerate launch: it takes accelerate')
  else {
    mustDo(python, [
      '-m',
      'accelerate.commands.launch',
      '--cpu',
      '--num_processes',
      '1',
      train('hinton'),
      '--out',
      at('hinton-a'),
      '--device',
      'cpu',
    ])
    tell(weightsApart(at('hinton-1'), at('hinton-a')) === 0, 'under accelerate launch to the bit')
  }

  // Killed after an epoch, and gone on with.
  const [checkpoint, killed] = [at('born-killed/checkpoint.pt'), [train('born'), '--out', at('born-killed')]]
  const child = spawn(python, killed, { env, stdio: 'ignore' })
  const ended = once(child, 'exit')
  while (child.exitCode === null && !existsSync(checkpoint)) await setTimeout(5)
  child.kill('SIGKILL')
  await ended
  const torn = call(python, killed)
  tell(
    torn.status === 1 && /train: .*born-killed: holds a training that was ended/.test(torn.stderr),
    'a training that was killed is not begun anew by chance',
  )
  mustDo(python, [...killed, '--resume'])
  const resumed = [stepsOf(at('born-1'), null), stepsOf(at('born-killed'), null)]
  tell(
    weightsApart(at('born-1'), at('born-killed')) === 0 &&
      apart(...resumed) === 0 &&
      resumed[0].length === resumed[1].length,
    'it goes on to the same bits',
  )

  // Its result, in Python and here.
  const answers = JSON.parse(
    mustDo(python, [half, 'answer', at('hinton-1'), at('annealing-1')], JSON.stringify(texts)),
  )
  for (const [i, name] of ['hinton-1', 'annealing-1'].entries()) {
    const differ = apart(answers[i].flat(), await logitsHere(at(name)))
    tell(differ < 1e-5, `${name} loads here: logits ${differ.toExponential(1)} from Python's`)
  }
  ours('eval', '--model', at('hinton-1'), '--data', at('teacher.dev.tsv'))

  // What is wrong.
  const bad = (name, change) => {
    cpSync(at('hinton'), at(name), { recursive: true })
    change(at(name))
    return [train(name), '--out', at(`${name}-out`)]
  }
  const foreign = (folder) => {
    const file = join(folder, 'cache/cache.json')
    writeFileSync(file, readFileSync(file, 'utf8').replace(/"weights": "\w{4}/, '"weights": "0000'))
  }
  const fewer = (folder) => {
    const plan = JSON.parse(readFileSync(join(folder, 'plan.json'), 'utf8'))
    rmSync(join(folder, 'cache'), { recursive: true })
    ours('label', '--teacher', at('teacher'), '--data', at('more.txt'), '--out', join(folder, 'cache'))
    writeFileSync(join(folder, 'plan.json'), JSON.stringify(plan))
  }
  const cases = [
    [/cache: is of another teacher: teacher.weights is 0000/, bad('foreign', foreign)],
    [
      /shard-00000.safetensors: its (keys' )?SHA-256|is torn/,
      bad('torn', (f) => truncateSync(join(f, 'cache/shard-00000.safetensors'), 900)),
    ],
    [
      /shard-00000.safetensors: cannot be read/,
      bad('lost', (f) => rmSync(join(f, 'cache/shard-00000.safetensors'))),
    ],
    [/transfer.safetensors: is missing/, bad('missing', (f) => rmSync(join(f, 'data/transfer.safetensors')))],
    [
      /student-0\/model.safetensors: has changed/,
      bad('changed', (f) => truncateSync(join(f, 'student-0/model.safetensors'), 500)),
    ],
    [/data\/transfer.jsonl:1: 90 of 230 rows are not in/, bad('fewer', fewer)],
    [/hinton-1: holds a model already/, [train('hinton'), '--out', at('hinton-1')]],
  ]
  const before = readFileSync(join(at('hinton-1'), 'model.safetensors'), 'hex')
  for (const [i, [status, words]] of trainAll(cases.map(([, args]) => args)).entries()) {
    const lines = words.split('\n').filter((line) => line.startsWith('train: '))
    const good = status === 1 && lines.length === 1 && cases[i][0].test(lines[0])
    tell(good, (lines[0] ?? words).replaceAll(root, ''))
  }
  tell(
    readFileSync(join(at('hinton-1'), 'model.safetensors'), 'hex') === before,
    'what was trained before is as it was',
  )
} finally {
  rmSync(root, { recursive: true })
}
console.log(`training: ${failed} failed`)
process.exit(failed > 0 ? 1 : 0)
