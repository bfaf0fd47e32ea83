// --answers: a teacher is asked once for all runs that learn from the same texts.
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { reviews, run } from './program.js'

const root = mkdtempSync(join(tmpdir(), 'tinystill-answers-'))
afterAll(() => rmSync(root, { recursive: true }))
const at = (...names: string[]) => join(root, ...names)
const shape = (layers: number, width: number) =>
  JSON.stringify({
    ...{ model_type: 'bert', hidden_size: width, num_hidden_layers: layers, num_attention_heads: 2 },
    ...{ intermediate_size: 2 * width, max_position_embeddings: 40 },
  })
writeFileSync(
  at('train.tsv'),
  reviews(64)
    .map((row) => row.join('\t'))
    .join('\n'),
)
writeFileSync(
  at('dev.tsv'),
  reviews(20)
    .map((row) => row.join('\t'))
    .join('\n'),
)
writeFileSync(at('teacher.json'), shape(2, 16))
writeFileSync(at('student.json'), shape(1, 8))

const files = ['--train', at('train.tsv'), '--dev', at('dev.tsv')]
const teach = (name: string, seed: string) =>
  run(
    ...['train', '--model', at('teacher.json'), ...files, '--out', at(name), '--vocab-size', '200'],
    ...['--epochs', '8', '--lr', '5e-3', '--seed', seed, '--quiet'],
  )
const distil = async (name: string, ...more: string[]) => {
  const { code, err } = await run(
    ...['distill', '--recipe', 'hinton', '--student', at('student.json'), '--augment', '0', ...files],
    ...['--epochs', '2', '--out', at(name), ...more],
  )
  expect(code, err).toBe(0)
  return err
}
const weights = (name: string) => readFileSync(at(name, 'model.safetensors'))
const shared = ['--teacher', at('teacher'), '--answers', at('answers')]

beforeAll(async () => {
  expect((await teach('teacher', '1')).code).toBe(0)
  expect((await teach('other', '2')).code).toBe(0)
})

describe('--answers', () => {
  it('keeps them for runs with other settings, and changes no student', async () => {
    const first = await distil('one', ...shared)
    expect(first).toMatch(/has labelled 64 rows\n/)
    // Of the labelled rows, and of those that the teacher is judged on.
    expect(readdirSync(at('answers'))).toHaveLength(2)
    await distil('alike', '--teacher', at('teacher'))
    expect(weights('one').equals(weights('alike'))).toBe(true)

    expect(await distil('two', ...shared, '--T', '4')).toContain('has labelled 64 rows before')
    await distil('two-alike', '--teacher', at('teacher'), '--T', '4')
    expect(weights('two').equals(weights('two-alike'))).toBe(true)
    expect(readdirSync(at('answers'))).toHaveLength(2)
  })

  it('asks again for another teacher, other texts, and what is damaged', async () => {
    expect(await distil('other-teacher', '--teacher', at('other'), '--answers', at('answers'))).toMatch(
      /has labelled 64 rows\n/,
    )
    expect(readdirSync(at('answers'))).toHaveLength(4)
    expect(await distil('shorter', ...shared, '--max-length', '6')).toMatch(/has labelled 64 rows\n/)
    for (const name of readdirSync(at('answers'))) truncateSync(at('answers', name), 100)
    const err = await distil('three', ...shared)
    expect(err.match(/These logits are computed again/g)).toHaveLength(2)
    expect(weights('three').equals(weights('one'))).toBe(true)
  })

  it.each([
    ['a file', 'train.tsv', 'the folder cannot be made'],
    ["a model's folder", 'teacher', 'holds a model. Name a folder for the answers alone'],
    ["a teacher's cache", 'cache', 'holds a cache of tinystill label. Such a cache is a teacher: --teacher'],
  ])('refuses %s', async (_, name, text) => {
    const { teacher, data } = { teacher: at('teacher'), data: at('dev.tsv') }
    if (name === 'cache')
      expect((await run('label', '--teacher', teacher, '--data', data, '--out', at(name))).code).toBe(0)
    const { code, err } = await run(
      ...['distill', '--recipe', 'hinton', '--student', at('student.json'), '--teacher', teacher, ...files],
      ...['--answers', at(name), '--out', at('refused')],
    )
    expect([code, err]).toEqual([1, expect.stringContaining(text)])
  })

  it('serves prune, and goes with a teacher there', async () => {
    const prune = (...more: string[]) =>
      run(
        ...['prune', '--model', at('teacher'), '--method', 'magnitude', '--sparsity', '0.5', ...files],
        ...['--epochs', '1', '--answers', at('answers'), ...more],
      )
    const { code, err } = await prune('--teacher', at('teacher'), '--out', at('pruned'))
    expect(code, err).toBe(0)
    expect(err).toContain('has labelled 64 rows before')
    const without = await prune('--out', at('none'))
    expect(without.code).toBe(2)
    expect(without.err).toContain('--answers goes with --teacher DIR')
  })
})
