// What exportOnnx() writes, run node by node in plain loops, gives what the model gives: of the models of golden/family
// PyTorch's own logits. onnxruntime's are compared in scripts/python-onnx.mjs.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadPretrained } from '../../src/files/models/on-disk.js'
import '../../src/index.js'
import { randn, tensor } from '../../src/autograd/create.js'
import { noGrad } from '../../src/autograd/graph.js'
import { manualSeed } from '../../src/autograd/random.js'
import { exportOnnx } from '../../src/formats/onnx/export.js'
import { readOnnx } from '../../src/formats/onnx/graph.js'
import { readSafetensors } from '../../src/formats/safetensors/safetensors.js'
import { activationNames } from '../../src/nn/encoder.js'
import { Linear } from '../../src/nn/layers.js'
import { Bert, BertForMaskedLM, BertForSequenceClassification } from '../../src/nn/models/bert.js'
import { BiLstmForSequenceClassification } from '../../src/nn/models/bilstm.js'
import { TextClassifier } from '../../src/nn/models/classifier.js'
import { Mlp } from '../../src/nn/models/mlp.js'
import type { Module } from '../../src/nn/module.js'
import { quantize } from '../../src/nn/quantized/quantize.js'
import { apart, resultOf } from './graphs.js'

const family = join(import.meta.dirname, '../golden/family')
const golden = readdirSync(family).filter((name) => !/^gpt2/.test(name))

function goldenCase(name: string) {
  const { model } = loadPretrained(join(family, name))
  const { tensors } = readSafetensors(readFileSync(join(family, name, 'golden.safetensors')))
  const input = {
    inputIds: tensors.get('in.input_ids')!,
    attentionMask: tensors.get('in.attention_mask')!,
    tokenTypeIds: tensors.get('in.token_type_ids'),
  }
  return { model, input, logits: tensors.get('out.logits')!.data }
}

const padded = (lengths: readonly number[]) => {
  const longest = Math.max(...lengths)
  const rows = (value: (b: number, t: number) => number) =>
    tensor(
      lengths.map((n, b) => Array.from({ length: longest }, (_, t) => (t < n ? value(b, t) : 0))),
      { dtype: 'int32' },
    )
  return { inputIds: rows((b, t) => 2 + ((7 * b + 5 * t) % 20)), attentionMask: rows(() => 1) }
}

const size = { vocabSize: 23, width: 16, layers: 2, heads: 4, inner: 24, maxLength: 12 }

function drawn<M extends Module>(model: M, seed = 1): M {
  manualSeed(seed)
  for (const p of model.parameters()) p.set(randn(p.shape).mul(0.3).add(p).data)
  return model.eval() as M
}

