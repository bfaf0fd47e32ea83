// The header of a safetensors file: 8 bytes of length, then JSON that says where each tensor lies.
// All of it is checked here, before anything of the size that it claims is allocated.
import { CheckpointError } from '../../errors.js'
import { formatShape } from '../../tensor/shape.js'
import { type Json, scanJson, shown } from '../json.js'
import { type Format, formats } from './dtypes.js'

export interface Entry {
  readonly name: string
  /** The element type as the file calls it. */
  readonly code: string
  readonly format: Format
  readonly shape: readonly number[]
  /** The first byte and the one after the last, counted from the end of the header. */
  readonly begin: number
  readonly end: number
}

export interface Header {
  /** In the order of the header. */
  readonly entries: readonly Entry[]
  readonly metadata: Map<string, string>
  /** Where the data starts in the file. */
  readonly dataStart: number
}

/** The key that no tensor can have. */
export const METADATA = '__metadata__'

/** NumPy's limit; PyTorch has the same. */
const MAX_RANK = 64
const FIELDS = ['dtype', 'shape', 'data_offsets']

const DAMAGED = 'The file is damaged or not safetensors: download or save it again'
const CUT_OFF = 'The file is cut off: download or copy it again'

type Fail = (reason: string, hint?: string) => never

/** Where the data starts in a file of `size` bytes that begins with `bytes`; 8 of them are enough. */
function headerEnd(bytes: Uint8Array, maxHeaderBytes: number, size: number, fail: Fail): number {
  if (bytes.length < 8) fail(`has ${bytes.length} bytes, a safetensors file starts with an 8-byte length`)
  const claimed = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true)
  if (claimed > BigInt(maxHeaderBytes)) {
    fail(
      `claims a header of ${claimed} bytes, at most ${maxHeaderBytes} are read`,
      'A web page or a Git LFS pointer saved in its place gives this: download the file itself',
    )
  }
  const end = 8 + Number(claimed)
  if (end > size) fail(`claims a header of ${claimed} bytes, ${size - 8} are there`, CUT_OFF)
  return end
}

/** The beginning of a file, as far as it is wanted: so many bytes, or all where it has fewer. */
export interface Beginning {
  /** Of the whole file, in bytes. */
  size: number
  read(n: number): Uint8Array
}

/** The header of a file. Throws one CheckpointError, naming `file`, for the first thing that is wrong. */
export function readHeader({ size, read }: Beginning, file: string, maxHeaderBytes: number): Header {
  const fail: Fail = (reason, hint = DAMAGED) => {
    throw new CheckpointError(file, reason, hint)
  }
  const dataStart = headerEnd(read(8), maxHeaderBytes, size, fail)
  const fields = scanHeader(read(dataStart).subarray(8), fail)
  const metadata = readMetadata(fields.get(METADATA) ?? new Map(), fail)
  const entries = Array.from(fields)
    .filter(([name]) => name !== METADATA)
    .map(([name, value]) => readEntry(name, value, fail))
  checkCover(entries, size - dataStart, fail)
  return { entries, metadata, dataStart }
}

function scanHeader(bytes: Uint8Array, fail: Fail): Map<string, Json> {
  let text = ''
  try {
    // A copy, because browsers refuse to decode shared memory. The byte order mark is kept, to be refused.
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(new Uint8Array(bytes))
  } catch {
    fail('the header is not UTF-8')
  }
  if (text[0] !== '{') fail(`the header starts with ${shown(text.slice(0, 1))}, not with "{"`)
  return scanJson(text, (reason) => fail(`the header ${reason}`)) as Map<string, Json>
}

function readMetadata(value: Json, fail: Fail): Map<string, string> {
  if (!(value instanceof Map)) return fail(`${METADATA} is not an object`)
  for (const [key, text] of value) {
    if (typeof text !== 'string') fail(`${METADATA} ${shown(key)} is not a string`)
  }
  return value as Map<string, string>
}

function isNumbers(value: Json | undefined): value is number[] {
  return Array.isArray(value) && value.every((x) => typeof x === 'number')
}

function readEntry(name: string, value: Json, failFile: Fail): Entry {
  const fail: Fail = (reason, hint) => failFile(`tensor ${shown(name)}: ${reason}`, hint)
  if (!(value instanceof Map)) return fail('its entry is not an object')
  for (const key of value.keys()) if (!FIELDS.includes(key)) fail(`unknown field ${shown(key)}`)
  const [dtype, shape, offsets] = FIELDS.map((key) => value.get(key))

  if (typeof dtype !== 'string') return fail('dtype is missing or not a string')
  const format = formats.get(dtype)
  if (format === undefined) {
    return fail(
      `dtype ${shown(dtype)} cannot be read`,
      `Convert it to one of ${[...formats.keys()].join(', ')}`,
    )
  }
  if (!isNumbers(shape)) return fail('shape is missing or not a list of whole numbers')
  if (shape.length > MAX_RANK) fail(`shape has ${shape.length} dims, at most ${MAX_RANK} are read`)
  if (!isNumbers(offsets) || offsets.length !== 2) {
    return fail('data_offsets are missing or not two whole numbers')
  }
  // A size of 0 counts as 1 here, so that strides, which are products of sizes too, stay exact.
  const bound = shape.reduce((n, d) => n * (d || 1), format.width)
  if (bound > Number.MAX_SAFE_INTEGER) fail(`shape ${formatShape(shape)} is too large to count`)

  const [begin, end] = offsets
  const need = shape.includes(0) ? 0 : bound
  if (begin > end) fail(`data_offsets [${begin}, ${end}] run backwards`)
  if (end - begin !== need) {
    fail(
      `${dtype} ${formatShape(shape)} takes ${need} bytes, data_offsets [${begin}, ${end}] hold ${end - begin}`,
    )
  }
  return { name, code: dtype, format, shape, begin, end }
}

/** Every byte of the data belongs to exactly one tensor. */
function checkCover(entries: readonly Entry[], size: number, fail: Fail): void {
  let covered = 0
  let before = ''
  for (const { name, begin, end } of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (end > size) fail(`tensor ${shown(name)}: ends at byte ${end} of the data, ${size} are there`, CUT_OFF)
    if (begin < covered) fail(`tensor ${shown(name)}: overlaps tensor ${shown(before)}`)
    if (begin > covered)
      fail(`tensor ${shown(name)}: bytes ${covered} to ${begin} before it belong to no tensor`)
    covered = end
    before = name
  }
  if (covered < size) fail(`${size - covered} bytes follow the last tensor`)
}
