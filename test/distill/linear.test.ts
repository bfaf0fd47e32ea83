// The linear line against scikit-learn: test/golden/linear.py.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { readWordnet } from '../../src/files/data/wordnet.js'
import { LinearClassifier } from '../../src/train/linear/classifier.js'
import { fitLogistic } from '../../src/train/linear/logistic.js'
import { minimize } from '../../src/train/linear/minimize.js'
import { Tfidf } from '../../src/train/linear/tfidf.js'
import { classification } from '../../src/train/metrics.js'

interface Case {
  labels: number[]
  C: number
  minDf: number
  terms: string[]
  rows: number[][]
  weights: number[][]
}
const golden: { texts: string[]; cases: Case[]; wordnet: { terms: number; accuracy: number } } = JSON.parse(
  readFileSync(new URL('../golden/linear.json', import.meta.url), 'utf8'),
)
const { texts } = golden

describe.each(golden.cases.map((own) => [new Set(own.labels).size, own] as const))(
  '%s classes',
  (classes, own) => {
    const tfidf = Tfidf.fit(texts, null, { minDf: own.minDf })
    const rows = tfidf.transform(texts)
    const place = own.terms.map((term) => tfidf.columns.get(term) ?? -1)

    it("has scikit-learn's terms and weighs them as it does", () => {
      expect([...tfidf.terms].sort()).toEqual([...own.terms].sort())
      own.rows.forEach((wanted, r) => {
        const row = new Float64Array(rows.width)
        for (let i = rows.starts[r]; i < rows.starts[r + 1]; i++) row[rows.columns[i]] = rows.values[i]
        wanted.forEach((x, i) => {
          expect(row[place[i]]).toBeCloseTo(x, 12)
        })
      })
    })

    it("comes to scikit-learn's coefficients", () => {
      const outputs = classes === 2 ? 1 : classes
      const targets =
        outputs === 1 ? { shares: Float32Array.from(own.labels), outputs } : { labels: own.labels, outputs }
      const weights = fitLogistic(rows, targets, { C: own.C, tolerance: 1e-8 })
      const ours = [...place, rows.width].map((at) => [...weights.subarray(at * outputs, (at + 1) * outputs)])
      const off = ours.flatMap((row, i) => row.map((w, k) => Math.abs(w - own.weights[i][k])))
      expect(off).toHaveLength((own.terms.length + 1) * outputs)
      expect(Math.max(...off)).toBeLessThan(1e-4)
      // A start near the end changes the way, not the end.
      const again = fitLogistic(rows, targets, {
        C: own.C,
        tolerance: 1e-8,
        start: weights.map((w) => w + 0.1),
      })
      expect(
        Math.max(...again.map((w, i) => Math.abs(w - weights[i])).subarray(0, place.length)),
      ).toBeLessThan(1e-4)
    })
  },
)

it("is right about as many of WordNet's definitions as scikit-learn", () => {
  const { labelled, test, classes } = readWordnet()
  const [known, asked] = [labelled.slice(0, 1000), test.slice(0, 1000)].map((rows) => ({
    texts: rows.map(({ text }) => text),
    labels: rows.map(({ label }) => label),
  }))
  const model = LinearClassifier.fit(known, classes.length, { C: 10 })
  expect(model.tfidf.terms).toHaveLength(golden.wordnet.terms)
  const { accuracy } = classification(model.logits(asked.texts), asked.labels, classes.length)
  expect(Math.abs(accuracy - golden.wordnet.accuracy)).toBeLessThanOrEqual(0.003)
})

