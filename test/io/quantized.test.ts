// Folders of quantized models: the way out and back, and what is refused.
import { copyFileSync, cpSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  classesOf,
  loadPretrained,
  loadTextModel,
  saveTextModel,
  writePretrained,
} from '../../src/files/models/on-disk.js'
import '../../src/index.js'
import { CheckpointError, DataError } from '../../src/errors.js'
import { startModel } from '../../src/files/models/start.js'
import { QUANTIZATION, QUANTIZED } from '../../src/formats/quantized.js'
import * as bert from '../../src/nn/models/bert.js'
import { TextClassifier } from '../../src/nn/models/classifier.js'
import type { Pretrained } from '../../src/nn/models/pretrained.js'
import { quantize } from '../../src/nn/quantized/quantize.js'
import { peakMemory, resetPeakMemory } from '../../src/tensor/storage.js'
import { WordTokenizer } from '../../src/text/tokenizer.js'
import { fresh, resultOf, saved, seeded, size } from './model-folders.js'
import { dice } from './mutants.js'

const labels = ['no', 'yes', '__proto__']
const classifier = () => new bert.BertForSequenceClassification({ ...size, labels })
const models: (() => Pretrained)[] = [
  () => new bert.Bert(size),
  () => new bert.Bert(size, { pooler: false }),
  classifier,
  () => new bert.BertForMaskedLM(size),
  () => new bert.BertForMaskedLM({ ...size, tied: false }),
  () => new bert.BertForTokenClassification(size),
  () => new bert.DistilBert(size),
  () => new bert.DistilBertForSequenceClassification(size),
  () => new bert.DistilBertForMaskedLM(size),
]
const quantized = (make: () => Pretrained = classifier, bits: 7 | 8 = 7) =>
  saved(quantize(seeded(make), { bits }))

describe('a quantized folder', () => {
  it.each(models)('comes back the same (%#)', (make) => {
    for (const bits of [7, 8] as const) {
      const model = quantize(seeded(make), { bits })
      const want = resultOf(model)
      const folder = saved(model)
      const back = loadPretrained(folder)
      expect(back.model.constructor).toBe(model.constructor)
      expect(resultOf(back.model)).toEqual(want)
      expect(back.model.training).toBe(false)
      expect(back.model.parameters().some((p) => p.requiresGrad)).toBe(false)
      // And a second time, to the same bytes.
      const again = saved(back.model)
      for (const name of [QUANTIZATION, QUANTIZED])
        expect(readFileSync(join(again, name)).equals(readFileSync(join(folder, name)))).toBe(true)
    }
  })

  it('of a small model of our own comes back the same', () => {
    const tokenizer = WordTokenizer.build(['a b c d e f g'])
    const config = { ...size, vocabSize: tokenizer.size, classes: 2, padId: tokenizer.padId }
    const model = quantize(seeded(() => new TextClassifier(config)))
    const folder = fresh()
    saveTextModel(folder, { model, tokenizer, classes: ['x', 'y'] })
    const back = loadTextModel(folder)
    expect([...back.model.stateDict().keys()]).toEqual([...model.stateDict().keys()])
    for (const [name, t] of model.stateDict())
      expect([...back.model.stateDict().get(name)!.data]).toEqual([...t.data])
  })

  it('never has the float weights in memory', () => {
    const wide = () =>
      new bert.BertForSequenceClassification({ ...size, vocabSize: 3000, width: 128, inner: 512 })
    const folder = quantized(wide)
    const { size: bytes } = statSync(join(folder, QUANTIZED))
    resetPeakMemory()
    const before = peakMemory()
    loadPretrained(folder)
    expect(peakMemory() - before).toBeLessThan(1.3 * bytes)
  })

  it('is told apart from a float one', () => {
    const folder = quantized()
    expect(classesOf(folder)).toEqual(labels)
    expect(() => writePretrained(folder, { model: seeded(classifier) })).toThrow('Choose another folder')
    const float = saved(seeded(classifier))
    expect(() => writePretrained(float, { model: quantize(seeded(classifier)) })).toThrow(
      'holds model.safetensors, and a quantized model is to be written there',
    )
    copyFileSync(join(float, 'model.safetensors'), join(folder, 'model.safetensors'))
    expect(() => loadPretrained(folder)).toThrow('holds both model.safetensors and quantization.json')
  })

  it('is not trained, nor given another head', () => {
    const folder = quantized()
    const rules = { as: 'sequence-classification', labels, texts: [] } as const
    expect(() => startModel(folder, rules)).toThrow('holds a quantized model, which does not learn')
    expect(() => loadPretrained(folder, { labels: ['a', 'b'] })).toThrow('whose classes are')
    expect(() => loadPretrained(folder, { numLabels: 2 })).toThrow(CheckpointError)
    expect(() => loadPretrained(folder, { as: 'masked-lm' })).toThrow(
      'a sequence-classification one, and not',
    )
    expect(loadPretrained(folder, { labels }).config.labels).toEqual(labels)
  })
})

/** The manifest of a folder, changed. */
function edited(change: (document: Record<string, unknown>) => void): string {
  const folder = quantized()
  const file = join(folder, QUANTIZATION)
  const document = JSON.parse(readFileSync(file, 'utf8'))
  change(document)
  writeFileSync(file, JSON.stringify(document))
  return folder
}

