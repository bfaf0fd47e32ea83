// Rows of texts out of lines: TSV, CSV, JSONL and plain text. Nothing here knows of files, so a browser can use it.
import { DataError } from '../errors.js'
import { shown } from '../formats/json.js'
import { parseJson } from '../formats/parse-json.js'
import type { Label } from './label-parts.js'
import { labelOf } from './labels.js'

/** One row as it stands in the data. */
export interface TextRow {
  text: string
  textB: string | null
  /** As written; null where there is none. */
  label: Label | null
  /** The line it begins on, from 1. */
  line: number
}

export type TextFormat = 'tsv' | 'csv' | 'jsonl' | 'txt'

/** A line without its end, and its number, from 1. */
export interface Line {
  text: string
  number: number
}

const roles = {
  text: ['text', 'sentence', 'text_a', 'sentence1', 'text1', 'premise', 'question1'],
  textB: ['text_b', 'sentence2', 'text2', 'hypothesis', 'question2'],
  label: ['label', 'labels', 'class', 'score', 'target'],
} as const
const NAMES = 'A header has the names text, text_b (where there are pairs) and label'

/** Which field is what; null where the data has none. */
interface Columns {
  text: number
  textB: number | null
  label: number | null
  count: number
}

type Fail = (line: number, reason: string, hint?: string) => never

/**
 * Rows of `lines`, one after the other. Empty lines are passed over, outside quotes. Throws DataError naming `file`, the
 * line and the reason for anything that is no row.
 *
 * - tsv: text, text TAB label, or text TAB text_b TAB label. No quoting. The first line is a header where one of its
 *   fields is a name for text (text, sentence, sentence1, ...) and, if it has more fields, another one is a name for
 *   text_b or label; then the names say which field is what, and fields of other names are left out. Pairs without
 *   labels need a header.
 * - csv: with a header, fields quoted by RFC 4180: line breaks and doubled quotes inside quotes.
 * - jsonl: an object a line with text, and where there are, text_b and label.
 * - txt: a text a line, no labels.
 */
export function* readRows(lines: Iterable<Line>, format: TextFormat, file: string): Generator<TextRow> {
  const fail: Fail = (line, reason, hint) => {
    throw new DataError(`${file}:${line}`, reason, hint)
  }
  if (format === 'tsv') yield* tableRows(tsvRecords(lines, fail), false, fail)
  else if (format === 'csv') yield* tableRows(csvRecords(lines, fail), true, fail)
  else {
    const row = format === 'txt' ? plainRow : jsonRow
    for (const line of lines) if (line.text.trim() !== '') yield row(line, fail)
  }
}

/** The fields of one row of a table, and the line it begins on. */
interface TableRow {
  fields: string[]
  line: number
}

/** A line of separators alone would take eight times its size in memory. */
const MAX_FIELDS = 10_000

function* tsvRecords(lines: Iterable<Line>, fail: Fail): Generator<TableRow> {
  for (const { text, number } of lines) {
    if (text.trim() === '') continue
    const fields = text.split('\t', MAX_FIELDS + 1)
    if (fields.length > MAX_FIELDS) fail(number, `more than ${MAX_FIELDS} fields`)
    yield { fields, line: number }
  }
}

/** The longest record, in characters: an open quote would take in the rest of the file. */
const MAX_RECORD = 2 ** 24

