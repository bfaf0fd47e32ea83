// Generation and training on next words beside Python's transformers: test/golden/generate.py.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import '../../src/index.js'
import { tensor } from '../../src/autograd/create.js'
import { noGrad } from '../../src/autograd/graph.js'
import { ShapeError } from '../../src/errors.js'
import { loadPretrained, writePretrained } from '../../src/files/models/on-disk.js'
import type { NextWords } from '../../src/nn/models/heads.js'
import { setBackend } from '../../src/tensor/backend.js'
import { keyOf, uniformAt } from '../../src/tensor/rng.js'
import { memory } from '../../src/tensor/storage.js'
import { runningData } from '../../src/text/corpus.js'
import { encodedData } from '../../src/text/dataset.js'
import type { Tokenizer } from '../../src/text/encoding.js'
import { textOf, writerOf } from '../../src/text/pieces/written.js'
import { type GenerateOptions, generate } from '../../src/train/language/generate.js'
import { nextWordFigures, nextWordsOf } from '../../src/train/language/next-words.js'
import { drawn, probabilities, type Sampling } from '../../src/train/language/sampling.js'
import { backends, choose } from '../backends.js'

const golden = join(import.meta.dirname, '../golden')
const folder = join(golden, 'generate')
const given = JSON.parse(readFileSync(join(golden, 'generate.json'), 'utf8'))
const dir = mkdtempSync(join(tmpdir(), 'tinystill-generate-'))
afterAll(() => rmSync(dir, { recursive: true }))
afterEach(() => void setBackend('auto'))

const open = (at = folder) => {
  const { model, tokenizer, info } = loadPretrained(at)
  expect(info).toEqual({ fresh: [], unused: [], notes: [] })
  expect(model.kind).toBe('causal-lm')
  return { model: model as NextWords, tokenizer: tokenizer as Tokenizer }
}

async function all(model: NextWords, ids: readonly number[], options: GenerateOptions) {
  const out: number[] = []
  const words = generate(model, ids, options)
  for (;;) {
    const { done, value } = await words.next()
    if (done) return { out, ended: value }
    out.push(value)
  }
}

describe.each(backends)('on %s', (backend) => {
  it.each(given.greedy as [number[], number, number[], number?][])(
    'greedy, %j: the words of transformers',
    async (ids, maxNewTokens, want, stop) => {
      choose(backend)
      const { model } = open()
      const { out, ended } = await all(model, ids, {
        maxNewTokens,
        ...(stop !== undefined && { stop: [stop] }),
      })
      expect(out).toEqual(want)
      expect(ended).toBe(stop === undefined ? 'tokens' : 'stop')
    },
  )

  it('perplexity', async () => {
    choose(backend)
    const encoded = given.rows.map((row: number[]) => ({
      ids: Int32Array.from(row),
      typeIds: new Int32Array(24),
    }))
    const { model } = open()
    for (const padding of [false, true]) {
      const { perplexity, loss } = await nextWordFigures(model, encodedData(encoded, 0, { padding }), {
        batchSize: 2,
      })
      expect(Math.abs(perplexity / given.perplexity - 1)).toBeLessThan(1e-4)
      expect(loss).toBeCloseTo(Math.log(perplexity), 6)
    }
  })
})

describe('sampling', () => {
  it.each(given.warpers as [number[], Sampling, number[]][])(
    'as the warpers, case %#',
    (logits, settings, want) => {
      const own = probabilities(logits, settings)
      expect(Array.from(own, (p) => p > 0)).toEqual(want.map((p) => p > 0))
      expect(Math.max(...want.map((p, i) => Math.abs(p - own[i])))).toBeLessThan(1e-6)
    },
  )

  it('keeps what is equal to the last of topK, and of equals at the edge of topP as many as it takes', () => {
    expect(Array.from(probabilities([1, 3, 3, 3], { topK: 2 }))).toEqual([0, 1 / 3, 1 / 3, 1 / 3])
    expect(Array.from(probabilities([0, 0, 0, 0], { topP: 0.5 }))).toEqual([0, 0, 0.5, 0.5])
    expect(Array.from(probabilities([-Infinity, 2], { topP: 0.9 }))).toEqual([0, 1])
  })

  it('draws by the probabilities: chi-squared over 20,000 words', () => {
    const p = probabilities(given.warpers[3][0], { topK: 12, temperature: 1.3 })
    const n = 20_000
    const count = new Float64Array(p.length)
    for (let i = 0; i < n; i++) count[drawn(p, uniformAt(keyOf(5, 'draws'), i))]++
    expect(count.every((c, i) => c === 0 || p[i] > 0)).toBe(true)
    const chi = p.reduce((sum, x, i) => sum + (x > 0 ? (count[i] - n * x) ** 2 / (n * x) : 0), 0)
    // 11 degrees of freedom: 0.999 lies at 31.3.
    expect(chi).toBeLessThan(31.3)
    expect(drawn(Float64Array.of(0.5, 0.4999, 0), 0.99999)).toBe(1)
  })

  it('is a function of the seed', async () => {
    const { model } = open()
    const draw = (seed: number) => all(model, [5, 6], { seed, temperature: 1.5, maxNewTokens: 12 })
    expect(await draw(1)).toEqual(await draw(1))
    expect((await draw(2)).out).not.toEqual((await draw(1)).out)
    const one = await all(model, [5, 6], { seed: 9, topK: 1, maxNewTokens: 12 })
    expect(one).toEqual(await all(model, [5, 6], { maxNewTokens: 12 }))
  })

  it.each<[GenerateOptions, string]>([
    [{ temperature: 0 }, 'generate: temperature must be above 0, got 0'],
    [{ topP: 1.2 }, 'generate: topP must be above 0 and at most 1, got 1.2'],
    [{ topK: 0 }, 'topK must be a whole number from 1 on, got 0'],
    [{ maxNewTokens: -1 }, 'maxNewTokens'],
    [{ topQ: 1 } as never, 'topQ'],
  ])('%o is refused', async (options, message) => {
    await expect(all(open().model, [1], options)).rejects.toThrow(message)
  })
})

