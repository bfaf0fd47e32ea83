// Sentence embeddings as users have them: vectors out, kept, learnt by a student, judged and searched. The teacher is a small folder
// that sentence-transformers wrote; what it must give is in test/golden/sentence.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { principalRows } from '../../src/distill/embedding/components.js'
import { sentenceFromLayers } from '../../src/distill/from-layers.js'
import { openCache } from '../../src/files/cache/reader.js'
import { loadSentenceEncoder, saveSentenceEncoder } from '../../src/files/sentence/sentence-folder.js'
import { readSafetensors } from '../../src/formats/safetensors/safetensors.js'
import { cosinesOf, embed, recallOf } from '../../src/train/embedding/vectors.js'
import { interruptedIn, run } from './program.js'

const folder = mkdtempSync(join(tmpdir(), 'tinystill-embed-'))
afterAll(() => rmSync(folder, { recursive: true }))
const at = (name: string) => join(folder, name)
const root = join(import.meta.dirname, '../golden/sentence')
const teacher = join(root, 'mean')
const { tensors, metadata } = readSafetensors(readFileSync(join(root, 'golden.safetensors')))
const golden: string[] = JSON.parse(metadata.get('texts')!)
const wanted = tensors.get('mean.vectors')!

const words = 'small large dog cat house river runs sleeps red green'.split(' ')
const text = (i: number) =>
  `a ${words[i % 10]} ${words[Math.floor(i / 10) % 10]} in the ${words[(i * 7 + Math.floor(i / 10) * 3) % 10]}${i % 2 === 0 ? '' : ` ${words[(i + 4) % 10]}`}`
const texts = [...new Set(Array.from({ length: 100 }, (_, i) => text(i)))]
writeFileSync(at('texts.txt'), texts.join('\n'))

const ok = async (...args: string[]) => {
  const { code, out, err } = await run(...args)
  expect(code, err).toBe(0)
  return out
}
const json = async (...args: string[]) => JSON.parse(await ok(...args, '--json', '--quiet'))
const furthest = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a, (x, i) => Math.abs(x - b[i])).reduce((p, q) => Math.max(p, q), 0)
const vectorsOf = async (model: string, list: readonly string[]) => {
  const loaded = loadSentenceEncoder(model)
  return embed({ ...loaded, maxLength: loaded.usualLength }, list)
}

/** float32 rows of a .npy file. */
function npy(file: string): { shape: string; values: Float32Array } {
  const bytes = readFileSync(file)
  const length = bytes.readUInt16LE(8)
  expect([bytes.toString('latin1', 1, 6), (10 + length) % 64]).toEqual(['NUMPY', 0])
  const header = bytes.toString('latin1', 10, 10 + length)
  return {
    shape: /'shape': (\(.*?\))/.exec(header)![1],
    values: new Float32Array(Uint8Array.from(bytes.subarray(10 + length)).buffer),
  }
}

describe('predict', () => {
  it('gives the vectors of sentence-transformers, as JSON and as files', async () => {
    const args = golden.flatMap((t) => ['--text', t])
    const lines = (await ok('predict', '--model', teacher, ...args, '--jsonl')).trim().split('\n')
    const all = lines.flatMap((line) => JSON.parse(line).embedding as number[])
    expect(furthest(all, wanted.data)).toBeLessThan(1e-5)
    await ok('predict', '--model', teacher, ...args, '--vectors', at('v.npy'))
    expect(npy(at('v.npy')).shape).toBe(`(${golden.length}, 16)`)
    expect(furthest(npy(at('v.npy')).values, all)).toBe(0)
    await ok('predict', '--model', teacher, ...args, '--vectors', at('v.safetensors'))
    const { tensors: own } = readSafetensors(readFileSync(at('v.safetensors')))
    expect(furthest(own.get('embeddings')!.data, all)).toBe(0)
  })

  it('puts a prompt in front, and refuses one that is not there', async () => {
    const model = join(root, 'cls')
    const [own] = (await json('predict', '--model', model, '--text', 'river', '--prompt', 'query')).embeddings
    const [same] = (await json('predict', '--model', model, '--text', 'query : river')).embeddings
    expect(own.embedding).toEqual(same.embedding)
    const { code, err } = await run('predict', '--model', model, '--text', 'river', '--prompt', 'x')
    expect([code, err]).toEqual([2, expect.stringContaining('the folder names document, query')])
  })
})

