// safetensors files gone wrong, mutant i of a seed always the same: a valid file of a few small tensors, and one thing
// or several done to it. Text fields are JSON, so that a mutation can put anything there.
import { integerAt, keyOf } from '../../src/tensor/rng.js'

/** A whole number in [0, n), another with each call. */
export type Dice = (n: number) => number

export function dice(seed: number, ...places: (number | string)[]): Dice {
  const key = keyOf(seed, ...places)
  let i = 0
  return (n) => integerAt(key, i++, n)
}

const pick = <T>(roll: Dice, from: readonly T[]): T => from[roll(from.length)]

interface Part {
  name: string
  dtype: string
  shape: string
  begin: number
  end: number
  /** In place of the two numbers. */
  offsets?: string
  /** After the three fields, with its comma. */
  extra?: string
}

interface Draft {
  metadata: string | null
  parts: Part[]
  data: number[]
  /** Changes the header's text. */
  edit?: (text: string) => string
  /** Added to the length that the file claims. */
  lie?: bigint
}

const widths: Record<string, number> = { F64: 8, I64: 8, F32: 4, I32: 4, F16: 2, BF16: 2, U8: 1, BOOL: 1 }

/** Names that objects, terminals, paths and encodings trip over; as JSON. */
const hostile = [
  ...['__proto__', 'constructor', 'toString', '', ' ', '../../etc/passwd', '/abs', 'C:\\x', '__metadata__'],
  ...['\u0000', '\u001b[2J', '\u202eabc', 'é', '\u2028', '\u{1f600}', '\uffff', '\ud7ff', 'x'.repeat(5000)],
  ...['__metadata_', '1', '01', '"', '\\', '\u007f', 'a\nb', 'weight'],
].map((name) => JSON.stringify(name))

function plain(roll: Dice): Draft {
  const data: number[] = []
  const used = new Set<string>()
  const parts = Array.from({ length: roll(20) === 0 ? 0 : 1 + roll(5) }, (_, i): Part => {
    const dtype = pick(roll, Object.keys(widths))
    const shape = Array.from({ length: roll(4) }, () => roll(5))
    const begin = data.length
    const n = shape.reduce((a, b) => a * b, 1)
    for (let j = 0; j < n; j++) {
      // I64 that fits int32, and booleans: else most files would be refused for their values.
      if (dtype === 'I64') data.push(roll(256), 0, 0, 0, 0, 0, 0, 0)
      else for (let b = 0; b < widths[dtype]; b++) data.push(dtype === 'BOOL' ? roll(2) : roll(256))
    }
    const awkward = pick(roll, hostile)
    const name = roll(4) > 0 || used.has(awkward) ? JSON.stringify(`layer.${i}.weight`) : awkward
    used.add(name)
    return { name, dtype: JSON.stringify(dtype), shape: `[${shape}]`, begin, end: data.length }
  })
  const metadata = roll(2) === 0 ? null : `{"format":"pt"${roll(3) === 0 ? ',"__proto__":"x","":""' : ''}}`
  return { metadata, parts, data }
}

function render({ metadata, parts, data, edit, lie = 0n }: Draft): number[] {
  const fields = parts.map(
    ({ name, dtype, shape, begin, end, offsets = `[${begin},${end}]`, extra = '' }) =>
      `${name}:{"dtype":${dtype},"shape":${shape},"data_offsets":${offsets}${extra}}`,
  )
  if (metadata !== null) fields.unshift(`"__metadata__":${metadata}`)
  const text = `{${fields.join(',')}}`
  const header = new TextEncoder().encode(edit ? edit(text) : text)
  const claimed = BigInt.asUintN(64, BigInt(header.length) + lie)
  return [...new Uint8Array(BigUint64Array.of(claimed).buffer), ...header, ...data]
}

const sizes = (p: Part): number[] => (p.shape.match(/\d+/g) ?? []).map(Number)

type Change = (draft: Draft, roll: Dice) => void
/** Changes one of the parts, where there is one. */
const part =
  (change: (part: Part, roll: Dice, draft: Draft) => void): Change =>
  (draft, roll) => {
    if (draft.parts.length > 0) change(pick(roll, draft.parts), roll, draft)
  }

const numbers = ['-1', '1.0', '1.5', '1e0', '-0', '0', '00', '+1', '"1"', 'null', 'true', '[]', '{}', 'NaN']
const huge = ['9007199254740992', '18446744073709551615', '18446744073709551616', '4294967296', '1e400']
const values = [...numbers, ...huge, '1'.repeat(400)]

