// Rows of texts out of a Parquet file, a group of rows in memory at a time.
import { closeSync } from 'node:fs'
import { DataError } from '../../errors.js'
import { shown } from '../../formats/json.js'
import { openParquet } from '../../formats/parquet.js'
import { checkLabelled, type DataOptions, decideColumns, REMEDY } from '../../text/rows/columns.js'
import { rowOf } from '../../text/rows/json-rows.js'
import type { TextRow } from '../../text/rows.js'
import { fillFrom, openFile } from '../disk.js'
import { readable } from '../lines.js'

/**
 * Rows are numbered from 1. A label that the hub's data set has a name for comes by that name; -1 is none. Throws DataError for
 * what is no Parquet, is damaged, or has no column of texts.
 */
export function* parquetTexts(path: string, options: DataOptions): Generator<TextRow> {
  const { file, size } = readable(path, () => openFile(path))
  try {
    const fail = (reason: string, hint?: string): never => {
      throw new DataError(path, reason, hint)
    }
    const read = (start: number, end: number) => {
      const bytes = new Uint8Array(end - start)
      readable(path, () => fillFrom(path, file, bytes, start))
      return bytes
    }
    const table = openParquet({ size, read }, fail)
    const { names } = table
    const { notes, ...at } = decideColumns(names, options, fail)
    if (at.text === null)
      return fail(`no column is a text: ${names.slice(0, 12).map(shown).join(', ')}`, REMEDY)
    checkLabelled(names, at, options, fail)
    for (const note of notes) options.note?.(note)
    const wanted = [at.text, at.textB, at.label].flatMap((i) => (i === null ? [] : [names[i]]))
    const classes = at.label === null ? null : table.classNames(names[at.label])
    let line = 0
    for (const values of table.rows(wanted)) {
      line++
      const text = values[0]
      const textB = at.textB === null ? null : values[1]
      const label = at.label === null ? null : values[values.length - 1]
      const failRow = (n: number, reason: string, hint?: string): never => {
        throw new DataError(`${path}:${n}`, reason, hint)
      }
      const nameOf = (id: unknown) => {
        if (classes === null || typeof id !== 'number') return id
        if (classes[id] !== undefined) return classes[id]
        return failRow(line, `label ${id} is none of the ${classes.length} classes that the file names`)
      }
      if (classes === null || typeof label !== 'number') {
        yield rowOf({ text, textB, label: Array.isArray(label) ? label.map(nameOf) : label }, line, failRow)
        continue
      }
      if (label !== -1) nameOf(label)
      const row = rowOf({ text, textB, label: classes[label] ?? null }, line, failRow)
      yield label === -1 ? row : { ...row, classId: label }
    }
  } finally {
    closeSync(file)
  }
}
