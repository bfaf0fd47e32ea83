// The messages of ONNX that we write and read, by the numbers of onnx.proto.
// https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
import {
  bytes,
  type Content,
  doubles,
  float,
  floats,
  int,
  ints,
  many,
  message,
  one,
  text,
  texts,
} from './wire.js'

const pairTable = { key: [1, text], value: [2, text] } as const
const pair = message(pairTable)

const tensorTable = {
  dims: [1, ints],
  dataType: [2, int],
  floatData: [4, floats],
  int32Data: [5, ints],
  int64Data: [7, ints],
  name: [8, text],
  rawData: [9, bytes],
  doubleData: [10, doubles],
  externalData: [13, many(pair, 64)],
  dataLocation: [14, int],
} as const
export const tensorProto = message(tensorTable)
export type TensorProto = Content<typeof tensorTable>

const dimTable = { dimValue: [1, int], dimParam: [2, text] } as const
const shapeTable = { dim: [1, many(message(dimTable), 64)] } as const
const tensorTypeTable = { elemType: [1, int], shape: [2, one(message(shapeTable))] } as const
const typeTable = { tensorType: [1, one(message(tensorTypeTable))] } as const
const valueTable = { name: [1, text], type: [2, one(message(typeTable))] } as const
const valueInfo = message(valueTable)
export type ValueInfoProto = Content<typeof valueTable>

/** g and graphs, the bodies of loops and branches, are taken as bytes: there that they are there is all we need. */
const attributeTable = {
  name: [1, text],
  f: [2, float],
  i: [3, int],
  s: [4, bytes],
  t: [5, one(tensorProto)],
  g: [6, bytes],
  floats: [7, floats],
  ints: [8, ints],
  type: [20, int],
} as const
export type AttributeProto = Content<typeof attributeTable>

const nodeTable = {
  input: [1, texts],
  output: [2, texts],
  name: [3, text],
  opType: [4, text],
  attribute: [5, many(message(attributeTable), 64)],
  domain: [7, text],
} as const
export type NodeProto = Content<typeof nodeTable>

const graphTable = {
  node: [1, many(message(nodeTable))],
  name: [2, text],
  initializer: [5, many(tensorProto)],
  input: [11, many(valueInfo)],
  output: [12, many(valueInfo)],
  sparseInitializer: [15, bytes],
} as const
export type GraphProto = Content<typeof graphTable>

const opsetTable = { domain: [1, text], version: [2, int] } as const

const modelTable = {
  irVersion: [1, int],
  producerName: [2, text],
  producerVersion: [3, text],
  graph: [7, one(message(graphTable))],
  opsetImport: [8, many(message(opsetTable), 64)],
  metadataProps: [14, many(pair, 1024)],
  functions: [25, bytes],
} as const
export const modelProto = message(modelTable)
export type ModelProto = Content<typeof modelTable>

/** AttributeProto.AttributeType. */
export const attributeTypes = {
  float: 1,
  int: 2,
  string: 3,
  tensor: 4,
  graph: 5,
  floats: 6,
  ints: 7,
} as const
