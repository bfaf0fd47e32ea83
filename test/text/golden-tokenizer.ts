// A tokenizer of test/golden beside the ids that Python's AutoTokenizer gives, as Python writes it and as it is written here.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { loadTokenizer, saveTokenizer } from '../../src/files/models/on-disk.js'

/** Of golden/NAME and golden/NAME.json; `config`: what tokenizer_config.json must say when it is written here, under that title. */
export function describeGoldenTokenizer(
  name: string,
  [title, config]: [title: string, config: object],
): void {
  const golden = join(import.meta.dirname, '../golden')
  const { special, cases } = JSON.parse(readFileSync(join(golden, `${name}.json`), 'utf8')) as {
    special: number[]
    cases: [text: string, pair: string | null, maxLength: number | null, ids: number[]][]
  }
  const dir = mkdtempSync(join(tmpdir(), `tinystill-${name}-`))
  afterAll(() => rmSync(dir, { recursive: true }))

  describe.each(['as Python writes it', 'as we write it'])('%s', (how) => {
    const python = loadTokenizer(join(golden, name))
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

    it(title, () => {
      saveTokenizer(dir, tokenizer)
      expect(JSON.parse(readFileSync(join(dir, 'tokenizer_config.json'), 'utf8'))).toMatchObject(config)
    })
  })
}
