// Added tokens found in a text, before a tokenizer's model sees any of it.

/** A token that is looked for, and the spaces that it takes with it. */
export interface Sought {
  id: number
  content: string
  /** Whether the spaces on its left, and on its right, are its own. */
  lstrip?: boolean | undefined
  rstrip?: boolean | undefined
}

/** Unicode's White_Space, as Rust's \s has it: JavaScript's has U+FEFF too and lacks U+0085. */
const SPACE = /\p{White_Space}/u

/**
 * The leftmost first and of those the longest. The library's own search also takes a whole text for a token that it only became
 * by normalizing.
 */
export class Finder {
  readonly #sought: ReadonlyMap<string, Sought>
  readonly #pattern: RegExp | null

  constructor(tokens: readonly Sought[]) {
    const found = tokens.filter(({ content }) => content !== '')
    this.#sought = new Map(found.map((token) => [token.content, token]))
    const longest = [...this.#sought.keys()].sort((a, b) => b.length - a.length)
    const escaped = longest.map((content) => content.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'))
    this.#pattern = escaped.length === 0 ? null : new RegExp(escaped.join('|'), 'gu')
  }

  /** The text in sections, ids where tokens were. */
  split(text: string): (string | number)[] {
    return this.#pattern === null ? [text] : this.placed(text).map(([part]) => part)
  }

  /** The same, each with where it begins and ends. */
  placed(text: string): [part: string | number, start: number, end: number][] {
    if (this.#pattern === null) return [[text, 0, text.length]]
    const parts: [string | number, number, number][] = []
    let at = 0
    for (const match of text.matchAll(this.#pattern)) {
      const { id, lstrip, rstrip } = this.#sought.get(match[0]) as Sought
      let [start, end] = [match.index, match.index + match[0].length]
      while (lstrip && start > at && SPACE.test(text[start - 1])) start--
      while (rstrip && end < text.length && SPACE.test(text[end])) end++
      parts.push([text.slice(at, start), at, start], [id, start, end])
      at = end
    }
    parts.push([text.slice(at), at, text.length])
    return parts
  }
}
