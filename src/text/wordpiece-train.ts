// A WordPiece vocabulary from a corpus: the two neighbouring pieces that occur together most often become one piece,
// again and again, as in the WordPieceTrainer of Python's tokenizers (which is BPE's: Sennrich et al. 2016).
import { normalizeBert, splitBert } from './bert-normalizer.js'
import { type VocabularyOptions, WordPieceTokenizer } from './wordpiece.js'

/** Of trainWordPiece(). */
export interface TrainOptions extends VocabularyOptions {
  /** Tokens in all, special ones included. Default 8192. */
  size?: number
  /** A piece is made only of what occurs together this often. Default 2. */
  minCount?: number
  /** Characters kept, the commonest; words with others are left out. Default 1000. */
  alphabet?: number
}

const SPECIAL = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]']
const PREFIX = '##'
/** A longer word is unknown as a whole. */
const LONGEST_WORD = 100
/** Above any number of tokens; the square is still exact. */
const SHIFT = 2 ** 24

/** A word as pieces, of which there are fewer and fewer. */
interface Word {
  pieces: number[]
  count: number
}

interface Pair {
  count: number
  /** Numbers of words in which it was seen; it may be gone from some. */
  words: Set<number>
}

/**
 * The tokenizer learnt from `texts`; a function of them alone, whatever their order. Has fewer than `size` tokens where
 * the corpus gives no more. Throws RangeError where the alphabet alone takes more.
 */
export function trainWordPiece(
  texts: Iterable<string>,
  { size = 8192, minCount = 2, alphabet = 1000, ...options }: TrainOptions = {},
): WordPieceTokenizer {
  const { lowercase = true, stripAccents = lowercase, chineseChars = true } = options
  const normalizing = { cleanText: true, chineseChars, stripAccents, lowercase }
  const counts = new Map<string, number>()
  for (const text of texts) {
    for (const word of splitBert(normalizeBert(text, normalizing)))
      counts.set(word, (counts.get(word) ?? 0) + 1)
  }
  const kept = commonest(counts, alphabet)
  const spelled = [...counts]
    .map(([word, count]) => ({ letters: [...word], count }))
    .filter(({ letters }) => letters.length <= LONGEST_WORD && letters.every((c) => kept.has(c)))
  const letters = new Set(
    spelled.flatMap(({ letters: [first, ...rest] }) => [first, ...rest.map((c) => PREFIX + c)]),
  )
  const tokens = [...SPECIAL, ...[...letters].sort((a, b) => a.length - b.length || (a < b ? -1 : 1))]
  if (tokens.length > size)
    throw new RangeError(
      `trainWordPiece: size ${size} is too small, the special tokens and letters are ${tokens.length}`,
    )
  const ids = new Map(tokens.map((token, id) => [token, id]))
  const words = spelled.map(({ letters, count }) => ({
    pieces: letters.map((c, i) => ids.get(i === 0 ? c : PREFIX + c) as number),
    count,
  }))
  merge(words, tokens, ids, size, minCount)
  return WordPieceTokenizer.fromVocabulary(tokens, { lowercase, stripAccents, chineseChars })
}

/** The `most` characters that occur most often; equally common ones in alphabetical order. */
function commonest(counts: ReadonlyMap<string, number>, most: number): Set<string> {
  const letters = new Map<string, number>()
  for (const [word, count] of counts) {
    for (const c of word) letters.set(c, (letters.get(c) ?? 0) + count)
  }
  const sorted = [...letters].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
  return new Set(sorted.slice(0, most).map(([c]) => c))
}

