// Data files as the hub and programs write them: Parquet, JSON lists and gzip; and such files gone wrong, which are read or
// refused by name. TINYSTILL_FUZZ=10000 makes so many of each kind.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { DataError } from '../../src/errors.js'
import { readQuestions } from '../../src/files/data/questions.js'
import { readTagged } from '../../src/files/data/tagged.js'
import { readTexts, streamTexts } from '../../src/files/data/texts.js'
import { gunzipped } from '../../src/files/gunzip.js'
import { readLines } from '../../src/files/lines.js'
import { struck } from '../fuzz/bytes.js'
import { dice } from './mutants.js'

const folder = mkdtempSync(join(tmpdir(), 'tinystill-data-files-'))
afterAll(() => rmSync(folder, { recursive: true }))
const golden = (name: string) => join(import.meta.dirname, '../golden/parquet', name)

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}
const rowsOf = (path: string) => Array.from(streamTexts(path), (r) => [r.text, r.textB, r.label, r.line])
const rows = (name: string, content: string | Uint8Array) => rowsOf(file(name, content))

it.each([
  ['none', 'no such file or folder'],
  ['none.docx', 'no such file or folder'],
  ['.', 'is a folder. Name a file in it'],
])('%s is no file, whatever its name ends in', (name, text) => {
  const path = join(folder, name)
  for (const read of [readTexts, streamTexts, readQuestions, readTagged])
    expect(() => read(path)).toThrow(text)
})

describe('parquet', () => {
  const texts = ['a fine film', 'dull', 'she said "no"', 'two\nlines', '北京', 'a fine film']

  it.each(['none', 'gzip', 'zstd', 'brotli', 'lz4'])('pages packed by %s', (codec) => {
    expect(rowsOf(golden(`pairs-${codec}.parquet`))).toEqual(
      texts.map((text, i) => [text, texts[i + 1] ?? null, i % 2 === 0 ? 'yes' : 'no', i + 1]),
    )
    const { targets } = readTexts(golden(`pairs-${codec}.parquet`), {
      labels: 'numbers',
      labelColumn: 'stars',
    })
    expect(targets).toEqual(new Float32Array(6).fill(0.5))
  })

  it("has the hub's names of classes, in the hub's order, and their numbers for a model of other names", () => {
    const set = readTexts(golden('hub.parquet'))
    expect([set.texts, set.labelNames, [...(set.labels as Int32Array)]]).toEqual([
      texts.slice(0, 3),
      ['neg', 'pos'],
      [1, 0, 1],
    ])
    const other = readTexts(golden('hub.parquet'), { labelNames: ['bad', 'good'] })
    expect([...(other.labels as Int32Array)]).toEqual([1, 0, 1])
    const turned = readTexts(golden('hub.parquet'), { labelNames: ['pos', 'neg'] })
    expect([...(turned.labels as Int32Array)]).toEqual([0, 1, 0])
  })

  it('has lists of classes, by names or by the numbers of names in the file', () => {
    const labelsOf = (name: string) => rowsOf(golden(`${name}.parquet`)).map((row) => row[2])
    const all = ['toxic', 'obscene', 'insult']
    expect(labelsOf('sets')).toEqual([['insult', 'toxic'], [], null, ['obscene'], all, []])
    expect(labelsOf('sets-hub')).toEqual([['insult', 'toxic'], []])
    expect(labelsOf('lists')).toEqual([[1, 2], []])
    expect(labelsOf('sets-pages')).toEqual(Array.from({ length: 300 }, (_, i) => Array(i % 5).fill(i)))
    const { targets } = readTexts(golden('sets-hub.parquet'), { labels: 'sets', labelNames: all })
    expect([...(targets ?? [])]).toEqual([1, 0, 1, 0, 0, 0])
  })

  it('is refused with the row or column that is wrong', () => {
    expect(() => readTexts(golden('unlabelled.parquet'))).toThrow('unlabelled.parquet:4: has no label')
    for (const name of ['deep', 'structures'])
      expect(() => rowsOf(golden(`${name}.parquet`)), name).toThrow(
        'its column "labels" holds other than text',
      )
    expect(() => readTexts(golden('lists.parquet'))).toThrow('lists.parquet:1: label "[1,2]" is a list')
    expect(() => readTexts(golden('sets.parquet'), { labels: 'sets' })).toThrow(
      'sets.parquet:3: has no label',
    )
    expect(() => [...streamTexts(golden('hub.parquet'), { textColumn: 'review' })]).toThrow(
      '--text-column "review" is none of its columns: "text", "label"',
    )
    const bytes = readFileSync(golden('hub.parquet'))
    for (const [name, content, text] of [
      ['torn', bytes.subarray(0, 900), 'is no Parquet, or its end is missing'],
      ['short', bytes.subarray(0, 8), 'is no Parquet: too short'],
      [
        'lie',
        Buffer.concat([bytes.subarray(0, -8), Buffer.of(255, 255, 255, 0), Buffer.from('PAR1')]),
        'claims',
      ],
      ['gone', Buffer.concat([Buffer.alloc(900), bytes.subarray(900)]), 'is damaged'],
    ] as const)
      expect(() => rows(`${name}.parquet`, content), name).toThrow(text)
  })
})

