// tinystill compress: which model is taken of several, and the whole of it on a small classifier.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { choose, front } from '../../src/cli/compress/choose.js'
import { type Left, leftBy } from '../../src/cli/compress/fit.js'
import { type StudentName, stepsOf } from '../../src/cli/compress/steps.js'
import { bert } from '../../src/nn/models/family.js'
import { saveTinyModel } from './model.js'
import { reviews, run } from './program.js'

const model = (name: string, bytes: number, score: number) => ({ name, bytes, score })
const whole = model('whole', 100, 0.9)
const all = [whole, model('b', 60, 0.91), model('c', 50, 0.895), model('d', 40, 0.8), model('e', 45, 0.79)]

describe('choose', () => {
  const taken = (size: number | null, tolerance: number | null) => {
    const { chosen, missed } = choose(all, whole, { size, tolerance })
    return [chosen.name, ...missed]
  }

  it('takes the smallest within the tolerance, the best under a size, and tells what is missed', () => {
    expect(taken(null, 0.01)).toEqual(['c'])
    expect(taken(null, 0)).toEqual(['b'])
    expect(taken(null, 0.2)).toEqual(['d'])
    expect(taken(55, null)).toEqual(['c'])
    expect(taken(48, null)).toEqual(['d'])
    expect(taken(48, 0.01)).toEqual(['d', 'tolerance'])
    expect(taken(10, null)).toEqual(['d', 'size'])
    expect(taken(10, 0.01)).toEqual(['d', 'size', 'tolerance'])
  })

  it('has on the front what nothing is as small and as good as', () => {
    expect(front(all).map(({ name }) => name)).toEqual(['b', 'c', 'd'])
    const twins = [model('x', 1, 1), model('y', 1, 1)]
    expect(front(twins)).toEqual(twins)
  })
})

const sizes = { layers: 6, width: 384, inner: 1536, maxLength: 512, tokenTypes: 2, vocabSize: 30522 }
const material = {
  model: 'm',
  train: 't',
  dev: 'd',
  answers: 'a',
  ...{ reading: {}, stay: [] },
  config: { ...bert.defaults, ...sizes },
}
const allWords = (words: number) => [{ minCount: 1, words }]
const optionsOf = (
  student: StudentName,
  targetSize: number | undefined,
  left: readonly Left[] | null,
  step = `student-${student}`,
) => stepsOf([student], { ...material, targetSize }, left).steps.find(({ name }) => name === step)?.options

/** WordNet's. */
const fewer = [
  ...allWords(21_010),
  ...[18_453, 16_609, 15_142].map((words, i) => ({ minCount: i + 2, words })),
]

describe('the narrow student', () => {
  const shapeOf = (targetSize: number | undefined, left: readonly Left[] | null) =>
    optionsOf('narrow', targetSize, left, 'student-narrow-shape')

  it('has two thirds of the width, or as much as fits into the size in whole numbers', () => {
    const widthOf = (targetSize: number | undefined, words: number | null) =>
      shapeOf(targetSize, words === null ? null : allWords(words))?.width
    expect(widthOf(undefined, null)).toBe(256)
    expect(widthOf(6e6, 11_621)).toBe(256)
    // 256 wide, 5.5 MB in files.
    expect(widthOf(5e6, 11_621)).toBe(224)
    expect(widthOf(5e6, null)).toBe(112)
    expect(widthOf(1000, 11_621)).toBe(16)
  })

  it('does without rare words before it is narrower', () => {
    expect(shapeOf(5e6, fewer)).toMatchObject({ width: 192, minCount: 4, vocabulary: ['t'] })
    const wide = shapeOf(9e6, fewer)
    expect(wide).toMatchObject({ width: 256 })
    expect(wide).not.toHaveProperty('minCount')
  })
})

