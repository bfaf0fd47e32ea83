// Words with tags as users have them: a model of entities trained, judged, asked and distilled, one of parts of speech too.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { loadTagger } from '../../src/files/tagging/tagger.js'
import { interrupted, run } from './program.js'

const folder = mkdtempSync(join(tmpdir(), 'tinystill-tagging-'))
afterAll(() => rmSync(folder, { recursive: true }))
const at = (name: string) => join(folder, name)
const golden = join(import.meta.dirname, '../golden')

const people = ['anna', 'otto', 'lena', 'paul']
const towns = ['paris', 'rome', 'oslo', 'cairo']
const verbs = ['visits', 'likes', 'leaves']
/** n sentences: 'anna smith visits paris'; a name is known by its words, and a surname by what is before it. */
const sentences = Array.from({ length: 60 }, (_, i): [string, string, string][] => [
  [people[i % 4], 'B-PER', 'NOUN'],
  ...(i % 3 === 0 ? [['smith', 'I-PER', 'NOUN'] as [string, string, string]] : []),
  [verbs[(i * 5) % 3], 'O', 'VERB'],
  [towns[(i * 7 + 1) % 4], 'B-LOC', 'NOUN'],
  ['.', 'O', 'PUNCT'],
])
const file = (rows: [string, string, string][][], column: 1 | 2) =>
  rows.map((own) => own.map((word) => `${word[0]}\t${word[column]}\n`).join('')).join('\n')
writeFileSync(at('train.conll'), file(sentences.slice(0, 40), 1))
writeFileSync(at('dev.conll'), file(sentences.slice(40, 50), 1))
writeFileSync(at('test.conll'), file(sentences.slice(50), 1))
writeFileSync(at('pos.conll'), file(sentences.slice(0, 40), 2))
writeFileSync(at('more.txt'), sentences.map((own) => own.map(([word]) => word).join(' ')).join('\n'))
writeFileSync(at('other.txt'), 'someone else\nand others')
writeFileSync(at('hidden.json'), JSON.stringify({ stages: { distil: { losses: { hidden: {} } } } }))
writeFileSync(
  at('small.json'),
  JSON.stringify({
    ...{ model_type: 'bert', vocab_size: 100, hidden_size: 16, num_hidden_layers: 2, num_attention_heads: 2 },
    ...{ intermediate_size: 24, max_position_embeddings: 32, hidden_dropout_prob: 0 },
  }),
)

const ok = async (...args: string[]) => {
  const { code, out, err } = await run(...args)
  expect(code, err).toBe(0)
  return { out, err }
}
const json = async (...args: string[]) => JSON.parse((await ok(...args, '--json', '--quiet')).out)
const record = (name: string) => JSON.parse(readFileSync(join(at(name), 'run.json'), 'utf8'))
const train = (out: string, ...more: string[]) => [
  ...['train', '--task', 'ner', '--model', at('small.json'), '--train', at('train.conll'), '--out', at(out)],
  ...['--dev', at('dev.conll'), '--epochs', '12', '--lr', '0.01', '--batch-size', '8', ...more],
]
const distill = (out: string, ...more: string[]) => [
  ...['distill', '--recipe', 'hinton', '--teacher', at('teacher'), '--train', at('train.conll')],
  ...['--out', at(out), '--epochs', '6', '--lr', '0.01', '--batch-size', '8', ...more],
]

