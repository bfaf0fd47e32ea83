// Runs killed at any moment, while computing, while writing, between two calls to the disk, end with the bytes of the run that
// was left alone: weights, moments, metrics. TINYSTILL_TRIALS of them (npm run check:resume: 100).
import { rmSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { prepare, reference, trial } from './trials.js'

const TRIALS = Number(process.env.TINYSTILL_TRIALS ?? 12)
const main = ['hinton', 'distilbert', 'tinybert']
const others = [
  ...['minilm', 'minilm2', 'born-again', 'annealing', 'multi-teacher', 'mlm'],
  ...['q8bert', 'lsq', 'binarybert', 'movement', 'magnitude', 'lottery'],
]

let made: Awaited<ReturnType<typeof prepare>>
beforeAll(async () => {
  made = await prepare()
}, 120_000)
afterAll(() => rmSync(made.root, { recursive: true, force: true }))

describe.concurrent('a killed run', () => {
  // The trials are dealt to three recipes; each of the others, and tinystill train, has a twentieth as many of its own.
  const dealt = Array.from({ length: TRIALS }, (_, i) => i)
  const plans = new Map(main.map((name, place) => [name, dealt.filter((i) => i % main.length === place)]))
  for (const name of others) plans.set(name, dealt.slice(0, Math.ceil(TRIALS / 20)))
  for (const [name, trials] of plans) {
    it(`of ${name} ends with the same bytes, ${trials.length} times`, { timeout: 3600_000 }, async () => {
      const args = made.commands[name]
      const alone = await reference(made.root, name, args)
      let kills = 0
      for (const i of trials) {
        const { bytes, kills: own, err } = await trial(made.root, name, args, alone, i)
        expect(bytes, `trial ${i}: ${err}`).toEqual(alone.bytes)
        kills += own
      }
      console.log(
        `${name}: ${trials.length} runs, ${kills} kills, ${Object.keys(alone.bytes).length} files alike`,
      )
      // A kill that is due when the run has ended on its own is none: how many there are is the machine's affair.
      if (trials.length > 3) expect(kills).toBeGreaterThan(0)
    })
  }
})
