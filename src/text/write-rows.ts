// Rows of texts as lines: what readRows reads again as the same rows.
import type { TextFormat, TextRow } from './rows.js'

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

const quoted = (field: string) => (/[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field)

const tables: Partial<Record<TextFormat, (fields: readonly string[]) => string>> = {
  tsv: (fields) => fields.join('\t'),
  csv: (fields) => fields.map(quoted).join(','),
}

/**
 * Lines of a format, each with its line feed, for rows that were read from the same format: no text holds what it cannot
 * write. Tables get a header, so that no first row is taken for one. `shape`: which fields the rows have.
 */
export function* writeRows(rows: Iterable<WrittenRow>, format: TextFormat, shape: Shape): Generator<string> {
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
