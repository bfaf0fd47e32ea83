// The JSON that a weight file's header is made of: objects, arrays, strings and whole numbers, and nothing else.
// JSON.parse keeps the last of two equal keys, rounds integers above 2^53 and loses `__proto__`: hence this scanner.

export type Json = string | number | Json[] | Map<string, Json>

/** A header nests three deep; what goes deeper is there to exhaust the stack. */
const MAX_DEPTH = 8
/** Shapes and offsets are short; a list of millions, 2 bytes an item in the file, would take 8 each in memory. */
const MAX_ITEMS = 256
/** What JSON calls a number; Number() also takes 01, .5 and 1. for one. */
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/
const QUOTE = 0x22
const BACKSLASH = 0x5c

/** Text out of a file on one line, without anything that could drive a terminal. */
export function escaped(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cs}\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** A name from a file, fit to be printed: quoted, short and escaped. */
export function shown(name: string): string {
  return escaped(JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}...` : name))
}

/** Whether UTF-8 can hold the text: half of a surrogate pair has no encoding. */
export function isEncodable(text: string): boolean {
  return !/\p{Surrogate}/u.test(text)
}

/**
 * The value in `text`, objects as Maps in the order of the file. Calls `fail` with the reason and the place for
 * anything else than one value: duplicate keys, fractions, negative or unsafe numbers, true, false, null, trailing text.
 * `fractions` lets every finite number pass: index files may give sizes so.
 */
export function scanJson(
  text: string,
  fail: (reason: string) => never,
  { fractions = false }: { fractions?: boolean } = {},
): Json {
  let at = 0

  const unexpected = (wanted: string): never =>
    at < text.length
      ? fail(`found ${shown(text[at])} at character ${at} where ${wanted} should be`)
      : fail(`ends where ${wanted} should be`)

  const skipSpace = () => {
    while (at < text.length && ' \t\n\r'.includes(text[at])) at++
  }

  /** Steps over `char` and the space around it, if it is next. */
  const take = (char: string): boolean => {
    skipSpace()
    if (text[at] !== char) return false
    at++
    skipSpace()
    return true
  }

  const string = (): string => {
    const start = at++
    let escaped = false
    for (; ; at++) {
      const c = text.charCodeAt(at)
      if (c === QUOTE) break
      if (c === BACKSLASH) {
        escaped = true
        at++
      } else if (!(c >= 0x20)) fail(`holds a string without end or with a raw control character at ${at}`)
    }
    at++
    if (!escaped) return text.slice(start + 1, at - 1)
    let value = ''
    try {
      value = JSON.parse(text.slice(start, at)) as string
    } catch {
      fail(`holds a string with a bad escape at character ${start}`)
    }
    return isEncodable(value)
      ? value
      : fail(`holds half of a surrogate pair in the string at character ${start}`)
  }

  const number = (): number => {
    const start = at
    // A loop: a pattern over millions of digits would overflow the stack of the regular expression engine.
    while (at < text.length && '+-.0123456789Ee'.includes(text[at])) at++
    const digits = text.slice(start, at)
    const whole = digits.length <= 16 && /^(?:0|[1-9]\d*)$/.test(digits)
    if (whole && Number.isSafeInteger(Number(digits))) return Number(digits)
    if (fractions && digits.length < 40 && NUMBER.test(digits) && Number.isFinite(Number(digits)))
      return Number(digits)
    return fail(
      `holds ${shown(digits)} at character ${start}, which is not a whole number from 0 to 2^53 - 1`,
    )
  }

  const object = (depth: number): Map<string, Json> => {
    const fields = new Map<string, Json>()
    if (take('}')) return fields
    do {
      const start = at
      const key = text[at] === '"' ? string() : unexpected('a quoted name')
      if (fields.has(key)) fail(`names ${shown(key)} twice, again at character ${start}`)
      if (!take(':')) unexpected('":"')
      fields.set(key, value(depth))
    } while (take(','))
    return take('}') ? fields : unexpected('"," or "}"')
  }

  const array = (depth: number): Json[] => {
    const items: Json[] = []
    if (take(']')) return items
    do {
      if (items.length === MAX_ITEMS) fail(`holds a list of more than ${MAX_ITEMS} items at character ${at}`)
      items.push(value(depth))
    } while (take(','))
    return take(']') ? items : unexpected('"," or "]"')
  }

  const value = (depth: number): Json => {
    if (depth > MAX_DEPTH) fail(`nests deeper than ${MAX_DEPTH} at character ${at}`)
    if (take('{')) return object(depth + 1)
    if (take('[')) return array(depth + 1)
    if (text[at] === '"') return string()
    if (at < text.length && '-0123456789'.includes(text[at])) return number()
    return unexpected('an object, an array, a string or a whole number')
  }

  const result = value(1)
  skipSpace()
  return at === text.length ? result : unexpected('the end')
}
