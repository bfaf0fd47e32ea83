// GPT-2's files beside those of others: what is read, and what is refused by name. test/golden/family.py holds its numbers.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import '../../src/index.js'
import { tensor, zeros } from '../../src/autograd/create.js'
import { noGrad } from '../../src/autograd/graph.js'
import { CheckpointError } from '../../src/errors.js'
import { loadPretrained, writePretrained } from '../../src/files/models/on-disk.js'
import { readSafetensors, writeSafetensors } from '../../src/formats/safetensors/safetensors.js'
import { makeModel } from '../../src/nn/models/bert.js'
import { bert, gpt2 } from '../../src/nn/models/family.js'
import type { ModelInput } from '../../src/nn/models/input.js'
import type { Pretrained } from '../../src/nn/models/pretrained.js'
import type { Tensor } from '../../src/tensor/tensor.js'

const golden = join(import.meta.dirname, '../golden/family/gpt2-lm')
const dir = mkdtempSync(join(tmpdir(), 'tinystill-gpt2-'))
afterAll(() => rmSync(dir, { recursive: true }))

const inputIds = tensor(Int32Array.of(3, 1, 4, 1, 5), { shape: [1, 5] })
const answer = (model: Pretrained) => noGrad(() => model.forward({ inputIds }).logits!.data)

/** A copy of the folder with changes to its config and its weights. */
function changed(config: object, weights: (tensors: Map<string, Tensor>) => void = () => {}): string {
  const to = mkdtempSync(join(dir, 'own-'))
  cpSync(golden, to, { recursive: true })
  const file = join(to, 'config.json')
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), ...config }))
  const { tensors, metadata } = readSafetensors(readFileSync(join(to, 'model.safetensors')))
  const own = new Map(tensors)
  weights(own)
  writeFileSync(join(to, 'model.safetensors'), writeSafetensors(own, { metadata }))
  return to
}

const attn = 'transformer.h.1.attn'

describe('a folder', () => {
  it('as OpenAI saved it: no prefix, and masks among the weights', () => {
    const folder = changed({ architectures: ['GPT2LMHeadModel'] }, (tensors) => {
      for (const [name, t] of [...tensors]) {
        tensors.delete(name)
        tensors.set(name.replace(/^transformer\./, ''), t)
      }
      for (const i of [0, 1]) tensors.set(`h.${i}.attn.bias`, zeros([1, 1, 10, 10]))
    })
    const { model, info } = loadPretrained(folder)
    expect(info).toEqual({ fresh: [], unused: [], notes: [] })
    expect(answer(model)).toEqual(answer(loadPretrained(golden).model))
  })

  it('of the bare model writes, where the head is tied', () => {
    const folder = changed({ architectures: ['GPT2Model'] })
    expect(loadPretrained(folder).model.kind).toBe('base')
    expect(answer(loadPretrained(folder, { as: 'causal-lm' }).model)).toEqual(
      answer(loadPretrained(golden).model),
    )
  })

  it.each<[object, string]>([
    [{ scale_attn_weights: false }, 'scale_attn_weights must be true, it is false'],
    [{ scale_attn_by_inverse_layer_idx: true }, 'scale_attn_by_inverse_layer_idx must be false'],
    [{ add_cross_attention: true }, 'add_cross_attention must be false'],
    [{ embd_pdrop: 0.2 }, 'embd_pdrop must be the same as resid_pdrop, it is 0.2'],
    [{ n_inner: 'wide' }, 'n_inner must be a whole number from 1'],
    [{ n_head: 5 }, 'n_head must be a divisor of 12'],
    [{ n_layer: 900 }, 'holds 2 layers, config.json asks for 900'],
    [{ n_positions: 2 ** 24 }, 'weights'],
  ])('with %o is refused', (config, message) => {
    const folder = changed(config)
    expect(() => loadPretrained(folder)).toThrow(CheckpointError)
    expect(() => loadPretrained(folder)).toThrow(message)
  })

  it.each<[string, (tensors: Map<string, Tensor>) => void, string]>([
    [
      'a list',
      (t) => t.set(`${attn}.c_attn.weight`, zeros([36])),
      `${attn}.c_attn.weight is [36], and must be a matrix`,
    ],
    ['parts', (t) => t.set(`${attn}.c_attn.bias`, zeros([35])), 'is [35], and must be 3 parts of one width'],
    ['a shape', (t) => t.set(`${attn}.c_attn.weight`, zeros([12, 39])), `${attn}.query.weight is [13, 12]`],
    ['two', (t) => t.set(`${attn}.key.weight`, zeros([12, 12])), `holds ${attn}.key.weight beside`],
    ['none', (t) => t.delete(`${attn}.c_proj.bias`), `lacks parameters: 1 missing: ${attn}.c_proj.bias`],
  ])('whose weights are wrong, %s, is refused', (_, weights, message) => {
    const folder = changed({}, weights)
    expect(() => loadPretrained(folder)).toThrow(CheckpointError)
    expect(() => loadPretrained(folder)).toThrow(message)
  })

  it('guesses no masked words, and a BERT writes none', () => {
    expect(() => makeModel(gpt2, 'masked-lm', {})).toThrow(
      'GPT2: there is no masked-lm model of this family here',
    )
    expect(() => makeModel(bert, 'causal-lm', {})).toThrow(
      'Bert: there is no causal-lm model of this family here',
    )
  })
})

