// Settings that people may give: each with its default, what it may be, and a refusal that names it.
import { DataError } from '../../errors.js'
import { escaped, shown } from '../../formats/json.js'

export interface Setting<V> {
  readonly fallback: V
  /** For the refusal: 'a number from 0 to 1'. */
  readonly want: string
  fits(value: unknown): value is V
}

export type Settings = Readonly<Record<string, Setting<unknown>>>
export type Values<S extends Settings> = {
  readonly [K in keyof S]: S[K] extends Setting<infer V> ? V : never
}
/** Settings by their names, as a --config file has them. */
export type Given = Readonly<Record<string, unknown>>

export function numberFrom(from: number, to: number, fallback: number): Setting<number> {
  return {
    ...{ fallback, want: `a number from ${from} to ${to}` },
    fits: (value): value is number => typeof value === 'number' && value >= from && value <= to,
  }
}

const orNone = ({ want, fits }: Setting<number>): Setting<number | null> => ({
  ...{ fallback: null, want },
  fits: (value): value is number | null => value === null || fits(value),
})

/** null where it is left out. */
export function numberOrNone(from: number, to: number): Setting<number | null> {
  return orNone(numberFrom(from, to, from))
}

export function wholeFrom(from: number, to: number, fallback: number): Setting<number> {
  return {
    ...{ fallback, want: `a whole number from ${from} to ${to}` },
    fits: (value): value is number => Number.isInteger(value) && Number(value) >= from && Number(value) <= to,
  }
}

/** null where it is left out. */
export function wholeOrNone(from: number, to: number): Setting<number | null> {
  return orNone(wholeFrom(from, to, from))
}

export function oneOf<const V extends string>(choices: readonly V[], fallback: V): Setting<V> {
  return {
    ...{ fallback, want: choices.join(' or ') },
    fits: (value): value is V => choices.some((choice) => choice === value),
  }
}

export function flag(fallback: boolean): Setting<boolean> {
  return { fallback, want: 'true or false', fits: (value): value is boolean => typeof value === 'boolean' }
}

/** Adam's two betas. */
export function pair(fallback: readonly [number, number]): Setting<readonly [number, number]> {
  return {
    ...{ fallback, want: 'two numbers from 0 to below 1' },
    fits: (value): value is readonly [number, number] =>
      Array.isArray(value) &&
      value.length === 2 &&
      value.every((x) => typeof x === 'number' && x >= 0 && x < 1),
  }
}

/** Letters to be put in, left out or changed to make b of a. Levenshtein 1966. */
export function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1]
    for (let j = 0; j < b.length; j++)
      next.push(Math.min(next[j] + 1, row[j + 1] + 1, row[j] + (a[i] === b[j] ? 0 : 1)))
    row = next
  }
  return row[b.length]
}

/** The known name that a wrong one is most like. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const far = (k: string) => editDistance(name.toLowerCase().slice(0, 80), k.toLowerCase())
  return known.toSorted((a, b) => far(a) - far(b))[0]
}

/** Throws DataError for a name that is none of the known, with the one it is most like. */
export function checkKnown(file: string, where: string, name: string, known: readonly string[]): void {
  if (known.includes(name)) return
  const like = nearest(name, known)
  throw new DataError(
    file,
    `${where}${/^\w{1,80}$/.test(name) ? name : shown(name)} is not known`,
    like === undefined ? 'Nothing can be set there' : `Did you mean ${like}? Known are ${known.join(', ')}`,
  )
}

/** An object with names, as JSON and YAML have it. Throws DataError for anything else. */
export function objectAt(file: string, where: string, value: unknown): Given {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Given
  throw new DataError(file, `${where || 'it'} must be an object of settings by name`)
}

/**
 * `before` with what is given in place. `where` is the path in front of names in errors: 'stages.distil.'. Throws DataError
 * that names file and setting: unknown, or not what it must be.
 */
export function withSettings<S extends Settings>(
  schema: S,
  before: Values<S>,
  given: Given,
  { file, where = '' }: { file: string; where?: string },
): Values<S> {
  for (const [name, value] of Object.entries(given)) {
    checkKnown(file, where, name, Object.keys(schema))
    const { want, fits } = schema[name]
    if (!fits(value))
      throw new DataError(
        file,
        `${where}${name} must be ${want}, it is ${escaped(JSON.stringify(value)?.slice(0, 80) ?? String(value))}`,
      )
  }
  return { ...before, ...given }
}

export function defaultsOf<S extends Settings>(schema: S): Values<S> {
  return Object.fromEntries(Object.entries(schema).map(([name, s]) => [name, s.fallback])) as Values<S>
}
