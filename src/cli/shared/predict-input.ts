// What predict is to answer: a text or a pair for each line that comes in, so that answers can be laid beside the input.
import { DataError } from '../../errors.js'
import { type DataOptions, decideColumns } from '../../text/rows/columns.js'
import { jsonReader } from '../../text/rows/json-rows.js'

/** A line of input; null texts are empty lines, which get an empty answer. */
export interface InputRow {
  /** As it came. */
  shown: string
  text: string | null
  textB: string | null
}

/** Whether a line is an object that names a text: others may be texts that begin with a brace. */
function namesText(line: string, options: DataOptions): boolean {
  if (!line.trimStart().startsWith('{')) return false
  try {
    const value: unknown = JSON.parse(line)
    if (typeof value !== 'object' || value === null) return false
    return (
      decideColumns(Object.keys(value), { ...options, note: undefined }, () => {
        throw new RangeError()
      }).text !== null
    )
  } catch {
    return false
  }
}

/**
 * Reads one line after the other. With `pairs` a line is two texts with the delimiter between, by default a TAB. Where the first line
 * is a JSON object that names a text, all lines are. Throws DataError for a line that is neither.
 */
export function inputReader(name: string, pairs: boolean, options: DataOptions): (line: string) => InputRow {
  const fail = (line: number, reason: string, hint?: string): never => {
    throw new DataError(`${name}:${line}`, reason, hint)
  }
  let number = 0
  let json: ReturnType<typeof jsonReader> | null = null
  let begun = false
  let toldTab = false
  const delimiter = options.delimiter ?? '\t'
  return (line) => {
    number++
    if (line.trim() === '') return { shown: line, text: null, textB: null }
    if (!begun && namesText(line, options)) json = jsonReader(options, fail)
    begun = true
    if (json !== null) {
      const { text, textB } = json({ text: line, number })
      const shown = textB === null ? text : `${text}\t${textB}`
      return { shown, text, textB }
    }
    if (!pairs) {
      if (!toldTab && line.includes('\t'))
        options.note?.('lines hold TABs, which are read as part of the text: --pairs takes two texts a line')
      toldTab ||= line.includes('\t')
      return { shown: line, text: line, textB: null }
    }
    const parts = line.split(delimiter)
    if (parts.length !== 2)
      fail(
        number,
        `${parts.length} ${parts.length === 1 ? 'field' : 'fields'}, --pairs reads two texts with ${delimiter === '\t' ? 'a TAB' : delimiter} between`,
        parts.length > 2 ? 'Leave labels out' : undefined,
      )
    return { shown: line, text: parts[0], textB: parts[1] }
  }
}
