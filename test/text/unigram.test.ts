// sentencepiece's Unigram tokenizer: the same ids as Python's AutoTokenizer, its files, and what is refused.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { loadTokenizer, saveTokenizer } from '../../src/files/models/on-disk.js'
import { Fields } from '../../src/formats/document.js'
import { readCharsmap } from '../../src/formats/tokenizers/charsmap.js'
import { readUnigram } from '../../src/formats/tokenizers/unigram-json.js'
import { UnigramTokenizer } from '../../src/text/pieces/unigram.js'

type Case = [text: string, pair: string | null, maxLength: number | null, ids: number[]]

const golden = join(import.meta.dirname, '../golden')
const folder = join(golden, 'unigram')
const expected = JSON.parse(readFileSync(join(golden, 'unigram.json'), 'utf8')) as {
  special: number[]
  plain: Case[]
  first: Case[]
  added: Case[]
}
const json = (name = 'tokenizer.json') => JSON.parse(readFileSync(join(folder, name), 'utf8'))

let made: string[] = []
afterEach(() => {
  for (const dir of made) rmSync(dir, { recursive: true })
  made = []
})

function folderOf(files: Record<string, unknown>): string {
  const dir = mkdtempSync(join(tmpdir(), 'tinystill-unigram-'))
  made.push(dir)
  for (const [name, document] of Object.entries(files))
    writeFileSync(join(dir, name), JSON.stringify(document))
  return dir
}

/** As the Python script changes them. */
const variants: Record<'plain' | 'first' | 'added', () => Record<string, unknown>> = {
  plain: () => ({ 'tokenizer.json': json(), 'tokenizer_config.json': json('tokenizer_config.json') }),
  first: () => {
    const document = json()
    const one = { type: 'Replace', pattern: { Regex: ' {2,}' }, content: ' ' }
    document.normalizer = { type: 'Sequence', normalizers: [document.normalizer, one] }
    document.pre_tokenizer = { ...document.pre_tokenizer.pretokenizers[1], prepend_scheme: 'first' }
    const config = { ...json('tokenizer_config.json'), tokenizer_class: 'PreTrainedTokenizerFast' }
    return { 'tokenizer.json': document, 'tokenizer_config.json': config }
  },
  added: () => {
    const document = json()
    for (const token of document.added_tokens) token.lstrip = token.content === '<mask>'
    const n = document.model.vocab.length
    const contents = ['new_tok', 'right', 'ﬁx']
    for (const [i, content] of contents.entries()) {
      const sides = { lstrip: i === 2, rstrip: i === 1 }
      document.added_tokens.push({ id: n + i, content, normalized: i > 0, special: false, ...sides })
    }
    return { 'tokenizer.json': document, 'tokenizer_config.json': json('tokenizer_config.json') }
  },
}

function ours(tokenizer: UnigramTokenizer, [text, pair, maxLength]: Case): Case {
  const { ids } = tokenizer.encode(text, pair, maxLength === null ? {} : { maxLength })
  return [text, pair, maxLength, [...ids]]
}

describe('ids as of AutoTokenizer', () => {
  it.each(['plain', 'first', 'added'] as const)('%s', (name) => {
    const tokenizer = loadTokenizer(folderOf(variants[name]())) as UnigramTokenizer
    expect(tokenizer).toBeInstanceOf(UnigramTokenizer)
    const unknown = expected[name].filter(([, , , ids]) => ids.includes(tokenizer.unkId))
    expect(unknown.length).toBeGreaterThan(100)
    expect(expected[name].map((c) => ours(tokenizer, c))).toEqual(expected[name])
  })

  it('has the roles, and types of 0', () => {
    const tokenizer = loadTokenizer(folder)
    const { padId, unkId, clsId, sepId, maskId, vocabSize } = tokenizer
    expect([padId, unkId, clsId, sepId, maskId, vocabSize]).toEqual(expected.special)
    expect(new Set(tokenizer.encode('one', 'two').typeIds)).toEqual(new Set([0]))
  })
})

describe('files', () => {
  it.each(['plain', 'first', 'added'] as const)('%s comes back from what is saved', (name) => {
    const tokenizer = loadTokenizer(folderOf(variants[name]())) as UnigramTokenizer
    const saved = folderOf({})
    saveTokenizer(saved, tokenizer)
    const again = loadTokenizer(saved) as UnigramTokenizer
    expect(again.spec).toEqual(tokenizer.spec)
    expect(again.specialIds).toEqual(tokenizer.specialIds)
    for (const row of [40, 100, 300]) expect(ours(again, expected[name][row])).toEqual(expected[name][row])
  })

  const charsmap = json().normalizer.precompiled_charsmap
  it.each([
    ['a score of text', 'model.vocab.7', ['x', '1'], /model.vocab\[7\]\[1\] must be a number/],
    ['an unknown token outside', 'model.unk_id', 1e6, /model.unk_id must be a whole number/],
    ['byte fallback', 'model.byte_fallback', true, /model.byte_fallback must be false/],
    [
      'another normalizer',
      'normalizer',
      { type: 'NFKC' },
      /normalizer must be of type Precompiled or Replace/,
    ],
    [
      'a table that is no base64',
      'normalizer.precompiled_charsmap',
      '****',
      /precompiled_charsmap is no base64/,
    ],
    [
      'half a table',
      'normalizer.precompiled_charsmap',
      charsmap.slice(0, 64),
      /says that \d+ bytes are a trie/,
    ],
    ['another split', 'pre_tokenizer', { type: 'Whitespace' }, /pre_tokenizer must be of type Metaspace/],
    [
      'another sign',
      'pre_tokenizer.pretokenizers.1.replacement',
      '_',
      /replacement must be \u2581, it is "_"/,
    ],
    [
      'an odd scheme',
      'pre_tokenizer.pretokenizers.1.prepend_scheme',
      'often',
      /prepend_scheme must be always/,
    ],
  ])('refuses %s', (_, path, value, message) => {
    const document = json()
    const names = path.split('.')
    const last = names.pop() as string
    names.reduce((at, name) => at[name], document)[last] = value
    expect(() => readUnigram(document, 'tokenizer.json')).toThrow(message)
  })

  it.each([
    [
      'a class of another model',
      'BertTokenizer',
      {},
      'model.type is "Unigram", and BertTokenizer reads WordPiece',
    ],
    [
      'a space in front that the files disagree on',
      'XLMRobertaTokenizer',
      { add_prefix_space: false },
      'add_prefix_space is false, tokenizer.json says true',
    ],
  ])('refuses %s', (_, tokenizer_class, more, message) => {
    const config = { ...json('tokenizer_config.json'), tokenizer_class, ...more }
    const files = { 'tokenizer.json': json(), 'tokenizer_config.json': config }
    expect(() => loadTokenizer(folderOf(files))).toThrow(message)
  })

  it('a table with any byte changed still gives texts, or is refused', () => {
    const bytes = Buffer.from(charsmap, 'base64')
    for (let i = 0; i < bytes.length; i += 7) {
      const spoilt = Buffer.from(bytes)
      spoilt[i] ^= 0x55
      const document = json()
      document.normalizer.precompiled_charsmap = spoilt.toString('base64')
      try {
        const { ids } = UnigramTokenizer.fromJSON(document).encode('e\u0301 ﬁne Ａ①x')
        expect(ids.length).toBeGreaterThan(2)
      } catch (error) {
        expect(String(error)).toContain('precompiled_charsmap')
      }
    }
    expect(readCharsmap(new Fields('f', '', charsmap)).units.length).toBeGreaterThan(10)
  })
})
