// Threefry-2x32-20 against Random123's known answers (kat_vectors), and what is built on it.
import { describe, expect, it } from 'vitest'
import { fold, keyOf, normalQuantile, permutation, threefry, uniformAt, words } from '../../src/tensor/rng.js'

describe('threefry', () => {
  it.each([
    [
      [0, 0],
      [0, 0],
      [0x6b200159, 0x99ba4efe],
    ],
    [
      [0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x1cb996fc, 0xbb002be7],
    ],
    [
      [0x13198a2e, 0x03707344],
      [0x243f6a88, 0x85a308d3],
      [0xc4923a9c, 0x483df7a0],
    ],
  ])('key %j, counter %j', ([k0, k1], [c0, c1], expected) => {
    const out = new Uint32Array(2)
    threefry(k0, k1, c0, c1, out)
    expect([...out]).toEqual(expected)
  })
})

describe('streams', () => {
  it('are functions of the key and the place', () => {
    expect(words(keyOf(1), 5)).toEqual(words(keyOf(1), 8).subarray(0, 5))
    expect(keyOf(1, 'a', 2)).toEqual(fold(fold(keyOf(1), 'a'), 2))
    expect(keyOf(1, 0)).not.toEqual(keyOf(1, 1))
  })

  it('are uniform', () => {
    const n = 20_000
    const counts = new Array<number>(10).fill(0)
    for (let i = 0; i < n; i++) counts[Math.floor(uniformAt(keyOf(3), i) * 10)]++
    const chi2 = counts.reduce((s, c) => s + (c - n / 10) ** 2 / (n / 10), 0)
    // 99.9% point of chi-squared with 9 degrees of freedom.
    expect(chi2).toBeLessThan(27.9)
  })

  it('permute every element once', () => {
    expect([...permutation(keyOf(2), 50)].sort((a, b) => a - b)).toEqual([...Array(50).keys()])
  })
})

describe('normalQuantile', () => {
  it.each([
    [0.5, 0],
    [0.975, 1.959963984540054],
    [0.001, -3.090232306167813],
    [1e-10, -6.361340902404056],
  ])('of %d', (p, x) => {
    expect(Math.abs(normalQuantile(p) - x)).toBeLessThan(1e-13 * Math.max(1, Math.abs(x)))
  })
})
