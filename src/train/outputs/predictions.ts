// What a model says of a text, by the names of its classes: the objects of `predict --jsonl`.
import type { ProblemType } from '../../nn/models/config.js'
import { best } from '../metrics.js'

/** Of one text. Which of the fields there are follows from what the model is for. */
export interface Prediction {
  /** The class of the largest probability; null where there was no text. */
  label?: string | null
  /** Of several classes a text: those of at least one half. */
  labels?: string[]
  /** Of each class by its name. */
  probabilities?: Record<string, number>
  /** Of a model that gives one number, or tells one class from all others. */
  value?: number
  /** Of a model that gives several numbers, by their names. */
  values?: Record<string, number>
}

const named = (classes: readonly string[], values: readonly number[]): Record<string, number> =>
  Object.fromEntries(classes.map((name, c) => [name, values[c]]))

/** Of the values that a task's answer() gives for a row. */
export const predictions: Readonly<
  Record<ProblemType, (classes: readonly string[], values: readonly number[]) => Prediction>
> = {
  single_label_classification: (classes, values) => ({
    label: classes[best(values, 0, values.length)],
    probabilities: named(classes, values),
  }),
  multi_label_classification: (classes, values) => {
    const labels = classes.filter((_, c) => values[c] >= 0.5)
    const probabilities = named(classes, values)
    return values.length === 1 ? { value: values[0], labels, probabilities } : { labels, probabilities }
  },
  regression: (classes, values) =>
    values.length === 1 ? { value: values[0] } : { values: named(classes, values) },
}
