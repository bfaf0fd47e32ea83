// Windows of sentences: ids, places and who answers for a word held to a plain spelling, for tokenizers of three kinds.
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import '../../src/index.js'
import { loadTokenizer } from '../../src/files/models/on-disk.js'
import { inOrder } from '../../src/nn/data.js'
import { ints } from '../../src/tensor/tensor.js'
import type { PiecedTokenizer } from '../../src/text/pieces/base.js'
import { learnable, setData } from '../../src/text/tagged/set-data.js'
import { wordWindows } from '../../src/text/tagged/windows.js'
import { wordData, wordRows } from '../../src/text/tagged/words.js'

const golden = join(import.meta.dirname, '../golden')
const load = (name: string) => loadTokenizer(join(golden, name)) as PiecedTokenizer
const tokenizers = ['tagging/bert', 'byte_bpe', 'unigram']

let state = 7
const below = (n: number) => {
  state = (state * 48_271) % 2_147_483_647
  return state % n
}
const vocabulary = [
  'the',
  'cat',
  "isn't",
  'here',
  'unbelievably',
  'U.N.',
  '\u200b',
  'a'.repeat(30),
  'sat',
  '.',
]
const sentence = (n: number) => Array.from({ length: n }, () => vocabulary[below(vocabulary.length)])

/** The same by trying: from each beginning the most words that fit, then back as long as what is shared is no more than the stride. */
function plain(sizes: number[][], rooms: number[], stride: number) {
  const n = sizes[0].length
  const tokens = (r: number, from: number, to: number) => sizes[r].slice(from, to).reduce((a, b) => a + b, 0)
  const fits = (from: number, to: number, most: (r: number) => number) =>
    sizes.every((_, r) => tokens(r, from, to) <= most(r))
  const windows: [number, number][] = []
  let [from, end] = [0, 0]
  while (end < n) {
    let to = from + 1
    for (let t = from + 1; t <= n; t++) if (fits(from, t, (r) => rooms[r])) to = t
    if (to <= end) {
      from = end
      continue
    }
    windows.push([from, to])
    end = to
    const starts = [...Array(n).keys()].filter((s) => s > from && s <= to && fits(s, to, () => stride))
    from = starts.length > 0 ? starts[0] : to
  }
  const owner = sizes[0].map((_, word) => {
    const far = windows.map(([a, b]) => Math.min(word - a, b - 1 - word))
    return far.indexOf(Math.max(...far))
  })
  return { windows, owner }
}

describe('windows of words', () => {
  it('are those of a plain spelling, each word once where it stands farthest from an edge', () => {
    for (let round = 0; round < 400; round++) {
      const n = 1 + below(40)
      const readers = 1 + below(3)
      const sizes = Array.from({ length: readers }, () => Array.from({ length: n }, () => below(9) % 7))
      const rooms = sizes.map(() => 4 + below(12))
      const stride = below(Math.min(...rooms))
      const own = wordWindows(
        sizes.map((tokens, r) => ({ sizes: tokens, room: rooms[r] })),
        stride,
      )
      const { windows, owner } = plain(sizes, rooms, stride)
      const said = own.flatMap(({ first, last }, w) => Array.from({ length: last - first }, () => w))
      expect(said).toHaveLength(n)
      for (let word = 0; word < n; word++) {
        if (sizes.every((tokens) => tokens[word] === 0)) continue
        const { from, to } = own[said[word]]
        expect([from, to], `round ${round}, word ${word}`).toEqual(windows[owner[word]])
        expect(word >= from && word < to).toBe(true)
      }
    }
  })

  it.each(tokenizers)('%s: ids, places and what is asked for', (name) => {
    const tokenizer = load(name)
    const sentences = [3, 60, 1, 25].map(sentence)
    const [maxLength, docStride] = [16, 5]
    const special = tokenizer.encode('').ids.length
    const data = wordData(sentences, null, tokenizer, maxLength, { docStride })
    const rows = wordRows(sentences, { tokenizer, maxLength }, { docStride })
    expect(rows.length).toBe(data.size)
    let row = 0
    let before = 0
    for (const words of sentences) {
      const pieces = words.map((word) => [...tokenizer.wordPieces(word)].slice(0, maxLength - special))
      const { windows, owner } = plain(
        [words.map((w) => tokenizer.wordPieces(w).length)],
        [maxLength - special],
        docStride,
      )
      for (const [w, [from, to]] of windows.entries()) {
        const mine = words.map((_, i) => i).filter((i) => owner[i] === w && pieces[i].length > 0)
        if (mine.length === 0 && windows.length > 1) continue
        const text = pieces.slice(from, to).flat()
        const encoded = tokenizer.encodePieces(Int32Array.from(text))
        const input = data.input(Int32Array.of(row))
        expect([...ints(input.inputIds)]).toEqual([...encoded.ids])
        expect(encoded.ids.length).toBeLessThanOrEqual(maxLength)
        const first = encoded.texts[0].start
        const at = mine.map((i) => first + pieces.slice(from, i).flat().length)
        expect([...ints(input.at!)]).toEqual(at)
        expect([...data.answers!.asked(Int32Array.of(row))]).toEqual(mine.map((i) => before + i))
        row++
      }
      before += words.length
    }
    expect(row).toBe(data.size)
    // No word with a token goes without an answer, none has two.
    const asked = [...data.answers!.asked(inOrder(data.size))].sort((a, b) => a - b)
    const all = sentences.flat()
    expect(asked).toEqual([...all.keys()].filter((i) => tokenizer.wordPieces(all[i]).length > 0))
  })

  it('cut on the left: a word that has no room is answered by its first token', () => {
    const tokenizer = load('tagging/bert') as PiecedTokenizer & { truncationSide: string }
    tokenizer.truncationSide = 'left'
    const data = wordData([['a', 'b'.repeat(40), 'c']], null, tokenizer, 8)
    expect([...data.answers!.asked(inOrder(data.size))].sort()).toEqual([0, 1, 2])
  })

  it('of a teacher and a student with other tokens are the same words', () => {
    const words = [sentence(50), sentence(4)]
    const set = {
      ...{ words, texts: words.map((own) => own.join(' ')), pairs: null, labels: null, targets: null },
      ...{ labelNames: [], inTurn: false, lines: [1, 2] },
    }
    const readers = [
      { tokenizer: load('tagging/bert'), maxLength: 24 },
      { tokenizer: load('byte_bpe'), maxLength: 16 },
    ]
    const { set: learnt } = learnable(set, readers)
    const [a, b] = readers.map(({ tokenizer, maxLength }) => setData(learnt, tokenizer, maxLength))
    expect(a.size).toBe(b.size)
    expect(a.size).toBeGreaterThan(4)
    for (let row = 0; row < a.size; row++)
      expect([...a.answers!.asked(Int32Array.of(row))]).toEqual([...b.answers!.asked(Int32Array.of(row))])
  })

  it('refuses those that would not go on', () => {
    const read = (maxLength: number, docStride?: number) => () =>
      wordData([['the', 'cat']], null, load('tagging/bert'), maxLength, { docStride })
    expect(read(8, 6)).toThrow('--doc-stride must be below 6, or --max-length larger')
    expect(read(2)).toThrow('--max-length larger')
    expect(read(3)().size).toBe(2)
  })
})
