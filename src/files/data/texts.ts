// Data files of texts: read as a stream of rows, or whole with their labels.
import type { DataOptions } from '../../text/rows/columns.js'
import {
  MAX_JSON_LINE,
  notedAs,
  type TextSet,
  type TextSetOptions,
  textFormat,
  textSetOf,
} from '../../text/rows/text-set.js'
import { readRows, type TextRow } from '../../text/rows.js'
import { checkFile, type LineOptions, readLines } from '../lines.js'
import { parquetTexts } from './parquet.js'

export { type DataFormat, type TextSet, textFormat } from '../../text/rows/text-set.js'

/** The rows of a file one after the other, whatever its size in memory of one chunk. Throws DataError: see readRows. */
export function streamTexts(path: string, options: LineOptions & DataOptions = {}): Generator<TextRow> {
  checkFile(path)
  const format = textFormat(path)
  const told = notedAs(path, options)
  if (format === 'parquet') return parquetTexts(path, told)
  const lines = readLines(path, { ...(format === 'json' && { maxLine: MAX_JSON_LINE }), ...options })
  return readRows(lines, format, path, told)
}

/** Of readTexts(): where texts and labels stand. */
export interface ReadTextsOptions extends LineOptions, TextSetOptions {}

/** A whole file. Throws DataError naming the file and line: a bad row, a row without label, an unknown label, no rows. */
export function readTexts(path: string, options: ReadTextsOptions = {}): TextSet {
  checkFile(path)
  return textSetOf((reading) => streamTexts(path, { ...options, ...reading }), path, options)
}
