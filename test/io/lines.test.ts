// Lines from chunks cut anywhere.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { linesOf } from '../../src/files/lines.js'

async function* inPieces(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}
const encode = (text: string) => new TextEncoder().encode(text)

async function lines(bytes: Uint8Array, size = 3, maxBytes = 100): Promise<string[]> {
  const all: string[] = []
  for await (const line of linesOf(inPieces(bytes, size), 'input', maxBytes)) all.push(line)
  return all
}

describe('linesOf', () => {
  it.each([
    ['', []],
    ['\n', ['']],
    ['a', ['a']],
    ['a\n', ['a']],
    ['a\r\n\r\nb\rc\n\nd', ['a', '', 'b\rc', '', 'd']],
    ['\ufeffa\n\ufeffb', ['a', '\ufeffb']],
    ['\u20ac\u{1f600}\n\u2028', ['\u20ac\u{1f600}', '\u2028']],
  ])('%j', async (text, wanted) => {
    for (const size of [1, 2, 3, 100]) expect(await lines(encode(text), size)).toEqual(wanted)
  })

  it('does not depend on where chunks are cut', async () => {
    const text = fc
      .array(fc.string({ unit: fc.constantFrom('a', '\n', '\r', '\u20ac', '\u{1f600}') }))
      .map((x) => x.join(''))
    await fc.assert(
      fc.asyncProperty(text, fc.integer({ min: 1, max: 9 }), async (t, size) => {
        // What has CRs alone is refused either way.
        const outcome = (chunk: number) => lines(encode(t), chunk, 10000).catch(String)
        expect(await outcome(size)).toEqual(await outcome(10000))
      }),
    )
  })

  it('names CRs that are the only line ends', async () => {
    for (const size of [1, 100])
      for (const text of ['a\rb', 'a\rb\r', 'a\rb\r\n'])
        await expect(lines(encode(text), size)).rejects.toThrow('input:1: the lines end in CR alone')
    expect(await lines(encode('a\r'))).toEqual(['a'])
  })

  it('names the line that is no UTF-8 and the one that is too long', async () => {
    await expect(lines(Uint8Array.of(97, 10, 0xff, 10))).rejects.toThrow('input:2: is not UTF-8')
    await expect(lines(Uint8Array.of(97, 10, 0xe2, 0x82))).rejects.toThrow('input:2: is not UTF-8')
    await expect(lines(encode(`a\n${'b'.repeat(101)}`))).rejects.toThrow(
      'input:2: the line has more than 100 bytes',
    )
    await expect(lines(encode(`a\n${'b'.repeat(101)}\n`), 1000)).rejects.toThrow(
      'input:2: the line has more than 100 bytes',
    )
  })
})
