// What families with narrow tables, one block for all layers, or distances in their scores do otherwise than BERT, as far as
// PyTorch's values do not show it.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import '../../src/index.js'
import { tensor, zeros } from '../../src/autograd/create.js'
import { noGrad } from '../../src/autograd/graph.js'
import { attention } from '../../src/autograd/ops/products/attention.js'
import { randomScope } from '../../src/autograd/random.js'
import { embeddingsOf } from '../../src/distill/from-embeddings.js'
import { distilbertOf, fromLayers } from '../../src/distill/from-layers.js'
import type { Student } from '../../src/distill/plan/runner.js'
import { CheckpointError } from '../../src/errors.js'
import { loadPretrained, writePretrained } from '../../src/files/models/on-disk.js'
import { footprintOfConfig, footprintOfModel } from '../../src/nn/footprint.js'
import { BertForSequenceClassification, makeModel } from '../../src/nn/models/bert.js'
import type { Bottleneck, Rotary } from '../../src/nn/models/config.js'
import {
  albert,
  debertaV2,
  electra,
  type Family,
  hasKind,
  type Kind,
  kinds,
  mobilebert,
  modernbert,
  mpnet,
} from '../../src/nn/models/family.js'
import { distanceBucket } from '../../src/nn/models/input.js'
import type { Pretrained, Settings } from '../../src/nn/models/pretrained.js'
import { Normalize, SentenceEncoder } from '../../src/nn/models/sentence.js'
import type { Transformer } from '../../src/nn/models/transformer.js'
import { parameterGroups, parameterTable } from '../../src/nn/optim/groups.js'
import { pruneAware } from '../../src/nn/prune/prepare.js'
import { quantize } from '../../src/nn/quantized/quantize.js'
import { cutModel, maskModel } from '../../src/nn/shrink/cut.js'
import { Importance } from '../../src/nn/shrink/importance.js'
import { allOf } from '../../src/nn/shrink/kept.js'
import { lowRankModel, wholeModel } from '../../src/nn/shrink/low-rank.js'
import { keyOf } from '../../src/tensor/rng.js'
import { run } from '../cli/program.js'

const dir = mkdtempSync(join(tmpdir(), 'tinystill-kin-'))
afterAll(() => rmSync(dir, { recursive: true }))

const sizes = { vocabSize: 40, width: 24, layers: 3, heads: 4, inner: 32, maxLength: 16 }
const labels = ['a', 'b', 'c']
/** What sets of sizes each family needs besides: narrower tables, a window that the longest text is wider than. */
const narrow = (family: Family): Settings =>
  family === mobilebert
    ? { embedding: 10, bottleneck: { ...(mobilebert.defaults.bottleneck as Bottleneck), inside: 12 } }
    : Object.hasOwn(family.names, 'project')
      ? { embedding: 10 }
      : family === modernbert
        ? { padId: 1, rotary: { ...(modernbert.defaults.rotary as Rotary), window: 4 } }
        : family === debertaV2
          ? { relative: { buckets: 4, farthest: 7 } }
          : {}

/** And in config.json what its classes must be told. */
const told = (family: Family): object => ({
  ...(Object.hasOwn(family.names, 'project') && { embedding_size: 8 }),
  ...Object.fromEntries(Object.entries(family.stated).map(([field, [value]]) => [field, value])),
  ...(family === debertaV2 && { position_buckets: 4 }),
  ...(family === mobilebert && { intra_bottleneck_size: 8 }),
})
const made = (family: Family, kind: Kind, more = {}): Pretrained =>
  randomScope(keyOf(1, 'kin'), () => {
    const model = makeModel(family, kind, { ...sizes, ...narrow(family), labels, std: 0.3, ...more }).eval()
    for (const p of model.parameters())
      if (p.rank === 1) p.elements.set(p.elements.map((_, i) => Math.sin(i + p.numel)))
    return model
  })
