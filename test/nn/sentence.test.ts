// Sentence encoders against sentence-transformers: folders that it wrote, its vectors and PyTorch's gradients, there and back;
// and folders that are none. test/golden/sentence.py writes them.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import '../../src/index.js'
import { tensor } from '../../src/autograd/create.js'
import { gradcheck } from '../../src/autograd/gradcheck.js'
import { noGrad } from '../../src/autograd/graph.js'
import { mul } from '../../src/autograd/ops/elementwise/arithmetic.js'
import { sum } from '../../src/autograd/ops/reduce.js'
import { type ModelFiles, memoryFolder } from '../../src/files/models/model-folder.js'
import {
  loadSentenceEncoder,
  type SentenceFolder,
  sentenceFiles,
  sentenceIn,
} from '../../src/files/sentence/sentence-folder.js'
import { readSafetensors } from '../../src/formats/safetensors/safetensors.js'
import { modulesOf } from '../../src/formats/sentence/modules.js'
import { inOrder } from '../../src/nn/data.js'
import { type PoolingMode, poolingModes } from '../../src/nn/models/pooling.js'
import { Dense, SentenceEncoder } from '../../src/nn/models/sentence.js'
import type { Tensor } from '../../src/tensor/tensor.js'
import { textData } from '../../src/text/dataset.js'

const root = join(import.meta.dirname, '../golden/sentence')
const file = join(root, 'golden.safetensors')
const { tensors, metadata } = readSafetensors(readFileSync(file), { file })
const texts: string[] = JSON.parse(metadata.get('texts')!)
const names = ['mean', 'cls', 'max'] as const

function embedded({ model, tokenizer, usualLength }: SentenceFolder, padding: boolean): Tensor {
  const data = textData(texts, null, tokenizer, usualLength, { padding })
  return model.forward(data.input(inOrder(texts.length))).embedding
}

function furthest(got: Tensor, want: Tensor): number {
  expect(got.shape).toEqual(want.shape)
  return Array.from(got.data, (x, i) => Math.abs(x - want.data[i])).reduce((a, b) => Math.max(a, b), 0)
}

/** All files of a folder as bytes, with some of them other ones. */
function filesOf(name: string, changed: Record<string, unknown> = {}): ModelFiles {
  const folder = join(root, name)
  const own = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .map((path): [string, Uint8Array] => [path, readFileSync(join(folder, path))])
  const others = Object.entries(changed).map(([path, document]): [string, string] => [
    path,
    JSON.stringify(document),
  ])
  return Object.fromEntries([...own, ...others])
}

const written = (loaded: SentenceFolder): ModelFiles =>
  Object.fromEntries(
    sentenceFiles({ ...loaded, maxLength: loaded.usualLength }).map(([name, data]) => [
      name,
      typeof data === 'string' ? data : Buffer.concat(Array.from(data, (piece) => piece.slice())),
    ]),
  )