describe('label --embeddings', () => {
  it('keeps the vectors, and by parts the same bytes', async () => {
    const label = (...more: string[]) =>
      ok('label', '--teacher', teacher, '--embeddings', '--shard-rows', '16', '--quiet', ...more)
    await label('--data', at('texts.txt'), '--out', at('cache'))
    const cache = openCache(at('cache'))
    const { values } = await vectorsOf(teacher, texts)
    expect(furthest(cache.vectors(cache.locate({ texts })), values)).toBe(0)
    expect(() => cache.logits(Int32Array.of(0))).toThrow('holds embeddings, no logits')
    cache.close()
    await ok('split', '--data', at('texts.txt'), '--out', at('parts'), '--rows', '64', '--quiet')
    mkdirSync(at('caches'))
    await label('--parts', at('parts'), '--out', at('caches'))
    await ok('join', '--parts', at('parts'), '--caches', at('caches'), '--out', at('joined'), '--quiet')
    for (const name of ['shard-00000.safetensors', 'shard-00005.safetensors'])
      expect(readFileSync(join(at('joined'), name)).equals(readFileSync(join(at('cache'), name)))).toBe(true)
    expect(openCache(at('joined')).vectorSize).toBe(16)
  })

  it('a cache that says otherwise than it is', async () => {
    await ok(
      'label',
      '--teacher',
      teacher,
      '--embeddings',
      '--data',
      at('texts.txt'),
      '--out',
      at('broken'),
      '--quiet',
    )
    const file = join(at('broken'), 'cache.json')
    const document = JSON.parse(readFileSync(file, 'utf8'))
    expect([document.labels, document.problemType, document.settings.embedding]).toEqual([[], undefined, 16])
    for (const [change, reason] of [
      [
        { settings: { ...document.settings, embedding: 15 } },
        /embedding is F32 \[\d+, 16\], the cache says F32 \[\d+, 15\]/,
      ],
      [{ settings: { ...document.settings, embedding: 0 } }, /embedding must be/],
      [{ settings: { ...document.settings, topK: 2 } }, /topK must be null beside embedding/],
      [{ labels: ['x'] }, /labels must be empty beside settings.embedding/],
    ] as const) {
      writeFileSync(file, JSON.stringify({ ...document, ...change }))
      expect(() => openCache(at('broken'))).toThrow(reason)
    }
  })

  it('--top-k is of logits', async () => {
    const { code, err } = await run(
      'label',
      '--teacher',
      teacher,
      '--embeddings',
      '--top-k',
      '2',
      '--data',
      at('texts.txt'),
      '--out',
      at('no'),
    )
    expect([code, err]).toEqual([2, expect.stringContaining('--top-k goes with logits')])
  })
})

