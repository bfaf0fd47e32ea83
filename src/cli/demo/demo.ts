// tinystill demo, the main job: on WordNet's definitions a teacher (an ensemble) learns from labels, and one small
// student learns twice, from labels alone and from the teacher. For each seed, then the comparison.
import { join } from 'node:path'
import { type Command, Option } from 'commander'
import { randomScope } from '../../autograd/random.js'
import { distil } from '../../distill/distil.js'
import { Ensemble } from '../../distill/teachers/ensemble.js'
import { type Labelled, readWordnet, type Split } from '../../files/data/wordnet.js'
import { makeFolder } from '../../files/disk.js'
import { textModelFiles } from '../../files/models/folder.js'
import type { DataSet } from '../../nn/data.js'
import { TextClassifier } from '../../nn/models/classifier.js'
import type { TextInput } from '../../nn/models/input.js'
import { fold, keyOf } from '../../tensor/rng.js'
import { textData } from '../../text/dataset.js'
import { WordTokenizer } from '../../text/tokenizer.js'
import { classification, rightRows } from '../../train/metrics.js'
import { type Classifier, predict } from '../../train/predict.js'
import type { FitResult, StepReport } from '../../train/reports.js'
import { train } from '../../train/tasks.js'
import type { FitOptions } from '../../train/trainer.js'
import type { CommandSpec, CommonOptions, Context } from '../shared/command.js'
import { place } from '../shared/model-folder.js'
import { settleBackend, whole } from '../shared/options.js'
import { measureSpeeds, type Speed } from '../shared/speed.js'
import { count, percent } from '../shared/table.js'
import { type DemoRun, majority, presentDemo, saveDemo } from './report.js'

interface ModelPlan {
  width: number
  layers: number
  dropout: number
  epochs: number
  lr: number
}

interface Plan {
  labelled: number
  transfer: number
  vocabulary: number
  /** An ensemble of equals, each from its own first weights. */
  teacher: ModelPlan & { members: number }
  /** Trained once for each number of epochs, with a schedule of that length; the best by dev accuracy counts. */
  alone: Omit<ModelPlan, 'epochs'> & { epochs: readonly number[] }
  distilled: ModelPlan
}

const student = { width: 48, layers: 1, lr: 3e-3 }

/** Batch 64, AdamW with weight decay 0.05, 6% warm-up and then linear to 0, gradient norm 1: the trainer's defaults. */
const plans: Record<'quick' | 'default' | 'full', Plan> = {
  quick: {
    ...{ labelled: 20000, transfer: 10000, vocabulary: 12000 },
    teacher: { ...student, members: 2, dropout: 0.1, epochs: 2 },
    alone: { ...student, dropout: 0.1, epochs: [2] },
    distilled: { ...student, dropout: 0, epochs: 2 },
  },
  default: {
    ...{ labelled: 20000, transfer: Infinity, vocabulary: 12000 },
    teacher: { members: 6, width: 96, layers: 1, dropout: 0.2, epochs: 2, lr: 2e-3 },
    alone: { ...student, dropout: 0.1, epochs: [2, 3] },
    distilled: { ...student, dropout: 0, epochs: 3 },
  },
  full: {
    ...{ labelled: 20000, transfer: Infinity, vocabulary: 12000 },
    teacher: { members: 5, width: 192, layers: 1, dropout: 0.2, epochs: 2, lr: 1e-3 },
    alone: { ...student, dropout: 0.1, epochs: [1, 2, 3, 4, 6] },
    distilled: { ...student, dropout: 0, epochs: 3 },
  },
}

const MAX_LENGTH = 32
const HEAD_WIDTH = 48
const T = 2

interface DemoOptions extends CommonOptions {
  quick: boolean
  full: boolean
  seeds: number
  out: string
}

interface Data {
  split: Split
  tokenizer: WordTokenizer
  labelled: DataSet<TextInput>
  dev: DataSet<TextInput>
  test: DataSet<TextInput>
  /** All text the student sees, without labels: the labelled part's and the transfer set's. */
  unlabelled: DataSet<TextInput>
}

