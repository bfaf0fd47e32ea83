// TextClassifier in TensorFlow.js, by hand: tfjs-layers has no BERT. It is imported for the gradients it registers.
import '@tensorflow/tfjs-layers'
import * as tf from '@tensorflow/tfjs-core'
import { readWeights } from './weights.mjs'

// The wasm backend has no such kernel, which the gradient of an embedding needs: sums of rows, in plain JavaScript.
tf.registerKernel({
  kernelName: 'UnsortedSegmentSum',
  backendName: 'wasm',
  kernelFunc({ inputs: { x, segmentIds }, backend, attrs: { numSegments } }) {
    const ids = backend.readSync(segmentIds.dataId)
    const rows = backend.readSync(x.dataId)
    const width = rows.length / ids.length
    const sums = new Float32Array(numSegments * width)
    ids.forEach((id, i) => {
      for (let c = 0; c < width; c++) sums[id * width + c] += rows[i * width + c]
    })
    const shape = [numSegments, ...x.shape.slice(segmentIds.shape.length)]
    return { dataId: backend.write(sums, shape, 'float32'), shape, dtype: 'float32' }
  },
})

const DROPOUT = 0.1

export function bert({ layers, width, heads }, folder) {
  const p = new Map()
  for (const [name, { shape, data }] of readWeights(folder))
    p.set(name, tf.variable(tf.tensor(data, shape), true, name))
  const drop = (x, training) => (training ? tf.dropout(x, DROPOUT) : x)
  const norm = (x, name) => {
    const { mean, variance } = tf.moments(x, -1, true)
    const scale = tf.div(p.get(`${name}.weight`), tf.sqrt(tf.add(variance, 1e-12)))
    return tf.add(tf.mul(tf.sub(x, mean), scale), p.get(`${name}.bias`))
  }
  const linear = (x, name) => {
    return tf.add(tf.matMul(x, p.get(`${name}.weight`)), p.get(`${name}.bias`))
  }
  const gelu = (x) => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1))

  /** ids [B * T] -> logits [B, classes] */
  function forward(ids, batch, tokens, training = false) {
    const split = (x, order) => tf.transpose(tf.reshape(x, [batch, tokens, heads, width / heads]), order)
    const words = tf.reshape(tf.gather(p.get('wordEmbeddings.weight'), ids), [batch, tokens, width])
    const places = tf.gather(p.get('positionEmbeddings.weight'), tf.range(0, tokens, 1, 'int32'))
    const start = norm(tf.add(words, places), 'embeddingNorm')
    let x = tf.reshape(drop(start, training), [batch * tokens, width])
    for (let i = 0; i < layers; i++) {
      const at = `encoder.${i}`
      const project = (name) => linear(x, `${at}.attention.${name}`)
      const q = split(project('query'), [0, 2, 1, 3])
      // Transposed here, because the backend's fast product takes no transposed operand.
      const k = split(project('key'), [0, 2, 3, 1])
      const v = split(project('value'), [0, 2, 1, 3])
      const scores = tf.mul(tf.matMul(q, k), (width / heads) ** -0.5)
      const joined = tf.transpose(tf.matMul(drop(tf.softmax(scores), training), v), [0, 2, 1, 3])
      const attended = linear(tf.reshape(joined, [batch * tokens, width]), `${at}.attention.out`)
      x = norm(tf.add(x, drop(attended, training)), `${at}.attentionNorm`)
      const thought = linear(gelu(linear(x, `${at}.up`)), `${at}.down`)
      x = norm(tf.add(x, drop(thought, training)), `${at}.outputNorm`)
    }
    return linear(drop(tf.mean(tf.reshape(x, [batch, tokens, width]), 1), training), 'classifier')
  }

  const optimizer = tf.train.adam(1e-4)
  function step(ids, batch, tokens) {
    const labels = tf.tensor1d(
      Int32Array.from({ length: batch }, (_, i) => i % 2),
      'int32',
    )
    tf.tidy(() => {
      const loss = () => {
        const logits = forward(ids, batch, tokens, true)
        return tf.losses.softmaxCrossEntropy(tf.cast(tf.oneHot(labels, 2), 'float32'), logits)
      }
      const { grads } = tf.variableGrads(loss)
      const squares = Object.values(grads).map((g) => tf.sum(tf.square(g)))
      const scale = tf.minimum(1, tf.div(1, tf.add(tf.sqrt(tf.addN(squares)), 1e-6)))
      const clipped = Object.entries(grads).map(([name, g]) => [name, tf.mul(g, scale)])
      optimizer.applyGradients(Object.fromEntries(clipped))
    })
    labels.dispose()
  }
  return { forward, step, one: () => p.get('classifier.bias').dataSync() }
}
