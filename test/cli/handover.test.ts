// tinystill export-training: what it writes is the recipe's, and what cannot be handed over is refused by its reason.
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openCache } from '../../src/files/cache/reader.js'
import { loadClassifier, writePretrained } from '../../src/files/models/on-disk.js'
import { readSafetensors } from '../../src/formats/safetensors/safetensors.js'
import { BertForSequenceClassification } from '../../src/nn/models/bert.js'
import { textData } from '../../src/text/dataset.js'
import { trainWordPiece } from '../../src/text/wordpiece-train.js'
import { predict } from '../../src/train/predict.js'
import { reviews, run } from './program.js'

const folder = mkdtempSync(join(tmpdir(), 'tinystill-handover-'))
afterAll(() => rmSync(folder, { recursive: true }))
const at = (name: string) => join(folder, name)
const json = (name: string) => JSON.parse(readFileSync(at(name), 'utf8'))
const weightsOf = (name: string) => readSafetensors(readFileSync(at(name))).tensors

const rows = reviews(40).map(([text, label], i) => [`${text} ${'so '.repeat(i % 4)}${i}`, label])
const more = rows.map(([text]) => `${text} again`)
const tokenizer = trainWordPiece(more, { size: 100 })
const sizes = { width: 8, layers: 2, heads: 2, inner: 8, maxLength: 32 }

beforeAll(() => {
  writeFileSync(at('train.tsv'), rows.map((row) => row.join('\t')).join('\n'))
  writeFileSync(at('more.txt'), [...more, more[0]].join('\n'))
  writeFileSync(
    at('student.json'),
    JSON.stringify({
      ...{ model_type: 'bert', hidden_size: 8, num_hidden_layers: 1, num_attention_heads: 2 },
      ...{ intermediate_size: 8, max_position_embeddings: 32, hidden_dropout_prob: 0.1 },
    }),
  )
  for (const name of ['teacher', 'teacher2'])
    writePretrained(at(name), {
      model: new BertForSequenceClassification({
        ...{ vocabSize: tokenizer.vocabSize, labels: ['bad', 'good'], ...sizes },
      }),
      tokenizer,
    })
})

const handOver = (out: string, ...args: string[]) =>
  run(
    ...['export-training', '--train', at('train.tsv'), '--out', at(out), '--force', '--augment', '0'],
    ...(args.includes('--teacher') ? [] : ['--teacher', at('teacher')]),
    ...args,
  )
const hinton = ['--recipe', 'hinton', '--student', at('student.json'), '--transfer', at('more.txt')]
const leftovers = () => readdirSync(folder).filter((name) => name.startsWith('.'))

