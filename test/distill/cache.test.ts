// The transfer set: rows found by their text, the same losses as with the teacher, and nothing believed that has changed.
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import '../../src/index.js'
import { noGrad } from '../../src/autograd/graph.js'
import { randomScope } from '../../src/autograd/random.js'
import { distil } from '../../src/distill/distil.js'
import type { TargetSource } from '../../src/distill/teachers/targets.js'
import { CheckpointError, DataError } from '../../src/errors.js'
import { sha256 } from '../../src/files/cache/facts.js'
import { fillCache, type LabellingTeacher } from '../../src/files/cache/fill.js'
import { KeyIndex, keyOfText } from '../../src/files/cache/keys.js'
import type { CacheFacts, CacheSettings } from '../../src/files/cache/manifest.js'
import { openCache } from '../../src/files/cache/reader.js'
import { expand } from '../../src/files/cache/shard.js'
import { transferSet } from '../../src/files/cache/transfer.js'
import { CacheWriter } from '../../src/files/cache/writer.js'
import { readSafetensors, writeSafetensors } from '../../src/formats/safetensors/safetensors.js'
import { inOrder } from '../../src/nn/data.js'
import { BertForSequenceClassification } from '../../src/nn/models/bert.js'
import { TextClassifier } from '../../src/nn/models/classifier.js'
import { keyOf, uniformAt } from '../../src/tensor/rng.js'
import { textData } from '../../src/text/dataset.js'
import type { TextRow } from '../../src/text/rows.js'
import { trainWordPiece } from '../../src/text/wordpiece-train.js'
import { probabilities } from '../../src/train/metrics.js'
import { predict } from '../../src/train/predict.js'

const root = mkdtempSync(join(tmpdir(), 'tinystill-cache-'))
afterAll(() => rmSync(root, { recursive: true }))
let folders = 0
const fresh = () => join(root, `${folders++}`)

const words = 'a large grey animal small red fruit that lives in the sea and is eaten by people'.split(' ')
const texts = Array.from({ length: 45 }, (_, i) =>
  Array.from({ length: 2 + (i % 7) }, (_, j) => words[(i * 5 + j * (1 + (i % 4))) % words.length]).join(' '),
).map((text, i) => `${text} ${words[i % 11]}${i}`)
const rows: TextRow[] = texts.map((text, i) => ({ text, textB: null, label: null, line: i + 2 }))
const tokenizer = trainWordPiece(texts, { size: 120 })
const classes = ['a', 'b', 'c', 'd', 'e']
const sizes = { width: 16, layers: 2, heads: 2, inner: 24, maxLength: 24 }
const model = randomScope(
  keyOf(5),
  () =>
    new BertForSequenceClassification({
      vocabSize: tokenizer.vocabSize,
      labels: classes,
      ...sizes,
      std: 0.5,
    }),
)
const teacher: LabellingTeacher = { model, tokenizer, classes }
const data = textData(texts, null, tokenizer, 24)

const full: CacheSettings = {
  ...{ topK: null, dtype: 'float32', hidden: 'none', layers: [], width: 0 },
  ...{ maxLength: 24, batchSize: 8, shardRows: 16 },
}
const hash = 'ab'.repeat(32)
const factsOf = (settings: Partial<CacheSettings> = {}): CacheFacts => ({
  teacher: { folder: 'teacher', weights: hash, config: hash, tokenizer: hash, ids: null },
  data: { file: 'data.tsv', bytes: 1, sha256: hash },
  settings: { ...full, ...settings },
  ...{ labels: classes, problemType: 'single_label_classification' },
})

/** A cache of all texts. */
async function filled(
  settings: Partial<CacheSettings> = {},
  from: readonly TextRow[] = rows,
): Promise<string> {
  const folder = fresh()
  await fillCache(teacher, from, CacheWriter.open(folder, factsOf(settings)))
  return folder
}

function student(): TextClassifier {
  const config = {
    vocabSize: tokenizer.vocabSize,
    classes: 5,
    padId: 0,
    width: 8,
    layers: 1,
    heads: 2,
    maxLength: 24,
  }
  return randomScope(keyOf(9), () => new TextClassifier({ ...config, dropout: 0.1 }))
}