describe('distill', () => {
  const distil = (recipe: string, out: string, ...more: string[]) =>
    json(
      'distill',
      '--recipe',
      recipe,
      '--train',
      at('texts.txt'),
      '--out',
      at(out),
      '--lr',
      '3e-3',
      '--batch-size',
      '16',
      ...more,
    )

  it('embed-layers: nearer to the teacher than where it began, from a model and from its cache alike', async () => {
    await ok(
      'label',
      '--teacher',
      teacher,
      '--embeddings',
      '--data',
      at('texts.txt'),
      '--out',
      at('kept'),
      '--quiet',
    )
    const wants = await vectorsOf(teacher, texts)
    const near = async (model: string) => {
      const cosines = cosinesOf(await vectorsOf(model, texts), wants)
      return cosines.reduce((a, b) => a + b, 0) / cosines.length
    }
    await distil(
      'embed-layers',
      'begin',
      '--teacher',
      teacher,
      '--from-layers',
      '1',
      '--steps',
      '1',
      '--warmup',
      '100',
    )
    await distil('embed-layers', 'one', '--teacher', teacher, '--from-layers', '1', '--epochs', '6')
    expect(await near(at('one'))).toBeGreaterThan((1 + (await near(at('begin')))) / 2)
    const student = at('begin')
    const [live, cached] = await Promise.all(
      [teacher, at('kept')].map((from, i) =>
        distil('embed-small', `same${i}`, '--teacher', from, '--student', student, '--loss', 'mse'),
      ),
    )
    expect(live.params).toBe(cached.params)
    const [a, b] = [0, 1].map((i) => readFileSync(join(at(`same${i}`), 'model.safetensors')))
    expect(a.equals(b)).toBe(true)
  })

  it('embed-small: a student of another size, and matryoshka', async () => {
    const config = JSON.parse(readFileSync(join(teacher, 'config.json'), 'utf8'))
    writeFileSync(at('narrow.json'), JSON.stringify({ ...config, hidden_size: 8, intermediate_size: 16 }))
    const { size, test } = await distil(
      'embed-small',
      'narrow',
      '--teacher',
      teacher,
      '--student',
      at('narrow.json'),
      '--matryoshka',
      '4,2',
      '--test',
      at('texts.txt'),
    )
    expect(size).toBe(8)
    expect(Object.keys(test)).toEqual(['recall@1', 'recall@10'])
    expect(loadSentenceEncoder(at('narrow')).model.size).toBe(8)
    const { code, err } = await run(
      'distill',
      '--recipe',
      'embed-small',
      '--train',
      at('texts.txt'),
      '--teacher',
      teacher,
      '--student',
      at('narrow.json'),
      '--matryoshka',
      '9',
      '--out',
      at('no'),
    )
    expect([code, err]).toEqual([2, expect.stringContaining("--matryoshka 9: the student's vectors have 8")])
  })

  it('embed-multilingual: source and target both come to the vector of the source', async () => {
    const swap = (t: string) => t.replaceAll('dog', 'passage').replaceAll('cat', 'query')
    const rows = texts.filter((t) => swap(t) !== t).slice(0, 60)
    writeFileSync(at('pairs.tsv'), ['text\ttext_b', ...rows.map((t) => `${t}\t${swap(t)}`)].join('\n'))
    const wants = await vectorsOf(teacher, rows)
    const near = async (model: string) => {
      const targets = await vectorsOf(model, rows.map(swap))
      const cosines = cosinesOf(targets, wants)
      return cosines.reduce((a, b) => a + b, 0) / rows.length
    }
    const before = await near(teacher)
    await json(
      ...[
        'distill',
        '--recipe',
        'embed-multilingual',
        '--teacher',
        teacher,
        '--student',
        teacher,
        '--train',
        at('pairs.tsv'),
      ],
      ...['--dev', at('pairs.tsv'), '--out', at('ml'), '--lr', '3e-3', '--epochs', '12'],
    )
    const after = await near(at('ml'))
    expect(after).toBeGreaterThan((1 + before) / 2)
    const { code, err } = await run(
      'distill',
      '--recipe',
      'embed-multilingual',
      '--teacher',
      teacher,
      '--student',
      teacher,
      '--train',
      at('texts.txt'),
      '--out',
      at('no'),
    )
    expect([code, err]).toEqual([1, expect.stringContaining('has no second texts')])
  })

  it('embed-pca: the directions that numpy finds, in a folder', async () => {
    const { size } = await distil('embed-pca', 'pca', '--teacher', teacher, '--dim', '8')
    expect(size).toBe(8)
    const own = await vectorsOf(at('pca'), texts)
    const all = await vectorsOf(teacher, texts)
    const rows = principalRows(all, 16)
    // Whole, the rows are orthonormal; the first 8 keep the most of the squares that any 8 directions can.
    for (let i = 0; i < 16; i++)
      for (let j = 0; j <= i; j++) {
        const dot = Array.from({ length: 16 }, (_, k) => rows[i * 16 + k] * rows[j * 16 + k]).reduce(
          (a, b) => a + b,
          0,
        )
        expect(dot).toBeCloseTo(i === j ? 1 : 0, 5)
      }
    expect(recallOf(own, all, [10])['recall@10']).toBeGreaterThan(0.6)
    const model = loadSentenceEncoder(at('pca')).model
    expect(model.steps.map((step) => step.constructor.name)).toEqual(['Normalize', 'Dense', 'Normalize'])
    expect(() => principalRows(all, 17)).toThrow('1 to 16 components')
  })

  it.each<[string[], string]>([
    [['--recipe', 'embed-layers', '--T', '2'], '--T: the recipe embed-layers learns vectors'],
    [['--recipe', 'embed-pca'], '--dim: how many numbers'],
    [['--recipe', 'embed-small'], '--student or --from-layers must say'],
    [['--recipe', 'hinton', '--task', 'embed'], '--task goes with the embed recipes'],
    [['--recipe', 'embed-pca', '--dim', '4', '--seeds', '2'], '--seeds: embed-pca draws nothing'],
  ])('refuses %j', async (args, reason) => {
    const { code, err } = await run(
      'distill',
      '--teacher',
      teacher,
      '--train',
      at('texts.txt'),
      '--out',
      at('no'),
      ...args,
    )
    expect([code, err]).toEqual([2, expect.stringContaining(reason)])
  })
})

