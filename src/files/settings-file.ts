// A file of settings that people write: JSON or YAML, one object.
import { type Document, isScalar, parseDocument, visit } from 'yaml'
import { DataError } from '../errors.js'
import { escaped } from '../formats/json.js'
import { MAX_DEPTH } from '../formats/parse-json.js'
import { readText } from './disk.js'
import { readFields } from './json-file.js'

/** Of a settings file: the YAML package takes time with the square of names and marks. */
const MAX_BYTES = 2 ** 15

/** Throws CheckpointError for a file that cannot be read or is no JSON, DataError with the line for what is no YAML. */
export function readSettings(file: string): Record<string, unknown> {
  if (!/\.ya?ml$/i.test(file)) return Object.fromEntries(readFields(file, MAX_BYTES).document)
  const text = readText(file, MAX_BYTES)
  if (nestsDeep(text)) throw new DataError(file, `nests deeper than ${MAX_DEPTH}`)
  const document = yaml(file, () => parseDocument(text, { logLevel: 'error' })) as Document
  const [wrong] = document.errors
  if (wrong !== undefined) {
    const line = wrong.linePos?.[0].line
    throw new DataError(
      line === undefined ? file : `${file}:${line}`,
      escaped(wrong.message.split(/ at line |\n/)[0]),
    )
  }
  // Lists and objects as names become their own text, and twice as long with each that is in another.
  visit(document, {
    Pair(_, { key }) {
      if (!isScalar(key)) throw new DataError(file, 'holds a name that is no text')
    },
  })
  const value = yaml(file, () => document.toJS({ maxAliasCount: 100 }))
  if (!isObject(value)) throw new DataError(file, 'must hold one object of settings by name')
  checkPlain(file, value)
  return value
}

/** The package throws a ReferenceError for aliases of nothing or of too much, and runs out of stack where text nests deep. */
function yaml<T>(file: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new DataError(
      file,
      error instanceof RangeError
        ? `nests deeper than ${MAX_DEPTH}`
        : escaped(error instanceof Error ? error.message : String(error)),
    )
  }
}

/** Before the package, which takes time with the square of the depth, has seen it. Brackets in texts are counted too. */
function nestsDeep(text: string): boolean {
  let depth = 0
  for (const [c] of text.matchAll(/[[{}\]]/g)) {
    depth = c === '[' || c === '{' ? depth + 1 : Math.max(0, depth - 1)
    if (depth > MAX_DEPTH) return true
  }
  return RegExp(`(?:[-?:][ \\t]+){${MAX_DEPTH}}`).test(text)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}

/** Tags and YAML 1.1 can make dates, sets, maps and bytes, which look like objects without settings. */
function checkPlain(file: string, document: unknown): void {
  let level = [document]
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) throw new DataError(file, `nests deeper than ${MAX_DEPTH}`)
    level = level.flatMap((value) => {
      if (typeof value !== 'object' || value === null) return []
      if (!isObject(value) && !Array.isArray(value))
        throw new DataError(file, 'holds what JSON has not: dates, sets, maps or bytes')
      return Object.values(value)
    })
  }
}
