// Batches by length, WordNet's split, and the files of MNIST.
import { describe, expect, it } from 'vitest'
import { parseIdx } from '../../src/files/data/mnist.js'
import { parseNouns, readWordnet, wordnetClasses } from '../../src/files/data/wordnet.js'
import { rowData } from '../../src/nn/rows.js'
import { keyOf } from '../../src/tensor/rng.js'
import { flatBatch, lengthBatches, padBatch } from '../../src/text/batches.js'
import '../../src/index.js'

const lengths = Array.from({ length: 1000 }, (_, i) => 1 + ((i * 7919) % 31))

describe('batches', () => {
  it('hold every row once, whatever the key', () => {
    for (const key of [null, keyOf(1), keyOf(2)]) {
      const rows = lengthBatches(lengths, 16, key).flatMap((b) => [...b])
      expect(rows.sort((a, b) => a - b)).toEqual(lengths.map((_, i) => i))
    }
  })

  it('are a function of the key', () => {
    const of = (seed: number) => lengthBatches(lengths, 16, keyOf(seed)).map((b) => [...b])
    expect(of(1)).toEqual(of(1))
    expect(of(1)).not.toEqual(of(2))
  })

  it('waste little on padding', () => {
    const padded = lengthBatches(lengths, 16, keyOf(1)).reduce(
      (sum, b) => sum + b.length * Math.max(...[...b].map((r) => lengths[r])),
      0,
    )
    expect(padded / lengths.reduce((a, b) => a + b)).toBeLessThan(1.08)
  })

  it('are padded to their longest', () => {
    const ids = [[5], [6, 7, 8], [9, 10]].map((x) => Int32Array.from(x))
    const { inputIds, attentionMask } = padBatch(ids, Int32Array.of(2, 0), 0)
    expect(inputIds.toArray()).toEqual([
      [9, 10],
      [5, 0],
    ])
    expect(attentionMask.toArray()).toEqual([
      [1, 1],
      [1, 0],
    ])
  })

  it('hold the words alone, one text after the other', () => {
    const ids = [[5], [6, 7, 8], [9, 10]].map((x) => Int32Array.from(x))
    const { inputIds, starts } = flatBatch(ids, Int32Array.of(2, 0, 1))
    expect(inputIds.toArray()).toEqual([9, 10, 5, 6, 7, 8])
    expect(starts.toArray()).toEqual([0, 2, 3, 6])
  })

  it('of rows keep values with their labels', () => {
    const data = rowData(Float32Array.of(1, 2, 3, 4, 5, 6), 2, Int32Array.of(7, 8, 9))
    expect(data.batches(2, null).map((b) => [...b])).toEqual([[0, 1], [2]])
    expect(data.input(Int32Array.of(2, 0)).toArray()).toEqual([
      [5, 6],
      [1, 2],
    ])
    expect(
      data
        .batches(2, keyOf(1))
        .flatMap((b) => [...b])
        .sort(),
    ).toEqual([0, 1, 2])
  })
})

describe('WordNet', () => {
  const line = (file: string, text: string) => `00001740 ${file} n 01 entity 0 000 | ${text}  `

  it('takes the definition up to the first example, and each but once', () => {
    const data = [
      '  1 This is the licence',
      line('03', 'a top'),
      line('05', 'a beast; of burden; "the donkey brayed"'),
      line('13', 'a beast; of burden'),
      line('28', 'an hour'),
      '',
    ].join('\n')
    expect(parseNouns(data)).toEqual([
      { text: 'a beast; of burden', label: 1 },
      { text: 'an hour', label: 24 },
    ])
    expect(wordnetClasses[1]).toBe('animal')
  })

  it.each([line('29', 'x'), line('ab', 'x'), 'no bar here at all'])('refuses %j, naming the line', (bad) => {
    expect(() => parseNouns(`${line('05', 'y')}\n${bad}`, 'f')).toThrow('f:2: not a noun entry of WordNet')
  })

  it('splits the installed package as measured', () => {
    const { test, dev, labelled, transfer, classes } = readWordnet()
    expect([test, dev, labelled, transfer, classes].map((x) => x.length)).toEqual([
      4000, 2000, 20000, 55518, 25,
    ])
    const all = [...[...test, ...dev, ...labelled].map((x) => x.text), ...transfer]
    expect(new Set(all).size).toBe(all.length)
    expect(new Set(labelled.map((x) => x.label)).size).toBe(25)
    // The order is that of the texts' SHA-256, so these do not move.
    expect(test[0].text < '\uffff' && readWordnet().test[0]).toEqual(test[0])
  })
})

describe('IDX files', () => {
  const file = Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9)
  it('are read', () => {
    const { shape, data } = parseIdx('f', file, 1)
    expect([shape, [...data]]).toEqual([[3], [7, 8, 9]])
  })
  it.each([
    ['cut off', file.subarray(0, 10), 'f: holds 2 elements, its head says 3'],
    ['too long', Uint8Array.of(...file, 1), 'f: holds 4 elements'],
    ['another type', Uint8Array.of(0, 0, 9, 1, 0, 0, 0, 0), 'is no IDX file of bytes with 1 dims'],
    ['empty', new Uint8Array(0), 'is no IDX file'],
  ])('refused when %s', (_, bytes, text) => {
    expect(() => parseIdx('f', bytes, 1)).toThrow(text)
  })
})
