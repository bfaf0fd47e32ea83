// Sets of classes and several numbers through every command that trains, judges, keeps or answers.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openCache } from '../../src/files/cache/reader.js'
import { run } from './program.js'

const folder = mkdtempSync(join(tmpdir(), 'tinystill-tasks-'))
afterAll(() => rmSync(folder, { recursive: true }))
const at = (name: string) => join(folder, name)

const marks = { rude: ['hate', 'awful'], spam: ['buy', 'cheap'], news: ['today', 'report'] }
const names = ['rude', 'spam', 'news'] as const
const filler = ['film', 'story', 'cast', 'plot', 'scene']
/** n rows: a text, and which of the three classes its words tell. */
const rows = Array.from({ length: 200 }, (_, i) => {
  const yes = names.map((_, c) => ((i * 5 + (i >> 3)) >> c) & 1)
  const told = names.flatMap((name, c) => (yes[c] ? [marks[name][(i >> 1) % 2]] : []))
  return { text: `the ${filler[i % 5]} ${told.join(' ')} ${filler[(i * 3) % 5]} ${i % 7}`, yes }
})
const listed = (yes: number[]) => names.filter((_, c) => yes[c])
const file = (name: string, lines: string[]) => writeFileSync(at(name), lines.join('\n'))
file(
  'sets.jsonl',
  rows.map(({ text, yes }) => JSON.stringify({ text, labels: listed(yes) })),
)
file('sets.tsv', ['text\tlabel', ...rows.map(({ text, yes }) => `${text}\t${listed(yes).join(',')}`)])
file(
  'vectors.jsonl',
  rows.map(({ text, yes }) => JSON.stringify({ text, labels: yes })),
)
file(
  'numbers.jsonl',
  rows.map(({ text, yes: [a, b] }) => JSON.stringify({ text, labels: [2 * a - 1, b + 0.5] })),
)
file(
  'transfer.txt',
  rows.slice(0, 60).map(({ text }) => `${text} again`),
)
file('small.json', [
  JSON.stringify({
    ...{ model_type: 'distilbert', dim: 32, n_layers: 1, n_heads: 2, hidden_dim: 64, dropout: 0 },
    ...{ max_position_embeddings: 24, seq_classif_dropout: 0, attention_dropout: 0, initializer_range: 0.2 },
  }),
])

const train = (out: string, data: string, ...more: string[]) =>
  run(
    ...['train', '--model', at('small.json'), '--train', at(data), '--out', at(out), '--vocab-size', '150'],
    ...['--json', ...more],
  )
const evaluated = async (model: string, data: string, ...more: string[]) => {
  const { code, out, err } = await run(
    'eval',
    '--model',
    at(model),
    '--data',
    at(data),
    '--json',
    '--quiet',
    ...more,
  )
  expect(code, err).toBe(0)
  return JSON.parse(out)
}
const configOf = (model: string) => JSON.parse(readFileSync(join(at(model), 'config.json'), 'utf8'))

beforeAll(async () => {
  const fit = ['--epochs', '10', '--lr', '1e-2', '--batch-size', '16', '--dev']
  const sets = await train('sets', 'sets.jsonl', '--task', 'multi-label', ...fit, at('sets.tsv'))
  const numbers = await train(
    'numbers',
    'numbers.jsonl',
    '--task',
    'regression',
    '--labels',
    'mood,size',
    ...fit,
    at('numbers.jsonl'),
  )
  expect([sets.code, numbers.code], sets.err + numbers.err).toEqual([0, 0])
  expect(JSON.parse(sets.out).macroF1).toBeGreaterThan(0.9)
  expect(JSON.parse(numbers.out).spearman).toBeGreaterThan(0.7)
  expect(sets.err).toMatch(
    /200 rows by class: news \d+, rude \d+, spam \d+; \d+ of none; [\d.]+ classes a row/,
  )
  expect(numbers.err).toMatch(/200 rows of numbers: mood -1 to 1, size 0.5 to 1.5/)
})