/** Makes pieces until there are `size` tokens or nothing occurs `minCount` times. Adds to tokens and ids. */
function merge(
  words: Word[],
  tokens: string[],
  ids: Map<string, number>,
  size: number,
  minCount: number,
): void {
  const pairs = new Map<number, Pair>()
  const queue = new Queue()
  const change = (a: number, b: number, by: number, word: number): void => {
    const key = a * SHIFT + b
    let pair = pairs.get(key)
    if (pair === undefined) {
      pair = { count: 0, words: new Set() }
      pairs.set(key, pair)
    }
    pair.count += by
    if (by > 0) pair.words.add(word)
  }
  words.forEach(({ pieces, count }, w) => {
    for (let i = 1; i < pieces.length; i++) change(pieces[i - 1], pieces[i], count, w)
  })
  for (const [key, { count }] of pairs) queue.push(count, key)

  while (tokens.length < size) {
    const top = queue.pop()
    if (top === null || top.count < minCount) break
    const pair = pairs.get(top.key) as Pair
    // Counts go down in place; the queue hears of it here.
    if (pair.count !== top.count) {
      if (pair.count > 0 && pair.count < top.count) queue.push(pair.count, top.key)
      continue
    }
    const a = Math.floor(top.key / SHIFT)
    const b = top.key % SHIFT
    const token = tokens[a] + tokens[b].slice(PREFIX.length)
    let id = ids.get(token)
    if (id === undefined) {
      id = tokens.push(token) - 1
      ids.set(token, id)
    }
    const risen = new Set<number>()
    for (const w of pair.words) {
      for (const key of join(words[w], w, a, b, id, change)) risen.add(key)
    }
    pairs.delete(top.key)
    for (const key of risen) {
      const count = pairs.get(key)?.count ?? 0
      if (count > 0) queue.push(count, key)
    }
  }
}

/** Puts `id` for every a, b of the word. Gives the keys of the pairs that there are more of now. */
function join(
  word: Word,
  w: number,
  a: number,
  b: number,
  id: number,
  change: (a: number, b: number, by: number, word: number) => void,
): number[] {
  const { pieces, count } = word
  const risen: number[] = []
  let n = 0
  for (let i = 0; i < pieces.length; i++) {
    if (i + 1 === pieces.length || pieces[i] !== a || pieces[i + 1] !== b) {
      pieces[n++] = pieces[i]
      continue
    }
    // What stands before is joined already, what stands behind is not yet.
    if (n > 0) {
      change(pieces[n - 1], a, -count, w)
      change(pieces[n - 1], id, count, w)
      risen.push(pieces[n - 1] * SHIFT + id)
    }
    if (i + 2 < pieces.length) {
      change(b, pieces[i + 2], -count, w)
      change(id, pieces[i + 2], count, w)
      risen.push(id * SHIFT + pieces[i + 2])
    }
    pieces[n++] = id
    i++
  }
  pieces.length = n
  return risen
}

/** Largest count first, then the smallest key: a binary heap. */
class Queue {
  readonly #counts: number[] = []
  readonly #keys: number[] = []

  push(count: number, key: number): void {
    const [counts, keys] = [this.#counts, this.#keys]
    let i = counts.length
    while (i > 0) {
      const up = (i - 1) >> 1
      if (!before(count, key, counts[up], keys[up])) break
      counts[i] = counts[up]
      keys[i] = keys[up]
      i = up
    }
    counts[i] = count
    keys[i] = key
  }

  pop(): { count: number; key: number } | null {
    const [counts, keys] = [this.#counts, this.#keys]
    if (counts.length === 0) return null
    const top = { count: counts[0], key: keys[0] }
    const count = counts.pop() as number
    const key = keys.pop() as number
    const n = counts.length
    if (n === 0) return top
    let i = 0
    for (let down = 1; down < n; down = 2 * i + 1) {
      if (down + 1 < n && before(counts[down + 1], keys[down + 1], counts[down], keys[down])) down++
      if (!before(counts[down], keys[down], count, key)) break
      counts[i] = counts[down]
      keys[i] = keys[down]
      i = down
    }
    counts[i] = count
    keys[i] = key
    return top
  }
}

function before(count: number, key: number, otherCount: number, otherKey: number): boolean {
  return count > otherCount || (count === otherCount && key < otherKey)
}
