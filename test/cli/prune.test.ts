// tinystill prune, and --prune with any recipe, as a user runs them, on models of a few thousand weights.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readSafetensors } from '../../src/formats/safetensors/safetensors.js'
import { saveTinyModel } from './model.js'
import { reviews, run } from './program.js'

const folder = mkdtempSync(join(tmpdir(), 'tinystill-prune-'))
afterAll(() => rmSync(folder, { recursive: true }))
const at = (name: string) => join(folder, name)
const record = (name: string) => JSON.parse(readFileSync(join(at(name), 'run.json'), 'utf8'))

const shape = {
  ...{ model_type: 'bert', hidden_size: 24, num_hidden_layers: 2, num_attention_heads: 2 },
  ...{ intermediate_size: 40, max_position_embeddings: 40 },
}
const rows = reviews(96)
writeFileSync(at('train.tsv'), rows.map((r) => r.join('\t')).join('\n'))
writeFileSync(at('bert.json'), JSON.stringify(shape))
const dev = ['--dev', at('train.tsv')]
const data = ['--train', at('train.tsv'), ...dev]

beforeAll(async () => {
  const fast = ['--epochs', '6', '--lr', '5e-3', '--keep', 'last', '--quiet']
  const { code } = await run('train', '--model', at('bert.json'), ...data, '--out', at('model'), ...fast)
  expect(code).toBe(0)
})

const prune = (out: string, ...more: string[]) =>
  run('prune', '--model', at('model'), '--out', at(out), '--json', '--quiet', ...more)
const fast = ['--epochs', '3', '--lr', '3e-3', '--batch-size', '16']

/** Of each tensor of a saved model: whether it is a matrix of a layer, and its share of zeros. */
function zerosIn(name: string) {
  const { tensors } = readSafetensors(readFileSync(join(at(name), 'model.safetensors')))
  return Array.from(tensors, ([key, t]) => ({
    key,
    matrix: /encoder\.layer\.\d+\..*(query|key|value|dense)\.weight$/.test(key),
    zeros: Array.from(t.data).filter((x) => x === 0).length / t.numel,
    negative: Array.from(t.data).some((x) => Object.is(x, -0)),
  }))
}

/** Layers' matrices have about this share of zeros, and no other tensor more than the model it was made of. */
function expectSparse(name: string, sparsity: number): void {
  const before = new Map(zerosIn('model').map(({ key, zeros }) => [key, zeros]))
  const all = zerosIn(name)
  expect(all.filter(({ matrix }) => matrix)).toHaveLength(12)
  for (const { key, matrix, zeros, negative } of all) {
    if (matrix) expect(zeros, key).toBeCloseTo(sparsity, 2)
    else expect(zeros, key).toBe(before.get(key))
    expect(negative, key).toBe(false)
  }
}

