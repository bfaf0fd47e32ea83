// Augmentation: candidates that are known beforehand, the drawing's statistics, pairs, and the same texts however batched.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { tensor } from '../../src/autograd/create.js'
import { randomScope } from '../../src/autograd/random.js'
import { type AugmentModel, type AugmentOptions, augmentRows } from '../../src/distill/augment/augment.js'
import { drawSamples } from '../../src/distill/augment/draw.js'
import { largest } from '../../src/distill/augment/largest.js'
import { englishStopWords } from '../../src/distill/augment/stop-words.js'
import { contentWords, inCaseOf, wholeWords, wordsOf } from '../../src/distill/augment/words.js'
import { readVectors, type WordVectors } from '../../src/files/data/vectors.js'
import { loadTokenizer } from '../../src/files/models/on-disk.js'
import { BertForMaskedLM } from '../../src/nn/models/bert.js'
import type { UnpaddedInput } from '../../src/nn/models/input.js'
import { Module } from '../../src/nn/module.js'
import { backendReport, setThreads } from '../../src/tensor/backend.js'
import { keyOf } from '../../src/tensor/rng.js'
import { ints } from '../../src/tensor/tensor.js'
import type { PiecedTokenizer } from '../../src/text/pieces/base.js'
import type { TextRow } from '../../src/text/rows.js'
import { WordPieceTokenizer } from '../../src/text/wordpiece.js'
import type { WordGuesser } from '../../src/train/masked.js'

const folder = mkdtempSync(join(tmpdir(), 'tinystill-augment-'))
afterAll(() => rmSync(folder, { recursive: true }))

const special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]']
const wholes = ['film', 'movie', 'picture', 'drama', 'dull', 'great', 'warm', 'not', 'the', 'is', 'a']
const rest = ['##s', '##ful', 'wonder', 'un', '##dramatic', ',', '.', '3', 'x', '[unused1]']
const vocabulary = [...special, ...wholes, ...rest]
const tokenizer = WordPieceTokenizer.fromVocabulary(vocabulary)
const idOf = (word: string) => vocabulary.indexOf(word)
const { maskId, sepId, clsId } = tokenizer as { maskId: number; sepId: number; clsId: number }
/** Rows of a word that stands alone in its own direction, but for wonder and great, warm. */
const width = 8
const embeddings = tensor(
  Float32Array.from({ length: vocabulary.length * width }, (_, i) => ((i * 7919) % 13) - 6),
  { shape: [vocabulary.length, width] },
)

/** Finds every word the likelier the further back it is in the vocabulary, and keeps what it was asked. */
class Recorder extends Module implements WordGuesser {
  readonly seen: { ids: number[]; at: number }[] = []
  batches = 0

  forward({ inputIds, starts, tokenTypeIds }: UnpaddedInput, { at }: { at: ReturnType<typeof tensor> }) {
    const [ids, from] = [ints(inputIds), ints(starts)]
    expect(ints(tokenTypeIds as typeof inputIds).length).toBe(ids.length)
    this.batches++
    ints(at).forEach((place, b) => {
      this.seen.push({ ids: [...ids.subarray(from[b], from[b + 1])], at: place - from[b] })
    })
    const row = vocabulary.map((_, id) => id)
    const n = ints(at).length
    const logits = tensor(
      Float32Array.from({ length: n * row.length }, (_, i) => row[i % row.length]),
      {
        shape: [n, row.length],
      },
    )
    return { logits, lastHiddenState: logits }
  }
}

function recorder(): AugmentModel & { model: Recorder } {
  return { model: new Recorder(), tokenizer, maxLength: 32, embeddings }
}

const rowOf = (text: string, textB: string | null = null, label: string | null = 'x'): TextRow => ({
  ...{ text, textB, label, line: 1 },
})
const samplesOf = (source: AugmentModel, options: AugmentOptions, ...rows: TextRow[]) =>
  [...augmentRows(rows, source, options)].map(({ samples }) => samples)