describe('sets of classes', () => {
  it('are trained to a folder that says so, and judged one by one', async () => {
    expect(configOf('sets')).toMatchObject({
      problem_type: 'multi_label_classification',
      id2label: { 0: 'news', 1: 'rude', 2: 'spam' },
    })
    const lists = await evaluated('sets', 'sets.jsonl')
    expect(lists).toMatchObject({ each: { rude: { rows: rows.filter(({ yes }) => yes[0]).length } } })
    const figures = ({ macroF1, microF1, subsetAccuracy, loss, each }: Record<string, unknown>) => ({
      ...{ macroF1, microF1, subsetAccuracy, loss, each },
    })
    expect(figures(await evaluated('sets', 'sets.tsv'))).toEqual(figures(lists))
    // Vectors say nothing of their order: the model's is another one.
    expect(figures(await evaluated('sets', 'vectors.jsonl', '--labels', 'rude,spam,news'))).toEqual(
      figures(lists),
    )
    expect((await evaluated('sets', 'vectors.jsonl')).macroF1).toBeLessThan(lists.macroF1)
    const told = await run('eval', '--model', at('sets'), '--data', at('vectors.jsonl'))
    expect(told.err).toMatch(
      /vectors.jsonl: each label holds 3 numbers, taken for news, rude, spam in this order; --labels/,
    )
    expect(told.out).toMatch(/macroF1 +microF1 +subsetAccuracy[\s\S]*\nnews .*%/)
  })

  it('take names and order from --labels, or from the folder that is gone on from', async () => {
    const fit = ['--epochs', '1', '--quiet', '--task', 'multi-label']
    const more = ['--class-weights', 'balanced', '--label-smoothing', '0.1', '--labels', 'rude,spam,news']
    expect((await train('ordered', 'vectors.jsonl', ...fit, ...more)).code).toBe(0)
    expect(configOf('ordered').id2label).toEqual({ 0: 'rude', 1: 'spam', 2: 'news' })
    const on = await run(
      ...['train', '--model', at('ordered'), '--train', at('sets.jsonl'), '--dev', at('sets.jsonl')],
      ...['--out', at('on'), '--lr', '0', ...fit],
    )
    expect([on.code, configOf('on').id2label]).toEqual([0, { 0: 'rude', 1: 'spam', 2: 'news' }])
    expect((await evaluated('on', 'sets.jsonl')).loss).toBe((await evaluated('ordered', 'sets.jsonl')).loss)
  })

  it('are distilled, with labels and without, from the teacher or what was kept of it', async () => {
    const args = (out: string, ...more: string[]) => [
      ...[
        'distill',
        '--recipe',
        'hinton',
        '--augment',
        '0',
        '--student',
        at('small.json'),
        '--train',
        at('sets.tsv'),
      ],
      ...['--dev', at('sets.jsonl'), '--out', at(out), '--json', '--max-length', '24', ...more],
    ]
    const live = await run(
      ...args(
        'live',
        '--teacher',
        at('sets'),
        '--transfer',
        at('transfer.txt'),
        '--alpha',
        '0.8',
        '--baseline',
      ),
    )
    expect(live.code, live.err).toBe(0)
    expect(live.err).toMatch(
      /distil: loss = 0.8 2\^2 KL\(sigmoid\(z_t\/2\) \|\| sigmoid\(z_s\/2\)\) \+ 0.2 BCE\(y, sigmoid\(z_s\)\)/,
    )
    expect(live.err).toMatch(/200 rows by class: news/)
    expect(configOf('live')).toMatchObject({
      problem_type: 'multi_label_classification',
      id2label: { 0: 'news' },
    })
    const { models } = JSON.parse(live.out)
    expect(models.teacher.macroF1).toBeGreaterThan(0.9)
    expect(models.distilled.macroF1).toBe((await evaluated('live', 'sets.jsonl')).macroF1)
    expect(readFileSync(join(at('live'), 'README.md'), 'utf8')).toMatch(/gives any of 3 classes for a text/)

    const label = [
      'label',
      '--teacher',
      at('sets'),
      '--data',
      at('sets.tsv'),
      '--out',
      at('cache'),
      '--quiet',
    ]
    expect((await run(...label)).code).toBe(0)
    const cache = openCache(at('cache'))
    expect(cache.manifest.problemType).toBe('multi_label_classification')
    cache.close()
    const kept = await run(...args('kept', '--teacher', at('cache'), '--tokenizer', at('sets'), '--quick'))
    const again = await run(...args('again', '--teacher', at('sets'), '--quick'))
    expect([kept.code, again.code], kept.err + again.err).toEqual([0, 0])
    expect(JSON.parse(kept.out).loss).toBe(JSON.parse(again.out).loss)
  })

  it('are looked at before a distillation', async () => {
    const args = [
      'distill',
      '--recipe',
      'hinton',
      '--augment',
      '0',
      '--student',
      at('small.json'),
      '--teacher',
      at('sets'),
    ]
    const { code, out } = await run(...args, '--train', at('vectors.jsonl'), '--out', at('wrong'))
    expect([code, existsSync(at('wrong'))]).toEqual([1, false])
    expect(out).toMatch(
      /problem: .*correlate by -?[\d.]+ .* would by 0.\d+ in another order: news is what it calls/,
    )
    const right = await run(
      ...[
        ...args,
        '--train',
        at('vectors.jsonl'),
        '--labels',
        'rude,spam,news',
        '--quick',
        '--out',
        at('right'),
      ],
    )
    expect(right.code, right.err).toBe(0)
  })
})

