// What TensorBoard reads in a folder: scalars by tag, those that a run which went on has taken back left out.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface ReadScalar {
  tag: string
  step: number
  value: number
  wallTime: number
}

/** Fields of a protobuf message in their order. */
function* fields(bytes: Buffer): Generator<[field: number, value: number | Buffer]> {
  let at = 0
  const varint = () => {
    let n = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++]
      n += (byte & 127) * scale
      if (byte < 128) return n
    }
  }
  while (at < bytes.length) {
    const key = varint()
    const [field, kind] = [key >> 3, key & 7]
    if (kind === 0) yield [field, varint()]
    else {
      const size = kind === 1 ? 8 : kind === 5 ? 4 : varint()
      const own = bytes.subarray(at, at + size)
      at += size
      yield [field, kind === 1 ? own.readDoubleLE() : kind === 5 ? own.readFloatLE() : own]
    }
  }
}

export function readEvents(folder: string): ReadScalar[] {
  let all: ReadScalar[] = []
  for (const name of readdirSync(folder)
    .filter((n) => n.includes('tfevents'))
    .sort()) {
    const bytes = readFileSync(join(folder, name))
    for (let at = 0; at < bytes.length; ) {
      const length = bytes.readUInt32LE(at)
      const event = new Map(fields(bytes.subarray(at + 12, at + 12 + length)))
      at += length + 16
      const [wallTime, step] = [Number(event.get(1)), Number(event.get(2) ?? 0)]
      if (event.has(7)) all = all.filter((e) => e.step < step)
      const summary = event.get(5)
      if (summary === undefined) continue
      for (const [, one] of fields(summary as Buffer)) {
        const value = new Map(fields(one as Buffer))
        all.push({ tag: String(value.get(1)), step, value: Number(value.get(2)), wallTime })
      }
    }
  }
  return all
}
