// Caches of a teacher's outputs: cache.json, and shards whose hashes a stranger has made fit.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { tensor } from '../../../src/autograd/create.js'
import { keyOfText } from '../../../src/files/cache/keys.js'
import type { CacheManifest, CacheSettings } from '../../../src/files/cache/manifest.js'
import { openCache } from '../../../src/files/cache/reader.js'
import { CacheWriter } from '../../../src/files/cache/writer.js'
import type { Dice } from '../../io/mutants.js'
import { struck } from '../bytes.js'
import { spoilt, treeOf } from '../documents.js'
import { plainJson } from '../plain.js'
import { slot } from '../slot.js'
import type { Target } from '../target.js'
import { spoiler } from './models.js'

const texts = ['a dog', 'a cat', 'no animal']
const hash = 'ab'.repeat(32)
const settings: CacheSettings = {
  ...{ topK: 2, dtype: 'float32', hidden: 'last', layers: [1], width: 2 },
  ...{ maxLength: 8, batchSize: 2, shardRows: 2 },
}

/** A cache of three texts in two shards, the top 2 of 4 classes and states of 2 tokens a row. */
function writeCache(folder: string): void {
  const writer = CacheWriter.open(folder, {
    teacher: { folder: 'teacher', weights: hash, config: hash, tokenizer: hash, ids: null },
    data: { file: 'data.tsv', bytes: 1, sha256: hash },
    ...{ settings, labels: ['a', 'b', 'c', 'd'], problemType: 'single_label_classification' },
  })
  for (const rows of [texts.slice(0, 2), texts.slice(2)]) {
    const each = <T>(values: T): T[] => rows.map(() => values)
    writer.add(
      tensor(
        rows.map((text) => keyOfText(text)),
        { dtype: 'int32' },
      ),
      [
        ['logits', tensor(each([2, 1]))],
        ['indices', tensor(each([3, 0]), { dtype: 'int32' })],
        ['rest', tensor(each(0.125), { dtype: 'float64' })],
        [
          'hidden.1',
          tensor(
            rows.flatMap(() => [
              [1, 2],
              [3, 4],
            ]),
          ),
        ],
        [
          'starts',
          tensor(
            Array.from({ length: rows.length + 1 }, (_, i) => 2 * i),
            { dtype: 'int32' },
          ),
        ],
      ],
    )
  }
  writer.finish()
}

interface Found {
  manifest: CacheManifest
  logits: Float32Array
  states: number
}

function readAll(folder: string): Found {
  const cache = openCache(folder)
  try {
    const rows = Int32Array.from({ length: cache.size }, (_, i) => i)
    const states = cache.manifest.settings.layers.map((layer) => cache.hidden(layer, rows).values.length)
    return { manifest: cache.manifest, logits: cache.logits(rows), states: states.reduce((a, b) => a + b, 0) }
  } finally {
    cache.close()
  }
}

export const manifestTarget: Target = {
  name: 'cache',
  share: 6,
  open(folder) {
    writeCache(folder)
    const file = join(folder, 'cache.json')
    const before = JSON.parse(readFileSync(file, 'utf8'))
    const whole = readAll(folder)
    const fill = slot(file)
    return {
      make: spoiler([before]),
      read: (bytes) => {
        fill(bytes)
        return readAll(folder)
      },
      judge: (bytes, value) => {
        const given = plainJson(bytes)?.value as typeof before | undefined
        if (typeof given !== 'object') return 'it is no JSON object, or names a field twice'
        const { manifest, logits, states } = value as Found
        // Fewer shards are another cache, and whole as far as it goes.
        const shards = given.shards.length
        const same = (field: string) => JSON.stringify(given[field]) === JSON.stringify(before[field])
        if (shards > 2 || given.shards.some((s: object, i: number) => !sameShard(s, before.shards[i])))
          return 'shards'
        if (given.rows !== [0, 2, 3][shards]) return `${given.rows} rows in ${shards} shards`
        // In version 1 the tokenizer's hash is what ids are now.
        const old = given.version === 1 && manifest.teacher.ids === given.teacher.tokenizer
        if (!same('format') || !(same('version') || old)) return 'another format'
        for (const field of ['topK', 'dtype', 'width', 'hidden', 'layers'])
          if (shards > 0 && JSON.stringify(given.settings[field]) !== JSON.stringify(before.settings[field]))
            return `settings.${field}`
        if (!Array.isArray(given.labels) || given.labels.some((name: unknown) => typeof name !== 'string'))
          return 'labels'
        if (JSON.stringify(manifest.labels) !== JSON.stringify(given.labels)) return 'other labels'
        // Logits are by the number of classes, which top ones alone do not tell.
        if (logits.length !== given.rows * given.labels.length) return 'other logits'
        return states === [0, 8, whole.states][shards] ? null : 'other states'
      },
    }
  },
}