describe('tinystill prune without training', () => {
  it('makes the smallest weights 0, and tells what that does', async () => {
    const { code, out, err } = await prune('half', '--method', 'magnitude', '--sparsity', '0.5', ...dev)
    expect(err).not.toMatch(/tinystill: /)
    expect(code).toBe(0)
    const told = JSON.parse(out)
    expect(told.sparsity).toBeCloseTo(0.5, 3)
    expect(told.figures.before.accuracy).toBeGreaterThan(0.9)
    expect(told.change.rows).toBe(96)
    expectSparse('half', 0.5)
    const { pruning, command, status, repeat, figures } = record('half')
    expect({ command, status }).toEqual({ command: 'prune', status: 'done' })
    expect(repeat).toBe(undefined)
    expect(pruning).toMatchObject({ method: 'magnitude', sparsity: 0.5, zeros: told.zeros })
    expect(Object.keys(pruning.matrices)).toHaveLength(12)
    expect(figures.dev.accuracy).toBe(told.figures.after.accuracy)
    const card = readFileSync(join(at('half'), 'README.md'), 'utf8')
    expect(card).toMatch(/magnitude\): \d+ of the \d+ weights .* 50\.0\d%/)
    expect(card).toMatch(/^# .*model, pruned\n/)
    expect(card).toMatch(/tinystill prune .* --method magnitude --sparsity 0.5/)
    // Any other model by now.
    for (const command of [
      ['eval', '--model', at('half'), '--data', at('train.tsv')],
      ['predict', '--model', at('half'), '--text', 'a fine film'],
      ['quantize', '--model', at('half'), '--out', at('half8')],
    ])
      expect((await run(...command, '--json', '--quiet')).code).toBe(0)
  })

  it.each<[string, string[], number]>([
    ['blocks', ['--method', 'magnitude', '--pattern', '4x1', '--sparsity', '0.75'], 0.75],
    ['2 of 4', ['--method', 'magnitude', '--pattern', '2:4'], 0.5],
    ['all of it', ['--method', 'magnitude', '--sparsity', '0.9999'], 0.995],
  ])('%s', async (name, more, sparsity) => {
    const { code } = await prune(name, ...more)
    expect(code).toBe(0)
    expectSparse(name, sparsity)
  })

  it('over all matrices together, some lose more than others', async () => {
    await prune('global', '--method', 'magnitude-global', '--sparsity', '0.6')
    const { zeros, weights, matrices } = record('global').pruning
    expect(zeros).toBe(Math.round(0.6 * weights))
    expect(new Set(Object.values(matrices)).size).toBeGreaterThan(6)
  })

  it('with --resume once and no more, of the same model', async () => {
    const half = ['--method', 'magnitude', '--sparsity', '0.5', '--resume']
    await prune('again', ...half)
    const { out } = await prune('again', ...half)
    expect(JSON.parse(out).status).toBe('done')
    const { code, err } = await prune('again', ...half, '--pattern', '4x1')
    expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining('pattern') })
  })

  it('as a step of an experiment', async () => {
    const steps = [
      { name: 'small', command: 'prune', model: at('model'), method: 'magnitude', sparsity: 0.5 },
      { name: 'judged', command: 'eval', model: 'small', data: at('train.tsv') },
    ]
    writeFileSync(at('experiment.json'), JSON.stringify({ steps }))
    const { code, err } = await run('run', at('experiment.json'), '--quiet')
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expectSparse(join('experiment', 'small'), 0.5)
  })

  it('of our own small classifier', async () => {
    saveTinyModel(at('tiny'))
    const own = ['--method', 'magnitude', '--sparsity', '0.5', '--quiet', '--json']
    const { code, out } = await run('prune', '--model', at('tiny'), '--out', at('tiny50'), ...own)
    expect(code).toBe(0)
    expect(JSON.parse(out).sparsity).toBe(0.5)
    expect((await run('predict', '--model', at('tiny50'), '--text', 'grey', '--quiet')).code).toBe(0)
  })
})

