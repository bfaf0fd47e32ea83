// tinystill label as a user runs it: a cache of a teacher's outputs, gone on with after kills, refused where it does not fit.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { main } from '../../src/cli/main.js'
import { openCache } from '../../src/files/cache/reader.js'
import { loadClassifier, writePretrained } from '../../src/files/models/on-disk.js'
import { DistilBertForSequenceClassification } from '../../src/nn/models/bert.js'
import { textData } from '../../src/text/dataset.js'
import { trainWordPiece } from '../../src/text/wordpiece-train.js'
import { predict } from '../../src/train/predict.js'
import { saveTinyModel } from './model.js'

const folder = mkdtempSync(join(tmpdir(), 'tinystill-label-'))
afterAll(() => rmSync(folder, { recursive: true }))
const at = (name: string) => join(folder, name)

const words = 'a large grey animal small red fruit lives in the sea'.split(' ')
const texts = Array.from({ length: 300 }, (_, i) => `${words[i % 11]} ${words[(i * 7) % 11]} ${i}`)
writeFileSync(at('data.txt'), texts.join('\n'))
saveTinyModel(at('own'))
const tokenizer = trainWordPiece(texts, { size: 60 })
const sizes = { width: 8, layers: 2, heads: 2, inner: 8, maxLength: 16, labels: ['x', 'y', 'z'] }
writePretrained(at('bert'), {
  model: new DistilBertForSequenceClassification({ vocabSize: tokenizer.vocabSize, ...sizes }),
  tokenizer,
})

async function label(teacher: string, out: string, ...more: string[]) {
  let [text, err] = ['', '']
  const args = ['label', '--teacher', at(teacher), '--data', at('data.txt'), '--out', at(out), ...more]
  const code = await main(args, {
    stdout: {
      write: (s) => {
        text += s
      },
    },
    stderr: {
      write: (s) => {
        err += s
      },
    },
    lines: async function* () {},
    now: () => performance.now(),
  })
  return { code, out: text, err }
}

const bytesOf = (name: string) =>
  Object.fromEntries(
    readdirSync(at(name))
      .sort()
      .map((file) => [file, readFileSync(join(at(name), file), 'hex')]),
  )

