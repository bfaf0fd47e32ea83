// Labels of classes by name or number, and numbers to be predicted.
import { DataError } from '../errors.js'
import { shown } from '../formats/json.js'
import { isBracketed, type Label, labelParts } from './label-parts.js'

/** How labels are meant: one class a text, any number of classes, or numbers. */
export type LabelKind = 'classes' | 'sets' | 'numbers'

/** The label that a field holds; null for none. `fail` is told what else it is. */
export function labelOf(value: unknown, fail: (reason: string) => never): Label | null {
  if (typeof value === 'string') return value.trim() || null
  if (value === null || typeof value === 'number') return value
  const item = (part: unknown) => typeof part === 'number' || (typeof part === 'string' && part.trim() !== '')
  if (Array.isArray(value)) return value.every(item) ? value : fail('labels must be strings or numbers')
  return fail('label must be a string or a number, or a list of them')
}

/** A label in one piece: the item of a list of one. Throws DataError for other lists. */
export function oneLabel(label: Label, where: string): string | number {
  if (typeof label === 'string' || typeof label === 'number') return label
  throw new DataError(
    where,
    `label ${shown(JSON.stringify(label))} is a list, one class a text is asked for`,
    'Models of several classes a text are trained by --task multi-label, those of several numbers by --task regression',
  )
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

/** Whether a number among the labels means the name that begins with it, and no other. */
export const beginWithNumbers = (names: readonly string[]): boolean => leadingNumbers(names) !== null

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

/**
 * The numbers of each label, [rows, width]; `width` is by default that of the first. Lists and texts in brackets hold
 * several; other texts do only where a width above 1 is given, because a comma may be a decimal one. Throws DataError for
 * what is no number, and for another count of them.
 */
export function labelTargets(
  labels: readonly Label[],
  file: string,
  lines: ArrayLike<number>,
  width?: number,
): Float32Array {
  let wide = width
  const rows = labels.map((label, i) => {
    const parts =
      typeof label === 'string' && !isBracketed(label) && (width ?? 1) === 1 ? [label] : labelParts(label)
    const wrong = parts.find((part) => part === '' || !Number.isFinite(Math.fround(Number(part))))
    if (wrong !== undefined)
      throw new DataError(`${file}:${lines[i]}`, `label ${shown(String(wrong))} is no number`)
    wide ??= parts.length
    if (parts.length === wide && wide > 0) return parts.map(Number)
    const found = parts.length === 1 ? '1 number' : `${parts.length} numbers`
    throw new DataError(
      `${file}:${lines[i]}`,
      `the label holds ${found}, ${width === undefined ? `the first row's ${wide}` : `the model gives ${wide}`}`,
    )
  })
  return Float32Array.from(rows.flat())
}
