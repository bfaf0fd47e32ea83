// Figures of a classifier from its logits: how often it is right, on each class, and whether it knows when.
import { exp, log } from '../tensor/math.js'

/** Figures of a classifier. */
export interface Metrics {
  accuracy: number
  /** F1 of each class that occurs or was predicted, averaged with equal weights. */
  f1: number
  /** Matthews' correlation coefficient, for any number of classes. */
  matthews: number
  /** Expected calibration error, 15 bins. */
  ece: number
  /** Mean cross entropy. */
  loss: number
}

/** Index of the largest of n logits from `at` on; the first of equals. */
export function best(logits: ArrayLike<number>, at: number, n: number): number {
  let top = 0
  for (let c = 1; c < n; c++) if (logits[at + c] > logits[at + top]) top = c
  return top
}

/** softmax(z / T) of n logits from `at` on. */
export function probabilities(logits: ArrayLike<number>, at: number, n: number, T = 1): number[] {
  const top = logits[at + best(logits, at, n)]
  const e = Array.from({ length: n }, (_, c) => exp((logits[at + c] - top) / T))
  const sum = e.reduce((a, b) => a + b, 0)
  return e.map((x) => x / sum)
}

/** 1 for each row whose largest logit is its label's, else 0: [rows]. What verdicts over rows need. */
export function rightRows(logits: ArrayLike<number>, labels: ArrayLike<number>, classes: number): Uint8Array {
  return Uint8Array.from({ length: labels.length }, (_, r) =>
    best(logits, r * classes, classes) === labels[r] ? 1 : 0,
  )
}

/** Rows by class, [classes, classes]: of class i, predicted as j, at i * classes + j. */
export function confusion(
  logits: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
): Float64Array {
  const table = new Float64Array(classes * classes)
  for (let r = 0; r < labels.length; r++) {
    if (!(labels[r] >= 0 && labels[r] < classes))
      throw new RangeError(`metrics: label ${labels[r]} in row ${r} is not one of ${classes} classes`)
    table[labels[r] * classes + best(logits, r * classes, classes)]++
  }
  return table
}

/** Rows, columns and the diagonal of a confusion table. */
function margins(table: Float64Array, classes: number) {
  const actual = new Float64Array(classes)
  const guessed = new Float64Array(classes)
  table.forEach((n, i) => {
    actual[Math.floor(i / classes)] += n
    guessed[i % classes] += n
  })
  return { actual, guessed, right: actual.map((_, c) => table[c * classes + c]) }
}

/**
 * Matthews' correlation from a confusion table, 1 for all right; 0 where only one class occurs or is predicted, as
 * scikit-learn has it. Gorodkin 2004, eq. 8.
 */
export function matthews(table: Float64Array, classes: number): number {
  const { actual, guessed, right } = margins(table, classes)
  const total = (x: Float64Array) => x.reduce((a, b) => a + b, 0)
  const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, x, i) => sum + x * b[i], 0)
  const n = total(actual)
  const spread = (n * n - dot(guessed, guessed)) * (n * n - dot(actual, actual))
  return spread > 0 ? (total(right) * n - dot(actual, guessed)) / Math.sqrt(spread) : 0
}

/** Answers that are about as sure, and how many of them are right. */
export interface CalibrationBin {
  rows: number
  /** Mean probability of the predicted class; NaN without rows. */
  confidence: number
  /** Share of right predictions; NaN without rows. */
  accuracy: number
}

/**
 * How far the probabilities can be believed: rows by the probability of their predicted class, in bins
 * (i / bins, (i + 1) / bins]. logits [rows, classes]. Guo et al. 2017, section 2.
 */
export function calibration(
  logits: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
  bins = 15,
): CalibrationBin[] {
  const sums = Array.from({ length: bins }, () => ({ rows: 0, confidence: 0, right: 0 }))
  for (let r = 0; r < labels.length; r++) {
    const top = best(logits, r * classes, classes)
    const p = probabilities(logits, r * classes, classes)[top]
    const bin = sums[Math.min(bins - 1, Math.max(0, Math.ceil(p * bins) - 1))]
    // Logits that are not numbers have no confidence, and no bin.
    if (bin === undefined) continue
    bin.rows++
    bin.confidence += p
    if (top === labels[r]) bin.right++
  }
  return sums.map(({ rows, confidence, right }) => ({
    rows,
    confidence: confidence / rows,
    accuracy: right / rows,
  }))
}

/** The mean of |accuracy - confidence| over all rows. NaN without any. */
export function calibrationError(bins: readonly CalibrationBin[]): number {
  const filled = bins.filter((b) => b.rows > 0)
  const rows = filled.reduce((n, b) => n + b.rows, 0)
  return filled.reduce((sum, b) => sum + b.rows * Math.abs(b.accuracy - b.confidence), 0) / rows
}

/** Smaller probabilities have lost their digits: there the logits themselves tell the loss. */
const SMALL = 1e-30

/** logits [rows, classes], labels [rows]. NaN without rows. Throws RangeError for a label that is no class. */
export function classification(
  logits: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
): Metrics {
  const rows = labels.length
  const table = confusion(logits, labels, classes)
  const { actual, guessed, right } = margins(table, classes)
  let loss = 0
  for (let r = 0; r < rows; r++) {
    const at = r * classes
    const p = probabilities(logits, at, classes)
    const top = best(logits, at, classes)
    const own = p[labels[r]]
    loss -= own > SMALL ? log(own) : logits[at + labels[r]] - logits[at + top] + log(p[top])
  }
  const present = Array.from(right.keys()).filter((c) => actual[c] + guessed[c] > 0)
  const f1 = present.reduce((sum, c) => sum + (2 * right[c]) / (actual[c] + guessed[c]), 0)
  return {
    accuracy: right.reduce((a, b) => a + b, 0) / rows,
    f1: f1 / present.length,
    matthews: rows > 0 ? matthews(table, classes) : Number.NaN,
    ece: calibrationError(calibration(logits, labels, classes)),
    loss: loss / rows,
  }
}
