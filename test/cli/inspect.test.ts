// inspect: figures against a plain computation, folders of every kind, and what is broken told as a note.
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { tensor } from '../../src/autograd/create.js'
import { main } from '../../src/cli/main.js'
import { inspect } from '../../src/files/inspect.js'
import { writeSafetensors } from '../../src/formats/safetensors/safetensors.js'
import { keyOf, normalAt } from '../../src/tensor/rng.js'
import { saveTinyModel } from './model.js'

const root = mkdtempSync(join(tmpdir(), 'tinystill-inspect-'))
afterAll(() => rmSync(root, { recursive: true }))

let count = 0
function place(files: Record<string, string | Uint8Array>): string {
  const folder = join(root, `${count++}`)
  mkdirSync(folder)
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content)
  return folder
}

async function run(...args: string[]) {
  let [out, err] = ['', '']
  const code = await main(['inspect', ...args], {
    stdout: {
      write: (s) => {
        out += s
      },
    },
    stderr: {
      write: (s) => {
        err += s
      },
    },
    lines: async function* () {},
    now: () => 0,
  })
  return { code, out, err }
}

describe('figures of tensors', () => {
  it('are those of a plain computation, over pieces and far from zero', () => {
    const x = Float32Array.from({ length: 300_000 }, (_, i) => 1000 + normalAt(keyOf(1), i))
    const path = join(place({ 'x.safetensors': writeSafetensors([['x', tensor(x)]]) }), 'x.safetensors')
    const { tensors, params, bytes } = inspect(path).weights!
    const mean = x.reduce((a, b) => a + b, 0) / x.length
    const std = Math.sqrt(x.reduce((a, b) => a + (b - mean) ** 2, 0) / x.length)
    const figures = tensors[0].figures!
    expect(figures.mean).toBeCloseTo(mean, 9)
    expect(figures.std).toBeCloseTo(std, 9)
    expect([figures.min, figures.max]).toEqual([
      x.reduce((a, b) => Math.min(a, b)),
      x.reduce((a, b) => Math.max(a, b)),
    ])
    expect([params, bytes]).toEqual([300_000, 1_200_000])
  })

  it('leave out what is not finite, and a note says so', () => {
    const file = writeSafetensors([
      ['bad', tensor([NaN, Infinity, -Infinity, 3, 5])],
      ['empty', tensor(new Float32Array(0))],
      ['ids', tensor([1, 2, 3], { dtype: 'int32' })],
    ])
    const { weights, notes, modelType } = inspect(place({ 'model.safetensors': file }))
    const [bad, empty, ids] = weights!.tensors
    expect(bad.figures).toEqual({ mean: 4, std: 1, min: 3, max: 5, nan: 1, infinite: 2 })
    expect(empty.figures!.mean).toBeNaN()
    expect(ids).toMatchObject({ dtype: 'I32', shape: [3], bytes: 12, file: 'model.safetensors' })
    expect([weights!.params, modelType]).toEqual([5, null])
    expect(notes).toEqual(['bad holds 3 values that are NaN or infinite'])
  })
})

