// Why code is no module. A browser says nothing of that: a worker whose module cannot be parsed fails without a message. Loaded
// where that has happened, and not before.
import { parse } from 'acorn'

/** What is wrong and where, or null: `SyntaxError: ... (line 8, column 21)`. `code`: JavaScript. */
export function syntaxError(code) {
  try {
    parse(code, { ecmaVersion: 'latest', sourceType: 'module', locations: true })
    return null
  } catch ({ message, loc }) {
    const what = message.replace(/ \(\d+:\d+\)$/, '')
    return `SyntaxError: ${what} (line ${loc.line}, column ${loc.column + 1})`
  }
}
