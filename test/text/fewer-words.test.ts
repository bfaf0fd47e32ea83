// A vocabulary without the pieces that texts do not need: the same pieces for those texts, files that are read back alike.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { loadTokenizer, saveTokenizer } from '../../src/files/models/on-disk.js'
import { fewerWords } from '../../src/text/fewer-words.js'
import { WordPieceTokenizer } from '../../src/text/wordpiece.js'

const golden = join(import.meta.dirname, '../golden/wordpiece')
const whole = loadTokenizer(golden) as WordPieceTokenizer
const root = mkdtempSync(join(tmpdir(), 'tinystill-words-'))
afterAll(() => rmSync(root, { recursive: true }))

const tokensOf = (tokenizer: WordPieceTokenizer, text: string, textB: string | null = null) =>
  Array.from(tokenizer.encode(text, textB).ids, (id) => tokenizer.vocabulary[id])

describe('fewerWords', () => {
  it('gives the texts the same tokens, and keeps specials and letters', () => {
    const texts = ['The cat sat on the mat.', 'Über-cool, naïve?']
    const { tokenizer, kept } = fewerWords(whole, texts)
    expect(tokenizer.vocabSize).toBeLessThan(whole.vocabSize)
    expect(kept.map((id) => whole.vocabulary[id])).toEqual(tokenizer.vocabulary)
    for (const text of texts) {
      expect(tokensOf(tokenizer, text)).toEqual(tokensOf(whole, text))
      expect(tokensOf(tokenizer, text, texts[0])).toEqual(tokensOf(whole, text, texts[0]))
    }
    for (const id of whole.specialIds) expect(tokenizer.vocabulary).toContain(whole.vocabulary[id])
    // A word that no text has, of letters that they have.
    expect(tokensOf(tokenizer, 'tact')).not.toContain('[UNK]')
  })

  it('does so for any texts', () => {
    const word = fc.oneof(
      fc.constantFrom(...whole.vocabulary.slice(0, 400)),
      fc.string({ unit: fc.constantFrom(...'abcdez\u00e9\u4e2d\u0416 .') }),
    )
    const text = fc.array(word, { maxLength: 8 }).map((words) => words.join(' '))
    fc.assert(
      fc.property(fc.array(text, { maxLength: 5 }), (texts) => {
        const { tokenizer } = fewerWords(whole, texts)
        for (const own of texts) expect(tokensOf(tokenizer, own)).toEqual(tokensOf(whole, own))
      }),
      { numRuns: 150, seed: 1 },
    )
  })

  it('leaves a word unknown that was unknown, though another way through it would be left', () => {
    // abc is looked for first and then nothing goes on; without abc there would be ab and ##cz.
    const vocabulary = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'abc', 'ab', '##cz', 'a', '##b', 'y']
    const own = WordPieceTokenizer.fromVocabulary(vocabulary)
    const texts = ['abcz ab', 'y']
    const { tokenizer, kept } = fewerWords(own, texts)
    expect(tokensOf(tokenizer, 'abcz ab')).toEqual(['[CLS]', '[UNK]', 'ab', '[SEP]'])
    expect(kept).toContain(5)
    expect(fewerWords(own, ['ab', 'y']).kept).not.toContain(5)
  })

  it('keeps added tokens, and files that say the same', () => {
    const json = JSON.parse(readFileSync(join(golden, 'tokenizer.json'), 'utf8'))
    const n = Object.keys(json.model.vocab).length
    json.added_tokens.push({ id: n, content: '<ent>', special: true, normalized: false })
    const { tokenizer } = fewerWords(WordPieceTokenizer.fromJSON(json), ['the <ent> sat'])
    expect(tokensOf(tokenizer, 'the <ent> sat')).toContain('<ent>')
    saveTokenizer(root, tokenizer)
    const back = loadTokenizer(root) as WordPieceTokenizer
    expect(back.spec).toEqual(tokenizer.spec)
    const lines = readFileSync(join(root, 'vocab.txt'), 'utf8').trimEnd().split('\n')
    expect(lines).toEqual(tokenizer.vocabulary.slice(0, tokenizer.spec.modelSize))
  })
})
