// Data files: what rows they give, what is refused and where, and that nothing unexpected comes of any bytes.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { DataError } from '../../src/errors.js'
import { readTexts, streamTexts, textFormat } from '../../src/files/data/texts.js'
import { readLines } from '../../src/files/lines.js'
import { collect } from '../settled.js'

const folder = mkdtempSync(join(tmpdir(), 'tinystill-rows-'))
afterAll(() => rmSync(folder, { recursive: true }))

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}
const rows = (name: string, content: string | Uint8Array) =>
  [...streamTexts(file(name, content))].map((r) => [r.text, r.textB, r.label, r.line])

describe('tsv', () => {
  it('has one to three fields without a header', () => {
    expect(rows('a.tsv', 'a dog\t1\na cat\t0\n')).toEqual([
      ['a dog', null, '1', 1],
      ['a cat', null, '0', 2],
    ])
    expect(rows('a.tsv', 'a\tb\tyes')).toEqual([['a', 'b', 'yes', 1]])
    expect(rows('a.tsv', 'a\nb')).toEqual([
      ['a', null, null, 1],
      ['b', null, null, 2],
    ])
  })

  it.each([
    ['sentence\tlabel\nx \t1', [['x ', null, '1', 2]]],
    ['Label\tText\n1\tx', [['x', null, '1', 2]]],
    ['idx\tsentence1\tsentence2\tlabel\n0\tx\ty\tno', [['x', 'y', 'no', 2]]],
    ['text\tlabel', []],
    ['text\nx', [['x', null, null, 2]]],
    ['text_b\ttext\nx\ty', [['y', 'x', null, 2]]],
  ])('takes the first line of %j for a header', (content, expected) => {
    expect(rows('h.tsv', content)).toEqual(expected)
  })

  it.each(['the text\t1', 'text\t1', 'label\t1', 'text\tx\ntext\ty', 'a score\tscore\nb\tscore'])(
    'takes %j for rows',
    (line) => {
      expect(rows('h.tsv', line)).toHaveLength(line.split('\n').length)
    },
  )

  it("leaves the texts' own quotes, and takes CRLF, empty lines and a byte order mark", () => {
    expect(rows('q.tsv', '\ufeff"a\t1\r\n\r\n \nb"\t0\r\nc\t1\nd\t0')).toEqual([
      ['"a', null, '1', 1],
      ['b"', null, '0', 4],
      ['c', null, '1', 5],
      ['d', null, '0', 6],
    ])
  })

  it.each([
    ['a\t1\nb\n', ':2: 1 field, the first line has 2'],
    ['a\t1\nb\tc\t1\n', ':2: 3 fields, the first line has 2'],
    ['a\tb\tc\td', ':1: 4 fields without a header, 1 to 3 are read'],
    ['a\t1\n \t1\n', ':2: the text is empty'],
  ])('refuses %j', (content, text) => {
    expect(() => rows('bad.tsv', content)).toThrow(`bad.tsv${text}`)
  })
})

describe('csv', () => {
  it('has quotes, with commas, line breaks and doubled quotes inside', () => {
    expect(rows('a.csv', 'label,text\n1,"a, ""b""\r\nc"\n0,plain\n2,""" x"')).toEqual([
      ['a, "b"\nc', null, '1', 2],
      ['plain', null, '0', 4],
      ['" x', null, '2', 5],
    ])
  })

  it('gives back what was written, whatever the texts', () => {
    const field = fc.string({ unit: 'grapheme' }).map((s) => s.replace(/[\0\r]/g, '_'))
    const text = field.filter((s) => s.trim() !== '')
    const quoted = (s: string) => `"${s.replaceAll('"', '""')}"`
    fc.assert(
      fc.property(
        fc.array(fc.tuple(text, field), { minLength: 1 }),
        fc.integer({ min: 1, max: 40 }),
        (table, chunk) => {
          const path = file('p.csv', `text,text_b\n${table.map((r) => r.map(quoted).join(',')).join('\n')}`)
          expect([...streamTexts(path, { chunk })].map((r) => [r.text, r.textB])).toEqual(table)
        },
      ),
      { numRuns: 50 },
    )
  })

  it.each([
    ['a,b\nx,1', ':1: the header names no text: "a", "b"'],
    ['text,label\n"a,1\nb,2\n', ':2: a quote opens here and does not close'],
    ['text,label\na"b,1', ':2: a quote in a field that does not begin with one'],
    ['text,label\n"a"b,1', ':2: found "b" after a closing quote'],
    ['text,label\n"a\nb",1\nc', ':4: 1 field, the first line has 2'],
    ['text,label\n"",1', ':2: the text is empty'],
  ])('refuses %j', (content, text) => {
    expect(() => rows('bad.csv', content)).toThrow(`bad.csv${text}`)
  })
})

