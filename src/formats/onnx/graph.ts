// An ONNX file as bytes and back, checked: what a node takes is there before it, what a tensor claims is there, and nothing
// lies outside the file.
import { CheckpointError } from '../../errors.js'
import { shown } from '../json.js'
import { type Beside, type ElementName, elementName, type StoredTensor, storedTensor } from './elements.js'
import { type AttributeProto, attributeTypes, type ModelProto, modelProto, type NodeProto } from './schema.js'
import { type Bytes, Cursor, type Fail } from './wire.js'

/** What an attribute holds. */
export type Attribute = number | string | readonly number[] | StoredTensor

/** One operation. */
export interface OnnxNode {
  op: string
  /** As the file calls it; for errors. */
  name: string
  /** Names of values; '' where an input in the middle is left out. */
  inputs: readonly string[]
  outputs: readonly string[]
  attributes: ReadonlyMap<string, Attribute>
}

/** An input or output of the whole. */
export interface OnnxValue {
  name: string
  type: ElementName
  /** A number, or the name of a size that is known when the input comes. */
  shape: readonly (number | string)[]
}

/** A checked file. */
export interface OnnxGraph {
  /** For errors. */
  file: string
  opset: number
  /** Who wrote it, as the file says. */
  producer: string
  inputs: readonly OnnxValue[]
  outputs: readonly OnnxValue[]
  /** Each after those whose values it takes. */
  nodes: readonly OnnxNode[]
  /** Weights and constants by their names. */
  tensors: ReadonlyMap<string, StoredTensor>
  metadata: ReadonlyMap<string, string>
}

/** Protobuf's limit: its libraries refuse a message of 2 GiB. */
export const MAX_BYTES = 2 ** 31 - 1

/** The oldest operations that we know, and the newest. */
const OPSETS = { from: 13, to: 25 }

/**
 * beside: gives files whose names the model gives, for weights that it keeps there; without it such a model is refused. Throws
 * CheckpointError that names the file, and in it the tensor or node, for anything that is no such graph.
 */
export function readOnnx(bytes: Uint8Array, file = 'model.onnx', beside?: Beside): OnnxGraph {
  const fail: Fail = (reason) => {
    throw new CheckpointError(file, reason)
  }
  if (bytes.length > MAX_BYTES) fail(`has ${bytes.length} bytes, an ONNX file has at most ${MAX_BYTES}`)
  const model = modelProto.read(
    new Cursor(bytes, (reason) => fail(`is no ONNX file, or not whole: ${reason}`)),
  )
  const { graph } = model
  if (graph === undefined || model.irVersion === undefined) return fail('is no ONNX model: it has no graph')
  const opsets = new Map(
    model.opsetImport?.map(({ domain = '', version = 0 }) => [plainDomain(domain), version]),
  )
  const opset = opsets.get('') ?? 0
  if (opset < OPSETS.from || opset > OPSETS.to)
    fail(`is of opset ${opset}, those from ${OPSETS.from} to ${OPSETS.to} are read`)
  if (model.functions !== undefined) fail('has functions of its own, which are not read')
  if (graph.sparseInitializer !== undefined) fail('has sparse tensors, which are not read')
  const tensors = new Map<string, StoredTensor>()
  for (const proto of graph.initializer ?? []) {
    const { name = '' } = proto
    if (name === '' || tensors.has(name)) fail(`has the tensor ${shown(name)} twice, or without a name`)
    tensors.set(name, storedTensor(proto, fail, beside))
  }
  const values = (protos: typeof graph.input) => (protos ?? []).map((proto) => inputOrOutput(proto, fail))
  const inputs = values(graph.input?.filter(({ name = '' }) => !tensors.has(name)))
  const nodes = (graph.node ?? []).map((proto) => nodeOf(proto, fail))
  const known = new Set<string>(['', ...tensors.keys(), ...inputs.map(({ name }) => name)])
  if (known.size !== 1 + tensors.size + inputs.length) fail('has two inputs of one name')
  for (const { op, name, inputs: taken, outputs } of nodes) {
    const missing = taken.find((input) => !known.has(input))
    if (missing !== undefined)
      fail(`node ${shown(name)} (${op}) takes ${shown(missing)}, which is nowhere before it`)
    for (const output of outputs) {
      if (output !== '' && known.has(output)) fail(`has two values of the name ${shown(output)}`)
      known.add(output)
    }
  }
  const outputs = values(graph.output)
  const missing = outputs.find(({ name }) => !known.has(name))
  if (missing !== undefined) fail(`gives ${shown(missing.name)}, which nothing computes`)
  const metadata = new Map(model.metadataProps?.map(({ key = '', value = '' }) => [key, value]))
  const producer = [model.producerName, model.producerVersion].filter(Boolean).join(' ')
  return { file, opset, producer, inputs, outputs, nodes, tensors, metadata }
}

/** Its full name is the same as none. */
const plainDomain = (domain: string) => (domain === 'ai.onnx' ? '' : domain)

function inputOrOutput(
  { name = '', type }: NonNullable<NonNullable<ModelProto['graph']>['input']>[number],
  fail: Fail,
): OnnxValue {
  const element = elementName(type?.tensorType?.elemType)
  if (element === undefined) return fail(`${shown(name)} is no tensor of numbers`)
  const dims = type?.tensorType?.shape?.dim ?? []
  return { name, type: element, shape: dims.map(({ dimValue, dimParam = '?' }) => dimValue ?? dimParam) }
}

function nodeOf(proto: NodeProto, fail: Fail): OnnxNode {
  const { opType: op = '', name = '', domain = '', input: inputs = [], output: outputs = [] } = proto
  if (plainDomain(domain) !== '')
    fail(
      `node ${shown(name)} is ${shown(op)} of ${shown(domain)}, not of ONNX itself. Take the model from before it was optimized for one engine`,
    )
  const attributes = new Map<string, Attribute>()
  for (const attribute of proto.attribute ?? []) {
    const { name: key = '' } = attribute
    if (attributes.has(key)) fail(`node ${shown(name)} has ${shown(key)} twice`)
    attributes.set(
      key,
      attributeOf(attribute, (reason) => fail(`node ${shown(name)} (${shown(op)}) ${reason}`)),
    )
  }
  return { op, name, inputs, outputs, attributes }
}

function attributeOf(proto: AttributeProto, fail: Fail): Attribute {
  const { name = '', type, f = 0, i = 0, s, t, floats = [], ints = [] } = proto
  if (type === attributeTypes.float) return f
  if (type === attributeTypes.int) return i
  if (type === attributeTypes.string) return new TextDecoder().decode((s ?? new Uint8Array()) as Uint8Array)
  if (type === attributeTypes.floats) return floats
  if (type === attributeTypes.ints) return ints
  if (type === attributeTypes.tensor && t !== undefined) return storedTensor({ name, ...t }, fail)
  return fail(`has ${shown(name)} of type ${type}, which is not read`)
}

/** A file's bytes in pieces, those of weights made as they are asked for. Throws CheckpointError above 2 GiB. */
export function onnxPieces(model: ModelProto): { size: number; pieces: Iterable<Uint8Array> } {
  const out = modelProto.write(model)
  const parts = out.finish()
  if (out.size > MAX_BYTES)
    throw new CheckpointError(
      'onnx',
      `the file would have ${out.size} bytes, and protobuf ends at ${MAX_BYTES}`,
      'Take --dtype fp16, half as large, or q8, a quarter',
    )
  return { size: out.size, pieces: made(parts) }
}

function* made(parts: readonly Bytes[]): Generator<Uint8Array> {
  for (const part of parts) yield part instanceof Uint8Array ? part : part.make()
}
