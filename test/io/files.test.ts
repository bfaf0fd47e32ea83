// Atomic writing on disks that fail: the old file or the new one, no leavings, one clear line.
import * as nodeFs from 'node:fs'
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { CheckpointError, DataError } from '../../src/errors.js'
import { type FileSystem, makeFolder, readBytes, readText, writeAtomic } from '../../src/files/disk.js'
import { writeStaged } from '../../src/files/staged.js'

const root = mkdtempSync(join(tmpdir(), 'tinystill-files-'))
afterAll(() => rmSync(root, { recursive: true }))

let count = 0
/** A new folder with a file `old`. */
function place(): { folder: string; path: string } {
  const folder = join(root, `${count++}`)
  nodeFs.mkdirSync(folder)
  const path = join(folder, 'model')
  writeFileSync(path, 'old')
  return { folder, path }
}

const fault = (code: string) => () => {
  throw Object.assign(new Error(`${code}: it failed`), { code })
}
const system: FileSystem = nodeFs

describe('makeFolder', () => {
  it('says that a disk is read-only', () => {
    // As Node does on one.
    const mkdirSync = ((_: string, options?: { recursive: boolean }) => {
      const [code, text] = options?.recursive
        ? ['ENOENT', 'no such file or directory']
        : ['EROFS', 'read-only file system']
      throw Object.assign(new Error(`${code}: ${text}, mkdir`), { code })
    }) as typeof nodeFs.mkdirSync
    const folder = join(place().folder, 'a', 'b')
    expect(() => makeFolder(folder, { ...nodeFs, mkdirSync })).toThrow(
      /: the folder cannot be made: EROFS: read-only/,
    )
  })
})

describe('writeAtomic', () => {
  it('replaces a file and leaves nothing else', () => {
    const { folder, path } = place()
    writeAtomic(path, 'new')
    expect(readFileSync(path, 'utf8')).toBe('new')
    expect(readdirSync(folder)).toEqual(['model'])
  })

  it('writes every byte of a view, wherever it starts', () => {
    const { path } = place()
    const floats = Float32Array.of(9, 1, 2, 3).subarray(1)
    writeAtomic(path, floats)
    expect(readFileSync(path)).toEqual(Buffer.from(floats.buffer, 4, 12))
  })

  it('goes on after short writes', () => {
    const { path } = place()
    const data = Uint8Array.from({ length: 1000 }, (_, i) => i)
    writeAtomic(path, data, {
      ...system,
      writeSync: ((file: number, bytes: Uint8Array, at: number, n: number) =>
        nodeFs.writeSync(file, bytes, at, Math.min(n, 7))) as FileSystem['writeSync'],
    })
    expect(new Uint8Array(readFileSync(path))).toEqual(data)
  })

  it('takes a file in pieces, and where these end in an error leaves the old one', () => {
    const { folder, path } = place()
    writeAtomic(path, [Uint8Array.of(97), Uint8Array.of(98), new Uint8Array(0)])
    expect(readFileSync(path, 'utf8')).toBe('ab')
    function* torn() {
      yield Uint8Array.of(99)
      throw new DataError('rows', 'are bad')
    }
    expect(() => writeAtomic(path, torn())).toThrow(/^rows: are bad$/)
    expect(readFileSync(path, 'utf8')).toBe('ab')
    expect(readdirSync(folder)).toEqual(['model'])
  })

  it.each<[string, Partial<FileSystem>, string]>([
    ['a full disk', { writeSync: fault('ENOSPC') }, 'the disk is full'],
    ['a full disk that is noticed late', { fsyncSync: fault('ENOSPC') }, 'the disk is full'],
    ['a quota', { writeSync: fault('EDQUOT') }, 'your disk quota is used up'],
    ['a folder without rights', { openSync: fault('EACCES') }, 'permission denied'],
    ['a read-only disk', { openSync: fault('EROFS') }, 'the file system is read-only'],
    ['a rename refused', { renameSync: fault('EPERM') }, 'permission denied'],
    ['a broken disk', { fsyncSync: fault('EIO') }, 'the device reports an error'],
    ['a disk that takes nothing', { writeSync: () => 0 }, 'the system takes no more after 0 of 3 bytes'],
  ])('%s: the old file stays, nothing is left over', (_, failing, reason) => {
    const { folder, path } = place()
    expect(() => writeAtomic(path, 'new', { ...system, ...failing })).toThrow(
      `${path}: cannot be written: ${reason}; what was there before is unchanged`,
    )
    expect(readFileSync(path, 'utf8')).toBe('old')
    expect(readdirSync(folder)).toEqual(['model'])
  })

  it('a real full disk', () => {
    // /dev/full takes no byte: the temporary file is opened there in place of the folder.
    if (!nodeFs.existsSync('/dev/full')) return
    const { path } = place()
    const full: FileSystem = { ...system, openSync: () => nodeFs.openSync('/dev/full', 'w') }
    expect(() => writeAtomic(path, 'new', full)).toThrow('the disk is full')
    expect(readFileSync(path, 'utf8')).toBe('old')
  })

  it('replaces a symbolic link, its target stays', () => {
    const { folder, path } = place()
    const link = join(folder, 'link')
    symlinkSync(path, link)
    writeAtomic(link, 'new')
    expect([readFileSync(path, 'utf8'), readFileSync(link, 'utf8')]).toEqual(['old', 'new'])
  })

  it('does without the sync of a folder where the system has none', () => {
    const { folder, path } = place()
    const openSync = ((name: string, flags: string) =>
      name === folder ? fault('EISDIR')() : nodeFs.openSync(name, flags)) as FileSystem['openSync']
    writeAtomic(path, 'new', { ...system, openSync })
    expect(readFileSync(path, 'utf8')).toBe('new')
  })
})

