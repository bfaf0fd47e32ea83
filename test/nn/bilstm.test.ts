// The BiLSTM where it is not as the other families: what it refuses, and what of it can be cut. test/golden/family.py holds its
// numbers.
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import '../../src/index.js'
import { tensor } from '../../src/autograd/create.js'
import { noGrad } from '../../src/autograd/graph.js'
import { ArgumentError, CheckpointError, ShapeError } from '../../src/errors.js'
import { loadPretrained } from '../../src/files/models/on-disk.js'
import { BiLstmForSequenceClassification } from '../../src/nn/models/bilstm.js'
import { cutModel } from '../../src/nn/shrink/cut.js'
import { Importance } from '../../src/nn/shrink/importance.js'
import { allOf } from '../../src/nn/shrink/kept.js'

const golden = join(import.meta.dirname, '../golden/family/bilstm-classify')
const open = () => loadPretrained(golden).model as BiLstmForSequenceClassification
const ids = (rows: number[][]) =>
  tensor(Int32Array.from(rows.flat()), { shape: [rows.length, rows[0].length] })

describe('a BiLSTM', () => {
  it('refuses padding that is not at the end, and a mask of another shape', () => {
    const inputIds = ids([[3, 4, 5]])
    const given = (mask: number[][]) => () => open().forward({ inputIds, attentionMask: ids(mask) })
    expect(given([[1, 0, 1]])).toThrow('text 0 has padding before its last word')
    expect(given([[0, 1, 1]])).toThrow(ShapeError)
    expect(given([[1, 1]])).toThrow('inputIds are [1, 3], attentionMask [1, 2]')
  })

  it('refuses texts above its longest, and ids that are no batch', () => {
    const model = new BiLstmForSequenceClassification({ ...open().config, maxLength: 2 })
    expect(() => model.forward({ inputIds: ids([[3, 4, 5]]) })).toThrow('at most 2 tokens, got one of 3')
    const starts = tensor(Int32Array.of(0, 3))
    expect(() => model.forward({ inputIds: tensor(Int32Array.of(3, 4, 5)), starts })).toThrow(ShapeError)
    expect(() => model.forward({ inputIds: tensor(Int32Array.of(3)) })).toThrow('[texts, tokens], got [1]')
  })

  it('has no attention, heads or layers, and is one kind of model', () => {
    const model = open()
    expect(() => model.forward({ inputIds: ids([[3]]) }, { attentionProbs: true })).toThrow(ArgumentError)
    expect(() => new Importance(model)).toThrow('a BiLstm has no heads, neurons or layers')
    for (const as of ['base', 'masked-lm', 'token-classification'] as const)
      expect(() => loadPretrained(golden, { as })).toThrow(CheckpointError)
    expect(() => new BiLstmForSequenceClassification({ width: 7 })).toThrow('width must be even')
  })

  it('answers a text without words', () => {
    const attentionMask = ids([
      [1, 1],
      [0, 0],
    ])
    const inputIds = ids([
      [3, 4],
      [0, 0],
    ])
    const { logits } = noGrad(() => open().forward({ inputIds, attentionMask }))
    expect(logits.data.every(Number.isFinite)).toBe(true)
  })

  it('of fewer words gives the same answers, and nothing else of it can be cut', () => {
    const model = open()
    const words = [0, 3, 4, 5, 9]
    const all = allOf(model.config)
    const cut = cutModel(model, { ...all, words })
    const answer = (m: BiLstmForSequenceClassification, rows: number[][]) =>
      noGrad(() => m.forward({ inputIds: ids(rows) }).logits.data)
    expect(answer(cut, [[3, 4, 1, 2]])).toEqual(answer(model, [[5, 9, 3, 4]]))
    expect(cut.config.vocabSize).toBe(5)
    expect(() => cutModel(model, { ...all, heads: [[]] })).toThrow(RangeError)
    expect(() => cutModel(model, { ...all, neurons: [[0, 1]], words })).toThrow(
      'nothing but words can be cut',
    )
  })
})
