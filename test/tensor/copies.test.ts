// Two copies in one process are told of once; the same file loaded anew is no second copy.
import { describe, expect, it, vi } from 'vitest'
import { noticeCopies, ownAddress } from '../../src/tensor/copies.js'

describe('copies', () => {
  it('are told of once, by versions and places', () => {
    const said: string[] = []
    const warn = (line: string) => void said.push(line)
    noticeCopies('/app/other/copies.js:9:9', '9.9.9', warn)
    noticeCopies('/app/other/copies.js:9:9', '9.9.9', warn)
    expect(said).toEqual([
      expect.stringMatching(/^tinystill is loaded twice, .* and 9\.9\.9 from \/app\/other/),
    ])
  })

  it('are not what a test runner loads again', async () => {
    const said = vi.spyOn(console, 'warn')
    vi.resetModules()
    await import('../../src/tensor/copies.js')
    expect(said).not.toHaveBeenCalled()
    said.mockRestore()
  })

  it('know where they are', () => {
    expect(ownAddress()).toMatch(/copies\.(ts|js)$/)
  })
})
