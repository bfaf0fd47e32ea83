// What is told of a training while it goes: a line with its loss and speed, and the steps that were left out.
import type { StepReport } from '../../train/reports.js'
import type { Context } from './command.js'
import { skippedNotes } from './skipped.js'
import { count } from './table.js'

/** For fit's onStep. `more`: fields before the loss. A run that goes on counts its speed from where it goes on. */
export function trainingProgress(
  label: string,
  { progress, now }: Pick<Context, 'progress' | 'now'>,
  more: (report: StepReport) => Record<string, string> = () => ({}),
): (report: StepReport) => void {
  let began: number | null = null
  let tokens = 0
  const noteSkipped = skippedNotes(progress)
  return (report) => {
    if (began === null) {
      progress.start(label, report.total)
      began = now()
    }
    tokens += report.tokens
    noteSkipped(report)
    progress.update(report.step, {
      ...more(report),
      loss: report.loss.toFixed(4),
      'tokens/s': count((tokens * 1000) / Math.max(1, now() - began)),
    })
  }
}
