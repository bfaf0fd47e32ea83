// The main ops as a model calls them: forward, and forward with the walk back to every input.

import { kdLoss } from '../../dist/distill/index.js'
import { attention, crossEntropy, embedding, grad, noGrad, randn, tensor, tidy } from '../../dist/index.js'

const [TEXTS, TOKENS, WIDTH, HEADS, INNER, WORDS] = [16, 64, 312, 12, 1200, 30522]
const leaf = (...shape) => randn(shape, { requiresGrad: true })
const ids = (shape, below) => {
  const n = shape.reduce((a, b) => a * b, 1)
  return tensor(
    Int32Array.from({ length: n }, (_, i) => (i * 7919) % below),
    { shape },
  )
}

/** name -> { inputs, call(...inputs) } */
const ops = {
  linear: () => ({
    inputs: [leaf(TEXTS, TOKENS, WIDTH), leaf(INNER, WIDTH), leaf(INNER)],
    call: (x, w, b) => x.linear(w, b),
  }),
  gelu: () => ({ inputs: [leaf(TEXTS, TOKENS, INNER)], call: (x) => x.gelu() }),
  add: () => ({ inputs: [leaf(TEXTS, TOKENS, WIDTH), leaf(TOKENS, WIDTH)], call: (x, y) => x.add(y) }),
  layerNorm: () => ({
    inputs: [leaf(TEXTS, TOKENS, WIDTH), leaf(WIDTH), leaf(WIDTH)],
    call: (x, w, b) => x.layerNorm(w, b),
  }),
  dropout: () => ({ inputs: [leaf(TEXTS, TOKENS, WIDTH)], call: (x) => x.dropout(0.1) }),
  softmax: () => ({ inputs: [leaf(TEXTS * HEADS * TOKENS, TOKENS)], call: (x) => x.softmax(-1) }),
  attention: () => ({
    inputs: [0, 1, 2].map(() => leaf(TEXTS, HEADS, TOKENS, WIDTH / HEADS)),
    call: (q, k, v) => attention(q, k, v, { dropout: 0.1 }),
  }),
  embedding: () => {
    const index = ids([TEXTS, TOKENS], WORDS)
    return { inputs: [leaf(WORDS, WIDTH)], call: (table) => embedding(table, index) }
  },
  crossEntropy: () => {
    const labels = ids([256], 1000)
    return { inputs: [leaf(256, 1000)], call: (x) => crossEntropy(x, labels) }
  },
  kdLoss: () => {
    const [teacher, labels] = [randn([256, 1000]), ids([256], 1000)]
    return { inputs: [leaf(256, 1000)], call: (x) => kdLoss(x, teacher, labels, { T: 2, alpha: 0.9 }) }
  },
}

export const opCases = Object.entries(ops).flatMap(([name, make]) => [
  {
    ...{ name: `${name} forward`, group: 'ops' },
    setup() {
      const { inputs, call } = make()
      return () => tidy(() => noGrad(() => void call(...inputs)))
    },
  },
  {
    ...{ name: `${name} forward and backward`, group: 'ops' },
    setup() {
      const { inputs, call } = make()
      const gradient = tidy(() => randn(call(...inputs).shape))
      return () => tidy(() => void grad(call(...inputs), inputs, { gradient }))
    },
  },
])
