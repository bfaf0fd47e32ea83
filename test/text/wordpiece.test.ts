// BERT's tokenizer: the same ids as Python's AutoTokenizer, and its files.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { loadTokenizer } from '../../src/files/models/on-disk.js'
import type { BertNormalizing } from '../../src/formats/tokenizers/tokenizer-json.js'
import { normalizeBert, splitBert } from '../../src/text/bert-normalizer.js'
import { longestFirst, type Tokenizer } from '../../src/text/encoding.js'
import { WordPieceTokenizer } from '../../src/text/wordpiece.js'

type Case = [text: string, pair: string | null, maxLength: number | null, ids: number[], typeIds: number[]]

const golden = join(import.meta.dirname, '../golden')
const expected = JSON.parse(readFileSync(join(golden, 'wordpiece.json'), 'utf8')) as {
  skip: [number, number][]
  digests: Record<string, string>
  special: number[]
  plain: Case[]
  cased: Case[]
  added: Case[]
}
const document = () => JSON.parse(readFileSync(join(golden, 'wordpiece/tokenizer.json'), 'utf8'))
const plain = loadTokenizer(join(golden, 'wordpiece')) as WordPieceTokenizer

function ours(tokenizer: Tokenizer, [text, pair, maxLength]: Case): Case {
  const { ids, typeIds } = tokenizer.encode(text, pair, maxLength === null ? {} : { maxLength })
  return [text, pair, maxLength, [...ids], [...typeIds]]
}

describe('ids as of AutoTokenizer', () => {
  it.each(['plain', 'cased', 'added'] as const)('%s', (name) => {
    const json = document()
    if (name === 'cased') json.normalizer.lowercase = false
    const n = Object.keys(json.model.vocab).length
    if (name === 'added')
      json.added_tokens.push(
        { id: n, content: '<ent>', special: true, normalized: false },
        { id: n + 1, content: 'NewTok', special: false, normalized: true },
        { id: n + 2, content: 'straße', special: false, normalized: true },
        { id: n + 3, content: 'a b', special: false, normalized: false },
      )
    const tokenizer = WordPieceTokenizer.fromJSON(json)
    const cases = expected[name]
    expect(cases.length).toBeGreaterThan(9)
    expect(cases.map((c) => ours(tokenizer, c))).toEqual(cases)
  })

  it('from vocab.txt too', () => {
    const lines = readFileSync(join(golden, 'wordpiece/vocab.txt'), 'utf8').trimEnd().split('\n')
    const uncased = WordPieceTokenizer.fromVocabulary(lines)
    expect(expected.plain.map((c) => ours(uncased, c))).toEqual(expected.plain)
    const cased = WordPieceTokenizer.fromVocabulary(lines, { lowercase: false })
    expect(expected.cased.map((c) => ours(cased, c))).toEqual(expected.cased)
  })

  it('has the roles', () => {
    const { padId, unkId, clsId, sepId, maskId, vocabSize } = plain
    expect([padId, unkId, clsId, sepId, maskId, vocabSize]).toEqual(expected.special)
    expect(plain.specialIds).toEqual([0, 1, 2, 3, 4])
  })
})

describe('every code point', () => {
  const points = Array.from({ length: 0x110000 }, (_, c) => c).filter(
    (c) => (c < 0xd800 || c > 0xdfff) && !expected.skip.some(([a, b]) => a <= c && c <= b),
  )
  const digest = (of: (text: string) => string) => {
    const hash = createHash('sha256')
    for (let i = 0; i < points.length; i += 4096)
      hash.update(
        points
          .slice(i, i + 4096)
          .map((c) => of(`a${String.fromCodePoint(c)}b`))
          .join(''),
      )
    return hash.digest('hex')
  }
  const options: Record<string, BertNormalizing> = {
    uncased: { cleanText: true, chineseChars: true, stripAccents: true, lowercase: true },
    cased: { cleanText: true, chineseChars: true, stripAccents: false, lowercase: false },
    accents: { cleanText: true, chineseChars: true, stripAccents: true, lowercase: false },
  }
  it.each(Object.keys(options))('is normalized as in Python, %s', (name) => {
    expect(digest((text) => normalizeBert(text, options[name]))).toBe(expected.digests[name])
  })
  it('is split as in Python', () => {
    expect(digest((text) => `${splitBert(text).length}`)).toBe(expected.digests.split)
  })
})

describe('longestFirst', () => {
  it('is what taking one token at a time from the longer gives', () => {
    fc.assert(
      fc.property(fc.nat(40), fc.nat(40), fc.nat(50), (a, b, room) => {
        let [m, n] = [a, b]
        // Of two as long, the first gives way: the second has the odd token.
        while (m + n > room) m > n || (m === n && a <= b) ? m-- : n--
        expect(longestFirst(a, b, room)).toEqual([m, n])
      }),
    )
  })
})