describe('jsonl and txt', () => {
  it('have an object or a text a line', () => {
    expect(
      rows(
        'a.jsonl',
        '{"text":"x","label":1}\n\n{"sentence":"y","text_b":"z","label":"no","__proto__":{"text":"p"}}',
      ),
    ).toEqual([
      ['x', null, 1, 1],
      ['y', 'z', 'no', 3],
    ])
    expect(rows('a.txt', 'one\n\n two \ttabs\n')).toEqual([
      ['one', null, null, 1],
      [' two \ttabs', null, null, 3],
    ])
  })

  it.each([
    ['{"text":"x"', ':1: is not JSON'],
    ['[1]', ':1: must be a JSON object'],
    ['{"label":1}', ':1: has no text'],
    ['{"__proto__":{"text":"p"}}', ':1: has no text'],
    ['{"text":"x"}\n{"text":""}', ':2: the text is empty'],
    ['{"text":"x","label":true}', ':1: label must be a string or a number'],
    ['{"text":"x","text_b":1}', ':1: text_b must be a string'],
  ])('refuses %j', (content, text) => {
    expect(() => rows('bad.jsonl', content)).toThrow(`bad.jsonl${text}`)
  })
})

describe('lines', () => {
  it('are the same for any chunk', () => {
    const content = '\ufeffä𝔘\r\n\nlong line here\nlast\r'
    const path = file('l.txt', content)
    const expected = ['ä𝔘', '', 'long line here', 'last']
    for (const chunk of [1, 2, 3, 5, 8, 1000])
      expect([...readLines(path, { chunk })].map((l) => l.text)).toEqual(expected)
  })

  it.each([
    ['a NUL', 'a\nb\0\n', ':2: holds a NUL character'],
    ['what is not UTF-8', Uint8Array.of(97, 10, 98, 10, 0xe9, 10), ':3: is not UTF-8'],
    ['half a character at the end', Uint8Array.of(97, 10, 0xc3), ':2: is not UTF-8'],
    ['UTF-16', Uint8Array.of(0xff, 0xfe, 97, 0, 10, 0), ':1: is not UTF-8'],
    ['a gigantic line', `a\n${'b'.repeat(5000)}`, ':2: the line has more than 1000 bytes'],
    ['a gigantic line in one chunk', `a\n${'b'.repeat(5000)}\nc`, ':2: the line has more than 1000 bytes'],
  ])('refuse %s', (_, content, text) => {
    const path = file('l.txt', content)
    for (const chunk of [64, 2 ** 18])
      expect(() => [...readLines(path, { chunk, maxLine: 1000 })]).toThrow(`${path}${text}`)
  })

  it('refuse what is no file', () => {
    expect(() => [...readLines(join(folder, 'none.txt'))]).toThrow('cannot be read: no such file or folder')
    expect(() => [...readLines(folder)]).toThrow('is a folder')
    expect(() => [...readLines('/dev/zero')]).toThrow(DataError)
  })

  it('are read at constant memory', () => {
    const path = file('big.txt', 'a line of text that is somewhat long, for a test\n'.repeat(600_000))
    let n = 0
    let most = 0
    collect()
    const before = process.memoryUsage().arrayBuffers
    for (const { number } of readLines(path)) {
      n = number
      if (number % 60_000 !== 0) continue
      collect()
      most = Math.max(most, process.memoryUsage().arrayBuffers - before)
    }
    expect(n).toBe(600_000)
    // The file has 29 MB.
    expect(most).toBeLessThan(5e6)
  })
})

describe('any bytes', () => {
  it('give rows or a DataError that names file and line', () => {
    const byte = fc.oneof(
      fc.constantFrom(...Buffer.from('",\t\n\r\\{}:[]0a \ufeff\0')),
      fc.integer({ min: 0, max: 255 }),
    )
    const content = fc.array(byte, { maxLength: 60 })
    const start = fc.constantFrom('', 'text,label\n', 'text\tlabel\n', '{"text":"')
    fc.assert(
      fc.property(fc.constantFrom('tsv', 'csv', 'jsonl', 'txt'), start, content, (ending, head, bytes) => {
        const path = file(`fuzz.${ending}`, Buffer.concat([Buffer.from(head), Uint8Array.from(bytes)]))
        try {
          for (const row of streamTexts(path)) expect(row.text.trim()).not.toBe('')
        } catch (error) {
          if (!(error instanceof DataError)) throw error
          expect(error.message).toMatch(/fuzz\.\w+:\d+: /)
        }
      }),
      { numRuns: 2000 },
    )
  })
})