describe('LinearClassifier', () => {
  const good = ['good film', 'good warm film', 'good plot', 'good cast']
  const bad = ['bad film', 'bad cold film', 'bad plot', 'bad cast']
  const labels = [1, 1, 1, 1, 0, 0, 0, 0]
  const train = { texts: [...good, ...bad], labels }

  it('takes the C that is best on dev, of equals the smallest, and without dev the first', () => {
    // Warm is rare, and only large weights let it win over good.
    const dev = { texts: ['good warm', 'bad'], labels: [1, 0] }
    expect(LinearClassifier.fit(train, 2, { dev }).C).toBe(1)
    expect(LinearClassifier.fit(train, 2, { dev, C: [7, 3] }).C).toBe(3)
    expect(LinearClassifier.fit(train, 2, { C: [7, 3] }).C).toBe(7)
    expect(LinearClassifier.fit(train, 2).C).toBe(5)
    const rare = ['a b', 'a b', 'a b', 'a b c', 'c', 'b d'].map((t) => t.replaceAll(/\w/g, '$&$&'))
    const skewed = { texts: rare, labels: [0, 0, 0, 1, 1, 0] }
    const held = { texts: ['aa bb cc'], labels: [1] }
    expect(LinearClassifier.fit(skewed, 2, { dev: held, C: [0.01, 100] }).C).toBe(100)
  })

  it('reads both texts of a pair, each with words of its own', () => {
    const model = LinearClassifier.fit(
      { texts: good.map(() => 'it is').concat(bad), pairs: [...good, ...bad.map(() => null)], labels },
      2,
    )
    const [first, second] = [model.logits(['good'], [null]), model.logits(['it'], ['good'])]
    expect(second[1] - second[0]).toBeGreaterThan(first[1] - first[0])
  })

  it('learns sets of classes, and leaves out rows without labels', () => {
    const targets = Float32Array.from(labels.flatMap((l) => [l, 1 - l, 1]))
    const sets = LinearClassifier.fit({ texts: train.texts, targets }, 3)
    const [a, b, c] = sets.logits(['good plot'])
    expect([a > 0, b < 0, c > 0]).toEqual([true, true, true])
    const more = { texts: [...train.texts, 'strange words words'], labels: [...labels, -100] }
    expect(LinearClassifier.fit(more, 2).weights).toEqual(LinearClassifier.fit(train, 2).weights)
  })

  it('knows no word, or one class alone, and still answers', () => {
    const none = LinearClassifier.fit({ texts: ['a', 'b', 'c'], labels: [1, 1, 0] }, 2)
    expect(none.countParameters()).toBe(1)
    const [z0, z1] = none.logits(['anything at all'])
    expect(z1 - z0).toBeCloseTo(Math.log(2), 3)
    const one = LinearClassifier.fit({ texts: good, labels: [2, 2, 2, 2] }, 3)
    expect(classification(one.logits(bad), [2, 2, 2, 2], 3).accuracy).toBe(1)
  })

  it('refuses what means nothing', () => {
    const fit =
      (own: object, classes = 2, options = {}) =>
      () =>
        LinearClassifier.fit({ ...train, ...own }, classes, options)
    expect(fit({ labels: [1] })).toThrow('8 texts have 1 labels')
    expect(fit({ labels: null })).toThrow('8 texts have no labels')
    expect(fit({ labels: labels.map((l) => l * 2) })).toThrow('label 2 of 2 classes')
    expect(fit({ labels: labels.map(() => -100) })).toThrow('no row has a label')
    expect(fit({ targets: new Float32Array(8).fill(2) }, 1)).toThrow('targets must be from 0 to 1, got 2')
    for (const C of [0, -1, Number.NaN, Infinity, []]) expect(fit({}, 2, { C })).toThrow('C must be above 0')
  })
})

it('Tfidf keeps the terms that the most texts have, where there are too many', () => {
  const own = Tfidf.fit(['aa bb', 'aa cc', 'aa bb'], null, { minDf: 1, maxTerms: 2 })
  expect(own.terms).toEqual(['aa', 'bb'])
})

it('minimize: a long valley, and where nothing is left to win', () => {
  const x = Float64Array.of(-1, 2, 3)
  const steps = minimize(
    x,
    ([a, b, c], g) => {
      g.set([2 * (a - 1), 2000 * (b - 2 * c), -4000 * (b - 2 * c) + 2 * (c - 1)])
      return (a - 1) ** 2 + 1000 * (b - 2 * c) ** 2 + (c - 1) ** 2
    },
    { tolerance: 1e-9 },
  )
  expect(steps).toBeGreaterThan(2)
  expect([...x].map((v) => Math.round(v * 1e6) / 1e6)).toEqual([1, 2, 1])
  const flat = (_: Float64Array, g: Float64Array) => Number(g.fill(0)[0])
  expect(minimize(x, flat)).toBe(0)
})
