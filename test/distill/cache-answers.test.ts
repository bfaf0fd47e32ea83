// Caches whose rows have several answers: a row of logits a word or a token of windows, by the words or the question; nothing broken is believed.
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import '../../src/index.js'
import { fillCache, type LabelledRow } from '../../src/files/cache/fill.js'
import type { CacheFacts } from '../../src/files/cache/manifest.js'
import { openCache } from '../../src/files/cache/reader.js'
import { CacheWriter } from '../../src/files/cache/writer.js'
import { loadTagger } from '../../src/files/tagging/tagger.js'
import { readSafetensors, writeSafetensors } from '../../src/formats/safetensors/safetensors.js'
import { wordData } from '../../src/text/tagged/words.js'
import { predict } from '../../src/train/predict.js'

const root = mkdtempSync(join(tmpdir(), 'tinystill-cache-answers-'))
afterAll(() => rmSync(root, { recursive: true }))
const teacher = loadTagger(join(import.meta.dirname, '../golden/tagging/bert'))
const { model, tokenizer, classes } = teacher
const words = ['the', 'cat', '\u200b', 'sat', "isn't", 'unbelievably']
const sentences = [3, 40, 1, 12, 7].map((n, s) =>
  Array.from({ length: n }, (_, i) => words[(i * (s + 2) + s) % 6]),
)
const rows: LabelledRow[] = sentences.map((own, i) => ({
  text: own.join(' '),
  textB: null,
  words: own,
  line: i + 1,
}))
const hash = 'a'.repeat(64)
const facts: CacheFacts = {
  teacher: { folder: 't', weights: hash, config: hash, tokenizer: hash, ids: hash },
  data: { file: 'x.conll', bytes: 1, sha256: hash },
  settings: {
    ...{ topK: null, dtype: 'float32', hidden: 'none', layers: [], width: 0 },
    ...{ maxLength: 16, batchSize: 3, shardRows: 2, docStride: 4 },
  },
  ...{ labels: [...classes], problemType: 'entities' },
}
const made = async (name: string) => {
  const folder = join(root, name)
  await fillCache(teacher, [...rows, rows[0]], CacheWriter.open(folder, facts))
  return folder
}

describe('a cache of words', () => {
  it('has the logits of each word, windows or not, whatever the order', async () => {
    const cache = openCache(await made('words'))
    expect([cache.size, cache.manifest.shards.length]).toEqual([5, 3])
    for (const order of [
      [0, 1, 2, 3, 4],
      [4, 1],
    ]) {
      const own = order.map((i) => sentences[i])
      const places = cache.locate({ texts: own.map((x) => x.join(' ')), words: own })
      const wanted = predict(model, wordData(own, null, tokenizer, 16, { docStride: 4 }))
      expect([...cache.answers(places)]).toEqual(own.map(({ length }) => length))
      expect([...cache.logits(places)]).toEqual([...wanted])
    }
    // A text is no sentence of words.
    expect(cache.find(rows[0].text)).toBe(-1)
    cache.close()
  })

  it.each<[string, (manifest: Record<string, unknown> & { settings: object }) => object, RegExp]>([
    [
      'no stride',
      (m) => ({ ...m, settings: { ...m.settings, docStride: undefined } }),
      /settings must be one with docStride/,
    ],
    [
      'another task',
      (m) => ({ ...m, problemType: 'single_label_classification' }),
      /settings must be one without docStride/,
    ],
    ['a task of two', (m) => ({ ...m, problemType: 'spans' }), /labels must be two names/],
    ['the largest logits', (m) => ({ ...m, settings: { ...m.settings, topK: 2 } }), /problemType must be/],
    [
      'states',
      (m) => ({ ...m, settings: { ...m.settings, hidden: 'last', layers: [1], width: 8 } }),
      /settings must be one without states/,
    ],
  ])('refuses a manifest with %s', async (name, change, error) => {
    const path = join(await made(name), 'cache.json')
    writeFileSync(path, JSON.stringify(change(JSON.parse(readFileSync(path, 'utf8')))))
    expect(() => openCache(join(root, name))).toThrow(error)
  })

  it.each([
    ['fall', [0, 41, 40]],
    ['end early', [0, 3, 42]],
    ['begin late', [1, 3, 43]],
  ])('refuses a shard whose answers %s', async (name, starts) => {
    const folder = await made(name)
    const file = join(folder, 'shard-00000.safetensors')
    const { tensors } = readSafetensors(readFileSync(file), { file })
    tensors.get('answers')!.elements.set(starts)
    const bytes = writeSafetensors(tensors)
    writeFileSync(file, bytes)
    const path = join(folder, 'cache.json')
    const manifest = JSON.parse(readFileSync(path, 'utf8'))
    manifest.shards[0].sha256 = createHash('sha256').update(bytes).digest('hex')
    manifest.shards[0].bytes = bytes.length
    writeFileSync(path, JSON.stringify(manifest))
    const cache = openCache(folder)
    expect(() => cache.logits(Int32Array.of(0))).toThrow('its answers do not part 43 rows of logits')
    cache.close()
  })
})