describe('an exported graph', () => {
  it('refuses GPT-2, whose words see those before them alone', () => {
    const { model } = loadPretrained(join(family, 'gpt2-lm'))
    expect(() => exportOnnx(model)).toThrow('a GPT2LMHeadModel has no form here')
  })

  it.each(golden)('gives the logits of %s', (name) => {
    const { model, input, logits } = goldenCase(name)
    const graph = readOnnx(exportOnnx(model))
    expect(graph.outputs.map((o) => o.name)).toEqual(['logits'])
    const scale = Math.max(...Array.from(logits, Math.abs).filter((x) => !Number.isNaN(x)))
    // NaN: of padding, whatever it is there.
    const off = (result: ArrayLike<number>) =>
      apart(
        Array.from(result, (x, i) => (Number.isNaN(logits[i]) ? 0 : x)),
        Array.from(logits, (x) => x || 0),
      ) / scale
    expect(off(resultOf(graph, input).data)).toBeLessThan(2e-6)
    const half = readOnnx(exportOnnx(model, { dtype: 'fp16' }))
    expect(off(resultOf(half, input).data)).toBeLessThan(1e-2)
    expect([...half.tensors.values()].filter(({ type }) => type === 'float')).toEqual([])
  })

  it('needs no value of a batch: six shapes of one graph', () => {
    const model = drawn(new BertForSequenceClassification({ ...size, labels: ['a', 'b', 'c'] }))
    const graph = readOnnx(exportOnnx(model))
    for (const lengths of [[1], [12], [5, 5], [9, 2, 1], [12, 1, 7, 3], [2, 2, 2, 2, 2]]) {
      const input = padded(lengths)
      const want = noGrad(() => model.forward(input).logits)
      expect(resultOf(graph, input).shape).toEqual([lengths.length, 3])
      expect(apart(resultOf(graph, input).data, want.data)).toBeLessThan(1e-5)
    }
  })

  it('of a BiLSTM does not see padding, and answers a text without words', () => {
    const settings = { ...size, layers: 1, heads: 1, embedding: 10, labels: ['a', 'b', 'c'] }
    const model = drawn(new BiLstmForSequenceClassification(settings))
    const graph = readOnnx(exportOnnx(model))
    for (const lengths of [[1], [12], [5, 5], [9, 0, 1], [12, 1, 7, 3], [2, 2, 2, 2, 2]]) {
      const input = padded(lengths)
      const want = noGrad(() => model.forward(input).logits)
      expect(apart(resultOf(graph, input).data, want.data)).toBeLessThan(1e-5)
      const padding = input.inputIds.data
      input.attentionMask.data.forEach((seen, i) => {
        if (seen === 0) padding[i] = 7
      })
      input.inputIds.set(padding)
      expect(apart(resultOf(graph, input).data, want.data)).toBeLessThan(1e-5)
    }
  })

  it('takes sizes from the weights, head by head and layer by layer', () => {
    const model = drawn(new BertForSequenceClassification({ ...size, labels: ['a', 'b'] }))
    const input = padded([7, 3])
    // The second layer keeps heads 1 and 3 and inner neurons 4 to 12: what is cut is zero before.
    const { attention, up, down } = model.base.layers[1]
    const kept = [4, 5, 6, 7, 12, 13, 14, 15]
    const neurons = [4, 5, 6, 7, 8, 9, 10, 11, 12]
    const { width, inner } = size
    for (let r = 0; r < width; r++) {
      for (let c = 0; c < width; c++) if (!kept.includes(c)) attention.out.weight.elements[r * width + c] = 0
      for (let c = 0; c < inner; c++) if (!neurons.includes(c)) down.weight.elements[r * inner + c] = 0
    }
    const want = noGrad(() => model.forward(input).logits).data.slice()
    const cut = (layer: Linear, rows: readonly number[] | null, columns: readonly number[] | null) => {
      const [out, into] = layer.weight.shape
      const [rs, cs] = [rows ?? [...Array(out).keys()], columns ?? [...Array(into).keys()]]
      const small = new Linear(cs.length, rs.length)
      small.weight.elements.set(rs.flatMap((r) => cs.map((c) => layer.weight.elements[r * into + c])))
      small.bias?.elements.set(rs.map((r) => layer.bias!.elements[r]))
      return small
    }
    for (const name of ['query', 'key', 'value'] as const) attention[name] = cut(attention[name], kept, null)
    attention.out = cut(attention.out, null, kept)
    Object.assign(attention, { heads: 2 })
    model.base.layers[1].up = cut(up, neurons, null)
    model.base.layers[1].down = cut(down, null, neurons)
    expect(apart(resultOf(readOnnx(exportOnnx(model)), input).data, want)).toBeLessThan(1e-5)
  })

  it.each(activationNames)('computes %s', (activation) => {
    const model = drawn(new Bert({ ...size, activation, layers: 1 }))
    const input = padded([6, 4])
    const graph = readOnnx(exportOnnx(model))
    expect(graph.outputs.map((o) => o.name)).toEqual(['last_hidden_state'])
    const want = noGrad(() => model.forward(input).lastHiddenState)
    expect(apart(resultOf(graph, input).data, want.data)).toBeLessThan(1e-5)
  })

  it.each(['post', 'pre'] as const)('of our own classifier, norm %s', (norm) => {
    const config = {
      vocabSize: 23,
      classes: 3,
      layers: 2,
      maxLength: 12,
      padId: 0,
      width: 16,
      heads: 4,
      norm,
    }
    const model = drawn(new TextClassifier(config))
    const input = padded([6, 4, 1])
    const want = noGrad(() => model.forward(input).logits)
    const graph = readOnnx(exportOnnx(model))
    expect(graph.inputs.map((i) => i.name)).toEqual(['input_ids', 'attention_mask'])
    expect(apart(resultOf(graph, input).data, want.data)).toBeLessThan(1e-5)
  })

  it('keeps a shared table once', () => {
    const model = drawn(new BertForMaskedLM(size))
    const shapes = [...readOnnx(exportOnnx(model)).tensors.values()].map(({ shape }) => shape.join())
    expect(shapes.filter((shape) => shape === '23,16' || shape === '16,23')).toEqual(['23,16'])
  })
})

