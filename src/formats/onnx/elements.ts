// Element types of ONNX, and a tensor's bytes as numbers and back. Files are little-endian, as all platforms that we run on.
import { numel, type Shape } from '../../tensor/shape.js'
import { shown } from '../json.js'
import { halfToSingle, singleToHalf } from '../safetensors/half.js'
import type { TensorProto } from './schema.js'
import type { Bytes, Fail } from './wire.js'

/** Numbers of one tensor. Whole numbers of 64 bits are doubles, those of 16 bits floats. */
export type Numbers = Float32Array | Float64Array | Int32Array | Int8Array | Uint8Array

interface ElementType {
  /** As onnx.proto numbers it. */
  code: number
  /** Bytes an element. */
  width: number
  make: (data: number | ArrayLike<number>) => Numbers
  /** Where the numbers are not the file's own bytes. */
  read?: (view: DataView, at: number) => number
}

const types = {
  float: { code: 1, width: 4, make: (data) => new Float32Array(data as number) },
  uint8: { code: 2, width: 1, make: (data) => new Uint8Array(data as number) },
  int8: { code: 3, width: 1, make: (data) => new Int8Array(data as number) },
  int32: { code: 6, width: 4, make: (data) => new Int32Array(data as number) },
  int64: {
    ...{ code: 7, width: 8, make: (data) => new Float64Array(data as number) },
    read: (view, at) => Number(view.getBigInt64(at, true)),
  },
  bool: { code: 9, width: 1, make: (data) => new Uint8Array(data as number) },
  float16: {
    ...{ code: 10, width: 2, make: (data) => new Float32Array(data as number) },
    read: (view, at) => fromBits(halfToSingle(view.getUint16(at, true))),
  },
  double: { code: 11, width: 8, make: (data) => new Float64Array(data as number) },
} satisfies Record<string, ElementType>

export type ElementName = keyof typeof types

/** Types by their names. */
export const elementTypes: Readonly<Record<ElementName, ElementType>> = types

const scratch = new DataView(new ArrayBuffer(4))

function fromBits(bits: number): number {
  scratch.setInt32(0, bits)
  return scratch.getFloat32(0)
}

/** The name of a number of onnx.proto; undefined: none that we read, texts and complex numbers for example. */
export function elementName(code: number | undefined): ElementName | undefined {
  return (Object.keys(types) as ElementName[]).find((name) => types[name].code === code)
}

/** A tensor of a file, its numbers not read yet. */
export interface StoredTensor {
  type: ElementName
  shape: readonly number[]
  /** A new array at each call, or where possible the file's own memory: not to be written to. */
  numbers(): Numbers
}

/** A parameter of a graph. */
export interface GraphWeight {
  /** As the model has it: [out, in] of a linear layer. */
  shape: Shape
  /** Fills `out`, of the shape's size. */
  fill(out: { [i: number]: number }): void
}

/** No tensor has more dims. */
const MAX_RANK = 16

/** The whole of a file beside the model, by a name that has not been checked. */
export type Beside = (name: string) => Uint8Array

/** Bytes of a tensor that lie in a file of their own, as torch.onnx.export writes weights by default. */
function external({ externalData = [] }: TensorProto, beside: Beside | undefined, fail: Fail): Uint8Array {
  if (beside === undefined) return fail('lies in another file')
  const fields = new Map(externalData.map(({ key = '', value = '' }) => [key, value]))
  const number = (name: string, fallback: number) => {
    const text = fields.get(name)
    if (text === undefined) return fallback
    return /^\d{1,15}$/.test(text) ? Number(text) : fail(`has the ${name} ${shown(text)} in another file`)
  }
  const data = beside(fields.get('location') ?? '')
  const offset = number('offset', 0)
  const length = number('length', data.length - offset)
  if (offset + length > data.length)
    fail(
      `takes ${length} bytes from byte ${offset} on of ${shown(fields.get('location') ?? '')}, which has ${data.length}`,
    )
  return data.subarray(offset, offset + length)
}

/** Checks what a tensor of a file says of itself against the bytes that are there. */
export function storedTensor(proto: TensorProto, failFile: Fail, beside?: Beside): StoredTensor {
  const fail: Fail = (reason) => failFile(`tensor ${shown(proto.name ?? '')} ${reason}`)
  const apart = (proto.dataLocation ?? 0) !== 0 || proto.externalData !== undefined
  const type = elementName(proto.dataType)
  if (type === undefined) return fail(`is of type ${proto.dataType}, which is not read`)
  const shape = proto.dims ?? []
  if (shape.length > MAX_RANK || !shape.every((d) => Number.isSafeInteger(d) && d >= 0))
    return fail(`has the dims [${shape.slice(0, MAX_RANK)}]`)
  const { width, make, read } = elementTypes[type]
  if (shape.reduce((n, d) => n * (d || 1), width) > Number.MAX_SAFE_INTEGER)
    return fail('is too large to count')
  const count = numel(shape)
  const own = type === 'float' ? proto.floatData : type === 'double' ? proto.doubleData : undefined
  const fields = own ?? (type === 'int64' ? proto.int64Data : proto.int32Data)
  const raw = apart ? external(proto, beside, fail) : (proto.rawData as Uint8Array | undefined)
  if (raw === undefined) {
    if ((fields?.length ?? 0) !== count) fail(`has ${count} elements, ${fields?.length ?? 0} are there`)
    // Of 16 bits int32_data holds the bits.
    const half =
      type === 'float16' ? (fields ?? []).map((bits) => fromBits(halfToSingle(bits & 0xffff))) : fields
    return { type, shape, numbers: () => make(half ?? []) }
  }
  if (raw.length !== count * width) fail(`takes ${count * width} bytes, ${raw.length} are there`)
  return { type, shape, numbers: () => (read === undefined ? plain(raw, type) : converted(raw, type, read)) }
}

function plain(raw: Uint8Array, type: ElementName): Numbers {
  const { width, make } = elementTypes[type]
  const out = make(raw.length / width)
  // Not in place: where the bytes lie in a file is no multiple of their width.
  new Uint8Array(out.buffer).set(raw)
  return out
}

function converted(raw: Uint8Array, type: ElementName, read: NonNullable<ElementType['read']>): Numbers {
  const { width, make } = elementTypes[type]
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength)
  const out = make(raw.length / width)
  for (let i = 0; i < out.length; i++) out[i] = read(view, i * width)
  return out
}

/** Numbers as the bytes of raw_data. */
export function rawBytes(type: ElementName, numbers: ArrayLike<number>): Uint8Array {
  const { width, make } = elementTypes[type]
  if (type === 'int64') return new Uint8Array(BigInt64Array.from(Array.from(numbers), BigInt).buffer)
  if (type !== 'float16') return new Uint8Array(make(numbers).buffer)
  const bits = new Uint32Array(Float32Array.from(numbers).buffer)
  const out = new Uint16Array(bits.length)
  for (let i = 0; i < bits.length; i++) out[i] = singleToHalf(bits[i])
  return new Uint8Array(out.buffer, 0, out.length * width)
}

/** A tensor to be written, made when it is written. */
export function tensorToWrite(
  name: string,
  type: ElementName,
  shape: readonly number[],
  numbers: () => ArrayLike<number>,
): TensorProto {
  const { code, width } = elementTypes[type]
  const rawData: Bytes = { length: numel(shape) * width, make: () => rawBytes(type, numbers()) }
  return { dims: [...shape], dataType: code, name, rawData }
}
