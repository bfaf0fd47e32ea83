// Activations as operations of opset 17. gelu and its tanh form are spelt as onnxruntime looks for them, to fuse them with
// the bias before.
import type { Activation } from '../../nn/encoder.js'
import type { GraphBuilder, Value } from './builder.js'

type Emit = (g: GraphBuilder, path: string, x: Value) => Value

const one =
  (op: string): Emit =>
  (g, path, x) =>
    g.node(path, op, [x])

/** x / 2 * (1 + erf(x / sqrt 2)). */
const gelu: Emit = (g, path, x) => {
  const erf = g.node(path, 'Erf', [g.node(path, 'Div', [x, g.number(Math.SQRT2)])])
  const twice = g.node(path, 'Mul', [x, g.node(path, 'Add', [erf, g.number(1)])])
  return g.node(path, 'Mul', [twice, g.number(0.5)])
}

/** x / 2 * (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))). */
const geluTanh: Emit = (g, path, x) => {
  const cube = g.node(path, 'Mul', [g.node(path, 'Pow', [x, g.number(3)]), g.number(0.044715)])
  const inner = g.node(path, 'Mul', [g.node(path, 'Add', [x, cube]), g.number(Math.sqrt(2 / Math.PI))])
  const factor = g.node(path, 'Add', [g.node(path, 'Tanh', [inner]), g.number(1)])
  return g.node(path, 'Mul', [g.node(path, 'Mul', [x, g.number(0.5)]), factor])
}

const silu: Emit = (g, path, x) => g.node(path, 'Mul', [x, g.node(path, 'Sigmoid', [x])])

const emitters: Record<Activation, Emit> = {
  ...{ gelu, gelu_python: gelu },
  ...{ gelu_new: geluTanh, gelu_pytorch_tanh: geluTanh, gelu_python_tanh: geluTanh },
  ...{ gelu_fast: geluTanh, gelu_accurate: geluTanh },
  ...{ relu: one('Relu'), tanh: one('Tanh'), sigmoid: one('Sigmoid'), silu, swish: silu },
  mish: (g, path, x) => g.node(path, 'Mul', [x, g.node(path, 'Tanh', [g.node(path, 'Softplus', [x])])]),
  relu6: (g, path, x) => g.node(path, 'Clip', [x, g.number(0), g.number(6)]),
  quick_gelu: (g, path, x) =>
    g.node(path, 'Mul', [x, g.node(path, 'Sigmoid', [g.node(path, 'Mul', [x, g.number(1.702)])])]),
}

/** The function of a name. */
export function activation(g: GraphBuilder, path: string, name: Activation, x: Value): Value {
  return emitters[name](g, path, x)
}
