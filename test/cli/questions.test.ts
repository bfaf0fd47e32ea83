// Questions about texts as users have them: a model trained, judged, asked and distilled on a tiny made set; hostile files.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { main } from '../../src/cli/main.js'
import { loadAnswerer } from '../../src/files/questions/answerer.js'
import { run } from './program.js'

const folder = mkdtempSync(join(tmpdir(), 'tinystill-questions-'))
afterAll(() => rmSync(folder, { recursive: true }))
const at = (name: string) => join(folder, name)

const people = ['anna', 'otto', 'lena', 'paul', 'rosa', 'hugo']
const towns = ['paris', 'rome', 'oslo', 'cairo', 'lima', 'bonn']
const around = ['today', 'they say', 'now and here', '']
let state = 1
const one = <T>(of: readonly T[]): T => {
  state = (state * 48_271) % 2_147_483_647
  return of[state % of.length]
}
/** 'they say anna lives in paris now and here .': who, and where. */
const rows = Array.from({ length: 220 }, (_, i) => {
  const [who, town] = [one(people), one(towns)]
  const context = `${one(around)} ${who} lives in ${town} ${one(around)} .`.trim()
  const [question, text] = one([['where', town] as const, ['who', who] as const])
  return { id: `q${i}`, question, context, answers: { text: [text], answer_start: [context.indexOf(text)] } }
})
const jsonl = (own: readonly object[]) => own.map((row) => `${JSON.stringify(row)}\n`).join('')
writeFileSync(at('train.jsonl'), jsonl(rows.slice(0, 160)))
writeFileSync(at('dev.jsonl'), jsonl(rows.slice(160, 190)))
const squad = (own: typeof rows, none: boolean) => ({
  version: 'v2.0',
  data: own.map(({ id, question, context, answers: { text, answer_start } }, i) => {
    const impossible = none && i % 4 === 0
    const answers = impossible ? [] : [{ text: text[0], answer_start: answer_start[0] }]
    const own = impossible ? 'why' : question
    const more = none ? { is_impossible: impossible } : {}
    return { title: 't', paragraphs: [{ context, qas: [{ id, question: own, answers, ...more }] }] }
  }),
})
writeFileSync(at('test.json.gz'), gzipSync(JSON.stringify(squad(rows.slice(190), false), null, 1)))
writeFileSync(at('train2.json'), JSON.stringify(squad(rows.slice(0, 160), true)))
writeFileSync(at('dev2.json'), JSON.stringify(squad(rows.slice(160), true)))
writeFileSync(at('more.jsonl'), jsonl(rows.map(({ question, context }) => ({ question, context }))))
writeFileSync(
  at('small.json'),
  JSON.stringify({
    ...{ model_type: 'bert', vocab_size: 100, hidden_size: 32, num_hidden_layers: 2, num_attention_heads: 2 },
    ...{ initializer_range: 0.1, intermediate_size: 48, max_position_embeddings: 48, hidden_dropout_prob: 0 },
  }),
)

const ok = async (...args: string[]) => {
  const { code, out, err } = await run(...args)
  expect(code, err).toBe(0)
  return { out, err }
}
const json = async (...args: string[]) => JSON.parse((await ok(...args, '--json', '--quiet')).out)
/** The same with lines on standard input. */
async function piped(lines: readonly string[], ...args: string[]): Promise<{ out: string; err: string }> {
  const [out, err]: [string[], string[]] = [[], []]
  await main(args, {
    stdout: { write: (s) => void out.push(s), drained: async () => {} },
    stderr: { write: (s) => void err.push(s) },
    lines: async function* () {
      yield* lines
    },
    now: () => performance.now(),
  })
  return { out: out.join(''), err: err.join('') }
}
const record = (name: string) => JSON.parse(readFileSync(join(at(name), 'run.json'), 'utf8'))
const train = (out: string, file: string, ...more: string[]) => [
  ...['train', '--task', 'qa', '--model', at('small.json'), '--train', at(file), '--out', at(out)],
  ...['--epochs', '8', '--lr', '0.003', '--batch-size', '8', ...more],
]

