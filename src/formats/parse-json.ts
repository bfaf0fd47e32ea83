// JSON as strangers write it. JSON.parse keeps the last of two equal names and tells errors in the file's own characters.
import { escaped, shown } from './json.js'

/** What nests deeper is there to exhaust the stack of whoever walks or writes it. */
export const MAX_DEPTH = 64

/**
 * What JSON.parse gives, `__proto__` as a name like others. Calls `fail` with a reason on one line for anything that is not
 * JSON, for a name that comes twice in one object, and for what nests deeper than 64.
 */
export function parseJson(text: string, fail: (reason: string) => never): unknown {
  if (text.trim() === '') return fail('is empty, and no JSON')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return fail(`is not JSON: ${escaped(error instanceof Error ? error.message : String(error))}`)
  }
  checkNames(text, fail)
  return value
}

const [QUOTE, BACKSLASH, COLON, OPEN, CLOSE, OPEN_LIST, CLOSE_LIST] = [...'"\\:{}[]'].map((c) =>
  c.charCodeAt(0),
)

/** Of text that is JSON: there, a string before a colon is a name. */
function checkNames(text: string, fail: (reason: string) => never): void {
  /** The names so far of each object that is open; null for lists. */
  const open: (Set<string> | null)[] = []
  for (let at = 0; at < text.length; at++) {
    const c = text.charCodeAt(at)
    if (c === CLOSE || c === CLOSE_LIST) open.pop()
    else if (c === OPEN || c === OPEN_LIST) {
      open.push(c === OPEN ? new Set() : null)
      if (open.length > MAX_DEPTH) fail(`nests deeper than ${MAX_DEPTH}`)
    } else if (c === QUOTE) {
      const start = at
      at = endOfString(text, start)
      let next = at + 1
      while (text.charCodeAt(next) <= 0x20) next++
      if (text.charCodeAt(next) !== COLON) continue
      const raw = text.slice(start + 1, at)
      const name = raw.includes('\\') ? (JSON.parse(`"${raw}"`) as string) : raw
      const names = open[open.length - 1] as Set<string>
      if (names.has(name)) fail(`names ${shown(name)} twice in one object`)
      names.add(name)
    }
  }
}

/** The place of the closing quote. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; ; at++) {
    const c = text.charCodeAt(at)
    if (c === QUOTE) return at
    if (c === BACKSLASH) at++
  }
}
