// How far the answers of two models lie apart.
import type { ProblemType } from '../../nn/models/config.js'
import { best } from '../../train/metrics.js'

/** How far the answers of two models lie apart. */
export interface Change {
  rows: number
  /** Rows whose answer is another one: the class, or any of the classes. Of numbers null. */
  changed: number | null
  /** Of a logit. */
  mean: number
  largest: number
}

/** Logits [rows, n] of both. */
export function changeOf(type: ProblemType, before: Float32Array, after: Float32Array, n: number): Change {
  const rows = before.length / n
  let [changed, sum, largest] = [0, 0, 0]
  for (let r = 0; r < rows; r++) {
    const at = r * n
    const other =
      type === 'multi_label_classification'
        ? Array.from({ length: n }, (_, c) => at + c).some((i) => before[i] >= 0 !== after[i] >= 0)
        : best(before, at, n) !== best(after, at, n)
    if (other) changed++
    for (let i = at; i < at + n; i++) {
      const far = Math.abs(before[i] - after[i])
      sum += far
      largest = Math.max(largest, far)
    }
  }
  return { rows, changed: type === 'regression' ? null : changed, mean: sum / (rows * n), largest }
}