describe('a new student', () => {
  it('is the preset where that fits, with all words if it can', () => {
    for (const [size, left] of [
      [undefined, null],
      [6.1e6, fewer],
      [5e6, allWords(11_621)],
    ] as const) {
      expect(optionsOf('slim', size, left)?.student).toBe('slim')
      expect(optionsOf('slim', size, left)).not.toHaveProperty('tokenizer')
    }
    expect(optionsOf('slim', 5e6, fewer)).toMatchObject({ student: 'slim', tokenizer: 'student-slim-words' })
    const words = optionsOf('slim', 5e6, fewer, 'student-slim-words')
    expect(words).toEqual({ model: 'words', vocabulary: ['t'], minCount: 4 })
  })

  it('else has whole heads of the widest that fits', () => {
    expect(optionsOf('slim', 5e6, allWords(21_010))?.student).toBe('L-3_H-160')
    expect(optionsOf('mini', 5e6, fewer)?.student).toBe('L-4_H-160')
    expect(optionsOf('tiny', 5e6, allWords(60_000))?.student).toBe('L-2_H-64')
    const none = optionsOf('tiny', 1000, fewer)
    expect(none?.student).toBe('L-2_H-32')
    expect(none).not.toHaveProperty('tokenizer')
  })
})

describe('leftBy', () => {
  it('leaves out words while they are one of eighty pieces at most', () => {
    const tokenizer = { vocabSize: 5, pieces: (text: string) => Int32Array.from(text, Number) }
    // 0 is of no text; 1 once, 2 twice, 3 five times.
    const left = leftBy(tokenizer, ['1', '22', '33333', '4'.repeat(392)])
    expect(left).toEqual([
      { minCount: 1, words: 5 },
      { minCount: 2, words: 4 },
      { minCount: 3, words: 3 },
    ])
    expect(leftBy(tokenizer, ['1', '22'])).toEqual(allWords(5))
    expect(leftBy(tokenizer, [])).toEqual(allWords(5))
  })
})

