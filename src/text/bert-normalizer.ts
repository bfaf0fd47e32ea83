// BERT's normalizer and word splitter, character by character as Python's tokenizers has them. The library's own differ:
// its classes are the engine's Unicode, rare Chinese characters get no spaces, and a final sigma is lowered otherwise.
import type { BertNormalizing } from '../formats/tokenizers/tokenizer-json.js'
import * as tables from './bert-tables.js'

/** The inside of a character class. */
const inside = (table: string) => table.replace(/[0-9a-f]+/g, '\\u{$&}').replaceAll(' ', '')

// Halves of surrogate pairs cannot come from Python at all. Here they go where U+FFFD goes, which stands for them.
const REMOVED = new RegExp(`[${inside(tables.removed)}\\ud800-\\udfff]+`, 'gu')
const BLANK = new RegExp(`[${inside(tables.blank)}]`, 'gu')
const CHINESE = new RegExp(`[${inside(tables.chinese)}]`, 'gu')
const ACCENT = new RegExp(`[${inside(tables.accent)}]+`, 'gu')
const MARK = new RegExp(`[${inside(tables.mark)}]+`, 'gu')
const [space, punctuation] = [inside(tables.space), inside(tables.punctuation)]
const WORD = new RegExp(`[^${space}${punctuation}]+|[${punctuation}]`, 'gu')

/**
 * Letters of 2019 and later that Python leaves whole, its decompositions being older. (So are its orders of marks on one
 * letter: for marks of those years alone, a difference that stays.)
 */
const YOUNG = new RegExp(
  `[${inside(
    '32ff a7f1-a7f4 ab69 105c9 105e4 10781-10785 10787-107b0 107b2-107ba 11383 11385 1138e 11391 113c5 113c7-113c8 11938 16121-16128 16d68-16d6a 1ccd6-1ccf9 1e030-1e06d 1f16c 1fbf0-1fbf9',
  )}]`,
  'u',
)
const NOT_YOUNG = new RegExp(`[^${YOUNG.source.slice(1)}+`, 'gu')

/** As Python decomposes. */
export const decompose = (text: string, form: 'NFD' | 'NFKD' = 'NFD') =>
  YOUNG.test(text) ? text.replace(NOT_YOUNG, (run) => run.normalize(form)) : text.normalize(form)

/** Python lowers each character for itself; toLowerCase looks at a sigma's neighbours. */
export const lowerEach = (text: string) => text.replaceAll('\u03a3', '\u03c3').toLowerCase()

/** As ALBERT takes accents out: marks of all kinds. */
export const withoutMarks = (text: string) => text.replace(MARK, '')

/** Text on which the whole of the normalizer is lower-casing. */
const PLAIN = /^[ -~]*$/

export function normalizeBert(text: string, options: BertNormalizing): string {
  if (PLAIN.test(text)) return options.lowercase ? text.toLowerCase() : text
  if (options.cleanText) text = text.replace(REMOVED, '').replace(BLANK, ' ')
  if (options.chineseChars) text = text.replace(CHINESE, ' $& ')
  if (options.stripAccents) text = decompose(text).replace(ACCENT, '')
  return options.lowercase ? lowerEach(text) : text
}

/** Words, and each punctuation character alone. */
export function splitBert(text: string): string[] {
  return text.match(WORD) ?? []
}

/** The same, each with the place in the text at which it begins. */
export function placedWords(text: string): [word: string, start: number][] {
  return Array.from(text.matchAll(WORD), (found) => [found[0], found.index])
}

/** The same of a text that was not normalized: Chinese characters are words of their own too. */
export function placedInText(
  text: string,
  { chineseChars }: BertNormalizing,
): [word: string, start: number][] {
  if (!chineseChars) return placedWords(text)
  // As long as before, so that places are the text's.
  const apart = text.replace(CHINESE, (c) => ' '.repeat(c.length))
  const words = [
    ...placedWords(apart),
    ...Array.from(text.matchAll(CHINESE), (c): [string, number] => [c[0], c.index]),
  ]
  return words.sort(([, a], [, b]) => a - b)
}
