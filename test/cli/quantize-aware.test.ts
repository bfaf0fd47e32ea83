// Recipes that train with quantization, and --quantize-aware with any other, as a user runs them, on models of a few thousand weights.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readSafetensors } from '../../src/formats/safetensors/safetensors.js'
import type { Tensor } from '../../src/tensor/tensor.js'
import { reviews, run } from './program.js'

const folder = mkdtempSync(join(tmpdir(), 'tinystill-quantize-aware-'))
afterAll(() => rmSync(folder, { recursive: true }))
const at = (name: string) => join(folder, name)
const record = (name: string) => JSON.parse(readFileSync(join(at(name), 'run.json'), 'utf8'))

const shape = {
  ...{ model_type: 'bert', hidden_size: 24, num_hidden_layers: 2, num_attention_heads: 2 },
  ...{ intermediate_size: 40, max_position_embeddings: 40 },
}
writeFileSync(
  at('train.tsv'),
  reviews(96)
    .map((r) => r.join('\t'))
    .join('\n'),
)
writeFileSync(at('teacher.json'), JSON.stringify(shape))
writeFileSync(at('fast.yaml'), 'lr: 0.003\nepochs: 4\nbatchSize: 16\n')
const data = ['--train', at('train.tsv'), '--dev', at('train.tsv'), '--quiet']

beforeAll(async () => {
  const fast = ['--epochs', '6', '--lr', '5e-3', '--keep', 'last']
  const { code } = await run('train', '--model', at('teacher.json'), ...data, '--out', at('teacher'), ...fast)
  expect(code).toBe(0)
})

const distil = (recipe: string, out: string, ...more: string[]) =>
  run(
    ...['distill', '--recipe', recipe, '--teacher', at('teacher'), ...data, '--out', at(out), '--json'],
    ...['--config', at('fast.yaml'), ...more],
  )

const QUERY = 'bert.encoder.layer.1.attention.self.query.weight'

/** How many values a saved weight has, and a row of it. */
function valuesOf(name: string, weight = QUERY): { all: number; row: number } {
  const { tensors } = readSafetensors(readFileSync(join(at(name), 'model.safetensors')))
  const t = tensors.get(weight) as Tensor
  const { data } = t
  return { all: new Set(data).size, row: new Set(data.subarray(0, t.shape[1])).size }
}

describe('tinystill distill with quantization', () => {
  it.each([
    ['q8bert', 255, 'q8bert', ['quantized']],
    ['lsq', 16, 'lsq', ['quantized']],
    ['ternarybert', 3, 'ternary', ['ternary']],
    [
      'binarybert',
      4,
      'binary-split',
      ['ternary-layers', 'ternary-prediction', 'binary-layers', 'binary-prediction'],
    ],
  ])('%s: a float folder whose weights have %i values', async (recipe, most, scheme, stages) => {
    const { code, out } = await distil(recipe, recipe)
    expect(code).toBe(0)
    expect(JSON.parse(out).accuracy).toBeGreaterThan(0.9)
    expect(valuesOf(recipe).all).toBeLessThanOrEqual(most)
    const { quantization, plan, ...more } = record(recipe)
    expect(more.stages.map((s: { name: string }) => s.name)).toEqual(stages)
    expect(quantization.scheme).toBe(scheme)
    // Steps and second weights are of the training, not of what is saved.
    expect(more.models.distilled.params).toBe(more.models.teacher.params)
    expect(plan).toContain(`  quantized: ${scheme}, `)
    const grids = Object.keys(quantization.grids)
    expect(grids.length > 0).toBe(/q8bert|lsq/.test(recipe))
    for (const value of Object.values(quantization.grids)) expect(value).toBeGreaterThan(0)
    // Any other model by now.
    const judged = await run('eval', '--model', at(recipe), '--data', at('train.tsv'), '--json', '--quiet')
    expect(judged.code).toBe(0)
    expect(JSON.parse(judged.out).accuracy).toBeGreaterThan(0.9)
  })

  it('--quantize-aware with any recipe, for the lone student too', async () => {
    const { code, out } = await distil(
      'hinton',
      'aware',
      '--from-layers',
      '0',
      '--baseline',
      '--quantize-aware',
    )
    expect(code).toBe(0)
    expect(JSON.parse(out).accuracy).toBeGreaterThan(0.9)
    const { row } = valuesOf('aware', QUERY.replace('layer.1', 'layer.0'))
    expect(row).toBeLessThanOrEqual(24)
    const { stages, baseline, repeat } = record('aware')
    const int8 = { scheme: 'int8', weightBits: 7, inputBits: 7 }
    expect([stages[0].quantize, baseline.quantize]).toMatchObject([int8, int8])
    expect(repeat).toContain('--quantize-aware int8')
  })

  it('by --config, a stage at a time, with bits', async () => {
    writeFileSync(
      at('bits.yaml'),
      'lr: 0.003\nepochs: 2\nstages: {prediction: {quantize: {scheme: lsq, weightBits: 3, stepLr: 0.001}}}',
    )
    const { code } = await distil('tinybert', 'bits', '--from-layers', '0,1', '--config', at('bits.yaml'))
    expect(code).toBe(0)
    const { stages } = record('bits')
    expect(stages[0].quantize).toBe(null)
    expect(stages[1].quantize).toEqual({ scheme: 'lsq', weightBits: 3, inputBits: 8, stepLr: 0.001 })
    expect(valuesOf('bits').all).toBeLessThanOrEqual(8)
  })

  it('gives the same bytes when it is run again', async () => {
    await distil('lsq', 'once')
    await distil('lsq', 'twice')
    const [a, b] = ['once', 'twice'].map((name) => readFileSync(join(at(name), 'model.safetensors')))
    expect(a.equals(b)).toBe(true)
  })

  it.each<[string, string[], RegExp]>([
    [
      'two schemes',
      ['q8bert', '--quantize-aware', 'lsq'],
      /the recipe q8bert quantizes by a scheme of its own, q8bert/,
    ],
    ['an unknown scheme', ['hinton', '--quantize-aware', 'int4'], /int4.*int8, onnxruntime, .*q8bert, lsq/s],
    [
      'bits that a scheme has not',
      ['ternarybert', '--config', at('odd.yaml')],
      /quantize: .*fixed number of values/,
    ],
    [
      'an unknown setting',
      ['ternarybert', '--config', at('worse.yaml')],
      /quantize\.bit is not known.*inputBits|weightBits/,
    ],
  ])('refuses %s', async (_, [recipe, ...args], message) => {
    const stage = (quantize: string) => `stages: {ternary: {quantize: ${quantize}}}`
    writeFileSync(at('odd.yaml'), stage('{scheme: ternary, weightBits: 4}'))
    writeFileSync(at('worse.yaml'), stage('{scheme: ternary, bit: 4}'))
    const { code, err } = await distil(recipe, 'refused', ...args)
    expect(code).toBeGreaterThan(0)
    expect(err).toMatch(message)
  })
})
