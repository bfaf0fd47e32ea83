// Why a batch's loss or a step's gradient is not finite: its batches run once more, with the same keys and so the same
// dropout, while a finder looks on. All that costs nothing until then.
import { backward } from '../autograd/backward.js'
import { NonfiniteFinder, type Origin } from '../autograd/nonfinite.js'
import { mul } from '../autograd/ops/elementwise/arithmetic.js'
import { randomScope } from '../autograd/random.js'
import { tidy } from '../autograd/tidy.js'
import { traced } from '../autograd/trace.js'
import { NonfiniteError } from '../errors.js'
import type { Module } from '../nn/module.js'
import { gradNorm } from '../nn/optim/gradients.js'
import { withModules } from '../nn/trace.js'
import type { Key } from '../tensor/rng.js'
import type { Tensor } from '../tensor/tensor.js'

/** A batch that can be run again. */
export interface Batch {
  rows: Int32Array
  key: Key
  /** The scalar to learn from. Called again it gives the same. */
  total: () => Tensor
  /** What its gradient is multiplied by. */
  scale: number
}

/** Calls `look` with the batch's loss, in its graph, and whoever looked on when it was made. */
function again<T>(
  model: Module,
  { key, total }: Batch,
  look: (total: Tensor, finder: NonfiniteFinder) => T,
): T {
  const finder = new NonfiniteFinder()
  return tidy(() =>
    randomScope(key, () =>
      traced(finder, 'the loss', () => withModules(model, '', () => look(total(), finder))),
    ),
  )
}

/** Where the batch's loss became what it is; null where it is finite this time. */
export function lossOrigin(model: Module, batch: Batch): Origin | null {
  return again(model, batch, (total, finder) => finder.ofValue(total))
}

/**
 * Where the gradient of a step over these batches broke, and in which of them. Adds their gradients to what the
 * parameters hold: they must hold none. Leaves its own behind.
 */
export function gradientOrigin(
  model: Module,
  params: readonly Tensor[],
  batches: readonly Batch[],
): { origin: Origin; batch: Batch } | null {
  for (const batch of batches) {
    const origin = again(model, batch, (total, finder) => {
      backward(batch.scale === 1 ? total : mul(total, batch.scale))
      return finder.ofGradients(params)
    })
    if (origin !== null) return { origin, batch }
  }
  const large = params.find((p) => !Number.isFinite(gradNorm([p])))
  const last = batches.at(-1)
  if (large === undefined || last === undefined) return null
  const name = Array.from(model.namedParameters()).find(([, p]) => p === large)?.[0] ?? 'a parameter'
  const text = `every gradient is finite, but the squares of ${name}'s overflow when added up`
  return { origin: { kind: 'sum', text, order: 0, mask: false }, batch: last }
}

/** The longest list of rows that an error prints whole. */
const SHOWN = 12

function listed(rows: Int32Array): string {
  const more = rows.length > SHOWN ? ` and ${rows.length - SHOWN} more` : ''
  return `${rows.length === 1 ? 'row' : 'rows'} ${rows.slice(0, SHOWN).join(', ')}${more}`
}

const remedies: Record<Origin['kind'], string> = {
  parameter: 'Begin again from weights that are finite, with a lower learning rate',
  tensor: 'Correct what it was made from, or leave these rows out',
  op: 'Lower the learning rate, or keep such values away from this op',
  gradient: 'Lower the learning rate, or keep values without a derivative away from this op',
  sum: 'Lower the learning rate, or scale the loss down',
}

/** `what` became of the step: 'the loss became NaN'. */
export function nonfinite(
  what: string,
  where: string,
  rows: Int32Array,
  origin: Origin | null,
): NonfiniteError {
  const cause = origin?.text ?? 'run once more it was finite, so something else decides it than data and key'
  const remedy = origin ? remedies[origin.kind] : 'Make the loss a function of its batch'
  return new NonfiniteError(
    `training: ${what} at ${where}, in ${listed(rows)}: ${cause}`,
    `${remedy}. The step was not taken`,
  )
}
