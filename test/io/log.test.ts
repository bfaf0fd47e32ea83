// The log of a run on disks that fail and after power cuts: whole lines, whatever happens; and hashes of data.
import { createHash } from 'node:crypto'
import * as nodeFs from 'node:fs'
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { hashFile } from '../../src/nn/io/hash.js'
import { LineLog, type LogFileSystem } from '../../src/nn/io/log.js'

const root = mkdtempSync(join(tmpdir(), 'tinystill-log-'))
afterAll(() => rmSync(root, { recursive: true }))

let count = 0
const place = () => join(root, `${count++}.jsonl`)
const lines = (path: string) =>
  readFileSync(path, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line))

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
    for (let i = 0; i < 256; i++) log.write(i)
    expect(lines(path).length).toBe(258)
    log.write('last')
    log.close()
    expect(lines(path).at(-1)).toBe('last')
  })

  it('begins anew, or goes on after the last whole line', () => {
    const path = place()
    for (const append of [false, true]) {
      const log = new LineLog(path, { append })
      log.write(append)
      log.close()
    }
    expect(lines(path)).toEqual([false, true])
    appendFileSync(path, `{"half": "${'x'.repeat(200_000)}`)
    const log = new LineLog(path, { append: true })
    log.write('after')
    log.close()
    expect(lines(path)).toEqual([false, true, 'after'])
    writeFileSync(path, '{"nothing whole')
    new LineLog(path, { append: true }).close()
    expect(readFileSync(path, 'utf8')).toBe('')
    new LineLog(path).close()
    expect(readFileSync(path, 'utf8')).toBe('')
  })

  it('takes back a line that the disk took half of', () => {
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
    log.write('first')
    log.flush()
    room = 5
    log.write('second, which is longer')
    expect(() => log.flush()).toThrow(
      /the system takes no more after 5 of \d+ bytes; its earlier lines are whole/,
    )
    expect(lines(path)).toEqual(['first'])
    room = Infinity
    log.write('third')
    log.close()
    expect(lines(path)).toEqual(['first', 'third'])
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
    expect(() => hashFile(root)).toThrow('is not a regular file')
  })
})
