// ALBERT's tokenizer: the same ids as Python's AutoTokenizer, also of what is written of it.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { loadTokenizer, saveTokenizer } from '../../src/files/models/on-disk.js'

type Case = [text: string, pair: string | null, maxLength: number | null, ids: number[]]

const golden = join(import.meta.dirname, '../golden')
const expected = JSON.parse(readFileSync(join(golden, 'albert.json'), 'utf8')) as {
  special: number[]
  plain: Case[]
  cased: Case[]
}
const json = (name: string) => JSON.parse(readFileSync(join(golden, 'albert', name), 'utf8'))
const root = mkdtempSync(join(tmpdir(), 'tinystill-albert-'))
afterAll(() => rmSync(root, { recursive: true }))

function folderOf(document: unknown, config: unknown): string {
  const dir = mkdtempSync(join(root, 'folder-'))
  writeFileSync(join(dir, 'tokenizer.json'), JSON.stringify(document))
  writeFileSync(join(dir, 'tokenizer_config.json'), JSON.stringify(config))
  return dir
}

/** As Python writes it, with accents and case kept. */
function cased() {
  const document = json('tokenizer.json')
  const [first, second, , , , table] = document.normalizer.normalizers
  document.normalizer.normalizers = [first, second, table]
  return folderOf(document, { ...json('tokenizer_config.json'), do_lower_case: false, keep_accents: true })
}

describe.each(['plain', 'cased'] as const)('%s', (name) => {
  const folder = name === 'plain' ? join(golden, 'albert') : cased()

  it.each(['as Python writes it', 'as we write it'])('%s, has the ids of all texts and pairs', (how) => {
    const python = loadTokenizer(folder)
    const again = mkdtempSync(join(root, 'again-'))
    saveTokenizer(again, python)
    const tokenizer = how === 'as we write it' ? loadTokenizer(again) : python
    const { padId, unkId, clsId, sepId, maskId, vocabSize } = tokenizer
    expect([padId, unkId, clsId, sepId, maskId, vocabSize]).toEqual(expected.special)
    expect(expected[name].length).toBeGreaterThan(550)
    const differ = expected[name].filter(([text, pair, maxLength, ids]) => {
      const own = tokenizer.encode(text, pair, maxLength === null ? {} : { maxLength })
      return String(Array.from(own.ids)) !== String(ids)
    })
    expect(differ.map(([text]) => text)).toEqual([])
    const { typeIds } = tokenizer.encode('one', 'two')
    expect(typeIds.at(-1)).toBe(1)
    const config = JSON.parse(readFileSync(join(again, 'tokenizer_config.json'), 'utf8'))
    expect(config.tokenizer_class).toBe('PreTrainedTokenizerFast')
    expect(config.model_input_names).toContain('token_type_ids')
  })
})

it.each([
  [
    { do_lower_case: false },
    'makes Python change characters by backquotes, quotes, nfkd, accents, tokenizer.json says backquotes, quotes, nfkd, accents, lower',
  ],
  [{ keep_accents: true }, 'makes Python change characters by backquotes, quotes, lower'],
  [{ tokenizer_class: 'XLMRobertaTokenizer' }, 'makes Python change characters by nothing'],
  [{ add_prefix_space: false }, 'is false, tokenizer.json says true'],
  [{ tokenizer_class: 'BertTokenizer' }, 'is "Unigram", and BertTokenizer reads WordPiece'],
])('%o is refused', (change, message) => {
  const folder = folderOf(json('tokenizer.json'), { ...json('tokenizer_config.json'), ...change })
  expect(() => loadTokenizer(folder)).toThrow(message)
})
