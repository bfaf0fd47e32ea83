// Names of files that stand in files: none leads out of the folder. What a link may do is in docs/adr/0013.
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { tensor } from '../../src/autograd/create.js'
import { CheckpointError } from '../../src/errors.js'
import { keyOfText } from '../../src/files/cache/keys.js'
import { openCache } from '../../src/files/cache/reader.js'
import { CacheWriter } from '../../src/files/cache/writer.js'
import { readCheckpoint } from '../../src/files/models/on-disk.js'
import { writeSafetensors } from '../../src/formats/safetensors/safetensors.js'

const root = mkdtempSync(join(tmpdir(), 'tinystill-paths-'))
afterAll(() => rmSync(root, { recursive: true }))

const SHARD = 'shard-00000.safetensors'
const outside = join(root, SHARD)

/** Every one of them would find a file that is a shard, if it were followed. */
const names = [
  ...[
    `../${SHARD}`,
    `./../${SHARD}`,
    `sub/../../${SHARD}`,
    `sub/${SHARD}`,
    `./${SHARD}`,
    outside,
    `/${outside}`,
  ],
  ...[
    `..\\${SHARD}`,
    `sub\\${SHARD}`,
    `C:${SHARD}`,
    `C:\\${SHARD}`,
    `\\\\host\\share\\${SHARD}`,
    `file://${outside}`,
  ],
  ...[
    `..%2f${SHARD}`,
    `%2e%2e/${SHARD}`,
    `..\u2215${SHARD}`,
    `${SHARD}\0`,
    `\0${SHARD}`,
    `../${SHARD}\0.safetensors`,
  ],
  ...[
    `${SHARD}/`,
    `${SHARD}/.`,
    '.',
    '..',
    '',
    '~',
    `~/${SHARD}`,
    `$HOME/${SHARD}`,
    `${SHARD}:stream`,
    `${SHARD}\n`,
  ],
  ...[
    'x'.repeat(5000),
    `${'../'.repeat(100)}etc/passwd`,
    '/dev/zero',
    '/proc/self/environ',
    'con.safetensors',
  ],
]

let count = 0
function place(write: (folder: string) => void): string {
  const folder = join(root, `${count++}`)
  mkdirSync(join(folder, 'sub'), { recursive: true })
  write(folder)
  return folder
}

function writeModel(folder: string): void {
  const bytes = writeSafetensors([['x', tensor([1])]])
  for (const at of [folder, join(folder, 'sub'), root]) writeFileSync(join(at, SHARD), bytes)
}
function writeIndex(folder: string, name: string): void {
  writeFileSync(join(folder, 'model.safetensors.index.json'), JSON.stringify({ weight_map: { x: name } }))
}

const hash = 'ab'.repeat(32)
function writeCache(folder: string): void {
  rmSync(folder, { recursive: true })
  const writer = CacheWriter.open(folder, {
    teacher: { folder: 'teacher', weights: hash, config: hash, tokenizer: hash, ids: null },
    data: { file: 'data.tsv', bytes: 1, sha256: hash },
    settings: {
      ...{ topK: null, dtype: 'float32', hidden: 'none', layers: [], width: 0 },
      ...{ maxLength: 8, batchSize: 2, shardRows: 2 },
    },
    ...{ labels: ['a', 'b'], problemType: 'single_label_classification' },
  })
  writer.add(tensor([keyOfText('x')], { dtype: 'int32' }), [['logits', tensor([[1, 2]])]])
  writer.finish()
  mkdirSync(join(folder, 'sub'))
  for (const at of [join(folder, 'sub'), root]) cpSync(join(folder, SHARD), join(at, SHARD))
}
function renameShard(folder: string, name: string): void {
  const file = join(folder, 'cache.json')
  const document = JSON.parse(readFileSync(file, 'utf8'))
  document.shards[0].file = name
  writeFileSync(file, JSON.stringify(document))
}
function readCache(folder: string): number {
  const cache = openCache(folder)
  const { length } = cache.rows(['x'])
  cache.close()
  return length
}

const readers = [
  ['the index of shards', writeModel, writeIndex, (folder: string) => readCheckpoint(folder).tensors.size],
  ['the shards of a cache', writeCache, renameShard, readCache],
] as const

describe.each(readers)('%s', (_, write, rename, read) => {
  it('reads a file beside it', () => {
    const folder = place(write)
    rename(folder, SHARD)
    expect(read(folder)).toBeGreaterThan(0)
  })

  it.each(names)('does not follow %j', (name) => {
    const folder = place(write)
    rename(folder, name)
    expect(() => read(folder)).toThrow(CheckpointError)
  })

  it.each(['file', 'folder'])('follows no link to a %s outside, but one to a file inside', (kind) => {
    const folder = place(write)
    rename(folder, SHARD)
    const path = join(folder, SHARD)
    renameSync(path, join(folder, 'sub', 'real'))
    symlinkSync(join('sub', 'real'), path)
    expect(read(folder)).toBeGreaterThan(0)
    rmSync(path)
    symlinkSync(kind === 'file' ? join('..', SHARD) : '..', path)
    expect(() => read(folder)).toThrow(/is a link out of its folder|cannot be read/)
  })

  it('follows the links of the hub cache, to blobs and nowhere else', () => {
    const made = place(write)
    rename(made, SHARD)
    const cache = join(root, `hub-${count++}`)
    const folder = join(cache, 'snapshots', 'c0ffee')
    mkdirSync(join(cache, 'blobs'), { recursive: true })
    cpSync(made, folder, { recursive: true })
    const path = join(folder, SHARD)
    renameSync(path, join(cache, 'blobs', '1'))
    symlinkSync('../../blobs/1', path)
    expect(read(folder)).toBeGreaterThan(0)
    rmSync(path)
    cpSync(join(cache, 'blobs', '1'), join(cache, 'other'))
    symlinkSync('../../other', path)
    expect(() => read(folder)).toThrow('is a link out of its folder')
  })
})