describe('tinystill prune while training', () => {
  it.each<[string, string[], number]>([
    ['magnitude', ['--sparsity', '0.8'], 0.8],
    ['movement', ['--sparsity', '0.8', '--teacher', at('model')], 0.8],
    ['movement', ['--pattern', '2:4'], 0.5],
    ['magnitude', ['--sparsity', '0.5', '--schedule', 'once', '--epochs', '1'], 0.5],
  ])('%s %j', async (method, more, sparsity) => {
    const out = `${method}-${more.join('').replaceAll(/[^\w.]/g, '')}`.slice(0, 60)
    const { code, err } = await prune(out, '--method', method, ...data, ...fast, ...more)
    expect(err).not.toMatch(/tinystill: /)
    expect(code).toBe(0)
    expectSparse(out, sparsity)
    const { command, models, pruning, repeat, stages } = record(out)
    expect(command).toBe('prune')
    expect(pruning).toMatchObject({ method, sparsity })
    expect(Object.keys(models)).toEqual(expect.arrayContaining(['teacher', 'pruned']))
    expect(models.pruned.params).toBe(models.teacher.params)
    expect(repeat).toMatch(/^tinystill prune .* --method m/)
    expect(Object.keys(stages[0].losses)).toEqual(more.includes('--teacher') ? ['soft', 'hard'] : ['hard'])
    const judged = await run('eval', '--model', at(out), '--data', at('train.tsv'), '--json', '--quiet')
    expect(JSON.parse(judged.out).accuracy).toBe(models.pruned.accuracy)
  })

  it('soft-movement: a penalty decides', async () => {
    const more = ['--method', 'soft-movement', '--penalty', '50', '--score-lr', '1', ...data, ...fast]
    expect((await prune('soft', ...more)).code).toBe(0)
    const { pruning, stages } = record('soft')
    expect(stages[0].prune).toMatchObject({ sparsity: null, penalty: 50, threshold: 0.1 })
    expect(pruning.zeros / pruning.weights).toBeGreaterThan(0.3)
    const steps = readFileSync(join(at('soft'), 'metrics.jsonl'), 'utf8')
    expect(JSON.parse(steps.split('\n')[8]).terms.penalty).toBeLessThan(0.5)
  })

  it('lottery: rounds from the start', async () => {
    const more = ['--method', 'lottery', '--sparsity', '0.6', '--rounds', '2', ...data, ...fast]
    expect((await prune('lottery', ...more)).code).toBe(0)
    const { pruning, stages } = record('lottery')
    expect(pruning.zeros).toBe(Math.round(0.6 * pruning.weights))
    expect(stages.map((s: { prune: { sparsity: number } }) => s.prune.sparsity)).toEqual([0, 0.3, 0.6])
  })

  it('--prune with any recipe: of the student that is judged, and of the lone one', async () => {
    const recipe = [
      'distill',
      '--recipe',
      'tinybert',
      '--teacher',
      at('model'),
      '--from-layers',
      '0',
      ...data,
    ]
    const more = [
      '--prune',
      'movement',
      '--sparsity',
      '0.7',
      '--baseline',
      '--epochs',
      '2',
      '--batch-size',
      '16',
    ]
    const { code, err } = await run(...recipe, ...more, '--out', at('tinybert'), '--quiet')
    expect(err).not.toMatch(/tinystill: /)
    expect(code).toBe(0)
    const { stages, baseline, pruning } = record('tinybert')
    expect(stages.map((s: { prune: unknown }) => s.prune === null)).toEqual([true, false])
    expect(baseline.prune.sparsity).toBe(0.7)
    expect(pruning.zeros / pruning.weights).toBeCloseTo(0.7, 2)
  })

  it('beside other methods and without its teacher, with verdicts, and plain words about the teacher', async () => {
    const more = ['--teacher', at('model'), '--baseline', '--beside', 'magnitude', '--seeds', '3', ...data]
    const how = ['--method', 'movement', '--sparsity', '0.8', ...fast, '--epochs', '1']
    const { code, err } = await prune('compared', ...how, ...more)
    expect(err).not.toMatch(/tinystill: /)
    expect(code).toBe(0)
    const { models, judgements, verdicts, baseline, stages } = record('compared')
    expect(Object.keys(models)).toEqual(expect.arrayContaining(['teacher', 'alone', 'pruned', 'magnitude']))
    expect(Object.keys(judgements)).toEqual(expect.arrayContaining(['alone', 'magnitude']))
    for (const { seeds, interval } of Object.values<{ seeds: number; interval: unknown }>(judgements))
      expect([seeds, interval === undefined]).toEqual([3, false])
    expect(verdicts.join('\n')).toMatch(
      /the teacher (does not help here|helps)|that the teacher helps is not shown/,
    )
    expect(baseline.fit).toEqual(stages[0].fit)
    expect(baseline.prune).toEqual(stages[0].prune)
    expect(models.magnitude.seeds).toHaveLength(3)
    expectSparse('compared', 0.8)
  })

  it('gives the same bytes when it is run again', async () => {
    const more = ['--method', 'movement', '--sparsity', '0.8', ...data, ...fast, '--epochs', '1']
    await prune('once', ...more)
    await prune('twice', ...more)
    const [a, b] = ['once', 'twice'].map((name) => readFileSync(join(at(name), 'model.safetensors')))
    expect(a.equals(b)).toBe(true)
  })
})

