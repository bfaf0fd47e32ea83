// Several teachers as one: a mean of their probabilities or of their logits, row by row.
import { ShapeError } from '../../errors.js'
import { exp, log } from '../../tensor/math.js'
import { probabilities } from '../../train/metrics.js'
import type { TeacherMean } from '../plan/plan.js'

/** What is added to a probability of 0, so that its logarithm is one that trains. */
const LEAST = 1e-30

/**
 * Weights of the teachers for one row, 1 in all: alike, by accuracy, or by exp(-entropy) of each one's probabilities at
 * T = 1, so that a teacher who is sure counts up to `classes` times as much as one who knows nothing.
 */
function weightsFor(kind: TeacherMean['weights'], each: number[][], accuracies: readonly number[]): number[] {
  const raw =
    kind === 'equal'
      ? each.map(() => 1)
      : kind === 'accuracy'
        ? [...accuracies]
        : each.map((p) => exp(p.reduce((h, x) => h + (x > 0 ? x * log(x) : 0), 0)))
  const all = raw.reduce((a, b) => a + b, 0)
  return raw.map((w) => (all > 0 ? w / all : 1 / raw.length))
}

/**
 * logits [rows, classes] of each teacher -> [rows, classes]: of their mean logits, or such that softmax(out / T) is their
 * mean softmax(z / T). One teacher alone is given back as it is. Throws ShapeError where sizes differ.
 */
export function combineLogits(
  teachers: readonly Float32Array[],
  classes: number,
  { of, weights }: TeacherMean,
  T: number,
  accuracies: readonly number[] = [],
): Float32Array {
  const [first] = teachers
  if (teachers.length === 1) return first
  if (teachers.some((z) => z.length !== first.length))
    throw new ShapeError('combineLogits', `teachers gave ${teachers.map((z) => z.length).join(', ')} logits`)
  const out = new Float32Array(first.length)
  for (let at = 0; at < out.length; at += classes) {
    const sure =
      weights === 'entropy' ? teachers.map((z) => probabilities(z, at, classes)) : teachers.map(() => [])
    const w = weightsFor(weights, sure, accuracies)
    const each =
      of === 'logits'
        ? teachers.map((z) => z.subarray(at, at + classes))
        : teachers.map((z) => probabilities(z, at, classes, T))
    for (let c = 0; c < classes; c++) {
      const mean = each.reduce((sum, values, i) => sum + w[i] * values[c], 0)
      out[at + c] = of === 'logits' ? mean : T * log(mean + LEAST)
    }
  }
  return out
}
