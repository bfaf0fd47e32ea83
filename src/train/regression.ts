// Figures of a model that predicts numbers.

/** Figures of a model that gives numbers. */
export interface RegressionMetrics {
  pearson: number
  spearman: number
  mse: number
}

const mean = (x: ArrayLike<number>) => Array.from(x).reduce((a, b) => a + b, 0) / x.length

/** The correlation of two lists of one length. NaN where one of them is constant, or shorter than 2. */
export function pearson(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const [ma, mb] = [mean(a), mean(b)]
  let ab = 0
  let aa = 0
  let bb = 0
  for (let i = 0; i < a.length; i++) {
    const [da, db] = [a[i] - ma, b[i] - mb]
    ab += da * db
    aa += da * da
    bb += db * db
  }
  return aa > 0 && bb > 0 ? Math.max(-1, Math.min(1, ab / (Math.sqrt(aa) * Math.sqrt(bb)))) : Number.NaN
}

/** Ranks from 1; equals share the mean of theirs. */
function ranks(x: ArrayLike<number>): Float64Array {
  const order = Array.from({ length: x.length }, (_, i) => i).sort((i, j) => x[i] - x[j])
  const out = new Float64Array(x.length)
  for (let from = 0, to = 0; from < order.length; from = to) {
    while (to < order.length && x[order[to]] === x[order[from]]) to++
    for (let k = from; k < to; k++) out[order[k]] = (from + 1 + to) / 2
  }
  return out
}

/** The correlation of ranks. NaN where one list is constant or holds what is not a number. */
export function spearman(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const numbers = (x: ArrayLike<number>) => !Array.from(x).some(Number.isNaN)
  return numbers(a) && numbers(b) ? pearson(ranks(a), ranks(b)) : Number.NaN
}

/**
 * A number a row, whose mean is Spearman's correlation: its linear part under weights of the rows, so that the chance of the pairs is
 * that of a mean. A bootstrap of pairs has the same variance, up to terms in 1 / rows. The infinitesimal jackknife: Efron 1982,
 * chapter 6. A rank is the sum of the weights below it and half of those of its equals, so that a row moves the others' ranks too.
 */
export function spearmanRows(a: ArrayLike<number>, b: ArrayLike<number>): Float64Array {
  const n = a.length
  const rho = spearman(a, b)
  if (!Number.isFinite(rho)) return new Float64Array(n).fill(Number.NaN)
  const [x, y] = [a, b].map((own) => ranks(own).map((rank) => (rank - (n + 1) / 2) / n))
  const product = (p: Float64Array, q: Float64Array) => p.reduce((sum, own, i) => sum + own * q[i], 0) / n
  const [xx, yy, xy] = [product(x, x), product(y, y), product(x, y)]
  const [xMovesX, xMovesY] = [x, y].map((own) => above(a, own))
  const [yMovesX, yMovesY] = [x, y].map((own) => above(b, own))
  return Float64Array.from({ length: n }, (_, i) => {
    const both = x[i] * y[i] + xMovesY[i] + yMovesX[i] - 3 * xy
    const [ofX, ofY] = [x[i] ** 2 + 2 * xMovesX[i] - 3 * xx, y[i] ** 2 + 2 * yMovesY[i] - 3 * yy]
    return rho + both / Math.sqrt(xx * yy) - (rho / 2) * (ofX / xx + ofY / yy)
  })
}

/** Of each row the sum of `weights` of the rows above it by x, and half of those of its equals, by the number of rows. */
function above(x: ArrayLike<number>, weights: Float64Array): Float64Array {
  const order = Array.from({ length: x.length }, (_, i) => i).sort((i, j) => x[j] - x[i])
  const out = new Float64Array(x.length)
  let sum = 0
  for (let from = 0, to = 0; from < order.length; from = to) {
    let equal = 0
    while (to < order.length && x[order[to]] === x[order[from]]) equal += weights[order[to++]]
    for (let k = from; k < to; k++) out[order[k]] = (sum + equal / 2) / x.length
    sum += equal
  }
  return out
}

/** predictions and targets, [rows] each. Throws RangeError when their lengths differ. */
export function regression(predictions: ArrayLike<number>, targets: ArrayLike<number>): RegressionMetrics {
  if (predictions.length !== targets.length)
    throw new RangeError(`regression: ${predictions.length} predictions do not fit ${targets.length} targets`)
  const errors = Array.from(predictions, (p, i) => (p - targets[i]) * (p - targets[i]))
  return {
    pearson: pearson(predictions, targets),
    spearman: spearman(predictions, targets),
    mse: mean(errors),
  }
}

/** Of each of n numbers by itself: predictions and targets, [rows, n] each. Throws RangeError when their lengths differ. */
export function regressions(
  predictions: ArrayLike<number>,
  targets: ArrayLike<number>,
  n: number,
): RegressionMetrics[] {
  if (predictions.length !== targets.length)
    throw new RangeError(`regression: ${predictions.length} predictions do not fit ${targets.length} targets`)
  const column = (x: ArrayLike<number>, c: number) =>
    Float64Array.from({ length: x.length / n }, (_, r) => x[r * n + c])
  return Array.from({ length: n }, (_, c) => regression(column(predictions, c), column(targets, c)))
}