describe('distill over seeds, with lines beside the student', () => {
  const args = (out: string, ...more: string[]) => [
    ...['distill', '--recipe', 'embed-layers', '--teacher', teacher, '--from-layers', '1'],
    ...['--train', at('judged.tsv'), '--test', at('judged.tsv'), '--steps', '6', '--batch-size', '16'],
    ...['--lr', '3e-3', '--out', at(out), '--json', '--quiet', ...more],
  ]
  const three = ['--seeds', '3', '--baseline']
  const record = (name: string) => JSON.parse(readFileSync(join(at(name), 'run.json'), 'utf8'))
  /** What does not depend on the clock. */
  const lasting = (name: string) => {
    const { models, right, figures } = record(name)
    const seeds = Object.entries<{ seeds: Record<string, unknown>[] }>(models).map(([model, own]) => [
      model,
      own.seeds.map(({ spearman, pearson, params, bytes, steps, ...rest }) => ({
        ...{ spearman, pearson, params, bytes, steps, recall: rest['recall@10'] },
      })),
    ])
    return { seeds: Object.fromEntries(seeds), right, figures }
  }

  it('a table, verdicts, and after an interruption the same bytes', async () => {
    const rows = texts.slice(0, 60).map((t, i) => `${t}\t${texts[(i * 7 + 1) % 60]}\t${(i % 5) / 4}`)
    writeFileSync(at('judged.tsv'), ['text\ttext_b\tscore', ...rows].join('\n'))
    const { models, verdicts, spearman } = JSON.parse(await ok(...args('thrice', ...three)))
    expect(Object.keys(models)).toEqual(['teacher', 'linear', 'distilled', 'alone'])
    expect([models.distilled.seeds.length, models.alone.seeds.length]).toEqual([3, 3])
    expect(models.alone.seeds.map(({ steps }: { steps: number }) => steps)).toEqual([6, 6, 6])
    expect(Object.keys(verdicts)).toEqual(['teacher', 'linear', 'alone'])
    const each = models.distilled.seeds.map((one: { spearman: number }) => one.spearman)
    expect(spearman).toBeCloseTo((each[0] + each[1] + each[2]) / 3, 12)
    expect(verdicts.teacher).toMatchObject({ seeds: 3, rows: 60, comparisons: 3 })
    expect(verdicts.teacher.gain).toBeCloseTo(spearman - models.teacher.spearman, 6)
    expect(verdicts.teacher.interval[0]).toBeLessThan(verdicts.teacher.gain)
    expect(models.linear.seeds[0]).toHaveProperty('recall@10')
    // The same as of the same start by train.
    const loaded = loadSentenceEncoder(teacher)
    saveSentenceEncoder(at('start'), { ...loaded, model: sentenceFromLayers(loaded.model, [1]) })
    const lone = await json(
      ...[
        'train',
        '--task',
        'embed',
        '--model',
        at('start'),
        '--train',
        at('judged.tsv'),
        '--out',
        at('lone'),
      ],
      ...[
        '--test',
        at('judged.tsv'),
        '--steps',
        '6',
        '--batch-size',
        '16',
        '--lr',
        '3e-3',
        '--warmup',
        '0.1',
      ],
    )
    expect(models.alone.seeds[0].spearman).toBe(lone.spearman)
    const page = readFileSync(join(at('thrice'), 'report.html'), 'utf8')
    expect(page).toContain('More than chance?')
    expect(record('thrice').verdicts.at(-1)).toContain('Intervals: over seeds and test rows')

    // The third training: of the second seed, by the recipe.
    expect(await interruptedIn(3, ...args('again', ...three))).toBe(130)
    expect(record('again').status).toBe('interrupted')
    await ok(...args('again', ...three, '--resume'))
    expect(lasting('again')).toEqual(lasting('thrice'))
    for (const name of ['model.safetensors', 'metrics.jsonl'])
      expect(readFileSync(join(at('again'), name)).equals(readFileSync(join(at('thrice'), name)))).toBe(true)

    // What is written is the first seed's.
    await ok(...args('once'))
    const [one, first] = ['once', 'thrice'].map((name) => readFileSync(join(at(name), 'model.safetensors')))
    expect(one.equals(first)).toBe(true)
    expect(record('once').verdicts).toEqual([])
  })

  it('from single texts no student alone, and no verdict from fewer than 3 seeds', async () => {
    const { code, out, err } = await run(
      ...['distill', '--recipe', 'embed-layers', '--teacher', teacher, '--from-layers', '1', '--seeds', '2'],
      ...[
        '--train',
        at('texts.txt'),
        '--test',
        at('texts.txt'),
        '--steps',
        '2',
        '--baseline',
        '--out',
        at('two'),
      ],
    )
    expect(code, err).toBe(0)
    expect(err).toContain('has no second texts, so that no student can be trained by pairs alone')
    expect(out).toContain('larger than chance: unknown, 2 seeds do not tell how far seeds scatter')
    const { judgements, models } = record('two')
    expect([Object.keys(models), Object.keys(judgements)]).toEqual([
      ['teacher', 'linear', 'distilled'],
      ['linear'],
    ])
    expect(judgements.linear.rows).toBe(texts.length)
  })
})