describe('tinystill export-training', () => {
  it('writes the first weights, the rows, the logits and the plan of the distillation', async () => {
    const options = [
      ...hinton,
      '--alpha',
      '0.7',
      '--dev',
      at('train.tsv'),
      '--steps',
      '7',
      '--batch-size',
      '16',
    ]
    const { code, out, err } = await handOver('handed', ...options, '--seed', '3', '--json')
    expect(code, err).toBe(0)
    expect(JSON.parse(out)).toEqual({ out: at('handed'), rows: 80, stages: ['distil'], seed: 3 })
    expect(err).toMatch(/dropout \(0.1\) .* is drawn by PyTorch/)
    const plan = json('handed/plan.json')
    const [stage] = plan.stages
    expect(plan).toMatchObject({
      ...{ format: 'tinystill-training', version: 1, seed: 3, task: 'classes', labels: ['bad', 'good'] },
      ...{ metric: 'accuracy', result: 'distil', padId: tokenizer.padId },
    })
    expect(stage).toMatchObject({
      ...{ name: 'distil', data: 'transfer', start: 'student-0', teacher: 'cache' },
      losses: [
        { name: 'soft', weight: 0.7, options: { T: 2, tSquared: true, reduction: 'batchmean', form: 'kl' } },
        { name: 'hard', weight: 0.3, options: { labelSmoothing: 0 } },
      ],
      fit: { steps: 7, batchSize: 16, lr: 5e-4, warmup: 0.1, schedule: 'linear', keep: 'best' },
    })
    for (const [name, sha256] of Object.entries(plan.files))
      expect(
        createHash('sha256')
          .update(readFileSync(at(`handed/${name}`)))
          .digest('hex'),
        name,
      ).toBe(sha256)
    expect(readdirSync(at('handed')).sort()).toEqual(
      [
        ...['batches.py', 'cache', 'data', 'label.py', 'losses.py', 'plan.json', 'rows.py', 'student-0'],
        ...['tinystill_cache.py', 'train.py'],
      ].sort(),
    )

    const weights = weightsOf('handed/student-0/model.safetensors')
    const groups: { names: string[]; decays: boolean; lrScale: number }[] = stage.groups
    expect(groups.flatMap(({ names }) => names).sort()).toEqual([...weights.keys()].sort())
    for (const { names, decays, lrScale } of groups)
      expect([names.some((name) => /bias|LayerNorm/.test(name)), lrScale]).toEqual([!decays, 1])

    const texts = [...rows.map(([text]) => text), ...more, more[0]]
    const tokens = weightsOf('handed/data/transfer.safetensors')
    const listOf = (name: string) => Array.from(tokens.get(name)?.data ?? [])
    const encoded = texts.map((text) => Array.from(tokenizer.encode(text).ids))
    const starts = listOf('starts')
    expect(listOf('ids')).toEqual(encoded.flat())
    expect(starts.slice(1).map((end, i) => end - starts[i])).toEqual(encoded.map((e) => e.length))
    expect(listOf('labels')).toEqual([
      ...rows.map(([, l]) => (l === 'good' ? 1 : 0)),
      ...Array(41).fill(-100),
    ])
    const lines = readFileSync(at('handed/data/transfer.jsonl'), 'utf8').trim().split('\n')
    expect(lines.map((line) => JSON.parse(line).text)).toEqual(texts)

    const cache = openCache(at('handed/cache'))
    const { model } = loadClassifier(at('teacher'))
    const live = predict(model, textData(texts, null, tokenizer, 32))
    cache.rows(texts).forEach((z, i) => {
      expect(z).toBeCloseTo(live[i], 5)
    })
    const { folder: _, weights: hash, config } = cache.manifest.teacher
    expect(plan.teacher).toEqual({ folder: at('teacher'), weights: hash, config })
    cache.close()

    const again = await handOver('handed', ...options)
    expect([again.code, again.err]).toEqual([1, expect.stringContaining('handed: is there already')])
  })

  it("takes the first weights of distill's own student, and a cache for a teacher", async () => {
    expect(
      (await run('label', '--teacher', at('teacher'), '--data', at('train.tsv'), '--out', at('cache'))).code,
    ).toBe(0)
    const own = ['--recipe', 'hinton', '--student', at('student.json'), '--tokenizer', at('teacher')]
    const { code, err } = await handOver('cached', ...own, '--teacher', at('cache'))
    expect(code, err).toBe(0)
    const started = await run(
      ...['distill', ...own, '--teacher', at('cache'), '--train', at('train.tsv'), '--out', at('ours')],
      ...['--steps', '1', '--lr', '0', '--augment', '0', '--force', '--quiet'],
    )
    expect(started.code, started.err).toBe(0)
    const [there, here] = ['cached/student-0', 'ours'].map((name) => weightsOf(`${name}/model.safetensors`))
    for (const [name, t] of there)
      expect(Array.from(t.data), name).toEqual(Array.from(here.get(name)?.data ?? []))
    expect(openCache(at('cached/cache')).size).toBe(40)
  })

  it('hands generations over, each with its own first weights, and several teachers as one', async () => {
    writeFileSync(at('two.json'), '{"generations": 2}')
    expect((await handOver('born', '--recipe', 'born-again', '--config', at('two.json'))).code).toBe(0)
    const { stages, result } = json('born/plan.json')
    expect(stages.map((s: Record<string, unknown>) => [s.name, s.start, s.teacher])).toEqual([
      ['generation-1', 'student-0', 'cache'],
      ['generation-2', 'student-1', 'generation-1'],
    ])
    expect(result).toBe('generation-2')
    const both = ['--teacher', at('teacher'), at('teacher2'), '--student', at('student.json')]
    expect((await handOver('many', '--recipe', 'multi-teacher', ...both)).code).toBe(0)
    expect(openCache(at('many/cache')).manifest.teacher.folder).toBe(`${at('teacher')}, ${at('teacher2')}`)
  })

  const layers = ['--from-layers', '0']
  it.each<[string, string[], RegExp]>([
    [
      'hidden states',
      ['--recipe', 'tinybert', ...layers],
      /recipe tinybert cannot be handed over, stage .*: its losses read .*hidden states/,
    ],
    ['relations', ['--recipe', 'minilm', ...layers], /recipe minilm cannot be handed over/],
    ['grids', ['--recipe', 'q8bert'], /its student is on grids \(q8bert\)/],
    [
      'masks',
      [...hinton, '--prune', 'magnitude', '--sparsity', '0.5'],
      /its student is pruned \(magnitude\)/,
    ],
    ['a lone student', [...hinton, '--baseline'], /--baseline is of trainings here/],
    ['several seeds', [...hinton, '--seeds', '3'], /--seeds is of trainings here/],
  ])('refuses %s, and leaves nothing', async (_, args, text) => {
    const { code, err } = await handOver('refused', ...args)
    expect([code, err]).toEqual([expect.any(Number), expect.stringMatching(text)])
    expect(code).not.toBe(0)
    expect([existsSync(at('refused')), leftovers()]).toEqual([false, []])
  })
})
