// augment --parts and join --texts: parts augmented by whoever, joined to the bytes of one run on all of them.
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { randomScope } from '../../src/autograd/random.js'
import { writePretrained } from '../../src/files/models/on-disk.js'
import { BertForMaskedLM } from '../../src/nn/models/bert.js'
import { keyOf } from '../../src/tensor/rng.js'
import { WordPieceTokenizer } from '../../src/text/wordpiece.js'
import { run } from './program.js'

const folder = mkdtempSync(join(tmpdir(), 'tinystill-augment-parts-'))
afterAll(() => rmSync(folder, { recursive: true }))
const at = (...names: string[]) => join(folder, ...names)

// 'films' is several pieces: its neighbours are the model's words that any text has, of which each part has a few.
const words = 'fine great lovely warm dull awful cold weak film story cast plot scene with'.split(' ')
const tokenizer = WordPieceTokenizer.fromVocabulary([
  ...['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'a', '##s', ','],
  ...words,
])
const sizes = { vocabSize: tokenizer.vocabSize, width: 8, layers: 1, heads: 2, inner: 8, maxLength: 24 }
const texts = Array.from(
  { length: 50 },
  (_, i) => `a ${words[i % 14]} films with a ${words[(i / 4) | 0]} ${i}`,
)

const augment = (...more: string[]) =>
  run('augment', '--model', at('mlm'), '--seed', '7', '--n', '3', '--top-k', '4', '--quiet', ...more)
const byParts = (out: string, ...more: string[]) => augment('--parts', at('parts'), '--out', at(out), ...more)
const joined = (from: string, to: string) =>
  run('join', '--parts', at('parts'), '--texts', at(from), '--out', at(to), '--quiet')

beforeAll(async () => {
  writePretrained(at('mlm'), { model: randomScope(keyOf(1), () => new BertForMaskedLM(sizes)), tokenizer })
  writeFileSync(at('texts.txt'), texts.join('\n'))
  await run('split', '--data', at('texts.txt'), '--out', at('parts'), '--rows', '16', '--quiet')
  const parts = readdirSync(at('parts')).filter((name) => name.endsWith('.jsonl'))
  writeFileSync(
    at('all.jsonl'),
    parts
      .sort()
      .map((name) => readFileSync(at('parts', name), 'utf8'))
      .join(''),
  )
  const { code, err } = await augment('--data', at('all.jsonl'), '--out', at('one.jsonl'))
  expect(code, err).toBe(0)
})

it('gives the bytes of one run, whoever did which part', async () => {
  for (const more of [['--part', '3'], ['--part', '1', '--of', '2'], []]) {
    const { code, err } = await byParts('made', ...more)
    expect(code, err).toBe(0)
  }
  const again = await byParts('made', '--json')
  expect(JSON.parse(again.out).parts.map(({ state }: { state: string }) => state)).toEqual(
    Array(4).fill('there'),
  )
  const { code, err } = await joined('made', 'joined.jsonl')
  expect(code, err).toBe(0)
  const bytes = readFileSync(at('joined.jsonl'), 'utf8')
  expect(bytes).toBe(readFileSync(at('one.jsonl'), 'utf8'))
  expect(bytes.split('\n').length).toBeGreaterThan(80)
  expect((await joined('made', 'joined.jsonl')).err).toContain('is there already')
})

it('names parts that are missing, torn or made otherwise, and writes nothing', async () => {
  await byParts('whole')
  const refused = async (change: (made: string) => unknown, said: RegExp) => {
    const made = `bad-${said.source.replaceAll(/\W/g, '')}`
    cpSync(at('whole'), at(made), { recursive: true })
    await change(made)
    const { code, err } = await joined(made, `${made}.jsonl`)
    expect(err).toMatch(said)
    expect(code).toBe(1)
    expect(existsSync(at(`${made}.jsonl`))).toBe(false)
  }
  await refused((made) => rmSync(at(made, 'part-000002'), { recursive: true }), /part-000002: .*is not there/)
  await refused(
    (made) => writeFileSync(at(made, 'part-000001', 'texts.jsonl'), '{"text": "another"}\n'),
    /texts\.jsonl: has changed/,
  )
  await refused(async (made) => {
    rmSync(at(made, 'part-000001'), { recursive: true })
    await byParts(made, '--part', '1', '--p', '0.9')
  }, /part-000001: .*settings\.p is 0\.9 there and 0\.4 now/)
  await refused((made) => {
    rmSync(at(made, 'part-000001'), { recursive: true })
    cpSync(at(made, 'part-000002'), at(made, 'part-000001'), { recursive: true })
  }, /is not of this plan's part-000001\.jsonl/)
  expect((await byParts('whole', '--part', '0', '--p', '0.9')).err).toMatch(
    /settings\.p is 0\.4 there and 0\.9 now/,
  )
  expect((await augment('--out', at('none'))).err).toContain('Give --data or --parts')
  expect((await run('join', '--parts', at('parts'), '--out', at('x.jsonl'))).err).toContain(
    '--caches or --texts',
  )
})
