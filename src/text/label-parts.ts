// A label as it stands in data, and the parts of one that holds several.

/**
 * A label as it stands in data: the name or number of a class, the number to be predicted, or a list: the classes that a
 * text is of, none where it is empty, or several numbers.
 */
export type Label = string | number | readonly (string | number)[]

/** Whether a text is a list as Python and NumPy print it. */
export const isBracketed = (text: string): boolean => /^\[.*\]$/s.test(text.trim())

/** In brackets: what stands in quotes, or else what stands between commas and spaces. */
const ITEM = /'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|([^\s,'"]+)/g
const BETWEEN = /[,;|]/

/**
 * The parts of a label: those of a list as they are; of a text what stands between commas, semicolons or bars, or in
 * brackets, as tables hold lists that Python wrote; a number is one part. Empty parts are none.
 */
export function labelParts(label: Label): (string | number)[] {
  if (typeof label === 'number') return [label]
  if (typeof label !== 'string') return [...label]
  const text = label.trim()
  const parts = isBracketed(text)
    ? Array.from(text.slice(1, -1).matchAll(ITEM), ([, one, two, bare]) => one ?? two ?? bare)
    : text.split(BETWEEN)
  return parts.map((part) => part.trim()).filter((part) => part !== '')
}