const changes: Record<string, Change> = {
  nothing: () => {},
  'metadata that are no strings': (draft, roll) => {
    const value = pick(roll, ['1', 'null', 'true', '[]', '{}', '{"a":"b"}', '1.5', '["a"]'])
    draft.metadata = pick(roll, [value, `{"a":${value}}`, `{"a":"b","c":${value}}`])
  },
  'metadata twice': (draft, roll) => {
    draft.metadata = pick(roll, [
      '{"a":"b","a":"c"}',
      '{"a":"b"},"__metadata__":{"a":"b"}',
      '{"\\ud800":"x"}',
    ])
  },
  hole: (draft, roll) => {
    const at = roll(draft.parts.length + 1)
    const gap = 1 + roll(9)
    for (const p of draft.parts.slice(at)) {
      p.begin += gap
      p.end += gap
    }
    if (roll(2) === 0) draft.data.push(...new Array<number>(gap).fill(0))
  },
  overlap: part((p, roll) => {
    const by = 1 + roll(Math.max(1, p.begin))
    p.begin -= by
    if (roll(2) === 0) p.end -= by
  }),
  'the same place twice': part((p, roll, draft) => {
    draft.parts.push({ ...p, name: JSON.stringify(`copy.${roll(10)}`) })
  }),
  'shape lie': part((p, roll) => {
    const dims = sizes(p).map(String)
    const at = roll(dims.length + 1)
    const way = roll(3)
    if (way === 0) dims.splice(at, 1)
    else dims.splice(at, roll(2), pick(roll, [...values, String(roll(9))]))
    p.shape = way === 1 ? pick(roll, values) : `[${dims}]`
  }),
  'shape of the same size': part((p, roll) => {
    const dims = sizes(p)
    const n = dims.reduce((a, b) => a * b, 1)
    p.shape = pick(roll, [`[${n}]`, `[1,${n},1]`, `[${n},1]`, `[${new Array(70).fill(1)},${n}]`])
  }),
  'zero beside a huge size': part((p, roll, draft) => {
    p.shape = pick(roll, ['[0,18446744073709551615]', '[9007199254740991,0]', '[4294967296,4294967296,0]'])
    draft.parts.length = 0
    draft.parts.push({ ...p, begin: 0, end: 0 })
    draft.data.length = 0
  }),
  'a product that wraps': part((p, roll) => {
    p.shape = pick(roll, [
      '[4294967296,4294967296]',
      '[9223372036854775808,2]',
      '[2305843009213693952,8]',
      `[${new Array(64).fill(2)}]`,
    ])
    p.end = p.begin
  }),
  'offset lie': part((p, roll) => {
    const by = pick(roll, [-8, -4, -1, 1, 4, 8, 1000, 2 ** 40])
    if (roll(2) === 0) p.begin = Math.max(0, p.begin + by)
    else p.end = Math.max(0, p.end + by)
  }),
  'offsets of another kind': part((p, roll) => {
    const [a, b] = [p.begin, p.end]
    const other = [`[${b},${a}]`, `[${a}]`, `[${a},${b},${b}]`, '[]', 'null', `"${a},${b}"`, `[${a},${b}.0]`]
    p.offsets = pick(roll, [...other, `[${a},${pick(roll, values)}]`, `{"begin":${a},"end":${b}}`])
  }),
  'a name twice': part((p, roll, draft) => {
    const spelt =
      p.name.length > 2
        ? `"\\u${p.name.charCodeAt(1).toString(16).padStart(4, '0')}${p.name.slice(2)}`
        : p.name
    const copy = { ...p, name: pick(roll, [p.name, p.name[1] === '\\' ? p.name : spelt]) }
    if (roll(2) === 0) draft.parts.push(copy)
    else draft.parts.splice(draft.parts.indexOf(p), 1, copy, p)
  }),
  'a hostile name': part((p, roll) => {
    p.name = pick(roll, [
      ...hostile,
      '"\\ud800"',
      '"\\udc00\\ud800"',
      '"\\x"',
      "'a'",
      'a',
      '"a\tb"',
      '1',
      '"\\u00"',
    ])
  }),
  'another dtype': part((p, roll) => {
    const known = ['U16', 'I16', 'U32', 'U64', 'I8', 'F8_E4M3', 'F8_E5M2', 'C64', 'F4', 'F8_E8M0']
    const none = ['f32', 'F33', 'constructor', '__proto__', '', 'F32 ', 'float32']
    p.dtype = pick(
      roll,
      [...Object.keys(widths), ...known, ...none].map((d) => JSON.stringify(d)).concat(values),
    )
  }),
  'a field more': part((p, roll) => {
    p.extra = pick(roll, [
      ',"stride":[1]',
      ',"dtype":"F32"',
      ',"shape":[]',
      ',"__proto__":{}',
      ',"":null',
      ',',
    ])
  }),
  'a field less': (draft, roll) => {
    const field = pick(roll, [/"dtype":[^,]*,/, /"shape":\[[^\]]*\],/, /,"data_offsets":\[[^\]]*\]/])
    draft.edit = (text) => text.replace(field, '')
  },
  'the header in other words': (draft, roll) => {
    const edits: ((text: string) => string)[] = [
      (text) => ` ${text}`,
      (text) => `${text}   `,
      (text) => `${text}\n\t\r `,
      (text) => `${text}\u00a0`,
      (text) => `${text}\0`,
      (text) => `\ufeff${text}`,
      (text) => `${text}${text}`,
      (text) => `${text}//`,
      (text) => text.replace(/}$/, ',}'),
      (text) => text.replaceAll('"', "'"),
      (text) => text.replaceAll(',', ' ,\n '),
      (text) => text.replaceAll(':', ' : '),
      (text) => text.replaceAll('[', '[ '),
      (text) => text.replace('}', ''),
      (text) => `[${text}]`,
      (text) => text.slice(0, roll(text.length + 1)),
      (text) => text.toUpperCase(),
      () => pick(roll, ['', '{', '{}', '[]', 'null', '""', '0', '{"a"', '{"a":', '{"__metadata__":{}}']),
    ]
    draft.edit = pick(roll, edits)
  },
  'a huge header': (draft, roll) => {
    const n = 1000 + roll(20000)
    draft.edit = pick(roll, [
      (text: string) => text + ' '.repeat(n),
      () => `{"a":${'['.repeat(n)}`,
      () => `{"a":${'{"a":'.repeat(n)}`,
      () => `{"a":{"dtype":"U8","shape":[${'0,'.repeat(n)}0],"data_offsets":[0,0]}}`,
      () => `{"__metadata__":{"a":"${'\\u0041'.repeat(n)}"}}`,
      (text: string) =>
        text.replace('{', `{"__metadata__":{${Array.from({ length: n >> 4 }, (_, i) => `"${i}":""`)}},`),
      () => `{"a":${'9'.repeat(n)}}`,
      () => `{"${'\\'.repeat(n)}`,
    ])
  },
  'a lie about the header': (draft, roll) => {
    draft.lie = pick(roll, [
      -1n,
      1n,
      8n,
      -8n,
      1000n,
      1n << 24n,
      100000000n,
      1n << 32n,
      1n << 53n,
      1n << 63n,
      -(1n << 62n),
    ])
  },
  'another order': (draft, roll) => {
    for (const i of draft.parts.keys()) draft.parts.push(...draft.parts.splice(i * roll(2), 1))
  },
  'an empty tensor anywhere': (draft, roll) => {
    const at = pick(roll, [0, draft.data.length, roll(draft.data.length + 9)])
    draft.parts.push({ name: '"empty"', dtype: '"F32"', shape: '[0,3]', begin: at, end: at })
  },
}