async function lossesFrom(targets: Float32Array | TargetSource): Promise<number[]> {
  const losses: number[] = []
  const own = student()
  await distil(own, data, targets, {
    ...{ epochs: 3, lr: 1e-2, seed: 4, batchSize: 7 },
    onStep: (step) => {
      losses.push(step.loss, step.gradNorm)
    },
  })
  return [...losses, ...own.parameters().flatMap((p) => [...p.data])]
}

describe('distillation from a cache', () => {
  it('gives the losses and weights that it gives with the teacher, bit for bit', async () => {
    const cache = openCache(await filled())
    expect([cache.size, cache.classes, cache.manifest.shards.length]).toEqual([45, classes, 3])
    const live = await lossesFrom(predict(model, data, { batchSize: 8 }))
    const cached = await lossesFrom(cache.targets({ texts }))
    expect(cached.length).toBeGreaterThan(40)
    expect(cached).toEqual(live)
    cache.close()
  })

  it('finds rows wherever they are, and pairs apart from texts', async () => {
    const pairs = rows.slice(0, 20).map((row, i) => ({ ...row, textB: texts[i + 20] }))
    const cache = openCache(await filled({}, [...rows, ...pairs].reverse()))
    expect(cache.size).toBe(65)
    expect(new Set([cache.find(texts[0]), cache.find(texts[0], texts[20]), cache.find('nothing')]).size).toBe(
      3,
    )
    const some = textData(texts.slice(0, 9), null, tokenizer, 24, { pairs: texts.slice(20, 29) })
    const got = cache.rows(texts.slice(0, 9), texts.slice(20, 29))
    predict(model, some).forEach((z, i) => {
      expect(got[i]).toBeCloseTo(z, 5)
    })
    cache.close()
  })

  it('labels a text once, however often it comes', async () => {
    const folder = fresh()
    const twice = [...rows, ...rows.slice(3, 30)]
    const done = await fillCache(teacher, twice, CacheWriter.open(folder, factsOf()))
    expect(done).toEqual({ rows: 45, duplicates: 27, cut: 0 })
    expect(openCache(folder).size).toBe(45)
  })

  it('keeps the largest logits and spreads the rest', async () => {
    const cache = openCache(await filled({ topK: 2 }))
    const all = predict(model, data)
    const got = cache.targets({ texts }).rows(inOrder(45))
    for (let row = 0; row < 45; row++) {
      const [p, q] = [all, got].map((z) => probabilities(z, row * 5, 5))
      const order = [0, 1, 2, 3, 4].sort((a, b) => p[b] - p[a])
      for (const c of order.slice(0, 2)) expect(q[c]).toBeCloseTo(p[c], 5)
      const rest = order.slice(2).reduce((sum, c) => sum + p[c], 0)
      for (const c of order.slice(2)) expect(q[c]).toBeCloseTo(rest / 3, 5)
    }
    cache.close()
    await lossesFrom(openCache(await filled({ topK: 1, dtype: 'float16' })).targets({ texts }))
  })

  it('stays finite where the rest is nothing, or all', () => {
    const out = new Float32Array(4)
    for (const rest of [0, 1e-320, 0.5, 1]) {
      expand(Float32Array.of(90, -5), Int32Array.of(2, 0), rest, out)
      expect([...out].every(Number.isFinite)).toBe(true)
      expect([out[2], out[0]]).toEqual([90, -5])
      expect(out[1]).toBeLessThanOrEqual(-5)
    }
  })

  it('rounds to float16 at half the size', async () => {
    const [small, large] = [openCache(await filled({ dtype: 'float16' })), openCache(await filled())]
    const [z, exact] = [small.rows(texts), large.rows(texts)]
    z.forEach((x, i) => {
      expect(Math.abs(x - exact[i])).toBeLessThanOrEqual(Math.abs(exact[i]) / 2048 + 1e-7)
    })
  })
})

