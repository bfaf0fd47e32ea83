// How far the answers of two models lie apart.
import type { ProblemType } from '../../nn/models/config.js'
import { best } from '../../train/metrics.js'
import { count, percent } from './table.js'

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

/** The same for people. */
export function changeLine({ rows, changed, mean, largest }: Change): string {
  const answers =
    changed === null
      ? ''
      : `${count(changed)} of ${count(rows)} answers change (${percent(changed / rows, 2)}); `
  return `${answers}a logit changes by ${mean.toPrecision(3)} on average, by ${largest.toPrecision(3)} at most`
}
