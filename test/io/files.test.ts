// Models out of bytes and back into them, without a disk: what a page does.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import '../../src/index.js'
import { CheckpointError } from '../../src/errors.js'
import { fromFiles, toFiles } from '../../src/files/models/from-files.js'
import type { ModelFiles } from '../../src/files/models/model-folder.js'
import { loadClassifier, saveTextModel, writePretrained } from '../../src/files/models/on-disk.js'
import * as bert from '../../src/nn/models/bert.js'
import { TextClassifier } from '../../src/nn/models/classifier.js'
import type { Pretrained } from '../../src/nn/models/pretrained.js'
import { quantize } from '../../src/nn/quantized/quantize.js'
import { WordTokenizer } from '../../src/text/tokenizer.js'
import { trainWordPiece } from '../../src/text/wordpiece-train.js'
import { OpenClassifier, openClassifier } from '../../src/train/outputs/open-classifier.js'
import { fresh, inputIds, resultOf, root, seeded, size } from './model-folders.js'
import { dice } from './mutants.js'

const texts = ['a bad film', 'a good film', 'good', 'bad bad film', 'a long and very good film of a good man']
const tokenizer = trainWordPiece(texts, { size: 40 })
const labels = ['no', 'yes', '__proto__']
const settings = { ...size, vocabSize: tokenizer.vocabSize, padId: tokenizer.padId, labels }
const classifier = () => new bert.BertForSequenceClassification(settings)
const models: (() => Pretrained)[] = [
  () => new bert.Bert(settings),
  classifier,
  () => quantize(classifier()),
  () => new bert.BertForMaskedLM({ ...settings, tied: false }),
  () => new bert.DistilBertForTokenClassification(settings),
]
const onDisk = (folder: string): Record<string, Uint8Array> =>
  Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]))
const errorOf = (act: () => unknown): Error => {
  try {
    act()
  } catch (error) {
    return error as Error
  }
  throw new Error('nothing was thrown')
}

describe('a model in bytes', () => {
  it.each(models)('are the files of its folder, and come back the same (%#)', (make) => {
    const model = seeded(make)
    const files = toFiles({ model, tokenizer })
    const folder = fresh()
    writePretrained(folder, { model, tokenizer })
    expect(Object.keys(files).sort()).toEqual(readdirSync(folder).sort())
    for (const [name, bytes] of Object.entries(files))
      expect(readFileSync(join(folder, name)).equals(bytes), name).toBe(true)
    const back = fromFiles(files)
    expect(back.model.constructor).toBe(model.constructor)
    expect(resultOf(back.model)).toEqual(resultOf(model))
    expect(back.tokenizer?.encode('a good film')).toEqual(tokenizer.encode('a good film'))
    expect(Object.keys(toFiles({ model: back.model, tokenizer: back.tokenizer })).sort()).toEqual(
      Object.keys(files).sort(),
    )
  })

  it('takes text for bytes, shards by their index, and asks for classes as a folder does', () => {
    const {
      'config.json': config,
      'model.safetensors': weights,
      ...rest
    } = toFiles({
      model: seeded(classifier),
      tokenizer,
    })
    const text = new TextDecoder().decode(config)
    const { model } = fromFiles({ 'config.json': text, 'model.safetensors': weights, ...rest })
    const names = [...model.stateDict().keys()]
    const index = JSON.stringify({ weight_map: Object.fromEntries(names.map((n) => [n, 'one.safetensors'])) })
    const sharded = { 'config.json': text, 'model.safetensors.index.json': index, 'one.safetensors': weights }
    expect(resultOf(fromFiles(sharded).model)).toEqual(resultOf(model))
    expect(fromFiles(sharded).tokenizer).toBeNull()
    const two = fromFiles(
      { 'config.json': text, 'model.safetensors': weights },
      { as: 'sequence-classification', labels: ['a', 'b'] },
    )
    expect(two.config.labels).toEqual(['a', 'b'])
    expect(two.model.forward({ inputIds }).logits.shape).toEqual([1, 2])
  })

  const whole = toFiles({ model: seeded(classifier), tokenizer })
  const without = (...names: string[]): ModelFiles =>
    Object.fromEntries(Object.entries(whole).filter(([name]) => !names.includes(name)))
  const pickle = { 'pytorch_model.bin': Uint8Array.of(1) }
  it.each([
    ['no config', without('config.json'), /^model: holds no config\.json: it has "tokenizer\.json", /],
    ['no weights', without('model.safetensors'), /^model: holds no model\.safetensors/],
    ['a pickle', { ...without('model.safetensors'), ...pickle }, /^pytorch_model\.bin: is a Python pickle/],
    [
      'half the weights',
      { ...whole, 'model.safetensors': whole['model.safetensors'].subarray(0, 900) },
      /^model\.safetensors: /,
    ],
    [
      'no UTF-8',
      { ...whole, 'config.json': Uint8Array.of(0x7b, 0xff) },
      /^config\.json: line 1 is not UTF-8/,
    ],
    ['a config that is none', { ...whole, 'config.json': '[]' }, /^config\.json: must hold one JSON object/],
    [
      'a shard too few',
      {
        ...without('model.safetensors'),
        'model.safetensors.index.json': '{"weight_map":{"a":"b.safetensors"}}',
      },
      /^b\.safetensors: is not among the files/,
    ],
  ])('is refused with one line for %s', (_, files, want) => {
    const error = errorOf(() => fromFiles(files as ModelFiles))
    expect(error).toBeInstanceOf(CheckpointError)
    expect(error.message).toMatch(want)
    expect(error.message).not.toContain('\n')
  })

  it('says what is no file', () => {
    expect(() => fromFiles({ 'config.json': 3 as never })).toThrow(TypeError)
    expect(() => fromFiles(null as never)).toThrow(TypeError)
    expect(() => fromFiles(new Uint8Array(3) as never)).toThrow(TypeError)
  })

  it('is read or refused by name where bytes are others, as a folder is', () => {
    const names = Object.keys(whole)
    let refused = 0
    for (let trial = 0; trial < 150; trial++) {
      const draw = dice(trial)
      const name = names[draw(names.length)]
      const bytes = whole[name].slice()
      for (let n = 1 + draw(4); n > 0; n--) bytes[draw(bytes.length)] = draw(256)
      const cut = draw(4) === 0 ? bytes.subarray(0, draw(bytes.length)) : bytes
      try {
        fromFiles({ ...whole, [name]: cut })
      } catch (error) {
        expect(error).toBeInstanceOf(CheckpointError)
        refused++
      }
    }
    expect(refused).toBeGreaterThan(25)
  })
})

