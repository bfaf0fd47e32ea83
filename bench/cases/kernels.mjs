// Kernels called directly, in the sizes of a TinyBERT-4L-312 step with a quarter of its tokens, which the js oracle
// does in some milliseconds: bench:check runs the same cases on both.
import { randn, tensor } from '../../dist/index.js'
import { int8Kernels, kernelsFor } from '../../dist/tensor/backend.js'

const [TEXTS, TOKENS, WIDTH, HEADS, INNER, WORDS] = [4, 64, 312, 12, 1200, 8192]
const ROWS = TEXTS * TOKENS
/** Rows of whole numbers, of which the oracle does all in seconds. */
const TEXT = 16
const D = WIDTH / HEADS
const SCORES = TEXTS * HEADS * TOKENS
const KEY = [1, 2]

const some = (...shape) => randn(shape).elements
const ids = (n, below) => tensor(Int32Array.from({ length: n }, (_, i) => (i * 7919) % below)).elements
const shared = (length) => tensor(new Float32Array(length)).elements

const plain = (data, columns) => ({ data, offsets: [0], rowStride: columns, colStride: 1 })

function attentionArgs() {
  const strides = [TOKENS * WIDTH, D, WIDTH]
  return {
    ...{ B: TEXTS, H: HEADS, S: TOKENS, T: TOKENS, D, q: strides, k: strides, v: strides, out: strides },
    ...{ scale: D ** -0.5, mask: null, starts: null, causal: false, p: 0.1, key: KEY },
  }
}
const adam = {
  ...{ lr: 1e-5, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.01, decoupled: true },
  ...{ correction1: 0.5, correction2: 0.5, gradScale: 1 },
}