const input = {
  inputIds: tensor(Int32Array.of(2, 5, 9, 3, 2, 30, 31, 32, 3, 2, 7, 3)),
  starts: tensor(Int32Array.of(0, 4, 9, 12)),
}
const answer = (model: Pretrained) =>
  noGrad(() => {
    const { logits, lastHiddenState } = model.forward(input)
    return Array.from((logits ?? lastHiddenState).data)
  })
const far = (a: Pretrained, b: Pretrained) => {
  const [x, y] = [a, b].map(answer)
  expect(x.length).toBe(y.length)
  return Math.max(...x.map((value, i) => Math.abs(value - y[i])))
}
const qkv = (heads: number) => {
  const x = zeros([1, heads, 3, 2])
  return [x, x, x] as const
}
const same = [electra, albert, mpnet, modernbert, debertaV2, mobilebert]
const all = same.flatMap((family) =>
  kinds.filter((kind) => hasKind(family, kind)).map((kind) => [family.modelType, kind, family] as const),
)

describe.each(all)('%s, %s', (name, kind, family) => {
  it('is written, and read again', () => {
    const model = made(family, kind)
    const folder = join(dir, `${name}-${kind}`)
    mkdirSync(folder)
    writePretrained(folder, { model })
    const { model: again, info } = loadPretrained(folder)
    expect(info).toEqual({ fresh: [], unused: [], notes: [] })
    expect(again.config).toEqual(model.config)
    expect(again.architecture).toBe(model.architecture)
    expect(answer(again)).toEqual(answer(model))
  })

  it('cut, answers as with zeros; narrower states keep their tables', () => {
    const model = made(family, kind)
    const kept = {
      ...allOf(model.config),
      heads: [0, 1, 2].map(() => [1, 3]),
      ...(family !== mobilebert && { neurons: [0, 1, 2].map(() => [1, 2, 30]) }),
    }
    expect(far(cutModel(model, kept), maskModel(made(family, kind), kept))).toBeLessThan(1e-5)
    const states = family === mobilebert ? 24 : 12
    const width = [...Array(states).keys()]
    const half = cutModel(model, { ...allOf(model.config), layers: [0, 2], width, pooled: width })
    expect(half.config).toMatchObject({ width: states, layers: 2, ...narrow(family) })
    expect(answer(half).every(Number.isFinite)).toBe(true)
    const low = lowRankModel(model, { rank: 24 }).model
    expect(far(low, model)).toBeLessThan(1e-3)
    expect(far(wholeModel(low), model)).toBeLessThan(1e-3)
  })

  it('in whole numbers, and with masks', () => {
    const model = made(family, kind)
    const before = answer(model)
    const scale = Math.max(...before.map(Math.abs))
    const masked = pruneAware(made(family, kind), 'magnitude', { sparsity: 0.5 })
    expect(answer(masked)).toEqual(before)
    const after = answer(quantize(model))
    expect(Math.max(...after.map((x, i) => Math.abs(x - before[i])))).toBeLessThan(0.3 * scale)
  })
})

