// What happens to files on their way, whatever is in them: bytes lost, doubled and turned, and texts in other encodings.
import type { Dice } from '../io/mutants.js'

export const pick = <T>(roll: Dice, from: readonly T[]): T => from[roll(from.length)]

/** Texts that objects, terminals, paths and encodings trip over. */
export const hostileTexts: readonly string[] = [
  ...['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '', ' ', '\t'],
  ...[
    '../x',
    '../../etc/passwd',
    '/etc/passwd',
    'C:\\x',
    'a/../../b',
    '..\\x',
    'file:///etc/passwd',
    '%2e%2e%2fx',
  ],
  ...[
    '\0',
    'a\0b',
    '\u001b[2J',
    '\u202eabc',
    '\u2028',
    '\ufeff',
    '\u{1f600}',
    '\uffff',
    'a\nb',
    'a\r\nb',
    '\u0085',
  ],
  ...['"', "'", '\\', ',', '""', 'é', 'e\u0301', 'NaN', '-1', '1e308', '$(x)', 'x'.repeat(3000)],
]

/** A blow gives other bytes and leaves its own alone. */
type Blow = (bytes: Uint8Array, roll: Dice) => Uint8Array

function spliced(bytes: Uint8Array, at: number, less: number, more: Uint8Array): Uint8Array {
  const end = Math.min(bytes.length, at + less)
  const out = new Uint8Array(bytes.length - (end - at) + more.length)
  out.set(bytes.subarray(0, at))
  out.set(more, at)
  out.set(bytes.subarray(end), at + more.length)
  return out
}

const utf8 = (text: string) => new TextEncoder().encode(text)
const MARKS = '{}[]:,"\\0123456789eE.-+ \n\r\t\0\x7f\'#&*!|>%@'

/** Ends a line otherwise. */
const ending =
  (other: string): Blow =>
  (bytes) =>
    utf8(Buffer.from(bytes).toString('utf8').replace(/\r?\n/g, other))

const blows: readonly Blow[] = [
  (bytes, roll) => bytes.slice(0, roll(bytes.length + 1)),
  (bytes, roll) => spliced(bytes, roll(bytes.length + 1), 1 + roll(8), new Uint8Array(0)),
  (bytes, roll) =>
    spliced(
      bytes,
      roll(bytes.length + 1),
      0,
      Uint8Array.from({ length: 1 + roll(6) }, () => roll(256)),
    ),
  (bytes, roll) => {
    const from = roll(bytes.length + 1)
    return spliced(bytes, roll(bytes.length + 1), 0, bytes.slice(from, from + roll(60)))
  },
  (bytes, roll) => {
    const out = bytes.slice()
    for (let n = 1 + roll(4); n > 0 && out.length > 0; n--) out[roll(out.length)] ^= 1 << roll(8)
    return out
  },
  (bytes, roll) => {
    const out = bytes.slice()
    for (let n = 1 + roll(2); n > 0 && out.length > 0; n--)
      out[roll(out.length)] = MARKS.charCodeAt(roll(MARKS.length))
    return out
  },
  (bytes, roll) => spliced(bytes, roll(bytes.length + 1), 0, utf8(pick(roll, hostileTexts))),
  (bytes, roll) =>
    spliced(bytes, roll(bytes.length + 1), 0, utf8(MARKS[roll(MARKS.length)].repeat(1 + roll(300)))),
  // A byte order mark, half of one, and what UTF-8 does not allow: overlong, surrogates, beyond the last code point.
  (bytes) => spliced(bytes, 0, 0, Uint8Array.of(0xef, 0xbb, 0xbf)),
  (bytes) => spliced(bytes, 0, 0, Uint8Array.of(0xef, 0xbb)),
  (bytes, roll) => {
    const bad = [[0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xff], [0x80], [0xe2, 0x82]]
    return spliced(bytes, roll(bytes.length + 1), 0, Uint8Array.from(pick(roll, bad)))
  },
  (bytes) => new Uint8Array(Buffer.from(Buffer.from(bytes).toString('utf8'), 'utf16le')),
  (bytes) => new Uint8Array(Buffer.from(`${Buffer.from(bytes).toString('utf8')}é`, 'latin1')),
  ending('\r\n'),
  ending('\r'),
  ending('\n\n'),
  () => new Uint8Array(0),
]

/** One blow, or two. */
export function struck(bytes: Uint8Array, roll: Dice): Uint8Array {
  const once = pick(roll, blows)(bytes, roll)
  return roll(4) === 0 ? pick(roll, blows)(once, roll) : once
}