describe('whole files', () => {
  it('collect their labels in order', () => {
    const set = readTexts(file('s.tsv', 'a\tno\nb\tyes\nc\tno'))
    expect([set.labelNames, set.labels, set.pairs]).toEqual([['no', 'yes'], Int32Array.of(0, 1, 0), null])
    expect(readTexts(file('s.tsv', 'a\t10\nb\t9\nc\t-1')).labelNames).toEqual(['-1', '9', '10'])
  })

  it('go by the names of a model, or their numbers', () => {
    const labelNames = ['negative', 'positive']
    const path = file(
      's.jsonl',
      '{"text":"a","label":"positive"}\n{"text":"b","label":0}\n{"text":"c","label":"1"}',
    )
    expect(readTexts(path, { labelNames }).labels).toEqual(Int32Array.of(1, 0, 1))
    // Where names are numbers, a label is a name.
    expect(readTexts(file('s.tsv', 'a\t2\nb\t1'), { labelNames: ['1', '2'] }).labels).toEqual(
      Int32Array.of(1, 0),
    )
    expect(() => readTexts(file('s.tsv', 'a\t1\nb\t0'), { labelNames: ['1', '2'] })).toThrow(
      's.tsv:2: label "0" is none of the 2 known: "1", "2"',
    )
    expect(() => readTexts(file('s.tsv', 'a\t2'), { labelNames })).toThrow('label "2" is none of the 2 known')
    expect(() => readTexts(file('s.tsv', 'a\ttoString'), { labelNames })).toThrow('label "toString" is none')
  })

  it('give numbers, and pairs, and no labels where none are asked for', () => {
    const set = readTexts(file('n.tsv', 'a\tb\t0.5\nc\td\t-3e2'), { labels: 'numbers' })
    expect([set.targets, set.labels, set.pairs]).toEqual([Float32Array.of(0.5, -300), null, ['b', 'd']])
    const none = readTexts(file('n.tsv', 'a\tx\nb\t'), { labels: 'none' })
    expect([none.texts, none.labels, none.labelNames]).toEqual([['a', 'b'], null, []])
    expect(readTexts(file('n.txt', 'a\nb\n'), { labels: 'none' }).texts).toEqual(['a', 'b'])
  })

  it('take 10,000 labels', () => {
    const lines = Array.from({ length: 20_000 }, (_, i) => `text ${i}\tclass ${(i * 7919) % 10_000}`)
    const set = readTexts(file('many.tsv', lines.join('\n')))
    expect(set.labelNames).toHaveLength(10_000)
    expect(set.labelNames[(set.labels as Int32Array)[12_345]]).toBe(`class ${(12_345 * 7919) % 10_000}`)
  })

  it.each([
    ['e.tsv', '', {}, 'e.tsv: has no rows'],
    ['e.tsv', 'a\nb', {}, 'e.tsv:1: has no label'],
    ['e.tsv', 'a\t1\nb\t ', {}, 'e.tsv:2: has no label'],
    ['e.tsv', 'a\t1\nb\tx', { labels: 'numbers' as const }, 'e.tsv:2: label "x" is no number'],
    ['e.tsv', 'a\tInfinity', { labels: 'numbers' as const }, 'label "Infinity" is no number'],
    ['e.jsonl', '{"text":"a","label":0.5}', {}, 'e.jsonl:1: label 0.5 is no whole number'],
    ['e.txt', 'LOC:city Where is it?', {}, 'a .txt file has a text a line and no labels'],
    ['e.xlsx', '[]', {}, 'files that end in ".xlsx" are not read. Data are .tsv'],
    ['e.json', '[]', {}, 'e.json: has no rows'],
  ])('%s %j is refused', (name, content, options, text) => {
    expect(() => readTexts(file(name, content), options)).toThrow(text)
  })

  it('have endings', () => {
    expect(textFormat('a.b/C.TSV')).toBe('tsv')
    expect(() => textFormat('a.b/constructor')).toThrow('has no ending that tells its format')
    expect(() => textFormat('a.__proto__')).toThrow('are not read')
  })
})