describe('narrow tables', () => {
  it('are written with their width, and where they are as wide as the states go through no layer', () => {
    const wide = made(electra, 'base', { embedding: 24 })
    expect(wide.config.embedding).toBe(null)
    expect(Array.from(wide.namedParameters(), ([name]) => name)).not.toContain('embeddings_project.weight')
    const folder = join(dir, 'wide')
    mkdirSync(folder)
    writePretrained(folder, { model: wide })
    expect(JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')).embedding_size).toBe(24)
    expect(answer(loadPretrained(folder).model)).toEqual(answer(wide))
  })

  it('are refused of a BERT, and a cut that would lose the layer behind them', () => {
    expect(() => new BertForSequenceClassification({ ...sizes, embedding: 10 })).toThrow(
      'Bert: embedding must be null or 24, the width of its states, got 10',
    )
    const width = [...Array(10).keys()]
    const model = made(electra, 'base')
    expect(() => cutModel(model, { ...allOf(model.config), width, pooled: width })).toThrow(
      'Electra has tables 10 wide, and of states as wide no layer between them',
    )
  })

  it("give a new student's embeddings their principal components", () => {
    const teacher = made(electra, 'sequence-classification') as Student
    const make = (width: number) =>
      new BertForSequenceClassification({ ...sizes, width, labels }) as unknown as Student
    expect(embeddingsOf(teacher)(make(8))).toBe(true)
    expect(embeddingsOf(teacher)(make(12))).toBe(false)
  })
})

describe('a student of layers', () => {
  it.each(same)('of an $modelType is one', (family) => {
    const teacher = made(family, 'sequence-classification') as Student
    expect(far(fromLayers(teacher, [0, 1, 2]), teacher)).toBe(0)
    const half = distilbertOf(teacher, [0, 2], 'sequence-classification', labels)
    expect(half.config).toMatchObject({ ...narrow(family), layers: 2, tokenTypes: teacher.config.tokenTypes })
    const [whole, own] = [teacher, half].map((m) =>
      noGrad(() => m.forward(input, { hiddenStates: true })).hiddenStates!.map((h) => h.data),
    )
    expect(own.slice(0, 2)).toEqual(whole.slice(0, 2))
  })
})

describe('one block for all layers', () => {
  const model = made(albert, 'sequence-classification')

  it('is one module: its parameters are there once, of the first layer', () => {
    expect(
      new Set(Array.from(model.modules()).filter((m) => m.constructor.name === 'EncoderBlock')).size,
    ).toBe(1)
    const names = Array.from(model.namedParameters(), ([name]) => name)
    expect(names.filter((name) => name.endsWith('ffn.weight'))).toEqual([
      'albert.encoder.albert_layer_groups.0.albert_layers.0.ffn.weight',
    ])
    expect(new Set(names).size).toBe(names.length)
    expect(model.parameters().length).toBe(names.length)
  })

  it('is one layer to rates that fall layer by layer, and counts in memory as often as it is seen', () => {
    const rows = parameterTable(model)
    expect(new Set(rows.map(({ depth }) => depth))).toEqual(new Set([0, 1, 2, 3]))
    const scales = parameterGroups(model, { weightDecay: 0, layerDecay: 0.5 }).map(({ lrScale }) => lrScale)
    expect(Math.max(...scales.map(Number))).toBe(1)
    const deep = made(albert, 'sequence-classification', { layers: 12 })
    const of = (m: Pretrained) => footprintOfModel(m, 100).activations
    expect(of(deep)).toBeGreaterThan(3 * of(model))
    const { activations } = footprintOfConfig(albert, 'sequence-classification', deep.config, 100)
    expect(of(deep)).toBe(activations)
  })

  it('scores its heads over all passes, and keeps the same ones in each', () => {
    const importance = new Importance(model)
    importance.add(input, Int32Array.of(0, 1, 2), ({ logits }) => logits.square().mean())
    const { heads, layers } = importance.scores()
    expect(heads.length).toBe(3)
    expect(heads[0]).toEqual(heads[2])
    expect(heads[0].every((x) => x > 0)).toBe(true)
    expect(layers.length).toBe(3)
    const kept = { ...allOf(model.config), heads: [[0], [1], [0]] }
    for (const cut of [cutModel, maskModel])
      expect(() => cut(model, kept)).toThrow(
        'all layers of Albert are one: the same heads must stay in each. Choose them evenly',
      )
  })
})

describe('distances', () => {
  it("are of PyTorch's kinds", () => {
    // Where MPNetEncoder.relative_position_bucket goes on to the next kind, of keys behind and before a word.
    const behind = [1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 23, 32, 46, 64, 91]
    for (let n = 1; n < 600; n++) {
      const kind = behind.findLastIndex((from) => from <= n) + 1
      expect([distanceBucket(-n), distanceBucket(n)], `${n}`).toEqual([kind, kind + 16])
    }
    expect(distanceBucket(0)).toBe(0)
  })

  it('reach their table through checkpointed layers, and none of padding', () => {
    const gradients = (checkpointing: boolean) => {
      const model = made(mpnet, 'token-classification')
      model.checkpointing = checkpointing
      model.forward(input).logits!.square().mean().backward()
      return Array.from(model.namedParameters(), ([name, p]) => [name, p.grad?.data])
    }
    expect(gradients(true)).toEqual(gradients(false))
  })

  it('of a sentence encoder are the same for padded and unpadded texts', () => {
    const encoder = new SentenceEncoder(made(mpnet, 'base') as Transformer, { steps: [new Normalize()] })
    const ids = [2, 5, 9, 3, 1, 2, 30, 31, 32, 3, 2, 7, 3, 1, 1]
    const padded = {
      inputIds: tensor(Int32Array.from(ids), { shape: [3, 5] }),
      attentionMask: tensor(
        Int32Array.from(ids, (id) => Number(id !== 1)),
        { shape: [3, 5] },
      ),
    }
    const [a, b] = [input, padded].map((batch) => noGrad(() => encoder.forward(batch)).embedding.data)
    expect(Math.max(...a.map((x, i) => Math.abs(x - b[i])))).toBeLessThan(1e-6)
  })

  it('are of all heads in all layers', () => {
    const model = made(mpnet, 'base')
    const kept = { ...allOf(model.config), heads: [[0], [1], [0]] }
    expect(() => cutModel(model, kept)).toThrow(
      'the heads of all layers of MPNet share a table of distances: the same ones must stay in each',
    )
    const one = { heads: 4, headSize: 6, inner: 32, ranks: {} }
    expect(() => made(mpnet, 'base', { blocks: [one, { ...one, heads: 3 }, one] })).toThrow(
      'MPNet: blocks must be of 4 heads each: the layers of MPNet share a table of them',
    )
    expect(() => attention(...qkv(2), { bias: zeros([2, 3, 2]) })).toThrow(
      'the bias must be [heads, queries, keys] = [2, 3, 3], or one for each text, got [2, 3, 2]',
    )
  })
})

it.each<[string, Record<string, unknown>, string]>([
  ['albert', { num_hidden_groups: 2 }, 'num_hidden_groups must be 1, it is 2'],
  ['albert', { inner_group_num: 2 }, 'inner_group_num must be 1, it is 2'],
  ['albert', { embedding_size: 0 }, 'embedding_size must be a whole number from 1 to 65536'],
  ['albert', { embedding_size: 11 }, 'is [40, 10], config.json asks for [40, 11]'],
  ['mpnet', { relative_attention_num_buckets: 16 }, 'relative_attention_num_buckets must be 32, it is 16'],
  ['mpnet', { pad_token_id: 0 }, 'pad_token_id must be 1, it is 0'],
  ['electra', { position_embedding_type: 'relative_key' }, 'position_embedding_type must be absolute'],
  ['modernbert', { norm_bias: true }, 'norm_bias must be false, it is true'],
  ['modernbert', { mlp_dropout: 0.1 }, 'mlp_dropout must be 0, it is 0.1'],
  ['modernbert', { classifier_pooling: 'max' }, 'classifier_pooling must be cls or mean'],
  ['modernbert', { rope_scaling: { type: 'yarn' } }, 'rope_scaling must be null'],
  [
    'modernbert',
    { rope_parameters: { full_attention: { rope_type: 'yarn' } } },
    'rope_type must be default, it is "yarn"',
  ],
  [
    'modernbert',
    { layer_types: ['full_attention'] },
    'layer_types must be a list of 3, each full_attention or',
  ],
  ['modernbert', { local_attention: -2 }, 'local_attention must be a whole number from 0'],
  ['modernbert', { rope_parameters: null, global_rope_theta: 'much' }, 'global_rope_theta must be a number'],
  ['modernbert', { num_attention_heads: 8 }, 'num_attention_heads must be of an even width each'],
  ['deberta-v2', { conv_kernel_size: 3 }, 'conv_kernel_size must be 0, it is 3'],
  ['deberta-v2', { position_buckets: undefined }, 'position_buckets must be a whole number from 2'],
  ['deberta-v2', { position_buckets: -1 }, 'position_buckets must be a whole number from 2'],
  [
    'deberta-v2',
    { max_relative_positions: 3 },
    'relative must be of distances farther than half its 4 buckets',
  ],
  ['deberta-v2', { relative_attention: undefined }, 'relative_attention must be true, it is missing'],
  ['deberta-v2', { position_biased_input: true }, 'position_biased_input must be false'],
  ['deberta-v2', { share_att_key: false }, 'share_att_key must be true'],
  ['deberta-v2', { pos_att_type: 'c2p' }, 'pos_att_type must be p2c|c2p, it is "c2p"'],
  ['deberta-v2', { norm_rel_ebd: 'none' }, 'norm_rel_ebd must be layer_norm'],
  ['deberta-v2', { legacy: false }, 'legacy must be true'],
  ['deberta-v2', { embedding_size: 12 }, 'embedding_size must be null or 24, the width of its states'],
  ['mobilebert', { use_bottleneck: 'yes' }, 'use_bottleneck must be true or false, it is "yes"'],
  [
    'mobilebert',
    { key_query_shared_bottleneck: false },
    'key_query_shared_bottleneck must be true, where use_bottleneck_attention is false',
  ],
  ['mobilebert', { intra_bottleneck_size: 0 }, 'intra_bottleneck_size must be a whole number from 1'],
  ['mobilebert', { intra_bottleneck_size: 14 }, 'num_attention_heads must be a divisor of 14'],
  ['mobilebert', { num_feedforward_networks: 0 }, 'num_feedforward_networks must be a whole number from 1'],
  ['mobilebert', { num_feedforward_networks: 1000 }, 'config.json asks for'],
  ['mobilebert', { normalization_type: 'rms' }, 'normalization_type must be no_norm or layer_norm'],
  ['mobilebert', { embedding_size: 48 }, 'embedding_size must be at most 24, the width of its states'],
  [
    'albert',
    { tinystill_blocks: { head_size: 6, heads: [4, 3, 4], inner: [32, 32, 32] } },
    'tinystill_blocks must be alike: all layers of Albert are one',
  ],
])('of an %s, %o is refused', (type, change, message) => {
  const family = same.find(({ modelType }) => modelType === type) as Family
  const to = mkdtempSync(join(dir, 'refused-'))
  writePretrained(to, { model: made(family, 'masked-lm') })
  const file = join(to, 'config.json')
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), ...change }))
  expect(() => loadPretrained(to)).toThrow(CheckpointError)
  expect(() => loadPretrained(to)).toThrow(message)
})

