// Layers of whole numbers as operations of ONNX. Weights keep the numbers and scales of our own scheme. Of inputs each row gets
// its scale when it comes, as in our kernels, so that an answer does not depend on its batch; with zero point 128, because the
// engines take one zero point for all rows. Or, faster and further from the float model, one range of the whole tensor.
import type { QuantizedEmbedding, QuantizedLinear } from '../../nn/quantized/layers.js'
import { flat } from '../../tensor/tensor.js'
import type { GraphBuilder, Value } from './builder.js'
import { elementTypes } from './elements.js'

/** An input in whole numbers, and what a product with it is multiplied by: [B, S, 1] for rows, else one number. */
interface QuantizedInput {
  numbers: Value
  scale: Value
  zero: Value
}

/** Below this a row's largest number counts as 0; as small as divides by 127 without becoming denormal. */
const SMALLEST = 1e-30

/** Rows get scale max|x| / 127. Two reductions take less time than abs and one. */
function byRow(g: GraphBuilder, path: string, x: Value, width: number): QuantizedInput {
  const node = (op: string, inputs: Value[], attributes = {}) => g.node(path, op, inputs, attributes)
  const last = { axes: [-1], keepdims: 1 }
  const low = node('Neg', [node('ReduceMin', [x], last)])
  const largest = node('Max', [node('ReduceMax', [x], last), low, g.constant('float', SMALLEST)])
  const scale = node('Div', [largest, g.constant('float', 127)])
  // QuantizeLinear takes a scale a row of a matrix.
  const flatScale = node('Reshape', [scale, g.constant('int64', [-1])])
  const length = node('Shape', [flatScale])
  const zeros = g.fill(path, 'uint8', 128, length)
  const matrix = node('Reshape', [x, g.constant('int64', [-1, width])])
  const rows = node('QuantizeLinear', [matrix, flatScale, zeros], { axis: 0 })
  return { numbers: node('Reshape', [rows, node('Shape', [x])]), scale, zero: g.constant('uint8', 128) }
}

function byTensor(g: GraphBuilder, path: string, x: Value): QuantizedInput {
  const [numbers, scale, zero] = g.several(path, 'DynamicQuantizeLinear', [x], {}, 3)
  return { numbers, scale, zero }
}

/** A range that was measured before: 8 bits from its one end to the other. */
function byRange(
  g: GraphBuilder,
  path: string,
  x: Value,
  [lo, hi]: readonly [number, number],
): QuantizedInput {
  const [low, high] = [Math.min(0, lo), Math.max(0, hi)]
  const step = Math.max(Math.fround((high - low) / 255), SMALLEST)
  const scale = g.constant('float', step)
  const zero = g.constant('uint8', Math.round(-low / step))
  return { numbers: g.node(path, 'QuantizeLinear', [x, scale, zero]), scale, zero }
}

/** y = x W^T + b. Layers that take the same x share its whole numbers. */
export function quantizedLinear(g: GraphBuilder, layer: QuantizedLinear, path: string, x: Value): Value {
  const { rows, columns, scales, bias, range } = layer
  const name = g.nameOf(`${path}.weight`)
  const weight = g.stored(`${name}.int8`, 'int8', [columns, rows], () => {
    const [numbers, out] = [layer.numbers(0, rows), new Int8Array(rows * columns)]
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < columns; c++) out[c * rows + r] = numbers[r * columns + c]
    return out
  })
  const scale = g.stored(`${name}.scale`, 'float', [rows], () => flat(scales))
  const input = g.shared(`${x} ${range ?? g.inputsBy}`, () => {
    if (range !== null) return byRange(g, path, x, range)
    return g.inputsBy === 'row' ? byRow(g, path, x, columns) : byTensor(g, path, x)
  })
  const sum = g.node(path, 'MatMulInteger', [input.numbers, weight, input.zero])
  const float = g.node(path, 'Cast', [sum], { to: elementTypes.float.code })
  // One scale for all: spelt as onnxruntime fuses it. Rows: not so, because it then multiplies the bias by the row's scale too
  // (findings/onnxruntime-row-scale-times-bias.sh).
  const y =
    g.inputsBy === 'row' && range === null
      ? g.node(path, 'Mul', [g.node(path, 'Mul', [float, scale]), input.scale])
      : g.node(path, 'Mul', [float, g.node(path, 'Mul', [input.scale, scale])])
  return bias === null ? y : g.node(path, 'Add', [y, g.parameter(`${path}.bias`, bias)])
}

/** Rows of whole numbers and their scales are taken out first: the whole table as floats would be made again at each call. */
export function quantizedEmbedding(
  g: GraphBuilder,
  layer: QuantizedEmbedding,
  path: string,
  ids: Value,
): Value {
  const { rows, columns, scales } = layer
  const name = g.nameOf(`${path}.weight`)
  const table = g.stored(`${name}.int8`, 'int8', [rows, columns], () => layer.numbers(0, rows))
  const scale = g.stored(`${name}.scale`, 'float', [rows, 1], () => flat(scales))
  const numbers = g.node(path, 'Cast', [g.node(path, 'Gather', [table, ids])], {
    to: elementTypes.float.code,
  })
  return g.node(path, 'Mul', [numbers, g.node(path, 'Gather', [scale, ids])])
}
