// Safetensors against files of the official library, and against files that lie.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import '../../src/formats/safetensors/index.js'
import { tensor } from '../../src/autograd/create.js'
import { halfToSingle, singleToHalf } from '../../src/formats/safetensors/half.js'
import { readSafetensors, writeSafetensors } from '../../src/formats/safetensors/safetensors.js'
import type { TypedArray } from '../../src/tensor/storage.js'
import { memory } from '../../src/tensor/storage.js'

type Held = [name: string, dtype: string, shape: number[], data: string]
interface Golden {
  files: {
    title: string
    file: string
    metadata: Record<string, string>
    tensors: Held[]
    rewrites: boolean
  }[]
  halves: Record<'from' | 'to', string>
}
const golden: Golden = JSON.parse(
  readFileSync(new URL('../golden/safetensors.json', import.meta.url), 'utf8'),
)

const decode = (text: string) => Uint8Array.from(Buffer.from(text, 'base64'))
const encode = ({ buffer, byteOffset, byteLength }: TypedArray | Uint8Array) =>
  Buffer.from(buffer, byteOffset, byteLength).toString('base64')

describe('files of the official library', () => {
  it.each(golden.files)('$title', ({ file, metadata, tensors: held, rewrites }) => {
    const { tensors, metadata: texts } = readSafetensors(decode(file))
    expect([...texts]).toEqual(Object.entries(metadata))
    const read = Array.from(tensors, ([name, t]): Held => [name, t.dtype, [...t.shape], encode(t.data)])
    const byName = ([a]: Held, [b]: Held) => (a < b ? -1 : 1)
    expect(read.sort(byName)).toEqual([...held].sort(byName))
    if (rewrites) expect(encode(writeSafetensors(tensors, { metadata: texts }))).toBe(file)
  })

  it('are read from any place in a larger buffer', () => {
    const file = decode(golden.files[1].file)
    const inside = new Uint8Array(file.length + 3)
    inside.set(file, 3)
    expect([...readSafetensors(inside.subarray(3)).tensors.values()].map(String)).toEqual(
      [...readSafetensors(file).tensors.values()].map(String),
    )
  })
})

describe('float16', () => {
  const [from, to] = [decode(golden.halves.from), decode(golden.halves.to)]

  it('rounds as NumPy', () => {
    const singles = new Uint32Array(from.buffer)
    expect(Uint16Array.from(singles, singleToHalf)).toEqual(new Uint16Array(to.buffer))
  })

  it('widens and narrows back, all 65,536 of them', () => {
    const wrong = Array.from({ length: 2 ** 16 }, (_, h) => h).filter(
      (h) => singleToHalf(halfToSingle(h)) !== h,
    )
    expect(wrong).toEqual([])
  })

  it('is written on request, for float32 alone', () => {
    const bytes = writeSafetensors(
      [
        ['x', tensor([1 / 3, 70000, -0])],
        ['n', tensor([7], { dtype: 'int32' })],
      ],
      { dtype: 'F16' },
    )
    const { tensors } = readSafetensors(bytes)
    expect(tensors.get('x')!.toArray()).toEqual([0.333251953125, Infinity, -0])
    expect(tensors.get('n')!.toArray()).toEqual([7])
  })
})

/** A file with this header and `size` zero bytes of data. */
function file(header: string | Uint8Array, size = 0, claimed?: bigint): Uint8Array {
  const text = typeof header === 'string' ? new TextEncoder().encode(header) : header
  const bytes = new Uint8Array(8 + text.length + size)
  new DataView(bytes.buffer).setBigUint64(0, claimed ?? BigInt(text.length), true)
  bytes.set(text, 8)
  return bytes
}
const one = (entry: string, size = 0) => file(`{"w":{${entry}}}`, size)
const entry = (dtype: string, shape: string, offsets: string) =>
  `"dtype":"${dtype}","shape":${shape},"data_offsets":${offsets}`
const two = (a: string, b: string) => `{"a":{${entry('U8', '[4]', a)}},"b":{${entry('U8', '[4]', b)}}}`
const backslash = String.fromCharCode(92)

