// Rows of texts out of tables: which line is the header, what its columns are, and what stands in them.
import { shown } from '../../formats/json.js'
import { labelOf } from '../labels.js'
import { Ahead } from './ahead.js'
import {
  asksForPlaces,
  type Columns,
  checkLabelled,
  type DataOptions,
  decideColumns,
  knownName,
  placedColumns,
  REMEDY,
} from './columns.js'
import { quotedDialect, sniffedRecords } from './dialect.js'
import { type Fail, type Line, readRecords, type TableRow } from './records.js'
import type { TextRow } from './row.js'

/** Records that are looked at before the first is taken for a header or a row. */
const HEAD = 1000
const CHARACTERS = 2 ** 22

const isNumber = (field: string) => field.trim() !== '' && Number.isFinite(Number(field))
const wordsOf = (field: string) => field.trim().split(/\s+/).length
const sizeOf = ({ fields }: TableRow) => fields.reduce((sum, field) => sum + field.length, 0)
const few = (fields: readonly string[]) =>
  `${fields.slice(0, 8).map(shown).join(', ')}${fields.length > 8 ? ', ...' : ''}`

/** How a .txt file whose first line names columns, or of which columns are asked for, is read; null for plain lines. */
export function separatorOf(lines: Ahead<Line>, options: DataOptions): 'tsv' | null {
  const { textColumn, textPairColumn, labelColumn, delimiter } = options
  if ([textColumn, textPairColumn, labelColumn, delimiter].some((o) => o !== undefined)) return 'tsv'
  const first = lines.peek(1, 1, () => 1)[0]?.text ?? ''
  const roles = first.split('\t', 100).map(knownName)
  return roles.includes('text') && (roles.includes('label') || roles.includes('textB')) ? 'tsv' : null
}

/** What a table's lines hold. */
interface Layout extends Columns {
  text: number
  /** Fields of a row, and how many of them stand before the first that the header names: R's names of rows. */
  count: number
  shift: number
}

export function* tableRows(
  lines: Ahead<Line>,
  format: 'tsv' | 'csv',
  options: DataOptions,
  fail: Fail,
): Generator<TextRow> {
  const delimiter = options.delimiter ?? (format === 'tsv' ? '\t' : foundDelimiter(lines, options))
  const source =
    format === 'tsv'
      ? sniffedRecords(lines, delimiter, fail)
      : readRecords(lines, delimiter, quotedDialect(lines, delimiter), fail)
  const records = new Ahead(source)
  const head = records.peek(HEAD, CHARACTERS, sizeOf)
  if (head.length === 0) return
  const headed = layoutOf(head, format, options, fail)
  const { layout } = headed
  let first = headed.header
  for (const { fields, line } of records) {
    if (first) {
      first = false
      continue
    }
    if (fields.length !== layout.count)
      fail(
        line,
        `${fields.length} ${fields.length === 1 ? 'field' : 'fields'}, the first line has ${layout.count - layout.shift}`,
      )
    const text = fields[layout.text]
    if (text.trim() === '') fail(line, 'the text is empty')
    yield {
      text,
      textB: layout.textB === null ? null : fields[layout.textB],
      label: layout.label === null ? null : labelOf(fields[layout.label], (reason) => fail(line, reason)),
      line,
    }
  }
}

/** A comma, unless the first line names more by another. */
function foundDelimiter(lines: Ahead<Line>, { note }: DataOptions): string {
  const first = lines.peek(20, CHARACTERS, ({ text }) => text.length).find(({ text }) => text.trim() !== '')
  const unquoted = (first?.text ?? '').replace(/"[^"]*"/g, (field) =>
    field.slice(1, -1).replace(/[,;\t|]/g, ''),
  )
  const known = (by: string) => {
    const fields = unquoted.split(by, 1000)
    return fields.length > 1 ? fields.filter((name) => knownName(name) !== null).length : 0
  }
  const best = [',', ';', '\t', '|'].reduce((a, b) => (known(b) > known(a) ? b : a))
  if (best !== ',') note?.(`its fields are separated by ${best === '\t' ? 'TAB' : best}`)
  return best
}

/** Which columns there are, and whether the first record names them. */
function layoutOf(
  head: readonly TableRow[],
  format: 'tsv' | 'csv',
  options: DataOptions,
  fail: Fail,
): { layout: Layout; header: boolean } {
  const [{ fields: first, line }, ...others] = head
  const refuse = (reason: string, hint?: string) => fail(line, reason, hint)
  const plain = (columns: Columns) => ({
    layout: { ...columns, text: columns.text as number, count: first.length, shift: 0 },
    header: false,
  })
  if (asksForPlaces(first, options)) return plain(placedColumns(first.length, options, refuse))
  const asked = [options.textColumn, options.textPairColumn, options.labelColumn].some((o) => o !== undefined)
  if (asked || isHeader(first, others) || (format === 'csv' && !isReviews(head))) {
    const { notes, ...columns } = decideColumns(first, options, refuse)
    const { text } = columns
    if (text === null) return refuse(`the header names no text: ${few(first)}`, REMEDY)
    checkLabelled(first, columns, options, refuse)
    for (const note of notes) options.note?.(note)
    noteDropped(first, columns, others, options)
    // R leaves out the name of the column that holds the names of rows.
    const shift = others.length > 0 && others[0].fields.length === first.length + 1 ? 1 : 0
    const moved = (at: number | null) => (at === null ? null : at + shift)
    const count = first.length + shift
    const layout = {
      text: text + shift,
      textB: moved(columns.textB),
      label: moved(columns.label),
      count,
      shift,
    }
    return { layout, header: true }
  }
  if (format === 'csv') {
    options.note?.(`has no header: read as label, text${first.length === 3 ? ' and second text' : ''}`)
    return plain({ label: 0, text: 1, textB: first.length === 3 ? 2 : null })
  }
  if (isCola(head)) {
    options.note?.('has no header: read as the four columns of CoLA, the label second and the text last')
    return plain({ text: 3, textB: null, label: 1 })
  }
  const { length } = first
  if (length > 3) return refuse(`${length} fields without a header, 1 to 3 are read`, REMEDY)
  if (length > 1) checkFirst(first, others, refuse)
  if (length === 2) checkSecond(head, options, refuse)
  if (length === 3) checkCounter(head, refuse)
  return plain({ text: 0, textB: length === 3 ? 1 : null, label: length === 1 ? null : length - 1 })
}

