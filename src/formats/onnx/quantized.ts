// Layers of whole numbers as operations of ONNX.
import type { QuantizedEmbedding, QuantizedLinear } from '../../nn/quantized/layers.js'
import { flat } from '../../tensor/tensor.js'
import type { GraphBuilder, Value } from './builder.js'
import { elementTypes } from './elements.js'

/** x once in whole numbers of 8 bits for all layers that take it: its numbers, its scale and its zero point. */
function quantizedInput(g: GraphBuilder, path: string, x: Value): readonly [Value, Value, Value] {
  const key = `quantized ${x}`
  const before = g.shared.get(key)
  if (before !== undefined) return before as [Value, Value, Value]
  const made = g.several(path, 'DynamicQuantizeLinear', [x], {}, 3)
  g.shared.set(key, made)
  return made as unknown as [Value, Value, Value]
}

export function quantizedLinear(g: GraphBuilder, layer: QuantizedLinear, path: string, x: Value): Value {
  const { rows, columns, scales, bias } = layer
  const name = g.nameOf(`${path}.weight`)
  const weight = g.stored(`${name}.int8`, 'int8', [columns, rows], () => {
    const [numbers, out] = [layer.numbers(0, rows), new Int8Array(rows * columns)]
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < columns; c++) out[c * rows + r] = numbers[r * columns + c]
    return out
  })
  const scale = g.stored(`${name}.scale`, 'float', [rows], () => flat(scales))
  const [q, s, z] = quantizedInput(g, path, x)
  const sum = g.node(path, 'MatMulInteger', [q, weight, z])
  const float = g.node(path, 'Cast', [sum], { to: elementTypes.float.code })
  const y = g.node(path, 'Mul', [float, g.node(path, 'Mul', [s, scale])])
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
