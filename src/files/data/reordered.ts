// Labels of data whose classes stand in another order than a model's.
import { DataError } from '../../errors.js'
import type { TextSet } from './texts.js'

/**
 * A set that was read by `set.labelNames`, as if by `names`: the same ones in another order. Throws DataError naming the
 * first that only one of the two has.
 */
export function reordered<S extends TextSet>(set: S, names: readonly string[], file: string): S {
  const { labelNames: own, labels, targets } = set
  const [from, to] = [own.find((name) => !names.includes(name)), names.find((name) => !own.includes(name))]
  if (from !== undefined || to !== undefined || own.length !== names.length)
    throw new DataError(
      file,
      `its labels are ${own.join(', ')}, the model's ${names.join(', ')}`,
      "--labels names the model's in the order in which the data has them",
    )
  const n = names.length
  const place = own.map((name) => names.indexOf(name))
  const source = names.map((name) => own.indexOf(name))
  return {
    ...set,
    labelNames: names,
    labels: labels?.map((label) => place[label]) ?? null,
    targets: targets?.map((_, i) => targets[i - (i % n) + source[i % n]]) ?? null,
  }
}
