// The house rules that a machine can hold: floors, file sizes, and words that do not belong in the sources.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'

const src = join(import.meta.dirname, '../src')
const files = (readdirSync(src, { recursive: true }) as string[])
  .filter((f) => f.endsWith('.ts') && !f.includes('assembly') && !f.endsWith('generated.ts'))
  .map((f) => ({ name: f, text: readFileSync(join(src, f), 'utf8') }))

const floors = ['tensor', 'autograd', 'nn', 'distill', 'cli']
const floorOf = (path: string) => floors.indexOf(path.split('/')[0])

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
  it.each(['index.ts', 'distill/index.ts', 'models/index.ts', 'safetensors/index.ts', 'text/index.ts'])(
    '%s loads nothing of Node, and no package but the tokenizers',
    (entry) => {
      const files = [...reached(entry)].filter(([name]) => !name.endsWith('generated.ts'))
      expect(files.length).toBeGreaterThan(5)
      const foreign = files.flatMap(([name, text]) =>
        imported(text).flatMap((from) => (from.startsWith('.') ? [] : [`${name} imports ${from}`])),
      )
      expect(foreign.filter((line) => !line.endsWith('@huggingface/tokenizers'))).toEqual([])
    },
  )
})

describe('sources', () => {
  it('are there', () => {
    expect(files.length).toBeGreaterThan(30)
  })

  it.each(files.filter((f) => floorOf(f.name) >= 0))(
    '$name imports only from its own floor and those below',
    ({ name, text }) => {
      const imports = [...text.matchAll(/from '(\.[^']+)'/g)].map((m) =>
        relative(src, join(src, dirname(name), m[1])),
      )
      expect(imports.filter((path) => floorOf(path) > floorOf(name))).toEqual([])
    },
  )

  it.each(files)('$name keeps the house rules', ({ name, text }) => {
    expect(text.split('\n').length).toBeLessThanOrEqual(400)
    const foreign = /from 'node:/.test(text) && !/^(nn\/(io|text)|cli)\//.test(name)
    expect(foreign, 'node: import outside io, text and cli').toBe(false)
    const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
    expect(code).not.toMatch(/export default|: any\b|<any>|Math\.random|Date\.now|Math\.(exp|log|tanh|pow)\(/)
  })
})
