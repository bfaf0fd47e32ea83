// Masked words: how many, which, what stands in their place, and that all of it is a function of the key.
import { describe, expect, it } from 'vitest'
import { corpusData } from '../../src/text/corpus.js'
import { maskBatch, maskIds, maskingOf, maskKey } from '../../src/text/masking.js'
import { WordTokenizer } from '../../src/text/tokenizer.js'
import { WordPieceTokenizer } from '../../src/text/wordpiece.js'
import '../../src/index.js'

const words = Array.from({ length: 95 }, (_, i) => `w${i}`)
const tokenizer = WordPieceTokenizer.fromVocabulary(['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', ...words])
const uniform = maskingOf(tokenizer)

describe('maskIds', () => {
  const ids = Int32Array.from({ length: 1000 }, (_, i) =>
    i % 20 === 0 ? 2 : i % 20 === 19 ? 3 : 5 + (i % 95),
  )
  const drawn = (labels: Int32Array) => [...labels.keys()].filter((i) => labels[i] !== -100)

  it('hides ceil(0.15 n) places, never special tokens, with the token as the label', () => {
    for (let step = 0; step < 50; step++) {
      const n = 200 + step
      const { ids: hidden, labels } = maskIds(ids.subarray(0, n), maskKey(1, 1, step), uniform)
      const places = drawn(labels)
      expect(places.length).toBe(Math.ceil(0.15 * n))
      for (const i of places) expect(labels[i]).toBe(ids[i])
      for (let i = 0; i < n; i++) if (labels[i] === -100) expect(hidden[i]).toBe(ids[i])
      expect(places.every((i) => ids[i] > 4)).toBe(true)
    }
  })

  it('is a function of seed, epoch and step', () => {
    const of = (...key: [number, number, number]) => maskIds(ids, maskKey(...key), uniform)
    expect(of(1, 2, 3)).toEqual(of(1, 2, 3))
    for (const other of [of(2, 2, 3), of(1, 3, 3), of(1, 2, 4)])
      expect(other.labels).not.toEqual(of(1, 2, 3).labels)
  })

  it('has the shares 80, 10 and 10', () => {
    const kinds = { mask: 0, same: 0, other: 0 }
    for (let step = 0; step < 400; step++) {
      const { ids: hidden, labels } = maskIds(ids, maskKey(7, 1, step), uniform)
      for (const i of drawn(labels))
        kinds[hidden[i] === 4 ? 'mask' : hidden[i] === ids[i] ? 'same' : 'other']++
    }
    const all = 400 * 150
    // Any id may stand there too: one in a hundred of the last tenth is [MASK], and one the token itself.
    const expected = { mask: 0.801, same: 0.101, other: 0.098 }
    for (const [kind, share] of Object.entries(expected)) {
      const sigma = Math.sqrt((share * (1 - share)) / all)
      expect(Math.abs(kinds[kind as keyof typeof kinds] / all - share)).toBeLessThan(4 * sigma)
    }
  })

  it('draws uniformly: chi-square over the places', () => {
    const steps = 2000
    const hits = new Float64Array(200)
    const some = ids.subarray(0, 200)
    for (let step = 0; step < steps; step++)
      for (const i of drawn(maskIds(some, maskKey(3, 1, step), uniform).labels)) hits[i]++
    const open = [...hits.keys()].filter((i) => some[i] > 4)
    const mean = (steps * 30) / open.length
    const chi = open.reduce((sum, i) => sum + (hits[i] - mean) ** 2 / (mean * (1 - 30 / open.length)), 0)
    // 179 degrees of freedom: mean 179, standard deviation 19.
    expect(chi).toBeGreaterThan(179 - 4 * 19)
    expect(chi).toBeLessThan(179 + 4 * 19)
  })

  it('draws by weights as one after the other without putting back would', () => {
    // Two of three places: the chance of each pair is known.
    const three = Int32Array.of(5, 6, 7)
    const masking = { ...uniform, weights: uniform.weights.slice(), ratio: 0.6 }
    masking.weights.set([6, 3, 1], 5)
    const seen: Record<string, number> = {}
    const n = 20000
    for (let step = 0; step < n; step++) {
      const pair = drawn(maskIds(three, maskKey(4, 1, step), masking).labels).join('')
      seen[pair] = (seen[pair] ?? 0) + 1
    }
    const [a, b, c] = [0.6, 0.3, 0.1]
    const both = (p: number, q: number) => (p * q) / (1 - p) + (q * p) / (1 - q)
    for (const [pair, p] of Object.entries({ '01': both(a, b), '02': both(a, c), '12': both(b, c) }))
      expect(Math.abs(seen[pair] / n - p)).toBeLessThan(4 * Math.sqrt((p * (1 - p)) / n))
  })

  it('takes what there is where too little may be hidden', () => {
    const { labels } = maskIds(Int32Array.of(2, 5, 3, 0, 0, 0, 0, 0, 0, 0), maskKey(1, 1, 1), {
      ...uniform,
      ratio: 1,
    })
    expect(drawn(labels)).toEqual([1])
    expect(maskIds(new Int32Array(0), maskKey(1, 1, 1), uniform).ids).toHaveLength(0)
  })

  it('weights rare tokens as count^-0.7', () => {
    const counts = new Float64Array(100)
    counts.set([100, 1, 0], 5)
    const { weights } = maskingOf(tokenizer, { counts })
    expect([...weights.subarray(0, 8)]).toEqual([0, 0, 0, 0, 0, 100 ** -0.7, 1, 1])
  })

  it('needs [MASK]', () => {
    expect(() => maskingOf(WordTokenizer.build(['a']))).toThrow('has no [MASK]')
  })
})