describe('hostile files', () => {
  it.each<[string, (d: Record<string, unknown>) => void]>([
    ['format must be "tinystill-int8"', (d) => Object.assign(d, { format: 'x' })],
    ['version must be 1', (d) => Object.assign(d, { version: 2 })],
    ['bits must be 7 or 8', (d) => Object.assign(d, { bits: 4 })],
    ['linear must be a list', (d) => Object.assign(d, { linear: {} })],
    ['a second time', (d) => (d.linear as string[]).push((d.linear as string[])[0])],
    ['and the model has no linear layer of that name', (d) => (d.linear as string[]).push('x')],
    ['and the model has no embedding layer of that name', (d) => (d.embedding as string[]).push('x')],
    ['is of no linear layer that is named', (d) => Object.assign(d, { ranges: { x: [0, 1] } })],
    [
      'must be two numbers, the lower first',
      (d) => Object.assign(d, { ranges: { 'classifier.weight': [1, 0] } }),
    ],
    [
      'must be two numbers, the lower first',
      (d) => Object.assign(d, { ranges: { 'classifier.weight': [1e39, 2] } }),
    ],
    [
      'has 3 items, at most 2 are read',
      (d) => Object.assign(d, { ranges: { 'classifier.weight': [0, 1, 2] } }),
    ],
    ['extra is no field of it', (d) => Object.assign(d, { extra: 1 })],
    ['lacks tensor "classifier.weight"', (d) => (d.linear as string[]).pop()],
    ['names no layer', (d) => Object.assign(d, { linear: [], embedding: [] })],
  ])('a manifest: %s', (text, change) => {
    expect(() => loadPretrained(edited(change))).toThrow(text)
  })

  /** The last bytes of the weights are those of an I8 tensor, the first of the data a float's. */
  it('numbers outside their bits, and scales that are none', () => {
    const spoil = (change: (bytes: Buffer, data: number) => void, bits: 7 | 8 = 7) => {
      const folder = quantized(classifier, bits)
      const file = join(folder, QUANTIZED)
      const bytes = readFileSync(file)
      change(bytes, 8 + Number(bytes.readBigUInt64LE(0)))
      writeFileSync(file, bytes)
      return () => loadPretrained(folder)
    }
    expect(spoil((b) => b.writeInt8(65, b.length - 1))).toThrow('is 65, outside [-64, 64]')
    expect(spoil((b) => b.writeInt8(-65, b.length - 1))).toThrow('is -65, outside [-64, 64]')
    expect(spoil((b) => b.writeInt8(-128, b.length - 1), 8)).toThrow('is -128, outside [-127, 127]')
    for (const bad of [0, -1, Number.NaN, Infinity]) {
      const file = (b: Buffer, data: number) => {
        const header = JSON.parse(b.subarray(8, data).toString())
        b.writeFloatLE(bad, data + header['classifier.weight.scale'].data_offsets[0])
      }
      expect(spoil(file)).toThrow('a scale is above 0 and finite')
    }
  })

  it('gone missing are named', () => {
    for (const name of [QUANTIZED, 'config.json']) {
      const folder = quantized()
      rmSync(join(folder, name))
      expect(() => loadPretrained(folder)).toThrow(name)
    }
  })

  // TINYSTILL_FUZZ=10000 for all that the project promises.
  it('are read or refused by name, whatever was done to them', () => {
    const trials = Number(process.env.TINYSTILL_FUZZ ?? 300)
    const whole = quantized()
    const folder = fresh()
    cpSync(whole, folder, { recursive: true })
    const names = readdirSync(folder)
    const contents = new Map(names.map((name) => [name, readFileSync(join(folder, name))]))
    let refused = 0
    for (let i = 0; i < trials; i++) {
      const roll = dice(21, i)
      const name = names[roll(names.length)]
      const bytes = Buffer.from(contents.get(name) as Buffer)
      const header = name === QUANTIZED ? 8 + Number(bytes.readBigUInt64LE(0)) : bytes.length
      const kind = roll(4)
      for (let n = 1 + roll(3); n > 0; n--) {
        // As often in what says what there is as in what is there.
        const at = roll(roll(2) ? header : bytes.length)
        if (kind === 0) bytes[at] ^= 1 << roll(8)
        else if (kind === 1) bytes[at] = roll(256)
        else if (kind === 2) bytes.copy(bytes, at, roll(bytes.length))
        else bytes[at] = '0123456789"[]{},:'.charCodeAt(roll(17))
      }
      writeFileSync(join(folder, name), roll(8) ? bytes : bytes.subarray(0, roll(bytes.length)))
      try {
        const { model } = loadPretrained(folder)
        resultOf(model)
      } catch (error) {
        refused++
        const named = error instanceof CheckpointError || error instanceof DataError
        if (!named || !error.message.startsWith(folder)) throw new Error(`trial ${i}, ${name}: ${error}`)
      }
      writeFileSync(join(folder, name), contents.get(name) as Buffer)
    }
    expect(refused).toBeGreaterThan(trials / 4)
    expect(refused).toBeLessThan(trials)
  })
})
