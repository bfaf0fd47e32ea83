// distill from what tinystill label kept of a teacher, without its weights: the same student to the byte, and what is refused.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { identityOfModel } from '../../src/cli/shared/run-identity.js'
import { reviews, run } from './program.js'

const folder = mkdtempSync(join(tmpdir(), 'tinystill-distill-cache-'))
afterAll(() => rmSync(folder, { recursive: true }))
const at = (name: string) => join(folder, name)
const record = (name: string) => JSON.parse(readFileSync(join(at(name), 'run.json'), 'utf8'))
const bytesOf = (name: string) =>
  ['model.safetensors', 'metrics.jsonl'].map((file) => readFileSync(join(at(name), file), 'hex'))

const rows = reviews(60).map(([text, label], i): [string, string] => [
  `${text} ${'so '.repeat(i % 4)}`,
  label,
])
const others = rows.map(([text], i) => `${text} again ${i}`)
writeFileSync(at('train.tsv'), rows.map((r) => r.join('\t')).join('\n'))
writeFileSync(at('more.txt'), others.join('\n'))
writeFileSync(at('all.txt'), [...rows.map(([text]) => text), ...others].join('\n'))
writeFileSync(at('mean.json'), '{"weights": "accuracy", "lr": 0.01, "epochs": 2, "batchSize": 16}')
writeFileSync(at('fast.json'), '{"lr": 0.01, "epochs": 2, "batchSize": 16}')
const shape = (layers: number, width: number) =>
  JSON.stringify({
    ...{ model_type: 'bert', hidden_size: width, num_hidden_layers: layers, num_attention_heads: 2 },
    ...{ intermediate_size: 2 * width, max_position_embeddings: 40 },
  })
writeFileSync(at('teacher.json'), shape(2, 16))
writeFileSync(at('student.json'), shape(1, 16))

const data = ['--train', at('train.tsv'), '--dev', at('train.tsv'), '--quiet']
const distil = (recipe: string, out: string, teachers: string[], ...args: string[]) =>
  run(
    ...[
      'distill',
      '--recipe',
      recipe,
      '--out',
      at(out),
      '--config',
      at('fast.json'),
      ...data,
      '--json',
      '--augment',
      '0',
    ],
    ...['--student', at('student.json'), '--teacher', ...teachers.map(at), '--tokenizer', at('teacher')],
    ...args,
  )
const label = async (teacher: string, out: string, ...args: string[]) => {
  const paths = ['--teacher', at(teacher), '--data', at('all.txt'), '--out', at(out)]
  const { code, err } = await run('label', ...paths, '--quiet', ...args)
  expect(code, err).toBe(0)
}

beforeAll(async () => {
  for (const [i, name] of ['teacher', 'teacher2'].entries()) {
    const args = ['--epochs', '12', '--lr', '5e-3', '--keep', 'last', '--seed', String(i + 1)]
    const model = ['--model', at('teacher.json'), '--vocab-size', '120']
    expect((await run('train', ...model, ...data, '--out', at(name), ...args)).code).toBe(0)
  }
  await label('teacher', 'cache', '--shard-rows', '50')
  await label('teacher2', 'cache2')
  await label('teacher', 'states-first', '--hidden', 'all', '--layers', '0,1')
})

