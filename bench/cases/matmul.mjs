// Matrix products by shape: the four transpose cases without a copy, and the batches of attention heads.
import { noGrad, randn, tidy } from '../../dist/index.js'
import { linearLayer } from '../model.mjs'
import { layerShapes } from '../shapes.mjs'

const SQUARE = [512, 512, 512]
/** A layer of TinyBERT-4L-312 over 16 x 64 tokens. */
const LAYER = [1024, 312, 1200]

/** layout: n or t for each operand; t is stored transposed and read through its strides. */
const wanted = [
  ...[SQUARE, LAYER].flatMap((shape) => ['nn', 'nt', 'tn', 'tt'].map((layout) => ({ shape, layout }))),
  { shape: [1024, 768, 3072], layout: 'nn' },
  { shape: [832, 48, 192], layout: 'nn' },
  { shape: [16, 312, 1200], layout: 'nn' },
  // 16 texts, 12 heads of 26: scores, and probabilities times values
  { shape: [64, 26, 64], layout: 'nt', batch: 192 },
  { shape: [64, 64, 26], layout: 'nn', batch: 192 },
  { shape: [64, 32, 64], layout: 'nt', batch: 192 },
]

function operand(batch, rows, columns, layout) {
  const lead = batch === 1 ? [] : [batch]
  return layout === 'n' ? randn([...lead, rows, columns]) : randn([...lead, columns, rows]).t()
}

const floatCases = wanted.map(({ shape: [m, k, n], layout, batch = 1 }) => ({
  name: `${batch === 1 ? '' : `${batch} x `}${m}x${k}x${n} ${layout}`,
  group: 'matmul',
  flops: 2 * batch * m * k * n,
  setup() {
    const a = operand(batch, m, k, layout[0])
    const b = operand(batch, k, n, layout[1])
    return () => tidy(() => void a.matmul(b))
  },
}))

/** A layer in whole numbers, floats in and out, and beside it the same in floats. */
const layerCases = layerShapes.flatMap(([m, k, n]) =>
  ['float', 'int8', 'int8 of 8-bit weights'].map((what) => ({
    name: `linear ${m}x${k}x${n}, ${what}`,
    group: 'matmul',
    flops: 2 * m * k * n,
    setup() {
      const layer = linearLayer(k, n, what)
      const x = randn([m, k])
      return () => tidy(() => noGrad(() => void layer.forward(x)))
    },
  })),
)

export const matmulCases = [...floatCases, ...layerCases]
