// Tables and figures as text, the escaping and measuring below them, and which stream a line goes to.
import { describe, expect, it } from 'vitest'
import { createOutput } from '../../src/cli/shared/output.js'
import { cutToWidth, displayWidth, printable } from '../../src/cli/shared/plain.js'
import { bytes, count, duration, percent, renderTable } from '../../src/cli/shared/table.js'

describe('renderTable', () => {
  it('aligns columns, wide letters too', () => {
    const table = renderTable(
      [{ title: 'model' }, { title: 'accuracy', align: 'right' }, { title: 'note' }],
      [
        ['teacher', '84.1%', 'yes'],
        ['学生', '7.0%', ''],
        ['👩‍👧 e\u0301', '-'],
      ],
    )
    expect(table.split('\n')).toEqual([
      'model    accuracy  note',
      '-------  --------  ----',
      'teacher     84.1%  yes',
      '学生         7.0%',
      '👩‍👧 e\u0301            -',
    ])
  })

  it('prints the titles alone when there are no rows', () => {
    expect(renderTable([{ title: 'a' }, { title: 'bc' }], [])).toBe('a  bc\n-  --')
  })

  it('keeps one line a row whatever is in a cell', () => {
    expect(renderTable([{ title: 'a' }], [['x\ny\x1b[2J']])).toBe('a\n-----------\nx\\ny\\x1b[2J')
  })
})

describe('numbers', () => {
  it.each([
    [percent(0.8412), '84.1%'],
    [percent(1), '100.0%'],
    [percent(0.12345, 2), '12.35%'],
    [percent(0), '0.0%'],
    [percent(Number.NaN), '-'],
    [count(12345), '12,345'],
    [count(999), '999'],
    [count(1234567.6), '1,234,568'],
    [count(-0.2), '0'],
    [count(-1234), '-1,234'],
    [count(Infinity), '-'],
    [bytes(0), '0 B'],
    [bytes(999), '999 B'],
    [bytes(1000), '1.0 kB'],
    [bytes(1536), '1.5 kB'],
    [bytes(99_949), '99.9 kB'],
    [bytes(99_951), '100 kB'],
    [bytes(999_499), '999 kB'],
    [bytes(999_500), '1.0 MB'],
    [bytes(437_955_512), '438 MB'],
    [bytes(5e15), '5000 TB'],
    [bytes(Number.NaN), '-'],
    [duration(0), '0.0 s'],
    [duration(-1), '0.0 s'],
    [duration(0.84), '0.8 s'],
    [duration(9.94), '9.9 s'],
    [duration(9.96), '10 s'],
    [duration(59.4), '59 s'],
    [duration(59.6), '1 min 00 s'],
    [duration(65), '1 min 05 s'],
    [duration(3599.4), '59 min 59 s'],
    [duration(3599.6), '1 h 00 min'],
    [duration(7380), '2 h 03 min'],
    [duration(360_000), '100 h 00 min'],
    [duration(Number.NaN), '-'],
  ])('%s = %s', (made, expected) => {
    expect(made).toBe(expected)
  })
})

describe('printable', () => {
  it.each([
    ['a\nb\r\tc', 'a\\nb\\r\\tc'],
    ['\x1b]0;title\x07', '\\x1b]0;title\\x07'],
    ['\x00\x7f\x9b', '\\x00\\x7f\\x9b'],
    ['a\u202eb\u2069\u200f', 'a\\u202eb\\u2069\\u200f'],
    ['\u2028\u2029', '\\u2028\\u2029'],
    ['\ud800 \udc00', '\\ud800 \\udc00'],
    ['é 学 👩‍👧 \\n', 'é 学 👩‍👧 \\n'],
  ])('%j', (text, expected) => {
    expect(printable(text)).toBe(expected)
  })

  it('leaves no control character of the first 65,536', () => {
    const every = Array.from({ length: 0x10000 }, (_, i) => `${String.fromCharCode(i)} `).join('')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the point of the test
    expect(printable(every)).not.toMatch(/[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/)
  })
})

describe('displayWidth', () => {
  it.each([
    ['', 0],
    ['abc', 3],
    ['学生', 4],
    ['ひらカタ한글', 12],
    ['ｶﾀ', 2],
    ['Ａ！', 4],
    ['、。', 4],
    ['é', 1],
    ['e\u0301', 1],
    ['\u200b', 0],
    ['🙂', 2],
    ['👩‍👧', 2],
    ['🇨🇭', 2],
    ['❤️', 2],
    ['❤', 1],
    ['1', 1],
    ['…–“', 3],
  ])('%j is %i wide', (text, width) => {
    expect(displayWidth(text)).toBe(width)
  })
})

describe('cutToWidth', () => {
  it.each([
    ['abcdef', 6, 'abcdef'],
    ['abcdef', 5, 'abcd…'],
    ['学生学生', 7, '学生学…'],
    ['学生学生', 6, '学生…'],
    ['👩‍👧👩‍👧', 3, '👩‍👧…'],
    ['abc', 1, '…'],
    ['abc', 0, ''],
    ['abc', -1, ''],
    ['', 0, ''],
  ])('%j to %i', (text, width, expected) => {
    expect(cutToWidth(text, width)).toBe(expected)
  })
})

describe('createOutput', () => {
  function use(options: { json: boolean; quiet: boolean }) {
    const out: string[] = []
    const err: string[] = []
    const output = createOutput({
      ...options,
      stdout: { write: (s) => void out.push(s) },
      stderr: { write: (s) => void err.push(s) },
    })
    output.print('result\nof two lines')
    output.info('by the way\x1b[0m')
    output.json({ accuracy: 0.5, name: 'a\nb' })
    return { out: out.join(''), err: err.join('') }
  }
  const document = '{\n  "accuracy": 0.5,\n  "name": "a\\nb"\n}\n'

  it.each([
    [{ json: false, quiet: false }, 'result\nof two lines\n', 'by the way\\x1b[0m\n'],
    [{ json: false, quiet: true }, 'result\nof two lines\n', ''],
    [{ json: true, quiet: false }, document, 'result\nof two lines\nby the way\\x1b[0m\n'],
    [{ json: true, quiet: true }, document, 'result\nof two lines\n'],
  ])('%j', (options, out, err) => {
    expect(use(options)).toEqual({ out, err })
  })
})