describe('a file and its cache', () => {
  const file = join(root, 'set.jsonl')
  const pairs = rows.map((row, i) => ({ ...row, textB: i % 4 === 0 ? texts[44 - i] : null }))
  const lines = pairs.map(({ text, textB }, i) =>
    JSON.stringify({ text, ...(textB !== null && { text_b: textB }), label: classes[i % 5] }),
  )
  writeFileSync(file, lines.join('\n'))

  it('give the batches and targets that lists in memory give', async () => {
    const cache = openCache(await filled({}, pairs))
    const { data: packed, targets } = transferSet(file, cache, { tokenizer, maxLength: 9, labelled: true })
    const seconds = pairs.map((row) => row.textB)
    const listed = textData(
      texts,
      texts.map((_, i) => i % 5),
      tokenizer,
      9,
      { pairs: seconds },
    )
    expect([packed.size, packed.labels]).toEqual([45, listed.labels])
    for (const key of [null, keyOf(3)]) {
      const batches = packed.batches(8, key)
      expect(batches).toEqual(listed.batches(8, key))
      for (const batch of batches) {
        const values = (set: typeof packed) =>
          Object.entries(set.input(batch)).map(([name, t]) => [name, [...t.data]])
        expect(values(packed)).toEqual(values(listed))
        expect(packed.tokens(batch)).toBe(listed.tokens(batch))
      }
    }
    const own = textData(texts, null, tokenizer, 24, { pairs: seconds })
    expect(targets.rows(inOrder(45))).toEqual(predict(model, own, { batchSize: 8 }))
    cache.close()
  })

  it('that do not fit are told by line', async () => {
    const cache = openCache(await filled({}, pairs.slice(2)))
    const set = (options = {}) => transferSet(file, cache, { tokenizer, maxLength: 9, ...options })
    expect(() => set()).toThrow(/^.*set.jsonl:1: 2 of 45 rows are not in .*, at lines 1, 2\. They are new/)
    writeFileSync(file, lines.slice(2).join('\n').replace('"label":"c"', '"label":"q"'))
    expect(set().data.labels).toBe(null)
    expect(() => set({ labelled: true })).toThrow(/set.jsonl:1: label "q" is none of the 5 known/)
    writeFileSync(file, lines.slice(2).join('\n').replace(',"label":"c"', ''))
    expect(() => set({ labelled: true })).toThrow(/set.jsonl:1: has no label/)
    cache.close()
  })
})

describe('hidden states', () => {
  const states = noGrad(() =>
    model.eval().forward(data.input(inOrder(45)), { hiddenStates: true }),
  ).hiddenStates
  const starts = data.input(inOrder(45)) as { starts?: { data: ArrayLike<number> } }

  it('are those of all tokens, of each row as many as it has', async () => {
    const cache = openCache(await filled({ hidden: 'all', layers: [0, 2], width: 16 }))
    const order = inOrder(45).reverse()
    for (const layer of [0, 2]) {
      const got = cache.targets({ texts }).hidden(layer, order)
      order.forEach((row, i) => {
        const [from, to] = [Number(starts.starts?.data[row]), Number(starts.starts?.data[row + 1])]
        expect(got.starts[i + 1] - got.starts[i]).toBe(to - from)
        const own = got.values.subarray(got.starts[i] * 16, got.starts[i + 1] * 16)
        states?.[layer].data.subarray(from * 16, to * 16).forEach((x, j) => {
          expect(own[j]).toBeCloseTo(x, 5)
        })
      })
    }
    expect(() => cache.hidden(1, order)).toThrow(/states of layer 1 are not kept, those of 0, 2 are/)
    cache.close()
  })

  it('are those of the first token', async () => {
    const cache = openCache(await filled({ hidden: 'cls', layers: [1], width: 16, dtype: 'float16' }))
    const { values, starts: ends } = cache.targets({ texts }).hidden(1, inOrder(45))
    expect(ends).toEqual(inOrder(46))
    values.forEach((x, i) => {
      const at = Number(starts.starts?.data[Math.floor(i / 16)]) * 16 + (i % 16)
      expect(Math.abs(x - Number(states?.[1].data[at]))).toBeLessThan(4e-3)
    })
    cache.close()
  })
})

