// ONNX files: bytes struck anywhere, and messages whose fields say something else, with lengths that fit again. What is read
// must have every weight that it claims, and running it must end.

import { CheckpointError } from '../../../src/errors.js'
import { exportOnnx } from '../../../src/formats/onnx/export.js'
import { type OnnxGraph, readOnnx } from '../../../src/formats/onnx/graph.js'
import { runOnnx } from '../../../src/formats/onnx/run/run.js'
import { modelProto } from '../../../src/formats/onnx/schema.js'
import { graphWeights } from '../../../src/formats/onnx/weights.js'
import { Cursor } from '../../../src/formats/onnx/wire.js'
import { BertForSequenceClassification } from '../../../src/nn/models/bert.js'
import type { Dice } from '../../io/mutants.js'
import { hostileTexts, pick, struck } from '../bytes.js'
import type { Target } from '../target.js'

const SHAPE = [2, 3]
const fail = (reason: string): never => {
  throw new Error(reason)
}

const numbers = [-1, 0, 1, 2, 3, 7, 17, 255, 2 ** 31, 2 ** 40, 2 ** 53, -(2 ** 63), 0.5]
const operations = [
  'Add',
  'MatMul',
  'Gather',
  'Reshape',
  'Slice',
  'Expand',
  'Range',
  'Loop',
  'Concat',
  'ConstantOfShape',
]

type Fields = Record<string, unknown>
const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !ArrayBuffer.isView(value) && !Array.isArray(value)

/** Every message within one, and every list of them. */
function* within(value: unknown): Generator<Fields | unknown[]> {
  if (Array.isArray(value)) {
    if (value.length > 0) yield value
    for (const item of value) yield* within(item)
  } else if (isFields(value)) {
    yield value
    for (const field of Object.values(value)) yield* within(field)
  }
}

function other(roll: Dice, value: unknown): unknown {
  if (typeof value === 'number') return pick(roll, numbers)
  if (typeof value === 'string') return pick(roll, [...hostileTexts, ...operations, 'input_ids', 'logits'])
  if (ArrayBuffer.isView(value))
    return (value as Uint8Array).subarray(0, roll((value as Uint8Array).length + 1))
  return undefined
}

/** Changes one field of one message, or one place of one list. */
function spoil(roll: Dice, model: unknown): void {
  const all = [...within(model)]
  const target = all[roll(all.length)]
  if (Array.isArray(target)) {
    const at = roll(target.length)
    const way = roll(4)
    if (way === 0) target.splice(at, 1)
    else if (way === 1) target.push(target[at])
    else if (way === 2) target.reverse()
    else target[at] = other(roll, target[at]) ?? target[at]
    return
  }
  const names = Object.keys(target)
  if (names.length === 0) return
  const name = pick(roll, names)
  const changed = other(roll, target[name])
  if (changed === undefined && roll(2) === 0) delete target[name]
  else if (changed !== undefined) target[name] = changed
}

export const onnxTarget: Target = {
  name: 'onnx',
  share: 8,
  open(folder) {
    const file = `${folder}/model.onnx`
    const model = new BertForSequenceClassification({
      ...{ vocabSize: 5, width: 4, layers: 1, heads: 2, inner: 4, maxLength: 4, tokenTypes: 1 },
    })
    const bytes = exportOnnx(model)
    for (const p of model.parameters()) p.dispose()
    const made = (roll: Dice) => {
      if (roll(3) === 0) return struck(bytes, roll)
      const message = modelProto.read(new Cursor(bytes, fail))
      for (let n = 1 + roll(2); n > 0; n--) spoil(roll, message)
      try {
        const pieces = modelProto.write(message).finish()
        return new Uint8Array(Buffer.concat(pieces as Uint8Array[]))
      } catch {
        // What cannot be written at all, half a number say.
        return struck(bytes, roll)
      }
    }
    return {
      make: made,
      read: (content) => {
        const graph = readOnnx(content, file)
        let elements = 0
        for (const { shape, fill } of graphWeights(graph).values()) {
          const out: number[] = []
          fill(out)
          if (out.length !== shape.reduce((n, d) => n * d, 1)) throw new Error('a weight is not whole')
          elements += out.length
        }
        // A graph's run takes longer than reading it: one in four.
        if (content.length % 4 === 0) run(graph)
        return elements
      },
      // A table that has two names counts twice.
      judge: (content, elements) =>
        8 * (elements as number) <= 16 * content.length
          ? null
          : `${elements} weights in ${content.length} bytes`,
    }
  },
}

/** Refusals are the graph's; anything else is thrown on. */
function run(graph: OnnxGraph): void {
  const value = { type: 'int64', shape: SHAPE, data: Float64Array.of(1, 2, 3, 4, 0, 0) } as const
  const inputs = new Map(graph.inputs.map(({ name, type }) => [name, { ...value, type }]))
  try {
    runOnnx(graph, inputs, { budget: 2 ** 18 })
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error
  }
}