describe('several numbers', () => {
  it('are answered by name, each from its own text, and judged one by one', async () => {
    expect(configOf('numbers')).toMatchObject({
      problem_type: 'regression',
      id2label: { 0: 'mood', 1: 'size' },
    })
    const texts = rows.slice(0, 3).map(({ text }) => text)
    const answers = async (...more: string[]) =>
      JSON.parse((await run('predict', '--model', at('numbers'), '--text', ...more, '--json')).out)
        .predictions
    const together = await answers(...texts)
    for (const [i, text] of texts.entries()) {
      const [alone] = await answers(text)
      expect(Object.keys(together[i].values)).toEqual(['mood', 'size'])
      expect(together[i].values.mood).toBeCloseTo(alone.values.mood, 4)
      expect(together[i].values.size).toBeCloseTo(alone.values.size, 4)
    }
    const judged = await evaluated('numbers', 'numbers.jsonl')
    expect(judged.mse).toBeCloseTo((judged.each.mood.mse + judged.each.size.mse) / 2, 10)
    expect(await evaluated('numbers', 'numbers.jsonl', '--labels', 'size,mood')).not.toMatchObject({
      mse: judged.mse,
    })
  })

  it('are distilled by their squared error', async () => {
    const { code, out, err } = await run(
      ...[
        'distill',
        '--recipe',
        'hinton',
        '--augment',
        '0',
        '--student',
        at('small.json'),
        '--teacher',
        at('numbers'),
      ],
      ...[
        '--train',
        at('numbers.jsonl'),
        '--dev',
        at('numbers.jsonl'),
        '--out',
        at('fewer'),
        '--json',
        '--alpha',
        '0.5',
      ],
    )
    expect(code, err).toBe(0)
    expect(err).toMatch(/distil: loss = 0.5 MSE\(z_t, z_s\) \+ 0.5 MSE\(y, z_s\)/)
    expect(configOf('fewer')).toMatchObject({
      problem_type: 'regression',
      id2label: { 0: 'mood', 1: 'size' },
    })
    expect(JSON.parse(out).models.teacher.mse).toBeGreaterThan(0)
  })
})

describe('the doctor', () => {
  const doctor = (model: string, ...more: string[]) => run('doctor', '--model', at(model), ...more)

  it('tells what a model is for, and what labels a file has', async () => {
    const { out } = await doctor('sets', '--data', at('vectors.jsonl'), '--labels', 'rude,spam,news')
    expect(out).toMatch(/task +multi-label: gives any of 3 classes for a text\nnames +news, rude, spam\n/)
    expect(out).toMatch(/data +200 rows by class: news 100, rude 100, spam 100/)
    expect((await doctor('numbers')).out).toMatch(/task +regression: gives 2 numbers for a text/)
    const { out: json } = await doctor('numbers', '--data', at('numbers.jsonl'), '--json')
    expect(JSON.parse(json)).toMatchObject({ task: 'regression', rows: 200, classes: ['mood', 'size'] })
  })

  it('refuses data that is not for it, and data without a model', async () => {
    const wrong = await doctor('numbers', '--data', at('sets.jsonl'))
    expect([wrong.code, wrong.err]).toEqual([1, expect.stringMatching(/sets.jsonl:1: /)])
    const alone = await run('doctor', '--data', at('sets.jsonl'))
    expect([alone.code, alone.err]).toEqual([2, expect.stringMatching(/--data and --labels go with --model/)])
  })
})

