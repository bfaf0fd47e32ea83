// tinystill shrink, and the commands that take what it makes.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadPretrained } from '../../src/files/models/on-disk.js'
import { saveTinyModel } from './model.js'
import { reviews, run } from './program.js'

const root = mkdtempSync(join(tmpdir(), 'tinystill-shrink-'))
afterAll(() => rmSync(root, { recursive: true }))
const data = join(root, 'data.tsv')
const whole = join(root, 'whole')
const place = (name: string) => join(root, name)

beforeAll(async () => {
  writeFileSync(
    data,
    reviews(48)
      .map((row) => row.join('\t'))
      .join('\n'),
  )
  const config = place('config.json')
  const sizes = { hidden_size: 32, num_hidden_layers: 2, num_attention_heads: 4, intermediate_size: 64 }
  writeFileSync(config, JSON.stringify({ model_type: 'bert', max_position_embeddings: 32, ...sizes }))
  const rules = ['--epochs', '6', '--lr', '0.01', '--batch-size', '8', '--quiet']
  const { code, err } = await run('train', '--model', config, '--train', data, '--out', whole, ...rules)
  if (code !== 0) throw new Error(err)
})

const shrink = (out: string, ...args: string[]) =>
  run('shrink', '--model', whole, '--out', place(out), ...args)
/** What it tells as a document. */
async function told(out: string, ...args: string[]) {
  const { code, out: text, err } = await shrink(out, ...args, '--json', '--quiet')
  if (code !== 0) throw new Error(err)
  return JSON.parse(text)
}
async function judged(out: string): Promise<number> {
  const { out: text } = await run('eval', '--model', place(out), '--data', data, '--json', '--quiet')
  return JSON.parse(text).accuracy
}

