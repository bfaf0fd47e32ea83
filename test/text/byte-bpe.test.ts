// RoBERTa's tokenizer: the same ids as Python's AutoTokenizer, its files, and what is refused.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { CheckpointError } from '../../src/errors.js'
import { loadTokenizer, saveTokenizer } from '../../src/files/models/on-disk.js'
import { readByteBpe } from '../../src/formats/tokenizers/bpe-json.js'
import { ByteBpeTokenizer } from '../../src/text/pieces/byte-bpe.js'
import { Finder } from '../../src/text/pieces/finder.js'
import { Merges } from '../../src/text/pieces/merges.js'

type Case = [text: string, pair: string | null, maxLength: number | null, ids: number[]]

const golden = join(import.meta.dirname, '../golden')
const folder = join(golden, 'byte_bpe')
const expected = JSON.parse(readFileSync(join(golden, 'byte_bpe.json'), 'utf8')) as {
  special: number[]
  plain: Case[]
  prefix: Case[]
  added: Case[]
}
const json = (name = 'tokenizer.json') => JSON.parse(readFileSync(join(folder, name), 'utf8'))

let made: string[] = []
afterEach(() => {
  for (const dir of made) rmSync(dir, { recursive: true })
  made = []
})

function folderOf(files: Record<string, unknown>): string {
  const dir = mkdtempSync(join(tmpdir(), 'tinystill-bpe-'))
  made.push(dir)
  for (const [name, document] of Object.entries(files))
    writeFileSync(join(dir, name), JSON.stringify(document))
  return dir
}

function filesIn(files: Record<string, string>): string {
  const dir = folderOf({})
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text)
  return dir
}

const oldFiles = () => {
  const { vocab, merges } = json().model
  return {
    'config.json': '{"model_type": "roberta"}',
    'vocab.json': JSON.stringify(vocab),
    'merges.txt': `#version: 0.2\n${merges.map((pair: string[]) => `${pair.join(' ')}\n`).join('')}`,
  }
}

/** As the Python script changes them. */
const variants: Record<'plain' | 'prefix' | 'added', () => Record<string, unknown>> = {
  plain: () => ({ 'tokenizer.json': json(), 'tokenizer_config.json': json('tokenizer_config.json') }),
  prefix: () => {
    const document = json()
    document.pre_tokenizer.add_prefix_space = true
    const config = { ...json('tokenizer_config.json'), add_prefix_space: true }
    return { 'tokenizer.json': document, 'tokenizer_config.json': config }
  },
  added: () => {
    const document = json()
    for (const token of document.added_tokens) token.lstrip = token.content === '<mask>'
    const n = Object.keys(document.model.vocab).length
    for (const [i, [content, sides]] of (
      [
        ['new_tok', {}],
        ['right', { rstrip: true }],
        ['left', { lstrip: true }],
      ] as const
    ).entries())
      document.added_tokens.push({ id: n + i, content, normalized: i > 0, special: false, ...sides })
    return { 'tokenizer.json': document, 'config.json': { model_type: 'roberta' } }
  },
}

function ours(tokenizer: ByteBpeTokenizer, [text, pair, maxLength]: Case): Case {
  const { ids } = tokenizer.encode(text, pair, maxLength === null ? {} : { maxLength })
  return [text, pair, maxLength, [...ids]]
}

describe('ids as of AutoTokenizer', () => {
  it.each(['plain', 'prefix', 'added'] as const)('%s', (name) => {
    const tokenizer = loadTokenizer(folderOf(variants[name]())) as ByteBpeTokenizer
    expect(tokenizer).toBeInstanceOf(ByteBpeTokenizer)
    expect(expected[name].length).toBeGreaterThan(500)
    expect(expected[name].map((c) => ours(tokenizer, c))).toEqual(expected[name])
  })

  it('from vocab.json and merges.txt, which stood for tokenizer.json', () => {
    const files = oldFiles()
    const tokenizer = loadTokenizer(filesIn(files)) as ByteBpeTokenizer
    expect(expected.plain.map((c) => ours(tokenizer, c))).toEqual(expected.plain)
    const prefixed = loadTokenizer(
      filesIn({ ...files, 'tokenizer_config.json': '{"add_prefix_space": true}' }),
    ) as ByteBpeTokenizer
    expect(expected.prefix.map((c) => ours(prefixed, c))).toEqual(expected.prefix)
  })

  it('refuses a line of merges that is no pair, and a vocabulary without a token that its class has', () => {
    const files = oldFiles()
    const wrong = { ...files, 'merges.txt': `${files['merges.txt']}a b c\n` }
    expect(() => loadTokenizer(filesIn(wrong))).toThrow(/merges\.txt: line \d+ must be two pieces/)
    expect(() => loadTokenizer(filesIn({ ...files, 'vocab.json': '{"a": 0}' }))).toThrow('lacks "<pad>"')
    expect(() => loadTokenizer(filesIn({ ...files, 'vocab.json': '[]' }))).toThrow(CheckpointError)
    const bert = { ...files, 'config.json': '{"model_type": "bert"}' }
    expect(() => loadTokenizer(filesIn(bert))).toThrow('has no tokenizer.json and no vocab.txt')
  })

  it('has the roles, and types of 0', () => {
    const tokenizer = loadTokenizer(folder)
    const { padId, unkId, clsId, sepId, maskId, vocabSize } = tokenizer
    expect([padId, unkId, clsId, sepId, maskId, vocabSize]).toEqual(expected.special)
    expect(new Set(tokenizer.encode('one', 'two').typeIds)).toEqual(new Set([0]))
  })
})