describe('json', () => {
  it('is a list of objects, on any lines', () => {
    const wanted = [
      ['a, [b] {c} "d" \\', null, 1],
      ['e', 'f', 'no'],
    ]
    const objects = [
      { text: wanted[0][0], label: 1 },
      { text: 'e', text_b: 'f', label: 'no', more: { deep: [[1], { a: ']' }] } },
    ]
    for (const content of [
      JSON.stringify(objects),
      JSON.stringify(objects, null, 2),
      `\ufeff\n [\n${objects.map((o) => JSON.stringify(o)).join('\n,\n')}\n]\n\n`,
    ])
      expect(rows('a.json', content).map((row) => row.slice(0, 3))).toEqual(wanted)
    expect(rows('a.json', JSON.stringify(objects, null, 1)).map((row) => row[3])).toEqual([2, 6])
    expect(rows('l.json', objects.map((o) => JSON.stringify(o)).join('\n')).map((row) => row[0])).toEqual([
      wanted[0][0],
      'e',
    ])
    expect(rows('e.json', ' [ ] ')).toEqual([])
    expect(() => rows('list.jsonl', JSON.stringify(objects))).toThrow(
      'list.jsonl:1: must be a JSON object with text and label. It is a list: name the file .json',
    )
  })

  it.each([
    ['{"text":{"0":"a"},"label":{"0":1}}', ':1: has no text, or one that is no string'],
    ['{\n"data": []}', ':1: is no list. A .json file holds a list of objects'],
    ['"a"', ':1: is no list'],
    ['[1]', ':1: must be a JSON object'],
    ['[{"text":"a"}', ':1: ends inside its list'],
    ['[{"text":"a"},]', ':1: is not JSON: a comma before the end'],
    ['[{"text":"a"},,{"text":"b"}]', ':1: is not JSON: two commas'],
    ['[{"text":"a"}]\n[]', ':2: goes on behind the end'],
    ['[\n{"text":"a"},\n{"text":"b"]', ':3: ends inside its list'],
    ['[\n{"text":"a\n"}]', ':2: is not JSON'],
    [`[${'['.repeat(99)}`, ':1: nests deeper than 64'],
  ])('%.40j is refused', (content, text) => {
    expect(() => rows('bad.json', content)).toThrow(`bad.json${text}`)
  })
})

