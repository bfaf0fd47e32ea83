// TinyBERT's ablation: the student of all parts, and without each in turn. docs/results/ablation.sh makes what it needs.
// usage: node scripts/ablation.mjs --teacher DIR --data DIR --text FILE --more FILE --student config.json --out DIR [--seeds 3]
//          [--settings FILE.json] [--only NAME,NAME] [--threads 1]
// The teacher is asked once for each text, whatever the number of epochs, variants and seeds; what is trained is kept under
// OUT/states, a line a variant and seed in OUT/results.jsonl, and a run that was ended goes on from there.
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { tensor } from '../dist/autograd/create.js'
import { noGrad } from '../dist/autograd/graph.js'
import { randomScope } from '../dist/autograd/random.js'
import { tidy } from '../dist/autograd/tidy.js'
import { checkPulls, describePulls } from '../dist/distill/doctor.js'
import {
  formulaOf,
  judgeGains,
  lossTable,
  recipes,
  runPlan,
  stageOf,
  verdictMethod,
  verdictText,
} from '../dist/distill/index.js'
import { layerMap } from '../dist/distill/layer-map.js'
import { readTexts } from '../dist/files/data/texts.js'
import { loadPretrained } from '../dist/files/models/on-disk.js'
import { tokenizerOf } from '../dist/files/models/pretrained.js'
import { startModel } from '../dist/files/models/start.js'
import { readSafetensors, writeSafetensors } from '../dist/formats/safetensors/safetensors.js'
import { Module } from '../dist/nn/module.js'
import { setThreads } from '../dist/tensor/backend.js'
import { keyOf, permutation } from '../dist/tensor/rng.js'
import { ints } from '../dist/tensor/tensor.js'
import { padBatch } from '../dist/text/batches.js'
import { textData } from '../dist/text/dataset.js'
import { rightRows } from '../dist/train/metrics.js'
import { predict } from '../dist/train/predict.js'

const text = { type: 'string' }
const { values: args } = parseArgs({
  options: {
    ...{ teacher: text, data: text, text, more: text, student: text, out: text, settings: text, only: text },
    ...{ seeds: { ...text, default: '3' }, threads: { ...text, default: '1' } },
  },
})
for (const name of ['teacher', 'data', 'text', 'more', 'student', 'out'])
  if (args[name] === undefined) {
    console.error(`ablation: --${name} is missing`)
    process.exit(2)
  }
setThreads(Number(args.threads))
const { out } = args
mkdirSync(join(out, 'states'), { recursive: true })

/** Sizes and paces. An epoch is one of the augmented rows; without augmentation there are as many steps. */
const settings = {
  ...{ texts: 15000, maxLength: 64, batchSize: 32, attention: 1 },
  general: { epochs: 3, lr: 5e-4 },
  intermediate: { epochs: 3, lr: 5e-4 },
  prediction: { epochs: 3, lr: 3e-4 },
  ...(args.settings ? JSON.parse(readFileSync(args.settings, 'utf8')) : {}),
}
const { batchSize, maxLength } = settings

const loaded = loadPretrained(args.teacher)
const tokenizer = tokenizerOf(args.teacher, loaded)
const real = loaded.model.eval()
for (const p of real.parameters()) p.requiresGrad = false
const classes = real.config.labels
const read = (file) => readTexts(file, { labelNames: classes })
const dataOf = ({ texts, labels }) => textData(texts, labels, tokenizer, maxLength)

const [train, dev, test] = ['train', 'dev', 'test'].map((name) => read(join(args.data, `${name}.tsv`)))
const lines = readTexts(args.text, { labels: 'none' }).texts
const chosen = permutation(keyOf(1, 'plain text'), lines.length).slice(0, settings.texts)
const sets = {
  rows: dataOf(train),
  augmented: dataOf(read(args.more)),
  text: dataOf({ texts: Array.from(chosen, (i) => lines[i]), labels: null }),
  ...{ dev: dataOf(dev), test: dataOf(test) },
}
const words = (set) =>
  Array.from({ length: set.size }, (_, i) => set.tokens(Int32Array.of(i))).reduce((a, b) => a + b, 0)
