// Figures of a classifier from its logits.
import { exp, log } from '../tensor/math.js'

export interface Metrics {
  accuracy: number
  /** F1 of each class that occurs or was predicted, averaged with equal weights. */
  f1: number
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

/** logits [rows, classes], labels [rows]. */
export function classification(logits: Float32Array, labels: ArrayLike<number>, classes: number): Metrics {
  const rows = labels.length
  const right = new Float64Array(classes)
  const guessed = new Float64Array(classes)
  const actual = new Float64Array(classes)
  let loss = 0
  for (let r = 0; r < rows; r++) {
    const guess = best(logits, r * classes, classes)
    guessed[guess]++
    actual[labels[r]]++
    if (guess === labels[r]) right[guess]++
    loss -= log(Math.max(1e-30, probabilities(logits, r * classes, classes)[labels[r]]))
  }
  const present = Array.from(right.keys()).filter((c) => actual[c] + guessed[c] > 0)
  const f1 = present.reduce((sum, c) => sum + (2 * right[c]) / (actual[c] + guessed[c]), 0)
  return {
    accuracy: right.reduce((a, b) => a + b, 0) / rows,
    f1: f1 / present.length,
    loss: loss / rows,
  }
}
