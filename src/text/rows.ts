// Rows of texts out of lines: TSV, CSV, JSONL, JSON and plain text. Nothing here knows of files, so a browser can use it.
import { DataError } from '../errors.js'
import { Ahead } from './rows/ahead.js'
import type { DataOptions } from './rows/columns.js'
import { jsonElements } from './rows/json-elements.js'
import { jsonReader } from './rows/json-rows.js'
import type { Fail, Line } from './rows/records.js'
import type { TextRow } from './rows/row.js'
import { separatorOf, tableRows } from './rows/table-rows.js'

export type { Line } from './rows/records.js'
export type { TextRow } from './rows/row.js'

/** How lines hold texts and labels. */
export type TextFormat = 'tsv' | 'csv' | 'jsonl' | 'json' | 'txt'

/**
 * Rows of `lines`, one after the other. Empty lines are passed over, outside quotes. Throws DataError naming `file`, the
 * line and the reason for anything that is no row.
 *
 * - tsv: text, text TAB label, or text TAB text_b TAB label. Where the first line names columns, the names say which is
 *   what (see decideColumns), and a first line that seems to is refused. Quotes are the texts' own, unless the lines show that a
 *   program put them there.
 * - csv: with a header, fields quoted by RFC 4180: line breaks and doubled quotes inside quotes. Semicolons, TABs and bars are
 *   found out from the header.
 * - jsonl: an object a line with text, and where there are, text_b and label. json: a list of such objects.
 * - txt: a text a line, no labels; a table where the first line names columns, with TABs between.
 */
export function* readRows(
  lines: Iterable<Line>,
  format: TextFormat,
  file: string,
  options: DataOptions = {},
): Generator<TextRow> {
  const fail: Fail = (line, reason, hint) => {
    throw new DataError(`${file}:${line}`, reason, hint)
  }
  const ahead = new Ahead(lines)
  try {
    if (format === 'json' || format === 'jsonl') {
      const read = jsonReader(options, fail)
      const elements = format === 'json' ? jsonElements(ahead, fail) : ahead
      for (const line of elements) if (line.text.trim() !== '') yield read(line)
      return
    }
    const kind = format === 'txt' ? separatorOf(ahead, options) : format
    if (kind !== null) yield* tableRows(ahead, kind, options, fail)
    else
      for (const { text, number } of ahead)
        if (text.trim() !== '') yield { text, textB: null, label: null, line: number }
  } finally {
    ahead.end()
  }
}
