// Weights back out of ONNX files: of torch.onnx.export's two ways (golden/onnx.py) and of ours, to the last bit.
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { loadPretrained, writePretrained } from '../../src/files/models/on-disk.js'
import '../../src/index.js'
import { importOnnx } from '../../src/files/onnx/import.js'
import { exportOnnx } from '../../src/formats/onnx/export.js'
import { readOnnx } from '../../src/formats/onnx/graph.js'
import { runOnnx } from '../../src/formats/onnx/run/run.js'
import { modelProto } from '../../src/formats/onnx/schema.js'
import { Cursor } from '../../src/formats/onnx/wire.js'
import { readSafetensors } from '../../src/formats/safetensors/safetensors.js'
import { QuantizedLinear } from '../../src/nn/quantized/layers.js'
import { countWeights, quantize, quantizedLayers } from '../../src/nn/quantized/quantize.js'
import { apart, resultOf } from './graphs.js'

const golden = join(import.meta.dirname, '../golden')
const files = readdirSync(join(golden, 'onnx'))
const caseOf = (file: string) => join(golden, 'family', basename(file).replace(/-(dynamo|script)\.onnx$/, ''))
const root = mkdtempSync(join(tmpdir(), 'tinystill-onnx-'))
afterAll(() => rmSync(root, { recursive: true }))
let count = 0
const fresh = () => join(root, `${count++}`)

function sameWeights(a: string, b: string): void {
  const [x, y] = [a, b].map((folder) => loadPretrained(folder).model.stateDict())
  expect([...x.keys()]).toEqual([...y.keys()])
  for (const [name, t] of x) expect(apart(t.data, y.get(name)!.data), name).toBe(0)
}

describe('torch.onnx.export', () => {
  it.each(files)('%s computes what PyTorch does, and comes back to the bit', (name) => {
    const file = join(golden, 'onnx', name)
    const { tensors } = readSafetensors(readFileSync(join(caseOf(name), 'golden.safetensors')))
    const input = {
      inputIds: tensors.get('in.input_ids')!,
      attentionMask: tensors.get('in.attention_mask')!,
      tokenTypeIds: tensors.get('in.token_type_ids'),
    }
    const logits = tensors.get('out.logits')!.data
    const scale = Math.max(...Array.from(logits, Math.abs))
    expect(apart(resultOf(readOnnx(readFileSync(file), file), input).data, logits) / scale).toBeLessThan(2e-6)
    const out = fresh()
    const found = importOnnx({ file, out, config: caseOf(name) })
    expect(found.producer).toMatch(/^pytorch 2\.15/)
    expect(found.difference.largest).toBeLessThan(1e-5)
    sameWeights(out, caseOf(name))
  })
})

describe('a file of ours', () => {
  const exported = readdirSync(join(golden, 'family')).filter((name) => !/^gpt2/.test(name))
  it.each(exported)('comes back: %s', (name) => {
    const folder = fresh()
    const source = join(golden, 'family', name)
    mkdirSync(join(folder, 'onnx'), { recursive: true })
    cpSync(join(source, 'config.json'), join(folder, 'config.json'))
    const file = join(folder, 'onnx/model.onnx')
    writeFileSync(file, exportOnnx(loadPretrained(source).model))
    const out = fresh()
    importOnnx({ file, out })
    sameWeights(out, source)
  })

  it('of float16 comes back rounded', () => {
    const source = join(golden, 'family/bert-classify')
    const file = fresh()
    writeFileSync(file, exportOnnx(loadPretrained(source).model, { dtype: 'fp16' }))
    const out = fresh()
    importOnnx({ file, out, config: source })
    const [x, y] = [out, source].map((folder) => loadPretrained(folder).model.stateDict())
    for (const [name, t] of x) expect(apart(t.data, y.get(name)!.data), name).toBeLessThan(2e-3)
  })
})

describe('weights beside the file', () => {
  it('as torch.onnx.export writes them by default are read', () => {
    const source = join(golden, 'family/bert-classify')
    const fail = (reason: string): never => {
      throw new Error(reason)
    }
    const message = modelProto.read(new Cursor(exportOnnx(loadPretrained(source).model), fail))
    const data: Uint8Array[] = []
    let offset = 0
    for (const t of message.graph!.initializer!.filter(({ dataType }) => dataType === 1)) {
      const raw = t.rawData as Uint8Array
      const fields = { location: 'm.onnx.data', offset: `${offset}`, length: `${raw.length}` }
      data.push(raw)
      offset += raw.length
      delete t.rawData
      Object.assign(t, { dataLocation: 1 })
      t.externalData = Object.entries(fields).map(([key, value]) => ({ key, value }))
    }
    writeFileSync(join(root, 'm.onnx.data'), Buffer.concat(data))
    writeFileSync(join(root, 'm.onnx'), Buffer.concat(modelProto.write(message).finish() as Uint8Array[]))
    const out = fresh()
    importOnnx({ file: join(root, 'm.onnx'), out, config: source })
    sameWeights(out, source)
  })
})