describe('files', () => {
  it.each(['plain', 'prefix', 'added'] as const)('%s comes back from what is saved', (name) => {
    const tokenizer = loadTokenizer(folderOf(variants[name]())) as ByteBpeTokenizer
    const saved = folderOf({})
    saveTokenizer(saved, tokenizer)
    const again = loadTokenizer(saved) as ByteBpeTokenizer
    expect(again.spec).toEqual(tokenizer.spec)
    expect(again.specialIds).toEqual(tokenizer.specialIds)
    expect(ours(again, expected[name][40])).toEqual(expected[name][40])
  })

  const pieces = Object.keys(json().model.vocab).length
  it.each([
    ['a byte is missing', 'model.vocab.!', undefined, /model.vocab/],
    ['a merge of nothing', 'model.merges.0', ['zz', 'qq'], /model.merges\[0\] speaks of "zz"/],
    ['a merge of three', 'model.merges.0', 'a b c', /model.merges\[0\] must be two pieces/],
    ['dropout', 'model.dropout', 0.1, /model.dropout must be null/],
    ['byte fallback', 'model.byte_fallback', true, /model.byte_fallback must be false/],
    ['a normalizer', 'normalizer', { type: 'Lowercase' }, /normalizer must be of type NFC/],
    ['another split', 'pre_tokenizer.type', 'Whitespace', /pre_tokenizer must be of type ByteLevel/],
    ['no regex', 'pre_tokenizer.use_regex', false, /use_regex must be true/],
    ['a gap of ids', 'added_tokens.4', { id: pieces + 1, content: '<x>' }, /added_tokens\[4\].id must be/],
    ['another end', 'post_processor.cls.1', 1e6, /post_processor.cls\[1\] must be a whole number/],
  ])('refuses %s', (_, path, value, message) => {
    const document = json()
    const names = path.split('.')
    const last = names.pop() as string
    const place = names.reduce((at, name) => at[name], document)
    if (value === undefined) delete place[last]
    else place[last] = value
    expect(() => readByteBpe(document, 'tokenizer.json')).toThrow(message)
  })

  it('refuses a space in front over which the files differ', () => {
    const files = { ...variants.prefix(), 'tokenizer_config.json': json('tokenizer_config.json') }
    expect(() => loadTokenizer(folderOf(files))).toThrow(
      'add_prefix_space is false, tokenizer.json says true',
    )
    expect(loadTokenizer(folderOf(variants.prefix()))).toBeInstanceOf(ByteBpeTokenizer)
  })
})

it('a token takes the spaces of its side alone, and no other token', () => {
  const finder = new Finder([
    { id: 1, content: '<a>', lstrip: true },
    { id: 2, content: '<b>', rstrip: true },
    { id: 3, content: '<a><b>' },
  ])
  expect(finder.split('x \t<a> y <b>\u2003 z')).toEqual(['x', 1, ' y ', 2, 'z'])
  expect(finder.split('<b> <a><b>')).toEqual(['', 2, '', 3, ''])
  expect(finder.split('<b>  <a>')).toEqual(['', 2, '', 1, ''])
})

it('merges the leftmost of what was learnt the soonest, and a word of any length', () => {
  const ids = new Map(['a', 'b', 'c', 'aa', 'ab', 'abc', 'aab'].map((piece, id) => [piece, id]))
  const idOf = (piece: string) => ids.get(piece) as number
  const merges = new Merges(
    [
      ['a', 'a'],
      ['a', 'b'],
      ['ab', 'c'],
      ['a', 'ab'],
      ['aa', 'b'],
    ],
    idOf,
  )
  const cut = (word: string) => merges.apply(Array.from(word, idOf)).map((id) => [...ids.keys()][id])
  expect(cut('abc')).toEqual(['abc'])
  expect(cut('aaab')).toEqual(['aa', 'ab'])
  expect(cut('aabc')).toEqual(['aab', 'c'])
  expect(cut('cba')).toEqual(['c', 'b', 'a'])
  expect(cut('ab'.repeat(200_000)).length).toBe(200_000)
})
