// What a teacher's answers are worth where each output stands for itself: yes or no to classes, or numbers.
import { multiLabel } from '../train/outputs/multi-label.js'
import { pearson } from '../train/regression.js'
import { bestOrder } from './assignment.js'
import type { Problem } from './doctor.js'

/** Another order of the outputs is what is wrong when they go with the labels so much better. */
const CLEARLY = 0.3

/**
 * A teacher's logits [rows, outputs] against targets of the same shape: with its outputs in another order far nearer to them,
 * or by itself no nearer than an answer that looks at no text: yes to every class, or the mean of the numbers.
 */
export function checkOutputs(
  name: string,
  logits: ArrayLike<number>,
  targets: ArrayLike<number>,
  outputs: readonly string[],
  kind: 'sets' | 'numbers',
): Problem[] {
  const n = outputs.length
  const rows = targets.length / n
  const column = (x: ArrayLike<number>, c: number) =>
    Float64Array.from({ length: rows }, (_, r) => x[r * n + c])
  const [said, known] = [logits, targets].map((x) => outputs.map((_, c) => column(x, c)))
  // Outputs that never change say nothing of an order.
  const alike = Float64Array.from({ length: n * n }, (_, i) => {
    const r = pearson(known[Math.floor(i / n)], said[i % n])
    return Number.isNaN(r) ? 0 : r
  })
  const share = (order: ArrayLike<number>) =>
    outputs.reduce((sum, _, c) => sum + alike[c * n + order[c]], 0) / n
  const order = bestOrder(alike, n)
  const [own, reordered] = [share([...outputs.keys()]), share(order)]
  const moved = [...outputs.keys()].filter((c) => order[c] !== c)
  if (reordered > own + CLEARLY) {
    const pairs = moved.slice(0, 6).map((c) => `${outputs[c]} is what it calls ${outputs[order[c]]}`)
    return [
      {
        what: `${name}: its outputs correlate by ${own.toFixed(2)} with the labels of ${rows} rows, and would by ${reordered.toFixed(2)} in another order: ${pairs.join(', ')}`,
        remedy: "Correct id2label in the teacher's config.json, or the labels of the data",
      },
    ]
  }
  const blind =
    kind === 'sets' ? noBetterThanYes(logits, targets, n) : own > 0 ? null : 'they do not rise with them'
  if (blind === null) return []
  return [
    {
      what: `${name}: its answers to ${rows} rows tell little of their labels, ${blind}`,
      remedy: `Fine-tune it on this task first: tinystill train --task ${kind === 'sets' ? 'multi-label' : 'regression'} --model TEACHER --train FILE --out DIR`,
    },
  ]
}

function noBetterThanYes(logits: ArrayLike<number>, targets: ArrayLike<number>, n: number): string | null {
  const { macroF1 } = multiLabel(logits, targets, n).figures
  const always = multiLabel(new Float64Array(logits.length).fill(1), targets, n).figures.macroF1
  const shown = (x: number) => `${(100 * x).toFixed(1)}%`
  return macroF1 > always
    ? null
    : `macro F1 is ${shown(macroF1)}, that of yes to every class ${shown(always)}`
}
