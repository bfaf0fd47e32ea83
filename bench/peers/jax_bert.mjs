// TextClassifier in jax-js. Its functions own their arguments; `.ref` keeps one for another use.
import { grad, jit, lax, nn, numpy as np, random, tree, vjp } from '@jax-js/jax'
import { readWeights } from './weights.mjs'

const KEEP = 0.9
const TABLE = 'wordEmbeddings.weight'
const [LR, BETA1, BETA2] = [1e-4, 0.9, 0.999]

export function bert({ layers, width, heads }, batch, tokens, folder) {
  const weights = readWeights(folder)
  const D = width / heads
  const linear = (p, x, name) => np.matmul(x, p[`${name}.weight`]).add(p[`${name}.bias`])
  const norm = (p, x, name) =>
    nn.standardize(x, -1, { epsilon: 1e-12 }).mul(p[`${name}.weight`]).add(p[`${name}.bias`])
  const gelu = (x) => x.ref.mul(0.5).mul(lax.erf(x.mul(Math.SQRT1_2)).add(1))

  const embed = (table, ids) => np.take(table, ids, 0)

  /** words [B * T, width], of `embed` -> logits [B, classes]. key: null for none of the dropout. */
  function encode(p, words, key) {
    const drop = (x) => {
      if (key === null) return x
      const [next, now] = random.split(key, 2)
      key = next
      const kept = random.bernoulli(now, KEEP, x.shape).astype(np.float32)
      return x.mul(kept).mul(1 / KEEP)
    }
    const split = (x) => np.transpose(x.reshape([batch, tokens, heads, D]), [0, 2, 1, 3])
    const places = p['positionEmbeddings.weight'].slice([0, tokens])
    let x = drop(norm(p, words.reshape([batch, tokens, width]).add(places), 'embeddingNorm')).reshape([
      batch * tokens,
      width,
    ])
    for (let i = 0; i < layers; i++) {
      const at = `encoder.${i}`
      const [q, k, v] = ['query', 'key', 'value'].map((name) =>
        split(linear(p, x.ref, `${at}.attention.${name}`)),
      )
      const scores = np.matmul(q, np.transpose(k, [0, 1, 3, 2])).mul(D ** -0.5)
      const joined = np.transpose(np.matmul(drop(nn.softmax(scores, -1)), v), [0, 2, 1, 3])
      const attended = linear(p, joined.reshape([batch * tokens, width]), `${at}.attention.out`)
      x = norm(p, x.add(drop(attended)), `${at}.attentionNorm`)
      const thought = linear(p, gelu(linear(p, x.ref, `${at}.up`)), `${at}.down`)
      x = norm(p, x.add(drop(thought)), `${at}.outputNorm`)
    }
    return linear(p, drop(np.mean(x.reshape([batch, tokens, width]), 1)), 'classifier')
  }

  function loss(p, words, labels, key) {
    const scores = nn.logSoftmax(encode(p, words, key), -1)
    return np.mean(np.sum(scores.mul(nn.oneHot(labels, 2)), -1)).mul(-1)
  }
  const gradients = jit((...args) => grad(loss, { argnums: [0, 1] })(...args))

  /** -> new parameters and moments: clipped Adam. */
  const update = jit((p, m, v, g) => {
    let squares = np.array(0)
    for (const x of Object.values(g)) squares = squares.add(np.sum(np.square(x.ref)))
    const scale = np.minimum(np.reciprocal(np.sqrt(squares).add(1e-6)), 1)
    const [nextP, nextM, nextV] = [{}, {}, {}]
    for (const name of Object.keys(p)) {
      const gradient = g[name].mul(scale.ref)
      const mean = m[name].mul(BETA1).add(gradient.ref.mul(1 - BETA1))
      const square = v[name].mul(BETA2).add(np.square(gradient).mul(1 - BETA2))
      nextM[name] = mean.ref
      nextV[name] = square.ref
      nextP[name] = p[name].sub(mean.mul(LR).div(np.sqrt(square).add(1e-8)))
    }
    scale.dispose()
    return [nextP, nextM, nextV]
  })

  /** The embedding is walked outside jit, which does not take the scatter of its gradient (0.1.25). */
  function step(p, m, v, ids, labels, key) {
    const { [TABLE]: table, ...rest } = p
    const [words, back] = vjp((t) => embed(t, ids), [table.ref])
    const [g, dWords] = gradients(tree.ref(rest), words, labels, key)
    const [dTable] = back(dWords)
    back.dispose()
    return update(p, m, v, { ...g, [TABLE]: dTable })
  }

  const forward = jit(({ [TABLE]: table, ...rest }, ids) => encode(rest, embed(table, ids), null))
  const each = (make) =>
    Object.fromEntries([...weights].map(([name, { shape, data }]) => [name, make(shape, data)]))
  return {
    ...{ forward, step },
    params: () => each((shape, data) => np.array(data).reshape(shape)),
    zeros: () => each((shape) => np.zeros(shape)),
  }
}
