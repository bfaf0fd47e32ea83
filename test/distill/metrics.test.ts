// Figures against scikit-learn's and SciPy's, and what they are where nothing can be computed.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { integerAt, keyOf, normalAt } from '../../src/tensor/rng.js'
import { balancedWeights, positiveWeights } from '../../src/train/labels.js'
import { calibration, classification, confusion } from '../../src/train/metrics.js'
import { multiLabel } from '../../src/train/outputs/multi-label.js'
import { pearson, regression, regressions, spearman, spearmanRows } from '../../src/train/regression.js'
import { tasks } from '../../src/train/tasks.js'

interface Golden {
  classification: ({ title: string; classes: number; logits: number[]; labels: number[] } & Record<
    string,
    number
  >)[]
  regression: ({ title: string; predictions: number[]; targets: number[] } & Record<string, number>)[]
  multiLabel: (Record<'macroF1' | 'microF1' | 'subsetAccuracy' | 'loss', number> & {
    title: string
    classes: number
    logits: number[]
    targets: number[]
    each: Record<'precision' | 'recall' | 'f1' | 'rows', number[]>
  })[]
  balanced: { labels: number[]; weights: number[] }
}
const golden: Golden = JSON.parse(readFileSync(new URL('../golden/metrics.json', import.meta.url), 'utf8'))

/** Relative to the larger of 1 and what is wanted. */
const off = (got: number, want: number) => Math.abs(got - want) / Math.max(1, Math.abs(want))

describe('classification', () => {
  it.each(golden.classification.map((c) => [c.title, c] as const))('%s', (_, c) => {
    const got = classification(Float32Array.from(c.logits), c.labels, c.classes)
    for (const name of ['accuracy', 'f1', 'matthews', 'ece', 'loss'] as const)
      expect(off(got[name], c[name]), name).toBeLessThan(1e-12)
  })

  it('has a loss where probabilities have none', () => {
    expect(classification([0, 2000], [0], 2).loss).toBe(2000)
  })

  it('is not a number without rows', () => {
    expect(Object.values(classification([], [], 2)).every(Number.isNaN)).toBe(true)
  })

  it('refuses labels that are no class', () => {
    expect(() => classification([1, 2], [-100], 2)).toThrow(
      'metrics: label -100 in row 0 is not one of 2 classes',
    )
  })

  it('has rows of actual and columns of predicted classes', () => {
    expect([...confusion([3, 1, 3, 1, 0, 5], [0, 1, 1], 2)]).toEqual([1, 0, 1, 1])
  })

  it('bins by confidence, its upper edge included', () => {
    const bins = calibration([0, 0, 0, 0, 9, -900], [0, 1, 0], 2, 2)
    expect(bins).toEqual([
      { rows: 2, confidence: 0.5, accuracy: 0.5 },
      { rows: 1, confidence: 1, accuracy: 1 },
    ])
  })
})

describe('sets of classes', () => {
  it.each(golden.multiLabel.map((c) => [c.title, c] as const))('%s', (_, c) => {
    const { figures, each } = multiLabel(Float32Array.from(c.logits), c.targets, c.classes)
    for (const name of ['macroF1', 'microF1', 'subsetAccuracy', 'loss'] as const)
      expect(off(figures[name], c[name]), name).toBeLessThan(1e-12)
    for (const name of ['precision', 'recall', 'f1', 'rows'] as const)
      each.forEach((own, i) => {
        expect(off(own[name], c.each[name][i]), `${name} ${i}`).toBeLessThan(1e-12)
      })
  })

  it('have a loss for logits of any size, and none without rows', () => {
    expect(multiLabel([-2000, 2000], [1, 1], 2).figures.loss).toBe(1000)
    expect(multiLabel([], [], 2).figures.loss).toBeNaN()
    expect(() => multiLabel([1, 2], [1], 1)).toThrow('2 logits of 1 classes do not fit 1 targets')
  })

  it('are judged by the names of the classes; of one class shares too', () => {
    const { judge } = tasks.multi_label_classification
    const two = judge([3, -3, -3, 3], { labels: null, targets: Float32Array.of(1, 0, 1, 1) }, ['a', 'a'])
    expect(Object.keys(two.each ?? {})).toEqual(['a', 'a (1)'])
    expect(two.each?.a).toEqual({ precision: 1, recall: 0.5, f1: 2 / 3, rows: 2 })
    const one = judge([0, 0], { labels: null, targets: Float32Array.of(0.25, 1) }, ['x'])
    expect(one.figures).toMatchObject({ mse: (1 / 16 + 1 / 4) / 2, loss: Math.LN2 })
  })

  it('weigh a yes by how rare it is', () => {
    expect([...positiveWeights([1, 0, 0, 0, 1, 0, 0, 0, 0], 3)]).toEqual([2, 2, 1])
  })
})

describe('several numbers', () => {
  it('are judged one by one, and together by their means', () => {
    const [a, b] = [golden.regression[0], golden.regression[1]]
    const pairs = (x: number[], y: number[]) => x.flatMap((v, i) => [v, y[i]])
    const [z, y] = [pairs(a.predictions, b.predictions), pairs(a.targets, b.targets)]
    const { figures, each } = tasks.regression.judge(z, { labels: null, targets: Float32Array.from(y) }, [
      'a',
      'b',
    ])
    for (const name of ['pearson', 'spearman', 'mse'] as const) {
      expect(off(each?.a[name] ?? 0, a[name]), name).toBeLessThan(1e-6)
      expect(off(each?.b[name] ?? 0, b[name]), name).toBeLessThan(1e-6)
      expect(off(figures[name], (a[name] + b[name]) / 2), name).toBeLessThan(1e-6)
    }
  })
})