const hostile: [string, Uint8Array, string][] = [
  ['no bytes', new Uint8Array(0), 'has 0 bytes'],
  ['seven bytes', new Uint8Array(7), 'has 7 bytes'],
  ['a web page', new TextEncoder().encode('<!DOCTYPE html><html>'), 'claims a header of'],
  ['a header of 2^64 - 1 bytes', file('{}', 0, 2n ** 64n - 1n), 'claims a header of 18446744073709551615'],
  ['a header longer than the limit', file('{}', 0, 2n ** 24n + 1n), 'at most 16777216 are read'],
  ['a header longer than the file', file('{}', 0, 3n), 'claims a header of 3 bytes, 2 are there'],
  ['an empty header', file(''), 'starts with ""'],
  ['a byte order mark', file('\ufeff{}'), 'not with "{"'],
  ['bytes that are not UTF-8', file(Uint8Array.of(0x7b, 0xff, 0x7d)), 'is not UTF-8'],
  ['an array', file('[]'), 'not with "{"'],
  ['two values', file('{}{}'), 'where the end should be'],
  ['no end', file('{"w":'), 'ends where'],
  ['a comma too many', file('{"w":{},}'), 'where a quoted name should be'],
  ['null', file('{"w":null}'), 'where an object, an array, a string or a whole number should be'],
  ['a name twice', file(two('[0,4]', '[4,8]').replace('"b"', '"a"'), 8), 'names "a" twice'],
  ['a name twice, spelt otherwise', file(`{"a":{},"${backslash}u0061":{}}`), 'names "a" twice'],
  ['half a surrogate pair', file(`{"${backslash}ud800":{}}`), 'half of a surrogate pair'],
  ['a raw line end in a name', file('{"a\n":{}}'), 'raw control character'],
  ['a bad escape', file(`{"${backslash}x":{}}`), 'bad escape'],
  ['deep nesting', file(`{"w":${'['.repeat(100000)}`), 'nests deeper than 8'],
  ['metadata that are no object', file('{"__metadata__":[]}'), '__metadata__ is not an object'],
  ['a number in the metadata', file('{"__metadata__":{"a":1}}'), '__metadata__ "a" is not a string'],
  ['an entry that is no object', file('{"w":1}'), 'tensor "w": its entry is not an object'],
  ['an unknown field', one(`${entry('F32', '[]', '[0,4]')},"stride":[1]`, 4), 'unknown field "stride"'],
  ['no dtype', one('"shape":[],"data_offsets":[0,4]', 4), 'dtype is missing'],
  ['no shape', one('"dtype":"F32","data_offsets":[0,4]', 4), 'shape is missing'],
  ['no offsets', one('"dtype":"F32","shape":[]', 4), 'data_offsets are missing'],
  ['an unknown dtype', one(entry('constructor', '[]', '[0,4]'), 4), 'dtype "constructor" cannot be read'],
  ['a negative size', one(entry('F32', '[-1]', '[0,4]'), 4), 'not a whole number'],
  ['a fraction', one(entry('F32', '[1.0]', '[0,4]'), 4), 'not a whole number'],
  [
    'a number above 2^53',
    one(entry('U8', '[9007199254740993]', '[0,9007199254740993]')),
    'not a whole number',
  ],
  ['a million digits', one(entry('U8', `[${'1'.repeat(10 ** 6)}]`, '[0,1]')), 'not a whole number'],
  ['a product above 2^53', one(entry('F32', '[4294967296,4294967296]', '[0,0]')), 'too large to count'],
  [
    'a product above 2^53 beside a zero',
    one(entry('F32', '[0,4294967296,4294967296]', '[0,0]')),
    'too large',
  ],
  ['65 dims', one(entry('U8', `[${Array(65).fill(1)}]`, '[0,1]'), 1), 'at most 64 are read'],
  ['offsets that run backwards', one(entry('F32', '[1]', '[4,0]'), 4), 'run backwards'],
  ['too few bytes for the shape', one(entry('F32', '[2]', '[0,4]'), 4), 'takes 8 bytes'],
  ['data cut off', one(entry('F32', '[2]', '[0,8]'), 7), 'ends at byte 8 of the data, 7 are there'],
  ['data to spare', one(entry('F32', '[1]', '[0,4]'), 5), '1 bytes follow the last tensor'],
  ['overlapping tensors', file(two('[0,4]', '[3,7]'), 7), 'overlaps'],
  ['a hole between tensors', file(two('[0,4]', '[5,9]'), 9), 'belong to no tensor'],
  ['a hole before the first', one(entry('U8', '[1]', '[1,2]'), 2), 'belong to no tensor'],
  [
    'a boolean of 2',
    one(entry('BOOL', '[1]', '[0,1]'), 1).map((b, i, all) => (i === all.length - 1 ? 2 : b)),
    '2 is neither 0 nor 1',
  ],
  [
    'an int64 beyond int32',
    one(entry('I64', '[1]', '[0,8]'), 8).map((b, i, all) => (i === all.length - 4 ? 1 : b)),
    '4294967296 does not fit int32',
  ],
]

describe('a file that lies', () => {
  it.each(hostile)('%s', (_, bytes, text) => {
    const { buffers } = memory()
    let said = ''
    try {
      readSafetensors(bytes, { file: 'model.safetensors' })
    } catch (error) {
      said = `${(error as Error).name} ${(error as Error).message}`
    }
    expect(said).toContain('CheckpointError model.safetensors: ')
    expect(said).toContain(text)
    expect(said.length).toBeLessThan(400)
    expect(memory().buffers).toBe(buffers)
  })

  it('is refused or whole at every byte cut off and at every byte changed', () => {
    const whole = decode(golden.files.find((f) => f.title === 'the order of dtypes and names')!.file)
    const outcome = (bytes: Uint8Array): string => {
      try {
        readSafetensors(bytes)
        return 'read'
      } catch (error) {
        return (error as Error).name
      }
    }
    for (let n = 0; n < whole.length; n++) expect(outcome(whole.subarray(0, n))).toBe('CheckpointError')
    for (let at = 0; at < whole.length; at++) {
      const changed = whole.slice()
      changed[at] ^= 1 << (at % 8)
      expect(['read', 'CheckpointError']).toContain(outcome(changed))
    }
  })
})

describe('writeSafetensors', () => {
  it.each([
    [
      'a name twice',
      [
        ['w', tensor([1])],
        ['w', tensor([2])],
      ] as const,
      'the name "w" is given twice',
    ],
    ['the name of the metadata', [['__metadata__', tensor([1])]] as const, 'no tensor can be called'],
    ['half a surrogate pair', [['\ud800', tensor([1])]] as const, 'not a string that UTF-8 can hold'],
  ])('refuses %s', (_, tensors, text) => {
    expect(() => writeSafetensors(tensors)).toThrow(text)
  })

  it('writes views as their elements', () => {
    const t = tensor([
      [1, 2],
      [3, 4],
    ]).t()
    expect(
      readSafetensors(writeSafetensors([['t', t]]))
        .tensors.get('t')!
        .toArray(),
    ).toEqual([
      [1, 3],
      [2, 4],
    ])
  })
})
