// What parts of a model are worth: PyTorch's values, and what it says of cutting them.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadPretrained } from '../../src/files/models/on-disk.js'
import '../../src/index.js'
import { tensor } from '../../src/autograd/create.js'
import { noGrad } from '../../src/autograd/graph.js'
import { crossEntropy } from '../../src/autograd/ops/losses/losses.js'
import { readSafetensors } from '../../src/formats/safetensors/safetensors.js'
import type { TextInput } from '../../src/nn/models/input.js'
import type { HeadModel } from '../../src/nn/models/pretrained.js'
import { baseOf } from '../../src/nn/shrink/cut.js'
import { type BatchLoss, Importance, type ImportanceOptions } from '../../src/nn/shrink/importance.js'
import { type HeadMethodName, headMethods, layerMethods } from '../../src/nn/shrink/methods.js'
import { flatBatch, padBatch } from '../../src/text/batches.js'

const golden = join(import.meta.dirname, '../golden')
const wanted = JSON.parse(readFileSync(join(golden, 'importance.json'), 'utf8'))
const cases = ['bert-classify', 'distilbert-classify']

function open(name: string) {
  const folder = join(golden, 'family', name)
  const file = join(folder, 'golden.safetensors')
  const { tensors } = readSafetensors(readFileSync(file), { file })
  const of = (key: string) => Array.from(tensors.get(`in.${key}`)?.data ?? [])
  const [ids, mask, types, labels] = ['input_ids', 'attention_mask', 'token_type_ids', 'labels'].map(of)
  const rows = (list: number[]) =>
    Array.from({ length: 4 }, (_, b) =>
      Int32Array.from(list.slice(9 * b, 9 * b + 9).filter((_x, t) => mask[9 * b + t] === 1)),
    )
  const typed = types.length > 0 ? rows(types) : undefined
  const loss: BatchLoss = ({ logits }, own) =>
    crossEntropy(logits, tensor(Int32Array.from(own, (row) => labels[row])))
  const model = loadPretrained(folder).model.to('float64') as HeadModel
  return { model, texts: rows(ids), typed, loss }
}

function scoresOf(name: string, options: ImportanceOptions, padded = false) {
  const { model, texts, typed, loss } = open(name)
  const before = [...model.snapshot()].map(([, t]) => t.data)
  const importance = new Importance(model, options)
  for (const batch of [
    [0, 1],
    [2, 3],
  ].map((rows) => Int32Array.from(rows))) {
    const input: TextInput = padded ? padBatch(texts, batch, 0, typed) : flatBatch(texts, batch, typed)
    importance.add(input, batch, loss)
  }
  const scores = importance.scores()
  expect([...model.stateDict()].map(([, t]) => t.data)).toEqual(before)
  expect(model.parameters().every((p) => p.grad === null)).toBe(true)
  return scores
}

function close(got: readonly ArrayLike<number>[], want: number[][]): void {
  expect(got.map((own) => own.length)).toEqual(want.map((own) => own.length))
  const largest = Math.max(...want.flat())
  for (const [i, own] of want.entries())
    for (const [j, x] of own.entries()) expect(Math.abs(got[i][j] - x)).toBeLessThan(1e-9 * largest)
}

describe.each(cases)('%s', (name) => {
  it.each(['michel', 'michel-code', 'gradient'] as const)('heads as PyTorch has them: %s', (heads) => {
    const options = { heads, perLayer: false }
    close(scoresOf(name, options).heads, wanted[name][heads])
    close(scoresOf(name, options, true).heads, wanted[name][heads])
  })

  it('neurons, layers and hidden dimensions as PyTorch has them', () => {
    const { neurons, layers, width, pooled } = scoresOf(name, { perLayer: false })
    close(neurons, wanted[name].neurons)
    close([layers, width, pooled], [wanted[name].layers, wanted[name].width, wanted[name].pooled])
  })

  it('is what a head takes along when it goes a little', () => {
    const { heads } = scoresOf(name, { heads: 'michel', perLayer: false })
    const { model, texts, typed, loss } = open(name)
    const block = baseOf(model).layers[1]
    const { attention } = block
    const columns = attention.headSize
    const lossOf = (text: number) =>
      noGrad(() =>
        loss(model.forward(flatBatch(texts, Int32Array.of(text), typed)), Int32Array.of(text)).item(),
      )
    const [weight] = attention.out.parameters()
    const scaled = (by: number) => {
      // The second head's columns of the output, which is its context's factor.
      for (let i = 0; i < weight.numel; i++)
        if (Math.floor((i % weight.shape[1]) / columns) === 1) weight.elements[i] *= by
    }
    const h = 1e-5
    let sum = 0
    for (let text = 0; text < 4; text++) {
      scaled(1 + h)
      const up = lossOf(text)
      scaled((1 - h) / (1 + h))
      sum += Math.abs((up - lossOf(text)) / (2 * h))
      scaled(1 / (1 - h))
    }
    expect(heads[1][1]).toBeCloseTo(sum / 4, 8)
  })
})

describe('importance', () => {
  it('by weights alone needs no texts', () => {
    const { model } = open('bert-classify')
    const importance = new Importance(model, {
      heads: 'magnitude',
      neurons: 'magnitude',
      width: 'magnitude',
      perLayer: false,
    })
    const { heads, neurons, width } = importance.scores()
    const { attention, up, down } = baseOf(model).layers[0]
    const size = attention.headSize
    const squares = (values: number[]) => values.reduce((sum, x) => sum + x * x, 0)
    const rows = [attention.query, attention.key, attention.value].flatMap(({ weight }) =>
      Array.from(weight.data).slice(0, size * 12),
    )
    const columns = Array.from(attention.out.weight.data).filter((_, i) => i % 12 < size)
    expect(heads[0][0]).toBeCloseTo(Math.sqrt(squares([...rows, ...columns])), 6)
    const into = [...Array.from(up.weight.data).slice(0, 12), up.bias?.data[0] as number]
    const out = Array.from(down.weight.data).filter((_, i) => i % 20 === 0)
    expect(neurons[0][0]).toBeCloseTo(Math.sqrt(squares(into)) + Math.sqrt(squares(out)), 6)
    expect([...width].every((x) => x > 0)).toBe(true)
  })

  it('divides by the length of a layer unless told otherwise', () => {
    for (const own of scoresOf('bert-classify', {}).heads)
      expect(Math.sqrt(own.reduce((sum, x) => sum + x * x, 0))).toBeCloseTo(1, 12)
  })

  it('refuses a frozen model', () => {
    const { model, texts, typed, loss } = open('bert-classify')
    for (const p of model.parameters()) p.requiresGrad = false
    const rows = Int32Array.of(0)
    expect(() => new Importance(model).add(flatBatch(texts, rows, typed), rows, loss)).toThrow('frozen')
  })

  it('keeps layers by each method', () => {
    const kept = (Object.keys(layerMethods) as (keyof typeof layerMethods)[]).map((name) =>
      layerMethods[name].keep(3, 6, [1, 9, 3, 3, 8, 2]),
    )
    expect(kept).toEqual([
      [1, 2, 4],
      [0, 3, 5],
      [0, 1, 2],
    ])
    expect(layerMethods['every-other'].keep(1, 6)).toEqual([0])
    for (const name of Object.keys(headMethods) as HeadMethodName[])
      expect(headMethods[name].source).not.toBe('')
  })
})
