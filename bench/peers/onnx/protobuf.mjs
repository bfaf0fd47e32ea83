// As much of protobuf and of ONNX's onnx.proto as a model file needs. Field numbers are onnx.proto's.

function varint(n) {
  const bytes = []
  let left = BigInt.asUintN(64, BigInt(n))
  do {
    bytes.push(Number(left & 127n) | (left > 127n ? 128 : 0))
    left >>= 7n
  } while (left > 0n)
  return Buffer.from(bytes)
}

const whole = (field, n) => Buffer.concat([varint(field << 3), varint(n)])

/** A string, bytes, or a message that is already encoded. */
function block(field, content) {
  const bytes = Buffer.from(content)
  return Buffer.concat([varint((field << 3) | 2), varint(bytes.length), bytes])
}

function float(field, x) {
  const bytes = Buffer.alloc(4)
  bytes.writeFloatLE(x)
  return Buffer.concat([varint((field << 3) | 5), bytes])
}

const many = (field, messages) => Buffer.concat(messages.map((message) => block(field, message)))

const FLOAT = 1
const INT64 = 7
const types = new Map([
  [Float32Array, FLOAT],
  [Int8Array, 3],
  [BigInt64Array, INT64],
])

/** A number with a point is a float attribute: { float: 1e-12 }. Other numbers are integers, arrays lists of them. */
function attribute(name, value) {
  const head = block(1, name)
  if (Array.isArray(value)) return Buffer.concat([head, ...value.map((n) => whole(8, n)), whole(20, 7)])
  if (typeof value === 'number') return Buffer.concat([head, whole(3, value), whole(20, 2)])
  return Buffer.concat([head, float(2, value.float), whole(20, 1)])
}

/** outputs: a name, or several. */
export function node(op, inputs, outputs, attributes = {}) {
  const list = Object.entries(attributes).map(([name, value]) => attribute(name, value))
  return Buffer.concat([many(1, inputs), many(2, [outputs].flat()), block(4, op), many(5, list)])
}

/** `data`: a Float32Array, an Int8Array or a BigInt64Array. */
export function tensor(name, dims, data) {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  return Buffer.concat([
    ...dims.map((d) => whole(1, d)),
    whole(2, types.get(data.constructor)),
    block(8, name),
    block(9, bytes),
  ])
}

/** Dims are numbers, or names where the size is left open. */
export function value(name, dims, isFloat) {
  const shape = many(
    1,
    dims.map((d) => (typeof d === 'string' ? block(2, d) : whole(1, d))),
  )
  const type = Buffer.concat([whole(1, isFloat ? FLOAT : INT64), block(2, shape)])
  return Buffer.concat([block(1, name), block(2, block(1, type))])
}

export function model({ nodes, initializers, inputs, outputs, opset, irVersion }) {
  const graph = [many(1, nodes), block(2, 'model'), many(5, initializers), many(11, inputs)]
  const opsets = Buffer.concat([block(1, ''), whole(2, opset)])
  return Buffer.concat([
    ...[whole(1, irVersion), block(2, 'tinystill'), block(8, opsets)],
    block(7, Buffer.concat([...graph, many(12, outputs)])),
  ])
}