describe('a classifier from bytes', () => {
  const own = () => {
    const words = WordTokenizer.build(texts)
    const model = seeded(
      () =>
        new TextClassifier({
          vocabSize: words.size,
          width: 8,
          layers: 1,
          heads: 2,
          maxLength: 9,
          padId: 0,
          classes: 2,
        }),
    )
    return { model, tokenizer: words, classes: ['bad', 'good'] }
  }

  it('answers as the one of the folder does, and in any batches', async () => {
    const folder = fresh()
    writePretrained(folder, { model: seeded(classifier), tokenizer })
    const open = openClassifier(onDisk(folder))
    expect(open.classes).toEqual(labels)
    const said = await open.predict(texts)
    expect(said).toEqual(await new OpenClassifier(loadClassifier(folder)).predict(texts))
    expect(said).toEqual(await open.predict(texts, { batchSize: 2 }))
    for (const { label, probabilities } of said) {
      const p = Object.entries(probabilities ?? {})
      expect(p.reduce((sum, [, x]) => sum + x, 0)).toBeCloseTo(1, 6)
      expect(p.toSorted(([, a], [, b]) => b - a)[0][0]).toBe(label)
    }
    expect(await open.predict([])).toEqual([])
    const done: number[] = []
    await open.predict(texts, { batchSize: 2, onBatch: (n) => done.push(n) })
    expect(done).toEqual([2, 4, 5])
    expect(await open.predict(['good'], { pairs: ['a bad film'] })).not.toEqual(await open.predict(['good']))
  })

  it('is also a small model of our own', async () => {
    const folder = join(root, 'own')
    saveTextModel(folder, own())
    const files = toFiles(own())
    expect(Object.keys(files).sort()).toEqual(readdirSync(folder).sort())
    expect(await openClassifier(files).predict(texts)).toEqual(
      await new OpenClassifier(loadClassifier(folder)).predict(texts),
    )
  })

  it('of numbers gives numbers', async () => {
    const model = seeded(
      () =>
        new bert.BertForSequenceClassification({ ...settings, labels: ['stars'], problemType: 'regression' }),
    )
    const [one] = await openClassifier(toFiles({ model, tokenizer })).predict(['good'])
    expect(Object.keys(one)).toEqual(['value'])
  })

  it('refuses what classifies nothing', () => {
    const files = toFiles({ model: seeded(() => new bert.Bert(settings)), tokenizer })
    expect(() => openClassifier(files)).toThrow(/^model: holds a base model, which does not classify texts/)
  })
})
