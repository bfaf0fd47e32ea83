// Vocabularies learnt from a corpus, and tokenizers as files of a folder.
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { CheckpointError } from '../../src/errors.js'
import { loadTokenizer, saveTokenizer } from '../../src/files/models/on-disk.js'
import { WordTokenizer } from '../../src/text/tokenizer.js'
import { WordPieceTokenizer } from '../../src/text/wordpiece.js'
import { trainWordPiece } from '../../src/text/wordpiece-train.js'

const golden = join(import.meta.dirname, '../golden/wordpiece')
const folder = mkdtempSync(join(tmpdir(), 'tinystill-vocabulary-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** The same by counting all pairs anew for every piece. */
function slowly(words: readonly string[], size: number, minCount: number): string[] {
  const tokens = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]']
  const spelled = words.map((word) => [...word].map((c, i) => (i === 0 ? c : `##${c}`)))
  const letters = [...new Set(spelled.flat())]
  tokens.push(...letters.sort((a, b) => a.length - b.length || (a < b ? -1 : 1)))
  while (tokens.length < size) {
    const counts = new Map<string, number>()
    for (const pieces of spelled) {
      for (let i = 1; i < pieces.length; i++) {
        const pair = `${pieces[i - 1]} ${pieces[i]}`
        counts.set(pair, (counts.get(pair) ?? 0) + 1)
      }
    }
    const rank = (pair: string) => pair.split(' ').map((t) => tokens.indexOf(t))
    const [best] = [...counts]
      .filter(([, n]) => n >= minCount)
      .sort(([p, n], [q, m]) => m - n || rank(p)[0] - rank(q)[0] || rank(p)[1] - rank(q)[1])
    if (best === undefined) break
    const [a, b] = best[0].split(' ')
    const made = a + b.slice(2)
    if (!tokens.includes(made)) tokens.push(made)
    for (const pieces of spelled) {
      for (let i = 0; i + 1 < pieces.length; i++)
        if (pieces[i] === a && pieces[i + 1] === b) pieces.splice(i, 2, made)
    }
  }
  return tokens
}

describe('trainWordPiece', () => {
  it('makes the pieces of the commonest pairs', () => {
    const { vocabulary } = trainWordPiece(['hug hug hug pug pun', 'bun hugs'], { size: 18 })
    expect(vocabulary).toEqual([
      ...['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'b', 'h', 'p', '##g', '##n', '##s', '##u'],
      ...['##ug', 'hug', '##un'],
    ])
  })

  it('is what counting all pairs anew gives', () => {
    const word = fc.string({ unit: fc.constantFrom(...'aab'), minLength: 1, maxLength: 9 })
    fc.assert(
      fc.property(
        fc.array(word, { minLength: 1, maxLength: 30 }),
        fc.integer({ min: 10, max: 60 }),
        fc.integer({ min: 1, max: 3 }),
        (words, size, minCount) => {
          expect(trainWordPiece([words.join(' ')], { size, minCount }).vocabulary).toEqual(
            slowly(words, size, minCount),
          )
        },
      ),
      { numRuns: 300 },
    )
  })

  it('does not depend on the order of the texts', () => {
    const texts = readFileSync(join(golden, 'vocab.txt'), 'utf8')
      .split('\n')
      .map((line) => line.replaceAll('#', ''))
    const made = trainWordPiece(texts, { size: 500 })
    expect(trainWordPiece(texts.reverse(), { size: 500 }).vocabulary).toEqual(made.vocabulary)
  })

  it('finds every word of its corpus, without [UNK]', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme', maxLength: 20 })), (texts) => {
        const made = trainWordPiece(texts, { size: 2000, lowercase: false })
        for (const text of texts) expect(made.pieces(text)).not.toContain(made.unkId)
      }),
    )
  })

  it('leaves rare characters out, and their words', () => {
    const made = trainWordPiece(['aa aa ab ac'], { size: 100, alphabet: 2 })
    expect(made.vocabulary.slice(5)).toEqual(['a', '##a', '##b', 'aa'])
    expect([...made.pieces('ac aa')]).toEqual([1, 8])
    expect(trainWordPiece([], {}).vocabSize).toBe(5)
  })

  it('refuses a size below its alphabet', () => {
    expect(() => trainWordPiece(['abc'], { size: 7 })).toThrow(
      'size 7 is too small, the special tokens and letters are 8',
    )
  })
})

