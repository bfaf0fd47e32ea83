// Models whose blocks differ and whose layers are products of two: out to ONNX and back.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { loadPretrained, writePretrained } from '../../src/files/models/on-disk.js'
import '../../src/index.js'
import { tensor } from '../../src/autograd/create.js'
import { noGrad } from '../../src/autograd/graph.js'
import { importOnnx } from '../../src/files/onnx/import.js'
import { exportOnnx } from '../../src/formats/onnx/export.js'
import { readOnnx } from '../../src/formats/onnx/graph.js'
import { BertForSequenceClassification } from '../../src/nn/models/bert.js'
import { quantize } from '../../src/nn/quantized/quantize.js'
import type { Tensor } from '../../src/tensor/tensor.js'
import { apart, resultOf } from './graphs.js'

const root = mkdtempSync(join(tmpdir(), 'tinystill-uneven-'))
afterAll(() => rmSync(root, { recursive: true }))

const make = (ranks = {}) =>
  new BertForSequenceClassification({
    ...{ vocabSize: 23, width: 16, layers: 2, heads: 3, inner: 24, maxLength: 12, labels: ['a', 'b'] },
    blocks: [
      { heads: 1, headSize: 4, inner: 5, ranks: { up: 3, query: 2 } },
      { heads: 3, headSize: 4, inner: 24, ranks },
    ],
  }).eval()
const matrix = (rows: number[][]) => tensor(rows, { dtype: 'int32' })
const input = {
  inputIds: matrix([
    [3, 4, 5, 6],
    [7, 8, 0, 0],
  ]),
  attentionMask: matrix([
    [1, 1, 1, 1],
    [1, 1, 0, 0],
  ]),
}

it('in floats, to the bit', () => {
  const model = make()
  const want = noGrad(() => model.forward(input).logits).data
  const bytes = exportOnnx(model)
  expect(apart(resultOf(readOnnx(bytes), input).data, want)).toBeLessThan(1e-5)
  writePretrained(join(root, 'model'), { model })
  writeFileSync(join(root, 'model.onnx'), bytes)
  importOnnx({ file: join(root, 'model.onnx'), out: join(root, 'back'), config: join(root, 'model') })
  const back = loadPretrained(join(root, 'back')).model.stateDict()
  for (const [name, t] of model.stateDict())
    expect(apart(t.data, (back.get(name) as Tensor).data), name).toBe(0)
})

it('in whole numbers', () => {
  const model = quantize(make())
  const want = noGrad(() => model.forward(input).logits).data
  expect(apart(resultOf(readOnnx(exportOnnx(model)), input).data, want)).toBeLessThan(0.05)
})

it('in whole numbers, with values and keys that are products of two', () => {
  const model = quantize(make({ key: 2, value: 3, out: 4 }))
  const want = noGrad(() => model.forward(input).logits).data
  expect(apart(resultOf(readOnnx(exportOnnx(model)), input).data, want)).toBeLessThan(0.05)
})