describe('tinystill prune refuses', () => {
  it.each<[string, string[], RegExp]>([
    ['no sparsity', ['--method', 'magnitude'], /--sparsity: magnitude needs the share/],
    [
      'movement without training',
      ['--method', 'movement', '--sparsity', '0.5'],
      /--method movement learns its scores .*--train/,
    ],
    [
      'lottery without training',
      ['--method', 'lottery', '--sparsity', '0.5'],
      /--method lottery is a row of trainings/,
    ],
    [
      'a pattern that is none',
      ['--method', 'magnitude', '--pattern', '4', '--sparsity', '0.5'],
      /pattern must be single, .*2:4.*got '4'/,
    ],
    [
      'blocks that do not divide',
      ['--method', 'magnitude', '--pattern', '32x32', '--sparsity', '0.5'],
      /query.* \[24, 24\] does not divide into blocks of 32x32/,
    ],
    [
      'a sparsity that a pattern has not',
      ['--method', 'magnitude', '--pattern', '2:4', '--sparsity', '0.9'],
      /2:4 leaves 0.5 of the weights/,
    ],
    [
      'a sparsity of soft movement',
      ['--method', 'soft-movement', '--sparsity', '0.5', ...data],
      /penalty decides/,
    ],
    [
      'a teacher without training',
      ['--method', 'magnitude', '--sparsity', '0.5', '--teacher', at('model')],
      /--teacher goes with training/,
    ],
    [
      'a temperature without a teacher',
      ['--method', 'magnitude', '--sparsity', '0.5', ...data, '--T', '3'],
      /--T goes with --teacher/,
    ],
    [
      'rounds of another method',
      ['--method', 'magnitude', '--sparsity', '0.5', '--rounds', '3'],
      /--rounds goes with --method lottery/,
    ],
    [
      'to take the place of its model',
      ['--method', 'magnitude', '--sparsity', '0.5', '--out', join(at('model'), '..', 'model')],
      /is the folder of the model itself/,
    ],
  ])('%s', async (_, args, message) => {
    const { code, err } = await prune('refused', ...args)
    expect(code).toBeGreaterThan(0)
    expect(err).toMatch(message)
  })

  it('a teacher of other classes', async () => {
    writeFileSync(at('other.tsv'), rows.map(([text, label]) => `${text}\t${label}!`).join('\n'))
    const other = ['--train', at('other.tsv'), '--epochs', '1', '--out', at('other'), '--quiet']
    await run('train', '--model', at('bert.json'), ...other)
    const more = ['--method', 'magnitude', '--sparsity', '0.5', '--teacher', at('other')]
    const { code, err } = await prune('refused', ...more, '--train', at('other.tsv'))
    expect(code).toBe(1)
    expect(err).toMatch(/its classes are good!, bad!, those of .*model bad, good|its classes are bad!, good!/)
  })

  it.each<[string, string[], RegExp]>([
    [
      'two things at once',
      ['q8bert', '--prune', 'movement', '--sparsity', '0.5'],
      /--prune: the stage quantized quantizes its student/,
    ],
    ['a share of nothing', ['hinton', '--sparsity', '0.5'], /--sparsity goes with --prune/],
    [
      'lottery and a lone student',
      ['hinton', '--prune', 'lottery', '--sparsity', '0.5', '--baseline'],
      /--baseline: lottery is a row of trainings/,
    ],
    [
      'lottery in a recipe of stages',
      ['tinybert', '--from-layers', '0', '--prune', 'lottery', '--sparsity', '0.5'],
      /lottery goes back to the weights of the start/,
    ],
  ])('distill: %s', async (_, [recipe, ...args], message) => {
    const taught = ['distill', '--recipe', recipe, '--teacher', at('model'), ...data, '--out', at('refused')]
    const { code, err } = await run(...taught, ...args, ...(args.includes('0') ? [] : ['--from-layers', '0']))
    expect(code).toBeGreaterThan(0)
    expect(err).toMatch(message)
  })
})