describe('train, eval, predict', () => {
  it('learns where answers are', async () => {
    const { err } = await ok(
      ...train('teacher', 'train.jsonl', '--dev', at('dev.jsonl'), '--test', at('test.json.gz')),
    )
    expect(err).toContain('160 questions about')
    const { figures } = record('teacher')
    expect(Object.keys(figures.test)).toEqual(['f1', 'exactMatch', 'loss'])
    expect(figures.test.f1).toBeGreaterThan(0.9)
    const { model, classes } = loadAnswerer(at('teacher'))
    expect([model.architecture, classes.length]).toEqual(['BertForQuestionAnswering', 2])
  }, 60_000)

  it('judges what training judged, in windows too', async () => {
    const own = await json('eval', '--model', at('teacher'), '--data', at('test.json.gz'))
    const { f1, exactMatch, loss } = record('teacher').figures.test
    expect([own.f1, own.exactMatch, own.loss]).toEqual([f1, exactMatch, loss])
    const { err } = await ok(
      'eval',
      '--model',
      at('teacher'),
      '--data',
      at('dev.jsonl'),
      '--max-length',
      '12',
      '--doc-stride',
      '2',
    )
    expect(err).not.toContain('cut')
    const short = await run(
      'eval',
      '--model',
      at('teacher'),
      '--data',
      at('dev.jsonl'),
      '--max-length',
      '12',
      '--doc-stride',
      '9',
    )
    expect(short.err).toContain('--doc-stride must be below')
  }, 60_000)

  it('answers questions with their places', async () => {
    const context = 'they say otto lives in oslo today .'
    const args = ['predict', '--model', at('teacher'), '--context', context, '--question', 'who', 'where']
    const { predictions } = await json(...args)
    expect(predictions).toMatchObject([
      { question: 'who', answer: 'otto', start: 9, end: 13 },
      { question: 'where', answer: 'oslo', start: 23, end: 27 },
    ])
    expect(predictions[0].score).toBeGreaterThan(0.3)
    const lines = [JSON.stringify({ id: 7, question: 'where', context }), '']
    const { out } = await piped(lines, 'predict', '--model', at('teacher'), '--jsonl')
    expect(
      out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toMatchObject([{ id: 7, answer: 'oslo' }, { answer: null }])
    expect((await run('predict', '--model', at('teacher'), '--text', 'a')).err).toContain(
      '--question and --context',
    )
    expect((await run('predict', '--model', at('teacher'), '--question', 'a')).err).toContain('go together')
    expect((await piped(['{"question": 1}'], 'predict', '--model', at('teacher'))).err).toContain(
      'has no text "question"',
    )
  }, 60_000)

  it('learns that there is no answer', async () => {
    await ok(...train('second', 'train2.json', '--dev', at('dev2.json'), '--metric', 'exact_match'))
    const own = await json('eval', '--model', at('second'), '--data', at('dev2.json'))
    expect(own.each.unanswerable.exactMatch).toBeGreaterThan(0.9)
    expect(own.each.answered.questions + own.each.unanswerable.questions).toBe(60)
    const all = await json(
      'eval',
      '--model',
      at('second'),
      '--data',
      at('dev2.json'),
      '--null-threshold',
      '1000',
    )
    expect(all.each.unanswerable.exactMatch).toBe(0)
    const [none, some] = await Promise.all(
      [['--null-threshold', '0'], []].map((more) =>
        json('predict', '--model', at('second'), '--question', 'why', '--context', rows[0].context, ...more),
      ),
    )
    expect(none.predictions[0].answer).toBe('')
    expect(some.predictions[0].answer).not.toBe('')
  }, 60_000)
})

describe('distill', () => {
  const distill = (out: string, ...more: string[]) => [
    ...['distill', '--teacher', at('teacher'), '--train', at('train.jsonl'), '--test', at('test.json.gz')],
    ...['--out', at(out), '--epochs', '4', '--lr', '0.003', '--batch-size', '8', ...more],
  ]

  it('teaches from a cache, the same bytes as itself', async () => {
    const all = [...rows.slice(0, 160), ...rows.slice(190)]
    writeFileSync(at('all.jsonl'), jsonl(all))
    const windows = ['--max-length', '12', '--doc-stride', '2']
    const label = ['label', '--teacher', at('teacher'), '--data', at('all.jsonl'), '--out', at('cache')]
    await ok(...label, ...windows)
    const own = (teacher: string, out: string, ...more: string[]) => [
      ...distill(out, '--recipe', 'hinton', '--student', at('small.json')).with(2, teacher),
      ...['--tokenizer', at('teacher'), '--epochs', '1', ...more],
    ]
    const live = await json(...own(at('teacher'), 'live', ...windows))
    // A cache says by itself how long its windows are.
    const cached = await json(...own(at('cache'), 'cached'))
    const bytes = (out: string) => readFileSync(join(at(out), 'model.safetensors'), 'hex')
    expect(bytes('cached')).toBe(bytes('live'))
    expect(cached.models.teacher.f1).toBe(live.models.teacher.f1)
    for (const [error, ...more] of [
      ['windows of 12 tokens that have 2 in common, the student reads 12 with 3', '--doc-stride', '3'],
      ['windows of 12 tokens that have 2 in common, the student reads 11 with 2', '--max-length', '11'],
    ]) {
      const { code, err } = await run(...own(at('cache'), 'no', ...more))
      expect([code === 0, err]).toEqual([false, expect.stringContaining(error)])
    }
  }, 120_000)

  it('heads its table with its own figure where nothing was judged', async () => {
    const args = distill('unjudged', '--recipe', 'hinton', '--from-layers', '0', '--epochs', '1')
    const { out } = await ok(...args.toSpliced(args.indexOf('--test'), 2))
    expect(out).toMatch(/ F1 +spread +exact match/)
  }, 120_000)

  it('teaches a student by its places, with a lone one beside it', async () => {
    const args = distill(
      'small',
      '--recipe',
      'hinton',
      '--from-layers',
      '0',
      '--transfer',
      at('more.jsonl'),
      '--baseline',
      '--seeds',
      '2',
    )
    const own = await json(...args)
    expect(Object.keys(own.models)).toEqual(['teacher', 'alone', 'distilled'])
    expect(own.models.distilled.f1).toBeGreaterThan(0.3)
    expect(own.verdicts.alone.text).toContain('distilled')
    expect(record('small').gives).toContain('answers its question')
    expect(loadAnswerer(at('small')).model.config.layers).toBe(1)
    expect((await ok('eval', '--model', at('small'), '--data', at('dev.jsonl'), '--quiet')).out).toContain(
      'exactMatch',
    )
  }, 120_000)

  it.each(['tinybert', 'distilbert', 'minilm', 'annealing', 'minilm2'])(
    'by %s',
    async (recipe) => {
      const student = recipe === 'distilbert' ? [] : ['--student', 'tiny']
      const own = await json(...distill(recipe, '--recipe', recipe, ...student, '--quick'))
      expect(own.models.distilled.f1).toBeGreaterThanOrEqual(0)
    },
    120_000,
  )

  it('refuses what it cannot do, in a line each', async () => {
    const refusals: [string[], string][] = [
      [distill('no', '--recipe', 'hinton', '--student', 'tiny', '--augment', '10'), 'texts with answers'],
      [
        [
          'distill',
          '--recipe',
          'multi-teacher',
          '--teacher',
          at('teacher'),
          at('second'),
          '--student',
          'tiny',
          '--train',
          at('train.jsonl'),
          '--out',
          at('no'),
        ],
        'Give one teacher',
      ],
      [
        ['label', '--teacher', at('teacher'), '--parts', at('train.jsonl'), '--out', at('no')],
        'does not classify texts. It is made to find answers in texts: eval, predict, label',
      ],
      [
        [
          'compress',
          ...['--model', at('teacher'), '--train', at('train.jsonl'), '--dev', at('dev.jsonl')],
          ...['--out', at('no')],
        ],
        'Give it another head: tinystill train --model',
      ],
      [['generate', '--model', at('teacher'), '--prompt', 'a'], 'made to find answers in texts'],
      [
        ['augment', '--model', at('teacher'), '--data', at('a.tsv'), '--out', at('b.tsv')],
        'guess masked words',
      ],
      [
        [
          'export-training',
          '--teacher',
          at('teacher'),
          '--recipe',
          'hinton',
          '--student',
          'tiny',
          '--train',
          at('train.jsonl'),
          '--out',
          at('no'),
        ],
        'finds answers in texts',
      ],
      [train('no', 'train.jsonl', '--labels', 'a,b'), '--labels goes with classes'],
      [train('no', 'train.jsonl', '--label-smoothing', '0.1'), 'here places are learnt'],
      [
        [
          'train',
          '--model',
          at('small.json'),
          '--train',
          at('train.jsonl'),
          '--out',
          at('no'),
          '--doc-stride',
          '3',
        ],
        '--doc-stride goes with --task ner, pos or qa',
      ],
    ]
    for (const [args, text] of refusals) {
      const { code, err } = await run(...args)
      expect([code === 0, err], args.join(' ')).toEqual([false, expect.stringContaining(text)])
    }
  }, 120_000)
})

describe('files', () => {
  const context = 'a b c'
  const good = { question: 'q', context, answers: { text: ['b'], answer_start: [2] } }
  const refused: [string, unknown, string][] = [
    ['x.csv', 'a', 'not read as questions'],
    ['x.parquet', 'a', 'not read as questions'],
    ['x.json', '{"data": 1}', 'has no list "data"'],
    ['x.json', '[1]', 'must be an object'],
    ['x.json', '[]', 'has no questions'],
    ['x.json', '', 'is empty'],
    ['x.jsonl', '', 'has no questions'],
    [
      'x.json',
      '{"data": [{"paragraphs": [{"context": "a", "qas": [{"question": "q"}]}]}]}',
      'data[0].paragraphs[0].qas[0] has no "answers"',
    ],
    ['x.jsonl', '{', ':1: is not JSON'],
    ['x.jsonl', { ...good, context: '' }, 'its "context" is empty'],
    ['x.jsonl', { ...good, question: 7 }, 'has no text "question"'],
    ['x.jsonl', { ...good, answers: { text: ['b'], answer_start: [] } }, '1 answers and 0 beginnings'],
    ['x.jsonl', { ...good, answers: { text: ['b'], answer_start: [-1] } }, 'a whole number from 0 on'],
    ['x.jsonl', { ...good, answers: { text: [''], answer_start: [0] } }, 'its "text" is empty'],
    [
      'x.jsonl',
      { ...good, answers: { text: ['zz'], answer_start: [0] } },
      'none of its answers is in the text',
    ],
    ['x.jsonl', { ...good, is_impossible: true }, 'said to be impossible'],
    ['x.jsonl', { ...good, id: {} }, 'its "id" must be'],
  ]
  it.each(refused)('%s %j is refused', async (name, content, text) => {
    writeFileSync(at(name), typeof content === 'string' ? content : `${JSON.stringify(content)}\n`)
    const { code, err } = await run('eval', '--model', at('teacher'), '--data', at(name))
    expect([code, err]).toEqual([1, expect.stringContaining(text)])
  })

  it.each(['file', 'folder'])('with one row, and nothing that is a %s elsewhere', async (what) => {
    writeFileSync(at('one.json'), JSON.stringify(good))
    expect((await ok('eval', '--model', at('teacher'), '--data', at('one.json'))).out).toContain('f1')
    const none = what === 'file' ? at('nothere') : folder
    const { code, err } = await run('eval', '--model', at('teacher'), '--data', none)
    expect([code, err]).toEqual([
      1,
      expect.stringContaining(what === 'file' ? 'no such file or folder' : 'is a folder. Name a file in it'),
    ])
  })

  it('with answers elsewhere are told', async () => {
    const far = { ...good, answers: { text: ['c'], answer_start: [0] } }
    const lost = { ...good, answers: { text: ['zz'], answer_start: [0] } }
    writeFileSync(at('far.jsonl'), jsonl([good, far, lost]))
    const { err } = await ok('eval', '--model', at('teacher'), '--data', at('far.jsonl'))
    expect(err).toContain('1 of 3 answers do not begin where "answer_start" says')
    expect(err).toContain('1 of 3 answers are not in the texts')
    const trained = await ok(...train('lost', 'far.jsonl', '--epochs', '1'))
    expect(trained.err).toContain('1 questions are not learnt from')
  }, 60_000)
})
