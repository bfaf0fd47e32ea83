// What a model answers, of its logits: probabilities of one class, of each class, or the numbers themselves.
import type { ProblemType } from '../../nn/models/config.js'
import { sigmoid } from '../../tensor/math.js'
import { probabilities } from '../metrics.js'

/** The answers to one row of n logits from `at` on. */
export type Answer = (logits: ArrayLike<number>, at: number, n: number) => number[]

const each =
  (f: (z: number) => number): Answer =>
  (logits, at, n) =>
    Array.from({ length: n }, (_, c) => f(logits[at + c]))

/** Softmax, sigmoid or nothing, by what the logits are for. As Python's pipeline for text classification. */
export const answers: Readonly<Record<ProblemType, Answer>> = {
  single_label_classification: probabilities,
  multi_label_classification: each(sigmoid),
  regression: each((z) => z),
}
