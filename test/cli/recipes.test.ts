// Recipes that look inside the teacher or learn from plain text, as a user runs them, on models of a few thousand weights.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { reviews, run } from './program.js'

const folder = mkdtempSync(join(tmpdir(), 'tinystill-recipes-'))
afterAll(() => rmSync(folder, { recursive: true }))
const at = (name: string) => join(folder, name)
const record = (name: string) => JSON.parse(readFileSync(join(at(name), 'run.json'), 'utf8'))
const config = (name: string) => JSON.parse(readFileSync(join(at(name), 'config.json'), 'utf8'))

const rows = reviews(96)
const shape = (layers: number, width: number) =>
  JSON.stringify({
    ...{ model_type: 'bert', hidden_size: width, num_hidden_layers: layers, num_attention_heads: 2 },
    ...{ intermediate_size: 2 * width, max_position_embeddings: 40 },
  })
writeFileSync(at('train.tsv'), rows.map((r) => r.join('\t')).join('\n'))
writeFileSync(at('text.txt'), rows.map(([text]) => `${text} again and again in the film`).join('\n'))
writeFileSync(at('plain.txt'), rows.map(([text]) => `it is said that ${text}`).join('\n'))
writeFileSync(at('teacher.json'), shape(2, 32))
writeFileSync(at('student.json'), shape(1, 16))
writeFileSync(at('fast.yaml'), 'lr: 0.005\nepochs: 6\nbatchSize: 16\naccumulate: 1\n')

const data = ['--train', at('train.tsv'), '--dev', at('train.tsv'), '--quiet']
const distil = (recipe: string, out: string, ...more: string[]) =>
  run(
    'distill',
    ...[
      '--recipe',
      recipe,
      '--teacher',
      at('teacher'),
      ...data,
      '--augment',
      '0',
      '--out',
      at(out),
      '--json',
    ],
    ...['--config', at('fast.yaml'), ...more],
  )
const small = ['--student', at('student.json')]
const text = ['--transfer', at('text.txt')]

beforeAll(async () => {
  const fast = ['--epochs', '6', '--lr', '5e-3', '--keep', 'last', '--quiet']
  const words = [
    '--task',
    'mlm',
    '--model',
    at('teacher.json'),
    '--train',
    at('text.txt'),
    '--out',
    at('words'),
  ]
  expect((await run('train', ...words, '--vocab-size', '200', ...fast)).code).toBe(0)
  const task = ['--model', at('words'), '--train', at('train.tsv'), '--out', at('teacher')]
  expect((await run('train', ...task, ...fast)).code).toBe(0)
})