describe('a quantized model', () => {
  const small = { ...size, labels: ['a', 'b', 'c'] }
  const int8 = (seed: number) => quantize(drawn(new BertForSequenceClassification(small), seed))

  it('keeps its whole numbers and scales', () => {
    const model = int8(1)
    const { tensors } = readOnnx(exportOnnx(model))
    const name = 'bert.encoder.layer.0.intermediate.dense.weight'
    const numbers = tensors.get(`${name}.int8`)!
    expect([numbers.type, numbers.shape]).toEqual(['int8', [16, 24]])
    const layer = model.base.layers[0].up as unknown as {
      numbers(a: number, b: number): Int8Array
      scales: { data: ArrayLike<number> }
    }
    const rows = layer.numbers(0, 24)
    const back = Array.from(numbers.numbers(), (_, i) => rows[(i % 24) * 16 + Math.floor(i / 24)])
    expect(Array.from(numbers.numbers())).toEqual(back)
    expect(Array.from(tensors.get(`${name}.scale`)!.numbers())).toEqual(Array.from(layer.scales.data))
    expect(
      [...tensors.values()].some(
        ({ type, shape }) => type === 'float' && shape.length === 2 && shape[0] === 23 && shape[1] > 1,
      ),
    ).toBe(false)
  })

  it.each(['row', 'tensor'] as const)('answers near its own kernels, inputs by %s', (inputs) => {
    const model = int8(2)
    const input = padded([12, 7, 2])
    const want = noGrad(() => model.forward(input).logits).data
    const got = resultOf(readOnnx(exportOnnx(model, { inputs })), input).data
    const scale = Math.max(...Array.from(want, Math.abs))
    expect(apart(got, want) / scale).toBeLessThan(inputs === 'row' ? 0.05 : 0.15)
  })

  it('does not depend on the rest of a batch, by row', () => {
    const graph = readOnnx(exportOnnx(int8(3)))
    const both = resultOf(graph, padded([12, 5])).data
    const { inputIds, attentionMask } = padded([5, 5])
    const alone = resultOf(graph, { inputIds, attentionMask }).data
    // The second row: 5 words alone, and beside 12 with 7 of padding.
    expect(apart(both.subarray(3, 6), alone.subarray(3, 6))).toBeLessThan(1e-5)
  })

  it('takes ranges that were measured', () => {
    const model = drawn(new BertForSequenceClassification(small), 4)
    const float = noGrad(() => model.forward(padded([9, 3])).logits).data.slice()
    const names = [...model.namedModules()].filter(([, m]) => m instanceof Linear).map(([name]) => name)
    quantize(model, { ranges: new Map(names.map((name) => [name, [-6, 6] as const])) })
    const graph = readOnnx(exportOnnx(model))
    expect(graph.nodes.filter(({ op }) => op === 'ReduceMax' || op === 'DynamicQuantizeLinear')).toEqual([])
    const scale = Math.max(...Array.from(float, Math.abs))
    expect(apart(resultOf(graph, padded([9, 3])).data, float) / scale).toBeLessThan(0.2)
  })
})

describe('exportOnnx', () => {
  it('refuses what has no form', () => {
    expect(() => exportOnnx(new Mlp({ sizes: [2, 2] }))).toThrow('exportOnnx: a Mlp has no form in ONNX here')
    const model = new Bert(size)
    class Other extends Linear {}
    model.layers[0].up = new Other(16, 24)
    expect(() => exportOnnx(model)).toThrow('layers.0.up is a Other, which has no form in ONNX here')
    expect(() => exportOnnx(quantize(new Bert(size)), { dtype: 'fp16' })).toThrow('Export the float model')
    // @ts-expect-error: no such option
    expect(() => exportOnnx(new Bert(size), { dtype: 'q4' })).toThrow('dtype')
  })

  it('refuses more than protobuf holds, before anything is made', () => {
    const model = new Bert({ ...size, layers: 0 })
    Object.assign(model.words, { weight: { shape: [2 ** 24, 64], elements: new Float32Array() } })
    expect(() => exportOnnx(model)).toThrow(
      'protobuf ends at 2147483647. Take --dtype fp16, half as large, or q8',
    )
  })
})
