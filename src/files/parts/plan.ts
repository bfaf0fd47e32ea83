// plan.json: texts cut into parts, so that many processes and machines can label them. Hostile until checked.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { CheckpointError } from '../../errors.js'
import { counted, type Fields } from '../../formats/fields.js'
import { type DataFacts, readDataFacts } from '../cache/manifest.js'
import { writeAtomic } from '../disk.js'
import { hashFile } from '../hash.js'
import { readFields } from '../json-file.js'

export const PLAN = 'plan.json'
const FORMAT = 'tinystill-parts'
const VERSION = 1

export interface PartFacts {
  /** Rows as {"text", "text_b"}, each once in all parts. */
  file: string
  rows: number
  bytes: number
  sha256: string
}

export interface PartsPlan {
  /** Several files are one stream: their names with commas between, the hash of one after the other. */
  data: DataFacts
  /** Different ones, in all parts. */
  rows: number
  /** That came again, and are in no part. */
  duplicates: number
  /** Of each part but the last. */
  partRows: number
  parts: PartFacts[]
}

/** Of a part, and of its cache. */
export const partName = (part: number): string => `part-${String(part).padStart(6, '0')}`
export const partFile = (part: number): string => `${partName(part)}.jsonl`

/** Parts that are named in an error. */
const NAMED = 10

/** Lines about parts, as an error has them. */
export const namedParts = (lines: readonly string[]): string =>
  lines.slice(0, NAMED).join('; ') + (lines.length > NAMED ? ` and ${lines.length - NAMED} more` : '')

export const isPlanned = (folder: string): boolean => existsSync(join(folder, PLAN))

export function writePlan(folder: string, plan: PartsPlan): void {
  writeAtomic(
    join(folder, PLAN),
    `${JSON.stringify({ format: FORMAT, version: VERSION, ...plan }, null, 1)}\n`,
  )
}

const whole = counted(0, Number.MAX_SAFE_INTEGER)

/** Throws CheckpointError that names the field, or where there is no plan. */
export function readPlan(folder: string): PartsPlan {
  const path = join(folder, PLAN)
  if (!isPlanned(folder))
    throw new CheckpointError(path, 'is not there', 'tinystill split writes it, last of all: split again')
  const given = readFields(path)
  given.oneOf('format', [FORMAT])
  given.oneOf('version', [VERSION])
  const partRows = given.number('partRows', counted(1)) as number
  const all = given.innerList('parts')
  const parts = all.map((part, i) => readPart(part, i, i + 1 === all.length ? null : partRows, partRows))
  const rows = given.number('rows', whole) as number
  const sum = parts.reduce((n, part) => n + part.rows, 0)
  if (parts.length === 0 || sum !== rows) given.refuse('rows', `${sum}, the sum over the parts, and not 0`)
  const duplicates = given.number('duplicates', whole) as number
  return { data: readDataFacts(given.inner('data')), rows, duplicates, partRows, parts }
}

function readPart(part: Fields, i: number, exactly: number | null, most: number): PartFacts {
  return {
    file: part.oneOf('file', [partFile(i)]),
    rows: part.number('rows', counted(exactly ?? 1, exactly ?? most)) as number,
    bytes: part.number('bytes', whole) as number,
    sha256: part.hash('sha256'),
  }
}

/** A part's file, found as it was written. Throws CheckpointError where it is missing or has changed. */
export function openPart(folder: string, { parts }: PartsPlan, part: number): string {
  const path = join(folder, parts[part].file)
  if (hashFile(path).sha256 !== parts[part].sha256)
    throw new CheckpointError(path, 'has changed since the plan was written', 'Split again')
  return path
}