describe('tinystill distill, inside the teacher', () => {
  it.each([
    ['tinybert', 'W shared but for the embeddings\n', 'CE(softmax(z_t), softmax(z_s))\n'],
    ['tinybert-code', 'W + b, h_t), W shared + sum', 'CE(softmax(z_t), softmax(z_s)) / classes\n'],
  ])('%s: layers, then the prediction', async (recipe, layers, prediction) => {
    const { code, out } = await distil(recipe, recipe, ...small)
    expect(code).toBe(0)
    expect(JSON.parse(out).accuracy).toBeGreaterThan(0.9)
    const { plan, stages } = record(recipe)
    expect(stages.map((s: { name: string }) => s.name)).toEqual(['intermediate', 'prediction'])
    for (const part of [layers, prediction, 'goes on from intermediate']) expect(plan).toContain(part)
    // A student of random weights without plain text.
    expect(plan.includes('MSE(A_s, A_t)')).toBe(recipe === 'tinybert-code')
    expect(plan.includes('no bias correction')).toBe(recipe === 'tinybert-code')
    const metrics = readFileSync(join(at(recipe), 'metrics.jsonl'), 'utf8')
      .trim()
      .split('\n')
    const steps = metrics.map((line) => JSON.parse(line)).filter((l) => l.model === 'intermediate' && l.terms)
    expect(steps.at(-1).terms.hidden).toBeLessThan(steps[0].terms.hidden)
  })

  it('tinybert: plain text first, where there is some, by a teacher of its own', async () => {
    const { code, out } = await distil(
      'tinybert',
      'three',
      ...small,
      ...text,
      '--general-teacher',
      at('words'),
    )
    expect([code, JSON.parse(out).accuracy > 0.9]).toEqual([0, true])
    expect(record('three').plan).toMatch(
      /^general: .*\n {2}on plain text, taught by the general teacher;.*\nintermediate: .*\n.*goes on from general/,
    )
  })

  it('takes plain text apart from the transfer set, which then teaches the task', async () => {
    const both = [...text, '--text', at('plain.txt'), '--general-teacher', at('words')]
    expect((await distil('tinybert', 'plain', ...small, ...both, '--quick')).code).toBe(0)
    const { plan, data } = record('plain')
    expect(plan).toMatch(
      /^general: .*\n {2}on plain text.*\nintermediate: .*\n {2}on labelled and transfer rows.*\nprediction: .*\n {2}on labelled and transfer/,
    )
    expect(data.text.file).toBe(at('plain.txt'))
    const { code, err } = await distil('hinton', 'text no', ...small, '--text', at('plain.txt'))
    expect([code, err]).toEqual([
      2,
      expect.stringMatching(/--text: the recipe hinton has no stage that learns from plain/),
    ])
  })

  it('says which loss drowns the others, with the weight that mends it', async () => {
    writeFileSync(
      at('loud.yaml'),
      'epochs: 1\nstages: { intermediate: { losses: { attention: { weight: 1e5 } } } }',
    )
    const loud = ['--student', at('student.json'), '--config', at('loud.yaml')]
    const own = ['--teacher', at('teacher'), '--train', at('train.tsv'), '--out', at('loud')]
    const { code, err } = await run('distill', '--recipe', 'tinybert', ...own, ...loud)
    expect(code).toBe(0)
    expect(err).toMatch(
      /^intermediate, first batch: hidden \S+ \(gradient \S+, \S+ of the largest\), attention 100000 x /m,
    )
    expect(err).toMatch(
      /^intermediate: the gradient of attention is \d+ times that of any other .*\{ attention: \{ weight: \S+ \} \}/m,
    )
  })

  it('bilstm: a student of its own, which answers, loses words, and is read again', async () => {
    const { code, out } = await distil('bilstm', 'bilstm', '--baseline')
    expect([code, JSON.parse(out).accuracy > 0.9]).toEqual([0, true])
    expect(record('bilstm').plan).toContain('distil: loss = MSE(z_t, z_s)')
    expect(readFileSync(join(at('bilstm'), 'README.md'), 'utf8')).not.toContain('transformers')
    expect(config('bilstm')).toMatchObject({ model_type: 'bilstm', hidden_size: 300, dense_size: 200 })
    const cut = ['--vocabulary', at('train.tsv'), '--dev', at('train.tsv'), '--out', at('fewer'), '--quiet']
    expect((await run('shrink', '--model', at('bilstm'), ...cut)).code).toBe(0)
    expect(config('fewer').vocab_size).toBeLessThan(config('bilstm').vocab_size)
    const { err } = await run('shrink', '--model', at('bilstm'), ...cut, '--heads', '0.5')
    expect(err).toContain('a BiLstm has no heads, neurons or layers that could be cut')
    const judged = await run('eval', '--model', at('fewer'), '--data', at('train.tsv'), '--json')
    expect(JSON.parse(judged.out).accuracy).toBeGreaterThan(0.9)
    await distil('bilstm', 'both', '--student', at('fewer'), '--alpha', '0.5')
    expect(record('both').plan).toContain('loss = 0.5 MSE(z_t, z_s) + 0.5 CE(y, softmax(z_s))')
  })

  it('distilbert: masked words by three losses, then the task, without token types and pooler', async () => {
    const { code, out } = await distil('distilbert', 'distilbert', ...text, '--general-teacher', at('words'))
    expect([code, JSON.parse(out).accuracy > 0.9]).toEqual([0, true])
    expect(record('distilbert').plan).toContain(
      'general: loss = 5 2^2 KL(softmax(z_t/2) || softmax(z_s/2)) + 2 CE(masked words, softmax(z_s)) + mean over words (1 - cos(h_s, h_t)) of the last layer',
    )
    expect(config('distilbert')).toMatchObject({
      ...{ model_type: 'distilbert', n_layers: 1, dim: 32 },
      architectures: ['DistilBertForSequenceClassification'],
    })
  })

  it('distilbert: without plain text the task alone', async () => {
    const { code, out } = await distil('distilbert', 'task')
    expect([code, JSON.parse(out).accuracy > 0.9]).toEqual([0, true])
    expect(config('task').n_layers).toBe(1)
  })

  it('minilm: attention and values of the last layer, on plain text, then the task', async () => {
    const { code, out } = await distil(
      'minilm',
      'minilm',
      ...small,
      ...text,
      '--general-teacher',
      at('words'),
    )
    expect([code, JSON.parse(out).accuracy > 0.9]).toEqual([0, true])
    expect(record('minilm').plan).toContain(
      'relations: loss = KL(softmax(A_t) || softmax(A_s)) of the last layer + sum over X in v KL(R_t || R_s), R = softmax(X X^T/sqrt(d))\n',
    )
  })

  it('minilm2: relations of a chosen layer in heads of their own', async () => {
    const file = at('heads.yaml')
    writeFileSync(file, 'relationHeads: 8\nteacherLayer: 0\nlr: 0.005\nepochs: 6\nbatchSize: 16')
    const { code, out } = await distil('minilm2', 'minilm2', ...small, '--config', file)
    expect([code, JSON.parse(out).accuracy > 0.9]).toEqual([0, true])
    expect(record('minilm2').plan).toContain(
      'relations: loss = sum over X in q, k, v KL(R_t 0 || R_s), R = softmax(X X^T/sqrt(d)) in 8 heads\n  on the labelled rows',
    )
    writeFileSync(file, 'relationHeads: 5')
    const { err } = await distil('minilm2', 'odd', ...small, '--config', file)
    expect(err).toMatch(/width 32 does not divide into 5 relation heads/)
  })

  it('adds losses by --config, and leaves each out in turn', async () => {
    const file = at('patient.yaml')
    const losses = 'patient: {weight: 10}, relation: {heads: 4}, attentionProbs: {}, cosine: {}'
    writeFileSync(
      file,
      `lr: 0.005\nepochs: 1\nstages: {distil: {layerMap: {hidden: [[1, 2]]}, losses: {${losses}}}}`,
    )
    const { code, out } = await distil(
      'hinton',
      'patient',
      '--config',
      file,
      '--from-layers',
      '0',
      '--ablate',
    )
    expect(code).toBe(0)
    expect(Object.keys(JSON.parse(out).models)).toContain('without relation')
  })

  it.each<[string, string[], RegExp]>([
    [
      'a teacher that guesses no words',
      ['distilbert', ...text, '--general-teacher', at('teacher')],
      /must guess masked words, not sequence-classification/,
    ],
    ['a layer that is not there', ['hinton', ...small, '--config', at('far.yaml')], /the teacher 0 to 1/],
    ['a map that there is not', ['tinybert', ...small, '--config', at('odd.yaml')], /must be uniform, skip/],
  ])('refuses %s', async (_, [recipe, ...args], message) => {
    const stage = (name: string, map: string, losses: string) =>
      `stages: {${name}: {layerMap: ${map}, losses: {${losses}}}}`
    writeFileSync(at('far.yaml'), stage('distil', '[[0, 2]]', 'hidden: {}'))
    writeFileSync(at('odd.yaml'), stage('intermediate', 'middle', ''))
    const { code, err } = await distil(recipe, 'refused', ...args)
    expect([code, err]).toEqual([expect.toBeOneOf([1, 2]), expect.stringMatching(message)])
  })
})
