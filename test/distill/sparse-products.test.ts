// Cosines of words against their spelling by dense rows.
import { describe, expect, it } from 'vitest'
import { cosinesOf, foundRows, neighbours, type Vectors } from '../../src/train/embedding/vectors.js'
import { Tfidf } from '../../src/train/linear/tfidf.js'

const words = 'red green blue small large old new cat dog bird'.split(' ')
const text = (i: number) =>
  [i % 10, (i * 3 + 1) % 10, (i * 7 + 2) % 10].map((k) => words[k]).join(' ') + (i % 4 === 0 ? ' x' : '')
const a = Array.from({ length: 30 }, (_, i) => text(i))
const b = a.map((t, i) => `${t} ${words[(i * i) % 10]}`)
// Words that no other text has: a row without entries.
const unknown = [...a.slice(0, 29), 'zzz']

describe('rows of TF-IDF', () => {
  const tfidf = Tfidf.fit(a, null, { minDf: 1 })
  const dense = (texts: readonly string[]): Vectors => {
    const { starts, columns, values, width } = tfidf.transform(texts)
    const out = new Float32Array(texts.length * width)
    for (let r = 0; r < texts.length; r++)
      for (let i = starts[r]; i < starts[r + 1]; i++) out[r * width + columns[i]] = values[i]
    return { values: out, size: width }
  }

  it('have the cosines of dense ones', () => {
    const own = cosinesOf(tfidf.transform(unknown), tfidf.transform(b))
    const wanted = cosinesOf(dense(unknown), dense(b))
    own.forEach((x, i) => {
      expect(x).toBeCloseTo(wanted[i], 6)
    })
    expect(own[29]).toBe(0)
  })

  it('have their neighbours, and find the same partners', () => {
    const [own, wanted] = [neighbours(tfidf.transform(b), 3), neighbours(dense(b), 3)]
    const near = cosinesOfAll(dense(b))
    own.forEach((row, i) => {
      // Equals may change places by a rounding.
      row.forEach((j, k) => {
        expect(near(i, j)).toBeCloseTo(near(i, wanted[i][k]), 5)
      })
    })
    const found = foundRows(tfidf.transform(b), tfidf.transform(a))
    expect(found.reduce((s, x) => s + x, 0)).toBeGreaterThan(5)
  })
})

const cosinesOfAll =
  ({ values, size }: Vectors) =>
  (i: number, j: number) => {
    const row = (r: number) => values.subarray(r * size, (r + 1) * size)
    const dot = (p: Float32Array, q: Float32Array) => p.reduce((s, x, k) => s + x * q[k], 0)
    return dot(row(i), row(j)) / Math.sqrt(dot(row(i), row(i)) * dot(row(j), row(j)))
  }