for (const [name, set] of Object.entries(sets))
  console.log(`${name}: ${set.size} texts, ${words(set)} tokens`)

const make = (seed) =>
  randomScope(
    keyOf(seed, 'init', 0),
    () =>
      startModel(args.student, {
        ...{ labels: classes, newHead: true, texts: [], tokenizer: args.teacher },
        as: 'sequence-classification',
      }).model,
  )

/** What the teacher said of each text, in the layers that the student's are compared with. */
class Remembered extends Module {
  constructor(depth) {
    super()
    this.config = real.config
    this.kind = real.kind
    const map = layerMap('uniform', { student: depth, teacher: real.config.layers })
    this.hidden = map.hidden.map(([, t]) => t)
    this.attention = map.attention.map(([, t]) => t)
    this.said = new Map()
  }

  /** Texts of one length at a time: there is no padding to leave out again. */
  #ask(texts) {
    const lengths = new Set(texts.map((ids) => ids.length))
    for (const T of lengths) {
      const alike = texts.filter((ids) => ids.length === T)
      tidy(() =>
        noGrad(() => {
          const rows = Int32Array.from(alike.keys())
          const heard = real.forward(padBatch(alike, rows, 0), { hiddenStates: true, attentionScores: true })
          const cutOf = (t, size) => (b) => Float32Array.from(t.data.subarray(b * size, (b + 1) * size))
          const hidden = this.hidden.map((l) => cutOf(heard.hiddenStates[l], T * real.config.width))
          const attention = this.attention.map((l) =>
            cutOf(heard.attentionScores[l], real.config.heads * T * T),
          )
          alike.forEach((ids, b) => {
            const take = (layers) => layers.map((of) => of(b))
            this.said.set(ids.join(), { hidden: take(hidden), attention: take(attention) })
          })
        }),
      )
    }
  }

  forward(input) {
    const flat = 'starts' in input
    const ids = ints(input.inputIds)
    const at = flat ? ints(input.starts) : null
    const B = flat ? at.length - 1 : input.inputIds.shape[0]
    const T = flat ? 0 : input.inputIds.shape[1]
    const mask = flat ? null : ints(input.attentionMask)
    const lengthOf = (b) => mask.subarray(b * T, (b + 1) * T).reduce((n, m) => n + m, 0)
    const texts = Array.from({ length: B }, (_, b) =>
      flat ? ids.slice(at[b], at[b + 1]) : ids.slice(b * T, b * T + lengthOf(b)),
    )
    const unknown = texts.filter((own) => !this.said.has(own.join()))
    if (unknown.length > 0) this.#ask(unknown)
    const said = texts.map((own) => this.said.get(own.join()))
    const { width: C, heads: H } = real.config
    const hiddenStates = []
    this.hidden.forEach((layer, i) => {
      const values = new Float32Array((flat ? at[B] : B * T) * C)
      said.forEach((own, b) => {
        values.set(own.hidden[i], (flat ? at[b] : b * T) * C)
      })
      hiddenStates[layer] = tensor(values, { shape: flat ? [at[B], C] : [B, T, C] })
    })
    const attentionScores = []
    if (!flat)
      this.attention.forEach((layer, i) => {
        const values = new Float32Array(B * H * T * T)
        said.forEach((own, b) => {
          const L = texts[b].length
          for (let h = 0; h < H; h++)
            for (let q = 0; q < L; q++)
              values.set(
                own.attention[i].subarray((h * L + q) * L, (h * L + q + 1) * L),
                ((b * H + h) * T + q) * T,
              )
        })
        attentionScores[layer] = tensor(values, { shape: [B, H, T, T] })
      })
    return { logits: tensor(new Float32Array(B), { shape: [B, 1] }), hiddenStates, attentionScores }
  }
}

const logits = new Map()
const logitsOf = (name) => {
  if (!logits.has(name)) logits.set(name, predict(real, sets[name]))
  return logits.get(name)
}
const shareRight = (z, { labels }) => {
  const right = rightRows(z, labels, classes.length)
  return { right, accuracy: right.reduce((a, b) => a + b, 0) / right.length }
}

