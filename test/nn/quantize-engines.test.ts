// What other engines' own quantization of a model would answer, beside what they do answer: test/golden/quantize_engines.py.
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { noGrad } from '../../src/autograd/graph.js'
import { readSafetensors } from '../../src/formats/safetensors/safetensors.js'
import { tensor } from '../../src/index.js'
import { BertForSequenceClassification } from '../../src/nn/models/bert.js'
import { quantizeAware } from '../../src/nn/quantize-aware/prepare.js'
import type { Tensor } from '../../src/tensor/tensor.js'

const file = readFileSync(new URL('../golden/quantize_engines.safetensors', import.meta.url))
const { tensors: golden } = readSafetensors(file, { file: 'golden' })
const g = (name: string) => golden.get(name) as Tensor

function logits(scheme: 'onnxruntime' | 'onnxruntime-channel' | 'torch' | null): Tensor {
  const size = { vocabSize: 61, maxLength: 9, layers: 2, width: 24, heads: 3, inner: 40 }
  const model = new BertForSequenceClassification({ ...size, labels: ['a', 'b', 'c'] }).eval()
  model.loadStateDict(new Map(Array.from(model.stateDict().keys(), (key) => [key, g(`weight.${key}`)])))
  if (scheme !== null) quantizeAware(model, scheme)
  const attentionMask = tensor(new Int32Array(72).fill(1), { shape: [8, 9] })
  return noGrad(() => model.forward({ inputIds: g('ids'), attentionMask }).logits)
}
const far = (a: Tensor, b: Tensor) => Math.max(...a.data.map((x, i) => Math.abs(x - b.data[i])))

// A number on the border of two levels may round to the other one where sums differ in their last bits.
it.each(['onnxruntime', 'onnxruntime-channel', 'torch'] as const)('%s', (scheme) => {
  expect(far(logits(null), g('float'))).toBeLessThan(1e-5)
  expect(far(g(scheme), g('float'))).toBeGreaterThan(0.02)
  expect(far(logits(scheme), g(scheme))).toBeLessThan(1e-4)
})
