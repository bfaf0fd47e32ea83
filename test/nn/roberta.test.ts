// What RoBERTa's kin do otherwise than BERT, as far as PyTorch's values do not show it.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import '../../src/index.js'
import { tensor } from '../../src/autograd/create.js'
import { noGrad } from '../../src/autograd/graph.js'
import { distilbertOf, fromLayers } from '../../src/distill/from-layers.js'
import { loadPretrained, loadTokenizer, writePretrained } from '../../src/files/models/on-disk.js'
import { RobertaForSequenceClassification } from '../../src/nn/models/bert.js'
import { positionsOf } from '../../src/nn/models/input.js'
import { ints } from '../../src/tensor/tensor.js'
import { run } from '../cli/program.js'

const dir = mkdtempSync(join(tmpdir(), 'tinystill-roberta-'))
afterAll(() => rmSync(dir, { recursive: true }))
const byteBpe = join(import.meta.dirname, '../golden/byte_bpe')
const tokenizer = loadTokenizer(byteBpe)
const size = { vocabSize: tokenizer.vocabSize, width: 16, layers: 3, heads: 4, inner: 24, maxLength: 30 }
const labels = ['bad', 'good']
const config = (folder: string) => JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'))

describe('places', () => {
  it('are counted by ids, behind the place of padding', () => {
    const ids = tensor([[0, 5, 1, 6, 2, 1, 1]], { dtype: 'int32' })
    expect([...ints(positionsOf('x', { inputIds: ids }, 9, 2))]).toEqual([2, 3, 1, 4, 5, 1, 1])
    const flat = tensor([0, 5, 2, 0, 2], { dtype: 'int32' })
    const starts = tensor([0, 3, 5], { dtype: 'int32' })
    expect([...ints(positionsOf('x', { inputIds: flat, starts }, 9, 2))]).toEqual([2, 3, 4, 2, 3])
  })

  it('of config.json are those before the first and a text', () => {
    const model = new RobertaForSequenceClassification({ ...size, labels })
    const folder = join(dir, 'places')
    mkdirSync(folder)
    writePretrained(folder, { model })
    expect(config(folder).max_position_embeddings).toBe(size.maxLength + 2)
    const { model: again } = loadPretrained(folder)
    expect(again.config).toEqual(model.config)
    writeFileSync(
      join(folder, 'config.json'),
      JSON.stringify({ ...config(folder), max_position_embeddings: 2 }),
    )
    expect(() => loadPretrained(folder)).toThrow('max_position_embeddings must be above 2')
    writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...config(folder), pad_token_id: null }))
    expect(() => loadPretrained(folder)).toThrow('pad_token_id must be a number')
  })
})

describe('a student of layers', () => {
  const teacher = new RobertaForSequenceClassification({ ...size, labels }).eval()
  const input = {
    inputIds: tensor([[0, 9, 8, 2, 1]], { dtype: 'int32' }),
    attentionMask: tensor([[1, 1, 1, 1, 0]], { dtype: 'int32' }),
  }

  it('of all layers answers as its teacher', () => {
    const same = fromLayers(teacher, [0, 1, 2])
    expect(noGrad(() => same.forward(input)).logits?.data).toEqual(
      noGrad(() => teacher.forward(input)).logits?.data,
    )
  })

  it('is a RoBERTa, of half the layers too', () => {
    const half = distilbertOf(teacher, [0, 2], 'sequence-classification', labels)
    expect(half.architecture).toBe('RobertaForSequenceClassification')
    expect(half.config).toMatchObject({
      layers: 2,
      tokenTypes: teacher.config.tokenTypes,
      maxLength: size.maxLength,
    })
    const states = [teacher, half].map(
      (m) => noGrad(() => m.forward(input, { hiddenStates: true })).hiddenStates,
    )
    for (const i of [0, 1]) expect(states[1]?.[i].data).toEqual(states[0]?.[i].data)
  })
})

it.each([
  ['roberta', 'RobertaForSequenceClassification', byteBpe],
  ['xlm-roberta', 'XLMRobertaForSequenceClassification', join(byteBpe, '../unigram')],
])(
  '%s goes through train, distill from layers and anew, predict, quantize, shrink, export',
  async (type, name, vocabulary) => {
    const there = join(dir, type)
    mkdirSync(there)
    const data = join(there, 'data.tsv')
    const rows = Array.from(
      { length: 24 },
      (_, i) => `the ${i % 2 ? 'small dog barks' : 'one cat sleeps'} ${i}\t${labels[i % 2]}`,
    )
    writeFileSync(data, `text\tlabel\n${rows.join('\n')}\n`)
    const start = join(there, 'start.json')
    const roberta = { model_type: type, hidden_size: 16, num_hidden_layers: 2, num_attention_heads: 4 }
    writeFileSync(
      start,
      JSON.stringify({
        ...roberta,
        intermediate_size: 24,
        max_position_embeddings: 34,
        type_vocab_size: 1,
        layer_norm_eps: 1e-5,
      }),
    )
    const bert = join(there, 'bert.json')
    writeFileSync(
      bert,
      JSON.stringify({
        model_type: 'bert',
        hidden_size: 12,
        num_hidden_layers: 1,
        num_attention_heads: 2,
        intermediate_size: 16,
        max_position_embeddings: 32,
      }),
    )
    const sets = ['--train', data, '--dev', data, '--max-length', '16', '--threads', '1', '--quiet']
    const out = (of: string) => join(there, of)
    const ok = async (...args: string[]) => {
      const { code, err } = await run(...args)
      expect(code, err).toBe(0)
    }
    const command = (line: string, ...rest: string[]) => ok(...line.split(' '), ...rest)
    await command(
      'train --epochs 2 --model',
      start,
      '--tokenizer',
      vocabulary,
      ...sets,
      '--out',
      out('teacher'),
    )
    expect(config(out('teacher'))).toMatchObject({
      ...{ model_type: type, pad_token_id: 1, architectures: [name] },
    })
    const taught = ['--teacher', out('teacher'), ...sets]
    await command(
      'distill --recipe hinton --epochs 1 --augment 8 --force --from-layers 0 --out',
      out('student'),
      ...taught,
    )
    expect(config(out('student'))).toMatchObject({ model_type: type, num_hidden_layers: 1 })
    await command(
      'distill --recipe hinton --steps 3 --augment 0 --force --student',
      bert,
      '--out',
      out('other'),
      ...taught,
    )
    expect(config(out('other'))).toMatchObject({ model_type: 'bert', pad_token_id: 1 })
    await command('quantize --quiet --model', out('student'), '--dev', data, '--out', out('int8'))
    const held = ['--train', data, '--dev', data]
    await command('shrink --quiet --heads 0.5 --model', out('teacher'), ...held, '--out', out('half'))
    await command('export --quiet --model', out('student'), '--out', out('onnx'))
    for (const model of ['teacher', 'student', 'other', 'int8', 'half'])
      await command('predict --model', out(model), '--text', 'the small dog barks', 'one cat')
  },
)
