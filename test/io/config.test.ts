// config.json of a model folder: what is refused, and what is kept.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { loadPretrained } from '../../src/files/models/on-disk.js'
import '../../src/index.js'
import { CheckpointError } from '../../src/errors.js'
import * as bert from '../../src/nn/models/bert.js'
import { memory } from '../../src/tensor/storage.js'
import { editConfig, root, saved, seeded, size } from './model-folders.js'

describe('a config', () => {
  const folder = saved(seeded(() => new bert.BertForSequenceClassification(size)))
  const text = readFileSync(join(folder, 'config.json'), 'utf8')

  it.each<[Record<string, unknown>, string]>([
    [
      { model_type: 'deberta' },
      'model_type must be bert or distilbert or roberta or camembert or xlm-roberta or electra or albert or mpnet or gpt2 or bilstm or modernbert or deberta-v2 or mobilebert, it is "deberta"',
    ],
    [{ model_type: '__proto__' }, 'model_type must be bert or distilbert or roberta'],
    [{ hidden_size: '8' }, 'hidden_size must be a whole number from 1 to 65536, it is "8"'],
    [{ hidden_size: 8.5 }, 'hidden_size must be a whole number'],
    [{ hidden_size: null }, 'hidden_size must be a whole number from 1 to 65536, it is null'],
    [{ num_attention_heads: 3 }, 'num_attention_heads must be a divisor of 8, it is 3'],
    [
      { hidden_act: 'gelu_10' },
      'hidden_act must be gelu or gelu_python or gelu_new or gelu_pytorch_tanh or ',
    ],
    [{ hidden_act: 'constructor' }, 'hidden_act must be gelu'],
    [{ hidden_dropout_prob: 1 }, 'hidden_dropout_prob must be a number from 0 to below 1, it is 1'],
    [{ pad_token_id: 9 }, "pad_token_id must be below the vocabulary's 9, it is 9"],
    [
      { position_embedding_type: 'relative_key' },
      'position_embedding_type must be absolute, it is "relative_key"',
    ],
    [{ is_decoder: true }, 'is_decoder must be false, it is true'],
    [{ pruned_heads: { 0: [1] } }, 'pruned_heads must be empty'],
    [{ pruned_heads: 5 }, 'pruned_heads must be empty, it is 5'],
    [{ id2label: ['a', 'b'] }, 'id2label must be an object of names by index, it is a list'],
    [{ quantization_config: {} }, 'quantization_config must be null'],
    [{ tie_word_embeddings: 1 }, 'tie_word_embeddings must be true or false'],
    [
      { id2label: { 1: 'a', 2: 'b' } },
      'id2label has 2 entries, none of them "0": the keys must be 0 to 1. Count the classes from 0',
    ],
    [{ id2label: { 0: 'a', 2: 'b' } }, 'id2label has 2 entries, none of them "1": the keys must be 0 to 1'],
    [{ id2label: { 0: 'a', '00': 'b' } }, 'id2label "00": there are two for 0'],
    [{ id2label: { 0: 'a', b: 'b' } }, 'id2label "b": its key must be a whole number from 0 on'],
    [{ id2label: { 0: 'a', 1: ['b'] } }, 'id2label "1": the name must be a text, it is a list'],
    [{ id2label: { 0: 'a', 1: null } }, 'id2label "1": the name must be a text, it is null'],
    [{ id2label: {} }, 'id2label must be an object of names by index, with one at least'],
    [{ problem_type: 'ranking' }, 'problem_type must be null or regression'],
    [{ architectures: 'BertModel' }, 'architectures must be a list of names'],
    [{ num_hidden_layers: 1001 }, 'num_hidden_layers must be a whole number from 0 to 1000'],
    [{ num_hidden_layers: 1000 }, 'holds 2 layers, config.json asks for 1000. Set num_hidden_layers to 2 in'],
    [{ intermediate_size: 2 ** 18 }, 'in the encoder alone'],
    [{ hidden_size: 16 }, 'is [9, 8], config.json asks for [9, 16]'],
    [{ max_position_embeddings: 2 ** 24 }, 'in the encoder alone'],
  ])('with %o is refused before anything is made', (change, message) => {
    const bad = join(root, 'bad')
    mkdirSync(bad, { recursive: true })
    copyFileSync(join(folder, 'model.safetensors'), join(bad, 'model.safetensors'))
    writeFileSync(join(bad, 'config.json'), text)
    editConfig(bad, change)
    const before = memory().bytes
    expect(() => loadPretrained(bad)).toThrow(CheckpointError)
    expect(() => loadPretrained(bad)).toThrow(message)
    expect(memory().bytes - before).toBeLessThan(2 ** 17)
  })

  it('keeps settings that it does not know, `__proto__` too', () => {
    const strange = join(root, 'strange')
    mkdirSync(strange)
    copyFileSync(join(folder, 'model.safetensors'), join(strange, 'model.safetensors'))
    writeFileSync(
      join(strange, 'config.json'),
      text.replace('{', '{"__proto__": {"x": 1}, "summary": [1, null],'),
    )
    const again = saved(loadPretrained(strange).model)
    const written = readFileSync(join(again, 'config.json'), 'utf8')
    expect(written).toContain('"__proto__": {\n    "x": 1')
    expect(JSON.parse(written).summary).toEqual([1, null])
  })

  it('of any values at all is loaded or refused', () => {
    const any = join(root, 'any')
    mkdirSync(any)
    copyFileSync(join(folder, 'model.safetensors'), join(any, 'model.safetensors'))
    const fields = [...Object.keys(JSON.parse(text)), 'pruned_heads', 'num_labels', 'quantization_config']
    const values = fc.oneof(
      fc.jsonValue({ maxDepth: 3 }),
      fc.integer(),
      fc.constantFrom(null, [], {}, '', 0, 1, 2, 8),
    )
    const change = fc.dictionary(fc.constantFrom(...fields), values, { minKeys: 1, maxKeys: 3 })
    fc.assert(
      fc.property(change, (more) => {
        writeFileSync(join(any, 'config.json'), JSON.stringify({ ...JSON.parse(text), ...more }))
        try {
          loadPretrained(any, { as: 'sequence-classification' })
        } catch (error) {
          expect(error).toBeInstanceOf(CheckpointError)
        }
      }),
      { numRuns: 500, seed: 1 },
    )
  })

  it.each([
    ['[1]', 'must hold one JSON object'],
    ['{', 'is not JSON'],
    [`{"hidden_size":${'['.repeat(1e5)}${']'.repeat(1e5)}}`, 'nests deeper than 64'],
    [`{"x":${'{"a":'.repeat(100)}1${'}'.repeat(101)}`, 'nests deeper than 64'],
  ])('that starts %.20s is refused', (content, message) => {
    const bad = join(root, 'bad')
    writeFileSync(join(bad, 'config.json'), content)
    expect(() => loadPretrained(bad)).toThrow(CheckpointError)
    expect(() => loadPretrained(bad)).toThrow(message)
  })

  it.each<[object, string[]]>([
    [{ 0: 0, 1: 1 }, ['0', '1']],
    [{ '00': 'a', '01': true }, ['a', 'true']],
    [{ 1: 'b', 0: 'a' }, ['a', 'b']],
  ])('takes the names %o', (id2label, names) => {
    const lenient = saved(seeded(() => new bert.BertForSequenceClassification(size)))
    expect(loadPretrained(editConfig(lenient, { id2label })).config.labels).toEqual(names)
  })

  it('with num_labels alone numbers them', () => {
    const { id2label, label2id, ...rest } = JSON.parse(text)
    const other = saved(
      seeded(() => new bert.BertForSequenceClassification({ ...size, labels: ['a', 'b', 'c'] })),
    )
    writeFileSync(join(other, 'config.json'), JSON.stringify({ ...rest, num_labels: 3 }))
    expect(loadPretrained(other).config.labels).toEqual(['LABEL_0', 'LABEL_1', 'LABEL_2'])
    expect(Object.keys(label2id)).toEqual(Object.values(id2label))
  })
})
