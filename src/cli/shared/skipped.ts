// What is told of steps that were left out because a loss or gradient was not finite.
import type { StepReport } from '../../train/reports.js'
import type { Progress } from './progress.js'
import { count } from './table.js'

/** Told in full; of the others there is the count. */
const TOLD = 3

/** For fit's onStep: a line for each of the first steps that were skipped. */
export function skippedNotes(progress: Pick<Progress, 'note'>): (report: StepReport) => void {
  let n = 0
  return ({ why }) => {
    if (why === undefined || ++n > TOLD) return
    progress.note(`warning: ${why}`)
    if (n === TOLD) progress.note('further steps that are skipped are counted; metrics.jsonl tells why')
  }
}

/** ', 3 steps skipped'; nothing where there are none. */
export function skippedText(n: number): string {
  return n === 0 ? '' : `, ${count(n)} ${n === 1 ? 'step' : 'steps'} skipped`
}
