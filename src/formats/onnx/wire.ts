// Protobuf's wire format, as far as ONNX needs it: a message is a table of its fields, which writes and reads it. Strict:
// fields of another wire type than the table's, groups and lengths beyond the end are refused; fields that no table names
// are passed over, as protobuf has it for newer writers. https://protobuf.dev/programming-guides/encoding/

/** Bytes that are made when they are written: a weight turned round, say, which need not be in memory before. */
export interface LazyBytes {
  readonly length: number
  make(): Uint8Array
}

/** Content of a field of bytes. Read ones lie in the file's own memory. */
export type Bytes = Uint8Array | LazyBytes

/** Throws: the file is none. */
export type Fail = (reason: string) => never

const [VARINT, FIXED64, LENGTH, FIXED32] = [0, 1, 2, 5]

/** Collects a message. Nested ones are complete before they are put in, because their length stands before them. */
export class Writer {
  readonly pieces: Bytes[] = []
  size = 0
  #open: number[] = []

  byte(...bytes: number[]): void {
    this.#open.push(...bytes)
    this.size += bytes.length
  }

  /** A whole number up to 2^53; those below 0 as protobuf has them, in ten bytes. */
  varint(n: number): void {
    let left = BigInt.asUintN(64, BigInt(n))
    for (; left > 127n; left >>= 7n) this.byte(Number(left & 127n) | 128)
    this.byte(Number(left))
  }

  bytes(data: Bytes): void {
    if (data instanceof Uint8Array && data.length < 64) {
      this.byte(...data)
      return
    }
    this.#close()
    this.pieces.push(data)
    this.size += data.length
  }

  message(inner: Writer): void {
    inner.#close()
    this.varint(inner.size)
    this.#close()
    for (const piece of inner.pieces) this.pieces.push(piece)
    this.size += inner.size
  }

  /** All pieces in order. */
  finish(): readonly Bytes[] {
    this.#close()
    return this.pieces
  }

  #close(): void {
    if (this.#open.length > 0) this.pieces.push(Uint8Array.from(this.#open))
    this.#open = []
  }
}

/** Walks through a message, which may be part of another. */
export class Cursor {
  readonly #view: DataView

  constructor(
    readonly data: Uint8Array,
    readonly fail: Fail,
    public at = 0,
    readonly end = data.length,
  ) {
    this.#view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  }

  get done(): boolean {
    return this.at >= this.end
  }

  /** A number of 64 bits with its sign; beyond 2^53 the nearest that JavaScript has. */
  varint(): number {
    let n = 0
    for (let i = 0, unit = 1; i < 10; i++, unit *= 128) {
      if (this.done) this.fail(`ends inside a number at byte ${this.at}`)
      const byte = this.data[this.at++]
      if (i < 7) n += (byte & 127) * unit
      else return this.#long(i, byte)
      if (byte < 128) return n
    }
    return n
  }

  /** From the eighth byte on a double does not do. */
  #long(i: number, byte: number): number {
    const start = this.at - 1 - i
    while (byte >= 128) {
      if (this.done) this.fail(`ends inside a number at byte ${this.at}`)
      if (this.at - start >= 10) this.fail(`has a number of more than ten bytes at byte ${start}`)
      byte = this.data[this.at++]
    }
    let n = 0n
    for (let at = this.at - 1; at >= start; at--) n = (n << 7n) | BigInt(this.data[at] & 127)
    return Number(BigInt.asIntN(64, n))
  }

  float(): number {
    return this.#view.getFloat32(this.#step(4), true)
  }

  double(): number {
    return this.#view.getFloat64(this.#step(8), true)
  }

  /** What a length stands before. */
  part(): Cursor {
    const length = this.varint()
    const start = this.at
    if (!(length >= 0 && length <= this.end - start))
      this.fail(`has a field of ${length} bytes at byte ${start}, ${this.end - start} are there`)
    this.at = start + length
    return new Cursor(this.data, this.fail, start, this.at)
  }

  rest(): Uint8Array {
    return this.data.subarray(this.at, this.end)
  }

  /** Passes over a field that no table names. */
  skip(wire: number): void {
    if (wire === VARINT) this.varint()
    else if (wire === FIXED64) this.#step(8)
    else if (wire === LENGTH) this.part()
    else if (wire === FIXED32) this.#step(4)
    else this.fail(`has a field of wire type ${wire} at byte ${this.at}, which ONNX does not use`)
  }

  #step(n: number): number {
    const at = this.at
    if (n > this.end - at) this.fail(`ends inside a number at byte ${at}`)
    this.at += n
    return at
  }
}

/** How a field is written and read. A field that may come again is given what it held before. */
export interface Kind<T> {
  wires: readonly number[]
  write(out: Writer, id: number, value: NonNullable<T>): void
  read(from: Cursor, wire: number, before: T): T
}

const key = (out: Writer, id: number, wire: number) => out.varint(id * 8 + wire)

type Single<T> = Kind<T | undefined>