describe('a classifier of texts', () => {
  const classify = join(golden, '../gpt2-classify')
  const open = (pad: number | null) => {
    const { model } = loadPretrained(classify)
    model.config.extra = new Map([...model.config.extra, ['pad_token_id', pad]])
    return (input: ModelInput) => noGrad(() => model.forward(input).logits!.data)
  }
  const rows = (list: number[][]) =>
    tensor(Int32Array.from(list.flat()), { shape: [list.length, list[0].length] })

  it('of a bare or a writing model has a head of its own, by one layer without bias', () => {
    const { model, info } = loadPretrained(golden, { as: 'sequence-classification', labels: ['a', 'b'] })
    expect(info.fresh).toEqual(['score.weight'])
    expect(model.architecture).toBe('GPT2ForSequenceClassification')
  })

  it('comes back to the bit, under the names that it had', () => {
    const out = join(dir, 'again')
    const { model } = loadPretrained(classify)
    writePretrained(out, { model })
    const tensorsOf = (folder: string) =>
      readSafetensors(readFileSync(join(folder, 'model.safetensors')), { file: folder }).tensors
    const [a, b] = [out, classify].map(tensorsOf)
    expect([...a.keys()].sort()).toEqual([...b.keys()].sort())
    for (const [key, t] of b) expect(a.get(key)!.data, key).toEqual(t.data)
    const config = JSON.parse(readFileSync(join(out, 'config.json'), 'utf8'))
    expect(config).toMatchObject({ architectures: ['GPT2ForSequenceClassification'], pad_token_id: 0 })
  })

  it('is told by its weights where config.json names no class', () => {
    const folder = join(dir, 'unnamed')
    cpSync(classify, folder, { recursive: true })
    const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'))
    writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...config, architectures: null }))
    expect(loadPretrained(folder).model.kind).toBe('sequence-classification')
  })

  it('asks its last word: not the token that pads, nor what the mask leaves out', () => {
    const answer = open(0)
    const want = answer({ inputIds: rows([[3, 1, 4]]) })
    expect(answer({ inputIds: rows([[3, 1, 4, 0, 0]]) })).toEqual(want)
    const [inputIds, attentionMask] = [rows([[3, 1, 4, 7]]), rows([[1, 1, 1, 0]])]
    expect(answer({ inputIds, attentionMask })).toEqual(want)
    const starts = tensor(Int32Array.of(0, 4, 5))
    const two = answer({ inputIds: tensor(Int32Array.of(3, 1, 4, 0, 0)), starts })
    want.forEach((x, i) => {
      expect(two[i]).toBeCloseTo(x, 5)
    })
    answer({ inputIds: rows([[0, 0]]) }).forEach((x, i) => {
      expect(two[3 + i]).toBeCloseTo(x, 5)
    })
  })

  it('without that token takes texts one by one, or unpadded', () => {
    const answer = open(null)
    expect(() =>
      answer({
        inputIds: rows([
          [3, 0],
          [1, 2],
        ]),
      }),
    ).toThrow('which words of 2 padded texts are padding is not known. Say it in config.json: pad_token_id')
    const alone = answer({ inputIds: rows([[3, 0]]) })
    const both = answer({ inputIds: tensor(Int32Array.of(3, 0, 1)), starts: tensor(Int32Array.of(0, 2, 3)) })
    alone.forEach((x, i) => {
      expect(both[i]).toBeCloseTo(x, 5)
    })
    const starts = tensor(Int32Array.of(0, 0, 1))
    expect(() => answer({ inputIds: tensor(Int32Array.of(3)), starts })).toThrow('text 0 is empty')
  })
})
