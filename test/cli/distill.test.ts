// distill as a user runs it: every recipe on a tiny teacher, what it refuses, and what it leaves behind.
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { unpackRows } from '../../src/cli/distill/right-rows.js'
import { readCheckpoint } from '../../src/files/models/on-disk.js'
import type { Tensor } from '../../src/tensor/tensor.js'
import { pearson } from '../../src/train/regression.js'
import { readEvents } from './events.js'
import { brokenPosition, longText, reviews, run } from './program.js'

const folder = mkdtempSync(join(tmpdir(), 'tinystill-distill-'))
afterAll(() => rmSync(folder, { recursive: true }))
const at = (name: string) => join(folder, name)
const weights = (name: string) => readFileSync(join(at(name), 'model.safetensors'))
const record = (name: string) => JSON.parse(readFileSync(join(at(name), 'run.json'), 'utf8'))

const rows = reviews(96)
const tsv = (list: string[][]) => list.map((r) => r.join('\t')).join('\n')
writeFileSync(at('train.tsv'), tsv(rows))
writeFileSync(at('dev.tsv'), tsv(rows.slice(0, 30)))
writeFileSync(at('more.txt'), rows.map(([text]) => `${text} again`).join('\n'))
writeFileSync(at('fast.yaml'), '# for tests\nlr: 0.01\nepochs: 10\nbatchSize: 16\nkeep: last\n')
const shape = (layers: number, width: number) =>
  JSON.stringify({
    ...{ model_type: 'bert', hidden_size: width, num_hidden_layers: layers, num_attention_heads: 2 },
    ...{ intermediate_size: 2 * width, max_position_embeddings: 40 },
  })
writeFileSync(at('teacher.json'), shape(2, 32))
writeFileSync(at('student.json'), shape(1, 16))

const data = ['--train', at('train.tsv'), '--dev', at('dev.tsv'), '--quiet']
const teach = (out: string, ...more: string[]) => {
  const args = ['--vocab-size', '200', '--epochs', '8', '--lr', '5e-3', '--keep', 'last', ...more]
  return run('train', '--model', at('teacher.json'), ...data, '--out', at(out), ...args)
}
const distil = (recipe: string, out: string, ...more: string[]) =>
  run(
    'distill',
    '--recipe',
    recipe,
    ...data,
    '--augment',
    '0',
    '--out',
    at(out),
    '--config',
    at('fast.yaml'),
    ...more,
  )
const ofTeacher = ['--teacher', at('teacher'), '--json']
const small = [...ofTeacher, '--student', at('student.json')]

/** A copy of the teacher with something else in its config.json. */
function planted(name: string, change: (config: Record<string, unknown>) => void): string {
  cpSync(at('teacher'), at(name), { recursive: true })
  const file = join(at(name), 'config.json')
  const config = JSON.parse(readFileSync(file, 'utf8'))
  change(config)
  writeFileSync(file, JSON.stringify(config))
  return at(name)
}

beforeAll(async () => {
  expect((await teach('teacher')).code).toBe(0)
  expect((await teach('teacher2', '--seed', '2')).code).toBe(0)
})

