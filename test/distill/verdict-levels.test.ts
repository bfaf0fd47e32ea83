// False 'yes' and coverage of the verdicts' intervals, simulated. A few trials of small sizes here; `npm run check:verdicts`
// runs the grid with 2,000 a cell and prints it.
import { expect, it } from 'vitest'
import { trials, worlds } from './verdict-trials.js'

const TRIALS = Number(process.env.TINYSTILL_TRIALS ?? 0)
const SHIFT = 0.1

const cells = (seeds: number[], rows: number[]) =>
  Object.keys(worlds).flatMap((world) => seeds.flatMap((s) => rows.map((n) => [world, s, n] as const)))

/** Four standard errors of a share p of n trials. */
const slack = (p: number, n: number) => 4 * Math.sqrt((p * (1 - p)) / n)

const grid = TRIALS > 0 ? cells([3, 5, 10, 20], [200, 1000, 5000]) : cells([3, 5], [200])
const n = TRIALS || 300

if (TRIALS > 0)
  console.log('seeds   rows  world           false yes   coverage, no gain   coverage, gain   no interval')

it.each(grid)(
  "hold their level where '%s', %i seeds, %i rows",
  { timeout: 3600000 },
  (world, seeds, rows) => {
    const { none, some } = trials(worlds[world], SHIFT, seeds, rows, n)
    const wrong = none.yes / n
    const [held, heldSome] = [none, some].map((c) => c.hold / c.intervals)
    if (TRIALS > 0) {
      const percent = (x: number, width: number) => `${(x * 100).toFixed(1)}%`.padStart(width)
      console.log(
        `${String(seeds).padStart(5)} ${String(rows).padStart(6)}  ${world.padEnd(15)} ${percent(wrong, 9)} ${percent(held, 19)} ${percent(heldSome, 16)} ${percent(1 - none.intervals / n, 13)}`,
      )
    }
    expect(wrong).toBeLessThan(0.05 + slack(0.05, n))
    for (const share of [held, heldSome]) {
      expect(share).toBeGreaterThan(0.95 - slack(0.05, n))
      expect(share).toBeLessThan(0.97 + slack(0.03, n))
    }
  },
)
