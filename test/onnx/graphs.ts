// Graphs run on a model's input, as the tests of export and import compare them.
import type { OnnxGraph } from '../../src/formats/onnx/graph.js'
import { runOnnx } from '../../src/formats/onnx/run/run.js'
import type { RunValue } from '../../src/formats/onnx/run/value.js'
import type { ModelInput } from '../../src/nn/models/input.js'
import type { Tensor } from '../../src/tensor/tensor.js'

/** What the graph gives for padded texts: its only output. */
export function resultOf(graph: OnnxGraph, { inputIds, attentionMask, tokenTypeIds }: ModelInput): RunValue {
  const { shape } = inputIds
  const value = (t: Tensor | undefined, fallback: number): RunValue => ({
    ...{ type: 'int64', shape },
    data: Float64Array.from(t?.data ?? new Float64Array(inputIds.numel).fill(fallback)),
  })
  const all = new Map([
    ['input_ids', value(inputIds, 0)],
    ['attention_mask', value(attentionMask, 1)],
    ['token_type_ids', value(tokenTypeIds, 0)],
  ])
  const inputs = new Map(graph.inputs.map(({ name }) => [name, all.get(name) as RunValue]))
  return [...runOnnx(graph, inputs).values()][0]
}

/** The largest difference of two results. */
export function apart(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity
  return Array.from(a).reduce(
    (most, x, i) => Math.max(most, Math.abs(x - b[i]) || (x === b[i] ? 0 : Infinity)),
    0,
  )
}