function prepare(plan: Plan): Data {
  const whole = readWordnet()
  const split = {
    ...whole,
    labelled: whole.labelled.slice(0, plan.labelled),
    transfer: whole.transfer.slice(0, plan.transfer),
  }
  const texts = [...split.labelled.map((x) => x.text), ...split.transfer]
  const tokenizer = WordTokenizer.build(texts, { size: plan.vocabulary })
  const encode = (rows: Labelled[]) =>
    textData(
      rows.map((x) => x.text),
      rows.map((x) => x.label),
      tokenizer,
      MAX_LENGTH,
    )
  return {
    ...{ split, tokenizer },
    ...{ labelled: encode(split.labelled), dev: encode(split.dev), test: encode(split.test) },
    unlabelled: textData(texts, null, tokenizer, MAX_LENGTH),
  }
}

function build(plan: Omit<ModelPlan, 'epochs'>, data: Data, seed: number, name: string): TextClassifier {
  const { width, layers, dropout } = plan
  return randomScope(fold(keyOf(seed), name), () => {
    return new TextClassifier({
      ...{ width, layers, dropout, heads: width / HEAD_WIDTH, maxLength: MAX_LENGTH },
      ...{ vocabSize: data.tokenizer.size, padId: data.tokenizer.padId, classes: data.split.classes.length },
    })
  })
}

/** Options of a training that shows itself: a line of progress a step, and dev accuracy after each epoch. */
function watched(
  label: string,
  plan: ModelPlan,
  model: TextClassifier,
  data: Data,
  seed: number,
  steps: StepReport[],
  { progress, now }: Context,
): FitOptions {
  const began = now()
  let tokens = 0
  let accuracy = Number.NaN
  let smooth = Number.NaN
  return {
    ...{ epochs: plan.epochs, lr: plan.lr, seed },
    evaluate: () => accuracyOf(model, data.dev, data),
    onStep: (s) => {
      if (s.step === 1) progress.start(label, s.total)
      steps.push(s)
      tokens += s.tokens
      smooth = Number.isNaN(smooth) ? s.loss : 0.98 * smooth + 0.02 * s.loss
      progress.update(s.step, {
        epoch: `${s.epoch}/${plan.epochs}`,
        loss: smooth.toFixed(3),
        ...(Number.isNaN(accuracy) ? {} : { 'dev accuracy': percent(accuracy) }),
        'tokens/s': count((tokens / Math.max(1, now() - began)) * 1000),
      })
    },
    onEpoch: (e) => {
      accuracy = e.score
    },
  }
}

function accuracyOf(model: Classifier<TextInput>, set: DataSet<TextInput>, data: Data): number {
  return classification(predict(model, set), set.labels as Int32Array, data.split.classes.length).accuracy
}

function figures(model: Classifier<TextInput>, data: Data, seconds: number) {
  const logits = predict(model, data.test)
  const params = model.countParameters()
  const [labels, classes] = [data.test.labels as Int32Array, data.split.classes.length]
  return {
    ...classification(logits, labels, classes),
    right: rightRows(logits, labels, classes),
    ...{ params, bytes: params * 4, seconds, logits },
  }
}

type Fit = (model: TextClassifier, options: FitOptions) => Promise<FitResult>