/** Changes the bytes, and may do so in place. */
type Blow = (bytes: number[], roll: Dice) => number[]
const blows: Record<string, Blow> = {
  'bytes appended': (bytes, roll) => bytes.concat(Array.from({ length: 1 + roll(16) }, () => roll(256))),
  'bytes cut off': (bytes, roll) => bytes.slice(0, roll(bytes.length + 1)),
  'bytes in between': (bytes, roll) => {
    const more = Array.from({ length: 1 + roll(8) }, () => roll(256))
    return bytes.toSpliced(roll(bytes.length + 1), 0, ...more)
  },
  'bytes left out': (bytes, roll) => bytes.toSpliced(roll(bytes.length), 1 + roll(8)),
  'bits flipped': (bytes, roll) => {
    for (let n = 1 + roll(8); n > 0 && bytes.length > 0; n--) bytes[roll(bytes.length)] ^= 1 << roll(8)
    return bytes
  },
  'bits of the header flipped': (bytes, roll) => {
    const end = Math.min(bytes.length, 8 + bytes[0] + 256 * bytes[1])
    for (let n = 1 + roll(3); n > 0 && end > 8; n--) bytes[8 + roll(end - 8)] ^= 1 << roll(8)
    return bytes
  },
  'a byte of the header replaced': (bytes, roll) => {
    const end = Math.min(bytes.length, 8 + bytes[0] + 256 * bytes[1])
    if (end > 8) bytes[8 + roll(end - 8)] = '{}[]:,"\\0123456789eE.-+ \n\0\x7f'.charCodeAt(roll(26))
    return bytes
  },
}

const kinds = [...Object.keys(changes), ...Object.keys(blows)]

export interface Mutant {
  /** What was done to it. */
  kind: string
  bytes: Uint8Array
}

/** Mutant number i. */
export function mutant(seed: number, i: number): Mutant {
  return rolled(dice(seed, 'mutant', i))
}

/** One change in most cases, up to three in some. */
export function rolled(roll: Dice): Mutant {
  const draft = plain(roll)
  const done = Array.from({ length: 1 + Math.max(0, roll(6) - 3) }, () => pick(roll, kinds))
  for (const kind of done) if (kind in changes) changes[kind](draft, roll)
  let bytes = render(draft)
  for (const kind of done) if (kind in blows) bytes = blows[kind](bytes, roll)
  return { kind: done.join(' + '), bytes: Uint8Array.from(bytes) }
}
