// Which of several builds is the fastest here. An engine tells nobody what it makes of a module, so they are run in turn
// until each is optimized.

/** Runs without a better time after which a build counts as optimized. */
const SETTLED = 12

class Racer {
  best = Infinity
  #since = 0
  constructor(readonly work: () => void) {}

  get settled(): boolean {
    return this.#since >= SETTLED
  }

  run(): void {
    const start = performance.now()
    this.work()
    const time = performance.now() - start
    this.#since = time < this.best * 0.95 ? 0 : this.#since + 1
    this.best = Math.min(this.best, time)
  }
}

/**
 * The best time of each in milliseconds. most, least: for all together; new code takes some time to be optimized, and short
 * works may have settled before.
 */
export function raceOf(works: readonly (() => void)[], most: number, least = 0): number[] {
  const racers = works.map((work) => new Racer(work))
  const start = performance.now()
  const since = () => performance.now() - start
  do {
    for (const racer of racers) racer.run()
  } while (since() < least || (!racers.every((r) => r.settled) && since() < most))
  return racers.map((r) => r.best)
}
