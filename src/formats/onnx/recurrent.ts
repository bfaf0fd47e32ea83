// An LSTM as ONNX's own operation, and its weights back out of a graph. ONNX has directions stacked, gates i, o, f, c and both
// biases one after the other; PyTorch, and we, have a tensor for each direction, and gates i, f, g, o.
import { CheckpointError } from '../../errors.js'
import type { LSTM } from '../../nn/recurrent/layers.js'
import { numel } from '../../tensor/shape.js'
import type { Tensor } from '../../tensor/tensor.js'
import { shown } from '../json.js'
import type { GraphBuilder, Value } from './builder.js'
import type { GraphWeight, StoredTensor } from './elements.js'
import type { OnnxGraph } from './graph.js'

/** By ONNX's places of the gates, ours. */
const GATES = [0, 3, 1, 2]

/** What each input of the operation holds, by the begin of our parameters' names, and what it is called in a graph. */
const inputs = [
  { name: 'weight_ih', holds: ['weight_ih'] },
  { name: 'weight_hh', holds: ['weight_hh'] },
  { name: 'bias_ih_hh', holds: ['bias_ih', 'bias_hh'] },
] as const

const endsOf = (directions: number) => ['_l0', '_l0_reverse'].slice(0, directions)

/** [directions, B, H]: the states behind each text's last word, of x [T, B, I] and int32 lengths [B]. Of one layer with biases. */
export function lastStates(g: GraphBuilder, layer: LSTM, path: string, x: Value, lengths: Value): Value {
  const own = new Map(layer.namedParameters())
  const ends = endsOf(layer.bidirectional ? 2 : 1)
  const stored = inputs.map(({ name, holds }) => {
    const parts = ends.flatMap((end) => holds.map((part) => own.get(`${part}${end}`) as Tensor))
    const [rows, ...columns] = parts[0].shape
    const shape = [ends.length, rows * holds.length, ...columns]
    return g.stored(g.nameOf(`${path}.${name}`), g.floats, shape, () => {
      const all = new Float32Array(numel(shape))
      parts.forEach((part, i) => {
        const gate = part.numel / GATES.length
        GATES.forEach((from, k) => {
          all.set(part.elements.subarray(from * gate, (from + 1) * gate), i * part.numel + k * gate)
        })
      })
      return all
    })
  })
  const direction = layer.bidirectional ? 'bidirectional' : 'forward'
  const [, last] = g.several(
    path,
    'LSTM',
    [x, ...stored, lengths],
    { hidden_size: layer.hiddenSize, direction },
    2,
  )
  return last
}

/** Parameters of LSTMs that lastStates() wrote, by their names in a weight file. Throws CheckpointError that names the node. */
export function* lstmWeights({ file, nodes, tensors }: OnnxGraph): Generator<[string, GraphWeight]> {
  for (const node of nodes) {
    const stem = /^(.*\.)weight_ih$/.exec(node.inputs[1] ?? '')?.[1]
    if (node.op !== 'LSTM' || stem === undefined) continue
    const [directions] = tensors.get(node.inputs[1])?.shape ?? []
    for (const [i, { name, holds }] of inputs.entries()) {
      const t = tensors.get(node.inputs[i + 1])
      const parts = (t?.shape[1] ?? 0) / holds.length
      if (t === undefined || !(directions <= 2) || t.shape[0] !== directions || parts % GATES.length !== 0)
        throw new CheckpointError(
          file,
          `node ${shown(node.name)} (LSTM) has no ${name} of 1 or 2 directions and 4 gates`,
        )
      const shape = [parts, ...t.shape.slice(2)]
      for (const [d, end] of endsOf(directions).entries())
        for (const [k, part] of holds.entries())
          yield [`${stem}${part}${end}`, gatesBack(t, shape, d * holds.length + k)]
    }
  }
}

/** The part of that number of a stacked tensor, its gates in our order. */
function gatesBack(t: StoredTensor, shape: readonly number[], part: number): GraphWeight {
  const [size, gate] = [numel(shape), numel(shape) / GATES.length]
  return {
    shape,
    fill: (out) => {
      const numbers = t.numbers()
      GATES.forEach((to, k) => {
        for (let i = 0; i < gate; i++) out[to * gate + i] = numbers[part * size + k * gate + i]
      })
    },
  }
}