describe('generating', () => {
  it('ends where the model takes no more, and gives all memory back', async () => {
    const { model } = open()
    model.train()
    const before = memory().buffers
    const { out, ended } = await all(model, given.greedy[6][0], { maxNewTokens: 100 })
    expect([out.length, ended]).toEqual([20, 'context'])
    expect(out).toEqual(given.greedy[6][2])
    expect(memory().buffers).toBeLessThanOrEqual(before)
    expect(model.training).toBe(true)
    for await (const _ of generate(model, [1, 2])) break
    expect(memory().buffers).toBeLessThanOrEqual(before)
    await expect(all(model, Array(25).fill(1), {})).rejects.toThrow('generate: 25 ids, the model takes 24')
    await expect(all(model, [], {})).rejects.toThrow(ShapeError)
    await expect(all(model, [636], {})).rejects.toThrow('636')
  })

  it('with a cache, piece by piece, gives what one pass gives', () => {
    const { model } = open()
    const ids = given.rows[0] as number[]
    const input = (from: number, to: number) =>
      tensor(Int32Array.from(ids.slice(from, to)), { shape: [1, to - from] })
    const whole = noGrad(() => model.forward({ inputIds: input(0, 24) }).logits).data
    const cache = model.newCache(3)
    const parts = [0, 7, 8, 9, 15].flatMap((from, i, list) => {
      const inputIds = input(from, list[i + 1] ?? 24)
      return Array.from(noGrad(() => model.forward({ inputIds, cache }).logits).data)
    })
    expect(Math.max(...parts.map((x, i) => Math.abs(x - whole[i])))).toBeLessThan(1e-4)
    expect(() => model.forward({ inputIds: input(0, 1), cache })).toThrow(
      '25 tokens a text, the model takes 24',
    )
    expect(cache[0].length).toBe(24)
  })
})

describe('text', () => {
  const { tokenizer } = open()

  it.each(given.encoded as [string, number[]][])('%j is encoded as in Python', (text, ids) => {
    expect(Array.from(tokenizer.encode(text).ids)).toEqual(ids)
  })

  it('is written as in Python, whole and piece by piece', () => {
    for (const [ids, text] of given.texts as [number[], string][]) expect(textOf(tokenizer, ids)).toBe(text)
    const writer = writerOf(tokenizer)!
    const dog = Array.from(tokenizer.pieces('a 🐕!'), (id) => writer.push(id))
    expect(dog.join('')).toBe('a 🐕!')
    expect(dog).toContain('')
    expect(() => writer.push(5000)).toThrow('id 5000 is outside a vocabulary of 636')
  })

  it('runs together, each with its end, in rows of one length', () => {
    const data = runningData(['the dog', 'barks', 'x'], tokenizer, { maxLength: 4 })
    const ids = ['the dog', 'barks', 'x'].flatMap((text) => [...tokenizer.pieces(text), 635])
    const rows = Array.from({ length: data.size }, (_, i) =>
      Array.from(data.input(Int32Array.of(i)).inputIds.data),
    )
    expect(rows.flat()).toEqual(ids.slice(0, rows.flat().length))
    expect(ids.length - rows.flat().length).toBeLessThan(2)
    expect(rows.slice(0, -1).every((row) => row.length === 4)).toBe(true)
    const { inputIds } = data.input(Int32Array.of(0, 1))
    const next = Array.from(nextWordsOf(data.input(Int32Array.of(0, 1))).data)
    expect(next).toEqual([...inputIds.data].map((_, i) => (i % 4 === 3 ? -100 : inputIds.data[i + 1])))
  })
})

it('a folder goes there and back, and its weights are in the form of Python', () => {
  const { model, tokenizer } = open()
  const to = mkdtempSync(join(dir, 'again-'))
  writePretrained(to, { model, tokenizer })
  for (const name of ['config.json', 'tokenizer_config.json']) {
    const [theirs, ours] = [folder, to].map((at) => JSON.parse(readFileSync(join(at, name), 'utf8')))
    const known = ['n_inner', 'dtype', 'transformers_version', 'backend', 'errors', 'pad_token']
    for (const [key, value] of Object.entries(theirs))
      if (!known.includes(key)) expect(ours[key], key).toEqual(value)
  }
  const bytes = (at: string) => readFileSync(join(at, 'model.safetensors'))
  const header = (file: Buffer) => {
    const all = JSON.parse(file.subarray(8, 8 + Number(file.readBigUInt64LE())).toString())
    return Object.fromEntries(
      Object.entries(all).map(([name, entry]) => [name, (entry as { shape: number[] }).shape]),
    )
  }
  expect(header(bytes(to))).toEqual(header(bytes(folder)))
  const [a, b] = [open(), open(to)].map((own) => own.model.stateDict())
  expect([...b.keys()]).toEqual([...a.keys()])
  for (const [name, t] of a) expect(b.get(name)!.data, name).toEqual(t.data)
})
