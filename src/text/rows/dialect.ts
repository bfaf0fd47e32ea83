// Which way a table was written, found out from its lines: csv, pandas, Spark and R quote, GLUE's files do not.
import type { Ahead } from './ahead.js'
import { type Dialect, type Fail, type Line, readRecords, type TableRow, UNCLOSED } from './records.js'

/** How far is looked ahead from the first line that a dialect would read otherwise. */
const LINES = 2000
const CHARACTERS = 2 ** 22
/** A quote that opens so near the end of what is looked at may close behind it. */
const NEAR_THE_END = 100

/** A line that reads the same in all dialects but these. */
const marked = (text: string, delimiter: string) =>
  text.includes('"') || text.endsWith('\\') || text.includes('\\\r') || text.includes(`\\${delimiter}`)

/**
 * The records of a table whose dialect is not known: lines without quotes are cut, and at the first with one, the lines from there
 * on decide how they and all others are read.
 */
export function* sniffedRecords(lines: Ahead<Line>, delimiter: string, fail: Fail): Generator<TableRow> {
  let width: number | null = null
  let outside = new Set<string>()
  for (;;) {
    const [line] = lines.peek(1, 1, () => 1)
    if (line === undefined) return
    if (marked(line.text, delimiter)) break
    for (const record of readRecords([line], delimiter, 'raw', fail)) {
      width ??= record.fields.length
      if (outside.size < LINES) outside.add(record.fields[record.fields.length - 1])
      yield record
    }
    lines[Symbol.iterator]().next()
  }
  const head = lines.peek(LINES, CHARACTERS, ({ text }) => text.length)
  const dialect = dialectOf(head, lines.ended, delimiter, width, outside)
  outside = new Set()
  yield* readRecords(lines, delimiter, dialect, fail)
}

/** For a table that must be quoted where it holds separators: whether quotes inside are doubled or behind a backslash. */
export function quotedDialect(lines: Ahead<Line>, delimiter: string): Dialect {
  const head = lines.peek(LINES, CHARACTERS, ({ text }) => text.length)
  if (!head.some(({ text }) => text.includes('\\'))) return 'doubled'
  const read = (dialect: Dialect) => tried(head, lines.ended, delimiter, dialect, null)
  const doubled = read('doubled')
  if (doubled !== null && named(doubled) === 0) return 'doubled'
  const escaped = allEscaped(head, delimiter) ? read('escaped') : null
  if (escaped !== null && (doubled === null || named(escaped) === 0)) return 'escaped'
  return doubled === null && read('backslash') !== null ? 'backslash' : 'doubled'
}

/** Whether every quote stands behind a backslash, and every backslash before what must not stand alone. */
function allEscaped(head: readonly Line[], delimiter: string): boolean {
  let found = false
  for (const { text } of head) {
    for (let at = 0; at < text.length; at++) {
      if (text[at] === '"') return false
      if (text[at] !== '\\') continue
      const next = text[++at]
      if (next !== undefined && next !== '"' && next !== '\\' && next !== delimiter && next !== '\r')
        return false
      // Two backslashes alone may be a text's own.
      found ||= next !== '\\'
    }
  }
  return found
}

/** The records, where all lines can be read so and have as many fields as each other. */
function tried(
  head: readonly Line[],
  whole: boolean,
  delimiter: string,
  dialect: Dialect,
  width: number | null,
): TableRow[] | null {
  const records: TableRow[] = []
  let misfit: { line: number; reason: string } | null = null
  const fail: Fail = (line, reason) => {
    misfit = { line, reason }
    throw misfit
  }
  try {
    for (const record of readRecords(head, delimiter, dialect, fail)) records.push(record)
  } catch (error) {
    if (error !== misfit || misfit === null) throw error
    const { line, reason } = misfit as { line: number; reason: string }
    const last = head[head.length - 1].number
    if (whole || reason !== UNCLOSED || line < last - NEAR_THE_END) return null
  }
  if (records.length === 0) return null
  const counts = records.map(({ fields }) => fields.length)
  const rest = counts.length > 1 ? counts[1] : counts[0]
  // R leaves the name of the column of row names out of the header.
  const first = width === null ? counts[0] === rest || counts[0] === rest - 1 : counts[0] === rest
  const fits = first && counts.slice(1).every((count) => count === rest)
  return fits && (width === null || width === rest || width === rest - 1) ? records : null
}

/** Whether rows have a field more than the first: the name that R leaves out, or a separator inside quotes. */
const named = (records: readonly TableRow[]): number =>
  records.length > 1 ? records[1].fields.length - records[0].fields.length : 0

function dialectOf(
  head: readonly Line[],
  whole: boolean,
  delimiter: string,
  width: number | null,
  outside: ReadonlySet<string>,
): Dialect {
  const read = (dialect: Dialect) => tried(head, whole, delimiter, dialect, width)
  if (allEscaped(head, delimiter) && read('escaped') !== null) return 'escaped'
  const raw = read('raw')
  for (const dialect of ['doubled', 'backslash'] as const) {
    const records = read(dialect)
    if (
      records !== null &&
      (raw === null || named(raw) > named(records) || quotedOnPurpose(records, raw, outside))
    )
      return dialect
  }
  return 'raw'
}

/** Of lines that can be read either way: whether the quotes are a program's and not the texts' own. */
function quotedOnPurpose(
  records: readonly TableRow[],
  raw: readonly TableRow[],
  outside: ReadonlySet<string>,
): boolean {
  const all = records.flatMap(({ quotes = [] }) => quotes)
  if (!all.some((quote) => quote !== 'bare')) return false
  if (all.includes('doubled')) return true
  const lines = new Set(records.map(({ line }) => line))
  const begun = new Set(records.filter(({ quotes }) => quotes?.includes('spanning')).map(({ line }) => line))
  if (raw.some(({ line }) => !lines.has(line))) {
    const last = ({ fields }: TableRow) => fields[fields.length - 1]
    const known = new Set([...outside, ...records.filter(({ line }) => !begun.has(line)).map(last)])
    // Lines that a quote would join end like others do: a dialogue of two rows, not a text of two lines.
    const joined = raw.filter(({ line }) => begun.has(line) || !lines.has(line))
    return !joined.every((record) => known.has(last(record)))
  }
  const width = records[records.length - 1].fields.length
  return Array.from({ length: width }, (_, column) => column).every((column) => {
    const cells = records.filter(({ fields }) => (fields[column] ?? '') !== '')
    const quote = ({ quotes }: TableRow) => quotes?.[column] ?? 'bare'
    const needless = cells.some((cell) => quote(cell) === 'needless')
    return (
      !needless ||
      cells.every((cell) => quote(cell) !== 'bare' || Number.isFinite(Number(cell.fields[column])))
    )
  })
}
