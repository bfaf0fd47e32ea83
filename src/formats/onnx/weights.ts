// The weights of a graph under the names of a model's weight file: of one of ours, of torch.onnx.export by either of its ways,
// and so of optimum. Those write a linear layer's weight turned round under a number; its bias, added to the product, tells
// which layer it is of.
import { CheckpointError } from '../../errors.js'
import { decoderOf, families } from '../../nn/models/family.js'
import { numel, type Shape } from '../../tensor/shape.js'
import { empty, type Tensor } from '../../tensor/tensor.js'
import { shown } from '../json.js'
import type { GraphWeight, StoredTensor } from './elements.js'
import type { OnnxGraph, OnnxNode } from './graph.js'
import { lstmWeights } from './recurrent.js'

export const tensorOf = (weight: GraphWeight): Tensor => {
  const t = empty(weight.shape)
  weight.fill(t.elements)
  return t
}

const BIAS = /\.bias$/
const PARAMETER = /\.(weight|bias)$/

const [WORDS, PLACES] = ['word_embeddings.weight', 'position_embeddings.weight']

/** Heads of masked words whose tied decoder has its bias under another name than its weight. */
const DECODERS = families.flatMap((family) => {
  const decoder = decoderOf(family)
  return family.tiedBias === null || decoder === null ? [] : [[family.tiedBias, decoder] as const]
})

const weightOf = (bias: string) => {
  const decoder = DECODERS.find(([tied]) => bias.endsWith(tied))
  return decoder === undefined
    ? bias.replace(BIAS, '.weight')
    : `${bias.slice(0, -decoder[0].length)}${decoder[1]}.weight`
}

/** All floats. Throws CheckpointError that names the file, for graphs that have no parameter's name. */
export function graphWeights(graph: OnnxGraph): Map<string, GraphWeight> {
  const refuse = (reason: string, hint: string): never => {
    throw new CheckpointError(graph.file, reason, hint)
  }
  const tensors = new Map(graph.tensors)
  // What is the same number for number is stored once, and gets its other names by Identity.
  for (const { op, inputs, outputs } of graph.nodes) {
    const t = tensors.get(inputs[0])
    if (op === 'Identity' && t !== undefined) tensors.set(outputs[0], t)
  }
  const users = new Map<string, OnnxNode[]>()
  for (const node of graph.nodes) {
    for (const input of node.inputs) {
      const before = users.get(input)
      if (before === undefined) users.set(input, [node])
      else before.push(node)
    }
  }
  const found = new Map<string, GraphWeight>(lstmWeights(graph))
  const add = (name: string, t: StoredTensor, turned: boolean) => {
    if (found.has(name)) refuse(`holds ${shown(name)} twice`, 'Export the model again')
    found.set(name, turned ? turnedRound(t) : asItIs(t))
  }
  const turned = new Set<string>()
  for (const node of graph.nodes) {
    const name = node.inputs[1]
    const t = tensors.get(name ?? '')
    const round = node.op === 'MatMul' || (node.op === 'Gemm' && node.attributes.get('transB') !== 1)
    if (!round || t === undefined || t.shape.length !== 2 || turned.has(name)) continue
    const bias = node.op === 'Gemm' ? node.inputs[2] : biasAfter(node, users, tensors)
    const own = PARAMETER.test(name) ? name : bias === undefined || !BIAS.test(bias) ? null : weightOf(bias)
    // A tied table may stand there under its name as well, unused.
    if (own === null || (own !== name && tensors.has(own))) continue
    turned.add(name)
    add(own, t, true)
  }
  for (const [name, t] of tensors) {
    const float = t.type === 'float' || t.type === 'float16' || t.type === 'double'
    if (float && PARAMETER.test(name) && !turned.has(name)) add(name, t, false)
  }
  // A table that is tied to a decoder bears the decoder's name alone: it is what the words are taken from.
  const [places] = [...found.keys()].filter((name) => name.endsWith(PLACES))
  const words = graph.nodes.find(({ op, inputs }) => op === 'Gather' && inputs[1] === 'input_ids')?.inputs[0]
  const table = words === undefined ? undefined : found.get(words)
  if (places !== undefined && table !== undefined && !words?.endsWith(WORDS))
    found.set(places.slice(0, -PLACES.length) + WORDS, table)
  if (found.size === 0)
    refuse(
      `has no tensor under a parameter's name. It has ${[...graph.tensors.keys()].slice(0, 4).map(shown).join(', ')}`,
      'Export it from PyTorch, by torch.onnx.export or optimum, without another optimizer after it',
    )
  const count = (shapes: Iterable<{ shape: Shape }>) =>
    Array.from(shapes).reduce((n, { shape }) => n + numel(shape), 0)
  // Twice: a table that is tied to a decoder. One tensor under a thousand names is no model.
  if (count(found.values()) > 2 * count(graph.tensors.values()))
    refuse('has one tensor under more names than a model gives it', 'Export the model again')
  return found
}

/** What is added to a product, where that is a tensor of the file. */
function biasAfter(
  { outputs }: OnnxNode,
  users: ReadonlyMap<string, readonly OnnxNode[]>,
  tensors: ReadonlyMap<string, StoredTensor>,
): string | undefined {
  const after = users.get(outputs[0])?.find(({ op }) => op === 'Add')
  return after?.inputs.find((input) => tensors.has(input))
}

export const asItIs = (t: StoredTensor): GraphWeight => ({
  shape: t.shape,
  fill: (out) => {
    const numbers = t.numbers()
    for (let i = 0; i < numbers.length; i++) out[i] = numbers[i]
  },
})

const turnedRound = (t: StoredTensor): GraphWeight => {
  const [rows, columns] = t.shape
  return {
    shape: [columns, rows],
    fill: (out) => {
      const numbers = t.numbers()
      for (let r = 0; r < rows; r++)
        for (let c = 0; c < columns; c++) out[c * rows + r] = numbers[r * columns + c]
    },
  }
}
