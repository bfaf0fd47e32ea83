// TensorFlow.js's side of bench:peers. usage: tfjs_peer.mjs wasm|cpu WORK
import * as tf from '@tensorflow/tfjs-core'
import '@tensorflow/tfjs-backend-cpu'
import '@tensorflow/tfjs-backend-wasm'
import { tokenIds } from '../shapes.mjs'
import { cannot, measure, work } from './measure.mjs'
import { bert } from './tfjs_bert.mjs'

const { what, m, k, n, shape, batch, tokens, folder } = work
await tf.setBackend(process.argv[2])
await tf.ready()
if (what === 'matmul') {
  const [a, b] = [tf.randomNormal([m, k]), tf.randomNormal([k, n])]
  await measure(() => tf.tidy(() => void tf.matMul(a, b).dataSync()))
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
