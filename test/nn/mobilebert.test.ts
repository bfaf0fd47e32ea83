// What blocks between bottlenecks do otherwise than BERT's, as far as PyTorch's values and the tests of all families do not show it.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import '../../src/index.js'
import { tensor } from '../../src/autograd/create.js'
import { noGrad } from '../../src/autograd/graph.js'
import { randomScope } from '../../src/autograd/random.js'
import { loadPretrained, writePretrained } from '../../src/files/models/on-disk.js'
import { readSafetensors, writeSafetensors } from '../../src/formats/safetensors/safetensors.js'
import { withNeighbours } from '../../src/nn/bottleneck/neighbours.js'
import { NoNorm } from '../../src/nn/bottleneck/no-norm.js'
import { Bert, makeModel } from '../../src/nn/models/bert.js'
import type { Bottleneck } from '../../src/nn/models/config.js'
import { type Kind, mobilebert } from '../../src/nn/models/family.js'
import type { ModelInput } from '../../src/nn/models/input.js'
import { MobileBert } from '../../src/nn/models/named/mobilebert.js'
import type { Pretrained, Settings } from '../../src/nn/models/pretrained.js'
import { parameterTable } from '../../src/nn/optim/groups.js'
import { keyOf } from '../../src/tensor/rng.js'
import { run } from '../cli/program.js'

const dir = mkdtempSync(join(tmpdir(), 'tinystill-mobilebert-'))
afterAll(() => rmSync(dir, { recursive: true }))

const usual = { ...(mobilebert.defaults.bottleneck as Bottleneck), inside: 12 }
const sizes = { vocabSize: 40, width: 24, embedding: 10, layers: 2, heads: 4, inner: 32, maxLength: 16 }
const made = (kind: Kind, more: Settings = {}): Pretrained =>
  randomScope(keyOf(1, 'mobilebert'), () =>
    makeModel(mobilebert, kind, { ...sizes, bottleneck: usual, std: 0.3, ...more }).eval(),
  )
const last = (model: Pretrained, input: ModelInput) =>
  noGrad(() => Array.from(model.forward(input).lastHiddenState.data))

describe('words between their neighbours', () => {
  const x = tensor([1, 2, 3, 4, 5], { shape: [5, 1] })

  it('have zeros beside the first and the last of a text', () => {
    const want = [2, 1, 0, 0, 2, 1, 4, 3, 0, 5, 4, 3, 0, 5, 4]
    const unpadded = withNeighbours(x, tensor(Int32Array.of(0, 2, 5)))
    expect([unpadded.shape, [...unpadded.data]]).toEqual([[5, 3], want])
    const padded = withNeighbours(tensor([1, 2, 3, 4], { shape: [2, 2, 1] }))
    expect([padded.shape, [...padded.data]]).toEqual([
      [2, 2, 3],
      [2, 1, 0, 0, 2, 1, 4, 3, 0, 0, 4, 3],
    ])
    expect([...withNeighbours(tensor([7], { shape: [1, 1, 1] })).data]).toEqual([0, 7, 0])
  })

  it("see padding's row as Python does; a text alone, and unpadded ones, do not", () => {
    const model = made('base')
    const ids = Int32Array.of(5, 6, 7, 0)
    const padded = {
      inputIds: tensor(ids, { shape: [1, 4] }),
      attentionMask: tensor(Int32Array.of(1, 1, 1, 0), { shape: [1, 4] }),
    }
    const alone = { inputIds: tensor(ids.slice(0, 3), { shape: [1, 3] }) }
    const unpadded = { inputIds: tensor(ids.slice(0, 3)), starts: tensor(Int32Array.of(0, 3)) }
    const apart = (a: number[], b: number[]) => Math.max(...b.map((v, i) => Math.abs(v - a[i])))
    const before = last(model, alone)
    expect(apart(last(model, padded), before)).toBeLessThan(1e-5)
    const words = model.namedParameters().next().value?.[1]
    words?.elements.fill(1, 0, 10)
    expect(apart(last(model, unpadded), before)).toBeLessThan(1e-5)
    expect(apart(last(model, padded), before)).toBeGreaterThan(1e-3)
  })
})

it('a norm that only multiplies and adds has the parameters of a layer norm, without decay', () => {
  const norm = new NoNorm(2)
  norm.weight.elements.set([2, 3])
  norm.bias?.elements.set([1, 0])
  expect([...norm.forward(tensor([[1, 2]])).data]).toEqual([3, 6])
  expect(`${norm}`).toBe('NoNorm([2])')
  const rows = parameterTable(made('sequence-classification'))
  expect(rows.filter(({ name }) => /LayerNorm/.test(name)).some(({ decays }) => decays)).toBe(false)
  // Inner layers are parts of their block, though they are more than there are blocks.
  expect(rows.find(({ name }) => name.includes('layer.1.ffn.2.output.dense'))).toMatchObject({ depth: 2 })
})

it('layers computed again give the same gradients', () => {
  const gradients = (checkpointing: boolean) => {
    const model = made('masked-lm')
    model.checkpointing = checkpointing
    const input = { inputIds: tensor([[5, 6, 7, 8]], { dtype: 'int32' }) }
    model.forward(input).logits!.square().mean().backward()
    return Array.from(model.namedParameters(), ([name, p]) => [name, p.grad?.data])
  }
  expect(gradients(true)).toEqual(gradients(false))
})

