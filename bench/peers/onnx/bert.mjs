// TextClassifier as an ONNX graph: the same weights, so that the logits can be compared.
import { transposed } from '../weights.mjs'
import { model, node, tensor, value } from './protobuf.mjs'

const OPSET = 20
const IR_VERSION = 10

/** The bytes of the file. `weights`: name -> { shape, data }; config: TextClassifier's. */
export function bertOnnx(weights, { layers, width, heads, eps, classes }) {
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
  const linear = (x, name) => {
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

  const words = op('Gather', [weight('wordEmbeddings.weight'), 'input_ids'])
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
