// What --freeze means.
import type { FreezeRules } from '../../nn/optim/groups.js'

/** Words of the command line as rules: embeddings, a number of layers, all-but-head, beginnings of names. */
export function freezeRules(words: readonly string[]): FreezeRules {
  const layers = words.filter((word) => /^\d+$/.test(word)).map(Number)
  const prefixes = words.filter(
    (word) => !/^\d+$/.test(word) && word !== 'embeddings' && word !== 'all-but-head',
  )
  return {
    embeddings: words.includes('embeddings'),
    allButHead: words.includes('all-but-head'),
    layers: Math.max(0, ...layers),
    prefixes,
  }
}