describe('a run that ends early', () => {
  const bytesOf = (folder: string) =>
    Object.fromEntries(
      readdirSync(folder)
        .sort()
        .map((name) => [name, readFileSync(join(folder, name), 'hex')]),
    )

  it.each([1, 2, 3, 5, 6])('goes on to the same bytes after batch %i', async (stop) => {
    const settings = { topK: 2, hidden: 'all', layers: [1], width: 16 } as const
    const whole = bytesOf(await filled(settings))
    const folder = fresh()
    let batches = 0
    const dies = fillCache(teacher, rows, CacheWriter.open(folder, factsOf(settings)), {
      onBatch: () => {
        if (++batches === stop) throw new Error('killed')
      },
    })
    await expect(dies).rejects.toThrow('killed')
    const had = stop > 2 ? openCache(folder).size : 0
    expect(had).toBe(Math.floor((stop - 1) / 2) * 16)
    if (had > 0)
      expect(() => openCache(folder).locate({ texts })).toThrow(/The cache is not finished: go on with/)
    // What a kill in the middle of a write leaves.
    if (had > 0) writeFileSync(join(folder, '.tinystill-0123456789abcdef.tmp'), 'half')
    const seen: number[] = []
    const again = CacheWriter.open(folder, factsOf(settings), { resume: true })
    await fillCache(teacher, rows, again, { onBatch: (done) => void seen.push(done) })
    expect(seen[0]).toBe(had + 8)
    expect(bytesOf(folder)).toEqual(whole)
  })

  it('labels again from a damaged shard on', async () => {
    const folder = await filled()
    const whole = bytesOf(folder)
    flip(join(folder, 'shard-00001.safetensors'), 200)
    const cache = CacheWriter.open(folder, factsOf(), { resume: true })
    expect([cache.damaged, cache.manifest.rows]).toEqual(['shard-00001.safetensors', 16])
    await fillCache(teacher, rows, cache)
    expect(bytesOf(folder)).toEqual(whole)
  })

  const other = 'cd'.repeat(32)
  it.each<[string, Partial<CacheFacts>]>([
    ['teacher.weights is "abab.*" there and "cdcd', { teacher: { ...factsOf().teacher, weights: other } }],
    ['teacher.config is', { teacher: { ...factsOf().teacher, config: other } }],
    ['teacher.tokenizer is', { teacher: { ...factsOf().teacher, tokenizer: other } }],
    ['data.sha256 is', { data: { ...factsOf().data, sha256: other } }],
    ['settings.topK is null there and 3 now', { settings: { ...full, topK: 3 } }],
    ['settings.dtype is "float32" there and "float16"', { settings: { ...full, dtype: 'float16' } }],
    ['settings.maxLength is 24 there and 23', { settings: { ...full, maxLength: 23 } }],
    ['settings.batchSize', { settings: { ...full, batchSize: 9 } }],
    ['settings.shardRows', { settings: { ...full, shardRows: 17 } }],
    ['labels is', { labels: [...classes].reverse() }],
    ['problemType is', { problemType: 'regression' as const }],
  ])('does not go on where %s', async (text, change) => {
    const folder = await filled()
    const before = bytesOf(folder)
    expect(() => CacheWriter.open(folder, { ...factsOf(), ...change }, { resume: true })).toThrow(
      RegExp(text),
    )
    expect(() => CacheWriter.open(folder, factsOf())).toThrow(/holds a cache already.*--resume/)
    expect(bytesOf(folder)).toEqual(before)
  })
})

function flip(path: string, at: number): void {
  const bytes = readFileSync(path)
  bytes[at] ^= 1 << (at % 8)
  writeFileSync(path, bytes)
}