describe('regression', () => {
  it.each(golden.regression.map((c) => [c.title, c] as const))('%s', (_, c) => {
    const got = regression(c.predictions, c.targets)
    for (const name of ['pearson', 'spearman', 'mse'] as const)
      expect(off(got[name], c[name]), name).toBeLessThan(1e-12)
  })

  it('has no correlation with a constant, or of what is not a number', () => {
    expect(pearson([1, 1], [1, 2])).toBeNaN()
    expect(spearman([1, Number.NaN, 3], [1, 2, 3])).toBeNaN()
    expect(() => regression([1], [1, 2])).toThrow('1 predictions do not fit 2 targets')
    expect(() => regressions([1], [1, 2], 1)).toThrow('1 predictions do not fit 2 targets')
  })
})

/** Spearman's correlation of rows that count so often each, from its definition. */
function weighted(a: readonly number[], b: readonly number[], w: readonly number[]): number {
  const all = w.reduce((s, x) => s + x, 0)
  const rank = (x: readonly number[], j: number) =>
    x.reduce((s, y, k) => s + w[k] * (y < x[j] ? 1 : y === x[j] ? 0.5 : 0), 0)
  const mean = (x: readonly number[]) => x.reduce((s, y, k) => s + w[k] * y, 0) / all
  const [p, q] = [a, b].map((x) => {
    const ranks = x.map((_, j) => rank(x, j))
    return ranks.map((r) => r - mean(ranks))
  })
  const product = (x: readonly number[], y: readonly number[]) => mean(x.map((own, k) => own * y[k]))
  return product(p, q) / Math.sqrt(product(p, p) * product(q, q))
}

describe('rows of a rank correlation', () => {
  const n = 300
  const list = (seed: number, from: readonly number[], noise: number) =>
    from.map((x, i) => x + noise * normalAt(keyOf(seed), i))
  const scores = Array.from({ length: n }, (_, i) => Math.round(4 * normalAt(keyOf(1), i)) / 4)
  const [ours, theirs] = [list(2, scores, 0.7), list(3, scores, 1).map((x) => Math.round(x * 3) / 3)]
  const sd = (x: ArrayLike<number>) => {
    const list = Array.from(x)
    const m = list.reduce((s, y) => s + y, 0) / list.length
    return Math.sqrt(list.reduce((s, y) => s + (y - m) ** 2, 0) / list.length)
  }

  it('are the derivatives by the weights of rows, among equals too, and their mean is the correlation', () => {
    for (const own of [ours, theirs]) {
      const [a, b] = [own.slice(0, 40), scores.slice(0, 40)]
      const rows = spearmanRows(a, b)
      const rho = spearman(a, b)
      expect(rows.reduce((s, x) => s + x, 0) / 40).toBeCloseTo(rho, 12)
      expect(weighted(a, b, Array(40).fill(1))).toBeCloseTo(rho, 12)
      for (let i = 0; i < 40; i++) {
        const moved = (by: number) =>
          weighted(
            a,
            b,
            Array.from({ length: 40 }, (_, k) => (k === i ? 1 + by : 1)),
          )
        expect(rows[i] - rho).toBeCloseTo((40 * (moved(1e-4) - moved(-1e-4))) / 2e-4, 6)
      }
    }
  })

  it('scatter as a bootstrap of pairs does, of one model and of the difference of two', () => {
    const [own, other] = [ours, theirs].map((x) => spearmanRows(x, scores))
    const drawn = { own: [] as number[], gain: [] as number[] }
    for (let t = 0; t < 1000; t++) {
      const at = Array.from({ length: n }, (_, i) => integerAt(keyOf(9, t), i, n))
      const of = (x: readonly number[]) => at.map((i) => x[i])
      const rho = spearman(of(ours), of(scores))
      drawn.own.push(rho)
      drawn.gain.push(rho - spearman(of(theirs), of(scores)))
    }
    const gain = own.map((x, i) => x - other[i])
    for (const [rows, draws] of [
      [own, drawn.own],
      [gain, drawn.gain],
    ] as const)
      expect(Math.abs(sd(rows) / Math.sqrt(n) / sd(draws) - 1)).toBeLessThan(0.06)
  })

  it('are none where there is no correlation', () => {
    expect(Array.from(spearmanRows([1, 1], [1, 2]))).toEqual([Number.NaN, Number.NaN])
  })
})

describe('balanced weights', () => {
  it('are those of scikit-learn', () => {
    const { labels, weights } = golden.balanced
    balancedWeights(labels, 5).forEach((w, i) => {
      expect(off(w, weights[i])).toBeLessThan(1e-7)
    })
  })

  it('pass over rows without a label and classes without rows', () => {
    expect([...balancedWeights([0, 0, 0, 2, -100], 3)]).toEqual([Math.fround(4 / 6), 0, 2])
    expect(() => balancedWeights([3], 3)).toThrow('labels: 3 is not below 3 classes')
  })
})