describe('a folder of sentence-transformers', () => {
  it.each(names)('%s: its vectors, padded and not, and its gradients', (name) => {
    const loaded = loadSentenceEncoder(join(root, name))
    expect(loaded.notes).toEqual([])
    expect(loaded.usualLength).toBe(name === 'mean' ? 12 : 16)
    const want = tensors.get(`${name}.vectors`)!
    for (const padding of [true, false])
      expect(
        furthest(
          noGrad(() => embedded(loaded, padding)),
          want,
        ),
      ).toBeLessThan(1e-5)
    const weights = tensor(
      Float32Array.from({ length: want.numel }, (_, i) => Math.fround((i % 7) / 7) - 0.4),
      { shape: want.shape },
    )
    for (const padding of [true, false]) {
      for (const p of loaded.model.parameters()) p.grad = null
      sum(mul(embedded(loaded, padding), weights)).backward()
      const state = loaded.model.stateDict()
      const dense = [...state.keys()].find((key) => key.endsWith('linear.weight'))
      const of = {
        query: 'encoder.layer.0.attention.self.query.weight',
        words: 'embeddings.word_embeddings.weight',
        ...(dense && { dense }),
      }
      for (const [part, key] of Object.entries(of))
        expect(
          furthest(state.get(key)!.grad!, tensors.get(`${name}.grad.${part}`)!),
          `${part}, padded ${padding}`,
        ).toBeLessThan(5e-5)
    }
  })

  it.each(names)('%s: written and read again it gives the same bits', (name) => {
    const loaded = loadSentenceEncoder(join(root, name))
    const again = sentenceIn(memoryFolder(written(loaded)))
    expect(again.usualLength).toBe(loaded.usualLength)
    expect(again.prompts).toEqual(loaded.prompts)
    expect(furthest(embedded(again, false), embedded(loaded, false))).toBe(0)
    expect(again.model.size).toBe(loaded.model.size)
  })

  it('prompts, and what embeds without modules.json', () => {
    const { prompts } = loadSentenceEncoder(join(root, 'cls'))
    expect([...prompts.named]).toEqual([
      ['document', ''],
      ['query', 'query : '],
    ])
    const { 'modules.json': _, ...plain } = filesOf('mean')
    const loaded = sentenceIn(memoryFolder(plain))
    expect(loaded.notes.join()).toContain('has no modules.json')
    expect([loaded.model.pooling, loaded.model.steps]).toEqual(['mean', []])
  })

  const module = (type: string, path = '') => ({ idx: 0, name: '0', path, type })
  const first = module('sentence_transformers.models.Transformer')
  const second = module('sentence_transformers.models.Pooling', '1_Pooling')
  it.each<[string, Record<string, unknown>, RegExp]>([
    [
      'an unknown module',
      { 'modules.json': [first, second, module('sentence_transformers.models.CNN', '2_CNN')] },
      /modules.json.*\[2\].type: "sentence_transformers.models.CNN" is not known/,
    ],
    [
      'a module of elsewhere',
      { 'modules.json': [first, module('evil.Pooling', '1_Pooling')] },
      /"evil.Pooling" is not known/,
    ],
    [
      'a path out of the folder',
      { 'modules.json': [first, module('sentence_transformers.models.Pooling', '../x')] },
      /\[1\].path must be the name of a folder/,
    ],
    ['no pooling', { 'modules.json': [first] }, /begins with Transformer; a Transformer and a Pooling/],
    [
      'one path twice',
      { 'modules.json': [first, module('sentence_transformers.models.Pooling')] },
      /two modules have one path/,
    ],
    [
      'two poolings',
      { 'modules.json': [first, second, module('sentence_transformers.models.Pooling', 'x')] },
      /has Pooling twice/,
    ],
    ['no list', { 'modules.json': {} }, /must be a list of 1 to 16 modules/],
    [
      'a pooling that is not read',
      { '1_Pooling/config.json': { pooling_mode: 'lasttoken' } },
      /1_Pooling\/config.json.*pooling_mode must be mean or cls or max/,
    ],
    [
      'two poolings in one',
      { '1_Pooling/config.json': { pooling_mode_cls_token: true, pooling_mode_mean_tokens: true } },
      /pooling_mode_mean_tokens must be false where another/,
    ],
    [
      'a pooling of another width',
      { '1_Pooling/config.json': { word_embedding_dimension: 17, pooling_mode: 'mean' } },
      /word_embedding_dimension must be 16/,
    ],
    [
      'prompts left out of the mean',
      { '1_Pooling/config.json': { pooling_mode: 'mean', include_prompt: false } },
      /include_prompt must be true/,
    ],
    [
      'a length that is none',
      { 'sentence_bert_config.json': { max_seq_length: -1 } },
      /max_seq_length must be a whole number/,
    ],
    [
      'prompts that are no texts',
      { 'config_sentence_transformers.json': { prompts: { query: 1 } } },
      /prompts must be an object/,
    ],
    [
      'a prompt that is not there',
      { 'config_sentence_transformers.json': { default_prompt_name: 'x' } },
      /default_prompt_name must be/,
    ],
  ])('is refused: %s', (_, changed, reason) => {
    expect(() => sentenceIn(memoryFolder(filesOf('mean', changed)))).toThrow(reason)
  })

  it.each<[string, Record<string, unknown>, RegExp]>([
    [
      'another size than its weights',
      { in_features: 16, out_features: 7 },
      /linear.weight is float32 \[6, 16\], config.json asks for \[7, 16\]/,
    ],
    [
      'an activation that is not read',
      { in_features: 16, out_features: 6, activation_function: 'os.system' },
      /activation_function must be/,
    ],
    [
      'a layer on tokens',
      { in_features: 16, out_features: 6, module_input_name: 'token_embeddings' },
      /module_input_name must be/,
    ],
  ])('a dense layer is refused: %s', (_, config, reason) => {
    expect(() => sentenceIn(memoryFolder(filesOf('cls', { '2_Dense/config.json': config })))).toThrow(reason)
  })

  it('a dense layer that does not fit what comes before', () => {
    const { base } = loadSentenceEncoder(join(root, 'mean')).model
    expect(() => new SentenceEncoder(base, { steps: [new Dense(15, 4)] })).toThrow(
      /takes 15 numbers, there are 16/,
    )
  })

  it('names of modules of all versions', () => {
    const types = [
      'sentence_transformers.base.modules.transformer.Transformer',
      'sentence_transformers.sentence_transformer.modules.pooling.Pooling',
    ]
    const entries = types.map((type, i) => ({ type, path: i === 0 ? '0_Transformer' : '1_Pooling' }))
    expect(modulesOf('f', entries).map(({ path }) => path)).toEqual(['0_Transformer', '1_Pooling'])
  })
})

describe('pooling', () => {
  const modes = Object.keys(poolingModes) as PoolingMode[]
  const values = Float64Array.from({ length: 24 }, (_, i) => Math.sin(i * i))
  const mask = tensor(Int32Array.of(1, 1, 0, 1, 1, 1, 1, 0, 0), { shape: [3, 3] })
  it.each(modes)('%s, gradients against finite differences', (mode) => {
    const padded = tensor(values.slice(0, 18), { shape: [3, 3, 2], dtype: 'float64', requiresGrad: true })
    const flat = tensor(values.slice(0, 12), { shape: [6, 2], dtype: 'float64', requiresGrad: true })
    const pool = poolingModes[mode]
    const input = { inputIds: mask, attentionMask: mask }
    const weights = tensor(values.slice(6, 12), { shape: [3, 2], dtype: 'float64' })
    const of = (h: Tensor, own: Parameters<typeof pool>[1]) => sum(mul(pool(h, own), weights))
    expect(gradcheck((h) => of(h, input), [padded]).error).toBeLessThan(1e-8)
    const starts = tensor(Int32Array.of(0, 2, 5, 6))
    expect(gradcheck((h) => of(h, { inputIds: starts, starts }), [flat]).error).toBeLessThan(1e-8)
  })
})
