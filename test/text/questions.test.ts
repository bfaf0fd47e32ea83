// Questions and their texts: windows and places held to transformers.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import '../../src/index.js'
import { loadTokenizer } from '../../src/files/models/on-disk.js'
import type { PiecedTokenizer } from '../../src/text/pieces/base.js'
import { placing } from '../../src/text/questions/placed-pieces.js'
import { windowsOf } from '../../src/text/questions/windows.js'

const golden = join(import.meta.dirname, '../golden')
type GoldenWindow = [ids: number[], types: number[], first: number, last: number, offsets: [number, number][], place: number[]]
type WindowCase = [question: string, context: string, answer: string, begin: number, most: number, stride: number, windows: GoldenWindow[]]
const cases = JSON.parse(readFileSync(join(golden, 'qa/cases.json'), 'utf8')) as {
  windows: Record<string, WindowCase[]>
}

describe('windows', () => {
  it.each(Object.keys(cases.windows))('%s: ids, types and places are those of transformers', (name) => {
    const tokenizer = loadTokenizer(join(golden, name)) as PiecedTokenizer
    const place = placing(tokenizer)
    for (const [question, context, , , maxLength, docStride, windows] of cases.windows[name]) {
      // Python counts code points.
      const units = [...context].reduce((own, char) => [...own, own[own.length - 1] + char.length], [0])
      const tokens = place(context)
      expect([...tokens.ids], context).toEqual([...tokenizer.pieces(context)])
      const own = windowsOf(tokenizer, tokenizer.pieces(question), tokens, { maxLength, docStride })
      expect(
        own.map(({ ids, typeIds, first, length, from }) => [
          ...[[...ids], [...typeIds], first, first + length - 1],
          Array.from({ length }, (_, i) => [tokens.starts[from + i], tokens.ends[from + i]]),
        ]),
        `${context} ${maxLength}`,
      ).toEqual(
        windows.map(([ids, types, first, last, offsets]) => [
          ...[ids, types, first, last],
          offsets.map((pair) => pair.map((at) => units[at])),
        ]),
      )
    }
  })
})
