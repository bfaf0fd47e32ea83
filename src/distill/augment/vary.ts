// More texts for a teacher to answer, made of those there are by rules alone: words left out, words replaced by others of the
// data, the beginning of one text with the end of another. After Tang et al. 2019 (arXiv 1903.12136), section 4.3, who mask and
// replace words and sample n-grams. Such a text need not make sense: what it says is not taken over, the teacher is asked.
import { fold, integerAt, type Key, keyOf, uniformAt } from '../../tensor/rng.js'
import type { TextRow } from '../../text/rows.js'

/** Chance of each word to be left out, or to be replaced. */
const LEFT_OUT = 0.15
const REPLACED = 0.3
/** Texts tried for each that is wanted: of short texts many come out alike. */
const TRIES = 4

/** Of scripts that put no gaps between words. */
const GAPLESS = String.raw`[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}]`
const LETTER = String.raw`[\p{L}\p{M}\p{N}]`
/** Words with what joins them (don't, e-mail), each sign, and each letter of scripts without gaps. */
const WORD = new RegExp(String.raw`${GAPLESS}|${LETTER}+(?:['\u2019-]${LETTER}+)*|\S`, 'gu')

/** A text cut at its words, each with what stands between it and the next one. */
type Pieces = readonly string[]

interface Source {
  texts: readonly Pieces[]
  /** All of the data, so that common ones are drawn more often. */
  words: Pieces
}

/** What a text becomes: a function of the text and a key. Number i of the key's stream is for word i. */
type Rule = (text: Pieces, source: Source, key: Key) => Pieces

const rules: Readonly<Record<string, Rule>> = {
  leaveOut: (text, _, key) => text.filter((_, i) => uniformAt(key, i) >= LEFT_OUT),
  replace: (text, { words }, key) => {
    const others = fold(key, 'others')
    return text.map((word, i) => {
      if (uniformAt(key, i) >= REPLACED) return word
      return words[integerAt(others, i, words.length)].trimEnd() + word.slice(word.trimEnd().length)
    })
  },
  join: (text, { texts }, key) => {
    const other = texts[integerAt(key, 0, texts.length)]
    const end = other.slice(integerAt(key, 1, other.length + 1))
    return [...text.slice(0, integerAt(key, 2, text.length + 1)), ...end]
  },
}
const ruleList = Object.values(rules)

/** A word goes with its gap; the last one of a text that has gaps gets one, so that another word may follow. */
function piecesOf(text: string): Pieces {
  const places = Array.from(text.matchAll(WORD))
  const gap = /\s/.test(text.trim()) ? ' ' : ''
  return places.map(({ 0: word, index }, i) =>
    i + 1 < places.length ? text.slice(index, places[i + 1].index) : word + gap,
  )
}

const ENDS = new RegExp(`(?!${GAPLESS})${LETTER}$`, 'u')
const BEGINS = new RegExp(`^(?!${GAPLESS})${LETTER}`, 'u')

/** The text of pieces. Two words that had a sign between them, and meet now, get a gap. */
function written(pieces: Pieces): string {
  const meet = (piece: string, i: number) => i > 0 && ENDS.test(pieces[i - 1]) && BEGINS.test(piece)
  return pieces
    .map((piece, i) => (meet(piece, i) ? ` ${piece}` : piece))
    .join('')
    .trim()
}

/** How many words a text has, where signs count as well. */
export const wordsIn = (text: string): number => text.match(WORD)?.length ?? 0

type Texts = Pick<TextRow, 'text' | 'textB'>

/**
 * Up to n texts made of `rows`, all different from these and from each other: a function of rows, n and seed. Fewer where the
 * rows are too short to give so many. Of a pair one text is new and the other as it was.
 */
export function varyTexts(rows: readonly Texts[], n: number, seed: number): Texts[] {
  const pieces = rows.map(({ text, textB }) => [text, textB].map((t) => (t === null ? [] : piecesOf(t))))
  const sources = [0, 1].map((side): Source => {
    const texts = pieces.map((both) => both[side]).filter((text) => text.length > 0)
    return { texts, words: texts.flat() }
  })
  const idOf = (text: string, textB: string | null) => JSON.stringify([text, textB])
  const seen = new Set(rows.map(({ text, textB }) => idOf(text, textB)))
  const made: Texts[] = []
  const key = keyOf(seed, 'vary')
  for (let i = 0; made.length < n && i < TRIES * n; i++) {
    const own = fold(key, i)
    const row = i % rows.length
    const { text, textB } = rows[row]
    const side = textB === null ? 0 : integerAt(own, 0, 2)
    if (pieces[row][side].length === 0) continue
    const rule = ruleList[integerAt(own, 1, ruleList.length)]
    const varied = written(rule(pieces[row][side], sources[side], fold(own, 'rule')))
    const [a, b] = side === 0 ? [varied, textB] : [text, varied]
    const id = idOf(a, b)
    if (varied === '' || seen.has(id)) continue
    seen.add(id)
    made.push({ text: a, textB: b })
  }
  return made
}
