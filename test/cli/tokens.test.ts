// What a folder's tokenizer says to the commands: how long texts are, which side is cut, and what is unknown.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { randomScope } from '../../src/autograd/random.js'
import { openCache } from '../../src/files/cache/reader.js'
import { writePretrained } from '../../src/files/models/on-disk.js'
import { BertForSequenceClassification } from '../../src/nn/models/bert.js'
import { keyOf } from '../../src/tensor/rng.js'
import { WordPieceTokenizer } from '../../src/text/wordpiece.js'
import { run } from './program.js'

const folder = mkdtempSync(join(tmpdir(), 'tinystill-tokens-'))
afterAll(() => rmSync(folder, { recursive: true }))
const at = (name: string) => join(folder, name)

const { vocab } = JSON.parse(
  readFileSync(join(import.meta.dirname, '../golden/tokenizer_folders.json'), 'utf8'),
) as { vocab: string[] }

/** A classifier of random weights that takes 32 tokens, `more` of which have no text. */
function model(name: string, config: object, more = 0, maxLength = 32): string {
  const sizes = { width: 8, layers: 1, heads: 2, inner: 8, maxLength, std: 1 }
  const settings = { vocabSize: vocab.length + more, ...sizes, labels: ['bad', 'good'] }
  const made = randomScope(keyOf(1), () => new BertForSequenceClassification(settings))
  writePretrained(at(name), { model: made, tokenizer: WordPieceTokenizer.fromVocabulary(vocab) })
  for (const file of ['tokenizer.json', 'special_tokens_map.json']) rmSync(join(at(name), file))
  writeFileSync(join(at(name), 'tokenizer_config.json'), JSON.stringify(config))
  return at(name)
}

const long = 'the film is good and this movie is a terrible movie the film is bad'
const rows = [`${long}\tgood`, 'a fine film\tgood', `${long} a dull movie\tbad`, 'a bad film\tbad']

beforeAll(() => {
  writeFileSync(at('rows.tsv'), rows.join('\n'))
  writeFileSync(at('fast.yaml'), 'epochs: 1\n')
  model('long', {})
  model('short', { model_max_length: 6 })
  model('left', { model_max_length: 6, truncation_side: 'left' })
})

async function good(name: string, text: string, ...more: string[]): Promise<number> {
  const { code, out, err } = await run('predict', '--model', at(name), '--text', text, '--jsonl', ...more)
  expect([code, err.replace('1 of 1 row cut at 6 tokens: --max-length\n', '')]).toEqual([0, ''])
  return JSON.parse(out).probabilities.good
}

const configOf = (name: string) => JSON.parse(readFileSync(join(at(name), 'tokenizer_config.json'), 'utf8'))

