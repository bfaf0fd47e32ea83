// What can be imported has a comment, and what its signatures name can be imported as well. The second is not so yet: the number
// may only fall.
import { describe, expect, it } from 'vitest'
import { readSurface } from './surface.js'

/** Types that a public signature names and no entry exports. Take one off when you export one. */
const UNEXPORTED = 148

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
}, 120_000)
