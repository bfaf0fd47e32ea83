// What our Markdown has beside VitePress's: cells, exercises, formulas, and lines of the repository's own files.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import katex from 'katex'

const root = fileURLToPath(new URL('../../', import.meta.url))

const kindOf = (token) => (token?.type === 'fence' ? token.info.trim() : '')

/** Of a page's tokens: cells as { at, id, code, output, check, solution }. What the checks and the page read alike. */
export function cellsOf(tokens) {
  const fences = tokens.flatMap((token, at) => (token.type === 'fence' ? [{ token, at }] : []))
  const cells = []
  for (const [i, { token, at }] of fences.entries()) {
    const kind = kindOf(token)
    if (kind !== 'ts cell' && kind !== 'ts exercise') continue
    const cell = {
      at,
      id: String(cells.length + 1),
      code: token.content.trimEnd(),
      output: '',
      check: '',
      solution: '',
    }
    // Its output, check and solution are the next fences, up to the next cell.
    for (const next of fences.slice(i + 1)) {
      const what = kindOf(next.token)
      if (what === 'ts cell' || what === 'ts exercise') break
      if (what === 'output') cell.output = next.token.content.trimEnd()
      if (what === 'ts check') cell.check = next.token.content.trimEnd()
      if (what === 'ts solution') cell.solution = next.token.content.trimEnd()
    }
    cells.push(cell)
  }
  return cells
}

/**
 * Lines of a file from the first that holds `from` to the next that begins with `to`, or to the end of its block; all of them where
 * nothing is named.
 */
export function linesOf(path, from, to = '}') {
  const lines = readFileSync(root + path, 'utf8')
    .trimEnd()
    .split('\n')
  if (from === '') return { first: 1, last: lines.length, text: lines.join('\n') }
  const first = lines.findIndex((line) => line.includes(from))
  if (first === -1) throw new Error(`${path} has no line with: ${from}`)
  const last = lines.findIndex((line, i) => i >= first && line.startsWith(to))
  if (last === -1) throw new Error(`${path}: no line after ${first + 1} begins with: ${to}`)
  return { first: first + 1, last: last + 1, text: lines.slice(first, last + 1).join('\n') }
}

/** MathML. Readers without a mathematical font would see accents struck through their letters: a bar goes above instead. */
const formula = (tex, displayMode) =>
  katex
    .renderToString(tex, { output: 'mathml', displayMode, throwOnError: true, strict: 'error' })
    .replaceAll('<mover accent="true">', '<mover>')
    .replaceAll('\u02c9', '\u00af')

/** $...$ and $$...$$, as in the repository's own pages. A dollar before a blank, or after one, is a dollar. */
function math(md) {
  md.inline.ruler.after('escape', 'formula', (state, silent) => {
    const { src, pos } = state
    if (src[pos] !== '$') return false
    const mark = src.startsWith('$$', pos) ? '$$' : '$'
    const end = src.indexOf(mark, pos + mark.length)
    const tex = src.slice(pos + mark.length, end)
    if (end === -1 || tex === '' || /^\s|\s$/.test(tex)) return false
    if (!silent) state.push('formula', '', 0).meta = { tex, display: mark === '$$' }
    state.pos = end + mark.length
    return true
  })
  md.renderer.rules.formula = (tokens, i) => {
    const { tex, display } = tokens[i].meta
    // v-pre: two braces are no Vue.
    const html = formula(tex.replaceAll('\\|', '|'), display).replace('<span', '<span v-pre')
    return display ? `<span class="formula">${html}</span>` : html
  }
}

export function ours(md) {
  math(md)
  const fence = md.renderer.rules.fence
  const attribute = (name, value) => (value === '' ? '' : ` ${name}="${md.utils.escapeHtml(value)}"`)

  md.renderer.rules.fence = (tokens, i, options, env, self) => {
    const token = tokens[i]
    const kind = kindOf(token)
    const as = (info, content) => {
      const shown = Object.assign(Object.create(Object.getPrototypeOf(token)), token, { info, content })
      return fence([shown], 0, options, env, self)
    }
    if (kind === 'ts cell' || kind === 'ts exercise') {
      const cell = cellsOf(tokens).find(({ at }) => at === i)
      const attributes = ['id', 'code', 'output', 'check'].map((name) => attribute(name, cell[name])).join('')
      return `<Cell${attributes}>${as('ts', token.content)}</Cell>\n`
    }
    if (kind === 'output' || kind === 'ts check') return ''
    if (kind === 'ts solution') return as('ts', token.content)
    const [, path] = /^source (\S+)$/.exec(kind) ?? []
    if (path !== undefined) {
      const [from, to] = token.content.trimEnd().split('\n')
      const lines = linesOf(path, from, to)
      return `<p class="source-of"><code>${path}</code>, lines ${lines.first} to ${lines.last}</p>\n${as(path.split('.').at(-1), lines.text)}`
    }
    return fence(tokens, i, options, env, self)
  }
}