/** Whether a first line of a TSV names columns: by names that are known, and nothing that would stand in a row. */
function isHeader(first: readonly string[], others: readonly TableRow[]): boolean {
  const roles = first.map(knownName)
  const [text, textB, label] = (['text', 'textB', 'label'] as const).map((role) => roles.includes(role))
  if (text && (first.length === 1 || textB || label)) return true
  if (first.length === 1 || !(text || textB || label)) return false
  if (first.some((field, i) => roles[i] === null && isNumber(field))) return false
  // Names do not come again under themselves.
  return !others.some(({ fields }) => fields.some((field, i) => field === first[i] && field !== ''))
}

/** label, text or label, text, text, all quoted, without header: the sets of Zhang et al. 2015, AG News among them. */
function isReviews(head: readonly TableRow[]): boolean {
  return head.every(
    ({ fields: [label, ...texts] }) =>
      /^[1-9]\d?$/.test(label) &&
      (texts.length === 1 || texts.length === 2) &&
      texts.some((t) => wordsOf(t) > 2),
  )
}

/** source, 0 or 1, nothing or a star, sentence. */
function isCola(head: readonly TableRow[]): boolean {
  return head.every(
    ({ fields }) => fields.length === 4 && /^[01]$/.test(fields[1]) && /^\*?$/.test(fields[2].trim()),
  )
}

/** A first line whose label is no other row's, where others have theirs in common, is a header of names unknown. */
function checkFirst(
  first: readonly string[],
  others: readonly TableRow[],
  refuse: (reason: string, hint?: string) => never,
): void {
  const last = first.length - 1
  const label = first[last].trim()
  if (isNumber(label) || first.slice(0, last).some((field) => wordsOf(field) > 2 || isNumber(field))) return
  const labels = others.map(({ fields }) => fields[fields.length - 1].trim())
  if (labels.length < 2 || labels.includes(label)) return
  const different = new Set(labels).size
  if (different > labels.length / 2 && !labels.every(isNumber)) return
  refuse(
    `is it a header? ${shown(label)} is the label of no other row`,
    `${REMEDY}. For a table without header give their places: --text-column 1 --label-column ${first.length}`,
  )
}

/** Two columns without header: the second holds labels, unless it reads like texts. */
function checkSecond(
  head: readonly TableRow[],
  { labelUse, note }: DataOptions,
  refuse: (reason: string, hint?: string) => never,
): void {
  const second = head.flatMap(({ fields }) => (fields.length === 2 ? [fields[1].trim()] : []))
  const words = second.reduce((sum, field) => sum + wordsOf(field), 0) / second.length
  if (second.length > 1 && words > 2.5 && new Set(second).size > second.length / 2)
    refuse(
      'the second field of a line reads like a text and not like a label',
      'Say what it is: --text-column 1 --text-pair-column 2 for pairs, --text-column 2 --label-column 1 where the label stands in front',
    )
  if (labelUse === 'unused')
    note?.(
      'the second field of a line is taken for a label and passed over; for pairs: --text-column 1 --text-pair-column 2',
    )
}

/** Three columns without header are a pair and its label, unless the first counts the rows. */
function checkCounter(head: readonly TableRow[], refuse: (reason: string, hint?: string) => never): void {
  const numbers = head.map(({ fields: [first] }) => first)
  if (!numbers.every((field) => /^\s*\d+\s*$/.test(field)) || new Set(numbers).size < numbers.length) return
  if (head.some(({ fields: [, second] }) => isNumber(second))) return
  refuse(
    'the first field of every line is a number of its own and no text',
    'Say what the columns are: --text-column 2 --label-column 3; for pairs of numbers --text-column 1 --text-pair-column 2 --label-column 3',
  )
}

/** A column of unknown name that reads like texts is no second text by itself. */
function noteDropped(
  names: readonly string[],
  { text, textB, label }: Columns,
  rows: readonly TableRow[],
  { note }: DataOptions,
): void {
  if (textB !== null || rows.length === 0) return
  names.forEach((name, at) => {
    if (at === text || at === label || knownName(name) !== null || /parse|tree|token|tags?\b/i.test(name))
      return
    const words = rows.reduce((sum, { fields }) => sum + wordsOf(fields[at] ?? ''), 0) / rows.length
    if (words > 3) note?.(`${shown(name)} reads like a text and is left out: --text-pair-column takes it`)
  })
}