describe('train, eval, predict', () => {
  it('learns entities', async () => {
    const { err } = await ok(...train('teacher', '--test', at('test.conll')))
    expect(err).toContain(`${at('train.conll')}: IOB2; it gives entities of 2 types`)
    const { figures } = record('teacher')
    expect(figures.test.entityF1).toBeGreaterThan(0.95)
    expect(Object.keys(figures.dev)).toEqual(['entityF1', 'precision', 'recall', 'accuracy', 'loss'])
    const { classes, problemType } = loadTagger(at('teacher'))
    expect([classes, problemType]).toEqual([['B-LOC', 'B-PER', 'I-PER', 'O'], 'entities'])
    expect(readFileSync(join(at('teacher'), 'report.html'), 'utf8')).toContain('I-PER')
  }, 60_000)

  it('judges what training judged, and by type', async () => {
    const own = await json('eval', '--model', at('teacher'), '--data', at('test.conll'))
    const { entityF1, loss } = record('teacher').figures.test
    expect([own.entityF1, own.loss]).toEqual([entityF1, loss])
    expect(own.each).toMatchObject({ LOC: { f1: 1, entities: 10 }, PER: { entities: 10 } })
    expect((await ok('eval', '--model', at('teacher'), '--data', at('test.conll'), '--quiet')).out).toContain(
      'PER',
    )
    // In windows of three words each word is judged all the same.
    const short = ['--data', at('test.conll'), '--max-length', '5', '--doc-stride', '2']
    const windows = await json('eval', '--model', at('teacher'), ...short)
    expect([windows.each.LOC.entities, windows.each.PER.entities]).toEqual([10, 10])
    expect(windows.recall).toBeGreaterThan(0.9)
  })

  it('goes on after it was ended, and is the same', async () => {
    const args = train('ended', '--checkpoint-every', '10')
    expect(await interrupted(...args)).not.toBe(0)
    expect(record('ended').status).toBe('interrupted')
    await ok(...args, '--resume')
    const weights = (name: string) => readFileSync(join(at(name), 'model.safetensors'))
    expect(weights('ended').equals(weights('teacher'))).toBe(true)
  }, 60_000)

  it('finds entities in texts, and tags words that are given', async () => {
    const text = 'otto smith likes cairo.'
    const [own] = (await json('predict', '--model', at('teacher'), '--text', text)).predictions
    expect(own.entities).toMatchObject([
      { type: 'PER', text: 'otto smith', start: 0, end: 10 },
      { type: 'LOC', text: 'cairo', start: 17, end: 22 },
    ])
    const tokens = JSON.stringify({ tokens: ['lena', 'leaves', 'oslo'] })
    const { out } = await ok('predict', '--model', at('teacher'), '--text', tokens, '', 'anna', '--jsonl')
    expect(
      out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toMatchObject([
      { tokens: ['lena', 'leaves', 'oslo'], tags: ['B-PER', 'O', 'B-LOC'] },
      { text: '', entities: [] },
      { text: 'anna', entities: [{ type: 'PER' }] },
    ])
    expect((await ok('predict', '--model', at('teacher'), '--text', text)).out).toMatch(/^PER otto smith \d+/)
    const { code, err } = await run('predict', '--model', at('teacher'), '--text', '{"tokens":[1]}')
    expect([code, err]).toEqual([1, expect.stringContaining('--text:1: "tokens" must be a list of words')])
  })

  it('learns parts of speech', async () => {
    const args = [
      '--task',
      'pos',
      '--model',
      at('small.json'),
      '--train',
      at('pos.conll'),
      '--out',
      at('pos'),
    ]
    const own = await json(
      ...['train', ...args, '--dev', at('pos.conll'), '--epochs', '12', '--lr', '0.01', '--batch-size', '8'],
    )
    expect(own.accuracy).toBeGreaterThan(0.95)
    const [{ words }] = (await json('predict', '--model', at('pos'), '--text', 'anna likes rome')).predictions
    expect(words.map(({ tag }: { tag: string }) => tag)).toEqual(['NOUN', 'VERB', 'NOUN'])
    const { each } = await json('eval', '--model', at('pos'), '--data', at('pos.conll'))
    expect(each.VERB.words).toBe(40)
  }, 60_000)

  it('refuses', async () => {
    const refused = async (error: string, ...args: string[]) => {
      const { code, err } = await run(...args)
      expect([code === 0, err]).toEqual([false, expect.stringContaining(error)])
    }
    await refused('figures of token are entityF1', ...train('x', '--metric', 'macroF1'))
    await refused(
      'holds a token-classification model, which does not classify texts. It is made to tag words: eval, predict, label',
      ...['label', '--teacher', at('teacher'), '--parts', at('x'), '--out', at('y')],
    )
    const label = ['label', '--teacher', at('teacher'), '--data', at('more.txt'), '--out', at('y')]
    await refused('--hidden last: states are kept of texts', ...label, '--hidden', 'last')
    await refused('--top-k 2: the teacher gives entities of 2 types', ...label, '--top-k', '2')
    await refused('none of the 4 known', 'eval', '--model', at('teacher'), '--data', at('pos.conll'))
    await refused('--augment: made texts', ...distill('x', '--from-layers', '0', '--augment', '5'))
    await refused(
      'answers for words, which are not handed over',
      'export-training',
      ...distill('x', '--from-layers', '0').slice(1),
    )
  })
})

describe('distill', () => {
  it('by every seed, beside the lone student, with verdicts over sentences', async () => {
    const more = [
      '--from-layers',
      '0',
      '--dev',
      at('dev.conll'),
      '--test',
      at('test.conll'),
      '--transfer',
      at('more.txt'),
    ]
    const { verdicts, models } = await json(...distill('small', ...more, '--baseline', '--seeds', '3'))
    expect(models.distilled.entityF1).toBeGreaterThan(0.9)
    expect(Object.keys(models)).toEqual(['teacher', 'majority class', 'alone', 'distilled'])
    expect(verdicts.alone.text).toContain('over 3 seeds')
    expect(verdicts.alone.gain).toBeCloseTo(models.distilled.entityF1 - models.alone.entityF1, 10)
    const { right } = record('small')
    expect(right.distilled[0].rows).toBe(10)
    expect(readFileSync(join(at('small'), 'README.md'), 'utf8')).toContain('entity F1')
    expect(loadTagger(at('small')).model.config.layers).toBe(1)
  }, 120_000)

  it('with hidden states and attention', async () => {
    const own = await json(
      ...['distill', '--recipe', 'tinybert', '--teacher', at('teacher'), '--student', at('small.json')],
      ...[
        '--train',
        at('train.conll'),
        '--test',
        at('test.conll'),
        '--out',
        at('tiny'),
        '--epochs',
        '4',
        '--lr',
        '0.01',
      ],
      ...['--embeddings', 'new', '--batch-size', '8'],
    )
    expect(own.entityF1).toBeGreaterThan(0.3)
  }, 120_000)

  it.each([
    ['on grids', ['--quantize-aware']],
    ['pruned', ['--prune', 'magnitude', '--sparsity', '0.5']],
    ['without each loss', ['--ablate']],
    ['by another recipe', ['--recipe', 'minilm']],
    ['of half the layers', ['--recipe', 'distilbert']],
  ])(
    '%s',
    async (name, more) => {
      const usual =
        more[0] === '--recipe' ? distill(name).toSpliced(1, 2) : distill(name, '--from-layers', '0')
      const student = more[1] === 'minilm' ? ['--student', at('small.json')] : []
      const own = await json(
        ...usual,
        ...more,
        ...student,
        '--test',
        at('test.conll'),
        '--answers',
        at('answers'),
      )
      expect(own.models.teacher.entityF1).toBeGreaterThan(0.9)
      expect(loadTagger(at(name)).classes).toHaveLength(4)
    },
    120_000,
  )

  it('into a student of another family and tokenizer', async () => {
    const config = {
      model_type: 'roberta',
      vocab_size: 640,
      hidden_size: 16,
      num_hidden_layers: 1,
      num_attention_heads: 2,
    }
    writeFileSync(
      at('roberta.json'),
      JSON.stringify({
        ...config,
        intermediate_size: 24,
        max_position_embeddings: 34,
        pad_token_id: 1,
        hidden_dropout_prob: 0,
      }),
    )
    const own = await json(
      ...distill(
        'other',
        '--student',
        at('roberta.json'),
        '--tokenizer',
        join(golden, 'byte_bpe'),
        '--force',
      ),
      ...['--test', at('test.conll'), '--epochs', '15'],
    )
    expect(own.entityF1).toBeGreaterThan(0.8)
    expect(loadTagger(at('other')).model.family.modelType).toBe('roberta')
    // Hidden states too, at the words that the sentences are of.
    writeFileSync(at('states.json'), JSON.stringify({ stages: { distil: { losses: { hidden: {} } } } }))
    const states = distill('states', '--student', at('roberta.json'), '--config', at('states.json'))
    const { err } = await ok(...states, '--tokenizer', join(golden, 'byte_bpe'), '--force')
    const words = sentences.slice(0, 40).flat().length
    expect(err).toContain(`where both have them: ${40 + words} places of 40 texts`)
    // In windows too, which are the same words for both.
    const short = states.map((word) => (word === at('states') ? at('short') : word))
    const windows = [...short, '--max-length', '9', '--doc-stride', '3']
    const told = await ok(...windows, '--tokenizer', join(golden, 'byte_bpe'), '--force')
    expect(told.err).toMatch(/rows are windows of 40 sentences of words/)
  }, 120_000)

  it.each([
    ['whole sentences', []],
    ['windows', ['--max-length', '6', '--doc-stride', '2']],
  ])(
    'from a cache of %s: the bytes of the run with the teacher itself',
    async (name, windows) => {
      writeFileSync(at('all.conll'), file(sentences, 1))
      const cache = at(`cache ${name}`)
      await ok('label', '--teacher', at('teacher'), '--data', at('all.conll'), '--out', cache, ...windows)
      const own = (teacher: string, out: string, transfer = 'more.txt') => [
        ...distill(out).with(4, teacher),
        ...['--student', at('small.json'), '--tokenizer', at('teacher'), '--transfer', at(transfer)],
        ...['--test', at('test.conll')],
      ]
      const live = await json(...own(at('teacher'), `live ${name}`), ...windows)
      // A cache says by itself how long its windows are.
      const cached = await json(...own(cache, `cached ${name}`))
      const bytes = (out: string) => readFileSync(join(at(out), 'model.safetensors'), 'hex')
      expect(bytes(`cached ${name}`)).toBe(bytes(`live ${name}`))
      expect(cached.models.teacher.entityF1).toBe(live.models.teacher.entityF1)
      // Of other words there is nothing in it, and no states.
      const other = await run(...own(cache, 'other', 'other.txt'))
      expect(other.err).toContain('2 of 2 rows are not in')
      const states = await run(...own(cache, 'states'), '--config', at('hidden.json'))
      expect(states.err).toMatch(
        /read more than logits, .* holds those alone .*Give the teacher's own folder/,
      )
    },
    120_000,
  )
})