async function runSeed(plan: Plan, data: Data, seed: number, context: Context, of: string): Promise<DemoRun> {
  const { progress, now } = context
  /** Data order and dropout come from `seed`, the first weights from (seed, name). */
  async function learn(label: string, modelPlan: ModelPlan, name: string, seed: number, fit: Fit) {
    const began = now()
    const model = build(modelPlan, data, seed, name)
    const steps: StepReport[] = []
    const result = await fit(model, watched(`${of}${label}`, modelPlan, model, data, seed, steps, context))
    const seconds = (now() - began) / 1000
    progress.finish(
      `${of}${label}: ${percent(result.best.score)} of ${count(data.dev.size)} dev definitions, best epoch ${result.best.epoch} of ${modelPlan.epochs}, ${seconds.toFixed(0)} s`,
    )
    return {
      model,
      seconds,
      score: result.best.score,
      steps: steps.map((s) => s.loss),
      epochs: result.epochs,
    }
  }
  const sum = (parts: { seconds: number }[]) => parts.reduce((s, p) => s + p.seconds, 0)

  const { members, ...member } = plan.teacher
  const taught = []
  for (let i = 0; i < members; i++) {
    const own = keyOf(seed, 'member', i)[0]
    const label = members > 1 ? `teacher ${i + 1} of ${members}` : 'teacher'
    taught.push(await learn(label, member, 'teacher', own, (model, o) => train(model, data.labelled, o)))
  }
  const ensemble = new Ensemble(taught.map((t) => t.model))
  const teacher = figures(ensemble, data, sum(taught))

  progress.start(`${of}soft targets`, data.unlabelled.size)
  const targets = predict(ensemble, data.unlabelled, {
    onBatch: (done) => progress.update(done, { definitions: count(done) }),
  })
  progress.finish(`${of}soft targets of the teacher for ${count(data.unlabelled.size)} definitions`)

  // The same first weights for all students: what differs is what they learn from, and for how long.
  const tries = []
  for (const epochs of plan.alone.epochs) {
    const label = `student alone, ${epochs} ${epochs === 1 ? 'epoch' : 'epochs'}`
    const own = { ...plan.alone, epochs }
    tries.push(await learn(label, own, 'student', seed, (model, o) => train(model, data.labelled, o)))
  }
  const lone = tries.reduce((a, b) => (b.score > a.score ? b : a))
  const pupil = await learn('student distilled', plan.distilled, 'student', seed, (model, o) =>
    distil(model, data.unlabelled, targets, { ...o, T }),
  )
  const testLabels = data.test.labels as Int32Array
  const few = (n: number) =>
    textData(
      data.split.test.slice(0, n).map(({ text }) => text),
      null,
      data.tokenizer,
      MAX_LENGTH,
    )
  const models = { teacher: ensemble, alone: lone.model, distilled: pupil.model }
  const timed = new Map(Object.entries(models).map(([name, model]) => [name, { model, few }]))
  const speeds = await measureSpeeds(timed, context)
  const speed = (name: keyof typeof models) => speeds.get(name) as Speed
  return {
    seed,
    teacher: { ...teacher, ...speed('teacher') },
    alone: { ...figures(lone.model, data, sum(tries)), ...speed('alone') },
    distilled: { ...figures(pupil.model, data, pupil.seconds), ...speed('distilled') },
    curves: { teacher: taught[0], alone: lone, distilled: pupil },
    majority: majority(data.labelled.labels as Int32Array, testLabels, data.split.classes.length),
    student: { model: pupil.model, tokenizer: data.tokenizer, classes: data.split.classes },
    samples: data.split.test.slice(0, 400).map(({ text, label }, row) => {
      const n = data.split.classes.length
      return { text, label, logits: teacher.logits.slice(row * n, (row + 1) * n) }
    }),
  }
}

async function run(options: DemoOptions, context: Context): Promise<void> {
  const { output, now } = context
  settleBackend(output)
  const began = now()
  const size = options.quick ? 'quick' : options.full ? 'full' : 'default'
  const plan = plans[size]
  // Before the work, not after it: a folder that cannot be written to.
  makeFolder(options.out)
  const data = prepare(plan)
  const { split } = data
  output.info(
    `WordNet: ${count(split.labelled.length)} labelled definitions, ${count(split.transfer.length)} for transfer, ` +
      `${count(split.dev.length)} dev, ${count(split.test.length)} test, ${split.classes.length} classes`,
  )
  const runs: DemoRun[] = []
  for (let i = 0; i < options.seeds; i++) {
    const of = options.seeds > 1 ? `seed ${options.seed + i} (${i + 1} of ${options.seeds}): ` : ''
    const result = await runSeed(plan, data, options.seed + i, context, of)
    runs.push(result)
    // Kept at once: what comes after cannot lose it.
    if (i === 0) place(join(options.out, 'student'), textModelFiles(result.student), output)
  }
  const seconds = (now() - began) / 1000
  const document = presentDemo(runs, { size, seconds, classes: split.classes, plan, T }, output)
  saveDemo(options.out, runs, document, { size, seconds, classes: split.classes, plan, T })
  output.json(document)
  output.print(`\nReport: ${join(options.out, 'report.html')}`)
  output.print('Try the student:')
  output.print(
    `  npx tinystill predict --model ${join(options.out, 'student')} --text "a large grey animal with a trunk"`,
  )
}

export const demoCommand: CommandSpec<DemoOptions> = {
  name: 'demo',
  describe: 'Distil a teacher into a small student on WordNet definitions, and compare',
  options: (command: Command) =>
    command
      .addOption(new Option('--quick', 'a small run, under 30 s').default(false).conflicts('full'))
      .option('--full', 'a larger teacher and a longer search, about 4 minutes a seed', false)
      .option('--seeds <n>', 'repeat with that many seeds and judge the gain', whole(1, 100), 1)
      .option('--out <dir>', 'where the student and the report go', 'runs/demo'),
  run,
}
