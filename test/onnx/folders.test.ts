// tinystill export and import as a user meets them: the folders that they write, and what becomes of those that are there.

import * as nodeFs from 'node:fs'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { loadTextModel, saveTextModel, writePretrained } from '../../src/files/models/on-disk.js'
import '../../src/index.js'
import { writeStaged } from '../../src/files/staged.js'
import { readOnnx } from '../../src/formats/onnx/graph.js'
import {
  BertForSequenceClassification,
  DistilBertForSequenceClassification,
} from '../../src/nn/models/bert.js'
import { BiLstmForSequenceClassification } from '../../src/nn/models/bilstm.js'
import { TextClassifier } from '../../src/nn/models/classifier.js'
import { quantize } from '../../src/nn/quantized/quantize.js'
import { WordTokenizer } from '../../src/text/tokenizer.js'
import { trainWordPiece } from '../../src/text/wordpiece-train.js'
import { run } from '../cli/program.js'

const root = mkdtempSync(join(tmpdir(), 'tinystill-onnx-'))
afterAll(() => rmSync(root, { recursive: true }))
let count = 0
const fresh = () => join(root, `${count++}`)
const there = (folder: string) =>
  (readdirSync(folder, { recursive: true, withFileTypes: true }) as nodeFs.Dirent[])
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort()

const texts = ['a fine film with a great cast', 'a dull story', 'what a plot']
const tokenizer = trainWordPiece(texts, { size: 60, minCount: 1 })
const size = { vocabSize: tokenizer.vocabSize, width: 16, layers: 2, heads: 4, inner: 24, maxLength: 16 }
const tokenizerFiles = ['special_tokens_map.json', 'tokenizer.json', 'tokenizer_config.json', 'vocab.txt']

const classifier = () => new BertForSequenceClassification({ ...size, labels: ['bad', 'good'] })

function saved(
  model: BertForSequenceClassification | BiLstmForSequenceClassification = classifier(),
): string {
  const folder = fresh()
  writePretrained(folder, { model, tokenizer, maxLength: 12 })
  return folder
}

describe('tinystill export', () => {
  it('writes what transformers.js asks for, by dtype', async () => {
    const model = saved()
    const out = fresh()
    for (const [dtype, name] of Object.entries({
      fp32: 'model',
      fp16: 'model_fp16',
      q8: 'model_quantized',
    })) {
      const { code, out: said } = await run('export', '--model', model, '--out', out, '--dtype', dtype)
      expect(code).toBe(0)
      expect(said).toMatch(
        new RegExp(`${name}.onnx: ${dtype}, .* operations; takes input_ids, attention_mask, token_type_ids`),
      )
    }
    const graphs = ['onnx/model.onnx', 'onnx/model_fp16.onnx', 'onnx/model_quantized.onnx']
    expect(there(out)).toEqual(['config.json', ...graphs, ...tokenizerFiles])
    const config = JSON.parse(readFileSync(join(out, 'tokenizer_config.json'), 'utf8'))
    expect(config).toMatchObject({ tokenizer_class: 'BertTokenizer', model_max_length: 12 })
    for (const name of ['config.json', 'tokenizer.json'])
      expect(readFileSync(join(out, name), 'utf8')).toBe(readFileSync(join(model, name), 'utf8'))
    const sizes = graphs.map((name) => readFileSync(join(out, name)).length)
    expect(sizes[1] / sizes[0]).toBeLessThan(0.75)
    expect((await run('import', '--onnx', join(out, graphs[0]), '--out', join(out, 'back'))).code).toBe(0)
    expect(readFileSync(join(out, 'back/model.safetensors'))).toEqual(
      readFileSync(join(model, 'model.safetensors')),
    )
    expect(there(join(out, 'back'))).toEqual(there(model))
  })

  it("writes the graph alone into the model's own folder", async () => {
    const model = saved(new DistilBertForSequenceClassification({ ...size, labels: ['bad', 'good'] }))
    const before = there(model)
    const { out: said } = await run('export', '--model', model, '--out', `${model}/`, '--json')
    const found = JSON.parse(said)
    expect(found).toMatchObject({ dtype: 'fp32', inputs: ['input_ids', 'attention_mask'], notes: [] })
    expect(found.difference.whole).toBeLessThan(1e-5)
    expect(there(model)).toEqual([...before, 'onnx/model.onnx'].sort())
  })

  it("leaves another model's folder as it is", async () => {
    const [model, other] = [
      saved(),
      saved(new BertForSequenceClassification({ ...size, labels: ['a', 'b'] })),
    ]
    const before = readFileSync(join(other, 'config.json'))
    const { code, err } = await run('export', '--model', model, '--out', other)
    expect([code, err]).toEqual([1, expect.stringContaining('holds model.safetensors of another model')])
    expect(readFileSync(join(other, 'config.json'))).toEqual(before)
  })

  it('of a quantized folder keeps its numbers, and says what those of 8 bits are in for', async () => {
    const model = quantize(new BertForSequenceClassification({ ...size, labels: ['bad', 'good'] }), {
      bits: 8,
    })
    const folder = saved(model)
    const out = fresh()
    const { code, err } = await run('export', '--model', folder, '--out', out)
    expect(code).toBe(0)
    expect(err).toContain('has weights of 8 bits, whose products on x64 processors without VNNI are cut off')
    expect(there(out)).toEqual(['config.json', 'onnx/model_quantized.onnx', ...tokenizerFiles])
    const graph = readOnnx(readFileSync(join(out, 'onnx/model_quantized.onnx')))
    expect(graph.nodes.some(({ op }) => op === 'ReduceMax')).toBe(true)
    await run('export', '--model', folder, '--out', out, '--inputs', 'tensor')
    const other = readOnnx(readFileSync(join(out, 'onnx/model_quantized.onnx')))
    expect(other.nodes.some(({ op }) => op === 'DynamicQuantizeLinear')).toBe(true)
    const refused = await run('export', '--model', folder, '--out', out, '--dtype', 'fp32')
    expect(refused.err).toContain(
      'holds a quantized model, which has no form in fp32. Export the float model',
    )
    expect(refused.code).toBe(1)
  })

  it('of our own small model says who reads it', async () => {
    const words = WordTokenizer.build(texts)
    const model = new TextClassifier({
      vocabSize: words.size,
      classes: 2,
      layers: 1,
      maxLength: 8,
      padId: 0,
      width: 8,
      heads: 2,
    })
    const folder = fresh()
    saveTextModel(folder, { model, tokenizer: words, classes: ['bad', 'good'] })
    const out = fresh()
    const { code, err } = await run('export', '--model', folder, '--out', out)
    expect([code, err.includes('transformers.js does not know a tinystill-text-classifier')]).toEqual([
      0,
      true,
    ])
    expect(there(out)).toEqual(['config.json', 'onnx/model.onnx', 'tokenizer.json'])
    expect(loadTextModel(folder).classes).toEqual(['bad', 'good'])
  })

  it('of a BiLSTM writes all that others have, and says who reads it', async () => {
    const settings = { ...size, layers: 1, heads: 1, embedding: 10, labels: ['bad', 'good'] }
    const model = saved(new BiLstmForSequenceClassification(settings))
    const out = fresh()
    for (const dtype of ['fp32', 'fp16', 'q8']) {
      const { code, err } = await run('export', '--model', model, '--out', out, '--dtype', dtype)
      expect([code, err]).toEqual([
        0,
        expect.stringContaining('transformers.js does not know a BiLstmForSequenceClassification'),
      ])
    }
    const graphs = ['onnx/model.onnx', 'onnx/model_fp16.onnx', 'onnx/model_quantized.onnx']
    expect(there(out)).toEqual(['config.json', ...graphs, ...tokenizerFiles])
    expect((await run('import', '--onnx', join(out, graphs[0]), '--out', join(out, 'back'))).code).toBe(0)
    expect(readFileSync(join(out, 'back/model.safetensors'))).toEqual(
      readFileSync(join(model, 'model.safetensors')),
    )
  })

  it('has usages that are told', async () => {
    expect((await run('export', '--model', 'x')).code).toBe(2)
    expect((await run('export', '--model', 'x', '--out', 'y', '--dtype', 'q4')).err).toContain(
      'fp32, fp16, q8',
    )
    expect((await run('export', '--model', join(root, 'none'), '--out', fresh())).err).toContain(
      'none: cannot be read: no such file or folder',
    )
  })
})