describe('whole numbers of our own', () => {
  const cases = [
    'bert-classify',
    'bert-tokens',
    'bert-mlm',
    'bert-mlm-untied',
    'distilbert-classify',
    'distilbert-mlm',
    'bilstm-classify',
  ]
  it.each(cases)('come back to the byte: %s', (name) => {
    const config = join(golden, 'family', name)
    for (const [bits, inputs] of [
      [7, 'row'],
      [8, 'tensor'],
    ] as const) {
      const folder = fresh()
      const keep = (path: string) => bits === 8 && path.endsWith('classifier')
      writePretrained(folder, { model: quantize(loadPretrained(config).model, { bits, keep }) })
      const model = loadPretrained(folder).model
      const [file, out] = [`${fresh()}.onnx`, fresh()]
      writeFileSync(file, exportOnnx(model as never, { inputs }))
      const { difference, parameters } = importOnnx({ file, out, config: folder })
      expect(parameters).toBe(countWeights(model))
      expect(difference.whole).toBeLessThan(0.6)
      for (const of of ['quantization.json', 'quantized.safetensors'])
        expect(readFileSync(join(out, of)).equals(readFileSync(join(folder, of))), of).toBe(true)
    }
  })

  it('that are beyond their bits, or have no scale, are refused', () => {
    const model = quantize(loadPretrained(join(golden, 'family/bert-classify')).model)
    const refused = (change: (layer: QuantizedLinear) => void, reason: string) => {
      const [, layer] = Array.from(quantizedLayers(model)).find(
        ([, own]) => own instanceof QuantizedLinear,
      ) as [string, QuantizedLinear]
      change(layer)
      const [file, out] = [`${fresh()}.onnx`, fresh()]
      writeFileSync(file, exportOnnx(model))
      const run = () => importOnnx({ file, out, config: join(golden, 'family/bert-classify') })
      expect(run).toThrow(reason)
      expect(existsSync(out)).toBe(false)
    }
    const row = (layer: QuantizedLinear, q: number) => new Int8Array(layer.columns).fill(q)
    refused((layer) => layer.setRow(0, row(layer, -128), 1), 'is -128, outside [-127, 127]')
    refused((layer) => layer.setRow(0, row(layer, 1), -1), 'a scale is above 0 and finite')
  })
})

