// Fields of a JSON document that nobody has checked yet. Own properties alone, so that `__proto__` is a name like others.
import { CheckpointError } from '../errors.js'
import { shown } from './json.js'

/** Reads one document and names its file and the field in what it throws. */
export class Fields {
  constructor(
    readonly file: string,
    readonly path: string,
    readonly value: unknown,
  ) {}

  refuse(what: string, hint?: string): never {
    const place = this.path === '' ? what : `${this.path} ${what}`
    throw new CheckpointError(this.file, place, hint)
  }

  /** The field `name` of an object; `undefined` inside where it is missing. */
  at(name: string | number): Fields {
    const { value } = this
    if (typeof value !== 'object' || value === null) this.refuse('must be an object')
    const own = Object.getOwnPropertyDescriptor(value as object, name)?.value
    const path =
      typeof name === 'number' ? `${this.path}[${name}]` : `${this.path}${this.path && '.'}${named(name)}`
    return new Fields(this.file, path, own)
  }

  get missing(): boolean {
    return this.value === undefined || this.value === null
  }

  entries(most: number): [string, Fields][] {
    const { value } = this
    if (typeof value !== 'object' || value === null || Array.isArray(value)) this.refuse('must be an object')
    const names = Object.keys(value as object)
    if (names.length > most) this.refuse(`has ${names.length} entries, at most ${most} are read`)
    return names.map((name) => [name, this.at(name)])
  }

  items(most: number): Fields[] {
    const { value } = this
    if (!Array.isArray(value)) return this.refuse('must be a list')
    if (value.length > most) this.refuse(`has ${value.length} items, at most ${most} are read`)
    return value.map((_, i) => this.at(i))
  }

  text(most = 1000): string {
    const { value } = this
    if (typeof value !== 'string') return this.refuse(`must be a text, it is ${describe(value)}`)
    return value.length <= most
      ? value
      : this.refuse(`has ${value.length} characters, at most ${most} are read`)
  }

  whole(from: number, to: number): number {
    const { value } = this
    if (typeof value === 'number' && Number.isInteger(value) && value >= from && value <= to) return value
    return this.refuse(`must be a whole number from ${from} to ${to}, it is ${describe(value)}`)
  }

  /** What is left out is `otherwise`, where there is one. */
  flag(otherwise?: boolean): boolean {
    const { value } = this
    if (otherwise !== undefined && this.missing) return otherwise
    return typeof value === 'boolean' ? value : this.refuse(`must be true or false, it is ${describe(value)}`)
  }
}

/** A token may be a name: it is quoted then. */
function named(name: string): string {
  return /^[\w[\]#-]{1,80}$/.test(name) ? name : shown(name)
}

function describe(value: unknown): string {
  if (value === undefined) return 'missing'
  if (typeof value === 'string') return shown(value)
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}