const { hidden } = lossTable
let teacher = null

/** A stage from a state, or a new student; its state after. What is there already is read. */
async function stateAfter(seed, name, stage, before, set) {
  const file = join(out, 'states', `${seed} ${name}.safetensors`)
  if (existsSync(file)) return readSafetensors(readFileSync(file)).tensors
  const began = performance.now()
  const student = make(seed)
  teacher ??= new Remembered(student.config.layers)
  const own = (tensors, prefix) =>
    new Map([...tensors].filter(([n]) => n.startsWith(prefix)).map(([n, t]) => [n.slice(prefix.length), t]))
  if (before) student.loadStateDict(own(before, 'student.'))
  // As the official code keeps its projection in the student's checkpoint.
  let projection = null
  lossTable.hidden = {
    ...hidden,
    bind: (...bound) => {
      const loss = hidden.bind(...bound)
      return {
        ...loss,
        learnt: (s, t) => {
          projection = loss.learnt(s, t)
          const old = before && own(before, 'projection.')
          if (old?.size > 0) projection.loadStateDict(old)
          return projection
        },
      }
    },
  }
  let learnt = before ? own(before, 'projection.') : new Map()
  const judged = stage.fit.keep === 'best'
  let last = {}
  await runPlan(
    { stages: [{ ...stage, start: 0 }] },
    {
      ...{ seed, general: null, teacher, student: () => student, data: () => sets[set] },
      teacherLogits: () => logitsOf(set),
      look: (_, pulls) => {
        console.log(describePulls(`${seed} ${name}`, pulls))
        for (const { what, remedy } of checkPulls(name, pulls)) console.log(`${what}. ${remedy}`)
      },
      watch: () => ({
        ...(judged && { evaluate: () => shareRight(predict(student, sets.dev), dev).accuracy }),
        onStep: ({ terms }) => {
          last = terms
        },
        onEpoch: ({ epoch, loss, score }) => {
          const seconds = ((performance.now() - began) / 1000).toFixed(0)
          const terms = Object.entries(last).map(([of, x]) => `${of} ${x.toFixed(3)}`)
          console.log(
            `${seed} ${name}: epoch ${epoch}, loss ${loss.toFixed(4)} (last batch: ${terms.join(', ')}), dev ${score}, ${seconds} s`,
          )
          if (projection !== null) learnt = projection.snapshot()
        },
      }),
    },
  )
  lossTable.hidden = hidden
  const state = new Map([
    ...Array.from(student.snapshot(), ([n, t]) => [`student.${n}`, t]),
    ...Array.from(learnt, ([n, t]) => [`projection.${n}`, t]),
  ])
  writeFileSync(file, writeSafetensors(state))
  for (const p of student.parameters()) p.dispose()
  return state
}

const recipe = recipes.find((r) => r.name === 'tinybert')
const planned = recipe.plan({}, { transfer: false, pretrained: false, text: true }, 'ablation')
const losses = (drop, attention = settings.attention) => {
  const all = planned.stages.find((s) => s.name === 'general').losses
  const own = { ...all, attention: { ...all.attention, weight: attention } }
  return Object.fromEntries(Object.entries(own).filter(([name]) => !drop.includes(name)))
}
const soft = planned.stages.find((s) => s.name === 'prediction').losses
const layered = (name, { lr, epochs, ...rest }, drop, attention) =>
  stageOf({ name, losses: losses(drop, attention), fit: { batchSize, keep: 'last', lr, epochs, ...rest } })

/** name: { general, augmented, drop, task, labels; attention: its weight; fit: of the intermediate stage } */
const variants = {
  'all parts': {},
  'without general distillation': { general: false },
  'without augmentation': { augmented: false },
  'without attention': { drop: ['attention'] },
  'without hidden states': { drop: ['hidden'] },
  'without both': { drop: ['attention', 'hidden'] },
  'without prediction': { labels: true },
  'without task distillation': { task: false, labels: true },
  ...settings.variants,
}

