// Lines of a table as records of fields, in one of the ways that programs write them.
import { shown } from '../../formats/json.js'

/** A line without its end, and its number, from 1. */
export interface Line {
  text: string
  number: number
}

/** Throws what is wrong with a line. */
export type Fail = (line: number, reason: string, hint?: string) => never

/** The fields of one row of a table, and the line it begins on. */
export interface TableRow {
  fields: string[]
  line: number
  /** Per field, where it was quoted: whether the quotes were needed. Only of records with quotes. */
  quotes?: Quote[]
}

/** How a field stands in its file: bare, quoted without need, for a separator or line end inside, for a quote inside. */
export type Quote = 'bare' | 'needless' | 'spanning' | 'doubled'

/**
 * How fields that hold separators, line ends or quotes are written: quoted, with quotes inside doubled (csv, pandas, R's
 * write.csv) or behind a backslash (Spark, R's write.table); with a backslash before each such character; or not at all.
 */
export type Dialect = 'doubled' | 'backslash' | 'escaped' | 'raw'

/** A line of separators alone would take eight times its size in memory. */
const MAX_FIELDS = 10_000
/** The longest record, in characters: an open quote would take in the rest of the file. */
export const MAX_RECORD = 2 ** 24

export const UNCLOSED = 'a quote opens here and does not close'

const blank = (text: string) => text.trim() === ''

/** The records of lines, one after the other; empty lines outside quotes are passed over. */
export function* readRecords(
  lines: Iterable<Line>,
  delimiter: string,
  dialect: Dialect,
  fail: Fail,
): Generator<TableRow> {
  if (dialect === 'raw') yield* rawRecords(lines, delimiter, fail)
  else if (dialect === 'escaped') yield* escapedRecords(lines, delimiter, fail)
  else yield* quotedRecords(lines, delimiter, dialect, fail)
}

function* rawRecords(lines: Iterable<Line>, delimiter: string, fail: Fail): Generator<TableRow> {
  for (const { text, number } of lines) {
    if (blank(text)) continue
    const fields = text.split(delimiter, MAX_FIELDS + 1)
    if (fields.length > MAX_FIELDS) fail(number, `more than ${MAX_FIELDS} fields`)
    yield { fields, line: number }
  }
}

/** csv.QUOTE_NONE with a backslash as escapechar: one before a line end goes on in the next line. */
function* escapedRecords(lines: Iterable<Line>, delimiter: string, fail: Fail): Generator<TableRow> {
  let open: { fields: string[]; field: string; line: number; size: number } | null = null
  for (const { text, number } of lines) {
    if (open === null && blank(text)) continue
    open ??= { fields: [], field: '', line: number, size: 0 }
    open.size += text.length + 1
    if (open.size > MAX_RECORD) fail(open.line, `the record has more than ${MAX_RECORD} characters`)
    let goesOn = false
    for (let at = 0; at < text.length; at++) {
      if (text[at] === '\\') {
        at++
        goesOn = at === text.length
        open.field += goesOn ? '\n' : text[at]
      } else if (text[at] === delimiter) {
        open.fields.push(open.field)
        if (open.fields.length >= MAX_FIELDS) fail(open.line, `more than ${MAX_FIELDS} fields`)
        open.field = ''
      } else open.field += text[at]
    }
    if (goesOn) continue
    yield { fields: [...open.fields, open.field], line: open.line }
    open = null
  }
  if (open !== null) yield { fields: [...open.fields, open.field], line: open.line }
}

function* quotedRecords(
  lines: Iterable<Line>,
  delimiter: string,
  dialect: 'doubled' | 'backslash',
  fail: Fail,
): Generator<TableRow> {
  /** Fields that are whole, and of a quoted one what there is so far. */
  let fields: string[] = []
  let quotes: Quote[] = []
  let open: { begun: number; parts: string[]; doubled: boolean } | null = null
  let first = 0
  /** Of the record so far, in characters. */
  let size = 0
  const mark = dialect === 'doubled' ? /"/g : /["\\]/g
  const push = (field: string, quote: Quote) => {
    fields.push(field)
    quotes.push(quote)
    if (fields.length > MAX_FIELDS) fail(first, `more than ${MAX_FIELDS} fields`)
  }
  for (const { text, number } of lines) {
    if (open === null && fields.length === 0 && blank(text)) continue
    if (open === null) first = number
    size = open === null ? text.length : size + 1 + text.length
    if (open !== null && size > MAX_RECORD) fail(open.begun, UNCLOSED)
    let at = 0
    for (;;) {
      if (open === null && text[at] === '"') {
        open = { begun: number, parts: [], doubled: false }
        at++
      }
      if (open === null) {
        const end = text.indexOf(delimiter, at)
        const written = text.slice(at, end < 0 ? text.length : end)
        const field = dialect === 'doubled' ? written : written.replace(/\\(["\\])/g, '$1')
        if (dialect === 'doubled' ? written.includes('"') : /(?:^|[^\\])(?:\\\\)*"/.test(written))
          fail(
            number,
            'a quote in a field that does not begin with one',
            'Put the field in quotes and double those inside',
          )
        push(field, field === written ? 'bare' : 'doubled')
        if (end < 0) break
        at = end + 1
        continue
      }
      mark.lastIndex = at
      const found = mark.exec(text)?.index ?? -1
      open.parts.push(text.slice(at, found < 0 ? text.length : found))
      if (found < 0) {
        open.parts.push('\n')
        break
      }
      at = found + 1
      if (text[found] === '\\' || (dialect === 'doubled' && text[at] === '"')) {
        open.parts.push(text[at] ?? '\n')
        open.doubled = true
        at++
        if (at > text.length) break
        continue
      }
      const field = open.parts.join('')
      push(field, open.doubled ? 'doubled' : spans(field, delimiter) ? 'spanning' : 'needless')
      open = null
      if (at === text.length) break
      if (text[at] !== delimiter) fail(number, `found ${shown(text.slice(at, at + 1))} after a closing quote`)
      at++
    }
    if (open !== null) continue
    yield { fields, line: first, quotes }
    fields = []
    quotes = []
  }
  if (open !== null) fail(open.begun, UNCLOSED)
}

const spans = (field: string, delimiter: string) =>
  field.includes(delimiter) || field.includes('\n') || field.includes('\r')
