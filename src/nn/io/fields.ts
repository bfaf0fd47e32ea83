// Settings out of a JSON file, each refused by name where it is not what it must be.
import { CheckpointError } from '../../errors.js'
import { described, fits, type Limit } from '../models/config.js'
import { readText } from './files.js'
import { shown } from './json.js'

export class Fields {
  /** `document` is what the file holds; `file` names it in errors. */
  constructor(
    readonly file: string,
    readonly document: ReadonlyMap<string, unknown>,
  ) {}

  get(field: string): unknown {
    return this.document.get(field)
  }

  has(field: string): boolean {
    return this.document.has(field)
  }

  refuse(field: string, want: string, hint?: string): never {
    throw new CheckpointError(this.file, `${field} must be ${want}, it is ${brief(this.get(field))}`, hint)
  }

  /** A field that is not there is `fallback`, where there is one. */
  number(field: string, limit: Limit, fallback?: number | null): number | null {
    if (fallback !== undefined && !this.has(field)) return fallback
    const value = this.get(field)
    return fits(value, limit) ? (value as number | null) : this.refuse(field, described(limit))
  }

  oneOf<T>(field: string, choices: readonly T[], fallback?: T): T {
    if (fallback !== undefined && !this.has(field)) return fallback
    const found = choices.find((c) => c === this.get(field))
    return found === undefined ? this.refuse(field, choices.map(String).join(' or ')) : found
  }

  /** The values of an object with the keys "0", "1", ... without a gap: names by index. */
  names(field: string): string[] {
    const value = this.get(field)
    const want = 'an object of names by index'
    if (typeof value !== 'object' || value === null) return this.refuse(field, want)
    const named = new Map(Object.entries(value))
    const names = Array.from({ length: named.size }, (_, i) => named.get(`${i}`))
    return names.length > 0 && names.every((name) => typeof name === 'string')
      ? (names as string[])
      : this.refuse(field, want)
  }
}

/**
 * Throws CheckpointError naming the first field of `there`, which `file` holds, that is another one now, with both values.
 */
export function checkSameFields(
  file: string,
  there: ReadonlyMap<string, unknown>,
  now: ReadonlyMap<string, unknown>,
): void {
  for (const [field, value] of there) {
    const [before, after] = [JSON.stringify(value), JSON.stringify(now.get(field))]
    if (before === after) continue
    throw new CheckpointError(
      file,
      `${field} is ${before} there and ${after} now`,
      'Go on with what it was begun with, or begin another one',
    )
  }
}

function brief(value: unknown): string {
  if (value === undefined) return 'missing'
  if (typeof value === 'string') return shown(value)
  if (typeof value !== 'object' || value === null) return String(value)
  return Array.isArray(value) ? 'a list' : 'an object'
}

/** What nests deeper is there to exhaust the stack of whoever walks or writes it. */
const MAX_DEPTH = 64

function isDeep(document: unknown): boolean {
  let level = [document]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) return true
    level = level.flatMap((value) =>
      typeof value === 'object' && value !== null ? Object.values(value) : [],
    )
  }
  return false
}

/** The one JSON object in a file. Throws CheckpointError for anything else. */
export function readFields(file: string): Fields {
  let document: unknown
  try {
    document = JSON.parse(readText(file))
  } catch (error) {
    if (error instanceof CheckpointError) throw error
    throw new CheckpointError(
      file,
      `is not JSON: ${error instanceof Error ? error.message : shown(`${error}`)}`,
    )
  }
  if (typeof document !== 'object' || document === null || Array.isArray(document))
    throw new CheckpointError(file, 'must hold one JSON object')
  if (isDeep(document)) throw new CheckpointError(file, `nests deeper than ${MAX_DEPTH}`)
  return new Fields(file, new Map(Object.entries(document)))
}
