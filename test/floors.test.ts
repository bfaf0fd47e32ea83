// The house rules that a machine can hold: floors, file sizes, and words that do not belong in the sources.
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { importsOf, readHouse, src } from './house/read.js'
import { circles, crowded, floorOf, floors, long, upward } from './house/rules.js'

const files = readHouse()

/** How many files stand side by side in a folder, and lines in a file, at most. */
const SIDE_BY_SIDE = 20
const LINES = 400

/** What may break those two, each with a reason. */
const allowed: readonly string[] = []

/** What importing an entry loads at once, each with its text; types are gone by then. */
function reached(entry: string, seen = new Map<string, string>()): Map<string, string> {
  if (seen.has(entry)) return seen
  const text = readFileSync(join(src, entry), 'utf8')
  seen.set(entry, text)
  for (const from of imported(text))
    if (from.startsWith('.')) reached(join(dirname(entry), from.replace(/\.js$/, '.ts')), seen)
  return seen
}

/** Modules that a file imports or exports values from. */
function imported(text: string): string[] {
  const statements = text.matchAll(/^(?:import|export)\s+(?!type\s)(?:([^'"]*?)\s+from\s+)?'([^']+)'/gm)
  // Braces that hold nothing but types leave nothing to load.
  const typesOnly = (names = 'x') =>
    /^\{/.test(names) &&
    names
      .replace(/[{}]/g, '')
      .split(',')
      .every((n) => /^\s*(type\s.*)?$/s.test(n))
  return Array.from(statements).flatMap(([, names, from]) => (typesOnly(names) ? [] : [from]))
}

describe('entries for browsers', () => {
  it.each([
    'index.ts',
    'distill/index.ts',
    'distill/worker/index.ts',
    'report/index.ts',
    'files/models/index.ts',
    'files/models/browser.ts',
    'train/outputs/index.ts',
    'formats/safetensors/index.ts',
    'text/index.ts',
  ])('%s loads nothing of Node, and no package but the tokenizers', (entry) => {
    const files = [...reached(entry)].filter(([name]) => !name.endsWith('generated.ts'))
    expect(files.length).toBeGreaterThan(5)
    const foreign = files.flatMap(([name, text]) =>
      imported(text).flatMap((from) => (from.startsWith('.') ? [] : [`${name} imports ${from}`])),
    )
    expect(foreign.filter((line) => !line.endsWith('@huggingface/tokenizers'))).toEqual([])
  })
})

describe('the house', () => {
  it('is read', () => {
    expect(files.length).toBeGreaterThan(250)
    expect(new Set(files.map(({ path }) => path.split('/')[0]))).toEqual(
      new Set([...floors, 'errors.ts', 'index.ts', 'version.ts']),
    )
  })

  it('has no arrow upwards', () => {
    expect(upward(files)).toEqual([])
  })

  it('has no circle', () => {
    expect(circles(files)).toEqual([])
  })

  it('has no crowded folder and no long file', () => {
    const found = [...crowded(files, SIDE_BY_SIDE), ...long(files, LINES)]
    expect(found.filter((line) => !allowed.includes(line))).toEqual([])
  })
})

describe('the rules find', () => {
  const file = (path: string, text = '') => ({ path, imports: importsOf(path, text), lines: 1 })

  it('an import from a floor above, of a value, a type, later, or handed on', () => {
    const ways = [
      "import { fit } from '../train/trainer.js'",
      "import type { FitResult } from '../train/reports.js'",
      "export { fit } from '../train/trainer.js'",
      "export const later = () => import('../train/trainer.js')",
      "export type Later = import('../train/trainer.js').FitOptions",
    ]
    for (const way of ways)
      expect(upward([...files, file('nn/planted.ts', way)]), way).toEqual([
        expect.stringMatching(/^nn\/planted\.ts imports train\//),
      ])
  })

  it('a circle, of types alone too', () => {
    // The tensor floor's last file is imported by everything: an import back closes a circle.
    const planted = files.map((f) =>
      f.path === 'tensor/shape.ts' ? { ...f, imports: [...f.imports, 'tensor/tensor.ts'] } : f,
    )
    expect(circles(planted)).toEqual([expect.stringContaining('tensor/shape.ts')])
    const pair = [
      file('nn/one.ts', "import type { Two } from './two.js'"),
      file('nn/two.ts', "import { one } from './one.js'"),
    ]
    expect(circles([...files, ...pair])).toEqual(['nn/one.ts, nn/two.ts'])
    expect(circles([file('nn/self.ts', "import { me } from './self.js'")])).toEqual(['nn/self.ts'])
  })

  it('the 21st file of a folder, and the 401st line of a file', () => {
    const many = Array.from({ length: 21 }, (_, i) => file(`planted/${i}.ts`))
    expect(crowded([...files, ...many.slice(1)], SIDE_BY_SIDE)).toEqual([])
    expect(crowded([...files, ...many], SIDE_BY_SIDE)).toEqual(['planted has 21 files'])
    expect(long([{ path: 'nn/planted.ts', lines: 400 }], LINES)).toEqual([])
    expect(long([{ path: 'nn/planted.ts', lines: 401 }], LINES)).toEqual(['nn/planted.ts has 401 lines'])
  })

  it('no floor for what is on none', () => {
    expect(floorOf('errors.ts')).toBe(-1)
    expect(floorOf('nnx/module.ts')).toBe(-1)
  })
})

describe('sources', () => {
  it.each(files)('$path keeps the house rules', ({ path, text }) => {
    const foreign = /from 'node:/.test(text) && !/^(files|cli)\//.test(path)
    expect(foreign, 'node: import outside files and cli').toBe(false)
    const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
    expect(code).not.toMatch(/export default|: any\b|<any>|Math\.random|Date\.now|Math\.(exp|log|tanh|pow)\(/)
  })
})