describe('what is not as it was', () => {
  it('names rows that are missing or changed, with their lines', async () => {
    const cache = openCache(await filled())
    const changed = texts.map((text, i) => (i % 5 === 3 ? `${text}!` : text))
    const lines = rows.map((row) => row.line)
    const find = () => cache.locate({ texts: changed, lines, file: 'train.tsv' })
    expect(find).toThrow(DataError)
    expect(find).toThrow(/^train.tsv:5: 9 of 45 rows are not in .*, at lines 5, 10, 15, 20, 25, .../)
    expect(() => cache.rows([texts[0], 'new'])).toThrow(
      /^data: 1 of 2 rows are not in .*, at rows 1\. They are new/,
    )
    cache.close()
  })

  it('finds every flipped byte of a shard and names it', async () => {
    const folder = await filled({ topK: 2, hidden: 'all', layers: [1], width: 16 }, rows.slice(0, 3))
    const path = join(folder, 'shard-00000.safetensors')
    const good = readFileSync(path)
    for (let at = 0; at < good.length; at += 3) {
      flip(path, at)
      const use = () => {
        const cache = openCache(folder)
        try {
          return cache.rows(texts.slice(0, 3))
        } finally {
          cache.close()
        }
      }
      let refusal: unknown = null
      try {
        use()
      } catch (error) {
        refusal = error
      }
      expect(refusal, `byte ${at}`).toBeInstanceOf(CheckpointError)
      expect(String(refusal)).toMatch(/shard-00000\.safetensors/)
      writeFileSync(path, good)
    }
    expect(openCache(folder).rows(texts.slice(0, 3)).length).toBe(15)
  })

  type Document = Record<string, unknown> & { settings: object; shards: object[] }
  it.each<[string, (d: Document) => unknown, RegExp]>([
    [
      'a path out of the folder',
      (d) => Object.assign(d.shards[0], { file: '../x.safetensors' }),
      /file must be shard-00000/,
    ],
    [
      'a shard twice',
      (d) => Object.assign(d.shards[1], { file: 'shard-00000.safetensors' }),
      /file must be shard-00001/,
    ],
    ['wrong rows of a shard', (d) => Object.assign(d.shards[0], { rows: 15 }), /rows must be 44/],
    [
      'wrong rows of two',
      (d) => [Object.assign(d.shards[0], { rows: 15 }), Object.assign(d, { rows: 44 })],
      /keys is I32 \[16, 2\]/,
    ],
    ['a wrong sum', (d) => Object.assign(d, { rows: 2 ** 31 - 1 }), /rows must be 45, the sum/],
    [
      'rows beyond a shard',
      (d) => Object.assign(d.shards[0], { rows: 1e9 }),
      /rows must be a whole number from 1 to 16/,
    ],
    [
      'a wrong size',
      (d) => Object.assign(d.shards[2], { bytes: 9 }),
      /shard-00002.safetensors: has \d+ bytes, the cache says 9/,
    ],
    ['no hash', (d) => Object.assign(d.shards[0], { sha256: 'x' }), /sha256 must be a SHA-256/],
    [
      'other classes',
      (d) => Object.assign(d, { labels: ['a', 'b'] }),
      /logits is F32 \[16, 5\], the cache says F32 \[16, 2\]/,
    ],
    ['labels that are none', (d) => Object.assign(d, { labels: [1] }), /labels must be a list of names/],
    ['another dtype', (d) => Object.assign(d.settings, { dtype: 'float16' }), /logits is F32/],
    [
      'more of the top than classes',
      (d) => Object.assign(d.settings, { topK: 5 }),
      /labels must be more than settings.topK, 5/,
    ],
    [
      'states that are not there',
      (d) => Object.assign(d.settings, { hidden: 'cls', layers: [1], width: 4 }),
      /lacks hidden.1/,
    ],
    [
      'layers in disorder',
      (d) => Object.assign(d.settings, { hidden: 'cls', layers: [2, 1], width: 4 }),
      /a rising list/,
    ],
    [
      'a layer above the last',
      (d) => Object.assign(d.settings, { hidden: 'cls', layers: [0, 3], width: 4, depth: 2 }),
      /depth must be .* from 3/,
    ],
    ['another format', (d) => Object.assign(d, { format: 'x' }), /format must be tinystill-cache/],
    ['no shards', (d) => Object.assign(d, { shards: {} }), /shards must be a list/],
    [
      'a missing shard',
      (d) => rmSync(join(String(d.folder), 'shard-00001.safetensors')),
      /shard-00001.*no such file/,
    ],
    [
      'a shard elsewhere',
      (d) => outside(String(d.folder)),
      /shard-00001.safetensors: is a link out of its folder/,
    ],
  ])('refuses %s', async (_, change, text) => {
    const folder = await filled()
    const path = join(folder, 'cache.json')
    const document = { ...(JSON.parse(readFileSync(path, 'utf8')) as Document), folder }
    change(document)
    writeFileSync(path, JSON.stringify(document))
    expect(() => openCache(folder)).toThrow(CheckpointError)
    expect(() => openCache(folder)).toThrow(text)
  })

  function outside(folder: string): void {
    const [inside, away] = [join(folder, 'shard-00001.safetensors'), join(root, 'away.safetensors')]
    writeFileSync(away, readFileSync(inside))
    rmSync(inside)
    symlinkSync(away, inside)
  }

  it.each<[string, string, number[], RegExp]>([
    ['a class that is none', 'indices', [9], /row 0: no classes and share of the rest that can be/],
    ['a share above 1', 'rest', [2], /row 0: no classes and share/],
    ['a share that is no number', 'rest', [Number.NaN], /row 0: no classes and share/],
    ['rows that run backwards', 'starts', [0, 5, 3], /its starts do not part \d+ tokens/],
    ['rows that begin late', 'starts', [1], /its starts do not part/],
    ['a row twice', 'keys', [1, 1, 1, 1], /row 1 is in the cache twice/],
  ])('refuses a shard with right hashes and %s', async (_, name, values, text) => {
    const folder = await filled({ topK: 2, hidden: 'all', layers: [1], width: 16 }, rows.slice(0, 4))
    const [path, index] = [join(folder, 'shard-00000.safetensors'), join(folder, 'cache.json')]
    const { tensors } = readSafetensors(readFileSync(path))
    tensors.get(name)?.elements.set(values)
    const bytes = writeSafetensors(tensors)
    writeFileSync(path, bytes)
    const document = JSON.parse(readFileSync(index, 'utf8'))
    const keys = tensors.get('keys')?.data as Int32Array
    document.shards[0].sha256 = sha256(bytes)
    document.shards[0].keys = sha256(new Uint8Array(Int32Array.from(keys).buffer))
    writeFileSync(index, JSON.stringify(document))
    const use = () => {
      const cache = openCache(folder)
      cache.logits(Int32Array.of(0))
      cache.hidden(1, Int32Array.of(0))
    }
    expect(use).toThrow(CheckpointError)
    expect(use).toThrow(text)
  })

  it('takes or refuses every mutant of cache.json, and in no other way', async () => {
    const folder = await filled({ topK: 2 }, rows.slice(0, 4))
    const path = join(folder, 'cache.json')
    const good = readFileSync(path)
    const other = Buffer.from('0123456789-.eE"\\{}[],:nulltrue\0\xff', 'latin1')
    let refused = 0
    for (let i = 0; i < 1500; i++) {
      const bytes = Buffer.from(good)
      for (let j = 0; j < 1 + (i % 3); j++) {
        const draw = (k: number, n: number) => Math.floor(uniformAt(keyOf(i, j), k) * n)
        bytes[draw(0, bytes.length)] = other[draw(1, other.length)]
      }
      writeFileSync(path, i % 10 === 0 ? bytes.subarray(0, (i * 7) % bytes.length) : bytes)
      try {
        const cache = openCache(folder)
        cache.logits(Int32Array.of(3))
        cache.close()
      } catch (error) {
        expect(error).toBeInstanceOf(CheckpointError)
        refused++
      }
    }
    expect(refused).toBeGreaterThan(500)
  })

  it('writes nothing that is not finite, or that float16 does not hold', async () => {
    const broken = (x: number): LabellingTeacher => ({
      ...teacher,
      model: Object.assign(Object.create(model), {
        forward: (input: Parameters<typeof model.forward>[0]) => {
          const out = model.forward(input)
          out.logits.elements[1] = x
          return out
        },
      }),
    })
    const write = (x: number, settings = {}) =>
      fillCache(broken(x), rows, CacheWriter.open(fresh(), factsOf(settings)), { file: 'f.tsv' })
    await expect(write(Number.NaN)).rejects.toThrow(/f.tsv:\d+: the teacher gives a logit of NaN/)
    await expect(write(7e4, { dtype: 'float16' })).rejects.toThrow(
      /f.tsv:\d+: .*70000, which float16 does not hold/,
    )
    await write(7e4)
  })
})

describe('keys', () => {
  it('are found in an index that grows', () => {
    const [index, map] = [new KeyIndex(1), new Map<string, number>()]
    for (let i = 0; i < 20000; i++) {
      const text = `text ${i % 15000}`
      const key = keyOfText(text)
      expect(index.add(...key)).toBe(!map.has(text))
      if (!map.has(text)) map.set(text, map.size)
    }
    for (const [text, at] of map) expect(index.find(...keyOfText(text))).toBe(at)
    expect([index.size, index.find(...keyOfText('x'))]).toEqual([15000, -1])
  })

  it('tell one text from two, and stay what they are', () => {
    // From Python: the first 8 bytes of hashlib.sha256(b'["a large grey animal"]'), little-endian.
    expect(keyOfText('a","b')).not.toEqual(keyOfText('a', 'b'))
    expect(keyOfText('a', '')).not.toEqual(keyOfText('a'))
    expect(keyOfText('a large grey animal')).toEqual([209570612, -1554756662])
  })

  it('that are made to collide are refused', () => {
    const index = new KeyIndex()
    const fill = () => {
      for (let i = 0; i < 10000; i++) index.add(0, i)
    }
    expect(fill).toThrow(/are no hashes of texts/)
  })
})
