// The word tokenizer: what a word is, which words are kept, and its file.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WordTokenizer } from '../../src/text/tokenizer.js'

const texts = ['A dog; a cat.', 'the dog (big)', "don't Don't"]
const tokenizer = WordTokenizer.build(texts)

describe('WordTokenizer', () => {
  it('takes runs of letters and digits, or one other character', () => {
    expect(tokenizer.words("Don't  eat 3kg\tof crème\u{1f600}!")).toEqual([
      ...['don', "'", 't', 'eat', '3kg', 'of', 'cr', 'è', 'me', '\u{1f600}', '!'],
    ])
    expect(tokenizer.words(' \n\t')).toEqual([])
  })

  it('orders by count, then by alphabet, after [PAD] and [UNK]', () => {
    expect(tokenizer.vocabulary).toEqual([
      ...['[PAD]', '[UNK]', "'", 'a', 'dog', 'don', 't', '(', ')', '.', ';', 'big', 'cat', 'the'],
    ])
    expect(WordTokenizer.build(texts, { size: 5 }).vocabulary).toEqual(['[PAD]', '[UNK]', "'", 'a', 'dog'])
  })

  it('encodes, cuts, and never gives an empty text', () => {
    expect([...tokenizer.encode('A DOG barks').ids]).toEqual([3, 4, 1])
    expect([...tokenizer.encode('a dog a dog', null, { maxLength: 3 }).ids]).toEqual([3, 4, 3])
    expect([...tokenizer.encode('').ids]).toEqual([1])
  })

  it('words that are names of properties are words', () => {
    const odd = WordTokenizer.build(['constructor toString hasOwnProperty'])
    const back = WordTokenizer.fromJSON(JSON.parse(JSON.stringify(odd.toJSON())))
    expect(back.vocabulary).toEqual(odd.vocabulary)
    expect([...odd.encode('valueof').ids]).toEqual([1])
  })

  it('comes back from its file with the same ids', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'grapheme' })),
        fc.string({ unit: 'binary' }),
        (corpus, text) => {
          const made = WordTokenizer.build(corpus)
          const back = WordTokenizer.fromJSON(JSON.parse(JSON.stringify(made.toJSON())))
          expect([...back.encode(text).ids]).toEqual([...made.encode(text).ids])
        },
      ),
    )
  })

  const document = () => JSON.parse(JSON.stringify(tokenizer.toJSON()))
  it.each([
    ['null', () => null, 'a.json: model.type must be WordLevel'],
    ['another model', () => ({ ...document(), model: { type: 'BPE' } }), 'model.type must be WordLevel'],
    [
      'another pattern',
      () => ({ ...document(), pre_tokenizer: { type: 'Whitespace' } }),
      'pattern.Regex must be',
    ],
    [
      'no vocabulary',
      () => ({ ...document(), model: { type: 'WordLevel', vocab: [] } }),
      'vocab must be an object',
    ],
    [
      'a gap',
      () => ({ ...document(), model: { type: 'WordLevel', vocab: { '[PAD]': 0, '[UNK]': 1, a: 3 } } }),
      'the ids must be 0 to 2, each once; "a" has 3',
    ],
    [
      'an id twice',
      () => ({ ...document(), model: { type: 'WordLevel', vocab: { '[PAD]': 0, '[UNK]': 1, a: 1 } } }),
      'each once; "a" has 1',
    ],
    [
      'a vocabulary without [UNK]',
      () => ({ ...document(), model: { type: 'WordLevel', vocab: { '[PAD]': 0, a: 1 } } }),
      'ids 0 and 1 must be [PAD] and [UNK]',
    ],
  ])('refuses %s', (_, make, text) => {
    expect(() => WordTokenizer.fromJSON(make(), 'a.json')).toThrow(text)
  })
})