it.each<[Settings, string]>([
  [{ bottleneck: null }, 'MobileBert: bottleneck must be there, got null'],
  [{ bottleneck: { ...usual, networks: 0 } }, 'bottleneck must be of networks a whole number from 1 to 1000'],
  [{ bottleneck: { ...usual, inside: 10 } }, 'MobileBert: heads must be a divisor of 10, got 4'],
  [{ embedding: 32 }, 'MobileBert: embedding must be at most 24, the width of its states, got 32'],
])('%o is refused', (settings, message) => {
  expect(() => new MobileBert({ ...sizes, bottleneck: usual, ...settings })).toThrow(message)
})

it('bottlenecks are refused of a BERT', () => {
  expect(() => new Bert({ ...sizes, embedding: null, bottleneck: usual })).toThrow(
    'Bert: bottleneck must be null',
  )
})

it('a classifier of texts without a layer before its last is told by its architecture, and without one is of texts', () => {
  for (const [kind, named] of [
    ['sequence-classification', true],
    ['sequence-classification', false],
    ['token-classification', true],
  ] as const) {
    const folder = mkdtempSync(join(dir, 'bare-'))
    writePretrained(folder, { model: made(kind, { bottleneck: { ...usual, pooler: false } }) })
    const file = join(folder, 'config.json')
    const { architectures, ...config } = JSON.parse(readFileSync(file, 'utf8'))
    writeFileSync(file, JSON.stringify(named ? { architectures, ...config } : config))
    expect(loadPretrained(folder, { prefer: 'sequence-classification' }).model.kind).toBe(kind)
  }
})

it('a MobileBertForPreTraining is read by its head of masked words', () => {
  const folder = mkdtempSync(join(dir, 'pretraining-'))
  const model = made('masked-lm')
  writePretrained(folder, { model })
  const [file, config] = ['model.safetensors', 'config.json'].map((name) => join(folder, name))
  const { tensors } = readSafetensors(readFileSync(file), { file })
  const more = [
    ['cls.seq_relationship.weight', [2, 24]],
    ['cls.seq_relationship.bias', [2]],
    ['mobilebert.pooler.dense.weight', [24, 24]],
    ['mobilebert.pooler.dense.bias', [24]],
  ] as const
  const made_ = more.map(
    ([name, shape]) =>
      [name, tensor(new Float32Array(shape[0] * (shape[1] ?? 1)), { shape: [...shape] })] as const,
  )
  writeFileSync(file, writeSafetensors([...tensors, ...made_]))
  const architectures = ['MobileBertForPreTraining']
  writeFileSync(config, JSON.stringify({ ...JSON.parse(readFileSync(config, 'utf8')), architectures }))
  const back = loadPretrained(folder)
  expect(back.model.architecture).toBe('MobileBertForMaskedLM')
  expect([...back.info.unused].sort()).toEqual(more.map(([name]) => name).sort())
  const input = { inputIds: tensor([[5, 6, 7, 8]], { dtype: 'int32' }) }
  expect(last(back.model, input)).toEqual(last(model, input))
})

it('takes from and gives to other families, by states, attention, relations and on grids', async () => {
  const at = (name: string) => join(dir, name)
  const rows = Array.from(
    { length: 24 },
    (_, i) => `the ${i % 2 ? 'small dog barks' : 'one cat sleeps'} ${i}\t${['bad', 'good'][i % 2]}`,
  )
  writeFileSync(at('data.tsv'), `text\tlabel\n${rows.join('\n')}\n`)
  const shape = { hidden_size: 16, num_hidden_layers: 2, num_attention_heads: 4, intermediate_size: 32 }
  const own = { embedding_size: 8, intra_bottleneck_size: 8, max_position_embeddings: 32 }
  writeFileSync(at('mobile.json'), JSON.stringify({ model_type: 'mobilebert', ...shape, ...own }))
  writeFileSync(
    at('bert.json'),
    JSON.stringify({ model_type: 'bert', ...shape, max_position_embeddings: 32 }),
  )
  const short = '--train @data.tsv --dev @data.tsv --max-length 16 --threads 1 --quiet'
  const command = async (line: string) => {
    const { code, err } = await run(
      ...line.split(' ').map((word) => (word.startsWith('@') ? at(word.slice(1)) : word)),
    )
    expect(code, `${line}: ${err}`).toBe(0)
  }
  for (const [from, to, recipes] of [
    ['bert', 'mobile', ['tinybert', 'mobilebert']],
    ['mobile', 'bert', ['minilm']],
  ] as const) {
    await command(`train --epochs 1 --model @${from}.json ${short} --out @${from}`)
    for (const recipe of recipes)
      await command(
        `distill --recipe ${recipe} --steps 2 --augment 0 --force --student @${to}.json --teacher @${from} ${short} --out @${from}-${recipe}`,
      )
  }
  await command(
    `distill --recipe ternarybert --steps 2 --augment 0 --force --teacher @mobile ${short} --out @ternary`,
  )
  await command('eval --quiet --model @ternary --data @data.tsv')
  const { plan } = JSON.parse(readFileSync(join(at('bert-mobilebert'), 'run.json'), 'utf8'))
  expect(plan).toContain(
    'transfer: loss = 100 mean over layers (MSE(LN h_s, LN h_t) + 50 (m_s - m_t)^2 + 0.05 |v_s - v_t|), m and v over the width + mean over layers KL(softmax(A_t) || softmax(A_s))\n',
  )
})
