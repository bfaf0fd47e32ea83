// Whether a graph computes what a model does: both answer the same few texts.

import { tensor } from '../../autograd/create.js'
import { noGrad } from '../../autograd/graph.js'
import { reshape } from '../../autograd/ops/shape/views.js'
import { tidy } from '../../autograd/tidy.js'
import { CheckpointError } from '../../errors.js'
import type { TextInput } from '../../nn/models/input.js'
import type { Module } from '../../nn/module.js'
import { countWeights } from '../../nn/quantized/quantize.js'
import { numel } from '../../tensor/shape.js'
import type { Tensor } from '../../tensor/tensor.js'
import { shown } from '../json.js'
import { spanOutputs } from './export.js'
import type { OnnxGraph } from './graph.js'
import { runOnnx } from './run/run.js'
import type { RunValue } from './run/value.js'

/** A model of texts. */
export type Answering = Module & {
  forward(input: TextInput): { logits?: Tensor; lastHiddenState?: Tensor }
}

export interface CompareOptions {
  vocabSize: number
  maxLength: number
}

/** Lengths of the texts that are answered. */
const LENGTHS = [8, 5, 1]

/** What a graph of ours, of torch.onnx.export and of optimum call their inputs. */
const NAMES = ['input_ids', 'attention_mask', 'token_type_ids']

/** How far apart the answers are. */
export interface Difference {
  /** The largest difference of a number, by the largest number of the model or 1. */
  largest: number
  /** The root of the sum of squared differences, by that of the model's numbers: 1.4 of answers that have nothing in common. */
  whole: number
}

/** Beginnings and ends of answers, which graphs give apart, as the two numbers of each token; what others give as it is. */
function joined(outputs: ReadonlyMap<string, RunValue>): ReadonlyMap<string, RunValue> {
  const [starts, ends] = spanOutputs.map((name) => outputs.get(name))
  if (starts === undefined || ends?.data.length !== starts.data.length) return outputs
  const data = Float64Array.from({ length: 2 * starts.data.length }, (_, i) =>
    Number((i % 2 === 0 ? starts : ends).data[i >> 1]),
  )
  return new Map([[spanOutputs.join(', '), { ...starts, shape: [...starts.shape, 2], data }]])
}

/**
 * Lets the graph and the model answer three texts. Throws CheckpointError where the graph takes
 * or gives something else, and where it cannot be run.
 */
export function differenceOf(
  graph: OnnxGraph,
  model: Answering,
  { vocabSize, maxLength }: CompareOptions,
): Difference {
  const refuse = (reason: string): never => {
    throw new CheckpointError(graph.file, reason)
  }
  const lengths = LENGTHS.map((n) => Math.min(n, maxLength))
  const shape = [lengths.length, lengths[0]]
  const rows = (value: (b: number, t: number) => number) =>
    lengths.flatMap((n, b) => Array.from({ length: lengths[0] }, (_, t) => (t < n ? value(b, t) : 0)))
  // Words from all over the table, and no types: a model may have one alone.
  const all = new Map([
    ['input_ids', rows((b, t) => Math.floor(((1 + b * lengths[0] + t) * (vocabSize - 1)) / 25))],
    ['attention_mask', rows(() => 1)],
    ['token_type_ids', rows(() => 0)],
  ])
  const inputs = new Map<string, RunValue>()
  for (const { name, type } of graph.inputs) {
    const data = all.get(name)
    if (data === undefined) return refuse(`takes ${shown(name)}; ${NAMES.join(', ')} are known here`)
    inputs.set(name, { type, shape, data: Float64Array.from(data) })
  }
  const want = tidy(() =>
    noGrad(() => {
      const [inputIds, attentionMask] = NAMES.map((name) =>
        reshape(tensor(Int32Array.from(all.get(name) as number[])), shape),
      )
      const out = model.forward({ inputIds, attentionMask })
      const answer = (out.logits ?? out.lastHiddenState) as Tensor
      return { shape: answer.shape, data: Array.from(answer.data) }
    }),
  )
  const tokens = numel(shape)
  const budget = 2 ** 28 + 8 * tokens * countWeights(model)
  const [[name, got] = ['', undefined]] = joined(runOnnx(graph, inputs, { budget }))
  if (got === undefined || got.shape.join() !== want.shape.join())
    return refuse(`gives ${shown(name)} of the shape [${got?.shape}], the model [${want.shape}]`)
  // Of words alone: padding that sees nothing but padding, as in a window, has no meaning, and each spelling gives it another.
  const real = all.get('attention_mask') as number[]
  const perWord = want.shape.length === 3 ? want.shape[2] : want.data.length
  const ofWords = (data: ArrayLike<number>) =>
    Array.from(data).filter((_, i) => real[Math.floor(i / perWord)] === 1)
  const [here, there] = [ofWords(want.data), ofWords(got.data)]
  const scale = here.reduce((most, x) => Math.max(most, Math.abs(x)), 1)
  const apart = here.map((x, i) => Math.abs(x - there[i]))
  // NaN is no number that Math.max passes over.
  const worst = apart.reduce((most, d) => (Number.isFinite(d) ? Math.max(most, d) : Infinity), 0)
  const norm = (values: readonly number[]) => Math.sqrt(values.reduce((sum, x) => sum + x * x, 0))
  return { largest: worst / scale, whole: norm(apart) / (norm(here) || 1) }
}
