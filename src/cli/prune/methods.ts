// The methods of tinystill prune: names and what stands in the help. Names only, no logic.
import { pruneMethods as weightMethods } from '../../nn/prune/methods.js'

export interface PruneWay {
  readonly name: string
  /** One line. */
  readonly help: string
  /** Single weights become 0 in matrices of the same size, or parts of the model are cut out. */
  readonly kind: 'weights' | 'structure'
}

export const pruneMethods: Readonly<Record<string, PruneWay>> = Object.fromEntries(
  Object.entries(weightMethods).map(([name, { describe }]): [string, PruneWay] => [
    name,
    { name, help: describe, kind: 'weights' },
  ]),
)
