// ModernBERT's tokenizer: the same ids as Python's AutoTokenizer, also of what is written of it.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { loadTokenizer, saveTokenizer } from '../../src/files/models/on-disk.js'

const golden = join(import.meta.dirname, '../golden')
const { special, cases } = JSON.parse(readFileSync(join(golden, 'modernbert.json'), 'utf8')) as {
  special: number[]
  cases: [text: string, pair: string | null, maxLength: number | null, ids: number[]][]
}
const dir = mkdtempSync(join(tmpdir(), 'tinystill-modernbert-'))
afterAll(() => rmSync(dir, { recursive: true }))

describe.each(['as Python writes it', 'as we write it'])('%s', (how) => {
  const python = loadTokenizer(join(golden, 'modernbert'))
  if (how === 'as we write it') saveTokenizer(dir, python)
  const tokenizer = how === 'as we write it' ? loadTokenizer(dir) : python

  it('has the special tokens', () => {
    const { padId, unkId, clsId, sepId, maskId, vocabSize } = tokenizer
    expect([padId, unkId, clsId, sepId, maskId, vocabSize]).toEqual(special)
  })

  it('gives the ids of all texts and pairs', () => {
    expect(cases.length).toBeGreaterThan(500)
    const differ = cases.filter(([text, pair, maxLength, ids]) => {
      const own = tokenizer.encode(text, pair, { maxLength: maxLength ?? 10_000 })
      return String(Array.from(own.ids)) !== String(ids)
    })
    expect(differ.map(([text]) => text)).toEqual([])
  })

  it('is written as one that Python takes as it stands', () => {
    saveTokenizer(dir, tokenizer)
    const config = JSON.parse(readFileSync(join(dir, 'tokenizer_config.json'), 'utf8'))
    expect(config).toMatchObject({
      ...{ tokenizer_class: 'PreTrainedTokenizerFast', add_prefix_space: false },
      ...{ unk_token: '[UNK]', pad_token: '[PAD]', cls_token: '[CLS]', mask_token: '[MASK]' },
    })
  })
})
