// Texts and pairs as batches for the models.
import { describe, expect, it } from 'vitest'
import { keyOf } from '../../src/tensor/rng.js'
import { textData } from '../../src/text/dataset.js'
import { WordTokenizer } from '../../src/text/tokenizer.js'
import { WordPieceTokenizer } from '../../src/text/wordpiece.js'
import '../../src/index.js'

const letters = [...'abcdefgh']
const bert = WordPieceTokenizer.fromVocabulary(['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', ...letters])
const texts = ['a b c', 'd', 'e f']
const all = Int32Array.of(0, 1, 2)

describe('textData', () => {
  it('gives texts one after the other with types', () => {
    const data = textData(texts, [1, 0, 1], bert, 16)
    const input = data.input(Int32Array.of(1, 2))
    expect(Object.keys(input).sort()).toEqual(['inputIds', 'starts', 'tokenTypeIds'])
    expect(input.inputIds.toArray()).toEqual([2, 8, 3, 2, 9, 10, 3])
    expect('starts' in input && input.starts.toArray()).toEqual([0, 3, 7])
    expect(input.tokenTypeIds?.toArray()).toEqual([0, 0, 0, 0, 0, 0, 0])
    expect([input.inputIds.dtype, input.tokenTypeIds?.dtype]).toEqual(['int32', 'int32'])
    expect(data.labels).toEqual(Int32Array.of(1, 0, 1))
  })

  it('gives pairs, padded to the longest of the batch', () => {
    const data = textData(texts, null, bert, 6, { padding: true, pairs: ['d e f', null, ''] })
    const input = data.input(all)
    expect(Object.keys(input).sort()).toEqual(['attentionMask', 'inputIds', 'tokenTypeIds'])
    expect(input.inputIds.toArray()).toEqual([
      [2, 5, 3, 8, 9, 3],
      [2, 8, 3, 0, 0, 0],
      [2, 9, 10, 3, 3, 0],
    ])
    expect(input.tokenTypeIds?.toArray()).toEqual([
      [0, 0, 0, 1, 1, 1],
      [0, 0, 0, 0, 0, 0],
      [0, 0, 0, 0, 1, 0],
    ])
    expect('attentionMask' in input && input.attentionMask.toArray()).toEqual([
      [1, 1, 1, 1, 1, 1],
      [1, 1, 1, 0, 0, 0],
      [1, 1, 1, 1, 1, 0],
    ])
    expect(data.tokens(all)).toBe(14)
  })

  it('gives types of whole words only for pairs', () => {
    const words = WordTokenizer.build(texts)
    expect(textData(texts, null, words, 8).input(all)).not.toHaveProperty('tokenTypeIds')
    const input = textData(['a b'], null, words, 3, { pairs: ['c d'] }).input(Int32Array.of(0))
    expect(input.tokenTypeIds?.toArray()).toEqual([0, 1, 1])
  })

  it('has numbers to be predicted', () => {
    const data = textData(texts, null, bert, 8, { targets: [0.5, 1, -2] })
    expect([data.labels, data.targets]).toEqual([null, Float32Array.of(0.5, 1, -2)])
    expect(textData(texts, [0, 1, 0], bert, 8)).not.toHaveProperty('targets')
  })

  it('orders batches by the key alone, padded or not', () => {
    const many = Array.from({ length: 300 }, (_, i) => letters.slice(0, 1 + ((i * 7) % 8)).join(' '))
    const order = (padding: boolean, seed: number) =>
      textData(many, null, bert, 16, { padding })
        .batches(8, keyOf(seed, 'order', 1))
        .map((b) => [...b])
    expect(order(true, 1)).toEqual(order(false, 1))
    expect(order(true, 1)).not.toEqual(order(true, 2))
  })

  it.each(['labels', 'pairs', 'targets'])('refuses %s of another number', (name) => {
    const short = { labels: [1], pairs: ['a'], targets: [1] }
    expect(() =>
      textData(
        texts,
        name === 'labels' ? short.labels : null,
        bert,
        8,
        name === 'labels' ? {} : { [name]: short[name as 'pairs'] },
      ),
    ).toThrow(`textData: 3 texts have 1 ${name}`)
  })
})
