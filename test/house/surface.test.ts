// What can be imported has a comment, and what its signatures name can be imported as well. The second is not so yet: the number
// may only fall.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { entries, kept, readSurface, typed } from './surface.js'

/** Types that a public signature names and no entry exports. Take one off when you export one. */
const UNEXPORTED = 145

describe('the public surface', () => {
  const { exported, uncommented, unexported } = readSurface()

  it('is read', () => {
    expect(exported).toBeGreaterThan(500)
  })

  it('has no type without a comment', () => {
    expect(uncommented).toEqual([])
  })

  it('names no more types that cannot be imported than it did', () => {
    expect(unexported.length, unexported.join('\n')).toBeLessThanOrEqual(UNEXPORTED)
  })
})

describe('the entries of package.json', () => {
  it.each(entries)(
    '$name ($path) keep what they load for its effect, where a bundler drops what is not used',
    ({ name, path }) => {
      const text = readFileSync(join(import.meta.dirname, '../..', path), 'utf8')
      const built = `./${path.replace('src/', 'dist/').replace('.ts', '.js')}`
      expect(kept.includes(built), built).toBe(/^import '/m.test(text))
      if (name !== '') expect(typed).toContain(name)
    },
  )
})
