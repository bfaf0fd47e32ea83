// Samples of a text: each of its words that has candidates is replaced by one of them or left. Jiao et al. 2020, algorithm 1.
import { fold, integerAt, type Key, uniformAt } from '../../tensor/rng.js'

/** A word that may be replaced. */
export interface Slot {
  /** Of the word in the text, in characters. */
  start: number
  end: number
  /** What may stand there instead. Never empty. */
  candidates: readonly string[]
}

export interface DrawOptions {
  /** Chance of a word to be replaced, from 0 to 1. */
  p: number
  /** Samples drawn; fewer are left where some are alike. */
  n: number
}

/**
 * The different samples of a text that are not the text itself, in the order in which they were drawn: a function of the
 * key alone. `slots` rise and do not overlap.
 */
export function drawSamples(text: string, slots: readonly Slot[], key: Key, { p, n }: DrawOptions): string[] {
  const found = new Set<string>()
  for (let sample = 0; sample < n; sample++) {
    const own = fold(key, sample)
    let drawn = ''
    let done = 0
    slots.forEach(({ start, end, candidates }, i) => {
      if (uniformAt(own, 2 * i) >= p) return
      drawn += text.slice(done, start) + candidates[integerAt(own, 2 * i + 1, candidates.length)]
      done = end
    })
    found.add(drawn + text.slice(done))
  }
  found.delete(text)
  return [...found]
}
