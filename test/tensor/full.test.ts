// A shared memory without room: told once, and the numbers go on in ordinary buffers.
import { expect, it } from 'vitest'
import { tidy } from '../../src/autograd/tidy.js'
import { memory, onMemoryFull, Storage } from '../../src/tensor/storage.js'

it('is told once, at the first result outside it', () => {
  let told = 0
  onMemoryFull(() => {
    told++
  })
  tidy(() => {
    // A GiB each, which nobody touches: addresses alone.
    const large = Array.from({ length: 3 }, () => new Storage('float32', 2 ** 28))
    expect([told, large.length]).toEqual([0, 3])
    for (let i = 0; i < 3; i++) new Storage('float32', 2 ** 28)
    expect(told).toBe(1)
    expect(memory().reserved).toBeGreaterThan(3 * 2 ** 30)
  })
})
