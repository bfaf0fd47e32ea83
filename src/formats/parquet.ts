// Parquet: columns of a table, as the hub keeps its data sets. hyparquet decodes pages; what a file claims is checked here before.
import { parquetMetadata } from 'hyparquet'
import { assembleNested } from 'hyparquet/src/assemble.js'
import { parquetHeader, readColumn } from 'hyparquet/src/column.js'
import { DEFAULT_PARSERS } from 'hyparquet/src/convert.js'
import { parquetSchema } from 'hyparquet/src/metadata.js'
import { getTreePath, isListLike } from 'hyparquet/src/schema.js'
import { compressors } from 'hyparquet-compressors'
import { shown } from './json.js'

/** A file that is read in parts. */
export interface ByteSource {
  size: number
  read(start: number, end: number): Uint8Array
}

type Fail = (reason: string, hint?: string) => never
type Metadata = ReturnType<typeof parquetMetadata>
type Chunk = NonNullable<Metadata['row_groups'][number]['columns'][number]['meta_data']>

const MAX_FOOTER = 2 ** 26
/** Rows of a group, which are decoded at once. pyarrow writes at most 2^20. */
const MAX_ROWS = 2 ** 24
const MAX_PAGE = 2 ** 28
const MAX_CHUNK = 2 ** 30
/** Values that are one of them a row and text or numbers. */
const TYPES = ['BYTE_ARRAY', 'INT32', 'INT64', 'FLOAT', 'DOUBLE', 'BOOLEAN']
const MAGIC = 0x31524150

export interface ParquetTable {
  names: readonly string[]
  /** The names of a column's classes by their numbers, where the hub's data sets have them. */
  classNames(name: string): readonly string[] | null
  /** The values of these columns, row by row: text, numbers, true or false, null, and flat lists of them. */
  rows(names: readonly string[]): Generator<unknown[]>
}

/** Reads the footer. Calls `fail` for what is no Parquet, is damaged or claims what cannot be. */
export function openParquet(source: ByteSource, fail: Fail): ParquetTable {
  const damaged = (what: string, error: unknown): never =>
    fail(
      `${what} is damaged: ${error instanceof Error ? error.message : String(error)}`,
      'Copy the file again',
    )
  const metadata = metadataOf(source, fail, damaged)
  const names = metadata.schema.length > 0 ? topNames(metadata) : fail('has no columns')
  return {
    names,
    classNames: (name) => classNamesOf(metadata, name),
    *rows(wanted) {
      for (const group of metadata.row_groups) {
        const count = Number(group.num_rows)
        if (!Number.isSafeInteger(count) || count < 0 || count > MAX_ROWS)
          fail(`a group claims ${group.num_rows} rows, at most ${MAX_ROWS} are read`)
        const columns = wanted.map((name) => {
          try {
            return columnOf(source, metadata, group, name, count, fail)
          } catch (error) {
            if (error instanceof Refused) throw error.reason
            return damaged(`its column ${shown(name)}`, error)
          }
        })
        for (let row = 0; row < count; row++) yield columns.map((column) => plain(column[row], fail))
      }
    },
  }
}

/** What fail threw, on its way past the handler of hyparquet's own errors. */
class Refused {
  constructor(readonly reason: unknown) {}
}

function metadataOf(
  source: ByteSource,
  fail: Fail,
  damaged: (what: string, error: unknown) => never,
): Metadata {
  const { size } = source
  if (size < 12) return fail('is no Parquet: too short')
  const end = source.read(size - 8, size)
  const view = new DataView(end.buffer, end.byteOffset, 8)
  if (view.getUint32(4, true) !== MAGIC)
    return fail('is no Parquet, or its end is missing', 'Copy the file again')
  const length = view.getUint32(0, true)
  if (length > size - 12 || length > MAX_FOOTER) return fail(`claims a footer of ${length} bytes in ${size}`)
  try {
    const metadata = parquetMetadata(source.read(size - 8 - length, size), { geoparquet: false })
    // Throws where the claimed tree of columns cannot be.
    parquetSchema(metadata)
    if (metadata.row_groups.some((g) => !Array.isArray(g.columns))) throw new Error('a group without columns')
    return metadata
  } catch (error) {
    return damaged('its footer', error)
  }
}

function topNames(metadata: Metadata): string[] {
  return parquetSchema(metadata).children.map(({ element }) => String(element.name))
}

function columnOf(
  source: ByteSource,
  metadata: Metadata,
  group: Metadata['row_groups'][number],
  name: string,
  rows: number,
  fail: Fail,
): ArrayLike<unknown> {
  const refuse: Fail = (reason, hint) => {
    try {
      return fail(reason, hint)
    } catch (error) {
      throw new Refused(error)
    }
  }
  const chunk = group.columns.find(({ meta_data: m }) => m?.path_in_schema[0] === name)
  const of = chunk?.meta_data
  if (of === undefined) return refuse(`a group lacks the column ${shown(name)}`)
  const schemaPath = getTreePath(parquetSchema(metadata), of.path_in_schema)
  const top = schemaPath[1]
  const lists = isListLike(top) && isPlainList(schemaPath)
  if ((!lists && of.path_in_schema.length > 1) || !TYPES.includes(of.type))
    return refuse(
      `its column ${shown(name)} holds other than text, numbers and lists of them`,
      'Give it in a column of its own',
    )
  if (chunk?.file_path) return refuse(`its column ${shown(name)} lies in another file`)
  const bytes = chunkBytes(source, of, name, refuse)
  checkPages(bytes, of, { rows, lists }, name, refuse)
  const { data } = readColumn(
    { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 },
    { groupStart: 0, groupRows: rows, selectStart: 0, selectEnd: rows },
    {
      ...{ pathInSchema: of.path_in_schema, element: schemaPath[schemaPath.length - 1].element, schemaPath },
      ...{ type: of.type, codec: of.codec, compressors, parsers },
    },
  )
  const found = data.length === 1 ? data[0] : data.flatMap((part) => Array.from(part as ArrayLike<unknown>))
  const values = lists ? listsOf(found, top) : found
  if (values.length !== rows)
    return refuse(`its column ${shown(name)} holds ${values.length} values of ${rows} rows`)
  return values
}