describe('gzip', () => {
  const table = 'text\tlabel\na fine film\t1\ndull\t0\n'

  it('holds any of the formats of lines, in several members too', () => {
    const wanted = [
      ['a fine film', null, '1', 2],
      ['dull', null, '0', 3],
    ]
    expect(rows('a.tsv.gz', gzipSync(table))).toEqual(wanted)
    expect(
      rows('a.TSV.GZ', Buffer.concat([gzipSync(table.slice(0, 20)), gzipSync(table.slice(20))])),
    ).toEqual(wanted)
    expect(rows('a.jsonl.gz', gzipSync('{"text":"a","label":1}'))).toEqual([['a', null, 1, 1]])
  })

  it('is read in pieces, at constant memory', () => {
    const path = file('big.txt.gz', gzipSync('a line of text that is somewhat long\n'.repeat(500_000)))
    let n = 0
    for (const { number } of readLines(path)) n = number
    expect(n).toBe(500_000)
    for (const piece of gunzipped(path)) expect(piece.length).toBeLessThan(2 ** 26)
  })

  it.each([
    ['torn', gzipSync(table).subarray(0, 30), 'cannot be unpacked: unexpected end of file'],
    ['no gzip', table, 'cannot be unpacked: incorrect header check'],
    ['damaged', gzipSync(table).fill(1, 12, 14), 'cannot be unpacked'],
  ])('%s is refused', (_, content, text) => {
    expect(() => rows('bad.tsv.gz', content)).toThrow(`bad.tsv.gz: ${text}`)
  })

  it('that unpacks to hundreds of times its size is no data', () => {
    const path = file('bomb.txt.gz', gzipSync('a\n'.repeat(2 ** 20)))
    expect(() => [...gunzipped(path, 2 ** 18)]).toThrow('unpacks to more than 200 times its')
    expect([...gunzipped(path)].reduce((sum, piece) => sum + piece.length, 0)).toBe(2 ** 21)
  })
})

describe('mutants', () => {
  const count = Number(process.env.TINYSTILL_FUZZ ?? 300)
  const quoted = 'text\ttext_b\tlabel\n"he said ""fine"""\t"a\tb"\tyes\n"two\nlines"\tc\tno\n'
  const list = JSON.stringify(
    [
      { text: 'a fine film', label: 1 },
      { text: 'dull, [x] "y"', text_b: 'b', label: 0 },
    ],
    null,
    1,
  )
  const kinds: [name: string, good: Uint8Array[]][] = [
    [
      'm.parquet',
      ['hub', 'unlabelled', 'pairs-none', 'pairs-gzip', 'pairs-zstd', 'pairs-brotli', 'pairs-lz4'].map(
        (name) => readFileSync(golden(`${name}.parquet`)),
      ),
    ],
    [
      'lists.parquet',
      ['lists', 'sets', 'sets-hub', 'sets-pages'].map((name) => readFileSync(golden(`${name}.parquet`))),
    ],
    ['m.json', [list, list.replaceAll('\n', '')].map((text) => Buffer.from(text))],
    ['m.tsv.gz', [gzipSync(quoted), Buffer.concat([gzipSync(quoted), gzipSync(quoted)])]],
    [
      'm.tsv',
      [quoted, quoted.replaceAll('""', '\\"'), 'a\\\tb\t1\nc\\\nd\t0\n'].map((text) => Buffer.from(text)),
    ],
    ['m.csv', [quoted.replaceAll('\t', ';'), quoted.replaceAll('\t', ',')].map((text) => Buffer.from(text))],
  ]

  it.each(kinds)('of %s are read or refused by name', (name, good) => {
    let refused = 0
    for (let i = 0; i < count; i++) {
      const roll = dice(7, name, i)
      let bytes: Uint8Array = good[roll(good.length)]
      for (let n = 1 + roll(3); n > 0; n--) bytes = struck(bytes, roll)
      const path = file(name, bytes)
      const before = performance.now()
      try {
        for (const row of streamTexts(path)) expect(row.text.trim()).not.toBe('')
      } catch (error) {
        if (!(error instanceof DataError)) throw new Error(`mutant ${i}: ${(error as Error).stack}`)
        refused++
        expect(error.message.startsWith(path)).toBe(true)
        expect(error.message).not.toMatch(/[\p{Cc}\u2028\u202e]/u)
      }
      expect(performance.now() - before, `mutant ${i}`).toBeLessThan(20_000)
    }
    expect(refused).toBeGreaterThan(0)
  })
})
