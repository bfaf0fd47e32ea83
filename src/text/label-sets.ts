// Labels of texts that may be of several classes, or of none: names and yes or no for each.
import { DataError } from '../errors.js'
import { shown } from '../formats/json.js'
import { type Label, labelParts } from './label-parts.js'
import { labelFinder, labelNamesOf } from './labels.js'

/** Parts of a label, where the whole text is no name already. */
const partsOf = (label: Label, names: ReadonlySet<string>) =>
  typeof label === 'string' && names.has(label) ? [label] : labelParts(label)

const isYesOrNo = (part: string | number) => part === 0 || part === 1 || part === '0' || part === '1'

/** The classes that occur, in labelNamesOf's order. Throws DataError where none does, and for lists of 0 and 1 of one length. */
export function setNames(labels: readonly Label[], file: string, lines: ArrayLike<number>): string[] {
  const rows = labels.map(labelParts)
  const length = rows[0]?.length ?? 0
  if (length > 1 && rows.every((row) => row.length === length && row.every(isYesOrNo)))
    throw new DataError(
      file,
      `labels are lists of ${length} times 0 or 1, and nothing names the classes`,
      'Name them in this order: --labels a,b,c',
    )
  rows.forEach((row, r) => {
    const part = row.find((part) => typeof part === 'number' && !Number.isSafeInteger(part))
    if (part !== undefined)
      throw new DataError(
        `${file}:${lines[r]}`,
        `label ${part} is no whole number`,
        'To predict numbers, ask for regression: --task regression',
      )
  })
  const names = labelNamesOf(rows.flat())
  if (names.length > 0) return names
  throw new DataError(file, 'no row has a class')
}

/**
 * Whether labels say yes or no to each class in turn, by 1 and 0, instead of naming classes: all rows are lists as long as
 * the names. Of one class alone a label is a number from 0 to 1.
 */
export function sayYesOrNo(labels: readonly Label[], names: readonly string[]): boolean {
  const n = names.length
  const numbered = names.some(isYesOrNo)
  // Of two classes called 0 and 1 a list [0, 1] names both.
  if (numbered && n < 3) return false
  const fits = n === 1 ? isShare : isYesOrNo
  return labels.every((label) => {
    const row = labelParts(label)
    return row.length === n && row.every(fits)
  })
}

/**
 * 1 where a row is of a class, else 0: [rows, names]. A label names its classes, by names or numbers as labelFinder has
 * them, or says yes or no to each: see sayYesOrNo. Throws DataError for what is no class, or the same number twice.
 */
export function labelSets(
  labels: readonly Label[],
  names: readonly string[],
  file: string,
  lines: ArrayLike<number>,
): Float32Array {
  const n = names.length
  if (sayYesOrNo(labels, names)) return Float32Array.from(labels.flatMap(labelParts), Number)
  const known = new Set(names)
  const rows = labels.map((label) => partsOf(label, known))
  const find = labelFinder(names)
  const at = (r: number) => `${file}:${lines[r]}`
  const out = new Float32Array(rows.length * n)
  rows.forEach((row, r) => {
    for (const part of row) {
      const id = find(part)
      if (id === null) {
        const some = names.slice(0, 8).map(shown).join(', ')
        throw new DataError(
          at(r),
          `label ${shown(String(part))} is none of the ${n} known: ${some}${n > 8 ? ', ...' : ''}`,
        )
      }
      if (out[r * n + id] === 1 && !known.has(String(part)))
        throw new DataError(
          at(r),
          `labels name class ${part} twice`,
          `Lists of 0 and 1 need one for each of the ${n} classes, in every row`,
        )
      out[r * n + id] = 1
    }
  })
  return out
}

const isShare = (part: string | number) => part !== '' && Number(part) >= 0 && Number(part) <= 1
