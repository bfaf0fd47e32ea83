// The whole numbers of a graph that we wrote, as the folder of a quantized model has them: no number is changed.
import { CheckpointError } from '../../errors.js'
import type { Module } from '../../nn/module.js'
import { int8Most } from '../../tensor/int8.js'
import { numel, type Shape } from '../../tensor/shape.js'
import { shown } from '../json.js'
import { fillQuantized } from '../quantized.js'
import type { Entry } from '../safetensors/header.js'
import type { GraphWeight, StoredTensor } from './elements.js'
import type { OnnxGraph } from './graph.js'
import { asItIs, graphWeights, tensorOf } from './weights.js'

/** As src/files/models has an open folder of such weights. */
export interface WholeWeights {
  path: string
  sizes: Map<string, { shape: Shape; numel: number }>
  fill(model: Module): void
}

const WHOLE = /\.weight\.int8$/

/** A layer's whole numbers, [rows, columns] of the layer. */
interface WholeWeight {
  linear: boolean
  shape: readonly [rows: number, columns: number]
  numbers: StoredTensor
  scale: StoredTensor
}

/**
 * null for a graph of floats. Throws CheckpointError for whole numbers that others wrote, whose scheme is not ours, and for a
 * range of inputs that was measured before, which our kernels cut into 7 bits and the graph into 8.
 */
export function wholeWeights(graph: OnnxGraph): WholeWeights | null {
  const found = layersIn(graph)
  if (found.size === 0) return null
  const floats = graphWeights(graph)
  const entry = (name: string, code: string, shape: Shape) => ({ name, code, shape }) as Entry
  const entries = [
    ...Array.from(floats, ([name, { shape }]) => entry(name, 'F32', shape)),
    ...Array.from(found, ([name, { shape }]) => [
      entry(`${name}.int8`, 'I8', shape),
      entry(`${name}.scale`, 'F32', [shape[0]]),
    ]).flat(),
  ]
  const shapes = [...floats, ...found]
  const named = (linear: boolean) =>
    Array.from(found.keys()).filter((name) => found.get(name)?.linear === linear)
  return {
    path: graph.file,
    sizes: new Map(shapes.map(([name, { shape }]) => [name, { shape, numel: numel(shape) }])),
    fill: (model) =>
      fillQuantized(
        model,
        { bits: bitsOf(found), linear: named(true), embedding: named(false), ranges: new Map() },
        {
          ...{ file: graph.file, entries },
          bytes: ({ name }, from, count) =>
            pieceOf(found.get(name.slice(0, -'.int8'.length)) as WholeWeight, from, count),
          tensor: ({ name, shape }) => {
            const scale = found.get(name.replace(/\.scale$/, ''))?.scale
            return tensorOf(
              scale === undefined ? (floats.get(name) as GraphWeight) : { ...asItIs(scale), shape },
            )
          },
        },
      ),
  }
}

function layersIn(graph: OnnxGraph): Map<string, WholeWeight> {
  const refuse = (reason: string): never => {
    throw new CheckpointError(
      graph.file,
      reason,
      'Import the float model, and quantize it again by tinystill quantize',
    )
  }
  const makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)))
  const found = new Map<string, WholeWeight>()
  for (const { name, op, inputs } of graph.nodes) {
    const linear = op === 'MatMulInteger'
    const stored = inputs[linear ? 1 : 0] ?? ''
    const numbers = graph.tensors.get(stored)
    if (!linear && op !== 'QLinearMatMul' && !(op === 'Gather' && numbers?.type === 'int8')) continue
    const scale = graph.tensors.get(stored.replace(/int8$/, 'scale'))
    const ours =
      WHOLE.test(stored) && numbers?.type === 'int8' && numbers.shape.length === 2 && scale?.type === 'float'
    if (!ours || op === 'QLinearMatMul')
      return refuse(`computes in whole numbers that tinystill did not write (node ${shown(name)}, ${op})`)
    const maker = makers.get(inputs[0])
    if (linear && maker?.op === 'QuantizeLinear' && graph.tensors.has(maker.inputs[1]))
      refuse(`has ranges of inputs that were measured before (node ${shown(name)})`)
    const [a, b] = numbers.shape
    const shape = linear ? ([b, a] as const) : ([a, b] as const)
    if (numel(scale.shape) !== shape[0])
      refuse(`${shown(stored)} has ${shape[0]} rows, and scales for ${numel(scale.shape)}`)
    found.set(stored.replace(/\.int8$/, ''), { linear, shape, numbers, scale })
  }
  return found
}

/** What the numbers of all linear layers fit into. */
function bitsOf(found: ReadonlyMap<string, WholeWeight>): 7 | 8 {
  for (const { linear, numbers } of found.values())
    if (linear && numbers.numbers().some((q) => Math.abs(q) > int8Most[7])) return 8
  return 7
}

/** So many numbers of a layer from one on; those of linear layers stand turned round. */
function pieceOf(
  { linear, shape: [rows, columns], numbers }: WholeWeight,
  from: number,
  count: number,
): Int8Array {
  const own = numbers.numbers()
  return Int8Array.from({ length: count }, (_, i) => {
    const at = from + i
    return linear ? own[(at % columns) * rows + Math.floor(at / columns)] : own[at]
  })
}