describe('words', () => {
  it('are found where they stand, with their pieces', () => {
    const text = ' The Films, wonderful  x!'
    const words = wordsOf(text, tokenizer)
    expect(words.map(({ word, start, normal }) => [text.slice(start, start + word.length), normal])).toEqual([
      ['The', 'the'],
      ['Films', 'films'],
      [',', ','],
      ['wonderful', 'wonderful'],
      ['x', 'x'],
      ['!', '!'],
    ])
    const pieces = words.flatMap((w) => [...w.pieces])
    expect(pieces).toEqual([...tokenizer.pieces(text)])
  })

  it.each(['byte_bpe', 'unigram', 'albert', 'mpnet', 'modernbert', 'deberta-v2'])(
    'of %s are cut one by one as in the text',
    (name) => {
      const own = loadTokenizer(join(import.meta.dirname, '../golden', name)) as PiecedTokenizer
      for (const text of ['the film is good and the man sings', 'A  quick night in town', ' one of them'])
        expect(wordsOf(text, own).flatMap(({ pieces }) => [...pieces])).toEqual([...own.pieces(text)])
      const { ids, words } = wholeWords(own, contentWords(englishStopWords))
      expect(ids.length).toBeGreaterThan(5)
      for (const [id, word] of words) {
        // A vocabulary may have words that its own merges never make.
        const found = wordsOf(`a ${word}`, own)[1].pieces
        if (found.length === 1) expect([word, found[0]]).toEqual([word, id])
      }
    },
  )

  it('may change where they are letters and say something', () => {
    const may = contentWords(englishStopWords)
    expect(['film', 'été', 'Film'].filter(may).length).toBe(3)
    expect(['not', 'Not', 't', 'x', '3d', '1999', '...', '##s', '[MASK]', ''].filter(may)).toEqual([])
    expect(contentWords(new Set())('not')).toBe(true)
  })

  it('take the case of the word before', () => {
    expect([inCaseOf('Film', 'drama'), inCaseOf('FILM', 'drama'), inCaseOf('film', 'Paris')]).toEqual([
      'Drama',
      'DRAMA',
      'Paris',
    ])
  })
})

describe('largest', () => {
  it('finds the places of the largest, equal ones in order, and passes over what is no number', () => {
    const values = [1, 5, Number.NaN, 5, 9, -Infinity, 2]
    const all = [...values.keys()]
    expect(largest(values, 3, all)).toEqual([4, 1, 3])
    expect(largest(values, 3, all, 4)).toEqual([1, 3, 6])
    expect(largest(values, 9, all)).toEqual([4, 1, 3, 6, 0, 5])
    expect(largest(values, 2, [0, 6])).toEqual([6, 0])
    expect(largest([Number.NaN], 2, [0])).toEqual([])
  })
})

describe('drawSamples', () => {
  const slots = [0, 2, 4, 6].map((start) => ({ start, end: start + 1, candidates: ['b', 'c', 'd'] }))
  const draw = (p: number, n: number, seed = 1) => drawSamples('a a a a', slots, keyOf(seed), { p, n })

  it('leaves the text at p = 0 and replaces every word at p = 1', () => {
    expect(draw(0, 50)).toEqual([])
    const all = draw(1, 3000)
    expect(all.length).toBe(81)
    expect(all.every((text) => /^[bcd] [bcd] [bcd] [bcd]$/.test(text))).toBe(true)
    expect(new Set(all).size).toBe(81)
    expect(drawSamples('a', [], keyOf(1), { p: 1, n: 5 })).toEqual([])
  })

  it('replaces a share p of the words, all candidates alike, and is a function of the key', () => {
    const counts: Record<string, number> = { a: 0, b: 0, c: 0, d: 0 }
    for (let seed = 0; seed < 4000; seed++) {
      const [text = 'a a a a'] = draw(0.4, 1, seed)
      for (const c of text.split(' ')) counts[c]++
    }
    expect(1 - counts.a / 16000).toBeCloseTo(0.4, 1.7)
    for (const c of ['b', 'c', 'd']) expect(counts[c] / 16000).toBeCloseTo(0.4 / 3, 1.7)
    expect(draw(0.4, 20, 5)).toEqual(draw(0.4, 20, 5))
    expect(draw(0.4, 20, 5)).not.toEqual(draw(0.4, 20, 6))
    // More samples begin with the same ones.
    expect(draw(0.4, 40, 5).slice(0, 10)).toEqual(draw(0.4, 20, 5).slice(0, 10))
  })
})