describe('encode', () => {
  it('is never longer than asked, for any text', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.option(fc.string({ unit: 'binary' })),
        fc.integer({ min: 3, max: 20 }),
        (a, b, maxLength) => {
          const { ids, typeIds } = plain.encode(a, b, { maxLength })
          expect(ids.length).toBeLessThanOrEqual(maxLength)
          expect(typeIds.length).toBe(ids.length)
          expect(ids.every((id) => id >= 0 && id < plain.vocabSize)).toBe(true)
          expect([ids[0], ids.at(-1)]).toEqual([plain.clsId, plain.sepId])
        },
      ),
    )
  })

  it('halves of surrogate pairs are taken out', () => {
    expect(plain.encode('a\ud800b').ids).toEqual(plain.encode('ab').ids)
  })

  it.each([1, 0, -1, 2.5, Number.NaN])('refuses maxLength %d', (maxLength) => {
    expect(() => plain.encode('a', null, { maxLength })).toThrow(
      'maxLength must be a whole number of at least 2',
    )
  })
})

describe('tokenizer.json', () => {
  it('comes back from its own document', () => {
    const back = WordPieceTokenizer.fromJSON(JSON.parse(JSON.stringify(plain.toJSON())))
    expect(back.spec).toEqual(plain.spec)
  })

  it('keeps pieces that are names of properties', () => {
    const words = ['__proto__', 'constructor', 'toString', '7', '##7']
    const made = WordPieceTokenizer.fromVocabulary([
      '[PAD]',
      '[UNK]',
      '[CLS]',
      '[SEP]',
      '[MASK]',
      '_',
      ...words,
    ])
    const back = WordPieceTokenizer.fromJSON(JSON.parse(JSON.stringify(made.toJSON())))
    expect(back.vocabulary).toEqual(made.vocabulary)
    expect([...back.encode('constructor tostring 77 hasOwnProperty').ids]).toEqual([2, 7, 1, 9, 10, 1, 3])
  })

  const vocab = (names: Record<string, unknown>) => (d: Doc) => {
    d.model.vocab = names
  }
  type Doc = ReturnType<typeof document>
  it.each<[string, (d: Doc) => void, string]>([
    ['no model', (d) => delete d.model, 'f.json: model must be of type WordPiece, it is missing'],
    ['BPE', (d) => (d.model.type = 'BPE'), 'model must be of type WordPiece, it is "BPE"'],
    [
      'another normalizer',
      (d) => (d.normalizer = { type: 'NFKC' }),
      'normalizer must be of type BertNormalizer',
    ],
    ['another splitter', (d) => (d.pre_tokenizer = null), 'pre_tokenizer must be of type BertPreTokenizer'],
    ['a list as vocabulary', (d) => (d.model.vocab = []), 'model.vocab must be an object'],
    ['an id too large', vocab({ '[UNK]': 0, a: 2 ** 21 }), 'model.vocab.a must be a whole number from 0 to'],
    ['an id twice', vocab({ '[UNK]': 0, a: 0 }), 'model.vocab.a is 0, which "[UNK]" has too'],
    ['an id that is text', vocab({ '[UNK]': '0' }), 'model.vocab.[UNK] must be a whole number'],
    [
      'an unknown token outside',
      (d) => (d.model.unk_token = '<unk>'),
      'model.unk_token is "<unk>", which is not in',
    ],
    [
      'endless words',
      (d) => (d.model.max_input_chars_per_word = 1e9),
      'max_input_chars_per_word must be a whole number from 1 to',
    ],
    ['an added token of another id', (d) => (d.added_tokens[1].id = 7), 'is "[UNK]", model.vocab has'],
    [
      'an empty added token',
      (d) => d.added_tokens.push({ id: 700, content: '' }),
      'added_tokens[5].content is empty',
    ],
    [
      'added tokens with a gap',
      (d) => d.added_tokens.push({ id: 9000, content: 'x y' }),
      'added_tokens[5].id must be 700, it is 9000',
    ],
    [
      'single_word',
      (d) => (d.added_tokens[0].single_word = true),
      'added_tokens[0].single_word must be false',
    ],
    [
      'a template without its text',
      (d) => (d.post_processor.pair = d.post_processor.single),
      'post_processor.pair must hold the texts A and B once',
    ],
    [
      'a third token type',
      (d) => (d.post_processor.pair[3].Sequence.type_id = 2),
      'pair[3].Sequence.type_id must be a whole number from 0 to 1',
    ],
    ['a special token unheard of', (d) => (d.post_processor.special_tokens = {}), 'is not in special_tokens'],
    [
      'a template of none',
      (d) => (d.post_processor = { type: 'Sequence' }),
      'post_processor must be of type TemplateProcessing or BertProcessing or RobertaProcessing',
    ],
    [
      'flags of text',
      (d) => (d.normalizer.lowercase = 'yes'),
      'normalizer.lowercase must be true or false, it is "yes"',
    ],
  ])('refuses %s', (_, change, text) => {
    const d = document()
    change(d)
    expect(() => WordPieceTokenizer.fromJSON(d, 'f.json')).toThrow(text)
  })

  it('refuses an unknown token that is only added', () => {
    const json = JSON.parse(
      JSON.stringify(
        WordPieceTokenizer.fromVocabulary(['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]']).toJSON(),
      ),
    )
    json.model.vocab = {}
    expect(() => WordPieceTokenizer.fromJSON(json, 't.json')).toThrow(
      't.json: model.unk_token is "[UNK]", which is not in model.vocab',
    )
  })

  it('refuses a vocab.txt without the special tokens', () => {
    expect(() => WordPieceTokenizer.fromVocabulary(['a', 'b'], {}, 'v.txt')).toThrow('v.txt: has no "[')
  })
})
