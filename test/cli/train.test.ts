// train, eval and predict as a user runs them: data files in, a folder out, figures and refusals.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { brokenPosition, longText, reviews, run } from './program.js'

const folder = mkdtempSync(join(tmpdir(), 'tinystill-train-'))
afterAll(() => rmSync(folder, { recursive: true }))
const at = (name: string) => join(folder, name)

const rows = reviews(160)
writeFileSync(at('train.tsv'), rows.map((r) => r.join('\t')).join('\n'))
writeFileSync(
  at('dev.tsv'),
  rows
    .slice(0, 40)
    .map((r) => r.join('\t'))
    .join('\n'),
)
writeFileSync(
  at('numbers.tsv'),
  rows.map(([text, label]) => `${text}\t${label === 'good' ? 1.5 : -0.5}`).join('\n'),
)
writeFileSync(
  at('pairs.jsonl'),
  rows.map(([text, label], i) => JSON.stringify({ text, text_b: rows[(i + 1) % 160][0], label })).join('\n'),
)
writeFileSync(at('text.txt'), rows.map(([text]) => text).join('\n'))
writeFileSync(
  at('small.json'),
  JSON.stringify({
    model_type: 'distilbert',
    dim: 32,
    n_layers: 1,
    n_heads: 2,
    hidden_dim: 64,
    max_position_embeddings: 40,
    dropout: 0,
  }),
)

const trainArgs = (out: string, ...more: string[]) => [
  ...['train', '--model', at('small.json'), '--train', at('train.tsv'), '--out', at(out)],
  ...['--vocab-size', '200', '--json', '--quiet', ...more],
]
const train = (out: string, ...more: string[]) => run(...trainArgs(out, ...more))

