// Data files that are too much of something: one line, quotes that do not close, fields, labels, nothing at all.
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { readTexts, streamTexts } from '../../src/files/data/texts.js'
import { collect } from '../settled.js'

const folder = mkdtempSync(join(tmpdir(), 'tinystill-hostile-'))
afterAll(() => rmSync(folder, { recursive: true }))

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}
const count = (path: string) => {
  let n = 0
  for (const _ of streamTexts(path)) n++
  return n
}

/** `head`, then `mebibytes` of one letter. */
function long(name: string, head: string, letter: string, mebibytes: number): string {
  const path = file(name, head)
  const out = openSync(path, 'a')
  const block = letter.repeat(2 ** 20)
  for (let i = 0; i < mebibytes; i++) writeSync(out, block)
  closeSync(out)
  return path
}

describe('a line of 64 MiB', () => {
  it.each([
    ['a.txt', 'first\n', 'b', 2],
    ['a.tsv', 'first\t1\n', '\t', 2],
    ['a.csv', 'text,label\n', ',', 2],
    ['a.jsonl', '{"text":"a"}\n', '[', 2],
  ])('%s is refused by its number, long before all of it is in memory', (name, head, letter, line) => {
    const path = long(name, head, letter, 64)
    collect()
    const before = process.memoryUsage().arrayBuffers
    expect(() => count(path)).toThrow(`${path}:${line}: the line has more than 16777216 bytes`)
    // Up to the limit, and chunks that nobody has collected yet.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(48 * 2 ** 20)
    rmSync(path)
  })
})

describe('too much of one thing', () => {
  it.each([
    ['f.tsv', `text\tlabel\n${'\t'.repeat(20_000)}x\n`, ':2: more than 10000 fields'],
    ['f.csv', `text,label\n${','.repeat(20_000)}\n`, ':2: more than 10000 fields'],
    ['f.csv', `text,label\n${'"\n",'.repeat(20_000)}1\n`, ':2: more than 10000 fields'],
    ['q.csv', `text,label\nx,1\n"a,1\n${'b,2\n'.repeat(9)}`, ':3: a quote opens here and does not close'],
    ['q.csv', `text,label\n"${'\n'.repeat(2 ** 24 + 9)}`, ':2: a quote opens here and does not close'],
    [
      'd.jsonl',
      `{"text":"a"}\n{"text":"b","x":${'['.repeat(1e5)}${']'.repeat(1e5)}}`,
      ':2: nests deeper than 64',
    ],
    ['t.jsonl', '{"text":"a","text":"b"}', ':1: names "text" twice in one object'],
    ['t.jsonl', '{"text":"a","l":[{"b":1},{"b":2,"\\u0062":3}]}', ':1: names "b" twice in one object'],
    ['n.jsonl', 'a\u001b[2J\u202e', ':1: is not JSON: Unexpected token'],
    ['0.tsv', 'a\t1\nb\0\t1\n', ':2: holds a NUL character'],
    [
      'u.csv',
      Buffer.concat([Buffer.from('text,label\n"a\n'), Buffer.of(0xc3, 0x28), Buffer.from('",1\n')]),
      ':3: is not UTF-8',
    ],
    ['u.tsv', Buffer.from('text\tlabel\nx\t1\n', 'utf16le'), ':1: holds a NUL character'],
  ])('%s %.40j is refused with its line', (name, content, text) => {
    const path = file(name, content)
    let message = ''
    try {
      count(path)
    } catch (error) {
      message = (error as Error).message
    }
    expect(message).toContain(`${path}${text}`)
    expect(message).not.toMatch(/[\p{Cc}\u2028\u202e]/u)
  })

  it.each(['tsv', 'csv', 'jsonl', 'txt'])('a million empty lines of .%s are none', (ending) => {
    const head = ending === 'csv' ? 'text,label\n' : ''
    const path = file(`empty.${ending}`, `${head}${'\n'.repeat(500_000)}${'\r\n'.repeat(500_000)}`)
    expect(count(path)).toBe(0)
    expect(() => readTexts(path, { labels: 'none' })).toThrow(`${path}: has no rows`)
  })

  it('10,000 labels in each format are classes in order', () => {
    const name = (i: number) => `class ${(i * 7919) % 10_000}`
    const lines = (row: (i: number) => string) => Array.from({ length: 20_000 }, (_, i) => row(i)).join('\n')
    for (const [ending, content] of [
      ['tsv', lines((i) => `text ${i}\t${name(i)}`)],
      ['csv', `text,label\n${lines((i) => `"text ${i}","${name(i)}"`)}`],
      ['jsonl', lines((i) => JSON.stringify({ text: `text ${i}`, label: name(i) }))],
    ]) {
      const { labelNames, labels } = readTexts(file(`labels.${ending}`, content))
      expect(labelNames.length).toBe(10_000)
      for (const i of [0, 1, 5000, 9999]) expect(labelNames[(labels as Int32Array)[i]]).toBe(name(i))
    }
  })

  it('labels named like what objects have are labels', () => {
    const names = ['__proto__', 'constructor', 'hasOwnProperty', 'toString', 'valueOf']
    const path = file('p.tsv', names.map((name) => `text\t${name}`).join('\n'))
    const { labelNames, labels } = readTexts(path)
    expect(Array.from(labels as Int32Array, (id) => labelNames[id])).toEqual(names)
  })
})
