// Settings out of a JSON document, each refused by name where it is not what it must be.
import { CheckpointError } from '../errors.js'
import { described, fits, type Limit } from '../nn/models/config.js'
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
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return this.refuse(field, want)
    const named = new Map(Object.entries(value))
    const names = Array.from({ length: named.size }, (_, i) => named.get(`${i}`))
    return names.length > 0 && names.every((name) => typeof name === 'string')
      ? (names as string[])
      : this.refuse(field, want)
  }
}

const shownValue = (value: unknown) => JSON.stringify(value) ?? 'missing'

/** Throws CheckpointError naming the first field that is another one in `there`, which `file` holds, than now, with both values. */
export function checkSameFields(
  file: string,
  there: ReadonlyMap<string, unknown>,
  now: ReadonlyMap<string, unknown>,
): void {
  for (const field of new Set([...now.keys(), ...there.keys()])) {
    const [before, after] = [shownValue(there.get(field)), shownValue(now.get(field))]
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
