// TextClassifier as an ONNX graph: the same weights, so that the logits can be compared.
import { transposed } from '../weights.mjs'
import { model, node, tensor, value } from './protobuf.mjs'

const OPSET = 20
const IR_VERSION = 10

/** Rows of a matrix in whole numbers of 8 bits, and what each is multiplied by. */
function rounded({ shape: [rows, columns], data }) {
  const numbers = new Int8Array(rows * columns)
  const scales = Float32Array.from({ length: rows }, (_, r) => {
    const row = data.subarray(r * columns, (r + 1) * columns)
    const scale = row.reduce((most, x) => Math.max(most, Math.abs(x)), 0) / 127 || 1
    row.forEach((x, c) => {
      numbers[r * columns + c] = Math.round(x / scale)
    })
    return scale
  })
  return { numbers, scales }
}

/**
 * The bytes of the file. `weights`: name -> { shape, data }; config: TextClassifier's. int8: linear layers as ONNX Runtime's
 * quantize_dynamic(per_channel=True) writes them, and words by row.
 */
export function bertOnnx(weights, { layers, width, heads, eps, classes }, { int8 = false } = {}) {
  const nodes = []
  const initializers = []
  let made = 0
  const op = (name, inputs, attributes) => {
    const output = `t${made++}`
    nodes.push(node(name, inputs, output, attributes))
    return output
  }
  const floats = (name, dims, data) => {
    initializers.push(tensor(name, dims, Float32Array.from(data)))
    return name
  }
  const ints = (...numbers) => {
    const name = `i${made++}`
    initializers.push(tensor(name, [numbers.length], BigInt64Array.from(numbers, BigInt)))
    return name
  }
  const scalar = (x) => floats(`c${made++}`, [], [x])
  const weight = (name) => {
    const { shape, data } = weights.get(name)
    return floats(name, shape, data)
  }
  const range = new Map()
  /** One a tensor: queries, keys and values share it. */
  const ranged = (x) => {
    if (!range.has(x)) {
      range.set(
        x,
        ['q', 's', 'z'].map((what) => `${x}.${what}`),
      )
      nodes.push(node('DynamicQuantizeLinear', [x], range.get(x)))
    }
    return range.get(x)
  }
  const ints8 = (name, dims, data) => {
    initializers.push(tensor(name, dims, data))
    return name
  }
  const int8Linear = (x, name) => {
    const { shape, data } = weights.get(`${name}.weight`)
    const { numbers, scales } = rounded({ shape, data })
    const turned = transposed({ shape, data: numbers })
    const w = ints8(`${name}.int8`, turned.shape, Int8Array.from(turned.data))
    const [q, s, z] = ranged(x)
    const sums = op('Cast', [op('MatMulInteger', [q, w, z])], { to: 1 })
    const scale = op('Mul', [s, floats(`${name}.scale`, [shape[0]], scales)])
    return op('Add', [op('Mul', [sums, scale]), weight(`${name}.bias`)])
  }
  const linear = (x, name) => {
    if (int8) return int8Linear(x, name)
    const { shape, data } = transposed(weights.get(`${name}.weight`))
    const w = floats(`${name}.weight`, shape, data)
    return op('Add', [op('MatMul', [x, w]), weight(`${name}.bias`)])
  }
  const norm = (x, name) =>
    op('LayerNormalization', [x, weight(`${name}.weight`), weight(`${name}.bias`)], {
      axis: -1,
      epsilon: { float: eps },
    })
  const split = (x, perm) => op('Transpose', [op('Reshape', [x, ints(0, 0, heads, width / heads)])], { perm })

  const table = (name) => {
    if (!int8) return op('Gather', [weight(name), 'input_ids'])
    const { shape, data } = weights.get(name)
    const { numbers, scales } = rounded({ shape, data })
    const rows = op('Cast', [op('Gather', [ints8(`${name}.int8`, shape, numbers), 'input_ids'])], { to: 1 })
    return op('Mul', [rows, op('Gather', [floats(`${name}.scale`, [shape[0], 1], scales), 'input_ids'])])
  }
  const words = table('wordEmbeddings.weight')
  const length = op('Shape', ['input_ids'], { start: 1, end: 2 })
  const places = op('Slice', [weight('positionEmbeddings.weight'), ints(0), length, ints(0)])
  let x = norm(op('Add', [words, places]), 'embeddingNorm')
  const real = op('Cast', ['attention_mask'], { to: 1 })
  const hidden = op('Mul', [op('Sub', [scalar(1), real]), scalar(-1e9)])
  const bias = op('Unsqueeze', [hidden, ints(1, 2)])
  for (let i = 0; i < layers; i++) {
    const at = `encoder.${i}`
    const q = split(linear(x, `${at}.attention.query`), [0, 2, 1, 3])
    const k = split(linear(x, `${at}.attention.key`), [0, 2, 3, 1])
    const v = split(linear(x, `${at}.attention.value`), [0, 2, 1, 3])
    const scores = op('Mul', [op('MatMul', [q, k]), scalar((width / heads) ** -0.5)])
    const shares = op('Softmax', [op('Add', [scores, bias])], { axis: -1 })
    const joined = op('Transpose', [op('MatMul', [shares, v])], { perm: [0, 2, 1, 3] })
    const attended = linear(op('Reshape', [joined, ints(0, 0, width)]), `${at}.attention.out`)
    x = norm(op('Add', [x, attended]), `${at}.attentionNorm`)
    const thought = linear(op('Gelu', [linear(x, `${at}.up`)]), `${at}.down`)
    x = norm(op('Add', [x, thought]), `${at}.outputNorm`)
  }
  const column = op('Unsqueeze', [real, ints(2)])
  const sum = op('ReduceSum', [op('Mul', [x, column]), ints(1)], { keepdims: 0 })
  const mean = op('Div', [sum, op('ReduceSum', [column, ints(1)], { keepdims: 0 })])
  const last = linear(mean, 'classifier')
  nodes.push(node('Identity', [last], 'logits'))
  const dims = ['batch', 'tokens']
  return model({
    ...{ nodes, initializers, opset: OPSET, irVersion: IR_VERSION },
    inputs: ['input_ids', 'attention_mask'].map((name) => value(name, dims, false)),
    outputs: [value('logits', ['batch', classes], true)],
  })
}
