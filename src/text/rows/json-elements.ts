// The elements of a JSON list one after the other, as lines of JSONL: the list as a whole is never in memory.
import { MAX_DEPTH } from '../../formats/parse-json.js'
import type { Ahead } from './ahead.js'
import { type Fail, type Line, MAX_RECORD } from './records.js'

const HINT =
  'A .json file holds a list of objects, [{"text", "label"}, ...], as pandas writes with orient="records"'

/**
 * Each element's own text, and the line it begins on. A file that begins with an object is read as JSONL, which many call .json too.
 * What an element is, is left to who parses it.
 */
export function* jsonElements(lines: Ahead<Line>, fail: Fail): Generator<Line> {
  const [first] = firstLine(lines)
  if (first === undefined) return
  const begins = first.text.trimStart()
  if (begins.startsWith('{')) {
    for (const line of lines) {
      // An object over several lines is one document, and no JSONL.
      if (line.number === first.number && !begins.trimEnd().endsWith('}'))
        fail(line.number, 'is no list', HINT)
      yield line
    }
    return
  }
  if (!begins.startsWith('[')) return fail(first.number, 'is no list', HINT)
  yield* elements(lines, fail)
}

/** The first that is not blank; blank ones before it are taken out. */
function firstLine(lines: Ahead<Line>): readonly Line[] {
  for (;;) {
    const [line] = lines.peek(1, 1, () => 1)
    if (line === undefined) return []
    if (line.text.trim() !== '') return [line]
    lines[Symbol.iterator]().next()
  }
}

/** What ends or begins something; between them a string's or a number's characters. */
const MARK = /["\\[\]{},]/g

function* elements(lines: Iterable<Line>, fail: Fail): Generator<Line> {
  let depth = 0
  let inString = false
  let parts: string[] = []
  let size = 0
  let begun = 0
  let last = 0
  let count = 0
  let closed = false
  for (const { text, number } of lines) {
    last = number
    let from = 0
    const take = (to: number) => {
      const part = text.slice(from, to)
      if (parts.length > 0 || part.trim() !== '') {
        if (parts.length === 0) begun = number
        parts.push(part)
        size += part.length
        if (size > MAX_RECORD) fail(begun, `an element has more than ${MAX_RECORD} characters`)
      }
      from = to
    }
    MARK.lastIndex = 0
    for (let found = MARK.exec(text); found !== null; found = MARK.exec(text)) {
      const { index } = found
      const [c] = found
      if (inString) {
        if (c === '\\') MARK.lastIndex = index + 2
        else if (c === '"') inString = false
        continue
      }
      if (closed) fail(number, 'goes on behind the end of its list')
      if (c === '"') inString = true
      else if (c === '[' || c === '{') {
        depth++
        if (depth > MAX_DEPTH + 1) fail(number, `nests deeper than ${MAX_DEPTH}`)
        if (depth === 1) {
          if (text.slice(from, index).trim() !== '') fail(number, 'is no list', HINT)
          from = index + 1
        }
      } else if (c === ']' || c === '}') {
        depth--
        if (depth > 0) continue
        if (c === '}') fail(number, 'is not JSON: a brace closes the list')
        take(index)
        from = index + 1
        const element = parts.join('')
        if (element.trim() !== '') yield { text: element, number: begun }
        else if (count > 0) fail(number, 'is not JSON: a comma before the end of the list')
        parts = []
        size = 0
        closed = true
      } else if (c === ',' && depth === 1) {
        take(index)
        from = index + 1
        const element = parts.join('')
        if (element.trim() === '') fail(number, 'is not JSON: two commas without an element between')
        yield { text: element, number: begun }
        count++
        parts = []
        size = 0
      }
    }
    if (closed) {
      if (text.slice(from).trim() !== '') fail(number, 'goes on behind the end of its list')
      continue
    }
    take(text.length)
    // JSON strings hold no line ends: the parser then says what is wrong.
    if (parts.length > 0) parts.push('\n')
  }
  if (!closed) fail(last, 'ends inside its list', 'Is the file whole?')
}