describe('refused', () => {
  const source = join(golden, 'family/bert-classify')
  const bytes = exportOnnx(loadPretrained(source).model)
  const stored = (content: Uint8Array) => {
    const file = `${fresh()}.onnx`
    writeFileSync(file, content)
    return file
  }
  const importing = (content: Uint8Array, config = source) => {
    const out = fresh()
    const file = stored(content)
    const run = () => importOnnx({ file, out, config })
    expect(run).toThrow(file)
    expect(existsSync(out)).toBe(false)
    return expect(run)
  }
  /** The file with its message changed. */
  const changed = (change: (model: ReturnType<typeof modelProto.read>) => void, from = bytes) => {
    const fail = (reason: string): never => {
      throw new Error(reason)
    }
    const model = modelProto.read(new Cursor(from, fail))
    change(model)
    const pieces = modelProto.write(model).finish()
    return Uint8Array.from(
      pieces.flatMap((piece) => [...(piece instanceof Uint8Array ? piece : piece.make())]),
    )
  }

  it('without a config', () => {
    const file = stored(bytes)
    expect(() => importOnnx({ file, out: fresh() })).toThrow(
      'has no config.json beside it or in the folder above. Name the folder that has it with --config',
    )
  })

  it('another config: of other heads, other eps, another family, other sizes', () => {
    const withConfig = (change: Record<string, unknown>) => {
      const folder = fresh()
      mkdirSync(folder)
      const config = JSON.parse(readFileSync(join(source, 'config.json'), 'utf8'))
      writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...config, ...change }))
      return folder
    }
    importing(bytes, withConfig({ num_attention_heads: 1 })).toThrow(
      'computes something else than the model of',
    )
    importing(bytes, withConfig({ hidden_act: 'relu' })).toThrow(
      'Take the config.json that it was exported with',
    )
    importing(bytes, withConfig({ num_hidden_layers: 2 })).toThrow('computes something else')
    importing(bytes, withConfig({ num_hidden_layers: 4 })).toThrow('holds 3 layers, config.json asks for 4')
    importing(bytes, withConfig({ hidden_size: 24 })).toThrow(
      'bert.embeddings.word_embeddings.weight is [31, 12]',
    )
    importing(bytes, join(golden, 'family/distilbert-classify')).toThrow('distilbert')
  })

  it('whole numbers of others, and those whose inputs have a range measured before', () => {
    const model = quantize(loadPretrained(source).model)
    const renamed = (name: string) => name.replace(/\.weight\.int8$/, '_quantized')
    const others = changed((m) => {
      for (const t of m.graph!.initializer!) t.name = renamed(t.name!)
      for (const node of m.graph!.node!) node.input = node.input!.map(renamed)
    }, exportOnnx(model))
    importing(others).toThrow('computes in whole numbers that tinystill did not write')
    importing(others).toThrow('Import the float model, and quantize it again by tinystill quantize')
    const [, layer] = Array.from(quantizedLayers(model)).find(
      ([, own]) => own instanceof QuantizedLinear,
    ) as [string, QuantizedLinear]
    layer.range = [-1, 1]
    importing(exportOnnx(model)).toThrow('has ranges of inputs that were measured before')
  })

  it('a graph that is changed', () => {
    importing(changed((m) => m.graph!.node!.pop())).toThrow('gives "logits", which nothing computes')
    importing(changed((m) => m.graph!.node!.reverse())).toThrow('which is nowhere before it')
    importing(
      changed((m) => {
        m.graph!.node!.find(({ opType }) => opType === 'Erf')!.opType = 'Tanh'
      }),
    ).toThrow('computes something else')
    importing(
      changed((m) => {
        m.graph!.node!.find(({ opType }) => opType === 'Erf')!.opType = 'Loop'
      }),
    ).toThrow('("Loop") is an operation that is not known here')
    importing(
      changed((m) => {
        m.graph!.node!.find(({ opType }) => opType === 'Erf')!.domain = 'com.microsoft'
      }),
    ).toThrow('is "Erf" of "com.microsoft", not of ONNX itself')
    importing(
      changed((m) => {
        m.graph!.initializer!.find(({ name }) => name === 'classifier.weight')!.dims = [2 ** 40, 12]
      }),
    ).toThrow('tensor "classifier.weight" takes')
    importing(
      changed((m) => {
        m.graph!.initializer = m.graph!.initializer!.filter(({ name }) => name !== 'classifier.bias')
      }),
    ).toThrow('takes "classifier.bias", which is nowhere before it')
    importing(
      changed((m) => {
        m.graph!.input![0].name = 'pixels'
        for (const node of m.graph!.node!)
          node.input = node.input?.map((n) => (n === 'input_ids' ? 'pixels' : n))
      }),
    ).toThrow('takes "pixels"; input_ids, attention_mask, token_type_ids are known here')
    importing(
      changed((m) => {
        m.opsetImport = [{ domain: '', version: 9 }]
      }),
    ).toThrow('is of opset 9, those from 13 to 25 are read')
  })

  it('an LSTM of another kind, or of other sizes', () => {
    const lstmSource = join(golden, 'family/bilstm-classify')
    const from = exportOnnx(loadPretrained(lstmSource).model)
    type Changed = NonNullable<ReturnType<typeof modelProto.read>['graph']>
    const refused = (change: (node: NonNullable<Changed['node']>[number], graph: Changed) => void) =>
      importing(
        changed(({ graph }) => change(graph!.node!.find(({ opType }) => opType === 'LSTM')!, graph!), from),
        lstmSource,
      )
    const given = (name: string, i: number) => ({ name, i, type: 2 })
    refused(({ attribute }) => attribute!.push(given('input_forget', 1))).toThrow(
      '("LSTM") has input_forget, which is not known here',
    )
    refused(({ attribute }) => {
      attribute!.find(({ name }) => name === 'direction')!.s = new TextEncoder().encode('up')
    }).toThrow('has a direction that is not known here')
    refused(({ attribute }) => {
      attribute!.find(({ name }) => name === 'direction')!.s = new TextEncoder().encode('forward')
    }).toThrow('has its input 1 [2,')
    refused(({ input }) => input!.push(input![2])).toThrow('begins with states, or has peepholes')
    // Padding is read as words then, by the last step backward first.
    refused(({ input }) => input!.splice(4)).toThrow('computes something else than the model of')
    refused(({ input }, { initializer }) => {
      const w = initializer!.find(({ name }) => name === input![1])!
      w.dims = [w.dims![0] * w.dims![1], 1, w.dims![2]]
    }).toThrow('(LSTM) has no weight_ih of 1 or 2 directions and 4 gates')
  })

  it('weights in another place than beside the file', () => {
    const apart = (location: string, more: Record<string, string> = {}) =>
      changed((m) => {
        const t = m.graph!.initializer!.find(({ name }) => name === 'classifier.bias')!
        const fields = Object.entries({ location, ...more })
        delete t.rawData
        Object.assign(t, { dataLocation: 1, externalData: fields.map(([key, value]) => ({ key, value })) })
      })
    for (const name of ['../x', '/etc/passwd', 'a/b', '..', '', 'a\\b', 'a\0b'])
      importing(apart(name)).toThrow('which is no name of a file beside it')
    importing(apart('nothing.data')).toThrow(
      'keeps weights in "nothing.data", which is not beside it. Copy both files',
    )
    writeFileSync(join(root, 'short.data'), new Uint8Array(8))
    importing(apart('short.data')).toThrow('tensor "classifier.bias" takes 12 bytes, 8 are there')
    importing(apart('short.data', { offset: '4', length: '12' })).toThrow(
      'takes 12 bytes from byte 4 on of "short.data", which has 8',
    )
    importing(apart('short.data', { offset: '-4' })).toThrow('has the offset "-4" in another file')
    symlinkSync('/etc/hostname', join(root, 'link.data'))
    const linked = stored(apart('link.data'))
    expect(() => importOnnx({ file: linked, out: fresh(), config: source })).toThrow(
      'link.data: is a link out of its folder',
    )
    expect(() => readOnnx(apart('short.data'))).toThrow('lies in another file')
  })

  it('a graph that asks for more than its model could need', () => {
    const huge = changed((m) => {
      const { graph } = m
      const shape = { dims: [2], dataType: 7, name: 'huge', int64Data: [2 ** 20, 2 ** 20] }
      graph!.initializer!.push(shape)
      graph!.node!.push({ input: ['huge'], output: ['x'], name: 'bomb', opType: 'ConstantOfShape' })
    })
    importing(huge).toThrow('node "bomb" ("ConstantOfShape") asks for more than a model of this size needs')
    const [name] = ['bert.embeddings.word_embeddings.weight']
    const often = (opType: string, output: (i: number) => string) =>
      changed((m) => {
        for (let i = 0; i < 2000; i++)
          m.graph!.node!.push({ opType, input: [name], output: [output(i)], name: `n${i}` })
      })
    importing(often('Identity', (i) => `x${i}.weight`)).toThrow(
      'has one tensor under more names than a model gives it',
    )
  })

  it('a graph that reads its weights again and again', () => {
    const graph = readOnnx(
      changed((m) => {
        for (let i = 0; i < 50; i++)
          m.graph!.node!.push({
            opType: 'Shape',
            input: ['classifier.weight'],
            output: [`x${i}`],
            name: `n${i}`,
          })
      }),
    )
    const value = { type: 'int64', shape: [1, 1], data: Float64Array.of(1) } as const
    const inputs = new Map(graph.inputs.map((input) => [input.name, value]))
    expect(runOnnx(graph, inputs, { budget: 2 ** 18 }).size).toBe(1)
    expect(() => runOnnx(graph, inputs, { budget: 4000 })).toThrow(
      'asks for more than a model of this size needs',
    )
  })

  it('bytes that are no ONNX', () => {
    importing(new Uint8Array()).toThrow('is no ONNX model: it has no graph')
    importing(bytes.subarray(0, 5000)).toThrow(/has a field of \d+ bytes at byte \d+, \d+ are there/)
    importing(new TextEncoder().encode('{"a": 1}')).toThrow(/\.onnx: /)
    importing(Uint8Array.of(...new Array(12).fill(255))).toThrow('has a number of more than ten bytes')
    importing(Uint8Array.of(11, 1, 12)).toThrow('wire type 3')
  })
})