describe('maskBatch', () => {
  const texts = ['w1 w2 w3 w4 w5 w6 w7', 'w8 w9', 'w10 w11 w12 w13']
  const rows = Int32Array.of(0, 1, 2)

  it('counts words without padding', () => {
    const padded = corpusData(texts, tokenizer, { maxLength: 16, padding: true }).input(rows)
    const flat = corpusData(texts, tokenizer, { maxLength: 16 }).input(rows)
    for (const input of [padded, flat]) {
      const { input: hidden, labels } = maskBatch(input, maskKey(1, 1, 1), uniform)
      // 13 words and 6 special tokens.
      expect([...labels.data].filter((y) => y !== -100)).toHaveLength(Math.ceil(0.15 * 19))
      expect(labels.shape).toEqual(input.inputIds.shape)
      expect(labels.dtype).toBe('int32')
      expect({ ...hidden, inputIds: null }).toEqual({ ...input, inputIds: null })
    }
  })

  it('refuses ids outside the vocabulary', () => {
    const input = corpusData(texts, tokenizer, { maxLength: 16 }).input(rows)
    expect(() => maskBatch(input, maskKey(1, 1, 1), { ...uniform, weights: new Float64Array(9) })).toThrow(
      'maskBatch: id 9 is outside a vocabulary of 9',
    )
  })
})

describe('corpusData', () => {
  const idsOf = (data: ReturnType<typeof corpusData>) =>
    Array.from({ length: data.size }, (_, i) => [...data.input(Int32Array.of(i)).inputIds.data])

  it('cuts long lines, wraps every piece, drops short and unknown ones, and counts', () => {
    const data = corpusData(['w0 w1 w2 w3 w4', '', 'zzz yyy', 'w5'], tokenizer, { maxLength: 4 })
    expect(idsOf(data)).toEqual([
      [2, 5, 6, 3],
      [2, 7, 8, 3],
      [2, 9, 3],
      [2, 10, 3],
    ])
    expect(data.dropped).toBe(2)
    expect([...data.counts.subarray(2, 6)]).toEqual([4, 4, 0, 1])
    expect(data.labels).toBe(null)
    expect(corpusData(['w0 w1 w2', 'w1'], tokenizer, { maxLength: 9, minLength: 4 }).size).toBe(1)
    expect(corpusData(['zzz'], tokenizer, { maxLength: 9, maxUnknown: 2 }).size).toBe(1)
  })

  it('runs lines together into blocks', () => {
    const data = corpusData(['w0 w1 w2', 'w3', 'w4 w5 w6'], tokenizer, { maxLength: 4, blocks: true })
    expect(idsOf(data)).toEqual([
      [2, 5, 6, 3],
      [2, 7, 8, 3],
      [2, 9, 10, 3],
      [2, 11, 3],
    ])
  })

  it('takes a tokenizer without [CLS] and [SEP]', () => {
    const data = corpusData(['a b c'], WordTokenizer.build(['a b c']), { maxLength: 2, minLength: 1 })
    expect(idsOf(data)).toEqual([[2, 3], [4]])
    expect(data.input(Int32Array.of(0))).not.toHaveProperty('tokenTypeIds')
  })

  it('refuses no room', () => {
    expect(() => corpusData([], tokenizer, { maxLength: 2 })).toThrow('at least 3, got 2')
  })
})