describe('augmentRows', () => {
  it('replaces a word of one piece by the K words the model finds likeliest', () => {
    const source = recorder()
    const [samples] = samplesOf(source, { topK: 3, p: 1, n: 200, batchSize: 2 }, rowOf('The film, is Great.'))
    // Of 'warm great dull drama picture movie film' never itself; 'wonder' and 'un' are whole words too.
    const words = (i: number) => new Set(samples.map(({ text }) => text.split(/[ ,.]+/)[i]))
    expect(words(1)).toEqual(new Set(['un', 'wonder', 'warm']))
    expect(words(3)).toEqual(new Set(['Un', 'Wonder', 'Warm']))
    expect(samples.every(({ text }) => /^The \w+, is \w+\.$/.test(text))).toBe(true)
    expect(samples.length).toBe(9)
    const ids = tokenizer.encode('The film, is Great.').ids
    expect(source.model.seen).toEqual([
      { ids: [...ids.with(2, maskId)], at: 2 },
      { ids: [...ids.with(5, maskId)], at: 5 },
    ])
    expect(source.model.batches).toBe(1)
  })

  it('never by the word itself, a piece, a special token, a stop word or what is no word', () => {
    const [samples] = samplesOf(recorder(), { topK: 100, p: 1, n: 3000 }, rowOf('warm'))
    const expected = ['film', 'movie', 'picture', 'drama', 'dull', 'great', 'wonder', 'un']
    expect(samples.map(({ text }) => text).sort()).toEqual(expected.sort())
    const [loose] = samplesOf(recorder(), { topK: 100, p: 1, n: 3000, stopWords: new Set() }, rowOf('warm'))
    expect(loose.map(({ text }) => text).sort()).toEqual([...expected, 'not', 'the', 'is'].sort())
  })

  const vectors: WordVectors = {
    words: ['wonderful', 'great', 'warm', 'dull', 'films', 'movies'],
    width: 2,
    table: Float32Array.of(1, 0, 5, 1, 1, 1, -1, 0, 0, 1, 0.1, 3),
  }

  it('replaces a word of several pieces by its neighbours in the vectors', () => {
    const source = recorder()
    const options = { topK: 2, p: 1, n: 100, vectors }
    const [films, undramatic] = samplesOf(source, options, rowOf('Wonderful films'), rowOf('undramatic'))
    const texts = films.map(({ text }) => text).sort()
    expect(texts).toEqual(['Great movies', 'Great warm', 'Warm movies', 'Warm warm'])
    expect(undramatic).toEqual([])
    expect(source.model.seen).toEqual([])
  })

  it('or without a file by those of the model: cosines with the mean of the pieces', () => {
    const rows = embeddings.elements
    const at = (id: number) => Array.from({ length: width }, (_, c) => rows[id * width + c])
    const mean = at(idOf('un')).map((x, c) => x + at(idOf('##dramatic'))[c])
    const dot = (a: number[], b: number[]) => a.reduce((sum, x, c) => sum + x * b[c], 0)
    const cosine = (a: number[], b: number[]) => dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))
    const near = ['film', 'movie', 'picture', 'drama', 'dull', 'great', 'warm', 'wonder', 'un']
      .map((word): [number, string] => [cosine(mean, at(idOf(word))), word])
      .sort(([a], [b]) => b - a)
      .map(([, word]) => word)
    const [samples] = samplesOf(recorder(), { topK: 3, p: 1, n: 100 }, rowOf('undramatic'))
    expect(samples.map(({ text }) => text).sort()).toEqual(near.slice(0, 3).sort())
    const known = new Set(['dull', 'great', 'not', 'qqq'])
    const [few] = samplesOf(recorder(), { topK: 3, p: 1, n: 100, known }, rowOf('undramatic'))
    expect(few.map(({ text }) => text).sort()).toEqual(['dull', 'great'])
    expect(samplesOf(recorder(), { p: 1, known: new Set() }, rowOf('undramatic'))).toEqual([[]])
    // Nobody knows an unknown word.
    expect(samplesOf(recorder(), { p: 1 }, rowOf('qqq'))).toEqual([[]])
  })

  it('changes one text of a pair while the model reads both, and leaves the other as it was', () => {
    const source = recorder()
    const options = { topK: 2, p: 1, n: 50 }
    const [samples] = samplesOf(source, options, rowOf('the film', 'a movie is great', 'same'))
    const firsts = samples.filter(({ textB }) => textB === 'a movie is great')
    const seconds = samples.filter(({ text }) => text === 'the film')
    expect([firsts.length, seconds.length, samples.length]).toEqual([2, 4, 6])
    const { ids } = tokenizer.encode('the film', 'a movie is great')
    expect([...ids].filter((id) => id === sepId || id === clsId).length).toBe(3)
    expect(source.model.seen).toEqual([2, 5, 7].map((at) => ({ ids: [...ids.with(at, maskId)], at })))
  })

  it('leaves what the model has no room to read', () => {
    const source = { ...recorder(), maxLength: 6 }
    const [samples] = samplesOf(source, { topK: 1, p: 1, n: 1 }, rowOf('film film film film film film'))
    expect(samples).toEqual([{ text: 'un un un un film film', textB: null }])
  })

  const real = (): AugmentModel => {
    const sizes = { vocabSize: vocabulary.length, width: 16, layers: 2, heads: 2, inner: 32, maxLength: 24 }
    const model = randomScope(keyOf(3), () => new BertForMaskedLM({ ...sizes, std: 0.5 }))
    return { model, tokenizer, maxLength: 24, embeddings: model.base.words.weight }
  }
  const rows = Array.from({ length: 90 }, (_, i) => {
    const words = Array.from({ length: 1 + (i % 9) }, (_, j) => vocabulary[5 + ((i * 5 + j * 3) % 17)])
    return rowOf(words.join(' '), i % 3 === 0 ? 'a great picture, not undramatic' : null)
  })

  it('gives the same texts in whatever batches, on whatever threads, from whatever row', () => {
    const source = real()
    const options = { topK: 2, n: 5 }
    const all = samplesOf(source, options, ...rows)
    expect(all.flat().length).toBeGreaterThan(200)
    for (const batchSize of [1, 1000])
      expect(samplesOf(source, { ...options, batchSize }, ...rows)).toEqual(all)
    const { threads: before } = backendReport()
    try {
      for (const threads of [1, 2]) {
        setThreads(threads)
        expect(samplesOf(source, options, ...rows)).toEqual(all)
      }
    } finally {
      setThreads(before)
    }
    expect(samplesOf(source, { ...options, first: 67 }, ...rows.slice(67))).toEqual(all.slice(67))
    expect(samplesOf(source, { ...options, seed: 2 }, ...rows)).not.toEqual(all)
    expect(source.model.training).toBe(false)
  })

  it('refuses models that cannot', () => {
    const broken = real()
    broken.embeddings.elements.fill(Number.NaN)
    expect(() => samplesOf(broken, {}, rowOf('film'))).toThrow('masked-lm: gives no numbers for a word')
    const none = WordPieceTokenizer.fromVocabulary([...special, '##s', 'x', 'the'])
    expect(() => samplesOf({ ...recorder(), tokenizer: none }, {}, rowOf('x'))).toThrow('no whole words')
  })
})