describe('the length', () => {
  it('that a folder names is the one that predict reads, where none is asked for', async () => {
    const short = await good('short', long)
    expect(short).toBe(await good('long', 'the film is good'))
    expect(short).toBe(await good('long', long, '--max-length', '6'))
    expect(await good('short', long, '--max-length', '32')).toBe(await good('long', long))
    expect(short).not.toBe(await good('long', long))
  })

  it('is cut from the side that the folder names', async () => {
    expect(await good('left', long)).toBe(await good('long', 'the film is bad'))
  })

  it('is that of eval and label too', async () => {
    const evaluate = async (name: string, ...more: string[]) => {
      const { out } = await run('eval', '--model', at(name), '--data', at('rows.tsv'), '--json', ...more)
      return JSON.parse(out).loss
    }
    expect(await evaluate('short')).toBe(await evaluate('long', '--max-length', '6'))
    expect(await evaluate('short')).not.toBe(await evaluate('long'))
    const data = ['--data', at('rows.tsv'), '--out', at('cache')]
    expect((await run('label', '--teacher', at('short'), ...data)).code).toBe(0)
    expect(openCache(at('cache')).manifest.settings.maxLength).toBe(6)
  })

  it('of the training is kept, so that eval gives the figure of the run', async () => {
    const train = async (from: string, out: string, ...more: string[]) => {
      const data = ['--train', at('rows.tsv'), '--dev', at('rows.tsv'), '--epochs', '1', '--json', '--quiet']
      const { code, out: text, err } = await run('train', '--model', from, '--out', at(out), ...data, ...more)
      expect(code, err).toBe(0)
      return JSON.parse(text).dev.loss
    }
    const loss = await train(at('long'), 'trained', '--max-length', '7')
    expect(configOf('trained').model_max_length).toBe(7)
    const { out } = await run('eval', '--model', at('trained'), '--data', at('rows.tsv'), '--json')
    expect(JSON.parse(out).loss).toBeCloseTo(loss, 6)
    // And is what a training reads that goes on from there.
    await train(at('left'), 'again')
    expect(configOf('again')).toMatchObject({ model_max_length: 6, truncation_side: 'left' })
  })

  it("of a distillation is its own, or the teacher's", async () => {
    const distil = async (teacher: string, out: string, ...more: string[]) => {
      const models = ['--teacher', at(teacher), '--from-layers', '0', '--recipe', 'hinton', '--force']
      const data = [
        '--train',
        at('rows.tsv'),
        '--dev',
        at('rows.tsv'),
        '--config',
        at('fast.yaml'),
        '--quiet',
      ]
      const { code, err } = await run('distill', ...models, ...data, '--out', at(out), ...more)
      expect(code, err).toBe(0)
      return configOf(out).model_max_length
    }
    expect(await distil('short', 'student')).toBe(6)
    expect(await distil('short', 'student12', '--max-length', '12')).toBe(12)
  })

  it('of label is that of distill: a cache made by default fits a student made by default', async () => {
    // No model_max_length, as many folders of the hub, and positions for more.
    model('positions', {}, 0, 160)
    const text = `${'a fine film and '.repeat(40)}good`
    writeFileSync(at('huge.tsv'), `${text}\tgood\n${rows.join('\n')}\n`)
    const label = async (out: string, ...more: string[]) => {
      const data = ['--data', at('huge.tsv'), '--out', at(out)]
      const { code, err } = await run('label', '--teacher', at('positions'), ...data, ...more)
      expect(code, err).toBe(0)
      return openCache(at(out)).manifest.settings.maxLength
    }
    const distil = async (teacher: string, out: string) => {
      const student = ['--student', at('small.json'), '--tokenizer', at('positions'), '--force']
      const data = ['--train', at('huge.tsv'), '--recipe', 'hinton', '--epochs', '1', '--augment', '0']
      const models = ['--teacher', at(teacher), ...student]
      const { code, err } = await run('distill', ...models, ...data, '--out', at(out))
      expect(code, err).toBe(0)
      expect(err).not.toContain('read texts of up to')
      return [configOf(out).model_max_length, readFileSync(join(at(out), 'model.safetensors'), 'hex')]
    }
    writeFileSync(
      at('small.json'),
      JSON.stringify({
        ...{ model_type: 'bert', hidden_size: 8, num_hidden_layers: 1, num_attention_heads: 2 },
        ...{ intermediate_size: 8, max_position_embeddings: 160 },
      }),
    )
    expect(await label('usual')).toBe(128)
    expect(await distil('usual', 'of-cache')).toEqual(await distil('positions', 'of-teacher'))
    expect(configOf('of-cache').model_max_length).toBe(128)
    expect(await label('shorter', '--max-length', '20')).toBe(20)
    expect((await distil('shorter', 'of-shorter'))[0]).toBe(20)
  })
})

describe('texts that are cut', () => {
  // Of the four rows two have more than 12 tokens.
  const file = () => at('rows.tsv')
  const said = () => `${file()}: 2 of 4 rows cut at 12 tokens: --max-length\n`
  const none = /\bcut at/

  it.each<[string, () => string[]]>([
    ['eval', () => ['--model', at('long'), '--data', file()]],
    ['label', () => ['--teacher', at('long'), '--data', file(), '--out', at('cut-cache')]],
    [
      'train --dev --test',
      () => ['--model', at('long'), '--train', file(), '--dev', file(), '--test', file(), '--epochs', '1'],
    ],
    [
      'distill --transfer --dev --test',
      () => [
        ...['--recipe', 'hinton', '--teacher', at('long'), '--from-layers', '0', '--force', '--epochs', '1'],
        ...['--train', file(), '--transfer', file(), '--dev', file(), '--test', file()],
      ],
    ],
  ])('are told by %s, and nothing where none are', async (name, own) => {
    const [command, ...sets] = name.split(' ')
    for (const [length, lines] of [
      ['12', Math.max(1, sets.length)],
      ['32', 0],
    ] as const) {
      const out = own().includes('--out') || command === 'eval' ? [] : ['--out', at(`${command}-${length}`)]
      rmSync(at('cut-cache'), { recursive: true, force: true })
      const { code, err } = await run(command, ...own(), ...out, '--max-length', length)
      expect(code, err).toBe(0)
      expect(err.split(said()).length - 1).toBe(lines)
      if (lines === 0) expect(err).not.toMatch(none)
      else if (sets.length > 0) expect(err).toContain('; 2 cut at 12\n')
    }
  })

  it('are told by predict when all are answered, and counted by label in its document', async () => {
    const texts = ['--text', long, 'a film', `${long} ${long}`]
    const { err } = await run('predict', '--model', at('long'), ...texts, '--max-length', '12')
    expect(err).toBe('2 of 3 rows cut at 12 tokens: --max-length\n')
    const data = ['--data', file(), '--out', at('counted'), '--json', '--quiet', '--max-length', '12']
    const { out } = await run('label', '--teacher', at('long'), ...data)
    expect(JSON.parse(out)).toMatchObject({ rows: 4, cut: 2 })
  })
})

