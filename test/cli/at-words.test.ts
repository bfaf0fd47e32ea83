// distill with a teacher of another tokenizer: hidden states by words, as a user runs it.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { interrupted, reviews, run } from './program.js'

const folder = mkdtempSync(join(tmpdir(), 'tinystill-at-words-'))
afterAll(() => rmSync(folder, { recursive: true }))
const at = (name: string) => join(folder, name)
const golden = join(import.meta.dirname, '../golden')

const size = { hidden_size: 16, num_attention_heads: 2, intermediate_size: 24, hidden_dropout_prob: 0.1 }
const config = (name: string, more: object) => writeFileSync(at(name), JSON.stringify({ ...size, ...more }))
config('student.json', { model_type: 'bert', num_hidden_layers: 1, max_position_embeddings: 40 })
config('teacher.json', {
  ...{ model_type: 'roberta', num_hidden_layers: 2, max_position_embeddings: 42, pad_token_id: 1 },
  ...{ vocab_size: 640, type_vocab_size: 1 },
})
// A text of which BERT has no token, and one that both cut.
const rows = [...reviews(48), ['\u200b', 'good'], [`a fine film${' and a lovely story'.repeat(9)}`, 'good']]
writeFileSync(at('train.tsv'), rows.map((row) => row.join('\t')).join('\n'))
writeFileSync(at('plain.txt'), rows.map(([text]) => text).join('\n'))

const distill = (out: string, ...more: string[]) => [
  ...['distill', '--teacher', at('teacher'), '--student', at('student.json'), '--train', at('train.tsv')],
  ...['--tokenizer', join(golden, 'tagging/bert'), '--max-length', '24', '--augment', '0', '--force'],
  ...['--out', at(out), '--epochs', '2', '--lr', '0.005', '--batch-size', '8', ...more],
]
const ok = async (...args: string[]) => {
  const { code, out, err } = await run(...args)
  expect(code, err).toBe(0)
  return { out, err }
}
const weights = (name: string) => readFileSync(join(at(name), 'model.safetensors'))
const terms = (name: string): Record<string, number>[] =>
  readFileSync(join(at(name), 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).terms ?? {})

beforeAll(async () => {
  await ok(
    ...['train', '--model', at('teacher.json'), '--tokenizer', join(golden, 'byte_bpe'), '--quiet'],
    ...['--train', at('train.tsv'), '--epochs', '4', '--lr', '0.005', '--batch-size', '8'],
    ...['--out', at('teacher'), '--max-length', '40'],
  )
}, 120_000)

describe('a BERT from a RoBERTa', () => {
  it('learns hidden states by tinybert, says where, and goes on to the same bytes', async () => {
    const args = (out: string) => distill(out, '--recipe', 'tinybert', '--checkpoint-every', '3')
    const { err } = await ok(...args('whole'))
    expect(err).toMatch(
      /intermediate\S*, seed 1: student and teacher have two tokenizers: states are compared at \[CLS\] and the first tokens of words, where both have them: \d+ places of 50 texts/,
    )
    const hidden = terms('whole').flatMap((own) => own.hidden ?? [])
    expect(hidden.at(-1)).toBeLessThan(0.9 * hidden[0])
    expect(await interrupted(...args('ended'))).not.toBe(0)
    await ok(...args('ended'), '--resume')
    expect(weights('ended').equals(weights('whole'))).toBe(true)
  }, 120_000)

  it('on plain text by its teacher of that, and with any loss on states beside logits', async () => {
    const losses =
      'losses: {cosine: {}, hidden: {weight: 0.1}, patient: {}, features: {mean: 0, variance: 0}}'
    writeFileSync(at('more.yaml'), `stages: {distil: {layerMap: [[0, 1]], teacherDropout: true, ${losses}}}`)
    await ok(...distill('many', '--recipe', 'hinton', '--config', at('more.yaml')))
    expect(Object.keys(terms('many')[0]).sort()).toEqual(
      expect.arrayContaining(['cosine', 'features', 'hidden', 'patient', 'soft']),
    )
    writeFileSync(
      at('general.yaml'),
      'stages: {general: {losses: {attention: {weight: 0}}}, intermediate: {losses: {attention: {weight: 0}}}}',
    )
    const general = ['--text', at('plain.txt'), '--general-teacher', at('teacher')]
    const { err } = await ok(
      ...distill('general', '--recipe', 'tinybert', '--config', at('general.yaml'), ...general),
    )
    expect(err).toMatch(/general\S*, seed 1: student and teacher have two tokenizers/)
  }, 120_000)

  it.each([
    [
      'attention',
      ['--recipe', 'tinybert', '--config', 'intermediate: {losses: {attention: {weight: 1}}}'],
      /intermediate: attention of student and teacher can be compared with one tokenizer only, theirs are two\. Switch off in --config: \{ stages: \{ intermediate: \{ losses: \{ attention: \{ weight: 0 \} \} \} \} \}/,
    ],
    [
      'relations',
      ['--recipe', 'minilm2'],
      /relations: relation of .* Take a recipe of logits or hidden states, as hinton, or start the student/,
    ],
  ])('refuses %s before the start, forced or not', async (_, more, message) => {
    const [, , flag, stages] = more
    if (flag) writeFileSync(at('bad.yaml'), `stages: {${stages}}`)
    const args = flag ? [...more.slice(0, 2), flag, at('bad.yaml')] : more
    const { code, err } = await run(...distill('refused', ...args))
    expect([code, err]).toEqual([1, expect.stringMatching(message)])
  })

  it('refuses states that were kept, and says what does it', async () => {
    await ok(
      ...['label', '--teacher', at('teacher'), '--data', at('train.tsv'), '--hidden', 'all', '--quiet'],
      ...['--out', at('cache'), '--max-length', '24'],
    )
    writeFileSync(at('kept.yaml'), 'stages: {distil: {losses: {cosine: {}}}}')
    const args = distill('kept', '--recipe', 'hinton', '--config', at('kept.yaml'), '--embeddings', 'new')
    const stored = args.map((arg) => (arg === at('teacher') ? at('cache') : arg))
    const unforced = await run(...stored.filter((arg) => arg !== '--force'))
    expect(unforced.out).toMatch(
      /the hidden states in .*cache are of another tokenizer .* give the teacher's own folder by --teacher: then states are compared at words/,
    )
    const { code, err } = await run(...stored)
    expect([code, err]).toEqual([
      1,
      expect.stringMatching(/the teacher read row \d+ as \d+ tokens, .* they are compared at words/),
    ])
  })
})