describe('tinystill compress', () => {
  const root = mkdtempSync(join(tmpdir(), 'tinystill-compress-'))
  afterAll(() => rmSync(root, { recursive: true }))
  const at = (...names: string[]) => join(root, ...names)
  const rows = reviews(96).map((row, i) => [`${row[0]} ${i % 13}`, row[1]].join('\t'))
  const files = ['--train', at('train.tsv'), '--dev', at('dev.tsv')]
  const compress = (...more: string[]) =>
    run(
      'compress',
      '--model',
      at('run'),
      '--out',
      at('small'),
      ...files,
      '--students',
      'cut',
      'half',
      'narrow',
      '--epochs',
      '1',
      ...more,
    )

  beforeAll(async () => {
    writeFileSync(at('train.tsv'), rows.slice(0, 64).join('\n'))
    for (const name of ['dev.tsv', 'test.tsv']) writeFileSync(at(name), rows.slice(64).join('\n'))
    const config = {
      ...{ model_type: 'bert', hidden_size: 16, num_hidden_layers: 2, num_attention_heads: 2 },
      ...{ intermediate_size: 32, max_position_embeddings: 32 },
    }
    writeFileSync(at('model.json'), JSON.stringify(config))
    const { code, err } = await run(
      ...['train', '--model', at('model.json'), ...files, '--out', at('run')],
      ...['--epochs', '12', '--lr', '1e-2', '--quiet'],
    )
    expect(code, err).toBe(0)
  })

  it('makes, judges and picks, with a picture, and passes over what is done', async () => {
    const { code, out, err } = await compress('--test', at('test.tsv'), '--quiet', '--json')
    expect(code, err).toBe(0)
    const record = JSON.parse(out)
    // Of the rows that all students learn from, and of --dev: asked once.
    expect(readdirSync(at('small', 'steps', 'answers'))).toHaveLength(2)
    const names = ['whole', 'words', 'low-rank', 'student-cut', 'student-half', 'student-narrow']
    expect(record.models.map(({ name }: { name: string }) => name)).toEqual([
      ...names,
      ...names.map((n) => `${n}-int8`),
    ])
    for (const { dev, test, speed } of record.models) {
      expect(test.accuracy).toBe(dev.accuracy)
      expect(speed.msPerExample).toBeGreaterThan(0)
    }
    expect(JSON.parse(readFileSync(at('small', 'compress.json'), 'utf8'))).toEqual(record)
    const page = readFileSync(at('small', 'report.html'), 'utf8')
    expect(page).toContain('What a size costs')
    expect(page).toContain(record.chosen)
    const chosen = record.models.find(({ name }: { name: string }) => name === record.chosen)
    const judged = await run(
      'eval',
      '--model',
      at('small', 'model'),
      '--data',
      at('dev.tsv'),
      '--json',
      '--quiet',
    )
    expect(JSON.parse(judged.out).accuracy).toBe(chosen.dev.accuracy)

    // What another choice left.
    for (const name of ['model', 'quantized'])
      writeFileSync(at('small', 'model', `${name}.safetensors`), 'old')
    const again = await compress('--quiet', '--target-size', '1kB')
    expect(again.code, again.err).toBe(0)
    expect(again.out).toContain(`${at('small', 'steps', 'words')}: is done`)
    const weights = readdirSync(at('small', 'model')).filter((name) => name.endsWith('.safetensors'))
    expect(weights).toEqual(['quantized.safetensors'])
    expect(again.out).toMatch(/no model is as small as 1(\.0)? kB: the smallest is taken/)
  })

  it('cuts out of a MobileBERT what can be, and refuses a BiLSTM at once', async () => {
    const bottlenecks = { intra_bottleneck_size: 16, num_feedforward_networks: 2, embedding_size: 16 }
    const sizes = { hidden_size: 32, num_hidden_layers: 2, num_attention_heads: 2, intermediate_size: 24 }
    writeFileSync(at('mobile.json'), JSON.stringify({ model_type: 'mobilebert', ...sizes, ...bottlenecks }))
    for (const [name, model] of [
      ['mobile', at('mobile.json')],
      ['bilstm', 'bilstm'],
    ])
      await run('train', '--model', model, '--train', at('train.tsv'), '--out', at(name), '--steps', '2')
    const of = (name: string) => [
      ...['compress', '--model', at(name), '--out', at(`${name}-small`), ...files, '--dry-run'],
    ]
    const { code, out, err } = await run(...of('mobile'))
    expect(code, err).toBe(0)
    const shrinks = out.split('\n').filter((line) => line.startsWith('tinystill shrink'))
    expect(shrinks).toHaveLength(4)
    for (const line of shrinks) {
      const done = await run(...line.split(' ').slice(1))
      expect(done.code, done.err).toBe(0)
    }
    expect((await run(...of('bilstm'))).err).toContain('holds a BiLstm, of which no parts can be cut')
  }, 60_000)

  it('prints its steps, and refuses what it cannot cut', async () => {
    const { out } = await compress('--dry-run')
    expect(out.split('\n')[0]).toMatch(
      /^tinystill shrink --model .*run --vocabulary .*train\.tsv --out .*steps.words --seed 1$/,
    )
    expect(out).toContain('--from-layers 0 ')
    const here = await compress('--dry-run', '--threads', '1', '--backend', 'js')
    for (const line of here.out.trim().split('\n')) expect(line).toMatch(/ --threads 1 --backend js$/)
    expect(here.err).toMatch(/train\.tsv: \d+ rows; 2 classes: .*\n\d+ to \d+ tokens a row/)
    expect(here.err).toMatch(/(\d+) of \d+ words are needed for .*train\.tsv\n/)
    const { rows, words } = JSON.parse((await compress('--dry-run', '--json')).out)
    expect(Object.keys(rows)).toEqual(['train', 'dev'])
    expect(here.err).toContain(`${words.kept} of ${words.of} words`)
    const broken = await compress('--dry-run', '--transfer', at('nothere.txt'))
    expect(broken.err).toContain('no such file or folder')
    saveTinyModel(at('own'))
    const own = await run('compress', '--model', at('own'), '--out', at('none'), ...files)
    expect(own.err).toContain('is a small model of our own')
    expect(existsSync(at('none'))).toBe(false)
    const size = await compress('--target-size', 'small')
    expect(size.err).toContain('It must be a size: 20MB')
  })
})