describe('unknown tokens', () => {
  const strange = ['--text', 'Ωμέγα Ωμέγα и снова это', 'the movie это']
  const shout = rows.map((row) =>
    row.replaceAll(/\b[a-z]/g, (c) => c.toUpperCase()).replace(/\S+$/, (label) => label.toLowerCase()),
  )

  it('are told once, with words in which they are', async () => {
    const { code, err } = await run('predict', '--model', at('long'), ...strange)
    expect(code).toBe(0)
    expect(err).toBe(
      `warning: 75% of the tokens of the first texts are unknown to the tokenizer of ${at('long')}, as in "Ωμέγα", "и", "снова". Take the vocabulary that the model was trained with, or a model of this language\n`,
    )
    expect((await run('predict', '--model', at('long'), ...strange, '--quiet')).err).toBe('')
  })

  it.each([
    ['eval', ['--model']],
    ['label', ['--out', '', '--teacher']],
  ])('are told by %s, with the casing where that is why', async (command, flags) => {
    model('cased', { do_lower_case: false })
    writeFileSync(at('shout.tsv'), shout.join('\n'))
    const args = flags.map((flag) => flag || at('shout-cache'))
    const { code, err } = await run(command, ...args, at('cased'), '--data', at('shout.tsv'))
    expect(code, err).toBe(0)
    expect(err).toMatch(/^warning: \d+% of the tokens of .*shout\.tsv are unknown/m)
    expect(err).toContain('In lower case most are known')
  })

  it('are told by train and distill before they begin', async () => {
    model('cased', { do_lower_case: false })
    writeFileSync(at('shout.tsv'), shout.join('\n'))
    const data = ['--train', at('shout.tsv')]
    const from = ['--model', at('cased'), '--out', at('shout')]
    const trained = await run('train', ...from, ...data, '--epochs', '1')
    expect(trained.err.match(/^warning: .* unknown/gm)).toHaveLength(1)
    const models = ['--teacher', at('cased'), '--from-layers', '0', '--recipe', 'hinton', '--force']
    const taught = await run(
      'distill',
      ...models,
      ...data,
      '--config',
      at('fast.yaml'),
      '--out',
      at('shout-student'),
    )
    expect(taught.err.match(/^warning: .* unknown/gm)).toHaveLength(1)
  })

  it('are not spoken of where they are few', async () => {
    const { err } = await run('predict', '--model', at('long'), '--text', 'the film \u{1f600} is good')
    expect(err).toBe('')
  })
})

describe('tokens without a text', () => {
  it('are told where config.json has more than the tokenizer', async () => {
    model('larger', {}, 2)
    const { code, err } = await run('predict', '--model', at('larger'), '--text', 'a film')
    expect(code).toBe(0)
    expect(err).toBe(
      `${at('larger')}: config.json says vocab_size 83, the tokenizer has 81 tokens; were tokens added for training, bring its tokenizer.json or added_tokens.json\n`,
    )
    writeFileSync(join(at('larger'), 'added_tokens.json'), '{"<user>": 81, "<url>": 82}')
    expect((await run('predict', '--model', at('larger'), '--text', 'a film')).err).toBe('')
    writeFileSync(join(at('larger'), 'added_tokens.json'), '{"<user>": 81, "<url>": 82, "<date>": 83}')
    const more = await run('predict', '--model', at('larger'), '--text', 'a film')
    expect([more.code, more.err]).toEqual([
      1,
      `tinystill: ${at('larger')}: its tokenizer has 84 tokens, as "<date>" that was added, config.json says vocab_size 83. Take all files from the same model\n`,
    ])
  })
})