describe('shrink', () => {
  it('cuts heads and neurons, tells what that does, and writes a folder that other commands take', async () => {
    const { code, out, err } = await shrink(
      'half',
      '--train',
      data,
      '--dev',
      data,
      '--heads',
      '0.5',
      '--neurons',
      '0.5',
      '--quiet',
    )
    expect(err).toBe('')
    expect(code).toBe(0)
    expect(out).toContain('after / before')
    expect(out).toMatch(/tinystill distill --recipe hinton --teacher .*whole --student .*half --train/)
    expect(readdirSync(place('half')).sort()).toEqual([
      ...['config.json', 'model.safetensors', 'shrink.json', 'special_tokens_map.json'],
      ...['tokenizer.json', 'tokenizer_config.json', 'vocab.txt'],
    ])
    const { config } = loadPretrained(place('half'))
    const sum = (of: 'heads' | 'inner') => config.blocks?.reduce((n, block) => n + block[of], 0)
    expect([sum('heads'), sum('inner')]).toEqual([4, 64])
    expect(await judged('half')).toBeGreaterThan(0.9)
    const text = ['--text', 'a great film with a warm cast', '--json', '--quiet']
    const answer = await run('predict', '--model', place('half'), ...text)
    expect(JSON.parse(answer.out).predictions[0].label).toBe('good')
    expect((await run('inspect', place('half'))).out).toMatch(/heads by layer \d \d, inner by layer/)
    const int8 = await run(
      'quantize',
      '--model',
      place('half'),
      '--out',
      place('half8'),
      '--dev',
      data,
      '--json',
      '--quiet',
    )
    expect(JSON.parse(int8.out).figures.after.accuracy).toBeGreaterThan(0.9)
    expect((await run('predict', '--model', place('half8'), ...text)).code).toBe(0)
  })

  it('is the same twice', async () => {
    for (const name of ['a', 'b']) await told(name, '--train', data, '--heads', '0.5', '--neurons', '0.4')
    const [a, b] = ['a', 'b'].map((name) => readFileSync(join(place(name), 'model.safetensors')))
    expect(a.equals(b)).toBe(true)
  })

  it('cuts layers and width, by weights alone too', async () => {
    const { parts } = await told('narrow', '--layers', '1', '--width', '24')
    expect(parts).toMatchObject({ layers: [0], width: 24 })
    expect(loadPretrained(place('narrow')).config).toMatchObject({ layers: 1, width: 24 })
    expect(await judged('narrow')).toBeGreaterThanOrEqual(0)
  })

  it('cuts words that no text uses, to the same answers', async () => {
    const few = place('few.txt')
    writeFileSync(
      few,
      reviews(48)
        .slice(0, 1)
        .map(([text]) => text)
        .join('\n'),
    )
    const { parts, change } = await told('words', '--vocabulary', few, data, '--dev', data)
    expect(change).toMatchObject({ changed: 0, largest: 0 })
    const lines = readFileSync(join(place('words'), 'vocab.txt'), 'utf8')
      .trimEnd()
      .split('\n')
    expect(lines.length).toBe(parts.words)
    const fewer = await told('fewer', '--vocabulary', few)
    expect(fewer.parts.words).toBeLessThan(parts.words)
    expect(
      Object.keys(JSON.parse(readFileSync(join(place('fewer'), 'tokenizer.json'), 'utf8')).model.vocab)
        .length,
    ).toBe(fewer.parts.words)
    // No word of the one text is there twenty times: letters are left.
    const rare = await told('rare', '--vocabulary', few, '--min-count', '20')
    expect(rare.parts.words).toBeLessThan(fewer.parts.words)
  })

  it('makes layers of low rank where that is fewer numbers', async () => {
    const { parts, parameters } = await told('rank', '--rank', '0.5', '--dev', data)
    expect(parts.ranks).toHaveLength(12)
    expect(parts.ranks[0]).toMatchObject({ layer: 0, name: 'query', rank: 8 })
    expect(parameters.after).toBeLessThan(parameters.before)
    expect(
      JSON.parse(readFileSync(join(place('rank'), 'config.json'), 'utf8')).tinystill_blocks.ranks[1].up,
    ).toBe(10)
    const energy = await told('energy', '--energy', '0.5')
    for (const one of energy.parts.ranks) expect(one.energy).toBeGreaterThanOrEqual(0.5)
    // Next to all of it is no fewer numbers in a square matrix.
    const { code, err } = await shrink('all', '--energy', '1')
    expect([code, err]).toEqual([1, expect.stringContaining('nothing would be cut')])
  })

  it('leaves zeros in the whole shape, with the same answers', async () => {
    const args = ['--train', data, '--dev', data, '--heads', '0.5', '--neurons', '0.5']
    const [cut, kept] = [await told('cut', ...args), await told('kept', ...args, '--keep-shape')]
    expect(kept.figures.after.loss).toBeCloseTo(cut.figures.after.loss, 6)
    expect(kept.change.mean).toBeCloseTo(cut.change.mean, 5)
    expect(statSync(join(place('kept'), 'model.safetensors')).size).toBe(
      statSync(join(whole, 'model.safetensors')).size,
    )
    expect(readFileSync(join(place('kept'), 'config.json'), 'utf8')).not.toContain('tinystill')
  })

  it('leaves zeros in the place of ranks of what is left', async () => {
    const args = ['--dev', data, '--heads', '0.5', '--neurons', '0.5', '--rank', '0.5']
    const [cut, kept] = [await told('low', ...args), await told('zeros', ...args, '--keep-shape')]
    const ranks = (parts: { ranks: { rank: number | null }[] }) => parts.ranks.map(({ rank }) => rank)
    expect(ranks(kept.parts)).toEqual(ranks(cut.parts))
    expect(kept.figures.after.loss).toBeCloseTo(cut.figures.after.loss, 5)
    expect(kept.change.mean).toBeCloseTo(cut.change.mean, 4)
  })

  it('cuts for an aim: parameters, size, tolerance, latency', async () => {
    const { parameters } = await told('half', '--heads', '0.5')
    const few = parameters.before - 3000
    const by = await told('parameters', '--train', data, '--parameters', String(few))
    expect(by.parameters.after).toBeLessThanOrEqual(few)
    expect(by.parameters.after).toBeGreaterThan(few - 1500)
    const size = await told('size', '--size', `${(4 * few) / 1000}kB`)
    expect(size.bytes.after).toBeLessThanOrEqual(4 * few)
    const loose = await told('tolerance', '--train', data, '--dev', data, '--tolerance', '2')
    expect(loose.figures.before.accuracy - loose.figures.after.accuracy).toBeLessThanOrEqual(0.02)
    expect(loose.parts.share).toBeLessThan(1)
    // How long a model this small takes is chance: either answer is right, and both say what was measured.
    const { code, err } = await shrink('latency', '--train', data, '--latency', '0.9')
    expect(err).toMatch(/% of heads and neurons: \d\.\d{3} of the time of a text/)
    if (code === 0)
      expect(
        JSON.parse(readFileSync(join(place('latency'), 'shrink.json'), 'utf8')).parts.share,
      ).toBeGreaterThan(0)
    else expect(err).toContain('--latency 0.9 is not reached')
  })

  it('learns from the whole model in one go, and goes on with that', async () => {
    const args = ['--train', data, '--dev', data, '--heads', '0.5', '--retrain', '--epochs', '1', '--quiet']
    const { code, out, err } = await shrink('run', ...args)
    expect([code, err]).toEqual([0, ''])
    expect(out).toContain('distilled')
    expect(existsSync(join(place('run'), 'cut', 'shrink.json'))).toBe(true)
    const { config } = loadPretrained(place('run'))
    expect(config.blocks).toEqual(loadPretrained(join(place('run'), 'cut')).config.blocks)
    const again = await shrink('run', ...args, '--resume')
    expect(again.out).toContain('this run is done')
    const other = await shrink('run', ...args, '--resume', '--raw')
    expect(other.err).toContain('settings.raw is false there and true now')
  })

  it('leaves fewer words to a student that learns from the whole model', async () => {
    await told('student', '--vocabulary', data, '--heads', '0.75')
    const args = [
      '--teacher',
      whole,
      '--student',
      place('student'),
      '--train',
      data,
      '--epochs',
      '1',
      '--quiet',
    ]
    const { code, err } = await run('distill', '--recipe', 'hinton', ...args, '--out', place('learned'))
    expect([code, err]).toEqual([0, ''])
    expect(await judged('learned')).toBeGreaterThan(0.9)
  })

  it.each(['bert-mlm', 'bert-tokens', 'distilbert-classify'])(
    'cuts models of all kinds by their weights: %s',
    async (name) => {
      const model = join(import.meta.dirname, '../golden/family', name)
      const args = ['--model', model, '--heads', '0.5', '--rank', '0.7', '--layers', '2', '--quiet']
      const { code, err } = await run('shrink', '--out', place(name), ...args)
      expect([code, err]).toEqual([0, ''])
      const { model: left } = loadPretrained(place(name))
      expect([left.kind, left.config.layers]).toEqual([loadPretrained(model).model.kind, 2])
      const refused = await run('shrink', '--out', place('x'), ...args, '--train', data)
      expect(refused.err).toContain('has no tokenizer to read --train with')
    },
  )

  it('refuses by name, and writes nothing then', async () => {
    const own = place('own')
    saveTinyModel(own)
    const int8 = place('refused8')
    await run('quantize', '--model', whole, '--out', int8, '--quiet')
    const refused = async (text: string, ...args: string[]) => {
      const model = args.includes('--model') ? [] : ['--model', whole]
      const { code, err } = await run('shrink', ...model, '--out', place('none'), ...args)
      expect(err).toContain(text)
      expect(code).not.toBe(0)
      expect(existsSync(place('none'))).toBe(false)
    }
    await refused('nothing is to be cut')
    await refused('nothing would be cut', '--heads', '1')
    await refused('above 0 and at most 1', '--heads', '50')
    await refused('It must be a size', '--size', 'small')
    await refused('one aim at a time', '--size', '1MB', '--parameters', '1000')
    await refused(
      '--heads and --neurons say how many stay',
      '--size',
      '1MB',
      '--heads',
      '0.5',
      '--neurons',
      '0.5',
    )
    await refused('--tolerance goes with --dev', '--tolerance', '1')
    await refused('--min-count goes with --vocabulary', '--heads', '0.5', '--min-count', '2')
    await refused('--latency is measured on texts', '--latency', '0.5')
    await refused('--heads-by michel goes with --train', '--heads', '0.5', '--heads-by', 'michel')
    await refused('does not go with --width', '--keep-shape', '--width', '8')
    await refused('--retrain goes with --train', '--heads', '0.5', '--retrain')
    await refused('--layers 3: the model has 2', '--layers', '3')
    await refused('with next to no heads and neurons it is', '--parameters', '10')
    await refused('holds a quantized model', '--model', int8, '--heads', '0.5')
    await refused("a small model of tinystill's own", '--model', own, '--heads', '0.5')
    await refused('it is a folder of folders', '--model', root, '--heads', '0.5')
  })

  it('refuses to take the place of its model', async () => {
    const before = readFileSync(join(whole, 'model.safetensors'))
    for (const more of [[], ['--train', data, '--retrain']]) {
      const { code, err } = await shrink('whole/', '--heads', '0.5', ...more)
      expect([code, err]).toEqual([1, expect.stringContaining('is the folder of the model itself')])
    }
    expect(readFileSync(join(whole, 'model.safetensors')).equals(before)).toBe(true)
  })

  it('leaves what is there whole where it cannot write', async () => {
    await told('there', '--heads', '0.75')
    const before = readFileSync(join(place('there'), 'model.safetensors'))
    // The weights cannot take their place.
    const { code, err } = await shrink('there/config.json', '--heads', '0.5')
    expect(code).toBe(1)
    expect(err).toContain('config.json')
    expect(readFileSync(join(place('there'), 'model.safetensors')).equals(before)).toBe(true)
    expect(readdirSync(place('there')).filter((name) => name.startsWith('.'))).toEqual([])
  })
})