it.each(same)('an $modelType goes through every command', async (family) => {
  const { modelType } = family
  const there = join(dir, `commands-${modelType}`)
  mkdirSync(there)
  const at = (name: string) => join(there, name)
  const rows = Array.from(
    { length: 24 },
    (_, i) => `the ${i % 2 ? 'small dog barks' : 'one cat sleeps'} ${i}\t${['bad', 'good'][i % 2]}`,
  )
  writeFileSync(at('data.tsv'), `text\tlabel\n${rows.join('\n')}\n`)
  writeFileSync(at('plain.txt'), rows.map((row) => `${row.split('\t')[0]}\n`).join(''))
  const shape = { hidden_size: 16, num_hidden_layers: 2, num_attention_heads: 4, intermediate_size: 32 }
  const config = (model_type: string, more = {}) =>
    JSON.stringify({ model_type, ...shape, max_position_embeddings: 32, ...more })
  const own = told(family)
  writeFileSync(at('start.json'), config(modelType, own))
  writeFileSync(at('bert.json'), config('bert'))
  const read = (folder: string) => JSON.parse(readFileSync(join(at(folder), 'config.json'), 'utf8'))
  const outcome = (line: string) =>
    run(...line.split(' ').map((word) => (word.startsWith('@') ? at(word.slice(1)) : word)))
  const command = async (line: string) => {
    const { code, err } = await outcome(line)
    expect(code, err).toBe(0)
  }
  const sets = '--train @data.tsv --dev @data.tsv'
  const short = `${sets} --max-length 16 --threads 1 --quiet`
  const folder = join(import.meta.dirname, '../golden', modelType)
  const vocabulary = [electra, mobilebert].includes(family) ? '' : ` --tokenizer ${folder}`
  await command(`train --epochs 2 --model @start.json${vocabulary} ${short} --out @teacher`)
  if (family === mpnet) {
    await command(`train --epochs 1 --model @bert.json ${short} --out @bert`)
    // A vocabulary that is made for it has padding where its models have it; BERT's, which has it elsewhere, is refused.
    await command(`train --epochs 1 --model @start.json ${short} --out @own`)
    expect(read('own')).toMatchObject({ pad_token_id: 1 })
    const { code, err } = await outcome(`train --model @start.json --tokenizer @bert ${short} --out @no`)
    expect([code, err]).toEqual([
      2,
      expect.stringContaining('MPNet: padId must be 1, as in Python (pad_token_id)'),
    ])
  }
  expect(read('teacher')).toMatchObject({ model_type: modelType, ...own })
  await command(
    `distill --recipe hinton --epochs 1 --augment 8 --force --from-layers 0 --teacher @teacher ${short} --out @student`,
  )
  expect(read('student')).toMatchObject({ model_type: modelType, num_hidden_layers: 1 })
  await command(
    `distill --recipe hinton --steps 3 --augment 0 --force --student @bert.json --teacher @teacher ${short} --out @other`,
  )
  expect(read('other').model_type).toBe('bert')
  await command('quantize --quiet --model @student --dev @data.tsv --out @int8')
  const fewer = family === mobilebert ? '' : ' --neurons 0.5'
  const cut = `shrink --quiet${fewer} --model @teacher ${sets} --out @half`
  if (family === mpnet) {
    const { code, err } = await outcome(`${cut} --heads 0.5`)
    expect(code).toBe(2)
    expect(err).toContain('--heads: the heads of an MPNet share one table of distances')
    await command(cut)
  } else await command(`${cut} --heads 0.5`)
  if (family === mobilebert)
    for (const [flag, why] of [
      ['--width 8', 'blocks see the states through layers of their own, whose width stays'],
      ['--neurons 0.5', 'the 4 inner layers of a block are of one width'],
    ]) {
      const { code, err } = await outcome(`shrink --quiet --model @teacher ${sets} --out @no ${flag}`)
      expect(code).toBe(2)
      expect(err).toContain(`${flag.split(' ')[0]}: ${why}, those of a MobileBert. Leave it out`)
    }
  const { tinystill_blocks: blocks, intermediate_size: inner } = read('half')
  expect(inner).toBe(family === mobilebert ? 32 : 16)
  if (family !== mpnet) expect(blocks.heads[0] + blocks.heads[1]).toBe(4)
  await command('prune --quiet --method magnitude --sparsity 0.5 --model @teacher --out @pruned')
  await command('export --quiet --model @teacher --out @onnx')
  await command('label --quiet --teacher @teacher --data @plain.txt --out @cache')
  for (const model of ['teacher', 'int8', 'half', 'pruned']) {
    await command(`eval --quiet --model @${model} --data @data.tsv`)
    await command(`predict --quiet --model @${model} --text one`)
  }
})