describe('distill --teacher CACHE', () => {
  it.each<[string, string[], string[][], string[]]>([
    ['hinton', ['teacher'], [['cache']], ['--transfer', at('more.txt'), '--alpha', '0.7']],
    [
      'multi-teacher',
      ['teacher', 'teacher2'],
      [
        ['cache', 'cache2'],
        ['teacher', 'cache2'],
      ],
      [],
    ],
  ])('%s: the bytes of the run with the teachers themselves', async (recipe, live, others, args) => {
    const own = recipe === 'hinton' ? args : [...args, '--config', at('mean.json')]
    const alive = await distil(recipe, `${recipe}-live`, live, ...own)
    expect(alive.code, alive.err).toBe(0)
    for (const [i, teachers] of others.entries()) {
      const { code, out, err } = await distil(recipe, `${recipe}-${i}`, teachers, ...own)
      expect(code, err).toBe(0)
      expect(bytesOf(`${recipe}-${i}`)).toEqual(bytesOf(`${recipe}-live`))
      const { models } = JSON.parse(out)
      const first = Object.keys(models)[0]
      expect(models[first].accuracy).toBe(record(`${recipe}-live`).models[first].accuracy)
      expect(models[first].params === undefined).toBe(teachers[0] === 'cache')
    }
  })

  it.each([
    ['all', 'hidden: {}, cosine: {}', ''],
    // Padded.
    ['all', 'hidden: {}, patient: {}', ''],
    ['last', 'cosine: {}', ''],
    ['cls', 'patient: {weight: 10}', '{hidden: [[1, 2]]}'],
  ])('--hidden %s serves %s', async (kind, losses, map) => {
    await label('teacher', `states-${kind}`, '--hidden', kind, '--resume')
    const file = at(`${kind}.yaml`)
    const layerMap = map === '' ? '' : `layerMap: ${map}, `
    writeFileSync(
      file,
      `lr: 0.01\nepochs: 2\nbatchSize: 16\nstages: {distil: {${layerMap}losses: {${losses}}}}`,
    )
    for (const teacher of ['teacher', `states-${kind}`]) {
      const { code, err } = await distil('hinton', `from-${teacher}`, [teacher], '--config', file)
      expect(code, err).toBe(0)
    }
    expect(bytesOf(`from-states-${kind}`)).toEqual(bytesOf('from-teacher'))
  })

  it.each<[string, string, string, RegExp]>([
    [
      'attention',
      'cache',
      'losses: {attention: {}}',
      /distil: attention reads the teacher's attentionScores, .*cache holds/,
    ],
    [
      'states where there are none',
      'cache',
      'losses: {cosine: {}}',
      /cosine reads hidden states, .*cache holds none\. tinystill label/,
    ],
    [
      'tokens where the first is kept',
      'states-cls',
      'losses: {cosine: {}}',
      /cosine compares all tokens, .* holds the first/,
    ],
    [
      'layers that are not kept',
      'states-last',
      'losses: {hidden: {}}',
      /states of layers 0, 2, .* holds 2\. .*--layers 0,2/,
    ],
    [
      'the last layer where it is not kept',
      'states-first',
      'losses: {cosine: {}}',
      /states of layers 2, .* holds 0, 1\. .*--layers 2/,
    ],
    [
      'dropout',
      'cache',
      'teacherDropout: true',
      /teacherDropout needs the teacher itself, .* holds its outputs/,
    ],
  ])('refuses %s', async (_, cache, stage, message) => {
    writeFileSync(at('bad.yaml'), `epochs: 1\nstages: {distil: {${stage}}}`)
    const { code, err } = await distil('hinton', 'refused', [cache], '--config', at('bad.yaml'))
    expect([code, err]).toEqual([expect.toBeOneOf([1, 2]), expect.stringMatching(message)])
  })

  it('names a row that has changed, and a shard with a flipped byte', async () => {
    const changed = rows.map(([text, own], i) => [i === 6 ? `${text} not` : text, own].join('\t'))
    writeFileSync(at('changed.tsv'), changed.join('\n'))
    const missing = await distil('hinton', 'missing', ['cache'], '--train', at('changed.tsv'))
    expect([missing.code, missing.err]).toEqual([
      1,
      expect.stringMatching(/changed\.tsv:7: 1 of 60 rows are not in .*cache, at lines 7\. They are new, or/),
    ])
    writeFileSync(at('last.json'), '{"stages": {"distil": {"losses": {"cosine": {}}}}}')
    const cut = ['--config', at('last.json'), '--max-length', '6']
    expect((await distil('hinton', 'cut', ['states-last'], ...cut)).err).toMatch(
      /states-last: the teacher read row \d+ as \d+ tokens, the student reads 6\. .*--max-length/,
    )
    cpSync(at('cache'), at('flipped'), { recursive: true })
    const shard = join(at('flipped'), 'shard-00001.safetensors')
    const bytes = readFileSync(shard)
    bytes[bytes.length - 3] ^= 1
    writeFileSync(shard, bytes)
    const flipped = await distil('hinton', 'flip', ['flipped'])
    expect([flipped.code, flipped.err]).toEqual([
      1,
      expect.stringMatching(/shard-00001\.safetensors: its (keys' )?SHA-256 .*the file has changed/),
    ])
  })

  it('says what it cannot look at, and goes on without dev rows in the cache', async () => {
    writeFileSync(
      at('dev.tsv'),
      reviews(12)
        .map((r) => `${r[0]} indeed\t${r[1]}`)
        .join('\n'),
    )
    const { code, err, out } = await run(
      ...['distill', '--recipe', 'hinton', '--out', at('notes'), '--config', at('fast.json'), '--json'],
      ...['--student', at('student.json'), '--teacher', at('cache'), '--tokenizer', at('teacher2')],
      ...['--train', at('train.tsv'), '--dev', at('dev.tsv'), '--max-length', '30'],
    )
    expect(code, err).toBe(0)
    expect(Object.keys(JSON.parse(out).models)).toEqual(['majority class', 'linear', 'distilled'])
    for (const note of [
      /read texts of up to 40 tokens, the student reads 30/,
      /its accuracy is not in the table/,
    ])
      expect(err).toMatch(note)
    const more = ['--dev', at('dev.tsv'), '--config', at('mean.json')]
    expect((await distil('multi-teacher', 'refused', ['teacher', 'cache2'], ...more)).err).toMatch(
      /not all caches have the rows by which that is judged/,
    )
  })

  it('needs a student, and a tokenizer for a new one', async () => {
    const of = (...args: string[]) =>
      run('distill', '--recipe', 'hinton', ...data, '--out', at('refused'), '--teacher', at('cache'), ...args)
    expect((await of('--student', at('student.json'))).err).toMatch(
      /--tokenizer must name a folder whose tokenizer/,
    )
    expect((await of('--from-layers', '0')).err).toMatch(
      /--student must say .*cache holds a teacher's outputs/,
    )
    expect((await of('--student', at('teacher2'), '--tokenizer', at('teacher'))).err).toMatch(
      /--tokenizer: .*teacher2 has a tokenizer of its own/,
    )
  })

  it('is known again by its manifest', () => {
    const own = identityOfModel(at('cache')) as Record<string, string>
    expect(Object.keys(own)).toEqual(['cache.json'])
    expect(identityOfModel(at('cache2'))).not.toEqual(own)
  })
})
