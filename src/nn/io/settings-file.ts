// A file of settings that people write: JSON or YAML, one object.
import { parseDocument } from 'yaml'
import { DataError } from '../../errors.js'
import { readFields } from './fields.js'
import { readText } from './files.js'

/** Of a settings file. */
const MAX_BYTES = 2 ** 20

/** Throws CheckpointError for a file that cannot be read or is no JSON, DataError with the line for what is no YAML. */
export function readSettings(file: string): Record<string, unknown> {
  if (!/\.ya?ml$/i.test(file)) return Object.fromEntries(readFields(file).document)
  const document = parseDocument(readText(file, MAX_BYTES), { prettyErrors: true, uniqueKeys: true })
  const [wrong] = document.errors
  if (wrong !== undefined) {
    const line = wrong.linePos?.[0].line
    throw new DataError(line === undefined ? file : `${file}:${line}`, wrong.message.split(/ at line |\n/)[0])
  }
  const value: unknown = document.toJS({ maxAliasCount: 100 })
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>
  throw new DataError(file, 'must hold one object of settings by name')
}