describe('readVectors', () => {
  const read = (text: string | Uint8Array, options = {}) => {
    writeFileSync(join(folder, 'v.txt'), text)
    return readVectors(join(folder, 'v.txt'), options)
  }

  it('reads words and numbers, the first of equal words, with word2vec headers, spaces in words, and zeros left out', () => {
    expect(read('the 1 -2.5\nfilm .5 1e-3\nthe 3 3\nzero 0 0\n')).toEqual({
      words: ['the', 'film'],
      width: 2,
      table: Float32Array.of(1, -2.5, 0.5, 1e-3),
    })
    const { words, table } = read('3 2\nFilm 1 2 \r\nat mail 3 4\nfilm 5 6\n', {
      keep: (word: string) => (word === 'at mail' ? null : word.toLowerCase()),
    })
    expect([words, [...table]]).toEqual([['film'], [1, 2]])
    expect(read('a 1\nb 2\nc 3', { most: 2 }).words).toEqual(['a', 'b'])
  })

  it.each<[string, string | Uint8Array, RegExp]>([
    ['another width', 'a 1 2\nb 1\n', /v.txt:2: has fewer than 2 numbers/],
    ['more numbers', 'a 1 2\nb 1 2 3\n', /v.txt:2: has more than 2 numbers/],
    ['no numbers', 'a\n', /v.txt:1: has 0 numbers/],
    ['words for numbers', 'a 1 2\nb 1 NaN\n', /v.txt:2: "b" is followed by what is no number/],
    ['hexadecimal digits', 'a 1 2\nb 1 0x10\n', /v.txt:2: "b" is followed by/],
    ['half a number', 'a 1 2\nb 1 --2\n', /v.txt:2: "b" has what is no number/],
    ['two spaces', 'a 1 2\nb  2\n', /v.txt:2: .* no number/],
    ['numbers too large', 'a 1 2\nb 1 1e39\n', /v.txt:2: "b" has what is no number/],
    ['a line too wide', `a${' 1'.repeat(4097)}\n`, /v.txt:1: has 4097 numbers, 1 to 4096 are read/],
    ['nothing', '\n\n', /v.txt: has no vectors/],
    ['zeros alone', 'a 0 0\n', /v.txt: has no vectors/],
    ['no text', Uint8Array.of(97, 32, 49, 10, 255, 32, 49), /v.txt:2: is not UTF-8/],
    ['a NUL', 'a 1\n\0 1\n', /v.txt:2: holds a NUL/],
  ])('refuses %s by line', (_, text, message) => {
    expect(() => read(text)).toThrow(message)
  })
})
