// Figures of a model that says yes or no to each of several classes.
import { exp, log1p, sigmoid } from '../../tensor/math.js'
import { regression } from '../regression.js'
import type { Figures } from '../reports.js'

/** Figures of a model that names several classes of a text. */
export interface MultiLabelMetrics {
  /** Mean over the classes of their F1; a class that neither occurs nor is predicted counts as 0. */
  macroF1: number
  /** Of all answers to all classes together. */
  microF1: number
  /** Share of rows with all classes right. */
  subsetAccuracy: number
  /** Mean binary cross entropy over rows and classes. */
  loss: number
}

/** One class by itself. */
export interface ClassFigures {
  precision: number
  recall: number
  f1: number
  /** Rows of the class. */
  rows: number
}

/** a / b; 0 where there is nothing to divide, as scikit-learn has it. */
const ratio = (a: number, b: number) => (b > 0 ? a / b : 0)

/** ln(1 + e^z), for z of any size. */
const softplus = (z: number) => Math.max(z, 0) + log1p(exp(-Math.abs(z)))

/**
 * logits and targets [rows, classes], targets 1 and 0; a class is predicted where its logit is 0 or more, its probability a
 * half. scikit-learn's f1_score by 'macro' and 'micro', accuracy_score. NaN without rows. Throws RangeError where the
 * lengths differ.
 */
export function multiLabel(
  logits: ArrayLike<number>,
  targets: ArrayLike<number>,
  classes: number,
): { figures: MultiLabelMetrics; each: ClassFigures[] } {
  if (logits.length !== targets.length || logits.length % classes !== 0)
    throw new RangeError(
      `multiLabel: ${logits.length} logits of ${classes} classes do not fit ${targets.length} targets`,
    )
  const rows = targets.length / classes
  const [hits, guessed, actual] = [0, 0, 0].map(() => new Float64Array(classes))
  let exact = 0
  let loss = 0
  for (let r = 0; r < rows; r++) {
    let right = 0
    for (let c = 0; c < classes; c++) {
      const [z, y] = [logits[r * classes + c], targets[r * classes + c]]
      const [yes, is] = [z >= 0, y >= 0.5]
      guessed[c] += Number(yes)
      actual[c] += Number(is)
      hits[c] += Number(yes && is)
      right += Number(yes === is)
      loss += y * softplus(-z) + (1 - y) * softplus(z)
    }
    exact += Number(right === classes)
  }
  const each = Array.from(hits, (hit, c) => ({
    precision: ratio(hit, guessed[c]),
    recall: ratio(hit, actual[c]),
    f1: ratio(2 * hit, guessed[c] + actual[c]),
    rows: actual[c],
  }))
  const sum = (x: Float64Array) => x.reduce((a, b) => a + b, 0)
  return {
    figures: {
      macroF1: each.reduce((total, { f1 }) => total + f1, 0) / classes,
      microF1: ratio(2 * sum(hits), sum(guessed) + sum(actual)),
      subsetAccuracy: exact / rows,
      loss: loss / targets.length,
    },
    each,
  }
}

/** Where the targets of one class are shares, not 1 and 0: how near the probabilities come to them. */
export function shares(logits: ArrayLike<number>, targets: ArrayLike<number>): Figures {
  return { ...regression(Array.from(logits, sigmoid), targets) }
}