describe('writeStaged', () => {
  /** A disk that is full after so many bytes. */
  const full = (room: number) => ({
    ...nodeFs,
    writeSync: (file: number, bytes: Uint8Array, offset: number, length: number) => {
      room -= length
      if (room < 0) throw Object.assign(new Error('full'), { code: 'ENOSPC' })
      return nodeFs.writeSync(file, bytes, offset, length)
    },
  })
  const old = () => {
    const folder = fresh()
    cpSync(join(import.meta.dirname, '../golden/family/bert-mlm'), folder, { recursive: true })
    return { folder, before: there(folder).map((name) => readFileSync(join(folder, name))) }
  }
  const files = [
    ['config.json', '{}'],
    ['onnx/model.onnx', [new Uint8Array(500), new Uint8Array(500)]],
  ] as const

  it.each([
    ['the disk is full', () => {}, 600],
    [
      'a check fails',
      () => {
        throw new Error('no')
      },
      1e6,
    ],
  ])('leaves a folder as it was where %s', (_, check, room) => {
    const { folder, before } = old()
    expect(() => writeStaged(folder, files, check, full(room))).toThrow('what was there before is unchanged')
    expect(there(folder).map((name) => readFileSync(join(folder, name)))).toEqual(before)
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  it('looks at files before they take their places, and puts them beside the others', () => {
    const { folder } = old()
    const seen: string[][] = []
    writeStaged(folder, files, (staged) => {
      seen.push(there(staged))
      expect(existsSync(join(folder, 'onnx'))).toBe(false)
    })
    expect(seen).toEqual([['config.json', 'onnx/model.onnx']])
    expect(there(folder)).toContain('model.safetensors')
    expect(readFileSync(join(folder, 'config.json'), 'utf8')).toBe('{}')
  })

  it('notices a disk that keeps other bytes', () => {
    const { folder, before } = old()
    const lying = {
      ...nodeFs,
      writeSync: (file: number, bytes: Uint8Array, offset: number, length: number) =>
        nodeFs.writeSync(
          file,
          bytes.map((b) => b ^ 1),
          offset,
          length,
        ),
    }
    expect(() => writeStaged(folder, files, undefined, lying)).toThrow(
      'config.json: reads back otherwise than it was written',
    )
    expect(there(folder).map((name) => readFileSync(join(folder, name)))).toEqual(before)
  })
})
