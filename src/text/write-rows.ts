// Rows of texts as lines: what readRows reads again as the same rows.
import type { TextRow } from './rows.js'

/** What rows can be written as. */
export type WrittenFormat = 'tsv' | 'csv' | 'jsonl' | 'txt'

/** A row to be written. */
export type WrittenRow = Pick<TextRow, 'text' | 'textB' | 'label'>

interface Shape {
  pairs: boolean
  labels: boolean
}

const fieldsOf = ({ pairs, labels }: Shape, { text, textB, label }: WrittenRow) => [
  text,
  ...(pairs ? [textB ?? ''] : []),
  ...(labels ? [typeof label === 'object' && label !== null ? label.join(',') : `${label ?? ''}`] : []),
]

const quoted = (special: RegExp) => (field: string) =>
  special.test(field) ? `"${field.replaceAll('"', '""')}"` : field

/** As pandas writes them: quotes where they are needed. */
const tables: Partial<Record<WrittenFormat, (fields: readonly string[]) => string>> = {
  tsv: (fields) => fields.map(quoted(/["\t\r\n]/)).join('\t'),
  csv: (fields) => fields.map(quoted(/[",\r\n]/)).join(','),
}

/**
 * Lines of a format, each with its line feed, for rows that were read from the same format, or any for jsonl: no text holds what
 * it cannot write. Tables get a header, so that no first row is taken for one. `shape`: which fields the rows have.
 */
export function* writeRows(
  rows: Iterable<WrittenRow>,
  format: WrittenFormat,
  shape: Shape,
): Generator<string> {
  const table = tables[format]
  if (table !== undefined) {
    const names = { text: 'text', textB: 'text_b', label: 'label', line: 0 }
    yield `${table(fieldsOf(shape, names))}\n`
  }
  for (const row of rows) {
    if (table !== undefined) yield `${table(fieldsOf(shape, row))}\n`
    else if (format === 'txt') yield `${row.text}\n`
    else {
      const { text, textB, label } = row
      yield `${JSON.stringify({ text, ...(textB !== null && { text_b: textB }), ...(label !== null && { label }) })}\n`
    }
  }
}
