// Labels of classes by name or number, and numbers to be predicted.
import { DataError } from '../errors.js'
import { shown } from '../formats/json.js'

/** A label as it stands in data: the name or number of a class, or the number to be predicted. */
export type Label = string | number

/** The label that a field holds; null for none. `fail` is told what else it is. */
export function labelOf(value: unknown, fail: (reason: string) => never): Label | null {
  if (typeof value === 'string') return value.trim() || null
  if (value === null || typeof value === 'number') return value
  return fail('label must be a string or a number')
}

const WHOLE = /^(?:0|-?[1-9]\d{0,14})$/

/** The different labels in order: by number where all are whole numbers, otherwise by character codes. */
export function labelNamesOf(labels: Iterable<string | number>): string[] {
  const names = new Set<string>()
  for (const label of labels) names.add(String(label))
  const numbers = [...names].every((name) => WHOLE.test(name))
  return [...names].sort(numbers ? (a, b) => Number(a) - Number(b) : (a, b) => (a < b ? -1 : 1))
}

/** The numbers that all names begin with, each with another: '1 star', '2 stars'. */
function leadingNumbers(names: readonly string[]): ReadonlyMap<string, number> | null {
  const numbers = names.map((name) => /^-?\d+(?![\d.,])/.exec(name)?.[0] ?? null)
  const byNumber = new Map(numbers.flatMap((number, i) => (number === null ? [] : [[number, i]])))
  return byNumber.size === names.length ? byNumber : null
}

/**
 * Finds the index of a label: that of its name; that of the name which begins with the number it is, where all do; or where no name
 * is a number itself, the number it is, from 0. Gives null for any other.
 */
export function labelFinder(names: readonly string[]): (label: string | number) => number | null {
  const ids = new Map(names.map((name, i) => [name, i]))
  const numbered = names.some((name) => WHOLE.test(name))
  const leading = leadingNumbers(names)
  return (label) => {
    const text = String(label)
    const id = ids.get(text)
    if (id !== undefined) return id
    const number = Number(text)
    if (numbered || !WHOLE.test(text)) return null
    if (leading !== null) return leading.get(text) ?? null
    return number >= 0 && number < names.length ? number : null
  }
}

/** Index of each label. `lines` are their lines in `file`. Throws DataError for what is no label of `names`. */
export function labelIds(
  labels: readonly (string | number)[],
  names: readonly string[],
  file: string,
  lines: ArrayLike<number>,
): Int32Array {
  const find = labelFinder(names)
  return Int32Array.from(labels, (label, i) => {
    const id = find(label)
    if (id !== null) return id
    const some = names.slice(0, 8).map(shown).join(', ')
    throw new DataError(
      `${file}:${lines[i]}`,
      `label ${shown(String(label))} is none of the ${names.length} known: ${some}${names.length > 8 ? ', ...' : ''}`,
      WHOLE.test(String(label)) && !names.some((name) => WHOLE.test(name)) && leadingNumbers(names) === null
        ? `A number counts the names from 0, to ${names.length - 1}`
        : undefined,
    )
  })
}

/** Each label as a number. Throws DataError for what is none. */
export function labelTargets(
  labels: readonly (string | number)[],
  file: string,
  lines: ArrayLike<number>,
): Float32Array {
  return Float32Array.from(labels, (label, i) => {
    const number = label === '' ? Number.NaN : Number(label)
    if (Number.isFinite(number)) return number
    throw new DataError(`${file}:${lines[i]}`, `label ${shown(String(label))} is no number`)
  })
}
