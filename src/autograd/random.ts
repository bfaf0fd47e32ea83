// Where random ops get their keys. A scope is a key and a count of draws: the n-th draw inside it is a pure function
// of the key and n, so a step that opens its own scope is repeatable wherever the program was before.
import { got } from '../errors.js'
import { fold, type Key, keyOf } from '../tensor/rng.js'
import { synchronous } from './graph.js'

interface Scope {
  readonly key: Key
  draws: number
}

let scope: Scope = { key: keyOf(0), draws: 0 }

/** Restarts randomness from a seed: what follows is a function of it. Without a call the seed is 0. */
export function manualSeed(seed: number): void {
  if (!Number.isSafeInteger(seed))
    throw new RangeError(`manualSeed: the seed must be a whole number, got ${got(seed)}`)
  scope = { key: keyOf(seed), draws: 0 }
}

/** Runs `fn` with randomness that depends on `key` alone. Afterwards the outer scope goes on as if nothing was drawn. */
export function randomScope<T>(key: Key, fn: () => T): T {
  const outer = scope
  scope = { key, draws: 0 }
  try {
    return synchronous('randomScope', fn())
  } finally {
    scope = outer
  }
}

/** The key for the next random op. */
export function nextKey(): Key {
  return fold(scope.key, scope.draws++)
}

/** Where randomness stands: `replay(fn)` runs `fn` with the draws that follow from here, and leaves the scope as it is. */
export function randomMark(): <T>(fn: () => T) => T {
  const { key, draws } = scope
  return (fn) => {
    const outer = scope
    scope = { key, draws }
    try {
      return fn()
    } finally {
      scope = outer
    }
  }
}