describe('tinystill label', () => {
  it("writes the teacher's logits, and says how fast", async () => {
    const { code, out, err } = await label('bert', 'plain', '--shard-rows', '128', '--json')
    expect(code, err).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ rows: 300, duplicates: 0, shards: 3, seed: 1, out: at('plain') })
    expect(err).toMatch(/300 rows; [\d,]+ rows\/s, .* in 3 shards/)
    const cache = openCache(at('plain'))
    expect(cache.manifest).toMatchObject({
      complete: true,
      labels: ['x', 'y', 'z'],
      data: { file: at('data.txt') },
    })
    const { model } = loadClassifier(at('bert'))
    const live = predict(model, textData(texts, null, tokenizer, 16))
    cache.rows(texts).forEach((z, i) => {
      expect(z).toBeCloseTo(live[i], 5)
    })
    cache.close()
  })

  it('keeps what is asked for', async () => {
    const more = [
      '--top-k',
      '1',
      '--dtype',
      'float16',
      '--hidden',
      'all',
      '--layers',
      '2,0',
      '--max-length',
      '8',
    ]
    expect((await label('bert', 'rich', ...more, '--quiet')).code).toBe(0)
    const cache = openCache(at('rich'))
    expect(cache.manifest.settings).toEqual({
      ...{ topK: 1, dtype: 'float16', hidden: 'all', layers: [0, 2], depth: 2, width: 8 },
      ...{ maxLength: 8, batchSize: 64, shardRows: 256 },
    })
    expect(cache.targets({ texts }).hidden(2, Int32Array.of(0)).starts[1]).toBeGreaterThan(3)
    cache.close()
    expect((await label('bert', 'last', '--hidden', 'last')).code).toBe(0)
    expect((await label('own', 'own-cache')).code).toBe(0)
    expect(openCache(at('own-cache')).classes).toEqual(['animal', 'food'])
  })

  it.each<[string, string, string[], RegExp]>([
    ['more of the top than classes', 'bert', ['--top-k', '3'], /--top-k 3: the teacher has 3 classes/],
    ['texts too long', 'bert', ['--max-length', '17'], /--max-length 17: the teacher takes at most 16/],
    ['states of a model without', 'own', ['--hidden', 'cls'], /own: is a model that gives no hidden states/],
    ['layers without states', 'bert', ['--layers', '1'], /--layers: goes with --hidden all/],
    [
      'layers that are not there',
      'bert',
      ['--hidden', 'cls', '--layers', '3'],
      /--layers 3: the teacher has layers 1 to 2/,
    ],
    ['no teacher', 'none', [], /none: cannot be read/],
    ['no data', 'bert', ['--data', at('none.tsv')], /none.tsv: cannot be read/],
  ])('refuses %s in one line', async (_, teacher, more, text) => {
    const { code, err } = await label(teacher, 'refused', ...more)
    expect([code, err]).toEqual([expect.toBeOneOf([1, 2]), expect.stringMatching(text)])
    expect(existsSync(at('refused'))).toBe(false)
  })

  it("refuses to write into the teacher's folder, which would be read as a cache from then on", async () => {
    const { code, err } = await label('bert', 'bert')
    expect([code, err]).toEqual([1, expect.stringContaining('is the folder of the model itself')])
    expect(existsSync(at('bert/cache.json'))).toBe(false)
  })

  it('knows the tokenizer by its file, and goes on with caches of before, which knew it as it is read', async () => {
    const sha256 = (file: string) =>
      createHash('sha256')
        .update(readFileSync(at(file)))
        .digest('hex')
    const file = at('before/cache.json')
    expect((await label('bert', 'before', '--quiet')).code).toBe(0)
    const now = readFileSync(file, 'utf8')
    const { teacher, ...rest } = JSON.parse(now)
    expect(teacher.tokenizer).toBe(sha256('bert/tokenizer.json'))
    const { ids, ...own } = teacher
    const before = { ...rest, version: 1, teacher: { ...own, tokenizer: ids } }
    writeFileSync(file, JSON.stringify(before))
    const cache = openCache(at('before'))
    expect(cache.manifest.teacher).toMatchObject({ tokenizer: null, ids })
    cache.close()
    expect((await label('bert', 'before', '--resume', '--quiet')).code).toBe(0)
    expect(readFileSync(file, 'utf8')).toBe(now)
    writeFileSync(file, JSON.stringify({ ...before, teacher: { ...own, tokenizer: own.config } }))
    const { code, err } = await label('bert', 'before', '--resume', '--quiet')
    expect([code, err]).toEqual([
      1,
      expect.stringMatching(/cache.json: teacher.tokenizer is "\w+" there and/),
    ])

    cpSync(at('bert'), at('lines'), { recursive: true })
    rmSync(at('lines/tokenizer.json'))
    expect((await label('lines', 'lines-cache', '--quiet')).code).toBe(0)
    const lines = openCache(at('lines-cache'))
    expect(lines.manifest.teacher.tokenizer).toBe(sha256('lines/vocab.txt'))
    lines.close()
  })

  it('goes on only with the same teacher, data and settings', async () => {
    await label('bert', 'kept')
    const before = bytesOf('kept')
    const refusal = async (...more: string[]) => (await label('bert', 'kept', ...more)).err
    expect(await refusal()).toMatch(/cache.json: holds a cache already/)
    expect(await refusal('--resume', '--top-k', '2')).toMatch(/settings.topK is null there and 2 now/)
    expect(await refusal('--resume', '--data', at('plain/cache.json'))).toMatch(/cache.json:1: is no list/)
    const done = await label('bert', 'kept', '--resume')
    expect([done.code, done.err]).toEqual([0, expect.stringMatching(/300 of 300 rows are there already/)])
    const other = await label('own', 'kept', '--resume')
    expect(other.err).toMatch(/teacher.weights is "[0-9a-f]{64}" there and "[0-9a-f]{64}" now/)
    expect(bytesOf('kept')).toEqual(before)
    appendFileSync(at('data.txt'), '\nmore')
    expect(await refusal('--resume')).toMatch(/data.sha256 is/)
    writeFileSync(at('data.txt'), texts.join('\n'))
  })
})

describe('the program', () => {
  const bin = join(import.meta.dirname, '../../dist/cli/bin.js')
  const args = (out: string) =>
    ['label', '--teacher', at('bert'), '--data', at('data.txt'), '--out', at(out)].concat([
      ...['--shard-rows', '4', '--batch-size', '2', '--quiet', '--resume', '--threads', '1'],
    ])

  /** Its exit code, or null where it was killed when the cache had `shards`. */
  async function program(out: string, shards: number): Promise<number | null> {
    const child = spawn(process.execPath, [bin, ...args(out)], { stdio: 'ignore' })
    const watch = setInterval(() => {
      if (existsSync(join(at(out), `shard-${String(shards).padStart(5, '0')}.safetensors`)))
        child.kill('SIGKILL')
    }, 1)
    const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
    clearInterval(watch)
    return code
  }

  it('killed at any moment goes on to the same bytes', async () => {
    expect(await program('whole', Infinity)).toBe(0)
    const codes = []
    for (const shards of [3, 17, 31, 52]) codes.push(await program('killed', shards))
    expect(codes).toContain(null)
    expect(await program('killed', Infinity)).toBe(0)
    expect(bytesOf('killed')).toEqual(bytesOf('whole'))
  })
})
