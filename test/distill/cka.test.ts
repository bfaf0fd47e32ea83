// Similarity of layers: what numpy gives, and what it must not depend on.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { centredGram, linearCka } from '../../src/report/insights/cka.js'

const [ROWS, WIDE] = [8, 5]
const cka = (x: number[], y: number[], rows = ROWS) => linearCka(centredGram(x, rows), centredGram(y, rows))
const table = (rows: number, width: number, f: (i: number, j: number) => number) =>
  Array.from({ length: rows * width }, (_, at) => f(Math.floor(at / width), at % width))
const X = table(ROWS, 3, (i, j) => (i * 7 + j * 3) % 11)
const Y = table(ROWS, WIDE, (i, j) => (i * 5 + j * j * 2 + 1) % 7)

/** The paper's formula on features: |Y^T X|^2 / (|X^T X| |Y^T Y|). */
function plain(x: number[], y: number[], rows: number): number {
  const columns = (values: number[]) => {
    const width = values.length / rows
    return Array.from({ length: width }, (_, c) => {
      const own = Array.from({ length: rows }, (_, r) => values[r * width + c])
      const mean = own.reduce((a, b) => a + b, 0) / rows
      return own.map((v) => v - mean)
    })
  }
  const square = (a: number[][], b: number[][]) =>
    a.flatMap((p) => b.map((q) => p.reduce((s, v, i) => s + v * q[i], 0) ** 2)).reduce((s, v) => s + v, 0)
  const [p, q] = [columns(x), columns(y)]
  return square(p, q) / Math.sqrt(square(p, p) * square(q, q))
}

const matrix = fc.array(fc.double({ min: -9, max: 9, noNaN: true }), {
  minLength: ROWS * WIDE,
  maxLength: ROWS * WIDE,
})

describe('linearCka', () => {
  it('is what floats of Python give', () => {
    expect(cka(X, Y)).toBeCloseTo(0.2701067269313534, 13)
  })

  it('is the formula on features', () => {
    fc.assert(
      fc.property(matrix, matrix, (x, y) => {
        const want = plain(x, y, ROWS)
        if (Number.isFinite(want)) expect(cka(x, y)).toBeCloseTo(want, 10)
      }),
    )
  })

  it('is 1 for itself, turned, scaled and moved', () => {
    const [s, c] = [Math.sin(0.7), Math.cos(0.7)]
    const moved = table(ROWS, 3, (i, j) => {
      const [a, b, z] = X.slice(i * 3, i * 3 + 3)
      return -2.5 * [c * a - s * b, s * a + c * b, z][j] + 100 * j
    })
    expect(cka(X, X)).toBeCloseTo(1, 14)
    expect(cka(X, moved)).toBeCloseTo(1, 12)
    expect(cka(moved, Y)).toBeCloseTo(cka(X, Y), 12)
  })

  it('sees columns that are stretched apart', () => {
    const stretched = X.map((v, i) => (i % 3 === 0 ? 10 * v : v))
    expect(cka(X, stretched)).toBeLessThan(0.9)
  })

  it('is 0 for what has nothing in common, and not a number for what never changes', () => {
    expect(cka([1, -1, 1, -1], [1, 1, -1, -1], 4)).toBe(0)
    expect(cka([1, 1, 1, 1], [1, 2, 3, 4], 4)).toBeNaN()
  })

  it('refuses other numbers of rows', () => {
    expect(() => linearCka(centredGram(X, ROWS), centredGram(X, 4))).toThrow('8 rows do not go with 4')
    expect(() => centredGram([1, 2, 3], 2)).toThrow('3 values do not fit 2 rows')
  })
})
