// distill --augment: when texts are made of those of --train, and what is said of it.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Texts } from '../../src/cli/distill/data.js'
import { withVaried } from '../../src/cli/distill/varied.js'
import { hintonRecipe } from '../../src/distill/recipes/hinton.js'
import { reviews, run } from './program.js'

const root = mkdtempSync(join(tmpdir(), 'tinystill-augment-option-'))
const at = (...path: string[]) => join(root, ...path)
afterAll(() => rmSync(root, { recursive: true, force: true }))

const rows = reviews(12)
writeFileSync(at('train.tsv'), rows.map((r) => r.join('\t')).join('\n'))
writeFileSync(at('more.txt'), rows.map(([text], i) => `${text} again ${i}`).join('\n'))
const shape = (layers: number) =>
  JSON.stringify({
    ...{ model_type: 'bert', hidden_size: 8, num_hidden_layers: layers, num_attention_heads: 2 },
    ...{ intermediate_size: 8, max_position_embeddings: 40 },
  })
writeFileSync(at('teacher.json'), shape(2))
writeFileSync(at('student.json'), shape(1))

const distil = (recipe: string, out: string, ...more: string[]) =>
  run(
    ...[
      'distill',
      '--recipe',
      recipe,
      '--train',
      at('train.tsv'),
      '--out',
      at(out),
      '--steps',
      '3',
      '--force',
    ],
    ...(more.includes('--teacher') ? [] : ['--teacher', at('teacher')]),
    ...(more.includes('--from-layers') ? [] : ['--student', at('student.json')]),
    ...more,
  )
const madeIn = (err: string) =>
  Number(/^([\d,]+) more texts made of those of/m.exec(err)?.[1].replace(',', '') ?? 0)
const record = (out: string) => JSON.parse(readFileSync(at(out, 'run.json'), 'utf8'))

beforeAll(async () => {
  const args = ['--epochs', '1', '--vocab-size', '120', '--quiet']
  const model = ['--model', at('teacher.json'), '--train', at('train.tsv'), '--out', at('teacher')]
  expect((await run('train', ...model, ...args)).code).toBe(0)
  const label = ['--teacher', at('teacher'), '--data', at('train.tsv'), '--out', at('cache'), '--quiet']
  expect((await run('label', ...label)).code).toBe(0)
})

describe('distill --augment', () => {
  it('makes up to 40 of each labelled text for a new student; labels still count', async () => {
    const { code, err } = await distil('hinton', 'new')
    expect(code, err).toBe(0)
    expect(madeIn(err)).toBeGreaterThan(rows.length * 20)
    expect(madeIn(err)).toBeLessThanOrEqual(rows.length * 40)
    const { plan } = record('new')
    expect(plan).toMatch(/labelled and transfer rows/)
    expect(plan).toMatch(/0\.9/)
  })

  it.each<[string, string, string[]]>([
    ['for a student with trained weights', 'hinton', ['--from-layers', '0']],
    ['with --augment 0', 'hinton', ['--augment', '0']],
    ['for a recipe with its own texts', 'minilm', []],
  ])('makes none %s', async (what, recipe, more) => {
    const { code, err } = await distil(recipe, what, ...more)
    expect(code, err).toBe(0)
    expect(madeIn(err)).toBe(0)
  })

  it('makes none for a cache, which is said', async () => {
    const { code, err } = await distil(
      'hinton',
      'cached',
      '--teacher',
      at('cache'),
      '--tokenizer',
      at('teacher'),
    )
    expect(code, err).toBe(0)
    expect(madeIn(err)).toBe(0)
    expect(err).toContain('a cache has no answers to new texts, so none are made of those of')
  })

  it('makes as many beside a transfer set of any size, whose texts may be of another kind', async () => {
    writeFileSync(at('many.txt'), Array.from({ length: 20_000 }, (_, i) => `word ${i}\n`).join(''))
    const { code, err } = await distil('hinton', 'many', '--transfer', at('many.txt'), '--steps', '5')
    expect(code, err).toBe(0)
    expect(madeIn(err)).toBeGreaterThan(rows.length * 20)
  })

  it('makes so many that as many rows have no labels as have some, up to 20,000', () => {
    const set = (n: number) => ({
      file: 'x',
      texts: Array.from({ length: n }, (_, i) => `${i} a ${i % 97} b`),
      pairs: null,
    })
    const made = (labelled: number, transfer: number) => {
      const texts = {
        train: set(labelled),
        transfer: transfer > 0 ? set(transfer) : null,
        text: null,
        varied: null,
      }
      const options = { train: 'x', quick: false, seed: 1 } as const
      const given = { options, recipe: hintonRecipe, teachers: [], pretrained: false }
      return withVaried(texts as unknown as Texts, given, { info: () => {} }).varied?.texts.length ?? 0
    }
    expect([made(7000, 0), made(7000, 9000), made(12_000, 0)]).toEqual([13_000, 13_000, 12_000])
    expect([made(20_000, 0), made(20_000, 5000), made(20_000, 20_000), made(30_000, 0)]).toEqual([
      20_000, 15_000, 0, 20_000,
    ])
  })

  it('makes as many as are asked for, beside a transfer set, the same by the same seed', async () => {
    const more = ['--transfer', at('more.txt'), '--augment', '30']
    for (const out of ['one', 'two']) {
      const { code, err } = await distil('hinton', out, ...more)
      expect(code, err).toBe(0)
      expect(madeIn(err)).toBe(30)
    }
    const bytes = (out: string) => readFileSync(at(out, 'model.safetensors'), 'hex')
    expect(bytes('one')).toBe(bytes('two'))
    expect((await distil('hinton', 'three', ...more, '--augment', '31')).code).toBe(0)
    expect(bytes('three')).not.toBe(bytes('one'))
  })

  it.each<[string, string, string[], RegExp]>([
    ['a recipe with its own texts', 'tinybert', [], /--augment: the recipe tinybert .*tinystill augment/],
    [
      'a cache',
      'hinton',
      ['--teacher', at('cache'), '--tokenizer', at('teacher')],
      /--augment: a cache has no answers to new texts; give a teacher itself/,
    ],
  ])('refuses %s by name', async (_, recipe, more, message) => {
    const { code, err } = await distil(recipe, 'refused', '--augment', '5', ...more)
    expect(code).toBe(2)
    expect(err).toMatch(message)
  })
})
