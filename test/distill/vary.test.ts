// Texts made of other texts: what they hold, and of what they are a function.
import { describe, expect, it } from 'vitest'
import { varyTexts, wordsIn } from '../../src/distill/augment/vary.js'

const rows = [
  'What is the capital of France ?',
  'Who wrote Ulysses, and where ?',
  "How don't e-mails get lost ?",
  'When was the first (and last) flight ?',
].map((text) => ({ text, textB: null }))
const textsOf = (n: number, seed: number, of = rows) => varyTexts(of, n, seed).map(({ text }) => text)

describe('varyTexts', () => {
  const made = textsOf(300, 1)

  it('makes texts of the words that there are, none twice, none of the data', () => {
    expect(made).toHaveLength(300)
    expect(new Set(made).size).toBe(300)
    for (const { text } of rows) expect(made).not.toContain(text)
    const known = new Set(rows.flatMap(({ text }) => text.match(/[\w'-]+|\S/g) ?? []))
    for (const text of made) {
      expect(text).toBe(text.trim())
      for (const word of text.match(/[\w'-]+|\S/g) ?? []) expect(known, text).toContain(word)
    }
  })

  it('leaves out, replaces and joins', () => {
    const counts = made.map(wordsIn)
    expect(Math.min(...counts)).toBeLessThan(4)
    expect(Math.max(...counts)).toBeGreaterThan(10)
    const inOrder = (text: string, of: string) => {
      const places = text.split(' ').map((word) => of.indexOf(word))
      return places.every((place, i) => place >= (i === 0 ? 0 : places[i - 1] + 1))
    }
    expect(made.some((text) => inOrder(text, rows[0].text))).toBe(true)
    expect(made.some((text) => wordsIn(text) === wordsIn(rows[0].text) && !inOrder(text, rows[0].text))).toBe(
      true,
    )
    expect(made.some((text) => text.startsWith('What is the') && text.endsWith('flight ?'))).toBe(true)
  })

  it('is a function of the rows and the seed; more of them begin with fewer', () => {
    expect(textsOf(300, 1)).toEqual(made)
    expect(textsOf(100, 1)).toEqual(made.slice(0, 100))
    expect(textsOf(300, 2)).not.toEqual(made)
  })

  it('changes one text of a pair', () => {
    const pairs = rows.map(({ text }, i) => ({ text, textB: rows[(i + 1) % rows.length].text }))
    const both = varyTexts(pairs, 100, 1)
    expect(both).toHaveLength(100)
    const same = (side: 'text' | 'textB') =>
      both.filter((row) => pairs.some((pair) => pair[side] === row[side])).length
    expect(same('text')).toBeGreaterThan(20)
    expect(same('textB')).toBeGreaterThan(20)
    for (const { text, textB } of both)
      expect(pairs.some((pair) => (pair.text === text) !== (pair.textB === textB))).toBe(true)
  })

  it('cuts scripts without gaps into letters, and puts none in', () => {
    const made = textsOf(50, 1, [
      { text: '今天天气很好', textB: null },
      { text: '我喜欢音乐', textB: null },
    ])
    expect(made).toHaveLength(50)
    for (const text of made) expect(text).toMatch(/^\p{sc=Han}+$/u)
  })

  it('makes fewer where no more can be made', () => {
    expect(
      textsOf(50, 1, [
        { text: 'one', textB: null },
        { text: '', textB: null },
      ]).length,
    ).toBeLessThan(5)
    expect(textsOf(50, 1, [{ text: '', textB: null }])).toEqual([])
  })
})