/** kernel -> its arguments; or, for those that do several things, kernel and function. */
const calls = {
  matmul: () => [
    shared(ROWS * WIDTH),
    plain(some(ROWS, WIDTH), WIDTH),
    plain(some(WIDTH, WIDTH), WIDTH),
    ...[1, ROWS, WIDTH, WIDTH, null],
  ],
  attention: () => {
    const args = attentionArgs()
    return [shared(ROWS * WIDTH), some(ROWS, WIDTH), some(ROWS, WIDTH), some(ROWS, WIDTH), args]
  },
  attentionGrad: () => {
    const outs = [shared(ROWS * WIDTH), shared(ROWS * WIDTH), shared(ROWS * WIDTH)]
    const ins = [some(ROWS, WIDTH), some(ROWS, WIDTH), some(ROWS, WIDTH), some(ROWS, WIDTH)]
    return [...outs, ...ins, attentionArgs()]
  },
  softmax: () => [shared(SCORES * TOKENS), some(SCORES, TOKENS), SCORES, TOKENS, 0.5],
  softmaxGrad: () => {
    const y = randn([SCORES, TOKENS]).softmax(-1).elements
    return [shared(SCORES * TOKENS), y, some(SCORES, TOKENS), SCORES, TOKENS, 0.5]
  },
  logSoftmax: () => [shared(SCORES * TOKENS), some(SCORES, TOKENS), SCORES, TOKENS, 0.5],
  logSoftmaxGrad: () => {
    const y = some(SCORES, TOKENS)
    return [shared(SCORES * TOKENS), y, some(SCORES, TOKENS), SCORES, TOKENS, 0.5]
  },
  crossEntropy: () => [shared(64), some(64, 2048), ids(64, 2048), 64, 2048, -100, 0.1],
  crossEntropyGrad: () => [
    ...[shared(64 * 2048), some(64, 2048), ids(64, 2048), some(64), 64, 2048, -100, 0.1],
  ],
  layerNorm: () => [shared(ROWS * WIDTH), some(ROWS, WIDTH), some(WIDTH), some(WIDTH), ROWS, WIDTH, 1e-12],
  layerNormGrad: () => {
    const outs = [shared(ROWS * WIDTH), shared(WIDTH), shared(WIDTH)]
    return [...outs, some(ROWS, WIDTH), some(WIDTH), some(ROWS, WIDTH), ROWS, WIDTH, 1e-12]
  },
  'unary gelu': () => ['gelu', shared(ROWS * INNER), some(ROWS, INNER)],
  'unary exp': () => ['exp', shared(ROWS * INNER), some(ROWS, INNER)],
  'unary tanh': () => ['tanh', shared(ROWS * INNER), some(ROWS, INNER)],
  'unaryGrad gelu': () => ['gelu', shared(ROWS * INNER), some(ROWS, INNER), some(ROWS, INNER)],
  'binary add': () => {
    const [x, y] = [some(ROWS, INNER), some(ROWS, INNER)]
    return ['add', [ROWS, INNER], shared(ROWS * INNER), x, [INNER, 1], y, [INNER, 1]]
  },
  where: () => {
    const [c, x, y] = [ids(ROWS * INNER, 2), some(ROWS, INNER), some(ROWS, INNER)]
    return [[ROWS, INNER], shared(ROWS * INNER), c, [INNER, 1], x, [INNER, 1], y, [INNER, 1]]
  },
  fill: () => [shared(ROWS * INNER), 1],
  'copy transposed': () => [
    ...[[WIDTH, INNER], shared(INNER * WIDTH), [INNER, 1], some(INNER, WIDTH), [1, WIDTH]],
  ],
  'reduce sum': () => ['sum', shared(INNER), some(ROWS, INNER), 1, ROWS, INNER],
  'reduce max': () => ['max', shared(ROWS), some(ROWS, INNER), ROWS, INNER, 1],
  dropout: () => [shared(ROWS * INNER), some(ROWS, INNER), 0.1, KEY, null],
  'indexSelect embedding': () => [
    ...[shared(ROWS * WIDTH), some(WORDS, WIDTH), ids(ROWS, WORDS), 1, WORDS, WIDTH],
  ],
  'indexAdd embedding': () => [
    ...[shared(WORDS * WIDTH), some(ROWS, WIDTH), ids(ROWS, WORDS), 1, WORDS, WIDTH, 0],
  ],
  int8Linear: () => {
    const words = tensor(Int32Array.from({ length: (INNER * WIDTH) / 4 }, (_, i) => (i % 65) * 0x01000100))
    const [scales, sums] = [some(INNER), tensor(new Int32Array(INNER)).elements]
    return [
      ...[shared(TEXT * INNER), some(TEXT, WIDTH), WIDTH, words.elements, scales, sums],
      ...[TEXT, INNER, WIDTH, 7, some(INNER), 'gelu', null],
    ]
  },
  'int8Gather embedding': () => [
    ...[shared(ROWS * WIDTH), tensor(new Int32Array((WORDS * WIDTH) / 4)).elements, some(WORDS)],
    ...[ids(ROWS, WORDS), WIDTH],
  ],
  adam: () => {
    const n = WIDTH * INNER
    return [some(n), some(n), shared(n), shared(n), adam]
  },
  sgd: () => [some(WIDTH * INNER), some(WIDTH * INNER), shared(WIDTH * INNER), 1e-4, 0.9, 0, false, 1],
  sumSquares: () => [some(WIDTH * INNER)],
}

const flops = {
  matmul: 2 * ROWS * WIDTH * WIDTH,
  int8Linear: 2 * TEXT * WIDTH * INNER,
  attention: 4 * SCORES * TOKENS * D,
  attentionGrad: 10 * SCORES * TOKENS * D,
}

export const kernelCases = Object.entries(calls).map(([name, args]) => {
  const kernel = name.split(' ')[0]
  return {
    ...{ name, group: 'kernels', kernel, flops: flops[name] },
    setup() {
      const given = args()
      // Looked up at each call, so that setBackend changes what runs.
      const kernels = () => (kernel.startsWith('int8') ? int8Kernels() : kernelsFor('float32'))
      return () => void kernels()[kernel](...given)
    },
  }
})
