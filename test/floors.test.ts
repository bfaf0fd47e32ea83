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
