// Where words begin among tokens, held to transformers.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import '../../src/index.js'
import { loadTokenizer } from '../../src/files/models/on-disk.js'
import type { PiecedTokenizer } from '../../src/text/pieces/base.js'
import { setPlaces } from '../../src/text/tagged/set-data.js'
import { opensTexts, wordPlaces } from '../../src/text/tagged/word-places.js'
import { encodeWords } from '../../src/text/tagged/words.js'
import { WordTokenizer } from '../../src/text/tokenizer.js'

const golden = join(import.meta.dirname, '../golden')
type Case = [text: string, pair: string | null, maxLength: number, side: 'left' | 'right', places: number[]]
const cases = JSON.parse(readFileSync(join(golden, 'words.json'), 'utf8')) as Record<string, Case[]>

/** The same tokenizer, cutting at another end. */
function sided(folder: string, side: 'left' | 'right'): PiecedTokenizer {
  const tokenizer = loadTokenizer(join(golden, folder)) as PiecedTokenizer
  Object.defineProperty(tokenizer, 'truncationSide', { value: side })
  return tokenizer
}

describe('wordPlaces', () => {
  it.each(Object.keys(cases))('%s: first tokens of words are those of transformers', (name) => {
    for (const [text, pair, maxLength, side, want] of cases[name]) {
      const set = { texts: [text], pairs: pair === null ? null : [pair] }
      const [own] = wordPlaces(set, sided(name, side), maxLength)
      expect([...own], JSON.stringify([text, pair, maxLength, side])).toEqual(want)
    }
  })

  it.each(Object.keys(cases))('%s: words that are given are those of tagging, behind [CLS]', (name) => {
    const tokenizer = loadTokenizer(join(golden, name)) as PiecedTokenizer
    const words = [['the', 'cat', "isn't", 'here'], []]
    const texts = words.map((own) => own.join(' '))
    const places = setPlaces({ texts, pairs: null, labels: null, targets: null, words }, tokenizer, 32)
    words.forEach((own, i) => {
      expect([...places[i]]).toEqual([0, ...encodeWords(tokenizer, own).places])
    })
    expect(opensTexts(tokenizer)).toBe(true)
  })

  it('refuses a tokenizer of whole words, and knows that it has no [CLS]', () => {
    const tokenizer = WordTokenizer.build(['a b'])
    expect(opensTexts(tokenizer)).toBe(false)
    expect(() => setPlaces({ texts: ['a'], pairs: null, labels: null, targets: null }, tokenizer, 8)).toThrow(
      /states compared at words need a tokenizer that cuts words into pieces/,
    )
  })
})