const single = <T>(
  wire: number,
  write: (out: Writer, value: T) => void,
  read: (from: Cursor) => T,
): Single<T> => ({
  wires: [wire],
  write: (out, id, value) => {
    key(out, id, wire)
    write(out, value as T)
  },
  read,
})

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function textOf(part: Cursor): string {
  try {
    return utf8.decode(part.rest())
  } catch {
    return part.fail(`has a text at byte ${part.at} that is not UTF-8`)
  }
}

const encode = (text: string) => new TextEncoder().encode(text)

function put(out: Writer, data: Bytes): void {
  out.varint(data.length)
  out.bytes(data)
}

/** Whole numbers of 32 and 64 bits with their sign, and enums. */
export const int = single<number>(
  VARINT,
  (out, n) => out.varint(n),
  (from) => from.varint(),
)

export const float = single<number>(
  FIXED32,
  (out, x) => out.byte(...new Uint8Array(Float32Array.of(x).buffer)),
  (from) => from.float(),
)

export const bytes = single<Bytes>(LENGTH, put, (from) => from.part().rest())

export const text = single<string>(
  LENGTH,
  (out, value) => put(out, encode(value)),
  (from) => textOf(from.part()),
)

export const texts: Kind<string[] | undefined> = {
  wires: [LENGTH],
  write: (out, id, values) => {
    for (const value of values) text.write(out, id, value)
  },
  read: (from, _, before = []) => {
    before.push(textOf(from.part()))
    return before
  },
}

/** Numbers in a row, of which a file may also give each as a field of its own. */
const numbers = (wire: number, write: (out: Writer, n: number) => void, read: (from: Cursor) => number) =>
  ({
    wires: [wire, LENGTH],
    write: (out, id, values) => {
      const packed = new Writer()
      for (const n of values) write(packed, n)
      key(out, id, LENGTH)
      out.message(packed)
    },
    read: (from, got, before = []) => {
      if (got === wire) before.push(read(from))
      else for (const part = from.part(); !part.done; ) before.push(read(part))
      return before
    },
  }) satisfies Kind<number[] | undefined>

export const ints: Kind<number[] | undefined> = numbers(
  VARINT,
  (out, n) => out.varint(n),
  (from) => from.varint(),
)

export const floats: Kind<number[] | undefined> = numbers(
  FIXED32,
  (out, x) => out.byte(...new Uint8Array(Float32Array.of(x).buffer)),
  (from) => from.float(),
)

export const doubles: Kind<number[] | undefined> = numbers(
  FIXED64,
  (out, x) => out.byte(...new Uint8Array(Float64Array.of(x).buffer)),
  (from) => from.double(),
)

/** A kind of whatever holds. */
interface AnyKind {
  wires: readonly number[]
  write(out: Writer, id: number, value: never): void
  read(from: Cursor, wire: number, before: never): unknown
}

type Table = Readonly<Record<string, readonly [id: number, kind: AnyKind]>>

/** What a message holds, by its table. */
export type Content<T> = {
  -readonly [K in keyof T]?: T[K] extends readonly [number, Kind<infer V>] ? V : never
}

/** A message's table, ready to write and read it. */
export interface Message<T> {
  write(content: T): Writer
  read(from: Cursor): T
}

/** Numbers of the fields and their kinds, by the names that they have in the definition. */
export function message<const T extends Table>(table: T): Message<Content<T>> {
  const entries = Object.entries(table) as [string, readonly [number, Kind<unknown>]][]
  const byId = new Map(entries.map(([name, [id, kind]]) => [id, { name, kind }]))
  return {
    write: (content) => {
      const out = new Writer()
      const values = new Map(Object.entries(content))
      for (const [name, [id, kind]] of entries) {
        const value: unknown = values.get(name)
        if (value !== undefined) kind.write(out, id, value as NonNullable<unknown>)
      }
      return out
    },
    read: (from) => {
      const found: Record<string, unknown> = {}
      while (!from.done) {
        const start = from.at
        const head = from.varint()
        const [id, wire] = [Math.floor(head / 8), head & 7]
        if (id < 1 || id >= 2 ** 29) from.fail(`has a field ${id} at byte ${start}`)
        const field = byId.get(id)
        if (field === undefined) from.skip(wire)
        else if (!field.kind.wires.includes(wire))
          from.fail(`has ${field.name} of wire type ${wire} at byte ${start}`)
        else found[field.name] = field.kind.read(from, wire, found[field.name])
      }
      return found as Content<T>
    },
  }
}

/** A message within another. Given twice, the second counts, which protobuf would join: nobody writes it so. */
export const one = <T>(inner: Message<T>): Single<T> =>
  single<T>(
    LENGTH,
    (out, value) => out.message(inner.write(value)),
    (from) => inner.read(from.part()),
  )

/** Messages of one kind, `most` of them. */
export const many = <T>(inner: Message<T>, most = 2 ** 17): Kind<T[] | undefined> => ({
  wires: [LENGTH],
  write: (out, id, values) => {
    for (const value of values) one(inner).write(out, id, value as NonNullable<T>)
  },
  read: (from, _, before = []) => {
    if (before.length >= most) from.fail(`has more than ${most} parts of one kind`)
    before.push(inner.read(from.part()))
    return before
  },
})
