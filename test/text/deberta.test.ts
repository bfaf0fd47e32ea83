// DeBERTa's tokenizer: the same ids as Python's AutoTokenizer, also of what is written of it; and of files of transformers 4 those
// that tokenizers gives.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { loadTokenizer, saveTokenizer } from '../../src/files/models/on-disk.js'
import type { Tokenizer } from '../../src/text/encoding.js'

type Case = [text: string, pair: string | null, maxLength: number | null, ids: number[]]
const golden = join(import.meta.dirname, '../golden')
const python = join(golden, 'deberta-v2')
const read = (file: string) => JSON.parse(readFileSync(file, 'utf8'))
const { special, plain, lower, old } = read(join(golden, 'deberta-v2.json')) as Record<string, Case[]>
const dir = mkdtempSync(join(tmpdir(), 'tinystill-deberta-'))
afterAll(() => rmSync(dir, { recursive: true }))

/** A copy of the folder with another normalizer, and more in tokenizer_config.json. */
function changed(steps: (given: object[]) => object[], more = {}): string {
  const to = mkdtempSync(join(dir, 'own-'))
  cpSync(python, to, { recursive: true })
  const [document, config] = ['tokenizer.json', 'tokenizer_config.json'].map((name) => join(to, name))
  const tokenizer = read(document)
  tokenizer.normalizer.normalizers = steps(tokenizer.normalizer.normalizers)
  writeFileSync(document, JSON.stringify(tokenizer))
  writeFileSync(config, JSON.stringify({ ...read(config), ...more }))
  return to
}

const table = () => {
  const { normalizer } = read(join(golden, 'unigram/tokenizer.json'))
  return normalizer.type === 'Precompiled' ? normalizer : normalizer.normalizers[0]
}
const strip = { type: 'Strip', strip_left: true, strip_right: true }
const oneSpace = { type: 'Replace', pattern: { Regex: ' {2,}' }, content: ' ' }
const small = { type: 'Lowercase' }
const folders = {
  plain: () => python,
  lower: () => changed((given) => [small, ...given], { do_lower_case: true }),
  old: () => changed(() => [strip, table(), oneSpace]),
}

const differing = (tokenizer: Tokenizer, cases: readonly Case[]) =>
  cases.flatMap(([text, pair, maxLength, ids]) => {
    const own = tokenizer.encode(text, pair, { maxLength: maxLength ?? 10_000 })
    return String(Array.from(own.ids)) === String(ids) ? [] : [text]
  })

describe.each(Object.entries({ plain, lower, old }))('%s', (name, cases) => {
  const tokenizer = loadTokenizer(folders[name as keyof typeof folders]())

  it('has the special tokens', () => {
    const { padId, unkId, clsId, sepId, maskId, vocabSize } = tokenizer
    expect([padId, unkId, clsId, sepId, maskId, vocabSize]).toEqual(special)
  })

  it('gives the ids of all texts and pairs, also of what is written', () => {
    expect(cases.length).toBeGreaterThan(name === 'plain' ? 500 : 100)
    expect(differing(tokenizer, cases)).toEqual([])
    const to = mkdtempSync(join(dir, 'written-'))
    saveTokenizer(to, tokenizer)
    expect(read(join(to, 'tokenizer_config.json')).tokenizer_class).toBe('PreTrainedTokenizerFast')
    expect(differing(loadTokenizer(to), cases)).toEqual([])
  })
})

it.each<[object, string]>([
  [{ do_lower_case: true }, 'makes Python change characters by lower, spaces, nfc, strip-right'],
  [{ add_prefix_space: false }, 'is false, tokenizer.json says true'],
  [{ tokenizer_class: 'BertTokenizer' }, 'is "Unigram", and BertTokenizer reads WordPiece'],
])('%o is refused', (more, message) => {
  expect(() => loadTokenizer(changed((given) => given, more))).toThrow(message)
})