function sameShard(a: object, b: object): boolean {
  const known = ['file', 'rows', 'bytes', 'sha256', 'keys'] as const
  return known.every((field) => Reflect.get(a, field) === Reflect.get(b, field))
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** A shard's header spoilt as JSON, its numbers changed, or its bytes struck. */
function spoiltShard(shard: Uint8Array, roll: Dice): Uint8Array {
  const way = roll(3)
  if (way === 0) return struck(shard, roll)
  const end = 8 + Number(new DataView(shard.buffer).getBigUint64(0, true))
  if (way === 1) {
    const header = Buffer.from(
      spoilt(treeOf(JSON.parse(new TextDecoder().decode(shard.subarray(8, end)))), roll),
    )
    const size = Buffer.alloc(8)
    size.writeBigUint64LE(BigInt(header.length))
    return Buffer.concat([size, header, shard.subarray(end)])
  }
  const out = Uint8Array.from(shard)
  for (let n = 1 + roll(3); n > 0; n--) {
    const at = end + 4 * roll((out.length - end) >> 2)
    const word = [0, 1, -1, 2 ** 31 - 1, -(2 ** 31), 0x7f800000, 0x7fc00000, 0x3ff00000, 4][roll(9)]
    new DataView(out.buffer).setInt32(at, word, true)
  }
  return out
}

export const shardTarget: Target = {
  name: 'cache-shard',
  share: 5,
  open(folder) {
    writeCache(folder)
    const path = join(folder, 'shard-00000.safetensors')
    const shard = Uint8Array.from(readFileSync(path))
    const manifest = readFileSync(join(folder, 'cache.json'), 'utf8')
    const [{ bytes, sha256: whole, keys }] = JSON.parse(manifest).shards
    const [fillShard, fillManifest] = [slot(path), slot(join(folder, 'cache.json'))]
    return {
      make: (roll) => spoiltShard(shard, roll),
      read: (spoilt) => {
        fillShard(spoilt)
        const own = keysIn(spoilt) ?? keys
        fillManifest(
          Buffer.from(
            manifest
              .replace(`"bytes": ${bytes}`, `"bytes": ${spoilt.length}`)
              .replace(whole, sha256(spoilt))
              .replace(keys, own),
          ),
        )
        return readAll(folder)
      },
      judge: (_, value) => {
        const { logits, states } = value as Found
        if (logits.length !== 12) return `${logits.length} logits`
        return states === 12 ? null : `${states} states`
      },
    }
  },
}

/** The hash of the keys that a header names; null where there is none that could. */
function keysIn(shard: Uint8Array): string | null {
  try {
    const view = new DataView(shard.buffer, shard.byteOffset)
    const end = 8 + Number(view.getBigUint64(0, true))
    const header = JSON.parse(new TextDecoder().decode(shard.subarray(8, end)))
    const [from, to] = header.keys.data_offsets
    return sha256(shard.subarray(end + from, end + to))
  } catch {
    return null
  }
}
