// TensorFlow.js's side of bench:peers. usage: tfjs_peer.mjs wasm|cpu WORK
import * as tf from '@tensorflow/tfjs-core'
import '@tensorflow/tfjs-backend-cpu'
import '@tensorflow/tfjs-backend-wasm'
import { tokenIds } from '../shapes.mjs'
import { cannot, measure, work } from './measure.mjs'
import { bert } from './tfjs_bert.mjs'

const { what, m, k, n, shape, batch, tokens, folder, channels, size, filters, steps, width, pass } = work
await tf.setBackend(process.argv[2])
await tf.ready()
if (what === 'matmul') {
  const [a, b] = [tf.randomNormal([m, k]), tf.randomNormal([k, n])]
  await measure(() => tf.tidy(() => void tf.matMul(a, b).dataSync()))
}
if (what === 'conv') {
  const conv = (x, w, b) => tf.add(tf.conv2d(x, w, 1, 'same'), b)
  const gradients = tf.grads(conv)
  const inputs = [[batch, size, size, channels], [3, 3, channels, filters], [filters]].map((shape) =>
    tf.randomNormal(shape),
  )
  if (pass === 'forward') await measure(() => tf.tidy(() => void conv(...inputs).dataSync()))
  const dy = tf.randomNormal([batch, size, size, filters])
  await measure(() => tf.tidy(() => gradients(inputs, dy).map((dx) => dx.dataSync())))
}
if (what === 'lstm') {
  const shapes = [[steps, batch, width], [2 * width, 4 * width], [4 * width]]
  const inputs = shapes.map((shape) => tf.randomNormal(shape, 0, 0.05))
  const lstm = (x, kernel, bias) => {
    let [c, h] = [tf.zeros([batch, width]), tf.zeros([batch, width])]
    const states = tf.unstack(x).map((row) => {
      ;[c, h] = tf.basicLSTMCell(tf.scalar(0), kernel, bias, row, c, h)
      return h
    })
    return tf.sum(tf.stack(states))
  }
  const gradients = tf.grads(lstm)
  await measure(() => tf.tidy(() => gradients(inputs).map((dx) => dx.dataSync())))
}
if (what !== 'forward' && what !== 'step') cannot(`no work ${what}`)
const model = bert(shape, folder)
const ids = tf.tensor1d(tokenIds(batch, tokens), 'int32')
if (what === 'forward') {
  const run = () => tf.tidy(() => Array.from(model.forward(ids, batch, tokens).dataSync()))
  await measure(run, { logits: run() })
}
await measure(() => {
  model.step(ids, batch, tokens)
  model.one()
})
