// A vocabulary without the pieces that texts do not need: the same pieces for those texts, files that are read back alike.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { loadTokenizer, saveTokenizer } from '../../src/files/models/on-disk.js'
import { byteCharacters } from '../../src/formats/tokenizers/bpe-json.js'
import { fewerWords } from '../../src/text/fewer-words.js'
import type { PiecedTokenizer } from '../../src/text/pieces/base.js'
import type { ByteBpeTokenizer } from '../../src/text/pieces/byte-bpe.js'
import type { UnigramTokenizer } from '../../src/text/pieces/unigram.js'
import { WordTokenizer } from '../../src/text/tokenizer.js'
import { WordPieceTokenizer } from '../../src/text/wordpiece.js'

const golden = join(import.meta.dirname, '../golden')
const root = mkdtempSync(join(tmpdir(), 'tinystill-words-'))
afterAll(() => rmSync(root, { recursive: true }))

const load = (name: string) => loadTokenizer(join(golden, name)) as PiecedTokenizer
const kinds = {
  WordPiece: load('wordpiece'),
  MPNet: load('mpnet'),
  BPE: load('byte_bpe'),
  Unigram: load('unigram'),
  ALBERT: load('albert'),
}

const tokensOf = (tokenizer: PiecedTokenizer, text: string, textB: string | null = null) =>
  Array.from(tokenizer.encode(text, textB).ids, (id) => tokenizer.vocabulary[id])

describe.each(Object.entries(kinds))('fewerWords of %s', (_, all) => {
  it('gives the texts the same tokens, and keeps specials and letters', () => {
    const texts = ['The cat sat on the mat.', '\u00dcber-cool, na\u00efve?', 'w\u4e2d\u{1f600} \u0001']
    const { tokenizer, kept } = fewerWords(all, texts)
    expect(tokenizer.vocabSize).toBeLessThan(all.vocabSize)
    expect(kept.map((id) => all.vocabulary[id])).toEqual(tokenizer.vocabulary)
    for (const text of texts) {
      expect(tokensOf(tokenizer, text)).toEqual(tokensOf(all, text))
      expect(tokensOf(tokenizer, text, texts[0])).toEqual(tokensOf(all, text, texts[0]))
    }
    for (const id of all.specialIds) expect(tokenizer.vocabulary).toContain(all.vocabulary[id])
    // A word that no text has, of letters that they have.
    expect(Array.from(tokenizer.pieces('tact'))).not.toContain(tokenizer.unkId)
  })

  it('does so for any texts', () => {
    const word = fc.oneof(
      fc.constantFrom(...all.vocabulary.slice(0, 400)),
      fc.string({ unit: fc.constantFrom(...'abcdez\u00e9\u4e2d\u0416 .') }),
    )
    const text = fc.array(word, { maxLength: 8 }).map((words) => words.join(' '))
    fc.assert(
      fc.property(fc.array(text, { maxLength: 5 }), (texts) => {
        const { tokenizer } = fewerWords(all, texts)
        for (const own of texts) expect(tokensOf(tokenizer, own)).toEqual(tokensOf(all, own))
      }),
      { numRuns: 60, seed: 1 },
    )
  })

  it('leaves rare pieces out, of whose words shorter ones are left', () => {
    const word = fc.constantFrom(...all.vocabulary.slice(200, 600))
    const text = fc.array(word, { maxLength: 30 }).map((words) => words.join(' '))
    fc.assert(
      fc.property(fc.array(text, { maxLength: 5 }), fc.integer({ min: 2, max: 4 }), (texts, minCount) => {
        const { tokenizer, kept } = fewerWords(all, texts, { minCount })
        expect(kept.map((id) => all.vocabulary[id])).toEqual(tokenizer.vocabulary)
        // What stays is what its own texts need, and stays if asked again.
        expect(fewerWords(tokenizer, texts, { minCount }).tokenizer.vocabulary).toEqual(tokenizer.vocabulary)
        const before = texts.flatMap((own) => Array.from(all.pieces(own)))
        const common = before.every((id) => before.filter((other) => other === id).length >= minCount)
        for (const own of texts) {
          const unknown = (by: PiecedTokenizer) => Array.from(by.pieces(own)).includes(by.unkId)
          expect(unknown(tokenizer)).toBe(unknown(all))
          if (common) expect(tokensOf(tokenizer, own)).toEqual(tokensOf(all, own))
        }
      }),
      { numRuns: 40, seed: 1 },
    )
  })

  it('has files that say the same', () => {
    const folder = join(root, all.constructor.name)
    const { tokenizer } = fewerWords(all, ['the cat sat'])
    saveTokenizer(folder, tokenizer)
    const back = loadTokenizer(folder) as PiecedTokenizer
    expect(back.spec).toEqual(tokenizer.spec)
    expect(tokensOf(back, 'the cat sat at that')).toEqual(tokensOf(tokenizer, 'the cat sat at that'))
  })
})

describe('fewerWords', () => {
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

  it('leaves a rare word to pieces that no text had, and these with it where they are rare too', () => {
    const special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]']
    const letters = ['a', 'b', 'c', '##a', '##b', '##c']
    const own = WordPieceTokenizer.fromVocabulary([...special, ...letters, 'abc', 'ab', '##cb', 'abcb'])
    const left = (texts: string[], minCount: number) => {
      const { tokenizer } = fewerWords(own, texts, { minCount })
      expect(tokenizer.vocabulary.slice(0, 11)).toEqual([...special, ...letters])
      return [tokenizer.vocabulary.slice(11), tokensOf(tokenizer, texts[0]).slice(1, -1)]
    }
    expect(left(['abcb', 'ab ab'], 1)).toEqual([['ab', 'abcb'], ['abcb']])
    // Longest first: abc, which is of no text, and once too rare; then ab, which others have.
    expect(left(['abcb', 'ab ab'], 2)).toEqual([['ab'], ['ab', '##c', '##b']])
    expect(left(['abcb abcb', 'abc'], 2)).toEqual([['abcb'], ['abcb', 'abcb']])
    expect(left(['abcb', 'ab'], 3)).toEqual([[], ['a', '##b', '##c', '##b']])
  })

  it('keeps added tokens, and files that say the same', () => {
    const json = JSON.parse(readFileSync(join(golden, 'wordpiece/tokenizer.json'), 'utf8'))
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

  it('keeps what merges make on the way to a piece, and no other merge', () => {
    const { tokenizer } = fewerWords(kinds.BPE as ByteBpeTokenizer, ['the'])
    const { merges, vocabulary } = tokenizer.spec
    const letters = byteCharacters()
    // Every piece of more than one letter can be reached.
    const reached = new Set(letters)
    for (const [a, b] of merges) if (reached.has(a) && reached.has(b)) reached.add(a + b)
    const special = tokenizer.specialIds.map((id) => vocabulary[id])
    expect(vocabulary.filter((piece) => !reached.has(piece) && !special.includes(piece))).toEqual([])
    expect(merges.length).toBeLessThan(6)
  })

  it('counts an unknown character as before, by the worst piece of all', () => {
    const { spec } = kinds.Unigram as UnigramTokenizer
    const { tokenizer } = fewerWords(kinds.Unigram as UnigramTokenizer, ['the'])
    expect(Math.min(...tokenizer.spec.scores)).toBe(Math.min(...spec.scores))
  })

  it('refuses a tokenizer of whole words', () => {
    expect(() => fewerWords(WordTokenizer.build(['a b']) as never, ['a'])).toThrow(
      /WordTokenizer has no pieces/,
    )
  })
})