describe('tinystill distill', () => {
  it('hinton: learns, compares with the lone student and each loss left out, and tells all of it', async () => {
    const before = weights('teacher')
    const { code, out } = await distil(
      'hinton',
      'hinton',
      ...small,
      '--baseline',
      '--ablate',
      '--seeds',
      '2',
      '--T',
      '4',
    )
    expect(code).toBe(0)
    const result = JSON.parse(out)
    expect(result.accuracy).toBeGreaterThan(0.9)
    expect(Object.keys(result.models)).toEqual([
      'teacher',
      'majority class',
      'linear',
      'alone',
      'distilled',
      'without soft',
      'without hard',
    ])
    expect(result.models.distilled.seeds).toHaveLength(2)
    // All of the first seed, those too whose weights are gone by then, but for what is no network.
    const { 'majority class': majority, linear, ...networks } = result.models
    expect([majority.msPerExample, linear.msPerExample]).toEqual([undefined, undefined])
    for (const { msPerExample, msSpread, examplesPerSecond, speedRounds, seeds } of Object.values<
      Record<string, number> & { seeds: Record<string, number>[] }
    >(networks)) {
      expect([msPerExample > 0, msSpread >= 0, examplesPerSecond > 0, speedRounds]).toEqual([
        ...[true, true, true, 5],
      ])
      expect(seeds.map((own) => own.msPerExample !== undefined)).toEqual(seeds.map((_, i) => i === 0))
    }
    expect(result.verdicts.alone.text).toMatch(
      /^distilled is .* alone over 2 seeds and 30 rows; larger than chance: unknown, 2 seeds do not tell/,
    )
    const { right, models } = record('hinton')
    expect(unpackRows(right.alone[1])?.filter((x) => x === 1).length).toBe(
      models.alone.seeds[1].accuracy * right.alone[1].rows,
    )
    expect(record('hinton')).toMatchObject({
      ...{ status: 'done', command: 'distill', problems: [], recipe: { name: 'hinton' } },
      plan: expect.stringContaining(
        'distil: loss = 0.9 4^2 KL(softmax(z_t/4) || softmax(z_s/4)) + 0.1 CE(y, softmax(z_s))',
      ),
    })
    const page = readFileSync(join(at('hinton'), 'report.html'), 'utf8')
    for (const text of [
      'distilled: loss and its terms',
      'Accuracy against megabytes',
      'Accuracy against milliseconds a text',
      'larger than chance',
      'Reliability, before and after',
      'alone</th><td class="n">1.00</td>',
      'Where student and teacher disagree',
      'class="soft-targets"',
      'Similarity of layers',
      'class="attention"',
    ])
      expect(page).toContain(text)
    expect(page).toMatch(/distilled: [\d.]+( ± [\d.]+)? at [\d.]+ ± [\d.e-]+\./)
    const card = readFileSync(join(at('hinton'), 'README.md'), 'utf8')
    for (const text of [
      'ms a text: the median of 5 rounds',
      '| distilled |',
      '--ablate',
      record('hinton').data.train.sha256,
    ])
      expect(card).toContain(text)
    const lines = readFileSync(join(at('hinton'), 'metrics.jsonl'), 'utf8')
      .trim()
      .split('\n')
    const step = lines.map((line) => JSON.parse(line)).find((l) => l.model === 'distilled')
    expect(step.terms).toEqual({ soft: expect.any(Number), hard: expect.any(Number) })
    expect(weights('teacher').equals(before)).toBe(true)
    const judged = await run('eval', '--model', at('hinton'), '--data', at('dev.tsv'), '--json', '--quiet')
    expect(JSON.parse(judged.out).accuracy).toBe(result.models.distilled.seeds[0].accuracy)
  })

  it('--baseline: the lone student has the better of two schedules by dev, whatever --config says of the recipe', async () => {
    const own = at('own.yaml')
    const alone = 'alone: { epochs: 2, lr: 0.01, batchSize: 16, keep: last }'
    writeFileSync(own, `lr: 0.01\nepochs: 10\nbatchSize: 16\nkeep: last\nstages: { ${alone} }\n`)
    const { code, err } = await distil(
      'hinton',
      'fair',
      ...ofTeacher,
      '--student',
      at('student.json'),
      '--config',
      own,
      '--baseline',
      '--seeds',
      '2',
    )
    expect(code, err).toBe(0)
    const { models, baseline, verdicts, columns, rows: table } = record('fair')
    expect(baseline.fit).toMatchObject({ epochs: 2, lr: 0.01 })
    expect(models.distilled.steps).toBe(60)
    for (const { tried, steps, seconds } of models.alone.seeds) {
      expect(tried).toMatchObject([
        { schedule: 'alone', epochs: 2, steps: 12 },
        { schedule: 'alone-as-many-steps', epochs: 10, steps: 60 },
      ])
      const [counted] = tried.filter((one: { counts: boolean }) => one.counts)
      expect(counted.dev).toBe(Math.max(...tried.map((one: { dev: number }) => one.dev)))
      expect([steps, seconds]).toEqual([counted.steps, counted.seconds])
    }
    expect(verdicts.join('\n')).toMatch(
      /alone is the better of two schedules by dev, of 2 seeds: alone \(2 epochs, 12 steps, dev accuracy [\d.]+%\) with \d, alone-as-many-steps \(10 epochs, 60 steps, dev/,
    )
    expect(table.find(([name]: string[]) => name === 'distilled')[columns.indexOf('steps')]).toBe('60')
    // The same first weights, and the same order of rows: what both have in common is the same to the bit.
    const lines = readFileSync(join(at('fair'), 'metrics.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    const first = (name: string) => lines.find((l) => l.type === 'step' && l.model === name && l.seed === 1)
    expect(first('alone-as-many-steps').loss).toBe(first('alone').loss)
    expect(first('alone').loss).toBe(first('distilled').terms.hard)
  })

  it('gives the same weights again', async () => {
    for (const [name, ...more] of [['again1'], ['again2', '--tensorboard']])
      await distil('hinton', name, ...small, ...more)
    expect(weights('again1').equals(weights('again2'))).toBe(true)
    const told = readEvents(at('again2/tensorboard/distilled/seed-1')).map(({ tag }) => tag)
    expect([...new Set(told)].sort()).toEqual(
      expect.arrayContaining([
        'dev/accuracy',
        'train/gradNorm',
        'train/loss',
        'train/lr',
        'train/terms/soft',
      ]),
    )
    await distil('hinton', 'other', ...small, '--seed', '5')
    expect(weights('other').equals(weights('again1'))).toBe(false)
  })

  it('--on-nonfinite skip: leaves out the steps that break, and counts them', async () => {
    const texts = readFileSync(at('train.tsv'), 'utf8').trim().split('\n')
    writeFileSync(at('one-long.tsv'), [...texts.slice(0, 47), longText].join('\n'))
    writeFileSync(at('short.json'), '{"epochs": 1, "batchSize": 16}')
    const student = brokenPosition(at('again1'), at('odd'))
    const args = [
      ...ofTeacher,
      '--student',
      student,
      '--train',
      at('one-long.tsv'),
      '--config',
      at('short.json'),
    ]
    const stopped = await distil('hinton', 'stops', ...args)
    expect([stopped.code, stopped.err]).toEqual([
      1,
      expect.stringMatching(/position_embeddings.weight\[15, 0\] is NaN/),
    ])
    const { code } = await distil('hinton', 'skips', ...args, '--on-nonfinite', 'skip')
    expect(code).toBe(0)
    expect(record('skips')).toMatchObject({ status: 'done', skipped: 1 })
  })

  it('hinton: a transfer set needs no labels, and where it is several times as large soft targets count alone', async () => {
    const { code } = await distil('hinton', 'more', ...small, '--transfer', at('more.txt'))
    expect(code).toBe(0)
    expect(record('more').stages[0]).toMatchObject({
      data: 'transfer',
      losses: { soft: { weight: 0.9 }, hard: { weight: 0.1 } },
    })
    const many = readFileSync(at('more.txt'), 'utf8').trimEnd().split('\n')
    writeFileSync(
      at('many.txt'),
      Array.from({ length: 4 }, (_, i) => many.map((t) => `${t} ${i}`))
        .flat()
        .join('\n'),
    )
    expect((await distil('hinton', 'many', ...small, '--transfer', at('many.txt'))).code).toBe(0)
    expect(Object.keys(record('many').stages[0].losses)).toEqual(['soft'])
    expect(
      (await distil('hinton', 'mixed', ...small, '--transfer', at('more.txt'), '--alpha', '0.5')).code,
    ).toBe(0)
    expect(record('mixed').stages[0].losses).toHaveProperty('hard')
  })

  it("begins a new student with the teacher's embeddings, unless told otherwise", async () => {
    const still = ['--lr', '0', '--epochs', '1', ...small]
    for (const [out, which] of [
      ['words-taken', 'teacher'],
      ['words-new', 'new'],
    ]) {
      const { code, err } = await distil('hinton', out, ...still, '--embeddings', which)
      expect(code, err).toBe(0)
    }
    const table = (name: string) =>
      readCheckpoint(at(name)).tensors.get('bert.embeddings.word_embeddings.weight') as Tensor
    const [t, taken, drawn] = ['teacher', 'words-taken', 'words-new'].map(table)
    const distance = ({ shape: [, width], elements: e }: Tensor, a: number, b: number) => {
      let sum = 0
      for (let c = 0; c < width; c++) sum += (Number(e[a * width + c]) - Number(e[b * width + c])) ** 2
      return sum
    }
    // How alike words are to the student goes with how alike they are to the teacher.
    const pairs = Array.from({ length: 60 }, (_, i) => [5 + (i % 12), 20 + ((i * 7) % 11)])
    const alike = (own: Tensor) =>
      pearson(
        pairs.map(([a, b]) => distance(t, a, b)),
        pairs.map(([a, b]) => distance(own, a, b)),
      )
    expect(alike(taken)).toBeGreaterThan(0.7)
    expect(Math.abs(alike(drawn))).toBeLessThan(0.5)
  })

  it("makes a student of the teacher's layers", async () => {
    const { code } = await distil(
      'hinton',
      'half',
      ...ofTeacher,
      '--from-layers',
      '1',
      '--config',
      at('still.json'),
    )
    expect(code).toBe(1)
    writeFileSync(at('still.json'), '{"lr": 0, "epochs": 1}')
    await distil('hinton', 'half', ...ofTeacher, '--from-layers', '1', '--config', at('still.json'))
    const [t, s] = ['teacher', 'half'].map((name) => readCheckpoint(at(name)).tensors)
    const own = 'bert.encoder.layer.0.attention.self.query.weight'
    expect(s.get(own)?.toArray()).toEqual(t.get(own.replace('.0.', '.1.'))?.toArray())
    for (const name of [
      'classifier.weight',
      'bert.pooler.dense.bias',
      'bert.embeddings.word_embeddings.weight',
    ])
      expect(s.get(name)?.toArray(), name).toEqual(t.get(name)?.toArray())
  })

  it('born-again: generations, their ensemble and the controls, each from weights of its own', async () => {
    const before = weights('teacher')
    writeFileSync(at('three.yaml'), 'generations: 3\nepochs: 2\nlr: 0.005\nkeep: last')
    const { code, out } = await distil('born-again', 'born', ...ofTeacher, '--config', at('three.yaml'))
    expect(code).toBe(0)
    const names = ['cwtm', 'dkpp', 'generation-1', 'generation-2', 'generation-3', 'ensemble']
    expect(Object.keys(JSON.parse(out).models)).toEqual(['teacher', 'majority class', 'linear', ...names])
    const saved = ['teacher', 'born/generation-1', 'born/generation-2', 'born'].map((name) =>
      weights(name).toString('hex'),
    )
    expect(new Set(saved).size).toBe(4)
    expect(weights('teacher').equals(before)).toBe(true)
    expect(record('born').plan).toContain('taught by generation-2')
  })

  it('annealing: mixes the targets, and its dev scores are kept', async () => {
    const { code, out } = await distil('annealing', 'annealed', ...small, '--baseline')
    expect([code, JSON.parse(out).accuracy > 0.9]).toEqual([0, true])
    expect(record('annealed').plan).toContain('CE(p y + (1 - p) softmax(z_t), softmax(z_s)), p = step/total')
    const fixed = at('fixed.json')
    writeFileSync(fixed, '{"anneal": false, "epochs": 1}')
    expect((await distil('annealing', 'fixed', ...small, '--config', fixed)).code).toBe(0)
    expect(record('fixed').plan).toContain('0.5 KL(softmax(z_t) || softmax(z_s)) + 0.5 CE')
  })

  it.each([
    ['probabilities', 'equal'],
    ['logits', 'accuracy'],
    ['probabilities', 'entropy'],
  ])('multi-teacher: the mean of %s, weights %s', async (mean, by) => {
    const file = at('mean.json')
    writeFileSync(file, JSON.stringify({ mean, weights: by, epochs: 3, lr: 5e-3 }))
    const both = ['--teacher', at('teacher'), at('teacher2'), '--student', at('student.json'), '--json']
    const { code, out } = await distil('multi-teacher', 'multi', ...both, '--config', file)
    expect(code).toBe(0)
    expect(Object.keys(JSON.parse(out).models)).toEqual([
      'teacher 1',
      'teacher 2',
      'teachers together',
      'majority class',
      'linear',
      'distilled',
    ])
    expect(record('multi').combination).toEqual({ of: mean, weights: by })
  })

  it('needs no dev and no test set, and then claims nothing', async () => {
    const args = [
      '--train',
      at('train.tsv'),
      '--quiet',
      '--config',
      at('fast.yaml'),
      '--baseline',
      '--out',
      at('blind'),
    ]
    const { code, out } = await run('distill', '--recipe', 'hinton', '--augment', '0', ...args, ...small)
    expect([code, JSON.parse(out).verdicts, JSON.parse(out).accuracy]).toEqual([0, {}, undefined])
    const page = readFileSync(join(at('blind'), 'report.html'), 'utf8')
    expect(page).toContain('Similarity of layers')
    expect(page).not.toMatch(/Reliability|disagree/)
  })

  it('says when the student has learnt nothing', async () => {
    const still = at('none.yaml')
    writeFileSync(still, 'lr: 0\nepochs: 1')
    await distil('hinton', 'still', ...small, '--config', still)
    expect(record('still').verdicts).toEqual([
      expect.stringMatching(/^distilled is .* below linear over 1 seed and 30 rows; .* unknown/),
      expect.stringMatching(/no better than the commonest class, 50.0%: give it/),
      expect.stringMatching(/^a linear model of words reaches 100.00%, distilled 50.00%: ship that one, or/),
    ])
  })

  it('--quick takes one epoch of few rows', async () => {
    await distil('hinton', 'quick', ...small, '--quick')
    expect(record('quick').stages[0].fit.epochs).toBe(1)
  })

  it.each<[string, string, RegExp]>([
    ['a setting that is none', 'epocs: 3', /epocs is not known. Did you mean epochs\?/],
    ['a stage that is none', 'stages: {distill: {}}', /stages.distill is not known. Did you mean distil\?/],
    [
      'a loss that is none',
      'stages: {distil: {losses: {sotf: {}}}}',
      /losses.sotf is not known. Did you mean soft\?/,
    ],
    [
      'an option of a loss',
      'stages: {distil: {losses: {soft: {t: 2}}}}',
      /losses.soft.t is not known. Did you mean T\?/,
    ],
    [
      'a wrong value',
      'stages: {distil: {losses: {soft: {T: hot}}}}',
      /soft.T must be a number from 0.01 to 1000, it is "hot"/,
    ],
    ['half an epoch', 'epochs: 0.5', /epochs must be a whole number from 1/],
    [
      'no loss at all',
      'stages: {distil: {losses: {soft: {weight: 0}, hard: {weight: 0}}}}',
      /leaves no loss to learn from/,
    ],
    [
      'a wrong weight',
      'stages: {distil: {losses: {soft: {weight: -1}}}}',
      /soft.weight must be a number from 0 on, or/,
    ],
    ['rows that are not there', 'stages: {distil: {data: text}}', /--text: is missing/],
    ['a list', '- 1', /must hold one object of settings by name/],
    ['what is no YAML', 'a: [1\nb: 2', /bad.yaml:2: /],
  ])('refuses %s in --config', async (_, text, message) => {
    writeFileSync(at('bad.yaml'), text)
    const { code, err } = await distil('hinton', 'refused', ...small, '--config', at('bad.yaml'))
    expect([code, err.trim().split('\n').at(-1)]).toEqual([
      expect.toBeOneOf([1, 2]),
      expect.stringMatching(message),
    ])
  })

  it('takes one loss away and adds another by --config', async () => {
    const file = at('change.yaml')
    writeFileSync(
      file,
      'epochs: 1\nstages:\n  distil:\n    losses:\n      hard: {weight: 0}\n      annealed: {weight: {from: 0, to: 1}}\n',
    )
    expect((await distil('hinton', 'changed', ...small, '--config', file)).code).toBe(0)
    expect(record('changed').plan).toMatch(/KL\(.*\) \+ \[0 to 1\] CE\(p y/)
  })

  it.each<[string, string[], RegExp]>([
    ['no student', ['--recipe', 'hinton', ...ofTeacher], /--student or --from-layers must say/],
    [
      'two teachers',
      ['--recipe', 'hinton', ...small, '--teacher', at('teacher'), at('teacher2')],
      /hinton takes one/,
    ],
    [
      'a T that it has not',
      ['--recipe', 'hinton', ...ofTeacher, '--from-layers', '7'],
      /there is no layer 7, the teacher has 0 to 1/,
    ],
    [
      'alpha where there is none',
      ['--recipe', 'annealing', ...small, '--alpha', '0.5'],
      /the recipe annealing has no alpha/,
    ],
  ])('refuses %s', async (_, args, message) => {
    const { code, err } = await run('distill', ...data, '--out', at('refused'), ...args)
    expect([code, err.trim().split('\n').at(-1)]).toEqual([
      expect.toBeOneOf([1, 2]),
      expect.stringMatching(message),
    ])
  })
})

describe('the doctor before distilling', () => {
  const refused = async (args: string[], message: RegExp) => {
    const { code, err } = await distil('hinton', 'sick', ...args, '--json')
    expect([code, err]).toEqual([expect.toBeOneOf([1, 2]), expect.stringMatching(message)])
    expect(err).toContain('--force goes on all the same')
    expect(existsSync(at('sick'))).toBe(false)
    const forced = await distil('hinton', 'sick', ...args, '--json', '--force', '--quick')
    expect(forced.code).toBe(0)
    expect(record('sick').problems).toEqual([expect.stringMatching(message)])
    rmSync(at('sick'), { recursive: true })
  }

  it('refuses classes in another order, and says which', async () => {
    const turned = planted('turned', (config) => {
      config.id2label = { 0: 'good', 1: 'bad' }
      delete config.label2id
    })
    await refused(
      ['--teacher', turned, '--student', at('student.json')],
      /right on 0.0% of 30 rows, and would be on 100.0% with its classes in another order: good is what it calls bad.*id2label/,
    )
  })

  it('refuses a teacher that was never taught', async () => {
    await teach('untaught', '--lr', '0', '--epochs', '1')
    await refused(
      ['--teacher', at('untaught'), '--student', at('student.json')],
      /the commonest class alone on 50.0%. Fine-tune it on this task first/,
    )
  })

  it('refuses another vocabulary, with the entries that differ', async () => {
    writeFileSync(at('odd.tsv'), tsv(rows.map(([text, label]) => [text.replaceAll('film', 'movie'), label])))
    await teach('foreign', '--train', at('odd.tsv'), '--epochs', '1', '--lr', '0')
    await refused(
      ['--teacher', at('teacher'), '--student', at('foreign')],
      /student and teacher differ in \d+ entries of their vocabularies: \d+ is ".*" and ".*"/,
    )
  })

  it("puts a student's head into the teacher's order of the classes, and says so", async () => {
    const turned = planted('turned2', (config) => {
      config.id2label = { 0: 'good', 1: 'bad' }
      delete config.label2id
    })
    const args = ['--recipe', 'hinton', ...data.slice(0, 4), '--quick', '--out', at('righted')]
    const { code, err } = await run('distill', ...args, '--teacher', at('teacher'), '--student', turned)
    expect([code, err]).toEqual([
      0,
      expect.stringContaining(
        `${turned}: the rows of the head are put into the order of the classes "bad", "good"`,
      ),
    ])
    const { id2label } = JSON.parse(readFileSync(join(at('righted'), 'config.json'), 'utf8'))
    expect(id2label).toEqual({ 0: 'bad', 1: 'good' })
  })
})
