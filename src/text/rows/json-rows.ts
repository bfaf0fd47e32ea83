// Rows out of objects: a line of JSONL, an element of a JSON list, a row of Parquet.
import { parseJson } from '../../formats/parse-json.js'
import { labelOf } from '../labels.js'
import { type Columns, checkLabelled, type DataOptions, decideColumns, REMEDY } from './columns.js'
import type { Fail, Line } from './records.js'
import type { TextRow } from './row.js'

/** Different sets of names that are remembered. */
const MAX_SHAPES = 1000

/** Gives a row's texts and label by their names; objects may differ in which they have. */
export function objectReader(
  options: DataOptions,
  fail: Fail,
): (own: ReadonlyMap<string, unknown>, line: number) => TextRow {
  const shapes = new Map<string, Columns>()
  const told = new Set<string>()
  const columnsOf = (names: readonly string[], line: number): Columns => {
    const key = JSON.stringify(names)
    const known = shapes.get(key)
    if (known !== undefined) return known
    const decided = decideColumns(names, options, (reason, hint) => fail(line, reason, hint))
    checkLabelled(names, decided, options, (reason, hint) => fail(line, reason, hint))
    for (const note of decided.notes) {
      if (!told.has(note)) options.note?.(note)
      told.add(note)
    }
    if (shapes.size < MAX_SHAPES) shapes.set(key, decided)
    return decided
  }
  return (own, line) => {
    const names = [...own.keys()]
    const { text, textB, label } = columnsOf(names, line)
    const value = (at: number | null) => (at === null ? null : (own.get(names[at]) ?? null))
    return rowOf({ text: value(text), textB: value(textB), label: value(label) }, line, fail)
  }
}

/** A row out of values of any kind. */
export function rowOf(
  values: Record<'text' | 'textB' | 'label', unknown>,
  line: number,
  fail: Fail,
): TextRow {
  const { text, textB } = values
  if (typeof text !== 'string') return fail(line, 'has no text, or one that is no string', REMEDY)
  if (text.trim() === '') fail(line, 'the text is empty')
  if (textB !== null && typeof textB !== 'string') return fail(line, 'text_b must be a string')
  return { text, textB, label: labelOf(values.label, (reason) => fail(line, reason)), line }
}

/** The same of a line of JSON. */
export function jsonReader(options: DataOptions, fail: Fail): (line: Line) => TextRow {
  const read = objectReader(options, fail)
  return ({ text, number }) => {
    const value = parseJson(text, (reason) => fail(number, reason))
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return fail(
        number,
        'must be a JSON object with text and label',
        Array.isArray(value) && value.some((item) => typeof item === 'object' && item !== null)
          ? 'It is a list: name the file .json'
          : undefined,
      )
    return read(new Map(Object.entries(value)), number)
  }
}
