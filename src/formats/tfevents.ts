// TensorBoard's event files, as far as scalars need them: TFRecord frames, each one Event of event.proto as protobuf has it.
// https://github.com/tensorflow/tensorboard/blob/master/tensorboard/compat/proto/event.proto
// https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details

export interface Scalars {
  /** Seconds since 1970. */
  wallTime: number
  step: number
  /** By tag; what is written is their float32. */
  values: Readonly<Record<string, number>>
}

/** Castagnoli's polynomial, bits reversed. */
const POLYNOMIAL = 0x82f63b78

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1
  return crc >>> 0
})

/** CRC-32C of RFC 3720, appendix B.4. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) crc = (crc >>> 8) ^ crcTable[(crc ^ byte) & 0xff]
  return ~crc >>> 0
}

/** As TFRecord has it, so that the checksum of data that holds checksums is none of them. */
function masked(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}

/** Length, checksum of the length, data, checksum of the data. */
function framed(data: Uint8Array): Uint8Array {
  const out = new Uint8Array(data.length + 16)
  const view = new DataView(out.buffer)
  view.setUint32(0, data.length, true)
  view.setUint32(8, masked(crc32c(out.subarray(0, 8))), true)
  out.set(data, 12)
  view.setUint32(12 + data.length, masked(crc32c(data)), true)
  return out
}

type Bytes = readonly number[]

/** A whole number from 0 on; those of 2^31 and more do not go through shifts. */
function varint(n: number): number[] {
  const out: number[] = []
  for (; n >= 128; n = Math.floor(n / 128)) out.push((n % 128) | 128)
  return [...out, n]
}

const number = (bytes: 4 | 8, value: number): Uint8Array => {
  const view = new DataView(new ArrayBuffer(bytes))
  if (bytes === 4) view.setFloat32(0, value, true)
  else view.setFloat64(0, value, true)
  return new Uint8Array(view.buffer)
}

/** Fields by their numbers, in protobuf's four kinds; a field that holds its default is left out, unless it is one of several. */
const whole = (field: number, n: number): Bytes => (n === 0 ? [] : [field << 3, ...varint(n)])
const double = (field: number, x: number): Bytes => (x === 0 ? [] : [(field << 3) | 1, ...number(8, x)])
const inner = (field: number, data: Bytes | Uint8Array): Bytes => [
  (field << 3) | 2,
  ...varint(data.length),
  ...data,
]
const single = (field: number, x: number): Bytes => [(field << 3) | 5, ...number(4, x)]

const utf8 = (text: string) => new TextEncoder().encode(text)

const event = (wallTime: number, step: number, what: Bytes) =>
  framed(Uint8Array.from([...double(1, wallTime), ...whole(2, step), ...what]))

/** What a file begins with. */
export const eventFileStart = (wallTime: number): Uint8Array =>
  event(wallTime, 0, inner(3, utf8('brain.Event:2')))

/** A run goes on: what earlier files of the same folder say of this step and those after it does not count. */
export const eventRestart = (wallTime: number, step: number): Uint8Array =>
  event(wallTime, step, inner(7, whole(1, 1)))

/** One event. Throws RangeError for a step that is no whole number from 0 on. */
export function eventScalars({ wallTime, step, values }: Scalars): Uint8Array {
  if (!Number.isSafeInteger(step) || step < 0) throw new RangeError(`tfevents: step ${step}`)
  const each = Object.entries(values).flatMap(([tag, value]) =>
    inner(1, [...inner(1, utf8(tag)), ...single(2, value)]),
  )
  return event(wallTime, step, inner(5, each))
}