describe('refused by name', () => {
  const distill = (recipe: string, teacher: string, ...more: string[]) => [
    ...[
      'distill',
      '--recipe',
      recipe,
      '--teacher',
      ...teacher.split(' ').map(at),
      '--student',
      at('small.json'),
    ],
    ...['--train', at('sets.jsonl'), '--out', at('refused'), ...more],
  ]
  const taught = ['train', '--model', at('small.json'), '--out', at('refused'), '--train']
  it.each<[string, string[], RegExp]>([
    [
      'lists for single classes',
      [...taught, at('sets.jsonl')],
      /is a list, one class a text is asked for.*--task multi-label/,
    ],
    [
      'vectors without names',
      [...taught, at('vectors.jsonl'), '--task', 'multi-label'],
      /Name them in this order: --labels/,
    ],
    [
      'a metric of another task',
      [...taught, at('sets.jsonl'), '--task', 'multi-label', '--metric', 'accuracy'],
      /figures of multi-label are macroF1, microF1/,
    ],
    [
      'weights that are no number a class',
      [...taught, at('sets.jsonl'), '--task', 'multi-label', '--class-weights', '1,2'],
      /needs a number from 0 on for each of news, rude, spam/,
    ],
    [
      'classes of masked words',
      [...taught, at('transfer.txt'), '--task', 'mlm', '--labels', 'a,b'],
      /--labels: words of plain text have none/,
    ],
    [
      "labels that are not the model's",
      ['eval', '--model', at('sets'), '--data', at('sets.jsonl'), '--labels', 'rude,spam'],
      /label "news" is none of the 2 known/,
    ],
    [
      'numbers for classes',
      ['eval', '--model', at('sets'), '--data', at('numbers.jsonl')],
      /label "-?1" is none of the 3 known|none of the 3/,
    ],
    [
      'the top of logits that all count',
      [
        'label',
        '--teacher',
        at('sets'),
        '--data',
        at('transfer.txt'),
        '--out',
        at('refused'),
        '--top-k',
        '1',
      ],
      /--top-k 1: the teacher gives any of 3 classes, of which all count/,
    ],
    [
      'a recipe for single classes',
      distill('annealing', 'sets'),
      /the recipe annealing: stages.distil.losses.annealed is a loss for single classes, and sets of classes are learnt/,
    ],
    ['controls of single classes', distill('born-again', 'sets'), /is a loss for single classes/],
    [
      'several teachers',
      distill('multi-teacher', 'sets sets'),
      /multi-teacher: several teachers are for one class a text, these are for multi-label/,
    ],
    ['a temperature of numbers', distill('hinton', 'numbers', '--T', '3'), /--T: the teacher gives numbers/],
  ])('%s', async (_, args, text) => {
    const { code, err } = await run(...args, '--quiet')
    expect([code, err.trim().split('\n').at(-1)]).toEqual([
      expect.toBeOneOf([1, 2]),
      expect.stringMatching(text),
    ])
    expect(existsSync(at('refused'))).toBe(false)
  })

  it.each([
    [['--task', 'numbers'], /Allowed choices are classes, multi-label, regression, mlm/],
    [['--labels', 'a,,b'], /names with commas between, each once/],
    [['--labels', 'a,a'], /names with commas between, each once/],
  ])('options: %j', async (more, text) => {
    const { code, err } = await run(...taught, at('sets.jsonl'), ...more)
    expect([code, err]).toEqual([2, expect.stringMatching(text)])
  })
})
