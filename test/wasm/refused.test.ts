// Workers that cannot be started: the caller computes everything, and the reason is told.
import { describe, expect, it, vi } from 'vitest'
import type { StartThread } from '../../src/tensor/backends/wasm/pool.js'

/** Modules of their own for each test, since a refusal is remembered. */
async function fresh() {
  vi.resetModules()
  const { compile, instantiate } = await import('../../src/tensor/backends/wasm/module.js')
  const { Pool, threadsLack } = await import('../../src/tensor/backends/wasm/pool.js')
  const { Storage } = await import('../../src/tensor/storage.js')

  /** Fills 4000 words in ten chunks: whether all were filled. */
  function fills(start: StartThread): boolean {
    const pool = new Pool(instantiate('strict')!, compile('strict')!, () => 2, start)
    const data = new Storage('int32', 4000).data.fill(0)
    const args = [data.byteOffset, 7, 400]
    pool.run({ fn: 'fill', args, steps: { 0: 1600 }, countAt: 2, total: 4000, chunk: 400 })
    return data.every((x) => x === 7)
  }
  return { fills, threadsLack }
}

describe('workers that do not start', () => {
  it('are no error where the start throws', async () => {
    const { fills, threadsLack } = await fresh()
    expect(threadsLack()).toBeNull()
    const start = () => {
      throw new Error('not allowed here')
    }
    expect(fills(start)).toBe(true)
    expect(threadsLack()).toContain('not allowed here')
  })

  it('are no error where the failure is told later, before any came up', async () => {
    const { fills, threadsLack } = await fresh()
    let ended = 0
    let tell = (_?: unknown) => {}
    const start: StartThread = (_, gone) => {
      tell = gone
      return { terminate: () => ended++ }
    }
    expect(fills(start)).toBe(true)
    expect(threadsLack()).toBeNull()
    tell('blocked')
    expect(threadsLack()).toContain('blocked')
    expect(ended).toBe(1)
  })

  it('a thread that ends without an error may start again', async () => {
    const { fills, threadsLack } = await fresh()
    expect(
      fills((_, gone) => {
        queueMicrotask(() => gone())
        return { terminate: () => {} }
      }),
    ).toBe(true)
    await Promise.resolve()
    expect(threadsLack()).toBeNull()
  })
})
