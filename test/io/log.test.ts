// The log of a run on disks that fail and after power cuts: whole lines, whatever happens; and hashes of data.
import { createHash } from 'node:crypto'
import * as nodeFs from 'node:fs'
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { hashFile } from '../../src/files/hash.js'
import { LineLog, type LogFileSystem } from '../../src/files/log.js'

const root = mkdtempSync(join(tmpdir(), 'tinystill-log-'))
afterAll(() => rmSync(root, { recursive: true }))

let count = 0
const place = () => join(root, `${count++}.jsonl`)
const lines = (path: string) => {
  const text = readFileSync(path, 'utf8')
  return text === ''
    ? []
    : text
        .replace(/\n$/, '')
        .split('\n')
        .map((line) => JSON.parse(line))
}

describe('LineLog', () => {
  it('holds lines until they are flushed, and then all', () => {
    const path = place()
    const log = new LineLog(path)
    log.write({ a: 1 })
    log.write({ a: Number.NaN, text: 'two\nlines' })
    expect(readFileSync(path, 'utf8')).toBe('')
    log.flush()
    log.flush()
    expect(lines(path)).toEqual([{ a: 1 }, { a: null, text: 'two\nlines' }])
    for (let i = 0; i < 256; i++) log.write({ i })
    expect(lines(path).length).toBe(258)
    log.write({ a: 'last' })
    log.close()
    expect(lines(path).at(-1)).toEqual({ a: 'last' })
    expect(readFileSync(path, 'utf8')).toMatch(/"last"}\n$/)
  })

  it('begins anew, or goes on after the last whole line', () => {
    const path = place()
    for (const append of [false, true]) {
      const log = new LineLog(path, { append })
      log.write({ append })
      log.close()
    }
    const both = [{ append: false }, { append: true }]
    expect(lines(path)).toEqual(both)
    appendFileSync(path, `{"half": "${'x'.repeat(200_000)}`)
    const killed = new LineLog(path, { append: true })
    killed.write({ after: 1 })
    killed.flush()
    expect(lines(path)).toEqual([...both, { after: 1 }])
    // Not closed: its last line has no newline yet, and is whole.
    const log = new LineLog(path, { append: true })
    log.write({ after: 2 })
    log.close()
    expect(lines(path)).toEqual([...both, { after: 1 }, { after: 2 }])
    for (const torn of ['{"nothing whole', 'null', '12', '\0\0\0']) {
      writeFileSync(path, torn)
      new LineLog(path, { append: true }).close()
      expect(readFileSync(path, 'utf8')).toBe('')
    }
    new LineLog(path).close()
    expect(readFileSync(path, 'utf8')).toBe('')
  })

  it('no write crosses a page, whatever the lengths; each leaves whole lines', () => {
    const path = place()
    let size = 0
    const fs: LogFileSystem = {
      ...nodeFs,
      writeSync: ((file: number, bytes: Uint8Array) => {
        expect(Math.floor(size / 4096)).toBe(Math.floor((size + bytes.length - 1) / 4096))
        size += bytes.length
        const n = nodeFs.writeSync(file, bytes)
        lines(path)
        return n
      }) as LogFileSystem['writeSync'],
    }
    const log = new LineLog(path, {}, fs)
    const documents = Array.from({ length: 300 }, (_, i) => ({ i, text: '\u00e4'.repeat((i * 577) % 2000) }))
    for (const d of documents) log.write(d)
    // One that fills a page to the last byte, and one that follows it.
    documents.push({ i: 0, text: 'x'.repeat(4096 - '{"i":0,"text":""}'.length - 1) }, { i: 1, text: '' })
    for (const d of documents.slice(-2)) log.write(d)
    log.close()
    expect(lines(path)).toEqual(documents)
  })

  it('takes back a line that the disk took half of, and writes it when there is room', () => {
    const path = place()
    let room = Infinity
    const fs: LogFileSystem = {
      ...nodeFs,
      writeSync: ((file: number, bytes: Uint8Array, at: number, n: number) => {
        const some = Math.min(n, room)
        room -= some
        return nodeFs.writeSync(file, bytes, at, some)
      }) as LogFileSystem['writeSync'],
    }
    const log = new LineLog(path, {}, fs)
    log.write({ a: 'first' })
    log.flush()
    room = 5
    log.write({ a: 'second, which is longer' })
    expect(() => log.flush()).toThrow(
      /the system takes no more after 5 of \d+ bytes; its earlier lines are whole/,
    )
    expect(lines(path)).toEqual([{ a: 'first' }])
    room = Infinity
    log.write({ a: 'third' })
    log.close()
    expect(lines(path).map((l) => l.a)).toEqual(['first', 'second, which is longer', 'third'])
  })

  it('says what is wrong with the place', () => {
    expect(() => new LineLog(join(root, 'no', 'log'))).toThrow('no such file or folder')
  })
})

describe('hashFile', () => {
  it('is the SHA-256 of all bytes', () => {
    const path = place()
    const bytes = Uint8Array.from({ length: 2_500_000 }, (_, i) => i % 251)
    writeFileSync(path, bytes)
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    expect(hashFile(path)).toEqual({ bytes: bytes.length, sha256 })
    writeFileSync(path, 'abc')
    expect(hashFile(path).sha256).toMatch(/^ba7816bf8f01cfea/)
  })

  it('refuses what is no file', () => {
    expect(() => hashFile(join(root, 'none'))).toThrow('cannot be read: no such file or folder')
    expect(() => hashFile(root)).toThrow('is a folder. Name a file in it')
  })
})