describe('files of a folder', () => {
  it('come back, WordPiece and whole words', () => {
    const texts = ['The dog, the CAT; crème', '日本 __proto__ constructor']
    for (const made of [
      trainWordPiece(texts),
      trainWordPiece(texts, { lowercase: false }),
      WordTokenizer.build(texts),
    ]) {
      saveTokenizer(folder, made)
      const back = loadTokenizer(folder)
      expect(back.constructor).toBe(made.constructor)
      expect(back.vocabulary).toEqual(made.vocabulary)
      for (const text of [...texts, '']) expect(back.encode(text, 'x')).toEqual(made.encode(text, 'x'))
    }
  })

  it('are made of the same bytes again', () => {
    saveTokenizer(folder, loadTokenizer(golden), { maxLength: 64 })
    for (const name of ['tokenizer.json', 'vocab.txt', 'tokenizer_config.json', 'special_tokens_map.json'])
      expect(readFileSync(join(folder, name), 'utf8')).toBe(readFileSync(join(golden, name), 'utf8'))
  })

  it.each<[string, (json: { normalizer: unknown; model: Record<string, unknown> }) => void]>([
    ['PreTrainedTokenizerFast', (json) => (json.normalizer = null)],
    ['PreTrainedTokenizerFast', (json) => (json.model.max_input_chars_per_word = 5)],
    ['DistilBertTokenizer', () => undefined],
  ])('name %s to Python', (name, change) => {
    const json = JSON.parse(readFileSync(join(golden, 'tokenizer.json'), 'utf8'))
    change(json)
    saveTokenizer(folder, WordPieceTokenizer.fromJSON(json), { pythonClass: 'DistilBertTokenizer' })
    const config = JSON.parse(readFileSync(join(folder, 'tokenizer_config.json'), 'utf8'))
    expect(config.tokenizer_class).toBe(name)
  })

  it('need only vocab.txt, and tokenizer_config.json for lower-casing', () => {
    rmSync(join(folder, 'tokenizer.json'))
    copyFileSync(join(golden, 'vocab.txt'), join(folder, 'vocab.txt'))
    rmSync(join(folder, 'tokenizer_config.json'))
    const whole = loadTokenizer(golden) as WordPieceTokenizer
    expect((loadTokenizer(folder) as WordPieceTokenizer).spec).toEqual(whole.spec)
    writeFileSync(join(folder, 'tokenizer_config.json'), '{"do_lower_case": false}')
    expect((loadTokenizer(folder) as WordPieceTokenizer).spec.normalizing).toEqual({
      ...{ cleanText: true, chineseChars: true, stripAccents: false, lowercase: false },
    })
  })

  it('may name their special tokens otherwise', () => {
    rmSync(join(folder, 'special_tokens_map.json'))
    const json = JSON.parse(JSON.stringify(loadTokenizer(golden).toJSON()).replaceAll('[PAD]', '<pad>'))
    writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(json))
    writeFileSync(join(folder, 'tokenizer_config.json'), '{"pad_token": {"content": "<pad>"}}')
    expect(loadTokenizer(folder).padId).toBe(0)
    rmSync(join(folder, 'tokenizer_config.json'))
    expect(() => loadTokenizer(folder)).toThrow('tokenizer.json: has no "[PAD]"')
  })

  it('must agree on lower-casing', () => {
    copyFileSync(join(golden, 'tokenizer.json'), join(folder, 'tokenizer.json'))
    writeFileSync(join(folder, 'tokenizer_config.json'), '{"do_lower_case": false}')
    expect(() => loadTokenizer(folder)).toThrow('do_lower_case is false, tokenizer.json says true')
  })

  it.each([
    ['tokenizer.json', '{', 'is not JSON'],
    ['tokenizer.json', '[]', 'must hold one JSON object'],
    ['tokenizer.json', 'null', 'must'],
    ['tokenizer_config.json', '{"pad_token": 3}', 'pad_token'],
  ])('%s with %j is refused', (name, content, text) => {
    copyFileSync(join(golden, 'tokenizer.json'), join(folder, 'tokenizer.json'))
    writeFileSync(join(folder, 'tokenizer_config.json'), '{}')
    writeFileSync(join(folder, name), content)
    expect(() => loadTokenizer(folder)).toThrow(CheckpointError)
    expect(() => loadTokenizer(folder)).toThrow(text)
    expect(() => loadTokenizer(folder)).toThrow(name)
  })

  it('refuses a folder without', () => {
    expect(() => loadTokenizer(join(folder, 'none'))).toThrow('has no tokenizer.json and no vocab.txt')
  })
})

describe('a mutated tokenizer.json', () => {
  const bytes = readFileSync(join(golden, 'tokenizer.json'))
  const clean = Object.getOwnPropertyNames(Object.prototype)

  it('works or is refused by a CheckpointError', () => {
    const path = join(folder, 'tokenizer.json')
    const odd = [
      'null',
      '-1',
      '1e99',
      '""',
      '[]',
      '{}',
      'true',
      '"__proto__"',
      '{"__proto__":{"special":true}}',
      '"\\ud800"',
    ]
    const mutation = fc.record({
      at: fc.nat(bytes.length - 1),
      cut: fc.nat(12),
      put: fc.oneof(fc.constantFrom(...odd), fc.string({ maxLength: 6 })),
    })
    rmSync(join(folder, 'tokenizer_config.json'), { force: true })
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 2 }), (mutations) => {
        let text = bytes.toString()
        for (const { at, cut, put } of mutations) text = text.slice(0, at) + put + text.slice(at + cut)
        writeFileSync(path, text)
        check(() => loadTokenizer(folder))
      }),
      { numRuns: 300 },
    )
  })

  it('with any value in any field, likewise', () => {
    const value = fc.oneof(
      fc.constantFrom(null, undefined, -1, 1e99, 0.5, '', '[PAD]', '__proto__', true, Number.NaN),
      fc.jsonValue({ maxDepth: 2 }),
      fc.constant(JSON.parse('{"__proto__": {"special": true}, "constructor": 1, "type": "WordPiece"}')),
    )
    fc.assert(
      fc.property(fc.infiniteStream(fc.nat()), value, (choices, odd) => {
        const json = JSON.parse(bytes.toString())
        let node = json
        for (;;) {
          const keys = Object.keys(node)
          const key = keys[choices.next().value % keys.length]
          const inner = node[key]
          if (
            typeof inner === 'object' &&
            inner !== null &&
            Object.keys(inner).length > 0 &&
            choices.next().value % 4
          )
            node = inner
          else {
            node[key] = odd
            break
          }
        }
        check(() => WordPieceTokenizer.fromJSON(json))
      }),
      { numRuns: 2000 },
    )
  })

  function check(load: () => ReturnType<typeof loadTokenizer>) {
    try {
      const { ids } = load().encode('the [MASK] dog __proto__', 'b')
      expect(ids.every((id) => id >= 0)).toBe(true)
    } catch (error) {
      if (!(error instanceof CheckpointError)) throw error
    }
    expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(clean)
  }
})