/** One list deep, of values and not of structures. */
const isPlainList = (path: ReturnType<typeof getTreePath>) =>
  path.length <= 4 && path.filter(({ element }) => element.repetition_type === 'REPEATED').length === 1

/** hyparquet gives a list for each level that may be missing. */
function listsOf(found: ArrayLike<unknown>, top: ReturnType<typeof getTreePath>[number]): ArrayLike<unknown> {
  let leaf = top
  while (leaf.children.length > 0) leaf = leaf.children[0]
  const columns = new Map([[leaf.path.join('.'), Array.from(found)]])
  assembleNested(columns, top, parsers)
  return columns.get(top.path.join('.')) ?? []
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const parsers = {
  ...DEFAULT_PARSERS,
  stringFromBytes: (bytes: Uint8Array) => (bytes === undefined ? bytes : utf8.decode(bytes)),
}

function chunkBytes(source: ByteSource, of: Chunk, name: string, refuse: Fail): Uint8Array {
  const start = Number(of.dictionary_page_offset || of.data_page_offset)
  const length = Number(of.total_compressed_size)
  const inside = start >= 4 && length >= 0 && start + length <= source.size - 8
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(length) || !inside || length > MAX_CHUNK)
    return refuse(`its column ${shown(name)} claims bytes ${start} to ${start + length} of ${source.size}`)
  return source.read(start, start + length)
}

/** Before anything of the size that a page claims is made. */
function checkPages(
  bytes: Uint8Array,
  { type }: Chunk,
  { rows, lists }: { rows: number; lists: boolean },
  name: string,
  refuse: Fail,
): void {
  // Pages of lists count the values in them; their end is that of the bytes.
  const all = lists ? MAX_ROWS : rows
  const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 }
  const fits = (n: unknown, most: number) => typeof n === 'number' && n >= 0 && n <= most
  let found = 0
  while (found < all && reader.offset < bytes.length - 1) {
    const page = parquetHeader(reader)
    const data = page.data_page_header ?? page.data_page_header_v2
    const isData = page.type === 'DATA_PAGE' || page.type === 'DATA_PAGE_V2'
    const values = (page.type === 'DICTIONARY_PAGE' ? page.dictionary_page_header : data)?.num_values
    const most = page.type === 'DICTIONARY_PAGE' ? MAX_ROWS : all - found
    const left = bytes.length - reader.offset
    if (
      !fits(values, most) ||
      !fits(page.compressed_page_size, left) ||
      !fits(page.uncompressed_page_size, MAX_PAGE)
    )
      refuse(`a page of its column ${shown(name)} claims what is not there`)
    // A plain text has four bytes for its length.
    if (
      page.type === 'DICTIONARY_PAGE' &&
      type === 'BYTE_ARRAY' &&
      4 * Number(values) > page.uncompressed_page_size
    )
      refuse(`a page of its column ${shown(name)} claims what is not there`)
    if (isData && Number(values) === 0 && page.compressed_page_size === 0)
      refuse(`a page of its column ${shown(name)} is empty`)
    reader.offset += page.compressed_page_size
    if (isData) found += Number(values)
  }
}

/** A value as JSON would give it. */
function plain(value: unknown, fail: Fail): unknown {
  if (value === undefined || value === null) return null
  if (typeof value === 'bigint') {
    const number = Number(value)
    return Number.isSafeInteger(number) ? number : String(value)
  }
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value
  if (Array.isArray(value) && !value.some(Array.isArray)) return value.map((item) => plain(item, fail))
  return fail('holds a value that is neither text nor number')
}

/**
 * Of the document that `datasets` leaves in a file: { info: { features: { label: { names, _type: 'ClassLabel' } } } }, where lists
 * have { feature: { names, _type }, _type: 'Sequence' or 'List' }.
 */
function classNamesOf({ key_value_metadata: pairs = [] }: Metadata, name: string): readonly string[] | null {
  const text = pairs?.find(({ key }) => key === 'huggingface')?.value
  if (typeof text !== 'string') return null
  try {
    const inner = (value: unknown, key: string): unknown =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, key)
        ? (value as Record<string, unknown>)[key]
        : undefined
    const column = inner(inner(inner(JSON.parse(text), 'info'), 'features'), name)
    const feature = inner(column, 'feature') ?? column
    const names = inner(feature, 'names')
    if (inner(feature, '_type') !== 'ClassLabel' || !Array.isArray(names)) return null
    return names.every((n) => typeof n === 'string') ? (names as string[]) : null
  } catch {
    return null
  }
}