describe('folders', () => {
  it('of our own', async () => {
    const folder = join(root, 'own')
    saveTinyModel(folder)
    const { code, out } = await run(folder, '--json')
    expect(code).toBe(0)
    const found = JSON.parse(out)
    expect(found).toMatchObject({
      modelType: 'tinystill-text-classifier',
      settings: { hidden_size: 4, num_hidden_layers: 1 },
      labels: ['animal', 'food'],
      tokenizer: { kind: 'WordLevel', words: 9, file: 'tokenizer.json' },
      run: null,
      notes: [],
    })
    expect(found.weights.dtypes).toEqual({ F32: found.weights.tensors.length })
    const config = found.files.find((f: { name: string }) => f.name === 'config.json')
    const bytes = readFileSync(join(folder, 'config.json'))
    expect(config).toEqual({
      name: 'config.json',
      bytes: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
    })
    const text = (await run(folder)).out
    for (const part of ['wordEmbeddings.weight', 'WordLevel, 9 words', '2: animal, food', config.sha256])
      expect(text).toContain(part)
  })

  it('of sentence-transformers, of a run, of shards', () => {
    const parts = place({
      'a.safetensors': writeSafetensors([['x', tensor([1, 2])]]),
      'b.safetensors': writeSafetensors([['y', tensor([3])]]),
      'model.safetensors.index.json': '{"weight_map":{"x":"a.safetensors","y":"b.safetensors"}}',
      'config.json':
        '{"model_type":"bert","architectures":["BertModel"],"hidden_size":8,"__proto__":{"a":1}}',
      'modules.json': '[{"type":"sentence_transformers.models.Transformer"},{"type":"a.Pooling"}]',
      'vocab.txt': '[PAD]\n[UNK]\na\n',
      'run.json': '{"tinystill":"0.1.0","seconds":12,"plan":{}}',
    })
    const found = inspect(parts)
    expect(found).toMatchObject({
      ...{ modelType: 'bert', architectures: ['BertModel'], settings: { hidden_size: 8 } },
      ...{ modules: ['Transformer', 'Pooling'], run: { tinystill: '0.1.0', seconds: 12 } },
      tokenizer: { kind: 'WordPiece', words: 3, file: 'vocab.txt' },
    })
    expect(found.weights!.tensors.map((t) => [t.name, t.file])).toEqual([
      ['x', 'a.safetensors'],
      ['y', 'b.safetensors'],
    ])
    const run = inspect(place({ 'run.json': '{"seed":1}', 'report.html': '' }))
    expect([run.weights, run.run, run.files.length]).toEqual([null, { seed: 1 }, 2])
  })

  it('that are broken, as notes', async () => {
    const folder = place({
      'config.json': '{"model_type":',
      'tokenizer.json': '[]',
      'modules.json': '{',
      'pytorch_model.bin': 'x',
    })
    const { notes, weights } = inspect(folder)
    expect(weights).toBe(null)
    expect(notes.join('\n')).toMatch(/config\.json: is not JSON/)
    expect(notes.join('\n')).toMatch(/tokenizer\.json: must hold one JSON object/)
    expect(notes.join('\n')).toMatch(/modules\.json: is not JSON/)
    expect(notes.join('\n')).toMatch(/pytorch_model\.bin: is a Python pickle/)
    expect((await run(folder)).code).toBe(0)
  })

  it('with a value that no dtype holds', () => {
    const header = '{"b":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]}}'
    const bytes = Uint8Array.of(header.length, 0, 0, 0, 0, 0, 0, 0, ...new TextEncoder().encode(header), 2)
    const { weights, notes } = inspect(place({ 'model.safetensors': bytes }))
    expect(weights!.tensors[0].figures).toBe(null)
    expect(notes[0]).toContain('element 0, 2 is neither 0 nor 1')
  })
})

describe('the command', () => {
  it.each([
    [[], 2, "missing required argument 'path'"],
    [['nowhere'], 1, 'nowhere: cannot be read: no such file or folder'],
    [[root], 1, 'holds no config.json itself, it is a folder of folders'],
    [[join(import.meta.dirname, 'model.ts')], 1, 'claims a header of'],
    [['a', 'b'], 2, 'too many arguments'],
  ])('%j ends with %i', async (args, code, text) => {
    const result = await run(...args)
    expect([result.code, result.out]).toEqual([code, ''])
    expect(result.err).toContain(text)
  })

  it('cuts what is endless', async () => {
    const endless = 'x'.repeat(10 ** 6)
    const labels = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [i, `label ${i}`]))
    const folder = place({
      'config.json': JSON.stringify({ model_type: endless, hidden_act: endless, id2label: labels }),
      'model.safetensors': writeSafetensors([[endless, tensor([1])]], { metadata: [[endless, endless]] }),
      'run.json': JSON.stringify({ [endless]: endless }),
      'tokenizer.json': '['.repeat(10 ** 6),
    })
    const { out, code } = await run(folder)
    expect([code, out.length < 5000]).toEqual([0, true])
    expect(out).toContain('10000: label 0, label 1,')
    expect(out).toContain('label 19 and 9980 more')
  })

  it('escapes what names could do to a terminal', async () => {
    const folder = place({ 'model.safetensors': writeSafetensors([['\u001b[2J', tensor([1])]]) })
    expect((await run(folder)).out).not.toContain('\u001b')
  })
})