describe('tinystill train', () => {
  it('learns classes and leaves a folder that eval and predict take', async () => {
    const { code, out, err } = await train('run', '--dev', at('dev.tsv'), '--epochs', '6', '--lr', '5e-3')
    expect([code, err.split('\n').filter((line) => line.startsWith('tinystill'))]).toEqual([0, []])
    const result = JSON.parse(out)
    expect(result.accuracy).toBeGreaterThan(0.9)
    expect(result).toMatchObject({ seed: 1, dev: { accuracy: result.accuracy }, out: at('run') })
    for (const name of ['config.json', 'model.safetensors', 'tokenizer.json', 'vocab.txt', 'report.html'])
      expect(existsSync(join(at('run'), name)), name).toBe(true)
    const record = JSON.parse(readFileSync(join(at('run'), 'run.json'), 'utf8'))
    expect(record).toMatchObject({
      status: 'done',
      command: 'train',
      seed: 1,
      figures: { dev: { accuracy: result.accuracy } },
    })
    const lines = readFileSync(join(at('run'), 'metrics.jsonl'), 'utf8')
      .trim()
      .split('\n')
    expect(lines.map((line) => JSON.parse(line).type).filter((t) => t === 'evaluation')).toHaveLength(6)

    const judged = JSON.parse(
      (await run('eval', '--model', at('run'), '--data', at('dev.tsv'), '--json', '--quiet')).out,
    )
    expect(judged.accuracy).toBe(result.accuracy)
    expect(judged).toMatchObject({ params: result.params, bytes: result.bytes })
    const told = JSON.parse((await run('predict', '--model', at('run'), '--text', rows[0][0], '--json')).out)
    expect(told.predictions[0].label).toBe(rows[0][1])
  })

  it('makes a tokenizer for an MPNet, whose padding has id 1', async () => {
    const mpnet = { model_type: 'mpnet', hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2 }
    writeFileSync(
      at('mpnet.json'),
      JSON.stringify({ ...mpnet, intermediate_size: 16, max_position_embeddings: 42 }),
    )
    const model = ['--model', at('mpnet.json'), '--steps', '2', '--vocab-size', '100']
    const { code, err } = await train('mpnet', ...model)
    expect(code, err).toBe(0)
    const vocabulary = readFileSync(join(at('mpnet'), 'vocab.txt'), 'utf8').split('\n')
    expect(vocabulary.slice(0, 5)).toEqual(['[UNK]', '[PAD]', '[CLS]', '[SEP]', '[MASK]'])
    expect((await run('predict', '--model', at('mpnet'), '--text', 'a good film')).code).toBe(0)
  }, 60_000)

  it('gives the same weights again', async () => {
    await train('again1', '--epochs', '1')
    await train('again2', '--epochs', '1')
    const weights = (name: string) => readFileSync(join(at(name), 'model.safetensors'))
    expect(weights('again1').equals(weights('again2'))).toBe(true)
  })

  it('goes on from a folder, with parts frozen, classes weighted and rates by layer', async () => {
    await train('from', '--epochs', '1')
    const args = [
      '--epochs',
      '1',
      '--freeze',
      'embeddings',
      '--layer-decay',
      '0.8',
      '--class-weights',
      'balanced',
    ]
    const more = [
      '--label-smoothing',
      '0.1',
      '--accumulate',
      '2',
      '--eval-every',
      '2',
      '--patience',
      '9',
      '--dev',
      at('dev.tsv'),
    ]
    const { code, err } = await train('on', ...args, ...more, '--model', at('from'))
    expect([code, err]).toEqual([0, expect.anything()])
  })

  describe('from a folder with a head', () => {
    const write = (name: string, label: (label: string, i: number) => string) => {
      writeFileSync(at(name), rows.map(([text, is], i) => `${text}\t${label(is, i)}`).join('\n'))
      return at(name)
    }
    const config = (name: string) => JSON.parse(readFileSync(join(at(name), 'config.json'), 'utf8'))
    /** Its classes are good, bad, in this order. */
    const taught = async () => {
      if (existsSync(at('goodbad'))) return at('goodbad')
      const numbers = write('numbered.tsv', (label) => (label === 'good' ? '0' : '1'))
      expect((await train('goodbad', '--train', numbers, '--epochs', '3', '--lr', '5e-3')).code).toBe(0)
      const change = {
        ...config('goodbad'),
        id2label: { 0: 'good', 1: 'bad' },
        label2id: { good: 0, bad: 1 },
      }
      writeFileSync(join(at('goodbad'), 'config.json'), JSON.stringify(change))
      return at('goodbad')
    }
    /** Goes on at a rate of nothing: what the folder said must still be said. */
    const goOn = async (out: string, file: string, ...more: string[]) => {
      const args = ['--train', file, '--dev', file, '--epochs', '1', '--lr', '1e-9', '--json', ...more]
      const {
        code,
        out: text,
        err,
      } = await run('train', '--model', await taught(), '--out', at(out), ...args)
      expect(code).toBe(0)
      return { accuracy: JSON.parse(text).accuracy, err, labels: config(out).id2label }
    }

    it.each<[string, (label: string, i: number) => string, number, RegExp]>([
      ['names in another order than theirs', (label) => label, 1, /^[^n]/],
      ['their numbers', (label) => (label === 'good' ? '0' : '1'), 1, /labels "0", "1" are "good", "bad"/],
      ['numbers the other way round', (label) => (label === 'good' ? '1' : '0'), 0, /labels "0", "1" are/],
    ])('keeps its classes for %s', async (name, label, accuracy, told) => {
      const result = await goOn(name.replaceAll(' ', '-'), write('again.tsv', label))
      expect(result.accuracy).toBeCloseTo(accuracy, 1)
      expect(result.labels).toEqual({ 0: 'good', 1: 'bad' })
      expect(result.err).toMatch(told)
      expect(result.err).not.toMatch(/drawn anew|new:/)
    })

    it('keeps its head for --labels in another order, whose rows go along', async () => {
      const { accuracy, err, labels } = await goOn('turned', at('train.tsv'), '--labels', 'bad,good')
      expect([accuracy > 0.9, labels]).toEqual([true, { 0: 'bad', 1: 'good' }])
      expect(err).toContain('the rows of the head are put into the order of the classes "bad", "good"')
      expect(err).not.toMatch(/drawn anew|new:/)
    })

    it('keeps names for some of the numbers that they begin with', async () => {
      const stars = (good: string) => (label: string, i: number) =>
        label === 'good' ? `3 ${good}` : `${i % 4 === 1 ? 1 : 2} ${good}`
      await train('stars', '--train', write('stars.tsv', stars('stars')), '--epochs', '1')
      const some = write('some.tsv', (label) => (label === 'good' ? '3' : '1'))
      const args = ['--model', at('stars'), '--train', some, '--out', at('still-stars'), '--epochs', '1']
      const { code, err } = await run('train', ...args)
      expect([code, config('still-stars').id2label]).toEqual([0, config('stars').id2label])
      expect(err).toContain('labels "1", "3" are "1 stars", "3 stars", the classes of')
    })

    it('keeps a class that no row has, and says so', async () => {
      const three = write('three.tsv', (label, i) => (i % 8 === 0 ? 'so-so' : label))
      await train('three', '--train', three, '--epochs', '1')
      const args = [
        '--model',
        at('three'),
        '--train',
        at('train.tsv'),
        '--out',
        at('still-three'),
        '--epochs',
        '1',
      ]
      const { code, err } = await run('train', ...args)
      expect([code, Object.values(config('still-three').id2label)]).toEqual([0, ['bad', 'good', 'so-so']])
      expect(err).toMatch(/classes of .*three that no row of --train has: "so-so"; they are kept/)
    })

    it('draws it anew for other classes, and says so', async () => {
      const other = write('other.tsv', (label) => (label === 'good' ? 'gut' : 'schlecht'))
      const { err, labels } = await goOn('other', other)
      expect(labels).toEqual({ 0: 'gut', 1: 'schlecht' })
      expect(err).toMatch(
        /the head is drawn anew: the classes of .* are "good", "bad", those of the data "gut"/,
      )
      expect(err).toMatch(/new: classifier\.weight, classifier\.bias; not used: classifier\.weight/)
    })
  })

  it('--on-nonfinite: stops with the tensor and the rows, or leaves the step out and says so', async () => {
    writeFileSync(at('one-long.tsv'), [...rows.slice(0, 95).map((r) => r.join('\t')), longText].join('\n'))
    const args = [
      '--model',
      brokenPosition(at('from'), at('odd')),
      '--train',
      at('one-long.tsv'),
      '--epochs',
      '1',
    ]
    const record = (name: string) => JSON.parse(readFileSync(join(at(name), 'run.json'), 'utf8'))
    const stopped = await train('stops', ...args)
    const reason =
      /the loss became NaN at step \d of 3, epoch 1, in rows .*distilbert\.embeddings\.position_embeddings\.weight\[15, 0\] is NaN\. Begin again/
    expect([stopped.code, stopped.err]).toEqual([1, expect.stringMatching(reason)])
    expect(record('stops')).toMatchObject({
      status: 'failed',
      error: expect.stringMatching(reason),
      skipped: 0,
    })

    const quiet = trainArgs('skips', ...args, '--on-nonfinite', 'skip')
    const { code, err } = await run(...quiet.filter((arg) => arg !== '--quiet'))
    expect([code, err]).toEqual([0, expect.stringMatching(reason)])
    expect(err).toMatch(/kept the weights of epoch 1, 1 step skipped/)
    expect(record('skips')).toMatchObject({ status: 'done', skipped: 1 })
    const lines = readFileSync(join(at('skips'), 'metrics.jsonl'), 'utf8')
      .trim()
      .split('\n')
    const skipped = lines.map((line) => JSON.parse(line)).filter((line) => line.skipped)
    expect(skipped).toEqual([
      expect.objectContaining({
        type: 'step',
        loss: null,
        gradNorm: null,
        why: expect.stringMatching(reason),
      }),
    ])
  })

  it('learns numbers, pairs and masked words', async () => {
    const numbers = await train(
      'numbers',
      '--task',
      'regress',
      '--train',
      at('numbers.tsv'),
      '--dev',
      at('numbers.tsv'),
      '--epochs',
      '6',
      '--lr',
      '5e-3',
    )
    expect(JSON.parse(numbers.out).pearson).toBeGreaterThan(0.8)
    const told = JSON.parse(
      (await run('predict', '--model', at('numbers'), '--text', rows[0][0], '--json')).out,
    )
    expect(typeof told.predictions[0].value).toBe('number')
    const pairs = await train('pairs', '--train', at('pairs.jsonl'), '--epochs', '1')
    expect(pairs.code).toBe(0)
    const words = await train(
      'words',
      '--task',
      'mlm',
      '--train',
      at('text.txt'),
      '--dev',
      at('text.txt'),
      '--epochs',
      '8',
      '--lr',
      '5e-3',
    )
    expect(JSON.parse(words.out).accuracy).toBeGreaterThan(0.2)
    const on = await train('task', '--model', at('words'), '--epochs', '1')
    expect(on.code).toBe(0)
  })

  it.each<[string, string[], RegExp]>([
    [
      'a model that is none',
      ['--model', 'nothing'],
      /nothing: is no folder, no config.json and no preset. Presets are tiny, slim, mini/,
    ],
    // 48 is no whole number of heads of 32.
    ['a size that is none', ['--model', 'L-2_H-48'], /L-2_H-48: is no folder, .* as in L-3_H-160/],
    ['data that are none', ['--train', 'nothing.tsv'], /nothing.tsv: cannot be read/],
    ['a text too long', ['--max-length', '100'], /--max-length 100: the model takes at most 40/],
    [
      'weights that do not fit',
      ['--class-weights', '1,2,3'],
      /--class-weights: needs a number from 0 on for each of bad, good/,
    ],
    ['a part that is not there', ['--freeze', 'nothing'], /freeze: no parameter's name begins with nothing/],
    [
      'a figure that is none',
      ['--dev', 'DEV', '--metric', 'beauty'],
      /--metric beauty: figures of classify are accuracy, f1/,
    ],
    ['classes of numbers', ['--task', 'regress'], /train.tsv:1: label "good" is no number/],
  ])('refuses %s in one line', async (_, args, text) => {
    const { code, err } = await train('refused', ...args.map((arg) => (arg === 'DEV' ? at('dev.tsv') : arg)))
    const lines = err.trim().split('\n')
    expect([code, lines.at(-1)]).toEqual([expect.toBeOneOf([1, 2]), expect.stringMatching(text)])
  })

  it('says what is wrong with options', async () => {
    const { code, err } = await train('refused', '--lr', 'much')
    expect([code, err]).toEqual([2, expect.stringMatching(/--lr.*must be a number from 0 to 10/)])
  })
})
