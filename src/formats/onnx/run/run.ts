// Runs a graph of ONNX node by node, to see whether it computes what a model of ours does. Slow, exact, and without trust: a
// graph that asks for more than a model of its size could need is stopped.
import { CheckpointError } from '../../../errors.js'
import { numel } from '../../../tensor/shape.js'
import { shown } from '../../json.js'
import type { OnnxGraph, OnnxNode } from '../graph.js'
import type { Fail } from '../wire.js'
import { elementwise } from './elementwise.js'
import { products } from './products.js'
import { recurrent } from './recurrent.js'
import { shapes } from './shapes.js'
import type { Operation, RunValue } from './value.js'

const operations = new Map<string, Operation>(
  Object.entries({ ...elementwise, ...products, ...recurrent, ...shapes }),
)

export interface RunOptions {
  /** Elements and products of numbers that all nodes together may make. Default 2^34. */
  budget?: number
}

/** Values of the graph's outputs by their names. Throws CheckpointError that names the node. */
export function runOnnx(
  graph: OnnxGraph,
  inputs: ReadonlyMap<string, RunValue>,
  { budget = 2 ** 34 }: RunOptions = {},
): Map<string, RunValue> {
  const values = new Map(inputs)
  const last = lastUses(graph)
  let left = budget
  const spend = (amount: number, fail: Fail) => {
    left -= amount
    if (!(left >= 0)) fail('asks for more than a model of this size needs')
  }
  const value = (name: string, fail: Fail): RunValue | undefined => {
    if (name === '') return undefined
    const t = graph.tensors.get(name)
    // Weights are read where they are used, and not kept: each use takes its time.
    if (t !== undefined) {
      spend(numel(t.shape), fail)
      return { type: t.type, shape: t.shape, data: t.numbers() }
    }
    return values.get(name) ?? fail(`takes ${shown(name)}, which was not given`)
  }
  for (const [i, node] of graph.nodes.entries()) {
    const fail = failing(graph, node)
    const operation = operations.get(node.op)
    if (operation === undefined) return fail('is an operation that is not known here')
    const made = operation({
      inputs: node.inputs.map((name) => value(name, fail)),
      ...{ attributes: node.attributes, opset: graph.opset, outputs: node.outputs.length, fail },
      spend: (amount) => spend(amount, fail),
    })
    const results = Array.isArray(made) ? made : [made]
    node.outputs.forEach((name, k) => {
      if (name !== '') values.set(name, results[k] ?? fail(`has ${node.outputs.length} outputs`))
    })
    for (const name of last[i]) values.delete(name)
  }
  const wanted = graph.outputs.map(({ name }) => name)
  return new Map(
    wanted.map((name) => [
      name,
      value(name, (reason) => {
        throw new CheckpointError(graph.file, reason)
      }) as RunValue,
    ]),
  )
}

const failing =
  ({ file }: OnnxGraph, { name, op }: OnnxNode): Fail =>
  (reason) => {
    throw new CheckpointError(file, `node ${shown(name)} (${shown(op)}) ${reason}`)
  }

/** By node, the values that nothing takes after it. */
function lastUses({ nodes, outputs }: OnnxGraph): string[][] {
  const seen = new Set(outputs.map(({ name }) => name))
  const last: string[][] = nodes.map(() => [])
  for (let i = nodes.length - 1; i >= 0; i--)
    for (const name of nodes[i].inputs)
      if (!seen.has(name)) {
        seen.add(name)
        last[i].push(name)
      }
  return last
}
