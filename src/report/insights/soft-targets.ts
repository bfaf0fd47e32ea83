// Texts that show what a teacher's soft targets say beside the label.
import { best, probabilities } from '../../train/metrics.js'
import type { ReportSection } from '../report.js'

/** A text with its label and a teacher's logits. */
export interface Sample {
  text: string
  label: number
  logits: ArrayLike<number>
}

const LONGEST = 120
/** A teacher this sure of its answer has something to say of the others. */
const DOUBTFUL = 0.9

/** Those that the teacher is right on and in some doubt about, of each class one before any has two. */
export function telling(samples: readonly Sample[], classes: number, wanted: number): Sample[] {
  const doubt = ({ logits }: Sample) => Math.abs(Math.max(...probabilities(logits, 0, classes)) - DOUBTFUL)
  const fit = samples
    .filter((s) => s.text.length < LONGEST && best(s.logits, 0, classes) === s.label)
    .map((s) => ({ s, doubt: doubt(s) }))
    .sort((a, b) => a.doubt - b.doubt)
  const seen = new Set<number>()
  const firsts = fit.filter(({ s }) => !seen.has(s.label) && seen.add(s.label))
  return [...firsts, ...fit.filter((f) => !firsts.includes(f))].slice(0, wanted).map(({ s }) => s)
}

/** Classes that have a bar; the others share one. */
const BARS = 7

/** A section of what a teacher says of the samples, with a temperature to turn: up to eight classes each, the others in one bar. */
export function softTargets(samples: readonly Sample[], classes: readonly string[]): ReportSection {
  return {
    title: 'Soft targets',
    text: "softmax(z / T) of the teacher's logits z: the higher T, the more the student hears of the classes that are not the answer.",
    temperature: samples.map(({ text, label, logits }) => {
      const order = Array.from(classes.keys()).sort((a, b) => logits[b] - logits[a])
      // One bar for a single other class would hide its name for nothing.
      const own = order.slice(0, order.length > BARS + 1 ? BARS : order.length)
      const others = order.slice(own.length).map((c) => logits[c])
      return {
        text: `${text} (${classes[label]})`,
        bars: [
          ...own.map((c) => ({ name: classes[c], logits: [logits[c]] })),
          ...(others.length > 0 ? [{ name: `${others.length} others`, logits: others }] : []),
        ],
      }
    }),
  }
}
