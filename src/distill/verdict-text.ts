// Verdicts in words. 'Not shown' is never 'no gain'.
import type { Verdict } from './verdict.js'

const points = (x: number) => (x * 100).toFixed(2)
/** With its sign: intervals are of our figure less theirs. */
const signed = (x: number) => `${x < 0 ? '' : '+'}${points(x)}`
const counted = (n: number, what: string) => `${n.toLocaleString('en-US')} ${what}${n === 1 ? '' : 's'}`

function sizeOf({ gain }: Verdict, theirs: string): string {
  return `${points(Math.abs(gain))} points ${gain < 0 ? 'below' : 'above'} ${theirs}`
}

/** Why there is no verdict. */
function unknown({ gain, seeds }: Verdict): string {
  if (!Number.isFinite(gain)) return 'unknown, not all figures are numbers'
  if (seeds < 3)
    return `unknown, ${seeds === 1 ? 'one seed does' : `${seeds} seeds do`} not tell how far seeds scatter; --seeds 3 or more do`
  return `unknown, all ${seeds} seeds gave the same difference, so that nothing is known of how far seeds scatter; more seeds or more test rows tell`
}

function remedy({ toShow, rows, gain }: Verdict): string {
  if (toShow === null)
    return gain === 0 ? '' : '; no number of seeds that can be trained would show one this small'
  if ('seeds' in toShow) return `; about ${counted(toShow.seeds, 'seed')} would show one of this size`
  return `; no number of seeds would show one of this size on ${counted(rows ?? 0, 'row')}, it takes more than ${counted(toShow.rows, 'row')}`
}

function answer(v: Verdict): string {
  if (v.largerThanSeedNoise === null) return unknown(v)
  if (v.largerThanSeedNoise) return 'yes'
  const [low, high] = v.interval ?? [0, 0]
  const corrected = low > 0 || high < 0 ? ` after correction for ${v.comparisons} comparisons` : ''
  return `not shown${corrected}, which is not to say that there is no difference${remedy(v)}`
}

/**
 * 'distilled is 1.20 points above alone over 3 seeds and 872 rows (95% interval +0.31 to +2.09, spread 0.30); larger than
 * chance: yes'.
 */
export function verdictText(ours: string, theirs: string, v: Verdict): string {
  const over = `over ${counted(v.seeds, 'seed')}${v.rows === null ? '' : ` and ${counted(v.rows, 'row')}`}`
  const scatter = v.interval
    ? ` (95% interval ${signed(v.interval[0])} to ${signed(v.interval[1])}, spread ${points(v.spread)})`
    : ''
  return `${ours} is ${sizeOf(v, theirs)} ${over}${scatter}; larger than chance: ${answer(v)}`
}

/** How the verdicts were reached, in one line; null where none was. */
export function verdictMethod(verdicts: readonly Verdict[]): string | null {
  const judged = verdicts.filter((v) => v.interval !== null)
  if (judged.length === 0) return null
  const rows = judged.every((v) => v.rows !== null)
  const method = rows
    ? 'over seeds and test rows, both drawn by chance (two-way random effects; quantile of Cochran and Cox)'
    : 'over seeds alone (paired t test): the chance of the test rows is not in them'
  const [{ comparisons }] = judged
  const holm = comparisons > 1 ? `; verdicts with Holm's correction for ${comparisons} comparisons` : ''
  return `Intervals: ${method}${holm}.`
}
