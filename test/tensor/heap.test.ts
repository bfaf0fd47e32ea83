// The shared memory under any order of taking and giving back: no two blocks overlap, and it does not grow far beyond use.
import { describe, expect, it } from 'vitest'
import { HEAP_BASE, SharedHeap, sizeClass } from '../../src/tensor/heap.js'

/** Numbers in [0, 1), always the same. */
function* numbers(seed: number): Generator<number> {
  for (let x = seed * 2654435761; ; ) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0
    yield x / 2 ** 32
  }
}

describe('the shared memory', () => {
  it('gives blocks that lie apart, whatever was given back before', () => {
    const heap = new SharedHeap(4096)
    const draw = numbers(1)
    const next = () => draw.next().value as number
    const held = new Map<number, number>()
    for (let i = 0; i < 20_000; i++) {
      if (next() < 0.45 && held.size > 0) {
        const at = [...held.keys()][Math.floor(next() * held.size)]
        held.delete(at)
        heap.free(at)
        continue
      }
      const size = sizeClass(Math.ceil(2 ** (6 + 15 * next())))
      const at = heap.alloc(size)
      if (at < 0) continue
      expect(at % 64).toBe(0)
      expect(at).toBeGreaterThanOrEqual(HEAP_BASE)
      expect(at + size).toBeLessThanOrEqual(heap.bytes)
      held.set(at, size)
      if (i % 500 !== 0) continue
      const sorted = [...held].sort((a, b) => a[0] - b[0])
      for (let k = 1; k < sorted.length; k++)
        expect(sorted[k][0]).toBeGreaterThanOrEqual(sorted[k - 1][0] + sorted[k - 1][1])
    }
    expect(() => heap.free(12345)).toThrow('freed an address that is not allocated: 12345')
  })

  it('does not keep the sum of all sizes that were ever asked for', () => {
    const heap = new SharedHeap(65536)
    // Batches of growing length, as an evaluation has them: each asks for blocks a little larger than the last.
    let most = 0
    for (let length = 64; length < 1024; length += 8) {
      const sizes = Array.from({ length: 40 }, (_, i) => sizeClass(length * 384 * (1 + (i % 4)) * 4))
      const blocks = sizes.map((size) => heap.alloc(size))
      most = Math.max(
        most,
        sizes.reduce((a, b) => a + b),
      )
      for (const at of blocks) heap.free(at)
    }
    expect(heap.bytes).toBeLessThan(1.5 * most + 2 ** 27)
  })

  it('joins free neighbours before it says that it is full', () => {
    const heap = new SharedHeap(64)
    const block = sizeClass(2 ** 18)
    const all: number[] = []
    for (let at = heap.alloc(block); at >= 0; at = heap.alloc(block)) all.push(at)
    expect(all.length).toBeGreaterThan(8)
    expect(heap.alloc(4 * block)).toBe(-1)
    for (const at of all.slice(3, 7)) heap.free(at)
    expect(heap.alloc(4 * block)).toBe(all[3])
    heap.free(all[3])
    // What is left over of a run is free again.
    const [a, b] = [heap.alloc(block), heap.alloc(3 * block)]
    expect([a, b]).toEqual([all[3], all[4]])
    expect(heap.alloc(64)).toBe(-1)
  })
})