function* csvRecords(lines: Iterable<Line>, fail: Fail): Generator<TableRow> {
  /** Fields that are whole, and of a quoted one what there is so far. */
  let fields: string[] = []
  let open: { begun: number; parts: string[] } | null = null
  let first = 0
  /** Of the record so far, in characters. */
  let size = 0
  for (const { text, number } of lines) {
    if (open === null && fields.length === 0 && text.trim() === '') continue
    if (open === null) first = number
    size = open === null ? text.length : size + 1 + text.length
    if (open !== null && size > MAX_RECORD) fail(open.begun, 'a quote opens here and does not close')
    let at = 0
    for (;;) {
      if (open === null && text[at] === '"') {
        open = { begun: number, parts: [] }
        at++
      }
      if (open === null) {
        const comma = text.indexOf(',', at)
        const field = text.slice(at, comma < 0 ? text.length : comma)
        if (field.includes('"'))
          fail(
            number,
            'a quote in a field that does not begin with one',
            'Put the field in quotes and double those inside',
          )
        fields.push(field)
        if (fields.length > MAX_FIELDS) fail(first, `more than ${MAX_FIELDS} fields`)
        if (comma < 0) break
        at = comma + 1
        continue
      }
      const quote = text.indexOf('"', at)
      const part = text.slice(at, quote < 0 ? text.length : quote)
      open.parts.push(part)
      if (quote < 0) {
        open.parts.push('\n')
        break
      }
      at = quote + 1
      if (text[at] === '"') {
        open.parts.push('"')
        at++
        continue
      }
      fields.push(open.parts.join(''))
      if (fields.length > MAX_FIELDS) fail(first, `more than ${MAX_FIELDS} fields`)
      open = null
      if (at === text.length) break
      if (text[at] !== ',') fail(number, `found ${shown(text.slice(at, at + 1))} after a closing quote`)
      at++
    }
    if (open !== null) continue
    yield { fields, line: first }
    fields = []
  }
  if (open !== null) fail(open.begun, 'a quote opens here and does not close')
}

function* tableRows(records: Iterable<TableRow>, hasHeader: boolean, fail: Fail): Generator<TextRow> {
  let columns: Columns | null = null
  for (const { fields, line } of records) {
    if (columns === null) {
      columns = headerColumns(fields)
      if (columns !== null) continue
      if (hasHeader)
        fail(line, `the header names no text: ${fields.slice(0, 8).map(shown).join(', ')}`, NAMES)
      columns =
        plainColumns(fields.length) ??
        fail(line, `${fields.length} fields without a header, 1 to 3 are read`, NAMES)
    }
    if (fields.length !== columns.count)
      fail(
        line,
        `${fields.length} ${fields.length === 1 ? 'field' : 'fields'}, the first line has ${columns.count}`,
      )
    const text = fields[columns.text]
    if (text.trim() === '') fail(line, 'the text is empty')
    const label = columns.label === null ? null : fields[columns.label]
    yield {
      text,
      textB: columns.textB === null ? null : fields[columns.textB],
      label: labelOf(label, (reason) => fail(line, reason)),
      line,
    }
  }
}

function headerColumns(fields: readonly string[]): Columns | null {
  const names = fields.map((field) => field.trim().toLowerCase())
  const find = (role: keyof typeof roles) => {
    const known: readonly string[] = roles[role]
    const at = names.findIndex((name) => known.includes(name))
    return at < 0 ? null : at
  }
  const [text, textB, label] = [find('text'), find('textB'), find('label')]
  if (text === null || (fields.length > 1 && textB === null && label === null)) return null
  return { text, textB, label, count: fields.length }
}

function plainColumns(count: number): Columns | null {
  if (count < 1 || count > 3) return null
  return { text: 0, textB: count === 3 ? 1 : null, label: count === 1 ? null : count - 1, count }
}

function plainRow({ text, number }: Line): TextRow {
  return { text, textB: null, label: null, line: number }
}

function jsonRow({ text, number }: Line, fail: Fail): TextRow {
  const value = parseJson(text, (reason) => fail(number, reason))
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return fail(number, 'must be a JSON object with text and label')
  const own = new Map(Object.entries(value))
  const find = (role: keyof typeof roles): unknown => {
    for (const name of roles[role]) if (own.has(name)) return own.get(name)
    return null
  }
  const [main, second, label] = [find('text'), find('textB'), find('label')]
  if (typeof main !== 'string') return fail(number, 'has no text, or one that is no string')
  if (main.trim() === '') fail(number, 'the text is empty')
  if (second !== null && typeof second !== 'string') return fail(number, 'text_b must be a string')
  return { text: main, textB: second, label: labelOf(label, (reason) => fail(number, reason)), line: number }
}