describe('train, eval and search', () => {
  it('scored pairs are learnt, and pairs without scores', async () => {
    const scored = texts.slice(0, 60).map((t, i) => `${t}\t${texts[(i * 7 + 1) % 60]}\t${(i % 5) / 4}`)
    writeFileSync(at('scored.tsv'), ['text\ttext_b\tscore', ...scored].join('\n'))
    const train = (file: string, out: string, ...more: string[]) =>
      json(
        'train',
        '--task',
        'embed',
        '--model',
        teacher,
        '--train',
        at(file),
        '--dev',
        at(file),
        '--out',
        at(out),
        '--lr',
        '3e-3',
        '--epochs',
        '10',
        ...more,
      )
    const before = await json('eval', '--model', teacher, '--data', at('scored.tsv'))
    expect((await train('scored.tsv', 'learnt')).spearman).toBeGreaterThan(before.spearman + 0.2)
    const partner = (t: string) => t.split(' ').reverse().join(' ')
    writeFileSync(
      at('bare.tsv'),
      ['text\ttext_b', ...texts.slice(0, 60).map((t) => `${t}\t${partner(t)}`)].join('\n'),
    )
    const known = await json('eval', '--model', teacher, '--data', at('bare.tsv'))
    const after = await train('bare.tsv', 'partners', '--matryoshka', '8')
    expect(after.found).toBeGreaterThan(known.found)
  })

  it('eval: a model agrees with its own cosines, and finds its own neighbours', async () => {
    const [a, b] = [texts.slice(0, 40), texts.slice(40, 80)]
    const cosines = cosinesOf(await vectorsOf(teacher, a), await vectorsOf(teacher, b))
    writeFileSync(
      at('own.tsv'),
      ['text\ttext_b\tscore', ...a.map((t, i) => `${t}\t${b[i]}\t${cosines[i]}`)].join('\n'),
    )
    const { spearman, pearson, ...more } = await json(
      'eval',
      '--model',
      teacher,
      '--data',
      at('own.tsv'),
      '--teacher',
      teacher,
    )
    expect(spearman).toBeCloseTo(1, 3)
    expect(pearson).toBeCloseTo(1, 4)
    expect([more['recall@1'], more['recall@10']]).toEqual([1, 1])
    const { code, err } = await run('eval', '--model', teacher, '--data', at('texts.txt'))
    expect([code, err]).toEqual([2, expect.stringContaining('--teacher names the model')])
  })

  it('search finds the text itself first', async () => {
    const { found } = await json(
      'search',
      '--model',
      teacher,
      '--texts',
      at('texts.txt'),
      '--top',
      '3',
      texts[17],
    )
    expect(found[0].text).toBe(texts[17])
    expect(found[0].line).toBe(18)
    expect(found[0].cosine).toBeCloseTo(1, 5)
    expect(found.length).toBe(3)
  })
})