async function trained(seed, name) {
  const { general = true, drop = [], labels = false, task = true, attention, fit, ...own } = variants[name]
  const set = (own.augmented ?? true) ? 'augmented' : 'rows'
  /** As many steps as on the augmented rows. */
  const even = ({ epochs, ...fit }) => ({
    ...fit,
    epochs: Math.max(1, Math.round((epochs * sets.augmented.size) / sets[set].size)),
  })
  const steps = [...(general ? ['general'] : [])]
  let state = null
  if (general)
    state = await stateAfter(seed, 'general', layered('general', settings.general, []), null, 'text')
  if (task && drop.length < 2) {
    const changed = [attention ?? [], Object.entries(fit ?? {})].flat(2).join(' ')
    steps.push(
      `${['attention', 'hidden'].filter((l) => !drop.includes(l)).join(' and ')}${changed && ` ${changed}`} on ${set}`,
    )
    const stage = layered('intermediate', { ...even(settings.intermediate), ...fit }, drop, attention)
    state = await stateAfter(seed, steps.join(', '), stage, state, set)
  }
  steps.push(`${labels ? 'labels' : 'prediction'} on ${set}`)
  const by = labels ? { losses: { hard: {} }, teacher: null } : { losses: soft }
  const last = stageOf({
    name: 'prediction',
    ...by,
    fit: { batchSize, keep: 'best', ...even(settings.prediction) },
  })
  return stateAfter(seed, steps.join(', '), last, state, set)
}

const file = join(out, 'results.jsonl')
const results = existsSync(file)
  ? readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line))
  : []
const wanted = args.only?.split(',') ?? Object.keys(variants)
for (let seed = 1; seed <= Number(args.seeds); seed++)
  for (const name of wanted) {
    if (results.some((r) => r.seed === seed && r.name === name)) continue
    const state = await trained(seed, name)
    const student = make(seed)
    student.loadStateDict(
      new Map([...state].filter(([n]) => n.startsWith('student.')).map(([n, t]) => [n.slice(8), t])),
    )
    student.eval()
    const [onDev, onTest] = ['dev', 'test'].map((which) =>
      shareRight(predict(student, sets[which]), sets[which]),
    )
    const line = { name, seed, dev: onDev.accuracy, test: onTest.accuracy, right: [...onTest.right].join('') }
    results.push(line)
    appendFileSync(file, `${JSON.stringify(line)}\n`)
    console.log(`${name}, seed ${seed}: dev ${onDev.accuracy.toFixed(4)}, test ${onTest.accuracy.toFixed(4)}`)
    for (const p of student.parameters()) p.dispose()
  }

// The table, of the seeds that all variants have.
const of = (name) => results.filter((r) => r.name === name).sort((a, b) => a.seed - b.seed)
const [main, ...others] = wanted
const seeds = of(main)
  .filter(({ seed }) => wanted.every((name) => of(name).some((r) => r.seed === seed)))
  .map((r) => r.seed)
const rowsOf = (name) =>
  of(name)
    .filter((r) => seeds.includes(r.seed))
    .map((r) => Array.from(r.right, Number))
const percent = (x) => (100 * x).toFixed(1)
const mean = (x) => x.reduce((a, b) => a + b, 0) / x.length
const table = wanted.map((name) => {
  const own = of(name)
    .filter((r) => seeds.includes(r.seed))
    .map((r) => r.test)
  return `| ${name} | ${percent(mean(own))} | ${own.map(percent).join(' ')} |`
})
console.log(`\nteacher: ${percent(shareRight(logitsOf('test'), sets.test).accuracy)}\n`)
console.log(`| | test accuracy, % | by seed |\n| --- | --- | --- |\n${table.join('\n')}\n`)
if (others.length > 0 && seeds.length > 0) {
  const verdicts = judgeGains(rowsOf(main), Object.fromEntries(others.map((name) => [name, rowsOf(name)])))
  for (const [name, v] of Object.entries(verdicts)) console.log(`- ${verdictText(main, name, v)}`)
  console.log(`\n${verdictMethod(Object.values(verdicts)) ?? ''}`)
}
console.log(`\n${formulaOf(layered('intermediate', settings.intermediate, []))}`)
