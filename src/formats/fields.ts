// Settings out of a JSON document, each refused by name where it is not what it must be.
import { CheckpointError } from '../errors.js'
import { described, fits, type Limit } from '../nn/models/config.js'
import { shown } from './json.js'

const HASH = /^[0-9a-f]{64}$/

/** Limits of a whole number that counts something. */
export const counted = (from: number, to = 2 ** 31 - 1): Limit => ({ from, to, whole: true })

export class Fields {
  /** `document` is what the file holds; `file` names it in errors. */
  constructor(
    readonly file: string,
    readonly document: ReadonlyMap<string, unknown>,
  ) {}

  /** Of a JSON document that must be one object. Throws CheckpointError. */
  static of(file: string, document: unknown): Fields {
    if (typeof document !== 'object' || document === null || Array.isArray(document))
      throw new CheckpointError(file, 'must hold one JSON object')
    return new Fields(file, new Map(Object.entries(document)))
  }

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

  text(field: string): string {
    const value = this.get(field)
    return typeof value === 'string' ? value : this.refuse(field, 'a text')
  }

  /** A SHA-256 in hexadecimal digits. */
  hash(field: string): string {
    const value = this.text(field)
    return HASH.test(value) ? value : this.refuse(field, 'a SHA-256 in 64 hexadecimal digits')
  }

  list(field: string): unknown[] {
    const value = this.get(field)
    return Array.isArray(value) ? value : this.refuse(field, 'a list')
  }

  /** The fields of an object in a field. */
  inner(field: string): Fields {
    return this.fieldsOf(field, this.get(field))
  }

  /** Of a list of objects. */
  innerList(field: string): Fields[] {
    return this.list(field).map((value, i) => this.fieldsOf(`${field}[${i}]`, value))
  }

  private fieldsOf(field: string, value: unknown): Fields {
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return new Fields(`${this.file}: ${field}`, new Map(Object.entries(value)))
    throw new CheckpointError(this.file, `${field} must be an object`)
  }

  /** Names by index: an object with the keys "0", "1", ... without a gap; a number or a boolean is its text. */
  names(field: string): string[] {
    const value = this.get(field)
    const want = 'an object of names by index'
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return this.refuse(field, want)
    const entries = Object.entries(value)
    if (entries.length === 0) return this.refuse(field, `${want}, with one at least`)
    const named = new Map<number, string>()
    for (const [key, name] of entries) {
      // Python's int() takes "00" too.
      const index = /^\d{1,15}$/.test(key) ? Number(key) : null
      if (index === null) return this.#refuseEntry(field, key, 'its key must be a whole number from 0 on')
      if (named.has(index)) return this.#refuseEntry(field, key, `there are two for ${index}`)
      if (!['string', 'number', 'boolean'].includes(typeof name))
        return this.#refuseEntry(field, key, `the name must be a text, it is ${brief(name)}`)
      named.set(index, String(name))
    }
    const gap = Array.from(entries, (_, i) => i).find((i) => !named.has(i))
    if (gap === undefined) return Array.from(entries, (_, i) => named.get(i) as string)
    const [first] = [...named.keys()].sort((x, y) => x - y)
    throw new CheckpointError(
      this.file,
      `${field} has ${entries.length} entries, none of them "${gap}": the keys must be 0 to ${entries.length - 1}`,
      first === 0 ? undefined : 'Count the classes from 0, in the order of the rows of the head',
    )
  }

  #refuseEntry(field: string, key: string, why: string): never {
    throw new CheckpointError(this.file, `${field} ${shown(key)}: ${why}`)
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
