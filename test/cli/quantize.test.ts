// tinystill quantize, and the commands that take what it makes.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { changeOf } from '../../src/cli/shared/change.js'
import { saveTinyModel } from './model.js'
import { reviews, run } from './program.js'

const root = mkdtempSync(join(tmpdir(), 'tinystill-quantize-'))
afterAll(() => rmSync(root, { recursive: true }))
const data = join(root, 'data.tsv')
const float = join(root, 'float')
const int8 = join(root, 'int8')

beforeAll(async () => {
  writeFileSync(
    data,
    reviews(48)
      .map((row) => row.join('\t'))
      .join('\n'),
  )
  const config = join(root, 'config.json')
  const sizes = { hidden_size: 32, num_hidden_layers: 2, num_attention_heads: 2, intermediate_size: 64 }
  writeFileSync(config, JSON.stringify({ model_type: 'bert', max_position_embeddings: 32, ...sizes }))
  const rules = ['--epochs', '6', '--lr', '0.01', '--batch-size', '8', '--quiet']
  const { code, err } = await run('train', '--model', config, '--train', data, '--out', float, ...rules)
  if (code !== 0) throw new Error(err)
})

describe('quantize', () => {
  it('writes a folder that other commands take, and tells what changed', async () => {
    const { code, out, err } = await run(
      'quantize',
      '--model',
      float,
      '--out',
      int8,
      '--dev',
      data,
      '--json',
      '--quiet',
    )
    expect(err).toContain('of 48 answers change')
    expect(code).toBe(0)
    const told = JSON.parse(out)
    expect(told.bytes.after).toBeLessThan(told.bytes.before * 0.6)
    expect(told.change).toMatchObject({ rows: 48, changed: 0 })
    expect(told.figures.after.accuracy).toBe(told.figures.before.accuracy)
    expect(told.speed.after.msPerExample).toBeGreaterThan(0)
    expect(readdirSync(int8).sort()).toEqual([
      ...['config.json', 'quantization.json', 'quantized.safetensors', 'special_tokens_map.json'],
      ...['tokenizer.json', 'tokenizer_config.json', 'vocab.txt'],
    ])

    const judged = JSON.parse((await run('eval', '--model', int8, '--data', data, '--json', '--quiet')).out)
    expect(judged.accuracy).toBe(told.figures.after.accuracy)
    expect(judged.params).toBe(told.weights)
    const text = 'a great film with a warm cast'
    const answers = await Promise.all(
      [float, int8].map(async (model) =>
        JSON.parse((await run('predict', '--model', model, '--text', text, '--json', '--quiet')).out),
      ),
    )
    expect(answers[1].predictions[0].label).toBe(answers[0].predictions[0].label)
    const labels = join(root, 'labels')
    expect((await run('label', '--teacher', int8, '--data', data, '--out', labels, '--quiet')).code).toBe(0)
    expect((await run('doctor', '--model', int8)).out).toContain('good')
    expect((await run('inspect', int8)).out).toContain('I8')
  })

  it.each(['min-max', 'percentile', 'kl'])('measures ranges on texts: %s', async (how) => {
    const to = join(root, `static-${how}`)
    const rules = ['--static', how, '--calibration', data, '--dev', data, '--json', '--quiet']
    const { out, code } = await run('quantize', '--model', float, '--out', to, ...rules)
    expect(code).toBe(0)
    expect(JSON.parse(out).figures.after.accuracy).toBeGreaterThan(0.9)
    const { ranges, linear } = JSON.parse(readFileSync(join(to, 'quantization.json'), 'utf8'))
    expect(Object.keys(ranges)).toEqual(linear)
    expect(
      JSON.parse((await run('eval', '--model', to, '--data', data, '--json', '--quiet')).out).accuracy,
    ).toBe(JSON.parse(out).figures.after.accuracy)
  })

  it('tells layer by layer what matters, with a picture', async () => {
    const to = join(root, 'layers')
    const args = ['--dev', data, '--sensitivity', '16', '--json', '--quiet']
    const { out, err, code } = await run('quantize', '--model', float, '--out', to, ...args)
    expect(code).toBe(0)
    const { layers } = JSON.parse(out)
    // Two blocks of six matrices, the words, pooler and classifier.
    expect(layers.length).toBe(15)
    expect(layers[0].mean).toBeGreaterThanOrEqual(layers[14].mean)
    expect(layers[0]).toMatchObject({ rows: 16, changed: 0, figure: 1 })
    for (const { error } of layers) expect(error).toBeLessThan(0.02)
    expect(err).toContain('change of a logit')
    const page = readFileSync(join(to, 'report.html'), 'utf8')
    expect(page).toContain('class="chart heat"')
    expect(page).toContain('Which layers matter?')
  })

  it("answers as other engines' own quantization would, beside", async () => {
    const engines = ['onnxruntime', 'onnxruntime-channel', 'torch']
    const args = ['--dev', data, '--beside', ...engines]
    const to = join(root, 'beside')
    const told = await run('quantize', '--model', float, '--out', to, ...args, '--quiet')
    expect(told.out).toMatch(/quantized by.*\n.*\ntinystill.*\nonnxruntime .*\nonnxruntime-channel.*\ntorch/)
    const { beside } = JSON.parse(
      (await run('quantize', '--model', float, '--out', to, ...args, '--json')).out,
    )
    expect(beside.map(({ name }: { name: string }) => name)).toEqual(engines)
    for (const other of beside) {
      expect(other.figures.accuracy).toBeGreaterThan(0.9)
      expect(other.change.mean).toBeGreaterThan(1e-4)
    }
    expect(new Set(beside.map(({ change }: { change: { mean: number } }) => change.mean)).size).toBe(3)
  })

  it('tells what of the texts is cut, as eval does', async () => {
    const to = join(root, 'cut')
    const { err } = await run('quantize', '--model', float, '--out', to, '--dev', data, '--max-length', '4')
    expect(err).toMatch(/rows cut at 4 tokens: --max-length/)
  })

  it('takes 8 bits, and a small model of our own, without data', async () => {
    const own = join(root, 'own')
    saveTinyModel(own)
    const to = join(root, 'own8')
    const { code, out } = await run('quantize', '--model', own, '--out', to, '--bits', '8')
    expect(code).toBe(0)
    expect(out).toContain('int8 / float')
    const { predictions } = JSON.parse(
      (await run('predict', '--model', to, '--text', 'a red fruit', '--json')).out,
    )
    expect(['animal', 'food']).toContain(predictions[0].label)
  })

  it('refuses by name, and writes nothing then', async () => {
    const out = join(root, 'none')
    const refused = async (text: string, ...args: string[]) => {
      const { code, err } = await run('quantize', ...args)
      expect(code).not.toBe(0)
      expect(err).toContain(text)
      expect(existsSync(out)).toBe(false)
    }
    await refused('is quantized already', '--model', int8, '--out', out)
    await refused('holds model.safetensors', '--model', float, '--out', float)
    await refused('--tolerance goes with --dev', '--model', float, '--out', out, '--tolerance', '0.1')
    await refused('--beside goes with --dev', '--model', float, '--out', out, '--beside', 'torch')
    await refused('--static and --calibration go together', '--model', float, '--out', out, '--static', 'kl')
    await refused('7, 8', '--model', float, '--out', out, '--bits', '4')
    const train = await run('train', '--model', int8, '--train', data, '--out', out, '--quiet')
    expect(train.err).toContain('holds a quantized model, which does not learn')
    const ways = ['--recipe', 'hinton', '--from-layers', '0', '--quiet']
    const distilled = await run('distill', '--teacher', int8, '--train', data, '--out', out, ...ways)
    expect(distilled.err).toContain('its layers do not learn')
  })
})

describe('changeOf', () => {
  const before = Float32Array.of(1, 2, 3, -1)
  it('counts answers by what they are', () => {
    const after = Float32Array.of(2, 1, 3, 0.5)
    expect(changeOf('single_label_classification', before, after, 2)).toMatchObject({ rows: 2, changed: 1 })
    expect(changeOf('multi_label_classification', before, after, 2)).toMatchObject({ rows: 2, changed: 1 })
    expect(changeOf('regression', before, after, 1)).toEqual({
      rows: 4,
      changed: null,
      mean: 0.875,
      largest: 1.5,
    })
  })
})