describe('writeStaged', () => {
  const bytes = function* (text: string, fail?: () => void) {
    yield new TextEncoder().encode(text)
    fail?.()
  }

  it('writes all files, read back before they are in their places', () => {
    const { folder } = place()
    let seen: string[] = []
    writeStaged(
      folder,
      [
        ['model', 'new'],
        ['more', bytes('bytes')],
      ],
      (aside) => {
        seen = readdirSync(aside).map((name) => readFileSync(join(aside, name), 'utf8'))
        expect(readFileSync(join(folder, 'model'), 'utf8')).toBe('old')
      },
    )
    expect(seen).toEqual(['new', 'bytes'])
    expect(readdirSync(folder).sort()).toEqual(['model', 'more'])
    expect(readFileSync(join(folder, 'model'), 'utf8')).toBe('new')
  })

  it.each<[string, () => void, (() => void) | undefined, string]>([
    ['a full disk', () => {}, fault('ENOSPC'), 'the disk is full'],
    [
      'files that are not what was meant',
      () => {
        throw new CheckpointError('there', 'is not what was written')
      },
      undefined,
      'is not what was written',
    ],
  ])('leaves what was there before: %s', (_, check, fail, text) => {
    const { folder } = place()
    const files = [
      ['model', 'new'],
      ['weights', bytes('half', fail)],
    ] as const
    expect(() => writeStaged(folder, files, check)).toThrow(text)
    expect(readdirSync(folder)).toEqual(['model'])
    expect(readFileSync(join(folder, 'model'), 'utf8')).toBe('old')
  })
})

describe('reading', () => {
  it.each([
    ['a missing file', 'nothing', 'cannot be read: no such file or folder. Check the path'],
    ['a folder', '.', 'is a folder. Name a file in it'],
  ])('%s', (_, name, reason) => {
    const path = join(place().folder, name)
    expect(() => readBytes(path)).toThrow(`${path}: ${reason}`)
  })

  it('a file longer than wanted', () => {
    expect(() => readBytes(place().path, 2)).toThrow('has 3 bytes, at most 2 are read here')
  })

  it('names the line that is not UTF-8', () => {
    const { path } = place()
    writeFileSync(path, Buffer.from([0x61, 0x0a, 0xc3, 0xa9, 0x0a, 0xff]))
    expect(() => readText(path)).toThrow('line 3 is not UTF-8')
    writeFileSync(path, '\ufeffa\u20ac')
    expect(readText(path)).toBe('a\u20ac')
  })
})
